//! A pipeline: the ordered stages that a deal goes through, open ones, won ones and lost ones.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::{
    category::Category,
    span::{Span, changes},
};
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::{Instant, Share, StageId, Text};

/// The last place in the order of a pipeline's stages; the first is 1.
pub const ORDER_MAX: i32 = 1_000;

/// What may be asked of a pipeline. It holds from the command's effective instant on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Defines it, once, without any stage.
    Define { name: Text, external_id: Option<Text> },
    /// Gives it another name.
    Rename { name: Text },
    /// Adds a stage: `order` 1 to [`ORDER_MAX`]; probability and category are what deals in it have by default.
    AddStage { stage: StageId, name: Text, order: i32, kind: StageKind, probability: Share, category: Category },
    /// Gives a stage another name; it stays the same stage.
    RenameStage { stage: StageId, name: Text },
    /// Puts a stage at another place, 1 to [`ORDER_MAX`], where no other stage stands.
    ReorderStage { stage: StageId, order: i32 },
    /// Changes what deals in the stage have by default.
    ChangeStageDefaults { stage: StageId, probability: Share, category: Category },
    /// No deal enters the stage any more; its id and its history stay.
    RetireStage { stage: StageId },
}

/// Whether a deal in a stage is open or closed; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Worked on.
    Open,
    /// Won: 100 %, in the category Closed.
    Won,
    /// Lost, or closed without a decision: 0 %, in the category Omitted.
    Lost,
}

/// What has happened to a pipeline. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "pipeline.defined")]
    Defined {
        name: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        from: Instant,
    },
    #[serde(rename = "pipeline.renamed")]
    Renamed { name: Text, from: Instant },
    #[serde(rename = "pipeline.stage_added")]
    StageAdded {
        stage: StageId,
        name: Text,
        order: i32,
        kind: StageKind,
        probability: Share,
        category: Category,
        from: Instant,
    },
    #[serde(rename = "pipeline.stage_renamed")]
    StageRenamed { stage: StageId, name: Text, from: Instant },
    #[serde(rename = "pipeline.stage_reordered")]
    StageReordered { stage: StageId, order: i32, from: Instant },
    #[serde(rename = "pipeline.stage_defaults_changed")]
    StageDefaultsChanged { stage: StageId, probability: Share, category: Category, from: Instant },
    #[serde(rename = "pipeline.stage_retired")]
    StageRetired { stage: StageId, from: Instant },
}

/// What deals in a stage have unless a human says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageDefaults {
    pub probability: Share,
    pub category: Category,
}

/// One stage of a pipeline, over all time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub kind: StageKind,
    pub added_at: Instant,
    /// The first instant at which no deal enters it any more.
    pub retired_at: Option<Instant>,
    pub name: Steps<Text>,
    pub order: Steps<i32>,
    pub defaults: Steps<StageDefaults>,
}

/// One stage of a pipeline as it is at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct StageView {
    pub id: StageId,
    pub name: Text,
    pub order: i32,
    pub kind: StageKind,
    pub probability: Share,
    pub category: Category,
    pub retired: bool,
}

/// A pipeline as its events leave it, over all time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    pub defined_at: Option<Instant>,
    pub name: Steps<Text>,
    pub external_id: Option<Text>,
    pub stages: BTreeMap<StageId, Stage>,
}

/// Why a pipeline says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such pipeline at that instant")]
    NotDefined,
    #[error("the pipeline is defined already")]
    AlreadyDefined,
    #[error("the pipeline has that stage already")]
    StageExists,
    #[error("the pipeline has no such stage at that instant")]
    UnknownStage,
    #[error("the stage is retired by that instant")]
    StageRetired,
    #[error("another stage of the pipeline is called {name}")]
    NameTaken { name: Text },
    #[error("another stage of the pipeline stands at place {order}")]
    OrderTaken { order: i32 },
    #[error("{order} is no place for a stage: 1 to {ORDER_MAX} are")]
    OrderOutOfBounds { order: i32 },
    #[error("a won stage has a probability of 100 % and the category Closed")]
    WonIsCertain,
    #[error("a lost stage has a probability of 0 % and the category Omitted")]
    LostIsOmitted,
    #[error("only a won stage has the category Closed")]
    OpenIsNotClosed,
    #[error("it is the only stage of its kind that the pipeline has left: add another one first")]
    LastOfItsKind,
}

impl Decider for Pipeline {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = ();

