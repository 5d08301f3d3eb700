//! The commands of logins. They hold from when they are recorded, and are not corrected: whom a key let in yesterday, it
//! let in.

use super::{
    super::{ApiKey, SECRET_BYTES, State, Subject, decide, decide::Command, key::sha256, link_id},
    Login,
};
use crate::{
    access,
    graph::{Asked, CommandFields, Key, Session, fault, listing::value, made_from, mutations},
};
use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use logbook::Slice;
use std::sync::atomic::{AtomicBool, Ordering};
use units::{Instant, Int64, PersonId, Personal, Text};
use uuid::Uuid;

/// Keys and links that open something, of one person or service: servers keep them all in memory.
const KEYS_MAX: i64 = 20;

mutations! {
    Login, "Login", login: LoginErrorCode, LoginUserError, LoginPayload;
    /// There is no such login.
    NotMade,
    /// There is a login of this id already.
    AlreadyMade,
    /// The subject stands for another person or service: revoke that login first.
    AlreadyLinked,
    /// There is no such person in the organisation now.
    UnknownPerson,
    /// The key would have expired before it was made.
    ExpiresInThePast,
}

/// Tells whoever keeps logins in memory that a request changed one. Given among a request's data.
#[derive(Debug, Default)]
pub struct Changed(AtomicBool);

impl Changed {
    /// Whether the request changed a login.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Whom a login stands for.
#[derive(Clone, Debug, OneofObject)]
pub enum LoginSubjectInput {
    /// A person of the organisation.
    Person(ID),
    /// A program, under this name: the log names it so.
    Service(String),
}

/// Makes a key.
#[derive(Clone, Debug, InputObject)]
struct KeyCreateInput {
    /// A UUID of the client's choice. The same id with the same input makes one key, however often it is sent.
    command_id: ID,
    /// Why, for whoever reads the log later.
    reason: Option<String>,
    /// What the key is called, to know it by later.
    name: String,
    /// Whom it stands for.
    subject: LoginSubjectInput,
    /// The first instant at which it opens nothing any more; never, if left out.
    expires_at: Option<Instant>,
}

/// Says whom the tokens of an issuer mean by a subject.
#[derive(Clone, Debug, InputObject)]
struct LoginLinkInput {
    /// A UUID of the client's choice. The same id with the same input is taken down once.
    command_id: ID,
    /// Why, for whoever reads the log later.
    reason: Option<String>,
    /// The `iss` of the tokens, letter by letter. The server must have been told to trust it.
    issuer: String,
    /// The `sub` of the tokens, letter by letter.
    subject_claim: String,
    /// Whom it stands for.
    subject: LoginSubjectInput,
}

/// Ends a login.
#[derive(Clone, Debug, InputObject)]
struct LoginRevokeInput {
    /// A UUID of the client's choice. The same id with the same input is taken down once.
    command_id: ID,
    /// Why, for whoever reads the log later.
    reason: Option<String>,
    /// The login.
    id: ID,
}

/// What the making of a key came to.
#[derive(SimpleObject)]
pub struct KeyPayload {
    /// The key, to be sent as `Authorization: Bearer`. It is shown this once, for it is not kept: null when the command had
    /// been answered before, and when it was not taken down.
    pub secret: Option<String>,
    /// Its login as it is now; null when the command was not taken down.
    pub login: Option<Result<Login>>,
    /// The position in the log of the command's event; null when it was not taken down.
    pub position: Option<Int64>,
    /// What was wrong; empty when the command was taken down.
    pub user_errors: Vec<LoginUserError>,
}

impl From<LoginPayload> for KeyPayload {
    fn from(LoginPayload { login, position, user_errors }: LoginPayload) -> Self {
        Self { secret: None, login, position, user_errors }
    }
}

fn fields(command_id: ID, reason: Option<String>) -> CommandFields {
    CommandFields {
        command_id,
        expected_version: None,
        effective_at: None,
        reason,
        on_behalf_of: None,
        correction: None,
    }
}

fn text(written: &str, field: &str) -> Result<Text, LoginUserError> {
    Text::new(written).map_err(|error| LoginUserError::invalid(field, &error))
}

fn subject(given: &LoginSubjectInput) -> Result<Result<Subject, LoginUserError>> {
    Ok(match given {
        LoginSubjectInput::Person(id) => Ok(Subject::Person(PersonId(Key::given(id, "Person", "subject")?))),
        LoginSubjectInput::Service(name) => text(name, "subject").map(Subject::Service),
    })
}

fn changed(context: &Context<'_>, position: Option<Int64>) {
    if position.is_some()
        && let Some(changed) = context.data_opt::<std::sync::Arc<Changed>>()
    {
        changed.0.store(true, Ordering::Release);
    }
}

fn drawn() -> Result<[u8; SECRET_BYTES]> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| {
        tracing::error!(%error, "the system gives no randomness");
        async_graphql::Error::new("the system gives no randomness for a secret")
    })?;
    Ok(secret)
}

