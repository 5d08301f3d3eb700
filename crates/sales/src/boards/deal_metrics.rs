//! Figures about deals: how many, how much, how often won, how long they took.

use super::deal_figures::{DealFigures, Tally, cycle_days_of, part};
pub(crate) use crate::graph::view::within_our_knowledge;
use crate::{
    account::graphql::Account,
    deal::graphql::{DealFilter, DealStatus, FilterValues, filter_values},
    graph::{NodeId, View, fault},
    person::graphql::Person,
    pipeline::graphql::{Pipeline, Stage},
    product::graphql::Product,
    team::graphql::Team,
};
use async_graphql::{Context, Enum, Error, ErrorExtensions, ID, Object, Result, SimpleObject};
use std::{collections::BTreeMap, sync::Arc};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// What figures are grouped by. Groups are those of the instant of the query, and so are their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DealDimension {
    /// The deal's stage.
    Stage,
    /// Where the deal stands: OPEN, WON, LOST or NO_DECISION.
    Status,
    /// The deal's owner; the label is null where that person is not there at the instant of the query, because the hire
    /// was withdrawn, as `Deal.owner` is.
    Owner,
    /// The team that the deal's owner is in at the instant of the query: the organisation of that instant counts. The
    /// deals of an owner who has left, and of one whose team was disbanded, are in the group without a team until
    /// somebody takes them over.
    Team,
    /// The root of that team's tree.
    Region,
    /// The customer.
    Account,
    /// What is sold.
    Product,
    /// The month of the day it closed on, or else is expected to: YYYY-MM.
    CloseMonth,
    /// The calendar quarter of that day: YYYY-Qn.
    CloseQuarter,
    /// The month it was opened in: YYYY-MM.
    OpenMonth,
}

impl DealDimension {
    fn word(self) -> &'static str {
        match self {
            Self::Stage => "STAGE",
            Self::Status => "STATUS",
            Self::Owner => "OWNER",
            Self::Team => "TEAM",
            Self::Region => "REGION",
            Self::Account => "ACCOUNT",
            Self::Product => "PRODUCT",
            Self::CloseMonth => "CLOSE_MONTH",
            Self::CloseQuarter => "CLOSE_QUARTER",
            Self::OpenMonth => "OPEN_MONTH",
        }
    }
}

/// Figures about the deals that a filter lets through, in whole and by group. Merged deals are in none of them.
#[derive(SimpleObject)]
pub struct DealMetrics {
    /// The figures of all the deals.
    pub total: DealFigures,
    /// The figures of each group that has a deal; empty without `groupBy`. Their counts and amounts sum to those of
    /// `total`. By STAGE they come by pipeline and in the order of its stages, by the others in that of their labels; a
    /// group without a value comes last.
    pub groups: Vec<DealGroup>,
}

/// A group of deals and its figures.
#[derive(SimpleObject)]
pub struct DealGroup {
    /// What the group's deals have in common, in the order of `groupBy`.
    pub keys: Vec<DealGroupKey>,
    /// Its figures.
    pub figures: DealFigures,
}

/// What the deals of a group have in common.
#[derive(Clone)]
pub struct DealGroupKey {
    dimension: DealDimension,
    value: Option<String>,
    view: Arc<View>,
}

/// What the deals of a group have in common.
#[Object]
impl DealGroupKey {
    /// What they are grouped by.
    async fn dimension(&self) -> DealDimension {
        self.dimension
    }

    /// The UUID of the stage, person, team, account or product, the status, or the period; null for deals that have
    /// none (no customer named, an owner in no team).
    async fn value(&self) -> Option<String> {
        match self.dimension {
            DealDimension::Status => self.value.as_ref().map(|status| status.to_uppercase()),
            _ => self.value.clone(),
        }
    }