    fn decide(&self, _facts: &(), command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let from = at.effective;
        let event = match command.clone() {
            Command::Define { name, external_id } => Event::Defined { name, external_id, from },
            Command::Rename { name } => Event::Renamed { name, from },
            Command::AddStage { stage, name, order, kind, probability, category } => {
                Event::StageAdded { stage, name, order, kind, probability, category, from }
            }
            Command::RenameStage { stage, name } => Event::StageRenamed { stage, name, from },
            Command::ReorderStage { stage, order } => Event::StageReordered { stage, order, from },
            Command::ChangeStageDefaults { stage, probability, category } => {
                Event::StageDefaultsChanged { stage, probability, category, from }
            }
            Command::RetireStage { stage } if self.is_retired(stage, from) => return Ok(vec![]),
            Command::RetireStage { stage } => Event::StageRetired { stage, from },
        };
        self.fits(&event)?;
        Ok(if self.says(&event) { vec![] } else { vec![event] })
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let from = event.from();
        match event {
            Event::Defined { .. } if self.defined_at.is_some() => Err(Refusal::AlreadyDefined),
            Event::Defined { .. } => Ok(()),
            _ if self.defined_at.is_none_or(|at| from < at) => Err(Refusal::NotDefined),
            Event::Renamed { .. } => Ok(()),
            Event::StageAdded { stage, .. } if self.stages.contains_key(stage) => Err(Refusal::StageExists),
            Event::StageAdded { stage, name, order, kind, probability, category, .. } => {
                kind.allows(*probability, *category)?;
                in_bounds(*order)?;
                let defaults = StageDefaults { probability: *probability, category: *category };
                self.stands_alone(*stage, &Stage::added(*kind, name.clone(), *order, defaults, from), from)
            }
            Event::StageRenamed { stage, name, .. } => {
                let mut renamed = self.standing(*stage, from)?.clone();
                renamed.name.set(from, None, Some(name.clone()));
                self.stands_alone(*stage, &renamed, from)
            }
            Event::StageReordered { stage, order, .. } => {
                let mut reordered = self.standing(*stage, from)?.clone();
                in_bounds(*order)?;
                reordered.order.set(from, None, Some(*order));
                self.stands_alone(*stage, &reordered, from)
            }
            Event::StageDefaultsChanged { stage, probability, category, .. } => {
                self.standing(*stage, from)?.kind.allows(*probability, *category)
            }
            Event::StageRetired { stage, .. } => {
                let kind = self.standing(*stage, from)?.kind;
                if self.has_others(*stage, kind, from) { Ok(()) } else { Err(Refusal::LastOfItsKind) }
            }
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        match event.clone() {
            Event::Defined { name, external_id, from } => {
                (self.defined_at, self.external_id) = (Some(from), external_id);
                self.name.set(from, None, Some(name));
            }
            Event::Renamed { name, from } => self.name.set(from, None, Some(name)),
            Event::StageAdded { stage, name, order, kind, probability, category, from } => {
                let defaults = StageDefaults { probability, category };
                self.stages.insert(stage, Stage::added(kind, name, order, defaults, from));
            }
            Event::StageRenamed { stage, name, from } => {
                self.change(stage, |stage| stage.name.set(from, None, Some(name)));
            }
            Event::StageReordered { stage, order, from } => {
                self.change(stage, |stage| stage.order.set(from, None, Some(order)));
            }
            Event::StageDefaultsChanged { stage, probability, category, from } => {
                let defaults = StageDefaults { probability, category };
                self.change(stage, |stage| stage.defaults.set(from, None, Some(defaults)));
            }
            Event::StageRetired { stage, from } => {
                self.change(stage, |stage| stage.retired_at = Some(stage.retired_at.map_or(from, |at| at.min(from))));
            }
        }
    }
}

impl Pipeline {
    /// Whether the pipeline is there at that instant.
    pub fn defined_by(&self, instant: Instant) -> bool {
        self.defined_at.is_some_and(|defined_at| defined_at <= instant)
    }

    /// The stages added by that instant, retired ones too, in order.
    pub fn stages_at(&self, instant: Instant) -> Vec<StageView> {
        let mut views: Vec<_> = self.stages.iter().filter_map(|(id, stage)| stage.view(*id, instant)).collect();
        views.sort_by_key(|view| (view.order, view.retired, view.id));
        views
    }

    /// The instants at which anything about the pipeline or its stages changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        let said = self.defined_at.into_iter().chain(changes(&self.name));
        instants_of(said.chain(self.stages.values().flat_map(Stage::instants)))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        let from = event.from();
        let of =
            |stage, over: fn(&Stage, Instant) -> bool| self.stages.get(stage).is_some_and(|stage| over(stage, from));
        match event {
            Event::Defined { .. } | Event::StageAdded { .. } => false,
            Event::Renamed { .. } => self.name.changes_after(from, None),
            Event::StageRenamed { stage, .. } => of(stage, |stage, from| stage.name.changes_after(from, None)),
            Event::StageReordered { stage, .. } => of(stage, |stage, from| stage.order.changes_after(from, None)),
            Event::StageDefaultsChanged { stage, .. } => {
                of(stage, |stage, from| stage.defaults.changes_after(from, None))
            }
            Event::StageRetired { stage, .. } => of(stage, |stage, from| stage.retired_at.is_some_and(|at| at > from)),
        }
    }

    fn is_retired(&self, stage: StageId, instant: Instant) -> bool {
        self.stages.get(&stage).is_some_and(|stage| stage.retired_at.is_some_and(|at| at <= instant))
    }

    fn standing(&self, stage: StageId, instant: Instant) -> Result<&Stage, Refusal> {
        let known = self.stages.get(&stage).filter(|stage| stage.added_at <= instant).ok_or(Refusal::UnknownStage)?;
        if known.stands_at(instant) { Ok(known) } else { Err(Refusal::StageRetired) }
    }

