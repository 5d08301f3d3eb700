//! Who asks, and the two instants at which the answer is true.

use super::id::bad_input;
use crate::access::{Access, Login, Viewer};
use async_graphql::{
    Context, Error, ErrorExtensions, InputObject, OneofObject, Result,
    dataloader::{DataLoader, HashMapCache},
    runtime::{TokioSpawner, TokioTimer},
};
use logbook::{Fault, Logbook, Reads, Seen, Tenant};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;
use units::{Day, Instant, Int64, Position};
use uuid::Uuid;

/// The two instants that a snapshot stands at. What is left out is now.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "AsOf")]
pub struct AsOfInput {
    /// When it was true in the world; now when left out.
    pub effective: Option<EffectiveInput>,
    /// As the log knew it then; as it knows now when left out.
    pub known: Option<KnownInput>,
}

/// When something is true in the world.
#[derive(Clone, Debug, OneofObject)]
pub enum EffectiveInput {
    /// An instant, in the years 0001 to 9999.
    At(Instant),
    /// A day of the tenant's time zone. Reading: as of its last microsecond. In a command: from its first instant on.
    Day(Day),
}

/// How far the log had come.
#[derive(Clone, Debug, OneofObject)]
pub enum KnownInput {
    /// What was recorded by this instant.
    At(Instant),
    /// What was recorded by the end of this day of the tenant's time zone.
    Day(Day),
    /// What was recorded up to this position: 0, before the log, up to its head. Another is refused.
    Position(Int64),
}

/// Who asks, in one request.
pub struct Session {
    /// The log, for commands.
    pub logbook: Arc<Logbook>,
    /// Whose data it is.
    pub tenant: Tenant,
    /// Who asks.
    pub login: Login,
    deadline: Option<std::time::Instant>,
    reads: Mutex<Vec<Arc<Reads>>>,
    now: OnceCell<Arc<View>>,
}

impl Session {
    /// A request on a tenant's data.
    pub fn new(logbook: Arc<Logbook>, tenant: Tenant, login: Login) -> Self {
        Self { logbook, tenant, login, deadline: None, reads: Mutex::default(), now: OnceCell::new() }
    }

    /// The same, with an instant at which what it reads must have ended.
    #[must_use]
    pub fn until(self, deadline: std::time::Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The session of a request.
    ///
    /// # Errors
    /// When the request was given none, which is a mistake of the program.
    pub fn of<'a>(context: &Context<'a>) -> Result<&'a Arc<Session>> {
        context.data::<Arc<Session>>()
    }

    fn view(&self, reads: Arc<Reads>) -> Arc<View> {
        let clock = self.logbook.clock();
        let now = Point::new(Arc::clone(&reads), AsOfInput::default(), clock);
        let viewer = Arc::new(Viewer::new(self.login.clone(), now));
        View::new(Point::new(reads, AsOfInput::default(), clock), viewer)
    }

    fn fresh_reads(&self) -> Arc<Reads> {
        Arc::new(Reads::new(self.logbook.pool().clone(), self.tenant.clone()).until(self.deadline))
    }

    fn reads(&self) -> Arc<Reads> {
        let reads = self.fresh_reads();
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&reads));
        reads
    }

    /// The present, the same for the whole request.
    pub async fn now(&self) -> Arc<View> {
        let view = async || self.view(self.reads());
        Arc::clone(self.now.get_or_init(view).await)
    }

    /// The present after a command: read in a transaction of its own, begun after the command was committed.
    pub fn after_command(&self) -> Arc<View> {
        self.view(self.reads())
    }

    /// The present, read in a transaction that the caller ends: what a command is judged by.
    pub(crate) fn apart(&self) -> Arc<View> {
        self.view(self.fresh_reads())
    }

    /// What the login may see and do, read once in the request.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn access(&self) -> Result<Arc<Access>> {
        self.now().await.access().await
    }

    /// Ends what the request read in, so that its connections can be used again.
    pub async fn finish(&self) {
        let reads = std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner));
        for reads in reads {
            reads.finish().await;
        }
    }
}

/// The two instants of an answer, and what is read at them.
pub struct View {
    /// The instants, and the transaction they are read in.
    pub point: Arc<Point>,
    /// Loads objects by their ids, many in one statement.
    pub loader: DataLoader<AtPoint, HashMapCache>,
    viewer: Arc<Viewer>,
    org: OnceCell<Arc<super::org::Org>>,
}

