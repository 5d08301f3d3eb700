//! The commands of reporting lines as the API takes them: people show the lines themselves.

use super::{State, decide};
use crate::{
    graph::{Asked, CommandFields, mutations},
    person::graphql::Person,
};
use async_graphql::{Context, Result};
use uuid::Uuid;

mutations! {
    Person, "Person", person: ManagerErrorCode, ManagerUserError, ManagerPayload;
    /// Nobody reports to themselves.
    ManagesThemself,
    /// The person is not with the organisation at that instant.
    PersonNotActive,
    /// The manager is not with the organisation at that instant.
    ManagerNotActive,
    /// Somebody would come to report to themselves.
    Circle,
    /// It must end after it begins.
    EndsBeforeItBegins,
}

/// Puts a command to the tenant's reporting lines, about one person.
pub(crate) async fn put(
    context: &Context<'_>,
    person: Uuid,
    fields: CommandFields,
    verb: Asked<decide::Command>,
) -> Result<ManagerPayload> {
    perform(context, Some(super::stream_id()), Some(person), fields, verb).await
}
