//! Deals as the API shows them, and the questions about them.

mod filter;
mod loading;
mod mutations;

pub use filter::{DayRangeInput, DealFilter, MoneyRangeInput};
pub(crate) use filter::{FilterValues, filter_values};
use loading::row;
pub use mutations::{DealErrorCode, DealMutations, DealPayload, DealUserError};

use super::{decide::Assumed, history::Row};
use crate::{
    account::graphql::Account,
    category::Category,
    graph::{AsOfInput, Change, Cursor, Key, NodeId, PageInfo, PageSlice, View, Window, changes, fault},
    person::graphql::Person,
    pipeline::graphql::{Pipeline, Stage},
    product::graphql::Product,
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use logbook::Fault;
use std::sync::Arc;
use units::{Day, Money};
use uuid::Uuid;

/// Where a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
pub enum DealStatus {
    /// Worked on.
    Open,
    /// Won: it states its amount and its close date.
    Won,
    /// Lost, for a reason.
    Lost,
    /// Closed because the customer decided nothing: neither won nor lost.
    NoDecision,
    /// The same as another deal, which lives on: in no figure.
    Merged,
}

impl DealStatus {
    /// The word of the history table.
    pub(crate) fn stored(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::NoDecision => "no_decision",
            Self::Merged => "merged",
        }
    }

    /// The status in words.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Won => "Won",
            Self::Lost => "Lost",
            Self::NoDecision => "No decision",
            Self::Merged => "Merged",
        }
    }

    /// The status of a stored word.
    pub(crate) fn from_stored(word: &str) -> Result<Self> {
        let all = [Self::Open, Self::Won, Self::Lost, Self::NoDecision, Self::Merged];
        let found = all.into_iter().find(|status| status.stored() == word);
        found.ok_or_else(|| fault(&Fault::new("reading a deal", format!("\"{word}\" is no status"))))
    }
}

/// A deal (opportunity) as of the two instants of the query.
#[derive(Clone)]
pub struct Deal {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// A deal (opportunity) as of the two instants of the query.
#[Object]
impl Deal {
    /// The global id. Read at other instants, the same deal has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Deal", self.id, &self.view.point)
    }

    /// The deal's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// Its id in the system it was imported from; null when it was not.
    async fn external_id(&self) -> Option<&String> {
        self.row.external_id.as_ref()
    }

    /// The number of its last event, for a mutation's `expectedVersion`; as known at the instant of the query.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.id).await.transpose()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Where it stands.
    async fn status(&self) -> Result<DealStatus> {
        Ok(status(&self.row))
    }

    /// Its pipeline; null when it cannot be read.
    async fn pipeline(&self) -> Option<Result<Pipeline>> {
        Pipeline::find(&self.view, self.row.pipeline_id).await.transpose()
    }

    /// Its stage, named as of the instant of the query.
    async fn stage(&self) -> Option<Result<Stage>> {
        Stage::find(&self.view, self.row.stage_id).await.transpose()
    }

    /// Who works on it; null when that person is not there at the instant of the query, because the hire was withdrawn.
    async fn owner(&self) -> Option<Result<Person>> {
        Person::find(&self.view, self.row.owner_id).await.transpose()
    }

    /// The customer; null when none is named.
    async fn account(&self) -> Option<Result<Account>> {
        Account::find(&self.view, self.row.account_id?).await.transpose()
    }

    /// What is sold; null when nothing is named.
    async fn product(&self) -> Option<Result<Product>> {
        Product::find(&self.view, self.row.product_id?).await.transpose()
    }

    /// What it is worth: expected while it is open, final once it is won; null when nobody said.
    async fn amount(&self) -> Option<Money> {
        amount(&self.row)
    }

    /// When it is expected to close, as its people say; null when nobody said.
    async fn close_on(&self) -> Option<Day> {
        self.row.close_on.map(Day)
    }

    /// The forecast category that counts: the human's override, else its stage's. Of a closed deal always its stage's:
    /// the override is kept, and counts again when the deal is reopened.
    async fn category(&self) -> Option<Result<Category>> {
        match self.row.category.filter(|_| self.overrides_count()) {
            Some(category) => Some(Ok(category)),
            None => self.stage_value(|stage| stage.row.category).await,
        }
    }

    /// The forecast category that a human set over the stage's; null when none did. A closed deal keeps it.
    async fn category_override(&self) -> Option<Category> {
        self.row.category
    }

    /// The probability of winning that counts, in basis points (10,000 is certain): the human's override, else its
    /// stage's. Of a closed deal always its stage's, as `category` is.
    async fn probability_bps(&self) -> Option<Result<i32>> {
        match self.row.probability_bps.filter(|_| self.overrides_count()) {
            Some(bps) => Some(Ok(bps)),
            None => self.stage_value(|stage| stage.row.probability_bps).await,
        }
    }