    /// The global id of the stage, person, team, account or product; null for other dimensions and for none.
    async fn id(&self) -> Option<ID> {
        let type_name = match self.dimension {
            DealDimension::Stage => "Stage",
            DealDimension::Owner => "Person",
            DealDimension::Team | DealDimension::Region => "Team",
            DealDimension::Account => "Account",
            DealDimension::Product => "Product",
            _ => return None,
        };
        Some(NodeId::of(type_name, self.uuid()?, &self.view.point))
    }

    /// Its name at the instant of the query, the status in words ("No decision"), or the period; null for none, and where
    /// what the value names is not there at that instant.
    async fn label(&self) -> Option<Result<String>> {
        self.find_label().await.transpose()
    }
}

impl DealGroupKey {
    fn uuid(&self) -> Option<Uuid> {
        self.value.as_ref()?.parse().ok()
    }

    /// Its place among the groups: none last, stages by pipeline and order, the others by label; equal ones by value.
    async fn rank(&self) -> Result<Rank> {
        let (name, order) = match (self.dimension, self.uuid()) {
            (DealDimension::Stage, Some(id)) => stage_place(&self.view, id).await?,
            _ => (self.find_label().await?.map(|label| label.to_lowercase()), 0),
        };
        Ok((self.value.is_none(), name.is_none(), name, order, self.value.clone()))
    }

    async fn find_label(&self) -> Result<Option<String>> {
        let Some(id) = self.uuid() else {
            let value = self.value.clone();
            return match self.dimension {
                DealDimension::Status => {
                    value.map(|word| Ok(DealStatus::from_stored(&word)?.label().to_owned())).transpose()
                }
                _ => Ok(value),
            };
        };
        Ok(match self.dimension {
            DealDimension::Stage => Stage::find(&self.view, id).await?.map(|stage| stage.row.name.clone()),
            DealDimension::Owner => Person::find(&self.view, id).await?.map(|person| person.row.name.clone()),
            DealDimension::Team | DealDimension::Region => {
                Team::find(&self.view, id).await?.map(|team| team.row.name.clone())
            }
            DealDimension::Account => Account::find(&self.view, id).await?.map(|account| account.row.name.clone()),
            DealDimension::Product => Product::find(&self.view, id).await?.map(|product| product.row.name.clone()),
            _ => self.value.clone(),
        })
    }
}

type Rank = (bool, bool, Option<String>, i64, Option<String>);

/// Where a stage stands: the name of its pipeline, the pipeline's id behind it, and its order there.
pub(super) async fn stage_place(view: &Arc<View>, stage: Uuid) -> Result<(Option<String>, i64)> {
    let Some(stage) = Stage::find(view, stage).await? else { return Ok((None, 0)) };
    let id = stage.row.pipeline_id;
    let pipeline = Pipeline::find(view, id).await?.map(|pipeline| pipeline.row.name.to_lowercase());
    Ok((Some(format!("{}\0{id}", pipeline.unwrap_or_default())), i64::from(stage.row.stage_order)))
}

/// Questions for figures about deals.
#[derive(Default)]
pub struct DealMetricsQueries(pub Option<Arc<View>>);

#[Object]
impl DealMetricsQueries {
    /// Figures about the deals that `deals` with the same filter lists, merged ones left out: over what the login may see,
    /// and nothing else. Null, with the code
    /// BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn deal_metrics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deals; all when left out.")] filter: Option<DealFilter>,
        #[graphql(desc = "Up to two dimensions; only `total` is filled when left out.", default)] group_by: Vec<
            DealDimension,
        >,
    ) -> Option<Result<DealMetrics>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let cycles = context.look_ahead();
            let cycles = [cycles.field("total"), cycles.field("groups").field("figures")];
            let cycles = cycles.iter().any(|figures| figures.field("cycleDays").exists());
            measured(&view, &filter.unwrap_or_default(), &group_by, cycles).await
        };
        Some(read().await)
    }
}

type Keys = (Option<String>, Option<String>);

