//! A login: a key, or the subject of another house's tokens, until it is revoked.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use decider::{At, Decider};
use serde::{Deserialize, Serialize};
use units::{Instant, PersonId, Personal, Text};

/// What may be asked of a login.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Makes a key. The secret's hash is drawn anew for each request, so it is no part of what the client asked for: the
    /// same command sent twice is one command.
    MakeKey {
        name: Text,
        subject: Subject,
        expires_at: Option<Instant>,
        #[serde(skip)]
        secret_sha256: String,
    },
    /// Says whom the tokens of an issuer mean by a subject.
    Link { issuer: Text, subject_claim: Personal<Text>, subject: Subject },
    /// Ends it. A key stays revoked; a token's subject may be linked anew.
    Revoke,
}

/// Whom a login stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A person of the tenant.
    Person(PersonId),
    /// A program, under this name.
    Service(Text),
}

/// What has happened to a login. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "login.key_made")]
    KeyMade {
        name: Text,
        subject: Subject,
        /// In hex.
        secret_sha256: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Instant>,
    },
    #[serde(rename = "login.linked")]
    Linked { issuer: Text, subject_claim: Personal<Text>, subject: Subject },
    #[serde(rename = "login.revoked")]
    Revoked {},
}

/// Whether a login opens anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Unmade,
    /// Not revoked; a key may have expired all the same.
    Live,
    Revoked,
}

/// How the login is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Credential {
    Key { name: Text, secret_sha256: String, expires_at: Option<Instant> },
    Token { issuer: Text, subject_claim: Personal<Text> },
}

/// A login as its events leave it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login {
    pub status: Status,
    pub credential: Option<Credential>,
    pub subject: Option<Subject>,
    pub made_at: Option<Instant>,
}

/// What a login needs to know of others.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the person that the command names is with the organisation.
    pub person_active: bool,
}

/// Why a login says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such login")]
    NotMade,
    #[error("there is a login of this id already")]
    AlreadyMade,
    #[error("the subject is linked to another person or service: revoke that login first")]
    AlreadyLinked,
    #[error("there is no such person in the organisation at that instant")]
    UnknownPerson,
    #[error("the key would have expired before it was made")]
    ExpiresInThePast,
}

impl Decider for Login {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = Facts;

    fn decide(&self, facts: &Facts, command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let known = |subject: &Subject| facts.person_active || matches!(subject, Subject::Service(_));
        let event = match (self.status, command.clone()) {
            (Status::Live, Command::Link { subject, .. }) if self.subject.as_ref() == Some(&subject) => {
                return Ok(vec![]);
            }
            (Status::Unmade, Command::MakeKey { subject, .. })
            | (Status::Unmade | Status::Revoked, Command::Link { subject, .. })
                if !known(&subject) =>
            {
                return Err(Refusal::UnknownPerson);
            }
            (Status::Unmade, Command::MakeKey { expires_at: Some(expires_at), .. }) if expires_at <= at.recorded => {
                return Err(Refusal::ExpiresInThePast);
            }
            (_, Command::MakeKey { name, subject, expires_at, secret_sha256 }) => {
                Event::KeyMade { name, subject, secret_sha256, expires_at }
            }
            (_, Command::Link { issuer, subject_claim, subject }) => Event::Linked { issuer, subject_claim, subject },
            (Status::Revoked, Command::Revoke) => return Ok(vec![]),
            (Status::Unmade | Status::Live, Command::Revoke) => Event::Revoked {},
        };
        self.fits(&event)?;
        Ok(vec![event])
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let key = matches!(self.credential, Some(Credential::Key { .. }));
        match (self.status, event) {
            (Status::Unmade, Event::KeyMade { .. } | Event::Linked { .. }) => Ok(()),
            (Status::Live | Status::Revoked, Event::KeyMade { .. }) => Err(Refusal::AlreadyMade),
            (Status::Live | Status::Revoked, Event::Linked { .. }) if key => Err(Refusal::AlreadyMade),
            (Status::Live, Event::Linked { .. }) => Err(Refusal::AlreadyLinked),
            (Status::Revoked, Event::Linked { .. }) => Ok(()),
            (Status::Unmade, Event::Revoked {}) => Err(Refusal::NotMade),
            (Status::Live | Status::Revoked, Event::Revoked {}) => Ok(()),
        }
    }

    fn evolve(&mut self, event: &Event, at: &At) {
        match event.clone() {
            Event::KeyMade { name, subject, secret_sha256, expires_at } => {
                let credential = Some(Credential::Key { name, secret_sha256, expires_at });
                *self = Self { status: Status::Live, credential, subject: Some(subject), made_at: Some(at.recorded) };
            }
            Event::Linked { issuer, subject_claim, subject } => {
                let credential = Some(Credential::Token { issuer, subject_claim });
                *self = Self { status: Status::Live, credential, subject: Some(subject), made_at: Some(at.recorded) };
            }
            Event::Revoked {} => self.status = Status::Revoked,
        }
    }
}
