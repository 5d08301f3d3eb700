//! How a login becomes its rows, and what it reads of others.

use super::decide::{Command, Credential, Facts, Login, Status, Subject};
use crate::{facts, schedule};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::{Instant, Personal};
use uuid::Uuid;

/// The columns of `login_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// live or revoked; a live key may have expired.
    pub status: Status,
    /// What a key is called; of a link, the subject that the tokens name.
    pub name: String,
    /// The name in lower case, for finding by prefix.
    pub name_folded: String,
    /// The person that it stands for; null when it is a service.
    pub person_id: Option<Uuid>,
    /// The service that it stands for; null when it is a person.
    pub service: Option<String>,
    /// What is kept of a key's secret, in hex; null of a link.
    pub secret_sha256: Option<String>,
    /// Whose tokens; null of a key.
    pub issuer: Option<String>,
    /// The `sub` of the tokens; null of a key.
    pub subject_claim: Option<String>,
    /// The first instant at which a key opens nothing any more; null when it never expires.
    pub expires_at: Option<Instant>,
    /// When it was recorded.
    pub made_at: Instant,
}

impl Row {
    /// The row of a login; `None` before it was made.
    pub fn of(login: &Login) -> Option<Self> {
        let (name, secret_sha256, expires_at, issuer, subject_claim) = match login.credential.clone()? {
            Credential::Key { name, secret_sha256, expires_at } => (name, Some(secret_sha256), expires_at, None, None),
            Credential::Token { issuer, subject_claim: Personal(subject_claim) } => {
                (subject_claim.clone(), None, None, Some(String::from(issuer)), Some(String::from(subject_claim)))
            }
        };
        let (person_id, service) = match login.subject.clone()? {
            Subject::Person(person) => (Some(person.0), None),
            Subject::Service(name) => (None, Some(String::from(name))),
        };
        Some(Self {
            status: login.status,
            name_folded: name.folded(),
            name: String::from(name),
            person_id,
            service,
            secret_sha256,
            issuer,
            subject_claim,
            expires_at,
            made_at: login.made_at?,
        })
    }
}

impl Slice for Login {
    const KIND: &'static str = "login";
    const CLOCKS: Clocks = Clocks::Progress;
    const TABLES: &'static [Table] = &[schedule::table!("login", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        facts::login_reads(command)
    }

    fn facts(&self, _id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Facts {
        facts::login(command, effective, streams)
    }

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let ends = story.iter().skip(1).map(|chapter| Some(chapter.from)).chain([None]);
        let rows = story.iter().zip(ends);
        rows.filter_map(|(Chapter { from, state }, to)| {
            Row::of(state).map(|row| Segment { table: 0, id, from: *from, to, row })
        })
        .collect()
    }
}
