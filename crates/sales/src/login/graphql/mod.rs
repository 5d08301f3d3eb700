//! Logins as the API shows them, and the questions about them: never the secret of a key, nor what is kept of it.

mod mutations;
mod viewer;

pub use mutations::{
    Changed, KeyPayload, LoginErrorCode, LoginMutations, LoginPayload, LoginSubjectInput, LoginUserError,
};
pub use viewer::{Viewer, ViewerQueries, ViewerRole, ViewerTenant};

use super::{Row, State, decide::Status};
use crate::{
    graph::{
        Change, Key, NodeId, View, Window, changes, fault,
        listing::{ORDER, Parameter, listed, prefix},
    },
    person::graphql::Person,
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use std::sync::Arc;
use units::Instant;
use uuid::Uuid;

/// What is shown to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LoginKind {
    /// An API key that was made here.
    Key,
    /// A token (JWT) of the issuer that the server trusts.
    Token,
}

/// Whether a login opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LoginStatus {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// It was ended.
    Revoked,
}

/// How a person or a program shows who it is, as of the two instants of the query.
#[derive(Clone)]
pub struct Login {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// How a person or a program shows who it is, as of the two instants of the query.
#[Object]
impl Login {
    /// The global id. Read at other instants, the same login has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Login", self.id, &self.view.point)
    }

    /// Its own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// The number of its last event, for a mutation's `expectedVersion`; as known at the instant of the query.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.id).await.transpose()
    }

    /// What a key is called; of a token, its subject.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// What is shown to log in.
    async fn kind(&self) -> LoginKind {
        if self.row.secret_sha256.is_some() { LoginKind::Key } else { LoginKind::Token }
    }

    /// Whether it opens anything at the instant of the query.
    async fn status(&self) -> Option<Result<LoginStatus>> {
        let status = async || {
            let effective = self.view.seen().await?.effective;
            Ok(match self.row.status {
                Status::Live if self.row.expires_at.is_some_and(|at| at <= effective) => LoginStatus::Expired,
                Status::Live => LoginStatus::Live,
                Status::Revoked | Status::Unmade => LoginStatus::Revoked,
            })
        };
        Some(status().await)
    }

    /// The person that it stands for; null when it is a service.
    async fn person(&self) -> Option<Result<Person>> {
        Person::find(&self.view, self.row.person_id?).await.transpose()
    }

    /// The name of the service that it stands for; null when it is a person.
    async fn service(&self) -> Option<&String> {
        self.row.service.as_ref()
    }

    /// Whose tokens it takes; null of a key.
    async fn issuer(&self) -> Option<&String> {
        self.row.issuer.as_ref()
    }

    /// The `sub` of the tokens it takes; null of a key.
    async fn subject_claim(&self) -> Option<&String> {
        self.row.subject_claim.as_ref()
    }

    /// The first instant at which a key opens nothing any more; null when it never expires, and of a token.
    async fn expires_at(&self) -> Option<Instant> {
        self.row.expires_at
    }

    /// When it was recorded.
    async fn made_at(&self) -> Instant {
        self.row.made_at
    }

    /// Who made it and who ended it, when and why, in the order in which the log took it down.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        let read = async || {
            let known = self.view.seen().await?.known.map(|position| position.0);
            changes::of::<State>(self.view.reads(), self.id, self.id, known).await.map_err(|error| fault(&error))
        };
        Some(read().await)
    }
}

/// Which logins. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct LoginFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// Whether they were revoked; a key that expired was not.
    pub revoked: Option<bool>,
    /// The people that they stand for.
    pub people: Option<Vec<ID>>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    status: Option<Vec<&'static str>>,
    people: Option<Vec<Uuid>>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.status, &self.people]
    }
}

impl LoginFilter {
    async fn values(&self, view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        let status = self.revoked.map(|revoked| vec![if revoked { "revoked" } else { "live" }]);
        let people = view.access().await?.logins_of(Key::all(self.people.as_ref(), "Person")?);
        Ok(Values { prefix, prefix_end, status, people })
    }
}

listed! {
    Login, super::LoginId, Row, LoginConnection, LoginEdge, LoginFilter;
    "../sql/logins_by_id.sql", "../sql/logins_upwards.sql", "../sql/logins_downwards.sql", "../sql/logins_count.sql"
}

impl Login {
    /// The login at the view's instants; none when it is not there then, or not for whoever asks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn find_visible(view: &Arc<View>, id: Uuid) -> Result<Option<Self>> {
        let access = view.access().await?;
        Ok(Self::find(view, id).await?.filter(|login| access.may_see_login(login.row.person_id)))
    }
}

/// Questions about logins.
#[derive(Default)]
pub struct LoginQueries(pub Option<Arc<View>>);

#[Object]
impl LoginQueries {
    /// Logins that the client may see, a page at a time, in the order of their names; those that were revoked are among
    /// them.
    async fn logins(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which logins; all when left out.")] filter: Option<LoginFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<LoginConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("logins", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            LoginConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }
}
