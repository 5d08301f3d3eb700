//! The log itself: its head, its events, and the versions of streams.

use super::{
    Key, PageInfo, View, fault,
    id::{bad_input, decode, encode},
    listing::all_findable,
    view::AtPoint,
};
use crate::{
    access::{Access, Relation},
    graph::changes::ChangeSource,
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use logbook::{Fault, Source};
use std::{collections::HashMap, sync::Arc};
use tokio_postgres::types::ToSql;
use units::{Instant, Int64, Position};
use uuid::Uuid;

/// The key of a stream's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VersionOf(Uuid);

impl Loader<VersionOf> for AtPoint {
    type Value = i64;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[VersionOf]) -> Result<HashMap<VersionOf, i64>, Arc<Fault>> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let known = self.0.seen().await?.known.map(|position| position.0);
        let rows = self.0.reads.rows(include_str!("sql/versions.sql"), &[&ids, &known]).await?;
        Ok(rows.iter().map(|row| (VersionOf(row.get(0)), row.get(1))).collect())
    }
}

/// The number of a stream's last event; `None`: nothing happened to it.
pub(crate) async fn version(view: &View, stream: Uuid) -> Result<Option<i32>> {
    let version = view.loader.load_one(VersionOf(stream)).await.map_err(|error| fault(&error))?;
    Ok(version.map(|version| i32::try_from(version).unwrap_or(i32::MAX)))
}

/// Where the tenant's log ends.
#[derive(Clone, Debug, SimpleObject)]
pub struct LogHead {
    /// The position of its last event, which is also how many there are; 0 when it is empty.
    pub position: Int64,
    /// When the last event was recorded; null when the log is empty.
    pub recorded_at: Option<Instant>,
    /// The hash of the last whole batch, in hex: it depends on every event up to `hashPosition`. Keep both elsewhere to be
    /// able to show later that nothing was rewritten.
    pub hash: String,
    /// The position up to which `hash` speaks: `position`, but for a snapshot whose known position lies within a batch.
    pub hash_position: Int64,
    /// Since when the log knows anything: when its first event was recorded. Null when it is empty.
    pub knowledge_from: Option<Instant>,
    /// Whether the log began as a simulation: its clock was driven.
    pub simulated: bool,
}

/// An event of the log.
#[derive(Clone, Debug, SimpleObject)]
pub struct LogEvent {
    /// Its place in the tenant's log, gapless from 1.
    pub position: Int64,
    /// What it is about: `deal`, `person` and so on.
    pub stream_kind: String,
    /// The UUID of what it is about.
    pub stream_id: String,
    /// Its number in the stream, from 1.
    pub stream_version: i32,
    /// What happened, such as `deal.stage_changed`.
    #[graphql(name = "type")]
    pub event_type: String,
    /// The version of the payload's shape.
    pub schema_version: i32,
    /// When it was true in the world.
    pub effective_at: Instant,
    /// When the log took it down.
    pub recorded_at: Instant,
    /// The position of the event that it stands in for; null when it corrects none.
    pub replaces: Option<Int64>,
    /// When the system it was imported from took it down; null when it was not imported, or nobody knows.
    pub source_recorded_at: Option<Instant>,
    /// The command that said it.
    pub command_id: String,
    /// What it belongs to, such as an import; its command's id when it belongs to nothing larger.
    pub correlation_id: String,
    /// What caused it; null when nothing of the log did.
    pub causation_id: Option<String>,
    /// Who said it.
    pub actor: String,
    /// For whom; null when for themselves.
    pub on_behalf_of: Option<String>,
    /// Where it came from.
    pub source: ChangeSource,
    /// Why; null when nobody said, and where `payload` is kept back.
    pub reason: Option<String>,
    /// What it says, as the JSON text that was stored and hashed; only the hash of a key's secret is left out. Null when the
    /// client may not see what is private of people (events of persons) or who logs in (events of logins).
    pub payload: Option<String>,
    /// Its hash, in hex.
    pub leaf: String,
}

/// A page of events.
#[derive(Clone, Debug, SimpleObject)]
pub struct LogEventConnection {
    /// The events of the page, in the order of the log.
    pub nodes: Vec<LogEvent>,
    /// The events of the page, each with its cursor.
    pub edges: Vec<LogEventEdge>,
    /// Where the page lies.
    pub page_info: PageInfo,
}

/// An event of a page.
#[derive(Clone, Debug, SimpleObject)]
pub struct LogEventEdge {
    /// Its place: give it as `after`.
    pub cursor: String,
    /// The event.
    pub node: LogEvent,
}

