//! Pages of the deals that a figure was made of: they are there already, in the order of their ids.

use crate::graph::{Cursor, PageSlice, View, Window};
use async_graphql::Result;
use std::{fmt::Debug, sync::Arc};
use uuid::Uuid;

/// What a client asks of a page.
pub(super) struct PageAsked {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
}

impl PageAsked {
    /// The page of things that stand in the order of their ids and numbers, and how many there are on all pages. `list`
    /// names what they are part of, so that a cursor of another list is refused.
    pub(super) async fn of<T, P: From<(PageSlice<T>, i64)>>(
        self,
        view: &Arc<View>,
        list: &impl Debug,
        things: impl ExactSizeIterator<Item = (Uuid, i64, T)>,
    ) -> Result<P> {
        let order = view.order("figure", "ID ASC", list).await?;
        let window = Window::of(self.first, self.after, None, None, &order)?;
        let total_count = i64::try_from(things.len()).unwrap_or(i64::MAX);
        let after = window.cursor.as_ref().map(|cursor| (cursor.id, cursor.number));
        let size = usize::try_from(window.size).unwrap_or(usize::MAX).saturating_add(1);
        let later = things.skip_while(|(id, number, _)| after.is_some_and(|after| (*id, *number) <= after));
        let rows = later.take(size).map(|(id, number, thing)| {
            let cursor = Cursor { order: window.order.clone(), number, text: String::new(), id };
            (cursor, thing)
        });
        Ok(P::from((PageSlice::of(&window, rows.collect()), total_count)))
    }
}

/// Makes the connection of what a figure is made of.
macro_rules! paged {
    ($connection:ident, $edge:ident, $node:ty) => {
        /// A page of what a figure is made of, in the order of the deals' ids.
        #[derive(async_graphql::SimpleObject)]
        pub struct $connection {
            /// Those of the page.
            pub nodes: Vec<$node>,
            /// Those of the page, each with its cursor.
            pub edges: Vec<$edge>,
            /// Where the page lies.
            pub page_info: crate::graph::PageInfo,
            /// How many there are on all pages.
            pub total_count: i64,
        }

        /// One of a page.
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Its place in the order: give it as `after`.
            pub cursor: String,
            /// It.
            pub node: $node,
        }

        impl From<(crate::graph::PageSlice<$node>, i64)> for $connection {
            fn from((page, total_count): (crate::graph::PageSlice<$node>, i64)) -> Self {
                let edges = page.rows.into_iter().map(|(cursor, node)| $edge { cursor: cursor.encoded(), node });
                let edges: Vec<$edge> = edges.collect();
                let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
                Self { nodes, edges, page_info: page.info, total_count }
            }
        }
    };
}
pub(super) use paged;