/// Commands of logins.
#[derive(Default)]
pub struct LoginMutations;

/// Commands of logins.
#[Object]
impl LoginMutations {
    /// Makes an API key. A person or a service has at most 20 that open something (INVALID_INPUT, field `subject`). It
    /// opens the tenant's data at once at the server that made it, and within about a second at others.
    async fn key_create(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: KeyCreateInput,
    ) -> Option<Result<KeyPayload>> {
        match made(context, input).await {
            Err(error) => LoginPayload::told(async { Err(error) }).await.map(|told| told.map(KeyPayload::from)),
            made => Some(made),
        }
    }

    /// Says whom the tokens of the trusted issuer mean by a subject: a person of the tenant, or a service.
    async fn login_link(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: LoginLinkInput,
    ) -> Option<Result<LoginPayload>> {
        LoginPayload::told(async {
            let issuer = value!(LoginPayload, text(&input.issuer, "issuer"));
            let subject_claim = value!(LoginPayload, text(&input.subject_claim, "subjectClaim"));
            let subject = value!(LoginPayload, subject(&input.subject)?);
            let id = link_id(issuer.as_str(), subject_claim.as_str());
            let link = Command::Link { issuer, subject_claim: Personal(subject_claim), subject };
            put(context, id, fields(input.command_id, input.reason), link).await
        })
        .await
    }

    /// Ends a login. Every server refuses it within five seconds, the one that did it at once unless it cannot read its
    /// database just then.
    async fn login_revoke(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: LoginRevokeInput,
    ) -> Option<Result<LoginPayload>> {
        LoginPayload::told(async {
            let id = Key::given(&input.id, "Login", "id")?;
            put(context, id, fields(input.command_id, input.reason), Command::Revoke).await
        })
        .await
    }
}

/// Puts a command to a login that is there, or to a token's subject.
async fn put(context: &Context<'_>, id: Uuid, fields: CommandFields, command: Command) -> Result<LoginPayload> {
    let payload = perform(context, Some(id), None, fields, Asked::Do(command)).await?;
    changed(context, payload.position);
    Ok(payload)
}

/// Whether whom a key would stand for has as many as it may have, the key itself not counted: the command may be sent anew.
/// Who may not see them is refused for that, not for their number.
async fn has_enough(context: &Context<'_>, subject: &Subject, key: Uuid) -> Result<bool> {
    let (person, service) = match subject {
        Subject::Person(person) => (Some(person.0), None),
        Subject::Service(name) => (None, Some(name.as_str())),
    };
    let view = Session::of(context)?.now().await;
    if !view.access().await?.may_see_login(person) {
        return Ok(false);
    }
    let seen = view.seen().await?;
    let sql = include_str!("../sql/logins_of_count.sql");
    let rows = view.reads().rows_as_of(sql, seen, &[&seen.effective, &person, &service, &key]).await;
    let rows = rows.map_err(|error| fault(&error))?;
    Ok(rows.first().is_some_and(|row| row.get::<_, i64>(0) >= KEYS_MAX))
}

async fn made(context: &Context<'_>, input: KeyCreateInput) -> Result<KeyPayload> {
    let name = value!(KeyPayload, text(&input.name, "name"));
    let subject = value!(KeyPayload, subject(&input.subject)?);
    let fields = fields(input.command_id, input.reason);
    if has_enough(context, &subject, made_from(&fields, State::KIND)?).await? {
        let message = format!("it has {KEYS_MAX} keys that open something: revoke one first");
        return Ok(KeyPayload::refused(LoginUserError::invalid("subject", &message)));
    }
    let secret = drawn()?;
    let secret_sha256 = sha256(&secret);
    let make = Command::MakeKey { name, subject, expires_at: input.expires_at, secret_sha256 };
    let mut payload = KeyPayload::from(perform(context, None, None, fields, Asked::Do(make)).await?);
    changed(context, payload.position);
    if let Some(Ok(login)) = &payload.login {
        let key = ApiKey::new(Session::of(context)?.tenant.id, login.id, secret);
        // Another secret is kept when the command had been answered before.
        let kept = login.row.secret_sha256.as_deref().is_some_and(|kept| key.opens(kept));
        payload.secret = kept.then(|| key.written());
    }
    Ok(payload)
}

impl From<Subject> for access::Login {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Person(person) => Self::Person(person),
            Subject::Service(name) => Self::Service(name),
        }
    }
}

impl KeyPayload {
    fn refused(error: LoginUserError) -> Self {
        LoginPayload::refused(error).into()
    }
}