    /// Whether no other stage that stands has the stage's name or place, from the instant on.
    fn stands_alone(&self, id: StageId, stage: &Stage, from: Instant) -> Result<(), Refusal> {
        let span = Span::new(from, None);
        for (_, other) in self.stages.iter().filter(|(other, _)| **other != id) {
            for instant in span.instants(stage.instants().into_iter().chain(other.instants())) {
                if !stage.stands_at(instant) || !other.stands_at(instant) {
                    continue;
                }
                if let (Some(one), Some(two)) = (stage.name.at(instant), other.name.at(instant))
                    && one.folded() == two.folded()
                {
                    return Err(Refusal::NameTaken { name: one.clone() });
                }
                if let (Some(one), Some(two)) = (stage.order.at(instant), other.order.at(instant))
                    && one == two
                {
                    return Err(Refusal::OrderTaken { order: *one });
                }
            }
        }
        Ok(())
    }

    /// Whether another stage of the kind stands at every instant from that one on.
    fn has_others(&self, id: StageId, kind: StageKind, from: Instant) -> bool {
        let others: Vec<_> = self
            .stages
            .iter()
            .filter(|(other, stage)| **other != id && stage.kind == kind)
            .map(|(_, stage)| stage)
            .collect();
        let mut instants =
            Span::new(from, None).instants(others.iter().filter_map(|stage| stage.retired_at)).into_iter();
        instants.all(|instant| others.iter().any(|stage| stage.stands_at(instant)))
    }

    fn change(&mut self, stage: StageId, change: impl FnOnce(&mut Stage)) {
        if let Some(stage) = self.stages.get_mut(&stage) {
            change(stage);
        }
    }

    /// Whether what the event says holds from its instant on already.
    fn says(&self, event: &Event) -> bool {
        let from = event.from();
        match event {
            Event::Defined { .. } | Event::StageAdded { .. } | Event::StageRetired { .. } => false,
            Event::Renamed { name, .. } => self.name.holds(from, None, Some(name)),
            Event::StageRenamed { stage, name, .. } => {
                self.stages.get(stage).is_some_and(|stage| stage.name.holds(from, None, Some(name)))
            }
            Event::StageReordered { stage, order, .. } => {
                self.stages.get(stage).is_some_and(|stage| stage.order.holds(from, None, Some(order)))
            }
            Event::StageDefaultsChanged { stage, probability, category, .. } => {
                let defaults = StageDefaults { probability: *probability, category: *category };
                self.stages.get(stage).is_some_and(|stage| stage.defaults.holds(from, None, Some(&defaults)))
            }
        }
    }
}

impl Stage {
    /// Whether it is added and not retired at that instant: deals may enter it.
    pub fn stands_at(&self, instant: Instant) -> bool {
        Span::new(self.added_at, self.retired_at).holds(instant)
    }

    fn added(kind: StageKind, name: Text, order: i32, defaults: StageDefaults, from: Instant) -> Self {
        let mut stage = Self {
            kind,
            added_at: from,
            retired_at: None,
            name: Steps::default(),
            order: Steps::default(),
            defaults: Steps::default(),
        };
        stage.name.set(from, None, Some(name));
        stage.order.set(from, None, Some(order));
        stage.defaults.set(from, None, Some(defaults));
        stage
    }

    fn view(&self, id: StageId, instant: Instant) -> Option<StageView> {
        let (name, order) = (self.name.at(instant)?.clone(), *self.order.at(instant)?);
        let StageDefaults { probability, category } = *self.defaults.at(instant)?;
        let retired = !self.stands_at(instant);
        Some(StageView { id, name, order, kind: self.kind, probability, category, retired })
    }

    fn instants(&self) -> Vec<Instant> {
        let stands = [Some(self.added_at), self.retired_at].into_iter().flatten();
        instants_of(stands.chain(changes(&self.name)).chain(changes(&self.order)).chain(changes(&self.defaults)))
    }
}

impl StageKind {
    fn allows(self, probability: Share, category: Category) -> Result<(), Refusal> {
        match self {
            StageKind::Open if category == Category::Closed => Err(Refusal::OpenIsNotClosed),
            StageKind::Won if (probability, category) != (Share::ALL, Category::Closed) => Err(Refusal::WonIsCertain),
            StageKind::Lost if (probability, category) != (Share::NONE, Category::Omitted) => {
                Err(Refusal::LostIsOmitted)
            }
            StageKind::Open | StageKind::Won | StageKind::Lost => Ok(()),
        }
    }
}

impl Event {
    fn from(&self) -> Instant {
        match self {
            Event::Defined { from, .. }
            | Event::Renamed { from, .. }
            | Event::StageAdded { from, .. }
            | Event::StageRenamed { from, .. }
            | Event::StageReordered { from, .. }
            | Event::StageDefaultsChanged { from, .. }
            | Event::StageRetired { from, .. } => *from,
        }
    }
}

fn in_bounds(order: i32) -> Result<(), Refusal> {
    if (1..=ORDER_MAX).contains(&order) { Ok(()) } else { Err(Refusal::OrderOutOfBounds { order }) }
}
