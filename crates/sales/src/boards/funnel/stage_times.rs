//! How long deals stay in stages.

use super::visits::{Visit, Within, stories};
use crate::{
    boards::{
        deal_figures::{DayStatistics, statistics_of},
        deal_metrics::stage_place,
        paged::{PageAsked, paged},
        question::Question,
    },
    deal::graphql::Deal,
    graph::{PeriodDays, View, period::DayRange},
    pipeline::graphql::Stage,
};
use async_graphql::{Object, Result};
use std::{collections::BTreeMap, sync::Arc};
use units::{Instant, Zone};
use uuid::Uuid;

/// How long deals stayed in each open stage.
pub struct StageTimes(Arc<Asked>, Vec<(Uuid, Visits)>);

struct Asked {
    question: Question,
    period: PeriodDays,
}

/// The visits to a stage that a period is about.
#[derive(Clone, Debug, Default)]
struct Visits {
    /// Each that ended in the period, with the days of all visits of its deal that ended by then.
    ended: Vec<(Uuid, i64, Visit, i64)>,
    /// Those that had not ended when the period did.
    staying: Vec<(Uuid, i64, Visit)>,
}

impl Visits {
    fn add(&mut self, deal: Uuid, visits: &[Visit], window: &Within, zone: Zone) {
        let mut total_days = 0;
        for (number, visit) in (0..).zip(visits) {
            match visit.left_at.filter(|left_at| *left_at < window.to) {
                Some(left_at) => {
                    total_days += visit.days(zone).unwrap_or_default();
                    if left_at >= window.from {
                        self.ended.push((deal, number, *visit, total_days));
                    }
                }
                None if visit.entered_at < window.to => {
                    self.staying.push((deal, number, Visit { left_at: None, ..*visit }));
                }
                None => {}
            }
        }
    }

    /// A deal's days in all, each deal once: those of its last visit, which hold the earlier ones.
    fn per_deal(&self) -> Vec<i64> {
        let totals: BTreeMap<Uuid, i64> = self.ended.iter().map(|(deal, _, _, total)| (*deal, *total)).collect();
        totals.into_values().collect()
    }
}

impl StageTimes {
    pub(super) async fn of(question: Question, period: PeriodDays) -> Result<Self> {
        let zone = question.view.tenant().zone;
        let window = Within::of(&period, zone);
        let mut stages: BTreeMap<Uuid, Visits> = BTreeMap::new();
        for story in stories(&question, &window).await? {
            let mut by_stage: BTreeMap<Uuid, Vec<Visit>> = BTreeMap::new();
            for visit in story.visits() {
                by_stage.entry(visit.stage).or_default().push(visit);
            }
            for (stage, visits) in by_stage {
                stages.entry(stage).or_default().add(story.deal, &visits, &window, zone);
            }
        }
        stages.retain(|_, visits| !visits.ended.is_empty() || !visits.staying.is_empty());
        let placed = stages.into_iter().map(async |(stage, visits)| {
            let place = stage_place(&question.view, stage).await?;
            Ok::<_, async_graphql::Error>(((place.0.is_none(), place, stage), (stage, visits)))
        });
        let mut placed = futures::future::try_join_all(placed).await?;
        placed.sort_by(|(one, _), (two, _)| one.cmp(two));
        let stages = placed.into_iter().map(|(_, stage)| stage).collect();
        Ok(Self(Arc::new(Asked { question, period }), stages))
    }
}

/// How long deals stayed in each open stage.
#[Object]
impl StageTimes {
    /// The period that was asked for.
    async fn period(&self) -> DayRange {
        self.0.period.into()
    }

    /// The open stages that had a visit, by pipeline and in the order of its stages.
    async fn stages(&self) -> Vec<StageTime> {
        let stage = |(stage, visits): &(Uuid, Visits)| StageTime {
            asked: Arc::clone(&self.0),
            stage: *stage,
            visits: visits.clone(),
        };
        self.1.iter().map(stage).collect()
    }
}

/// How long deals stayed in one stage.
pub struct StageTime {
    asked: Arc<Asked>,
    stage: Uuid,
    visits: Visits,
}

/// How long deals stayed in one stage.
#[Object]
impl StageTime {
    /// The stage, named as of the instant of the query; null when it is not there then.
    async fn stage(&self) -> Option<Result<Stage>> {
        Stage::find(&self.asked.question.view, self.stage).await.transpose()
    }

    /// The days of each visit that ended in the period; coming back is another visit.
    async fn per_visit(&self) -> DayStatistics {
        statistics_of(self.visits.ended.iter().map(|(_, _, visit, _)| self.days(visit).unwrap_or_default()).collect())
    }

    /// The days of all visits of a deal together, of the deals of which a visit ended in the period: those that ended
    /// before it count too.
    async fn per_deal(&self) -> DayStatistics {
        statistics_of(self.visits.per_deal())
    }

    /// How many visits had not ended when the period did, or by the instant of the query if that comes first. Their days
    /// are in no statistics.
    async fn staying(&self) -> i64 {
        i64::try_from(self.visits.staying.len()).unwrap_or(i64::MAX)
    }

    /// The visits, in the order of the deals' ids and of time: those that ended in the period, or those that had not.
    async fn visits(
        &self,
        #[graphql(desc = "Those that ended in the period; false: those that had not.", default = true)] ended: bool,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<StageVisitConnection>> {
        let Asked { question, period } = &*self.asked;
        let shown = |deal: Uuid, visit: &Visit, total_days| StageVisit {
            view: Arc::clone(&question.view),
            deal,
            visit: *visit,
            days: self.days(visit),
            total_days,
        };
        let visits: Vec<_> = match ended {
            true => {
                let ended = self.visits.ended.iter();
                ended.map(|(deal, number, visit, total)| (*deal, *number, shown(*deal, visit, Some(*total)))).collect()
            }
            false => {
                let staying = self.visits.staying.iter();
                staying.map(|(deal, number, visit)| (*deal, *number, shown(*deal, visit, None))).collect()
            }
        };
        let list = ("visits", self.stage, ended, period, &question.whose);
        Some(PageAsked { first, after }.of(&question.view, &list, visits.into_iter()).await)
    }
}

impl StageTime {
    fn days(&self, visit: &Visit) -> Option<i64> {
        visit.days(self.asked.question.view.tenant().zone)
    }
}

paged!(StageVisitConnection, StageVisitEdge, StageVisit);

/// A stay of a deal in a stage.
#[derive(Clone)]
pub struct StageVisit {
    view: Arc<View>,
    deal: Uuid,
    visit: Visit,
    days: Option<i64>,
    total_days: Option<i64>,
}

/// A stay of a deal in a stage.
#[Object]
impl StageVisit {
    /// The deal's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.deal.to_string()
    }

    /// The deal at the instants of the figure; null when it cannot be read.
    async fn deal(&self) -> Option<Result<Deal>> {
        Deal::find(&self.view, self.deal).await.transpose()
    }

    /// When it came.
    async fn entered_at(&self) -> Instant {
        self.visit.entered_at
    }

    /// When it went: to another stage, or because it closed; null: it had not when the period ended.
    async fn left_at(&self) -> Option<Instant> {
        self.visit.left_at
    }

    /// Whole calendar days from coming to going; null while it stays.
    async fn days(&self) -> Option<i64> {
        self.days
    }

    /// The days of this visit and of all earlier ones of the deal to the stage; null while it stays.
    async fn total_days(&self) -> Option<i64> {
        self.total_days
    }
}