async fn measured(
    view: &Arc<View>,
    filter: &DealFilter,
    dimensions: &[DealDimension],
    cycles: bool,
) -> Result<DealMetrics> {
    within_our_knowledge(view).await?;
    if dimensions.len() > 2 || (dimensions.len() == 2 && dimensions[0] == dimensions[1]) {
        return Err(Error::new("groupBy takes up to two different dimensions")
            .extend_with(|_, extensions| extensions.set("code", "BAD_USER_INPUT")));
    }
    let values = filter_values(filter, view).await?;
    let asked = Asked::of(view, dimensions).await?;
    let (sums, cycle_days) = asked.rows(view, &values, cycles).await?;
    let mut total = Tally::default();
    let mut groups: BTreeMap<Keys, Tally> = BTreeMap::new();
    for row in &sums {
        let (status, part) = part(row)?;
        total.add(status, &part);
        groups.entry((row.get("first_key"), row.get("second_key"))).or_default().add(status, &part);
    }
    for row in &cycle_days {
        let days = cycle_days_of(row);
        if row.get("whole") {
            total.cycle_days = days;
        } else {
            groups.entry((row.get("first_key"), row.get("second_key"))).or_default().cycle_days = days;
        }
    }
    let key = |dimension: &DealDimension, value: Option<String>| DealGroupKey {
        dimension: *dimension,
        value,
        view: Arc::clone(view),
    };
    let group = |((first, second), tally): (Keys, Tally)| {
        let keys = dimensions.iter().zip([first, second]).map(|(dimension, value)| key(dimension, value)).collect();
        Ok(DealGroup { keys, figures: tally.figures()? })
    };
    let groups = if dimensions.is_empty() { Ok(vec![]) } else { groups.into_iter().map(group).collect::<Result<_>>() };
    Ok(DealMetrics { total: total.figures()?, groups: ordered(groups?).await? })
}

/// Groups in the order of their keys' ranks.
async fn ordered(groups: Vec<DealGroup>) -> Result<Vec<DealGroup>> {
    let ranked = groups.into_iter().map(async |group| {
        let ranks: Vec<Rank> = futures::future::try_join_all(group.keys.iter().map(DealGroupKey::rank)).await?;
        Ok::<_, Error>((ranks, group))
    });
    let mut ranked = futures::future::try_join_all(ranked).await?;
    ranked.sort_by(|(one, _), (two, _)| one.cmp(two));
    Ok(ranked.into_iter().map(|(_, group)| group).collect())
}

struct Asked {
    first: Option<&'static str>,
    second: Option<&'static str>,
    people: Vec<Uuid>,
    teams: Vec<Uuid>,
    regions: Vec<Uuid>,
}

impl Asked {
    async fn of(view: &View, dimensions: &[DealDimension]) -> Result<Self> {
        let word = |index: usize| dimensions.get(index).copied().map(DealDimension::word);
        let of_teams = |dimension: &DealDimension| matches!(dimension, DealDimension::Team | DealDimension::Region);
        let (people, teams, regions) = if dimensions.iter().any(of_teams) {
            let org = view.org().await?;
            let ((people, teams), (_, regions)) = (org.groups(false), org.groups(true));
            (people, teams, regions)
        } else {
            Default::default()
        };
        Ok(Self { first: word(0), second: word(1), people, teams, regions })
    }

    async fn rows(&self, view: &View, values: &FilterValues, cycles: bool) -> Result<(Vec<Row>, Vec<Row>)> {
        let mut parameters = values.parameters();
        let own: [&(dyn ToSql + Sync); 5] = [&self.first, &self.second, &self.people, &self.teams, &self.regions];
        parameters.extend(own);
        let seen = view.seen().await?;
        let sums = view.reads().rows_as_of(include_str!("sql/deal_sums.sql"), seen, &parameters);
        let days = async {
            match cycles {
                true => view.reads().rows_as_of(include_str!("sql/cycle_days.sql"), seen, &parameters).await,
                false => Ok(vec![]),
            }
        };
        futures::try_join!(sums, days).map_err(|error| fault(&error))
    }
}
