//! Who the client is.

use crate::{
    access::{self, Login},
    graph::{Session, View},
    person::graphql::Person,
};
use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use std::sync::Arc;

/// What a client is to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ViewerKind {
    /// Whoever sits at the machine: the server listens there only and was shown no key.
    Local,
    /// A person of the tenant.
    Person,
    /// A program.
    Service,
}

/// What a client is in the organisation, by which is decided what it may see and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ViewerRole {
    /// Sells.
    Rep,
    /// Leads those who sell.
    Manager,
    /// Leads those who lead.
    Leader,
    /// Keeps the organisation, its pipelines and its figures in order.
    Operations,
    /// Reads, and changes nothing.
    Auditor,
    /// A program.
    Service,
    /// Whoever sits at a machine that asks for no keys.
    Local,
}

impl From<access::Role> for ViewerRole {
    fn from(role: access::Role) -> Self {
        match role {
            access::Role::Rep => Self::Rep,
            access::Role::Manager => Self::Manager,
            access::Role::Leader => Self::Leader,
            access::Role::Operations => Self::Operations,
            access::Role::Auditor => Self::Auditor,
            access::Role::Service => Self::Service,
            access::Role::Local => Self::Local,
        }
    }
}

/// The tenant that a client works on.
#[derive(Clone, Debug, SimpleObject)]
pub struct ViewerTenant {
    /// The name that the header Quarterdeck-Tenant takes.
    pub name: String,
    /// The currency of its reports, ISO 4217.
    pub currency: String,
    /// The IANA time zone in which its days begin.
    pub time_zone: String,
}

/// Who the client is.
pub struct Viewer {
    view: Arc<View>,
    login: Login,
}

/// Who the client is: as the server found out by its key or token.
#[Object]
impl Viewer {
    /// What the client is to the server.
    async fn kind(&self) -> ViewerKind {
        match self.login {
            Login::Local => ViewerKind::Local,
            Login::Person(_) => ViewerKind::Person,
            Login::Service(_) => ViewerKind::Service,
        }
    }

    /// How the log names the client as the actor of what it does.
    async fn actor(&self) -> String {
        self.login.to_string()
    }

    /// The person that the client is; null when it is none, and when that person has left.
    async fn person(&self) -> Option<Result<Person>> {
        let find = async || match &self.login {
            Login::Person(person) if self.view.access().await?.role().is_some() => {
                Person::find(&self.view, person.0).await
            }
            Login::Person(_) | Login::Local | Login::Service(_) => Ok(None),
        };
        find().await.transpose()
    }

    /// The name of the service that the client is; null when it is none.
    async fn service(&self) -> Option<&str> {
        match &self.login {
            Login::Service(name) => Some(name.as_str()),
            Login::Local | Login::Person(_) => None,
        }
    }

    /// What the client is in the organisation now; null when it is a person who has left, to whom nothing else is answered.
    async fn role(&self) -> Option<Result<ViewerRole>> {
        let role = async || Ok(self.view.access().await?.role().map(ViewerRole::from));
        role().await.transpose()
    }

    /// The names of the mutations that the client may send: about some things at least. Whether about this one, the mutation's
    /// answer says (FORBIDDEN).
    async fn may_do(&self) -> Option<Result<Vec<String>>> {
        let may_do = async || Ok(self.view.access().await?.may_do());
        Some(may_do().await)
    }

    /// The tenant that the client works on.
    async fn tenant(&self) -> ViewerTenant {
        let tenant = self.view.tenant();
        ViewerTenant {
            name: tenant.name.clone(),
            currency: tenant.currency.code().to_owned(),
            time_zone: tenant.zone.to_string(),
        }
    }
}

/// The question who asks.
#[derive(Default)]
pub struct ViewerQueries;

#[Object]
impl ViewerQueries {
    /// Who the client is.
    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer> {
        let session = Session::of(context)?;
        Ok(Viewer { view: session.now().await, login: session.login.clone() })
    }
}