    /// The probability that a human set over the stage's, in basis points; null when none did. A closed deal keeps it.
    async fn probability_override_bps(&self) -> Option<i32> {
        self.row.probability_bps
    }

    /// What is done next; null when nobody said.
    async fn next_step(&self) -> Option<&String> {
        self.row.next_step.as_ref()
    }

    /// By when the next step is due; null when nobody said.
    async fn next_step_due_on(&self) -> Option<Day> {
        self.row.next_step_due_on.map(Day)
    }

    /// The day it was opened on.
    async fn opened_on(&self) -> Day {
        Day(self.row.opened_on)
    }

    /// The day it closed on: its bookings count on this day when it is won; null while it is open.
    async fn closed_on(&self) -> Option<Day> {
        self.row.closed_on.map(Day)
    }

    /// Whole calendar days from opening to close; null while it is open, and where `datesConflict`.
    async fn cycle_days(&self) -> Option<i64> {
        self.row.cycle_days
    }

    /// Why it was lost, or why nothing was decided; null otherwise.
    async fn closed_reason(&self) -> Option<&String> {
        self.row.closed_reason.as_ref()
    }

    /// Who won it instead; null when nobody said.
    async fn competitor(&self) -> Option<&String> {
        self.row.competitor.as_ref()
    }

    /// The deal it was merged into; null when it was not merged, and when the login may not see that deal.
    async fn merged_into(&self) -> Option<Result<Deal>> {
        Deal::find(&self.view, self.row.merged_into?).await.transpose()
    }

    /// The values that an import assumed, for want of any in its source.
    async fn assumed(&self) -> &[Assumed] {
        &self.row.assumed
    }

    /// Whether its source says that it closed before it opened: it is opened at the earlier day and has no cycle days.
    async fn dates_conflict(&self) -> bool {
        self.row.dates_conflict
    }

    /// Who changed what, when and why, in the order in which the log took it down; as known at the instant of the query.
    /// Null, and named in `hidden`, when the login may not see the deals of its owner of now.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        match self.story_is_shown().await {
            Ok(true) => Some(self.all_changes().await),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The names of the fields that are null because the login may not see them.
    async fn hidden(&self) -> Result<Vec<&'static str>> {
        let shown = self.story_is_shown().await?;
        Ok(if shown { vec![] } else { vec!["changes"] })
    }
}

impl Deal {
    /// The deal at the view's instants; none when the login may not see the deals of its owner of then.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn find(view: &Arc<View>, id: Uuid) -> Result<Option<Self>> {
        let row = view.loader.load_one(units::DealId(id)).await.map_err(|error| fault(&error))?;
        let access = view.access().await?;
        let row = row.filter(|row| access.may_see(row.owner_id));
        Ok(row.map(|row| Self { view: Arc::clone(view), id, row }))
    }

    fn overrides_count(&self) -> bool {
        !matches!(status(&self.row), DealStatus::Won | DealStatus::Lost | DealStatus::NoDecision)
    }

    /// The story runs up to now, so that it is for who may see the deal as it is now.
    async fn story_is_shown(&self) -> Result<bool> {
        let present = self.view.point.stamp().is_none();
        if present || self.view.access().await?.visible().is_none() {
            return Ok(true);
        }
        Ok(Self::find(&self.view.at(AsOfInput::default()), self.id).await?.is_some())
    }

    async fn stage_value<T>(&self, of: impl Fn(&Stage) -> T) -> Option<Result<T>> {
        let stage = Stage::find(&self.view, self.row.stage_id).await.transpose()?;
        Some(stage.map(|stage| of(&stage)))
    }

    async fn all_changes(&self) -> Result<Vec<Change>> {
        let known = self.view.seen().await?.known.map(|position| position.0);
        let found = changes::of::<super::State>(self.view.reads(), self.id, self.id, known).await;
        found.map_err(|error| fault(&error))
    }
}

fn status(row: &Row) -> DealStatus {
    use super::decide::Status;
    match row.status {
        Status::Won => DealStatus::Won,
        Status::Lost => DealStatus::Lost,
        Status::NoDecision => DealStatus::NoDecision,
        Status::Merged => DealStatus::Merged,
        Status::Open | Status::Unopened => DealStatus::Open,
    }
}

fn amount(row: &Row) -> Option<Money> {
    let currency = row.currency.as_deref()?.parse().ok()?;
    row.amount_minor.map(|amount_minor| Money { amount_minor, currency })
}

