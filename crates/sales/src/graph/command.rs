//! Mutations are commands: what every input carries, and what every answer says.

use super::{
    id::{bad_input, in_field},
    view::{EffectiveInput, OutOfLog, Session, fault},
};
use crate::access::{self, Concerning};
use async_graphql::{Context, Error, ID, InputObject, MaybeUndefined, Result, Value};
use logbook::{AnyCommand, Correction, Failure, Receipt, Rejection, Source, StreamRef, Submission, Verb};
use std::sync::Arc;
use units::{Instant, Int64, Position, Text};
use uuid::Uuid;

/// What every command carries.
#[derive(Clone, Debug, InputObject)]
pub struct CommandFields {
    /// A UUID of the client's choice. The same id with the same input is taken down once and answered alike, however
    /// often it is sent; with another input it is refused (COMMAND_ID_REUSED).
    pub command_id: ID,
    /// The `version` of the object that the client saw last; another one is refused (CONFLICT). Any when left out.
    pub expected_version: Option<i32>,
    /// When it is true in the world. Left out: when what `correction.replaces` names is true, or else when it is recorded.
    /// A day means its first instant.
    pub effective_at: Option<EffectiveInput>,
    /// Why, for whoever reads the log later. A withdrawal must say it, here or in `correction`; not in both
    /// (INVALID_INPUT).
    pub reason: Option<String>,
    /// For whom the actor did it, when not for themselves.
    pub on_behalf_of: Option<String>,
    /// That it corrects what the log holds already.
    pub correction: Option<CorrectionInput>,
}

/// That a command corrects what the log holds already. Nothing is erased: what was believed before can still be read.
/// What stands in for an event says all of it anew, save the instant: without `effectiveAt` it is true when the event was.
#[derive(Clone, Debug, InputObject)]
pub struct CorrectionInput {
    /// The position of the event that it stands in for; left out, it is one that was forgotten.
    pub replaces: Option<Int64>,
    /// Why the log was wrong.
    pub reason: String,
}

/// A command on its way to the log.
pub(crate) struct Submitting<C> {
    pub(crate) kind: &'static str,
    /// The stream; `None`: a new one, its id made from the command's.
    pub(crate) id: Option<Uuid>,
    /// What it is about within its stream, when that is not the stream itself.
    pub(crate) row: Option<Uuid>,
    pub(crate) fields: CommandFields,
    pub(crate) verb: Asked<C>,
}

/// What is asked.
pub(crate) enum Asked<C> {
    Do(C),
    Withdraw(Position),
}

