//! What a request may ask for at most: how large a document, how costly, how often, how long. Whatever is counted is
//! counted before anything is executed, tokens even before the document is parsed; each refusal names the limit, its
//! value and what was found.

pub mod cost;
pub mod rates;
pub mod shape;
#[cfg(test)]
mod tests;
pub mod tokens;

use async_graphql::{ErrorExtensionValues, ServerError};
use clap::Args;
use std::{fmt, time::Duration};

/// The limits of a request, each a flag and a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Limits {
    /// Tokens of a document at most
    #[arg(long = "limit-tokens", env = "QUARTERDECK_LIMIT_TOKENS", default_value_t = DEFAULT.tokens, value_name = "N")]
    pub tokens: u64,
    /// Levels of fields at most; what code generators ask of the schema needs 15
    #[arg(long = "limit-depth", env = "QUARTERDECK_LIMIT_DEPTH", default_value_t = DEFAULT.depth, value_name = "N")]
    pub depth: u64,
    /// Fields at most, those of a fragment counted wherever it is spread
    #[arg(long = "limit-fields", env = "QUARTERDECK_LIMIT_FIELDS", default_value_t = DEFAULT.fields, value_name = "N")]
    pub fields: u64,
    /// Aliases at most
    #[arg(long = "limit-aliases", env = "QUARTERDECK_LIMIT_ALIASES", default_value_t = DEFAULT.aliases, value_name = "N")]
    pub aliases: u64,
    /// Questions of one query at most
    #[arg(
        long = "limit-root-fields",
        env = "QUARTERDECK_LIMIT_ROOT_FIELDS",
        default_value_t = DEFAULT.root_fields,
        value_name = "N"
    )]
    pub root_fields: u64,
    /// Commands of one mutation at most
    #[arg(
        long = "limit-commands",
        env = "QUARTERDECK_LIMIT_COMMANDS",
        default_value_t = DEFAULT.commands,
        value_name = "N"
    )]
    pub commands: u64,
    /// Directives at most
    #[arg(
        long = "limit-directives",
        env = "QUARTERDECK_LIMIT_DIRECTIVES",
        default_value_t = DEFAULT.directives,
        value_name = "N"
    )]
    pub directives: u64,
    /// Errors told in one answer at most
    #[arg(long = "limit-errors", env = "QUARTERDECK_LIMIT_ERRORS", default_value_t = DEFAULT.errors, value_name = "N")]
    pub errors: usize,
    /// Cost of a request at most: the objects that it may bring, lists counted by their `first` or `last`
    #[arg(long = "limit-cost", env = "QUARTERDECK_LIMIT_COST", default_value_t = DEFAULT.cost, value_name = "N")]
    pub cost: u64,
    /// Seconds that a request may take, in PostgreSQL too
    #[arg(
        long = "limit-seconds",
        env = "QUARTERDECK_LIMIT_SECONDS",
        default_value_t = DEFAULT.seconds,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=600)
    )]
    pub seconds: u32,
    /// Requests that run at once at most; more are told to come again
    #[arg(
        long = "limit-running",
        env = "QUARTERDECK_LIMIT_RUNNING",
        default_value_t = DEFAULT.running,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub running: u32,
}

const DEFAULT: Limits = Limits {
    tokens: 2_000,
    depth: 15,
    fields: 5_000,
    aliases: 30,
    root_fields: 20,
    commands: 10,
    directives: 50,
    errors: 10,
    cost: 10_000,
    seconds: 10,
    running: 256,
};

impl Default for Limits {
    fn default() -> Self {
        DEFAULT
    }
}

impl Limits {
    /// How long a request may take, reading its body included.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// How the server deals with what it is asked, beyond the limits of one request.
#[derive(Clone, Debug, Default, Args)]
pub struct Walls {
    /// The limits of one request.
    #[command(flatten)]
    pub limits: Limits,
    /// How often one may ask.
    #[command(flatten)]
    pub rates: rates::RateArgs,
    /// Whether the schema tells what it is made of.
    #[arg(
        long = "introspection",
        env = "QUARTERDECK_INTROSPECTION",
        default_value = "on",
        value_name = "on|off",
        help = "Whether __schema and __type are answered"
    )]
    pub introspection: Switch,
    /// Whether an error about an unknown name suggests a known one.
    #[arg(
        long = "suggestions",
        env = "QUARTERDECK_SUGGESTIONS",
        default_value = "off",
        value_name = "on|off",
        help = "Whether an error about an unknown field suggests known ones"
    )]
    pub suggestions: Suggestions,
}

/// On unless switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// It is.
    #[default]
    On,
    /// It is not.
    Off,
}

/// Off unless switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Suggestions {
    /// They are made.
    On,
    /// They are not: whoever does not know the schema learns nothing of it.
    #[default]
    Off,
}

/// A limit, and how far a request went beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which limit.
    pub limit: &'static str,
    /// Its value.
    pub max: u64,
    /// What was found.
    pub actual: u64,
}

impl Exceeded {
    /// Refuses what is more than a limit admits.
    ///
    /// # Errors
    /// When it is more.
    pub fn beyond(limit: &'static str, max: u64, actual: u64) -> Result<(), Self> {
        if actual > max { Err(Self { limit, max, actual }) } else { Ok(()) }
    }

    /// As the API tells it.
    pub fn error(&self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", "QUERY_TOO_LARGE");
        extensions.set("limit", self.limit);
        extensions.set("max", self.max);
        extensions.set("actual", self.actual);
        let mut error = ServerError::new(self.to_string(), None);
        error.extensions = Some(extensions);
        error
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "The request is too large: {} {}, at most {} are taken.", self.limit, self.actual, self.max)
    }
}