/// The two instants as the caller gave them, and as they came out.
pub struct Point {
    /// What is read in one transaction.
    pub reads: Arc<Reads>,
    /// What the caller asked for.
    pub asked: AsOfInput,
    clock: logbook::Clock,
    seen: OnceCell<Seen>,
}

/// Loads at a point.
#[derive(Clone)]
pub struct AtPoint(pub Arc<Point>);

impl View {
    fn new(point: Point, viewer: Arc<Viewer>) -> Arc<Self> {
        let point = Arc::new(point);
        let at = AtPoint(Arc::clone(&point));
        let cache = HashMapCache::default();
        let loader = DataLoader::with_cache(at, TokioSpawner::current(), TokioTimer::default(), cache);
        Arc::new(Self { point, loader, viewer, org: OnceCell::new() })
    }

    /// The same transaction at other instants.
    pub fn at(&self, asked: AsOfInput) -> Arc<Self> {
        Self::new(Point::new(Arc::clone(&self.point.reads), asked, self.point.clock), Arc::clone(&self.viewer))
    }

    /// What the login may see and do: by its role and the reporting lines of now, whatever instant is read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn access(&self) -> Result<Arc<Access>> {
        self.viewer.access().await
    }

    /// The view that a root object carries, or the present of the request.
    ///
    /// # Errors
    /// When the request has no session, and FORBIDDEN when its login has no role now.
    pub async fn of(carried: &Option<Arc<View>>, context: &Context<'_>) -> Result<Arc<View>> {
        let view = match carried {
            Some(view) => Arc::clone(view),
            None => Session::of(context)?.now().await,
        };
        view.access().await?.admitted()?;
        Ok(view)
    }

    /// Whose data it is.
    pub fn tenant(&self) -> &Tenant {
        self.point.reads.tenant()
    }

    /// The transaction.
    pub fn reads(&self) -> &Reads {
        &self.point.reads
    }

    /// The two instants.
    ///
    /// # Errors
    /// When the log cannot be asked.
    pub async fn seen(&self) -> Result<Seen> {
        self.point.seen().await.map_err(|error| fault(&error))
    }

    /// The name of a list at these instants: its kind, order, filter and instants. A cursor of another list is refused.
    /// A list of the present is named alike as the log grows, so that its pages follow what is written in between; one
    /// walks a list that stands still as of a known position.
    ///
    /// # Errors
    /// When the log cannot be asked.
    pub async fn order(&self, kind: &str, order: &str, filter: &impl Debug) -> Result<String> {
        let known = self.seen().await?.known.map_or_else(|| "now".to_owned(), |known| known.to_string());
        let effective = self.point.asked.effective.as_ref().map_or_else(|| "now".to_owned(), |at| format!("{at:?}"));
        let asked = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{filter:?} {effective} {known}").as_bytes());
        Ok(format!("{kind} {order} {}", asked.simple()))
    }

    /// The organisation at the two instants.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn org(&self) -> Result<Arc<super::org::Org>> {
        let seen = self.seen().await?;
        let load = async || super::org::Org::load(self.reads(), seen).await.map(Arc::new);
        self.org.get_or_try_init(load).await.map(Arc::clone).map_err(|error| fault(&error))
    }
}

impl Point {
    fn new(reads: Arc<Reads>, asked: AsOfInput, clock: logbook::Clock) -> Self {
        Self { reads, asked, clock, seen: OnceCell::new() }
    }

    /// The two instants, resolved once.
    ///
    /// # Errors
    /// When the log cannot be asked.
    pub async fn seen(&self) -> Result<Seen, Fault> {
        self.seen.get_or_try_init(async || self.resolve().await).await.copied()
    }

    async fn resolve(&self) -> Result<Seen, Fault> {
        let zone = self.reads.tenant().zone;
        let known = match &self.asked.known {
            None => None,
            Some(KnownInput::Position(position)) => Some(self.within_the_log(Position(position.0)).await?),
            Some(KnownInput::At(instant)) => Some(self.reads.known_at(in_calendar(*instant)?).await?),
            Some(KnownInput::Day(day)) => Some(self.reads.known_at(in_calendar(zone.last_instant(day.0))?).await?),
        };
        let effective = match &self.asked.effective {
            Some(EffectiveInput::At(instant)) => in_calendar(*instant)?,
            Some(EffectiveInput::Day(day)) => in_calendar(zone.last_instant(day.0))?,
            None => {
                let clock = (self.clock)();
                self.reads.head().await?.recorded_at.map_or(clock, |recorded| recorded.max(clock))
            }
        };
        Ok(Seen { effective, known })
    }

