//! How far an import is: a bar on a terminal, plain lines elsewhere.

use import::{Phase, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    cell::RefCell,
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// How long no line is written at most.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A bar on a terminal, plain lines elsewhere.
#[derive(Default)]
pub(super) struct Drawing {
    bar: RefCell<Option<(Phase, ProgressBar)>>,
    line: RefCell<Option<(Phase, Instant)>>,
}

impl Drawing {
    pub(super) fn draw(&self, progress: &Progress) {
        if std::io::stderr().is_terminal() { self.bar(progress) } else { self.line(progress) }
    }

    fn bar(&self, progress: &Progress) {
        let mut bar = self.bar.borrow_mut();
        if bar.as_ref().is_none_or(|(phase, _)| *phase != progress.phase) {
            // Of the rows that are read nobody knows yet how many there are.
            let (new, style) = match progress.total {
                0 => (ProgressBar::new_spinner(), "{msg:>10} {spinner} {pos} rows"),
                total => (ProgressBar::new(total), "{msg:>10} [{bar:40}] {pos}/{len} {per_sec} {eta}"),
            };
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            *bar = Some((progress.phase, new.with_message(word(progress.phase)).with_style(style)));
        }
        if let Some((_, bar)) = &*bar {
            bar.set_position(progress.done);
        }
    }

    fn line(&self, progress: &Progress) {
        let mut line = self.line.borrow_mut();
        let due = line.is_none_or(|(phase, since)| phase != progress.phase || since.elapsed() >= SILENCE_MAX);
        if due || (progress.total > 0 && progress.done == progress.total) {
            *line = Some((progress.phase, Instant::now()));
            let Progress { phase, done, total } = progress;
            let words = match total {
                0 => format!("{}: {done} rows", word(*phase)),
                total => format!("{}: {done} of {total}", word(*phase)),
            };
            drop(writeln!(std::io::stderr(), "{words}")); // whoever closed it does not want to know
        }
    }

    pub(super) fn clear(&self) {
        if let Some((_, bar)) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Deciding => "deciding",
        Phase::Writing => "writing",
    }
}
