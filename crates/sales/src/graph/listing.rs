//! What all named things share: found by id, listed a page at a time in the order of their names.

use super::{
    Cursor, PageSlice, View, Window, fault,
    id::bad_input,
    view::{AtPoint, within_our_knowledge},
};
use async_graphql::Result;
use logbook::Fault;
use serde::de::DeserializeOwned;
use std::{collections::HashMap, hash::Hash, sync::Arc};
use tokio_postgres::{Row, types::ToSql};
use units::folded;
use uuid::Uuid;

/// A parameter of a statement.
pub(crate) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// A history row out of the JSON that a statement gives as `found`.
pub(crate) fn found<R: DeserializeOwned>(row: &Row) -> Result<R, Fault> {
    serde_json::from_str(row.get("found")).map_err(|error| Fault::new("reading a row", error))
}

/// The rows of ids, for a loader.
pub(crate) async fn by_id<K: Copy + Eq + Hash + From<Uuid>, R: DeserializeOwned>(
    at: &AtPoint,
    sql: &'static str,
    ids: Vec<Uuid>,
) -> Result<HashMap<K, Arc<R>>, Arc<Fault>> {
    let seen = at.0.seen().await?;
    let mut all = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_MAX) {
        for row in at.0.reads.rows_as_of(sql, seen, &[&ids]).await? {
            all.insert(K::from(row.get("id")), Arc::new(found(&row)?));
        }
    }
    Ok(all)
}

/// Ids of one statement at most: what it is limited to.
const IDS_MAX: usize = 1_000;

/// The ids that belong to each of some ids, for a loader, out of a statement that gives pairs in order.
pub(crate) async fn grouped<K: Eq + Hash>(
    at: &AtPoint,
    sql: &'static str,
    ids: Vec<Uuid>,
    key: fn(Uuid) -> K,
) -> Result<HashMap<K, Vec<Uuid>>, Arc<Fault>> {
    let rows = at.0.reads.rows_as_of(sql, at.0.seen().await?, &[&ids]).await?;
    let mut groups: HashMap<K, Vec<Uuid>> = HashMap::new();
    for row in &rows {
        groups.entry(key(row.get(0))).or_default().push(row.get(1));
    }
    Ok(groups)
}

/// What a name begins with, as statements take it: from, and up to.
pub(crate) fn prefix(written: Option<&String>) -> Result<(Option<String>, Option<String>)> {
    let Some(written) = written else { return Ok((None, None)) };
    let folded = folded(findable(written, "namePrefix")?.trim_start());
    let end = format!("{folded}\u{10ffff}");
    Ok((Some(folded), Some(end)))
}

/// A text that can be looked for: PostgreSQL knows no NUL in a text.
pub(crate) fn findable<'a>(written: &'a str, field: &str) -> Result<&'a str> {
    match written.contains('\0') {
        true => Err(bad_input(&format!("{field}: a text may not hold the NUL character"))),
        false => Ok(written),
    }
}

/// Texts that can be looked for.
pub(crate) fn all_findable<'a>(written: Option<&'a Vec<String>>, field: &str) -> Result<Option<Vec<&'a str>>> {
    written.map(|all| all.iter().map(|written| findable(written, field)).collect()).transpose()
}

/// The statements of a list: from its front, from its end.
pub(crate) type Directions = (&'static str, &'static str);

