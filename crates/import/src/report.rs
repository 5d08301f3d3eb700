//! What an import came to, for people and for programs.

use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use uuid::Uuid;

/// Rejects that are told one by one; the others are only counted.
pub(crate) const REJECTS_TOLD_MAX: usize = 1_000;
/// Lines of one kind that the text tells.
const TOLD_MAX: usize = 20;

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The import's id: `quarterdeck import revert` takes it back.
    pub import_id: Uuid,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Rows read, by file; blank ones are not among them.
    pub rows_read: BTreeMap<String, u64>,
    /// What became of the rows of each file: together they are the rows read.
    pub rows: BTreeMap<String, Rows>,
    /// Rows with nothing in any column, by file: passed over.
    pub blank_rows: BTreeMap<String, u64>,
    /// Events appended (in a dry run: that would be), by type.
    pub events_appended: BTreeMap<String, u64>,
    /// Changes that the log held already.
    pub already_known: u64,
    /// Events that were replaced, since the source now says something else.
    pub replaced: u64,
    /// Events that were withdrawn, since the source no longer says them.
    pub withdrawn: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// How many of each file.
    pub rejected_by_file: BTreeMap<String, u64>,
    /// The first of them, each with its reason.
    pub rejects: Vec<Reject>,
    /// Rows that were decided on, and that somebody else's change in the meantime kept from being written.
    pub overtaken: u64,
    /// Rows of which people said something else by hand, which stands.
    pub kept_by_people: u64,
    /// The first of them, each with what people said.
    pub kept: Vec<Reject>,
    /// Values that were assumed, by field, in the rows of the files.
    pub assumed: BTreeMap<String, u64>,
    /// Rows of the files whose closing precedes their opening.
    pub conflicts: u64,
    /// What somebody should look at.
    pub warnings: Vec<String>,
    /// The log's head before it and after it.
    pub head: (i64, i64),
    #[serde(skip)]
    pub(crate) outcomes: BTreeMap<String, HashMap<u64, Outcome>>,
    #[serde(skip)]
    pub(crate) parts: Vec<(Arc<str>, u64, Outcome)>,
}

/// What became of the rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// What they tell of was not in the log before.
    pub new: u64,
    /// What they tell of was there, and is another thing now.
    pub changed: u64,
    /// All that they tell was known.
    pub known: u64,
    /// They were not taken in.
    pub rejected: u64,
    /// People said something else by hand, and that stands.
    pub kept_by_people: u64,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Known,
    New,
    Changed,
    Kept,
    Rejected,
}

/// A row, or a part of one, that was not taken in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reject {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The column; empty when it is about the whole row.
    pub column: String,
    /// The value, cut to 100 characters.
    pub value: String,
    /// The rule that it breaks.
    pub rule: String,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Reject { file, line, column, value, rule } = self;
        match column.as_str() {
            "" => write!(out, "{file}, line {line}: {rule}"),
            column => write!(out, "{file}, line {line}, {column} = \"{value}\": {rule}"),
        }
    }
}

impl Report {
    pub(crate) fn reject(&mut self, reject: Reject) {
        if self.outcome(&reject.file, reject.line, Outcome::Rejected) {
            self.rejected += 1;
            *self.rejected_by_file.entry(reject.file.clone()).or_default() += 1;
        }
        if self.rejects.len() < REJECTS_TOLD_MAX {
            self.rejects.push(reject);
        }
    }

    pub(crate) fn keep(&mut self, kept: Reject) {
        self.kept_by_people += u64::from(self.outcome(&kept.file, kept.line, Outcome::Kept));
        if self.kept.len() < REJECTS_TOLD_MAX {
            self.kept.push(kept);
        }
    }

    /// Notes what became of a row, or of a part of it; whether that is what is now said of the row and was not before.
    pub(crate) fn outcome(&mut self, file: &str, line: u64, part: Outcome) -> bool {
        if !self.outcomes.contains_key(file) {
            self.outcomes.insert(file.to_owned(), HashMap::new());
        }
        let Some(lines) = self.outcomes.get_mut(file) else { return false };
        let before = lines.get(&line).copied();
        let now = match (before, part) {
            (None, part) => part,
            (Some(Outcome::Rejected), _) | (_, Outcome::Rejected) => Outcome::Rejected,
            (Some(Outcome::Kept), _) | (_, Outcome::Kept) => Outcome::Kept,
            // Of what is new all parts are; of what was known one part may be.
            (Some(Outcome::Known), Outcome::New) => Outcome::Changed,
            (Some(Outcome::Known), part) => part,
            (Some(before), _) => before,
        };
        lines.insert(line, now);
        before != Some(now)
    }