/// A user error before it has its slice's code: the code's name, the input field, the text.
pub(crate) type Problem = (&'static str, Option<Vec<String>>, String);

/// Why a command was not taken down.
pub enum NotDone {
    /// The login may not do it, for this reason.
    Forbidden(String),
    /// The log said no.
    Failed(Failure),
}

/// Puts a command to the log, when the login may. The outer error is a fault, the inner one is the user's.
pub(crate) async fn submit<C: AnyCommand + Concerning>(
    context: &Context<'_>,
    mut submitting: Submitting<C>,
) -> Result<Result<Receipt, NotDone>> {
    let session = Session::of(context)?;
    if let Some(why) = access::admit(session, context.field().name(), &mut submitting).await? {
        return Ok(Err(NotDone::Forbidden(why)));
    }
    let Submitting { kind, id, fields, verb, .. } = submitting;
    let command_id: Uuid =
        fields.command_id.parse().map_err(|_| in_field(bad_input("commandId must be a UUID"), "commandId"))?;
    let rejected = |rejection| Ok(Err(NotDone::Failed(Failure::Rejected(Arc::new(rejection)))));
    if fields.reason.is_some() && fields.correction.is_some() {
        return rejected(Rejection::TwoReasons);
    }
    if matches!(verb, Asked::Withdraw(_)) && fields.reason.is_none() && fields.correction.is_none() {
        return rejected(Rejection::NeedsReason);
    }
    let (reason, correction) = match fields.correction {
        Some(CorrectionInput { replaces, reason }) => {
            let correction = Correction { replaces: replaces.map(|position| Position(position.0)) };
            (Some(text(&reason, "correction.reason")?), Some(correction))
        }
        None => (fields.reason.as_deref().map(|reason| text(reason, "reason")).transpose()?, None),
    };
    let on_behalf_of = fields.on_behalf_of.as_deref().map(|name| text(name, "onBehalfOf")).transpose()?;
    let submission = Submission {
        command_id,
        stream: StreamRef { kind, id: id.unwrap_or_else(|| Uuid::new_v5(&command_id, kind.as_bytes())) },
        fresh: id.is_none(),
        verb: match verb {
            Asked::Do(command) => Verb::Do(Box::new(command)),
            Asked::Withdraw(position) => Verb::Withdraw(position),
        },
        expected_version: fields.expected_version.map(i64::from),
        effective_at: fields.effective_at.map(|effective| first_instant(session, &effective)).transpose()?,
        correction,
        context: logbook::Context {
            actor: session.login.to_string(),
            on_behalf_of,
            source: Source::Api,
            reason,
            correlation_id: None,
            causation_id: None,
            source_recorded_at: None,
        },
        recorded_at: None,
    };
    match session.logbook.submit(&session.tenant, submission).await {
        Err(Failure::Fault(error)) => Err(fault(&error)),
        answer => Ok(answer.map_err(NotDone::Failed)),
    }
}

fn text(written: &str, field: &str) -> Result<String> {
    Text::new(written).map(String::from).map_err(|error| in_field(bad_input(&error.to_string()), field))
}

/// The id of a thing that a command makes within a stream: the same however often the command is sent.
pub(crate) fn made_from(fields: &CommandFields, kind: &str) -> Result<Uuid> {
    let command_id: Uuid =
        fields.command_id.parse().map_err(|_| in_field(bad_input("commandId must be a UUID"), "commandId"))?;
    Ok(Uuid::new_v5(&command_id, kind.as_bytes()))
}

/// The instant that a command means: of a day its first one.
pub(crate) fn first_instant(session: &Session, effective: &EffectiveInput) -> Result<Instant> {
    let instant = match effective {
        EffectiveInput::At(instant) => *instant,
        EffectiveInput::Day(day) => session.tenant.zone.first_instant(day.0),
    };
    if units::in_calendar(instant) { Ok(instant) } else { Err(bad_input(&OutOfLog::Years.to_string())) }
}

/// The code and the text of a rejection that is no slice's own.
pub fn problem(rejection: &Rejection) -> Problem {
    let field = |name: &str| Some(vec!["input".to_owned(), name.to_owned()]);
    let (code, field) = match rejection {
        Rejection::Refused(_) => ("REFUSED", None),
        Rejection::NoLongerFits { .. } => ("NO_LONGER_FITS", None),
        Rejection::Conflict { .. } => ("CONFLICT", field("expectedVersion")),
        Rejection::CommandIdReused => ("COMMAND_ID_REUSED", field("commandId")),
        Rejection::NeedsCorrection { .. } => ("NEEDS_CORRECTION", field("correction")),
        Rejection::EffectiveInFuture { .. } => ("EFFECTIVE_IN_FUTURE", field("effectiveAt")),
        Rejection::OutOfYears { .. } => ("INVALID_INPUT", field("effectiveAt")),
        Rejection::NotStanding { withdrawing: true, .. } => ("NOT_STANDING", field("event")),
        Rejection::NotStanding { .. } => ("NOT_STANDING", field("correction")),
        Rejection::NothingInItsPlace { .. } => ("NOTHING_IN_ITS_PLACE", field("correction")),
        Rejection::NeedsReason | Rejection::TwoReasons => ("INVALID_INPUT", field("reason")),
        Rejection::NotSimulated => ("NOT_SIMULATED", None),
        Rejection::Busy => ("RETRY", None),
    };
    (code, field, rejection.to_string())
}

/// What is wrong with a command's input: the field, if it is about one, and the text.
///
/// # Errors
/// The error itself when it is none of the client's.
pub(crate) fn input_error(error: Error) -> Result<(Option<String>, String)> {
    let said = |name: &str| match error.extensions.as_ref()?.get(name)? {
        Value::String(said) => Some(said.clone()),
        _ => None,
    };
    match said("code").as_deref() {
        Some("BAD_USER_INPUT") => Ok((said("field"), error.message)),
        _ => Err(error),
    }
}

/// A value that must be said, be it null: left out, it would clear what the client may only have forgotten to name.
pub(crate) fn stated<T>(value: MaybeUndefined<T>, field: &str) -> Result<Option<T>> {
    match value {
        MaybeUndefined::Undefined => {
            Err(in_field(bad_input(&format!("{field} must be given: a value, or null to clear it")), field))
        }
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
    }
}

/// Makes the enum of a slice's error codes, its user errors, and the payload of its mutations.
macro_rules! mutations {
    (
        $object:ident, $node:literal, $field:ident: $code:ident, $error:ident, $payload:ident;
        $($(#[$doc:meta])* $refusal:ident),+ $(,)?
    ) => {
        /// Why a command was not taken down. More may be added: treat one you do not know like any other refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $code {
            /// The object has moved on since the client read it: read it again and decide anew.
            Conflict,
            /// The commandId was used before, for another request.
            CommandIdReused,
            /// It is earlier than what the log already says of the object: say it as a correction, with a reason.
            NeedsCorrection,
            /// It says that something has happened which has not come yet.
            EffectiveInFuture,
            /// A later event of the object would no longer fit; the message names the first.
            NoLongerFits,
            /// The event to replace or withdraw is not there, or was replaced or withdrawn itself.
            NotStanding,
            /// What replaces the event would say nothing: withdraw it instead.
            NothingInItsPlace,
            /// A value of the input is no such value; `field` names it.
            InvalidInput,
            /// The login's role does not allow it, by its role and the reporting lines of now.
            Forbidden,
            /// Too many commands are waiting: send it again, with the same commandId.
            Retry,
            $($(#[$doc])* $refusal,)+
        }

        /// What was wrong with a command. Nothing was written.
        #[derive(Clone, Debug, async_graphql::SimpleObject)]
        pub struct $error {
            /// Why, for programs.
            pub code: $code,
            /// The path to the input field that it is about; null when it is about none.
            pub field: Option<Vec<String>>,
            /// Why, for people.
            pub message: String,
        }

        impl $error {
            /// The user error of a failed command.
            pub fn of(not_done: &crate::graph::NotDone) -> Self {
                let failure = match not_done {
                    crate::graph::NotDone::Failed(failure) => failure,
                    crate::graph::NotDone::Forbidden(why) => {
                        return Self { code: $code::Forbidden, field: None, message: why.clone() };
                    }
                };
                let logbook::Failure::Rejected(rejection) = failure else {
                    return Self { code: $code::Retry, field: None, message: failure.to_string() };
                };
                if let Some(refusal) = rejection.refusal::<decide::Refusal>() {
                    let code = match refusal {
                        $(decide::Refusal::$refusal { .. } => $code::$refusal,)+
                    };
                    return Self { code, field: None, message: refusal.to_string() };
                }
                let (code, field, message) = crate::graph::problem(rejection);
                let code = match code {
                    "CONFLICT" => $code::Conflict,
                    "COMMAND_ID_REUSED" => $code::CommandIdReused,
                    "NEEDS_CORRECTION" => $code::NeedsCorrection,
                    "EFFECTIVE_IN_FUTURE" => $code::EffectiveInFuture,
                    "NO_LONGER_FITS" => $code::NoLongerFits,
                    "NOT_STANDING" => $code::NotStanding,
                    "NOTHING_IN_ITS_PLACE" => $code::NothingInItsPlace,
                    "RETRY" => $code::Retry,
                    _ => $code::InvalidInput,
                };
                Self { code, field, message }
            }

            /// The user error of an input value.
            pub fn invalid(field: &str, message: &impl std::fmt::Display) -> Self {
                let field = Some(vec!["input".to_owned(), field.to_owned()]);
                Self { code: $code::InvalidInput, field, message: message.to_string() }
            }
        }

        /// What a command came to: the object as it is now and the position of the event, or what was wrong.
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// The object as it is now, read after the command was committed; null when the command was not taken down, and
            /// when the object is not there now: it begins later, or it has ended.
            pub $field: Option<async_graphql::Result<$object>>,
            /// The position in the log of the command's last event; when it changed nothing, the head it was decided
            /// on; null when it was not taken down.
            pub position: Option<units::Int64>,
            /// What was wrong; empty when the command was taken down.
            pub user_errors: Vec<$error>,
        }

        impl $payload {
            fn refused(error: $error) -> Self {
                Self { $field: None, position: None, user_errors: vec![error] }
            }

            /// The answer of a command: what is wrong with its input is a user error, so that one command of a document
            /// leaves the answers of the others alone.
            pub(crate) async fn told(
                command: impl Future<Output = async_graphql::Result<Self>>,
            ) -> Option<async_graphql::Result<Self>> {
                Some(match command.await {
                    Err(error) => crate::graph::input_error(error).map(|(field, message)| {
                        let field = field.map(|field| vec!["input".to_owned(), field]);
                        Self::refused($error { code: $code::InvalidInput, field, message })
                    }),
                    answer => answer,
                })
            }
        }

        /// Puts a command of this slice to the log, and reads the object that it was about.
        async fn perform(
            context: &async_graphql::Context<'_>,
            id: Option<uuid::Uuid>,
            row: Option<uuid::Uuid>,
            fields: crate::graph::CommandFields,
            verb: crate::graph::Asked<decide::Command>,
        ) -> async_graphql::Result<$payload> {
            let kind = <State as logbook::Slice>::KIND;
            let submitting = crate::graph::Submitting { kind, id, row, fields, verb };
            Ok(match crate::graph::submit(context, submitting).await? {
                Ok(receipt) => {
                    let view = crate::graph::Session::of(context)?.after_command();
                    let row = row.unwrap_or(receipt.stream_id);
                    let found = $object::find(&view, row).await;
                    $payload {
                        $field: found.transpose(),
                        position: Some(units::Int64(receipt.last.0)),
                        user_errors: vec![],
                    }
                }
                Err(not_done) => $payload::refused($error::of(&not_done)),
            })
        }
    };
}
pub(crate) use mutations;