/// A page in the order of names.
pub(crate) async fn page<R: DeserializeOwned>(
    view: &View,
    (upwards, downwards): Directions,
    mut filter: Vec<Parameter<'_>>,
    window: &Window,
) -> Result<PageSlice<R>> {
    let name = window.cursor.as_ref().map(|cursor| cursor.text.as_str());
    let id = window.cursor.as_ref().map(|cursor| cursor.id);
    let limit = window.size + 1;
    let own: [Parameter<'_>; 3] = [&name, &id, &limit];
    filter.extend(own);
    let sql = if window.backward { downwards } else { upwards };
    let rows = view.reads().rows_as_of(sql, view.seen().await?, &filter).await.map_err(|error| fault(&error))?;
    let row = |row: &Row| -> Result<(Cursor, R), Fault> {
        let (text, id) = (row.get("text_key"), row.get("id"));
        Ok((Cursor { order: window.order.clone(), number: 0, text, id }, found(row)?))
    };
    let rows: Result<Vec<_>, Fault> = rows.iter().map(row).collect();
    Ok(PageSlice::of(window, rows.map_err(|error| fault(&error))?))
}

/// The order of all lists of named things.
pub(crate) const ORDER: &str = "NAME ASC";

/// How many a filter lets through.
pub(crate) async fn count(view: &View, sql: &'static str, filter: &[Parameter<'_>]) -> Result<i64> {
    within_our_knowledge(view).await?;
    let rows = view.reads().rows_as_of(sql, view.seen().await?, filter).await.map_err(|error| fault(&error))?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Makes a named thing's object findable, and its connection.
macro_rules! listed {
    (
        $object:ident, $id:ty, $row:ty, $connection:ident, $edge:ident, $filter:ident;
        $by_id:literal, $upwards:literal, $downwards:literal, $count:literal
    ) => {
        impl $object {
            /// The thing at the view's instants; none when it is not there then.
            ///
            /// # Errors
            /// When it cannot be read.
            pub async fn find(view: &std::sync::Arc<View>, id: uuid::Uuid) -> Result<Option<Self>> {
                let row = view.loader.load_one(<$id>::from(id)).await.map_err(|error| fault(&error))?;
                Ok(row.map(|row| Self { view: std::sync::Arc::clone(view), id, row }))
            }

            /// Those of the ids that are there at the view's instants, in the order of the ids.
            ///
            /// # Errors
            /// When they cannot be read.
            pub async fn find_all(view: &std::sync::Arc<View>, ids: &[uuid::Uuid]) -> Result<Vec<Self>> {
                let keys = ids.iter().map(|id| <$id>::from(*id));
                let rows = view.loader.load_many(keys).await.map_err(|error| fault(&error))?;
                let one = |id: &uuid::Uuid| {
                    let row = std::sync::Arc::clone(rows.get(&<$id>::from(*id))?);
                    Some(Self { view: std::sync::Arc::clone(view), id: *id, row })
                };
                Ok(ids.iter().filter_map(one).collect())
            }
        }

        impl async_graphql::dataloader::Loader<$id> for crate::graph::view::AtPoint {
            type Value = std::sync::Arc<$row>;
            type Error = std::sync::Arc<logbook::Fault>;

            async fn load(
                &self,
                keys: &[$id],
            ) -> Result<std::collections::HashMap<$id, Self::Value>, std::sync::Arc<logbook::Fault>> {
                let ids = keys.iter().map(|key| key.0).collect();
                crate::graph::listing::by_id(self, include_str!($by_id), ids).await
            }
        }

        /// A page of them, in the order of their names.
        #[derive(async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// Those of the page.
            pub nodes: Vec<$object>,
            /// Those of the page, each with its cursor.
            pub edges: Vec<$edge>,
            /// Where the page lies.
            pub page_info: crate::graph::PageInfo,
            #[graphql(skip)]
            filter: $filter,
            #[graphql(skip)]
            view: std::sync::Arc<View>,
        }

        /// One of a page.
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Its place in the order: give it as `after` or `before`.
            pub cursor: String,
            /// It.
            pub node: $object,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// How many the filter lets through, on all pages; counted only when asked for. Null, with the code
            /// BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
            async fn total_count(&self) -> Option<Result<i64>> {
                let count = async || {
                    let values = self.filter.values(&self.view).await?;
                    crate::graph::listing::count(&self.view, include_str!($count), &values.parameters()).await
                };
                Some(count().await)
            }
        }

        impl $connection {
            async fn read(view: std::sync::Arc<View>, filter: $filter, window: &crate::graph::Window) -> Result<Self> {
                let values = filter.values(&view).await?;
                let directions = (include_str!($upwards), include_str!($downwards));
                let page = crate::graph::listing::page(&view, directions, values.parameters(), window).await?;
                let edge = |(cursor, row): (crate::graph::Cursor, $row)| $edge {
                    cursor: cursor.encoded(),
                    node: $object { view: std::sync::Arc::clone(&view), id: cursor.id, row: std::sync::Arc::new(row) },
                };
                let edges: Vec<_> = page.rows.into_iter().map(edge).collect();
                let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
                Ok(Self { nodes, edges, page_info: page.info, filter, view })
            }
        }
    };
}
pub(crate) use listed;

/// Makes the inputs of commands: what every command carries, and what this one says.
macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, async_graphql::InputObject)]
        struct $name {
            /// What every command carries.
            #[graphql(flatten)]
            command: crate::graph::CommandFields,
            $($(#[$field_doc])* $field: $type,)*
        }
    )+};
}
pub(crate) use inputs;

/// The value, or the payload that says what was wrong with it.
macro_rules! value {
    ($payload:ident, $value:expr) => {
        match $value {
            Ok(value) => value,
            Err(problem) => return Ok($payload::refused(problem)),
        }
    };
}
pub(crate) use value;
