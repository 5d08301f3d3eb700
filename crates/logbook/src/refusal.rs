use std::{any::Any, error::Error, fmt};
use units::{Instant, Position};

/// A slice's refusal, whichever slice's it is.
pub trait AnyRefusal: Error + Send + Sync + 'static {
    /// The refusal as its own type.
    fn as_any(&self) -> &dyn Any;
}

impl<R: Error + Send + Sync + 'static> AnyRefusal for R {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Why a command was not taken down. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The slice's rules say no.
    #[error("{0}")]
    Refused(Box<dyn AnyRefusal>),
    /// A later event of the stream would no longer fit.
    #[error("the event at position {position} would no longer fit: {refusal}")]
    NoLongerFits {
        /// The first event that would not.
        position: Position,
        /// Why.
        refusal: Box<dyn AnyRefusal>,
    },
    /// The stream has moved on since the client read it.
    #[error("expected version {expected} of the stream, but it is at version {actual}")]
    Conflict {
        /// What the client expected.
        expected: i64,
        /// What it is.
        actual: i64,
    },
    /// The command id belongs to another request.
    #[error("the commandId was used before, for another request")]
    CommandIdReused,
    /// It is earlier than what the stream already holds.
    #[error("the stream already holds something later than {effective}: say it as a correction, with a reason")]
    NeedsCorrection {
        /// When the command is said to be true.
        effective: Instant,
    },
    /// Progress is not made in the future.
    #[error("{effective} has not come yet: this can be said of the past and the present only")]
    EffectiveInFuture {
        /// When the command is said to be true.
        effective: Instant,
    },
    /// A year that the calendar of the log does not have.
    #[error("{effective} is no instant of the log: its years are 0001 to 9999, in UTC")]
    OutOfYears {
        /// When the command is said to be true.
        effective: Instant,
    },
    /// No such position in the stream, or nothing that stands there.
    #[error("no event that stands at position {position} in this stream: {why}")]
    NotStanding {
        /// The position asked for.
        position: Position,
        /// What is there instead.
        why: &'static str,
        /// Whether it was to be withdrawn; else it was to be replaced.
        withdrawing: bool,
    },
    /// The replacement says nothing new, so that what it replaces would just vanish.
    #[error("in place of the event at position {position} this would say nothing: withdraw that event instead")]
    NothingInItsPlace {
        /// The event that was to be replaced.
        position: Position,
    },
    /// A withdrawal corrects the log, and says no reason.
    #[error("to withdraw an event is a correction: say why, as reason")]
    NeedsReason,
    /// Two places for one reason.
    #[error("the reason is said twice, as reason and as correction.reason: say it once")]
    TwoReasons,
    /// A driven clock outside a simulated log.
    #[error("only a log that began as simulated takes a driven clock")]
    NotSimulated,
    /// Too many commands are waiting.
    #[error("too many commands are waiting for this tenant: try again in a moment")]
    Busy,
}

impl Rejection {
    /// The refusal of a slice, if that is what it is.
    pub fn refusal<R: 'static>(&self) -> Option<&R> {
        match self {
            // The box itself is `Error` too: look behind it, or it would answer for its own type.
            Rejection::Refused(refusal) => (**refusal).as_any().downcast_ref(),
            _ => None,
        }
    }
}

/// Something broke that is nobody's doing: its text for the public is constant, its source goes to the log.
#[derive(Debug)]
pub struct Fault {
    source: Box<dyn Error + Send + Sync>,
    doing: &'static str,
}

impl Fault {
    /// A fault met while doing something.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), doing }
    }

    /// What was being done.
    pub fn doing(&self) -> &'static str {
        self.doing
    }

    /// What is behind it, when it is of this type.
    pub fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }

    /// The error of PostgreSQL behind it, if there is one.
    pub fn postgres(&self) -> Option<&tokio_postgres::Error> {
        self.cause()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.doing, self.source)?;
        let mut cause = self.source.source();
        while let Some(deeper) = cause {
            write!(out, ": {deeper}")?;
            cause = deeper.source();
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::new("asking PostgreSQL", error)
    }
}

impl From<deadpool_postgres::PoolError> for Fault {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::new("connecting to PostgreSQL", error)
    }
}