    /// A position that the log has reached, or 0. What lies beyond cannot be known: read later, it would say otherwise.
    async fn within_the_log(&self, position: Position) -> Result<Position, Fault> {
        let head = self.reads.head().await?.position;
        let reached = (0..=head.0).contains(&position.0);
        if reached { Ok(position) } else { Err(OutOfLog::Position { position, head }.into()) }
    }

    /// The instants as an id carries them; `None`: the present.
    pub fn stamp(&self) -> Option<String> {
        let effective = self.asked.effective.as_ref().map(|effective| match effective {
            EffectiveInput::At(instant) => instant.to_rfc3339(),
            EffectiveInput::Day(day) => day.0.to_string(),
        });
        let known = self.asked.known.as_ref().map(|known| match known {
            KnownInput::At(instant) => instant.to_rfc3339(),
            KnownInput::Day(day) => day.0.to_string(),
            KnownInput::Position(position) => format!("p{}", position.0),
        });
        if effective.is_none() && known.is_none() {
            return None;
        }
        Some(format!("{}/{}", effective.unwrap_or_default(), known.unwrap_or_default()))
    }

    /// The instants of a stamp.
    pub fn of_stamp(stamp: &str) -> Option<AsOfInput> {
        let (effective, known) = stamp.split_once('/')?;
        let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
        let effective = match effective {
            "" => None,
            day if day.len() == 10 => Some(EffectiveInput::Day(Day(day.parse().ok()?))),
            at => Some(EffectiveInput::At(instant(at)?)),
        };
        let known = match known {
            "" => None,
            at => Some(match at.strip_prefix('p') {
                Some(position) => KnownInput::Position(Int64(position.parse().ok()?)),
                None if at.len() == 10 => KnownInput::Day(Day(at.parse().ok()?)),
                None => KnownInput::At(instant(at)?),
            }),
        };
        Some(AsOfInput { effective, known })
    }
}

/// Instants that no log has.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OutOfLog {
    /// A position before the log or beyond its head.
    #[error("known.position {position} is not in the log: its positions are 0 to {head}")]
    Position {
        /// What was asked for.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// A year that is not written with four digits.
    #[error("an instant lies in the years 0001 to 9999, in UTC")]
    Years,
}

impl From<OutOfLog> for Fault {
    fn from(out: OutOfLog) -> Self {
        Fault::new("resolving the instants", out)
    }
}

fn in_calendar(instant: Instant) -> Result<Instant, OutOfLog> {
    if units::in_calendar(instant) { Ok(instant) } else { Err(OutOfLog::Years) }
}

/// A figure that is asked as known before the log knew anything is null, never zero.
pub(crate) async fn within_our_knowledge(view: &View) -> Result<()> {
    match view.seen().await?.known {
        Some(position) if position.0 <= 0 => Err(Error::new("the log did not know anything at that instant yet")
            .extend_with(|_, extensions| extensions.set("code", "BEFORE_OUR_KNOWLEDGE"))),
        _ => Ok(()),
    }
}

/// A fault as the API tells it: constant for the public, its source in the server's log.
pub fn fault(fault: &Fault) -> Error {
    if let Some(out) = fault.cause::<OutOfLog>() {
        return bad_input(&out.to_string());
    }
    let code = match fault.postgres().and_then(|error| error.code()).map(|state| state.code()) {
        Some("57014") => "DEADLINE_EXCEEDED",
        _ if fault.doing() == logbook::OUT_OF_TIME => "DEADLINE_EXCEEDED",
        _ if fault.doing() == "connecting to PostgreSQL" => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    tracing::error!(%fault, code, "a request met a fault");
    let message = match code {
        "DEADLINE_EXCEEDED" => "the request took longer than it may: ask for less at once",
        _ => "something broke on our side; the server's log says what, by the request's id",
    };
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
