//! What tells the program to stop: Ctrl-C (INT), TERM and HUP.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// The signals of this process, taken from the making on. The second one ends the process at once.
pub(crate) struct Signals {
    told: watch::Receiver<Option<u8>>,
    /// Whether a command ends itself when it is told to.
    minded: AtomicBool,
}

impl Signals {
    /// Takes the signals.
    ///
    /// # Errors
    /// When the system does not give them.
    pub(crate) fn take() -> std::io::Result<Self> {
        let (tell, told) = watch::channel(None);
        for (number, kind) in [(1, SignalKind::hangup()), (2, SignalKind::interrupt()), (15, SignalKind::terminate())] {
            if number == 1 && hangups_are_ignored() {
                continue;
            }
            tokio::spawn(passed_on(signal(kind)?, number, tell.clone()));
        }
        Ok(Self { told, minded: AtomicBool::new(false) })
    }

    /// Ends when the process is told to stop: the signal's number.
    pub(crate) async fn told(&self) -> u8 {
        let mut told = self.told.clone();
        match told.wait_for(Option::is_some).await.map(|told| *told) {
            Ok(Some(number)) => number,
            _ => std::future::pending().await, // no signal can come any more
        }
    }

    /// From here on the command itself ends when it is told to.
    pub(crate) fn mind(&self) {
        self.minded.store(true, Ordering::Relaxed);
    }

    /// Ends when a command must be broken off, because it does not mind.
    pub(crate) async fn breaking(&self) -> u8 {
        let number = self.told().await;
        if self.minded.load(Ordering::Relaxed) { std::future::pending().await } else { number }
    }

    /// The signal that broke off a command which ended by itself in the meantime.
    pub(crate) fn broke(&self) -> Option<u8> {
        self.told.borrow().filter(|_| !self.minded.load(Ordering::Relaxed))
    }
}

/// The exit code of a process that a signal ended, as shells say it.
pub(crate) fn exit_code(number: u8) -> ExitCode {
    ExitCode::from(128 + number)
}

async fn passed_on(mut signal: Signal, number: u8, tell: watch::Sender<Option<u8>>) {
    while signal.recv().await.is_some() {
        if tell.borrow().is_some() {
            std::process::exit(128 + i32::from(number));
        }
        tell.send_replace(Some(number));
    }
}

/// Whether we were started with hangups ignored, as `nohup` does: then they stay ignored.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