/// Which events. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct LogEventFilter {
    /// Their types, such as `deal.won`.
    pub types: Option<Vec<String>>,
    /// What they are about: global ids, or UUIDs. All teams are one stream; a stage's events are those of its pipeline.
    pub stream_ids: Option<Vec<ID>>,
    /// Who said them.
    pub actors: Option<Vec<String>>,
    /// What they belong to, such as an import's id.
    pub correlation_id: Option<ID>,
    /// Recorded at this instant or later.
    pub recorded_from: Option<Instant>,
    /// Recorded before this instant.
    pub recorded_to: Option<Instant>,
}

/// Questions about the log.
#[derive(Default)]
pub struct LogQueries(pub Option<Arc<View>>);

#[Object]
impl LogQueries {
    /// Where the log ends. In a snapshot: where it ended at the known instant. Null, with the code FORBIDDEN, for who
    /// sees only some people's deals.
    async fn log_head(&self, context: &Context<'_>) -> Option<Result<LogHead>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            view.access().await?.admitted_to("LogHead")?;
            head(&view).await
        };
        Some(read().await)
    }

    /// The log, event by event. In a snapshot: up to the known instant. Null, with the code FORBIDDEN, for who sees only
    /// some people's deals.
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events; all when left out.")] filter: Option<LogEventFilter>,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Option<Result<LogEventConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            view.access().await?.admitted_to("LogEvent")?;
            page(&view, &filter.unwrap_or_default(), first.unwrap_or(25), after.as_deref()).await
        };
        Some(read().await)
    }
}

async fn head(view: &View) -> Result<LogHead> {
    let broken = |error: Fault| fault(&error);
    let first = view.reads().rows(include_str!("sql/first_event.sql"), &[]).await.map_err(broken)?;
    let known = view.seen().await?.known;
    let head = view.reads().head_at(known).await.map_err(broken)?;
    let upto = known.map_or(head.position.0, |known| known.0);
    let last = view.reads().rows(include_str!("sql/last_event.sql"), &[&upto]).await.map_err(broken)?;
    Ok(LogHead {
        position: Int64(last.first().map_or(0, |row| row.get(0))),
        recorded_at: last.first().map(|row| row.get(1)),
        hash: hex(&head.hash),
        hash_position: Int64(head.position.0),
        knowledge_from: first.first().map(|row| row.get(0)),
        simulated: first.first().is_some_and(|row| row.get::<_, &str>(1) == "simulated"),
    })
}

async fn page(view: &View, filter: &LogEventFilter, first: i32, after: Option<&str>) -> Result<LogEventConnection> {
    if !(1..=100).contains(&first) {
        return Err(bad_input(&format!("a page has 1 to 100 rows, not {first}")));
    }
    let cursor = |text: &str| String::from_utf8(decode(text)?).ok()?.strip_prefix("event:")?.parse::<i64>().ok();
    let after = match after {
        Some(text) => cursor(text).ok_or_else(|| bad_input("that is no cursor of this connection"))?,
        None => 0,
    };
    let streams = match &filter.stream_ids {
        Some(ids) => Some(ids.iter().map(stream_of).collect::<Result<Vec<_>>>()?),
        None => None,
    };
    let correlation = filter.correlation_id.as_ref().map(|id| id.parse::<Uuid>());
    let correlation = correlation.transpose().map_err(|_| bad_input("correlationId must be a UUID"))?;
    let upto = view.seen().await?.known.map_or(i64::MAX, |position| position.0);
    let limit = i64::from(first) + 1;
    let types = all_findable(filter.types.as_ref(), "types")?;
    let actors = all_findable(filter.actors.as_ref(), "actors")?;
    let (from, to) = (&filter.recorded_from, &filter.recorded_to);
    let parameters: [&(dyn ToSql + Sync); 9] =
        [&after, &upto, &types, &streams, &actors, &correlation, from, to, &limit];
    let found = view.reads().rows(include_str!("sql/events.sql"), &parameters).await.map_err(|error| fault(&error))?;
    let access = view.access().await?;
    let mut nodes = found.iter().map(|row| event(row, &access)).collect::<Result<Vec<_>>>()?;
    let more = nodes.len() > usize::try_from(first).unwrap_or(0);
    nodes.truncate(usize::try_from(first).unwrap_or(0));
    let cursor = |node: &LogEvent| encode(format!("event:{}", node.position.0).as_bytes());
    let edges: Vec<_> = nodes.iter().map(|node| LogEventEdge { cursor: cursor(node), node: node.clone() }).collect();
    let page_info = PageInfo {
        has_next_page: more,
        has_previous_page: after > 0,
        start_cursor: nodes.first().map(cursor),
        end_cursor: nodes.last().map(cursor),
    };
    Ok(LogEventConnection { nodes, edges, page_info })
}