/// What deals are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DealOrderField {
    /// Their name, in lower case, by code point.
    Name,
    /// Their amount in minor units, whatever the currency; deals without one last.
    Amount,
    /// The day they were opened on.
    OpenedOn,
    /// The day they closed on, or else are expected to; deals without one last.
    CloseDate,
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// An order of deals. Equal ones are ordered by their ids.
#[derive(Clone, Debug, InputObject)]
pub struct DealOrder {
    /// What they are ordered by.
    pub field: DealOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

impl DealOrder {
    fn word(&self) -> &'static str {
        match self.field {
            DealOrderField::Name => "NAME",
            DealOrderField::Amount => "AMOUNT",
            DealOrderField::OpenedOn => "OPENED_ON",
            DealOrderField::CloseDate => "CLOSE_DATE",
        }
    }
}

/// A page of deals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct DealConnection {
    /// The deals of the page.
    pub nodes: Vec<Deal>,
    /// The deals of the page, each with its cursor.
    pub edges: Vec<DealEdge>,
    /// Where the page lies.
    pub page_info: PageInfo,
    #[graphql(skip)]
    filter: DealFilter,
    #[graphql(skip)]
    view: Arc<View>,
}

/// A deal of a page.
#[derive(SimpleObject)]
pub struct DealEdge {
    /// Its place in the order: give it as `after` or `before`.
    pub cursor: String,
    /// The deal.
    pub node: Deal,
}

#[async_graphql::ComplexObject]
impl DealConnection {
    /// How many deals the filter lets through, on all pages; counted only when asked for. Null, with the code
    /// BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn total_count(&self) -> Option<Result<i64>> {
        Some(self.count().await)
    }
}

impl DealConnection {
    async fn count(&self) -> Result<i64> {
        let values = filter_values(&self.filter, &self.view).await?;
        crate::graph::listing::count(&self.view, include_str!("../sql/deals_count.sql"), &values.parameters()).await
    }

    async fn read(view: Arc<View>, filter: DealFilter, order: &DealOrder, window: &Window) -> Result<Self> {
        let values = filter_values(&filter, &view).await?;
        let upwards = (order.direction == OrderDirection::Asc) != window.backward;
        let sql = match upwards {
            true => include_str!("../sql/deals_upwards.sql"),
            false => include_str!("../sql/deals_downwards.sql"),
        };
        let last_key = if order.direction == OrderDirection::Asc { i64::MAX } else { i64::MIN };
        let (word, limit) = (order.word(), window.size + 1);
        let number = window.cursor.as_ref().map(|cursor| cursor.number);
        let text = window.cursor.as_ref().map(|cursor| cursor.text.as_str());
        let id = window.cursor.as_ref().map(|cursor| cursor.id);
        let mut parameters = values.parameters();
        let own: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [&word, &last_key, &number, &text, &id, &limit];
        parameters.extend(own);
        let rows =
            view.reads().rows_as_of(sql, view.seen().await?, &parameters).await.map_err(|error| fault(&error))?;
        let cursor = |found: &tokio_postgres::Row| Cursor {
            order: window.order.clone(),
            number: found.get("number_key"),
            text: found.get("text_key"),
            id: found.get("id"),
        };
        let found: Result<Vec<_>, Fault> = rows.iter().map(|found| Ok((cursor(found), row(found)?))).collect();
        let page = PageSlice::of(window, found.map_err(|error| fault(&error))?);
        let deal = |(cursor, row): (Cursor, Row)| {
            let node = Deal { view: Arc::clone(&view), id: cursor.id, row: Arc::new(row) };
            DealEdge { cursor: cursor.encoded(), node }
        };
        let edges: Vec<_> = page.rows.into_iter().map(deal).collect();
        let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
        Ok(Self { nodes, edges, page_info: page.info, filter, view })
    }
}

/// Questions about deals.
#[derive(Default)]
pub struct DealQueries(pub Option<Arc<View>>);

#[Object]
impl DealQueries {
    /// A deal by its id; null when there is none at the instant of the query, and when the login may not see the deals of
    /// its owner of that instant.
    async fn deal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Deal>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Deal::find(&view, Key::for_reading(&id, "Deal")?).await
        };
        find().await.transpose()
    }

    /// Deals that the login may see, a page at a time: their owner of the instant of the query must be somebody whose
    /// deals are shown to the login by its role and the reporting lines of now. `dealMetrics` takes the same filter: its
    /// counts are those of these rows, save that merged deals are in no figure.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn deals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deals; all when left out.")] filter: Option<DealFilter>,
        #[graphql(desc = "Their order; by name when left out.")] order_by: Option<DealOrder>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<DealConnection>> {
        let read = async || {
            let order = order_by.unwrap_or(DealOrder { field: DealOrderField::Name, direction: OrderDirection::Asc });
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let name = format!("{} {:?}", order.word(), order.direction);
            let name = view.order("deals", &name, &filter).await?;
            let window = Window::of(first, after, last, before, &name)?;
            DealConnection::read(view, filter, &order, &window).await
        };
        Some(read().await)
    }
}
