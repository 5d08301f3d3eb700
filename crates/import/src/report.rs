//! What an import came to, for people and for programs.

use serde::Serialize;
use std::collections::BTreeMap;
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
    /// Rows read, by file.
    pub rows_read: BTreeMap<String, u64>,
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
    /// Values that were assumed, by field.
    pub assumed: BTreeMap<String, u64>,
    /// Rows whose closing precedes their opening.
    pub conflicts: u64,
    /// What somebody should look at.
    pub warnings: Vec<String>,
    /// The log's head before it and after it.
    pub head: (i64, i64),
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

impl Report {
    pub(crate) fn reject(&mut self, reject: Reject) {
        self.rejected += 1;
        *self.rejected_by_file.entry(reject.file.clone()).or_default() += 1;
        if self.rejects.len() < REJECTS_TOLD_MAX {
            self.rejects.push(reject);
        }
    }

    /// The report as lines for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| text.extend([words.as_str(), "\n"]);
        let verb = if self.dry_run { "would be appended (dry run: nothing was written)" } else { "appended" };
        line(format!("import {}", self.import_id));
        for (file, rows) in &self.rows_read {
            line(format!("  {rows:>9} rows read from {file}"));
        }
        let appended: u64 = self.events_appended.values().sum();
        line(format!("  {appended:>9} events {verb}"));
        for (kind, count) in &self.events_appended {
            line(format!("  {count:>9}   {kind}"));
        }
        line(format!("  {:>9} changes already known", self.already_known));
        line(format!("  {:>9} events replaced, {} withdrawn", self.replaced, self.withdrawn));
        line(format!("  {:>9} rows rejected", self.rejected));
        for Reject { file, line: at, column, value, rule } in self.rejects.iter().take(20) {
            line(format!("              {file}, line {at}, {column} = \"{value}\": {rule}"));
        }
        if self.rejects.len() > 20 {
            line("              ... the JSON report tells more of them".to_owned());
        }
        for (field, count) in &self.assumed {
            line(format!("  {count:>9} values assumed: {field}"));
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
    /// Of how many.
    pub total: u64,
}