    /// Notes what became of something that a row tells besides what it is about: it counts after that.
    pub(crate) fn part(&mut self, file: &Arc<str>, line: u64, part: Outcome) {
        self.parts.push((Arc::clone(file), line, part));
    }

    /// Counts what became of the rows.
    pub(crate) fn count_rows(&mut self) {
        for (file, line, part) in std::mem::take(&mut self.parts) {
            self.outcome(&file, line, part);
        }
        self.rows = self.rows_read.keys().map(|file| (file.clone(), Rows::default())).collect();
        for (file, outcomes) in &self.outcomes {
            let Some(rows) = self.rows.get_mut(file) else { continue };
            for outcome in outcomes.values() {
                let count = match outcome {
                    Outcome::Known => &mut rows.known,
                    Outcome::New => &mut rows.new,
                    Outcome::Changed => &mut rows.changed,
                    Outcome::Kept => &mut rows.kept_by_people,
                    Outcome::Rejected => &mut rows.rejected,
                };
                *count += 1;
            }
        }
    }

    /// The report as lines for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| text.extend([words.as_str(), "\n"]);
        let verb = if self.dry_run { "would be appended (dry run: nothing was written)" } else { "appended" };
        line(format!("import {}", self.import_id));
        for (file, read) in &self.rows_read {
            line(format!("  {read:>9} rows read from {file}"));
            if let Some(Rows { new, changed, known, rejected, kept_by_people }) = self.rows.get(file) {
                line(format!(
                    "              {new} new, {changed} changed, {known} known, {rejected} rejected, {kept_by_people} kept \
                     as people said"
                ));
            }
            if let Some(blank) = self.blank_rows.get(file) {
                line(format!("              {blank} blank rows passed over"));
            }
        }
        let appended: u64 = self.events_appended.values().sum();
        line(format!("  {appended:>9} events {verb}"));
        for (kind, count) in &self.events_appended {
            line(format!("  {count:>9}   {kind}"));
        }
        line(format!("  {:>9} changes already known", self.already_known));
        line(format!("  {:>9} events replaced, {} withdrawn", self.replaced, self.withdrawn));
        line(format!("  {:>9} rows rejected", self.rejected));
        for reject in self.rejects.iter().take(TOLD_MAX) {
            line(format!("              {reject}"));
        }
        if self.rejects.len() > TOLD_MAX {
            line("              ... the JSON report tells more of them".to_owned());
        }
        if self.overtaken > 0 {
            line(format!("  {:>9} of them were changed by somebody in the meantime", self.overtaken));
        }
        line(format!("  {:>9} rows kept as people said", self.kept_by_people));
        for kept in self.kept.iter().take(TOLD_MAX) {
            line(format!("              {kept}"));
        }
        for (field, count) in &self.assumed {
            line(format!("  {count:>9} rows with an assumed value: {field}"));
        }
        line(format!("  {:>9} rows whose closing precedes their opening", self.conflicts));
        for warning in &self.warnings {
            line(format!("  warning: {warning}"));
        }
        line(format!("  the log's head went from {} to {}", self.head.0, self.head.1));
        text.truncate(text.trim_end().len());
        text
    }
}

/// What taking an import back came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reverted {
    /// Events that were withdrawn.
    pub withdrawn: u64,
    /// Events that were withdrawn or replaced before.
    pub gone_before: u64,
    /// Events that could not be withdrawn: their positions, and why.
    pub refused: Vec<(i64, String)>,
}

impl Reverted {
    /// The report as lines for people.
    pub fn to_text(&self) -> String {
        let mut text = format!("withdrew {} events; {} were gone before", self.withdrawn, self.gone_before);
        if !self.refused.is_empty() {
            text.push_str(&format!("; {} stay", self.refused.len()));
        }
        for (position, why) in self.refused.iter().take(TOLD_MAX) {
            text.push_str(&format!("\n  the event at position {position} stays: {why}"));
        }
        if self.refused.len() > TOLD_MAX {
            text.push_str(&format!("\n  ... and {} more", self.refused.len() - TOLD_MAX));
        }
        text
    }
}

/// What an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the files.
    Reading,
    /// Comparing with the log and deciding.
    Deciding,
    /// Appending.
    Writing,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// How many rows or commands are done.
    pub done: u64,
    /// Of how many; 0 while nobody knows.
    pub total: u64,
}
