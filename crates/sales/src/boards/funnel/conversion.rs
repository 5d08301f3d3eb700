//! How many deals get from a stage to a later one.

use super::visits::{Within, stories};
use crate::{
    boards::{
        deal_figures::{Ratio, ratio},
        deal_metrics::stage_place,
        figure_deals::{FigureDealConnection, page_of},
        paged::PageAsked,
        question::Question,
    },
    graph::{PeriodDays, period::DayRange},
    pipeline::graphql::Stage,
};
use async_graphql::{Enum, Object, Result};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// What became of a deal that was in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
pub enum ConversionOutcome {
    /// It reached a later open stage of its pipeline, or was won.
    Reached,
    /// It is open, in the stage.
    Stayed,
    /// It is open, in an earlier stage.
    WentBack,
    /// It was lost.
    Lost,
    /// It was closed without a decision.
    NoDecision,
}

impl ConversionOutcome {
    fn is_open(self) -> bool {
        matches!(self, Self::Stayed | Self::WentBack)
    }
}

type Parts = BTreeMap<ConversionOutcome, Vec<Uuid>>;

/// The conversion of each open stage.
pub struct StageConversions(Arc<Asked>, Vec<(Uuid, Parts, Parts)>);

struct Asked {
    question: Question,
    period: PeriodDays,
}

impl StageConversions {
    pub(super) async fn of(question: Question, period: PeriodDays) -> Result<Self> {
        let window = Within::of(&period, question.view.tenant().zone);
        let mut stages: BTreeMap<Uuid, (Parts, Parts)> = BTreeMap::new();
        for story in stories(&question, &window).await? {
            let visited: std::collections::BTreeSet<Uuid> = story.visits().iter().map(|visit| visit.stage).collect();
            for stage in visited {
                let cohort = story.cohort(stage, &window, &question.book);
                let snapshot = story.snapshot(stage, &window, &question.book);
                if cohort.is_none() && snapshot.is_none() {
                    continue;
                }
                let (of_cohort, of_snapshot) = stages.entry(stage).or_default();
                for (outcome, parts) in [(cohort, of_cohort), (snapshot, of_snapshot)] {
                    if let Some(outcome) = outcome {
                        parts.entry(outcome).or_default().push(story.deal);
                    }
                }
            }
        }
        let placed = stages.into_iter().map(async |(stage, (cohort, snapshot))| {
            let place = stage_place(&question.view, stage).await?;
            Ok::<_, async_graphql::Error>(((place.0.is_none(), place, stage), (stage, cohort, snapshot)))
        });
        let mut placed = futures::future::try_join_all(placed).await?;
        placed.sort_by(|(one, _), (two, _)| one.cmp(two));
        let stages = placed.into_iter().map(|(_, stage)| stage).collect();
        Ok(Self(Arc::new(Asked { question, period }), stages))
    }
}

/// The conversion of each open stage.
#[Object]
impl StageConversions {
    /// The period that was asked for.
    async fn period(&self) -> DayRange {
        self.0.period.into()
    }

    /// The open stages that a deal of the cohort or of the snapshot was in, by pipeline and in the order of its stages.
    async fn stages(&self) -> Vec<StageConversion> {
        let stage = |(stage, cohort, snapshot): &(Uuid, Parts, Parts)| {
            let of = |kind, parts: &Parts| Conversion {
                asked: Arc::clone(&self.0),
                stage: *stage,
                kind,
                parts: parts.clone(),
            };
            StageConversion { cohort: of("cohort", cohort), snapshot: of("snapshot", snapshot) }
        };
        self.1.iter().map(stage).collect()
    }
}

/// The conversion of one stage.
pub struct StageConversion {
    cohort: Conversion,
    snapshot: Conversion,
}

/// The conversion of one stage.
#[Object]
impl StageConversion {
    /// The stage, named as of the instant of the query; null when it is not there then.
    async fn stage(&self) -> Option<Result<Stage>> {
        Stage::find(&self.cohort.asked.question.view, self.cohort.stage).await.transpose()
    }

    /// Of the deals that came into it in the period, each once: what became of them by the instant of the query.
    async fn cohort(&self) -> &Conversion {
        &self.cohort
    }

    /// Of the deals that were in it just before the period: where they are when the period ends, or at the instant of the
    /// query if that comes first.
    async fn snapshot(&self) -> &Conversion {
        &self.snapshot
    }
}

/// What became of deals that were in a stage.
pub struct Conversion {
    asked: Arc<Asked>,
    stage: Uuid,
    kind: &'static str,
    parts: Parts,
}

impl Conversion {
    fn count(&self, counts: impl Fn(ConversionOutcome) -> bool) -> i64 {
        let counted = self.parts.iter().filter(|(outcome, _)| counts(**outcome));
        counted.map(|(_, deals)| i64::try_from(deals.len()).unwrap_or(i64::MAX)).sum()
    }
}

/// What became of deals that were in a stage.
#[Object]
impl Conversion {
    /// How many deals.
    async fn entered(&self) -> i64 {
        self.count(|_| true)
    }

    /// How many of them are open and have not got further: what becomes of them is not known yet (censored).
    async fn open(&self) -> i64 {
        self.count(ConversionOutcome::is_open)
    }

    /// Those that got further / all of them. While deals are open it can only rise.
    async fn rate(&self) -> Ratio {
        let all = self.count(|_| true);
        ratio(self.count(|outcome| outcome == ConversionOutcome::Reached), all, all)
    }

    /// Those that got further / those of whom it is known: all but the open ones, which are excluded.
    async fn decided_rate(&self) -> Ratio {
        let decided = self.count(|outcome| !outcome.is_open());
        ratio(self.count(|outcome| outcome == ConversionOutcome::Reached), decided, self.count(|_| true))
    }

    /// The deals by what became of them; outcomes without a deal are left out.
    async fn outcomes(&self) -> Vec<ConversionPart> {
        let part = |(outcome, deals): (&ConversionOutcome, &Vec<Uuid>)| ConversionPart {
            asked: Arc::clone(&self.asked),
            stage: self.stage,
            kind: self.kind,
            outcome: *outcome,
            deals: deals.clone(),
        };
        self.parts.iter().map(part).collect()
    }
}

/// The deals of one outcome.
pub struct ConversionPart {
    asked: Arc<Asked>,
    stage: Uuid,
    kind: &'static str,
    outcome: ConversionOutcome,
    deals: Vec<Uuid>,
}

/// The deals of one outcome.
#[Object]
impl ConversionPart {
    /// What became of them.
    async fn outcome(&self) -> ConversionOutcome {
        self.outcome
    }

    /// How many.
    async fn count(&self) -> i64 {
        i64::try_from(self.deals.len()).unwrap_or(i64::MAX)
    }

    /// The deals, in the order of their ids.
    async fn deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<FigureDealConnection>> {
        let Asked { question, period } = &*self.asked;
        let list = (self.kind, self.stage, self.outcome, period, &question.whose);
        let deals: Vec<_> = self.deals.iter().map(|id| (*id, None)).collect();
        Some(page_of(&question.view, PageAsked { first, after }, &list, &deals).await)
    }
}
