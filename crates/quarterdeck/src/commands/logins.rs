//! Keys and links: the same mutations that the API has, asked of the schema in this process, as `local`.

use super::{Problem, Visit, say};
use crate::{
    cli::{KeyCommand, LoginCommand, SubjectArgs},
    database::{Purpose, Settings},
    schema::{Quarterdeck, schema},
};
use async_graphql::{Request, Variables};
use logbook::{Logbook, Tenant, fresh_id};
use sales::{access::Login, graph::Session};
use serde_json::{Value, json};
use std::{process::ExitCode, sync::Arc};
use units::Instant;
use uuid::Uuid;

/// Makes, lists or revokes keys.
pub(super) async fn key(settings: &Settings, command: KeyCommand) -> Result<ExitCode, Problem> {
    let (KeyCommand::Create { tenant, .. } | KeyCommand::List { tenant } | KeyCommand::Revoke { tenant, .. }) =
        &command;
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async {
        let desk = Desk::of(&visit, tenant).await?;
        match &command {
            KeyCommand::Create { name, subject, expires, .. } => desk.create(name, subject, expires.as_deref()).await,
            KeyCommand::List { .. } => desk.list().await,
            KeyCommand::Revoke { id, .. } => desk.revoke(*id).await,
        }
    };
    let done = done.await;
    visit.database.leave().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// Says whom tokens mean.
pub(super) async fn login(settings: &Settings, command: LoginCommand) -> Result<ExitCode, Problem> {
    let LoginCommand::Link { tenant, issuer, subject, stands_for } = command;
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async { Desk::of(&visit, &tenant).await?.link(&issuer, &subject, &stands_for).await };
    let done = done.await;
    visit.database.leave().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// Where a tenant's logins are kept.
struct Desk {
    schema: Quarterdeck,
    logbook: Arc<Logbook>,
    tenant: Tenant,
}

impl Desk {
    async fn of(visit: &Visit, tenant: &str) -> Result<Self, Problem> {
        let tenant = visit.tenant(tenant).await?;
        Ok(Self { schema: schema(), logbook: Arc::clone(&visit.logbook), tenant })
    }

    async fn create(&self, name: &str, subject: &SubjectArgs, expires: Option<&str>) -> Result<(), Problem> {
        let expires_at = expires.map(|expires| self.instant(expires)).transpose()?;
        let input = json!({ "commandId": fresh_id().to_string(), "name": name, "subject": self.subject(subject).await?,
            "expiresAt": expires_at.map(|at| at.to_rfc3339()) });
        let document = "mutation($input: KeyCreateInput!) { done: keyCreate(input: $input) {
            secret login { key } userErrors { message } } }";
        let made = self.tell(document, input).await?;
        let (secret, id) = (text(&made["secret"]), text(&made["login"]["key"]));
        say(&format!("{secret}\n\nThis is the key {id}. It is shown this once: keep it where secrets are kept."));
        Ok(())
    }

    async fn list(&self) -> Result<(), Problem> {
        let document = "query($after: String) { logins(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
            nodes { key name kind status service issuer expiresAt person { name } } } }";
        let mut after = Value::Null;
        loop {
            let page = self.ask(document, json!({ "after": after })).await?;
            for login in page["logins"]["nodes"].as_array().into_iter().flatten() {
                let of = if login["person"].is_null() { &login["service"] } else { &login["person"]["name"] };
                let shown = [&login["key"], &login["kind"], &login["status"], &login["name"], of, &login["expiresAt"]];
                say(&shown.map(text).join("\t"));
            }
            let place = &page["logins"]["pageInfo"];
            if place["hasNextPage"] != true {
                return Ok(());
            }
            after = place["endCursor"].clone();
        }
    }

    async fn revoke(&self, id: Uuid) -> Result<(), Problem> {
        let input = json!({ "commandId": fresh_id().to_string(), "id": id.to_string() });
        let document = "mutation($input: LoginRevokeInput!) { done: loginRevoke(input: $input) {
            login { name } userErrors { message } } }";
        let revoked = self.tell(document, input).await?;
        say(&format!("revoked {}: running servers refuse it within five seconds", text(&revoked["login"]["name"])));
        Ok(())
    }

    async fn link(&self, issuer: &str, subject_claim: &str, stands_for: &SubjectArgs) -> Result<(), Problem> {
        let input = json!({ "commandId": fresh_id().to_string(), "issuer": issuer, "subjectClaim": subject_claim,
            "subject": self.subject(stands_for).await? });
        let document = "mutation($input: LoginLinkInput!) { done: loginLink(input: $input) {
            login { key } userErrors { message } } }";
        let linked = self.tell(document, input).await?;
        say(&format!("linked {subject_claim} of {issuer} ({})", text(&linked["login"]["key"])));
        Ok(())
    }

    /// A mutation named `done`: what it came to.
    async fn tell(&self, document: &str, input: Value) -> Result<Value, Problem> {
        let mut done = self.ask(document, json!({ "input": input })).await?["done"].take();
        match done["userErrors"][0]["message"].as_str() {
            Some(message) => Err(Problem::Told(message.to_owned())),
            None => Ok(done.take()),
        }
    }

    async fn ask(&self, document: &str, variables: Value) -> Result<Value, Problem> {
        let session = Arc::new(Session::new(Arc::clone(&self.logbook), self.tenant.clone(), Login::Local));
        let request = Request::new(document).variables(Variables::from_json(variables)).data(Arc::clone(&session));
        let answer = self.schema.execute(request).await;
        session.finish().await;
        match answer.errors.first() {
            Some(error) => Err(Problem::Told(error.message.clone())),
            None => answer.data.into_json().map_err(|error| Problem::Told(error.to_string())),
        }
    }

    /// The input that says whom a login stands for.
    async fn subject(&self, args: &SubjectArgs) -> Result<Value, Problem> {
        match (&args.person, &args.service) {
            (Some(person), _) if person.contains('@') => Ok(json!({ "person": self.person(person).await? })),
            (Some(person), _) => Ok(json!({ "person": person })),
            (None, service) => Ok(json!({ "service": service })),
        }
    }

    /// The one person of an address.
    async fn person(&self, email: &str) -> Result<Value, Problem> {
        let document = "query($after: String) { people(first: 100, after: $after, filter: { status: [ACTIVE] }) {
            pageInfo { hasNextPage endCursor } nodes { key email } } }";
        let (mut after, mut found) = (Value::Null, vec![]);
        loop {
            let page = self.ask(document, json!({ "after": after })).await?;
            let people = page["people"]["nodes"].as_array().into_iter().flatten();
            let of = |person: &&Value| person["email"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(email));
            found.extend(people.filter(of).map(|person| person["key"].clone()));
            let place = &page["people"]["pageInfo"];
            if place["hasNextPage"] != true {
                break;
            }
            after = place["endCursor"].clone();
        }
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => Err(Problem::Told(format!("nobody in the organisation has the address {email}"))),
            _ => Err(Problem::Told(format!("several people have the address {email}: name one by key"))),
        }
    }

    /// An instant, or the first one of a day.
    fn instant(&self, written: &str) -> Result<Instant, Problem> {
        let day = written.parse().map(|day| self.tenant.zone.first_instant(day)).ok();
        let instant = || chrono::DateTime::parse_from_rfc3339(written).ok().map(|at| at.to_utc());
        day.or_else(instant).ok_or_else(|| {
            Problem::Told(format!("\"{written}\" is neither a day (2027-01-31) nor an instant (2027-01-31T12:00:00Z)"))
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}