/// Teams share one stream, and a stage lives in that of its pipeline, whose id it does not carry.
fn stream_of(id: &ID) -> Result<Uuid> {
    match super::NodeId::parse(id) {
        Some(node) if node.type_name == "Team" => Ok(crate::team::stream_id()),
        Some(node) if node.type_name == "Stage" => {
            Err(bad_input("streamIds: the events of a stage are in the stream of its pipeline: give the pipeline's id"))
        }
        Some(node) => Ok(node.key),
        None => Key::of(id, "stream"),
    }
}

/// What an event says, as far as the client may see it.
fn payload(kind: &str, stored: &[u8], access: &Access) -> Option<String> {
    let told = match kind {
        "person" => access.may("Person.private", Relation::Other),
        "login" => access.may("Login", Relation::Other),
        _ => true,
    };
    let text = String::from_utf8_lossy(stored);
    if !told {
        return None;
    }
    let mut fields = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).unwrap_or_default();
    if kind == "login" && fields.remove("secret_sha256").is_some() {
        return Some(serde_json::Value::Object(fields).to_string());
    }
    Some(text.into_owned())
}

fn event(row: &tokio_postgres::Row, access: &Access) -> Result<LogEvent> {
    let payload = payload(row.get("stream_kind"), row.get("payload"), access);
    let text = |column| row.get::<_, Uuid>(column).to_string();
    let source = Source::from_stored(row.get("source"));
    let source = source.ok_or_else(|| fault(&Fault::new("reading an event", "an unknown source")))?;
    Ok(LogEvent {
        position: Int64(row.get("position")),
        stream_kind: row.get("stream_kind"),
        stream_id: text("stream_id"),
        stream_version: i32::try_from(row.get::<_, i64>("stream_version")).unwrap_or(i32::MAX),
        event_type: row.get("type"),
        schema_version: row.get("schema_version"),
        effective_at: row.get("effective_at"),
        recorded_at: row.get("recorded_at"),
        replaces: row.get::<_, Option<i64>>("replaces").map(Int64),
        source_recorded_at: row.get("source_recorded_at"),
        command_id: text("command_id"),
        correlation_id: text("correlation_id"),
        causation_id: row.get::<_, Option<Uuid>>("causation_id").map(|id| id.to_string()),
        actor: row.get("actor"),
        on_behalf_of: row.get("on_behalf_of"),
        source: source.into(),
        reason: row.get::<_, Option<String>>("reason").filter(|_| payload.is_some()),
        payload,
        leaf: hex(row.get("leaf")),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a snapshot says of itself.
#[derive(Default)]
pub struct SnapshotInfo(pub Option<Arc<View>>);

/// What a snapshot says of itself.
#[Object]
impl SnapshotInfo {
    /// The instant at which it is true in the world.
    async fn effective_at(&self, context: &Context<'_>) -> Result<Instant> {
        Ok(View::of(&self.0, context).await?.seen().await?.effective)
    }

    /// The position up to which the log was known; null when it is read with the knowledge of now.
    async fn known_position(&self, context: &Context<'_>) -> Option<Result<Int64>> {
        let read = async || Ok(View::of(&self.0, context).await?.seen().await?.known);
        read().await.transpose().map(|known: Result<Position>| known.map(|position| Int64(position.0)))
    }

    /// Whether it is read with the knowledge of then, not of now.
    async fn past_knowledge(&self, context: &Context<'_>) -> Result<bool> {
        let view = View::of(&self.0, context).await?;
        Ok(view.point.asked.known.is_some())
    }

    /// Since when the log knows anything: a figure or a count asked as known before is null, with BEFORE_OUR_KNOWLEDGE as
    /// the reason, and lists are empty. Null when the log is empty.
    async fn knowledge_from(&self, context: &Context<'_>) -> Option<Result<Instant>> {
        let read = async || Ok(head(&*View::of(&self.0, context).await?).await?.knowledge_from);
        read().await.transpose()
    }

    /// Whether the log began as a simulation: its clock was driven.
    async fn simulated(&self, context: &Context<'_>) -> Option<Result<bool>> {
        let read = async || Ok(head(&*View::of(&self.0, context).await?).await?.simulated);
        Some(read().await)
    }
}
