//! The deals that a figure was made of.

use super::paged::{PageAsked, paged};
use crate::{deal::graphql::Deal, graph::View};
use async_graphql::{Object, Result};
use std::{fmt::Debug, sync::Arc};
use units::Money;
use uuid::Uuid;

/// A deal that a figure was made of.
#[derive(Clone)]
pub struct FigureDeal {
    view: Arc<View>,
    id: Uuid,
    amount: Option<Money>,
}

/// A deal that a figure was made of.
#[Object]
impl FigureDeal {
    /// The deal's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// The deal at the instants of the figure; null when it cannot be read.
    async fn deal(&self) -> Option<Result<Deal>> {
        Deal::find(&self.view, self.id).await.transpose()
    }

    /// What it is in the figure for; null where the figure is of counts alone, and where nobody said what it is worth.
    async fn amount(&self) -> Option<Money> {
        self.amount
    }
}

paged!(FigureDealConnection, FigureDealEdge, FigureDeal);

/// A page of deals that stand in the order of their ids. `list` names what they are part of.
pub(super) async fn page_of(
    view: &Arc<View>,
    asked: PageAsked,
    list: &impl Debug,
    deals: &[(Uuid, Option<Money>)],
) -> Result<FigureDealConnection> {
    let node = |(id, amount): &(Uuid, Option<Money>)| {
        (*id, 0, FigureDeal { view: Arc::clone(view), id: *id, amount: *amount })
    };
    asked.of(view, list, deals.iter().map(node)).await
}
