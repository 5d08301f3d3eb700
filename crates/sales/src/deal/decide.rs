//! A deal: from its opening through stages, amounts and owners to won, lost, no decision or merged.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use super::facts::{Facts, StageRole};
use crate::category::Category;
use chrono::NaiveDate;
use decider::{At, Decider};
use serde::{Deserialize, Serialize};
use units::{AccountId, DealId, Money, PersonId, PipelineId, ProductId, Share, StageId, Text};

/// What may be asked of a deal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Opens it.
    Open(Opening),
    /// Gives it another name.
    Rename { name: Text },
    /// Moves it to another open stage of its pipeline; a human's override of category or probability stays.
    ChangeStage { stage: StageId },
    /// Says what it is worth now; `None`: not known.
    ChangeAmount { amount: Option<Money> },
    /// Says when it is expected to close; `None`: not known.
    MoveCloseDate { close_on: Option<NaiveDate> },
    /// Gives it to another person.
    ChangeOwner { owner: PersonId },
    /// A human's forecast category, over the stage's own; `None` clears the override.
    OverrideCategory { category: Option<Category> },
    /// A human's probability, over the stage's own; `None` clears the override.
    OverrideProbability { probability: Option<Share> },
    /// Says what is done next, and by when; `None` clears it.
    SetNextStep { next_step: Option<Text>, due_on: Option<NaiveDate> },
    /// Won. What is left out is taken from the deal (amount), the day it is won on, and the pipeline's won stage.
    Win { amount: Option<Money>, closed_on: Option<NaiveDate>, stage: Option<StageId> },
    /// Lost, for a reason.
    Lose {
        reason: Option<Text>,
        competitor: Option<Text>,
        closed_on: Option<NaiveDate>,
        stage: Option<StageId>,
        assumed: Vec<Assumed>,
    },
    /// Closed because the customer decided nothing.
    CloseWithoutDecision { reason: Option<Text>, closed_on: Option<NaiveDate>, stage: Option<StageId> },
    /// Opens a closed deal again, at an open stage.
    Reopen { stage: StageId },
    /// Says that it, an open deal, is the same as another one, which lives on.
    Merge { into: DealId },
}

/// What an opening says of a deal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opening {
    pub name: Text,
    pub pipeline: PipelineId,
    /// An open stage of the pipeline.
    pub stage: StageId,
    pub owner: PersonId,
    pub account: Option<AccountId>,
    pub product: Option<ProductId>,
    pub amount: Option<Money>,
    pub close_on: Option<NaiveDate>,
    /// Its id in the system it was imported from.
    pub external_id: Option<Text>,
    /// Which values an import assumed, for want of any in its source.
    pub assumed: Vec<Assumed>,
    /// The source says that it closed before it opened: it is opened at the earlier day and has no cycle days.
    pub dates_conflict: bool,
}

/// A value that an import assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Assumed {
    /// The day it was opened.
    OpenedOn,
    /// What it is worth.
    Amount,
    /// When it is expected to close, or closed.
    CloseDate,
    /// Why it was lost.
    LostReason,
    /// The stage it was opened at.
    Stage,
    /// Who owns it.
    Owner,
}

/// What has happened to a deal. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "deal.opened")]
    Opened {
        name: Text,
        pipeline: PipelineId,
        stage: StageId,
        owner: PersonId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<ProductId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        close_on: Option<NaiveDate>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assumed: Vec<Assumed>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dates_conflict: bool,
    },
    #[serde(rename = "deal.renamed")]
    Renamed { name: Text },
    #[serde(rename = "deal.stage_changed")]
    StageChanged { stage: StageId },
    #[serde(rename = "deal.amount_changed")]
    AmountChanged { amount: Option<Money> },
    #[serde(rename = "deal.close_date_moved")]
    CloseDateMoved { close_on: Option<NaiveDate> },
    #[serde(rename = "deal.owner_changed")]
    OwnerChanged { owner: PersonId },
    #[serde(rename = "deal.category_overridden")]
    CategoryOverridden { category: Category },
    #[serde(rename = "deal.category_cleared")]
    CategoryCleared,
    #[serde(rename = "deal.probability_overridden")]
    ProbabilityOverridden { probability: Share },
    #[serde(rename = "deal.probability_cleared")]
    ProbabilityCleared,
    #[serde(rename = "deal.next_step_set")]
    NextStepSet { next_step: Option<Text>, due_on: Option<NaiveDate> },
    #[serde(rename = "deal.won")]
    Won { amount: Money, closed_on: NaiveDate, stage: StageId },
    #[serde(rename = "deal.lost")]
    Lost {
        reason: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        competitor: Option<Text>,
        closed_on: NaiveDate,
        stage: StageId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assumed: Vec<Assumed>,
    },
    #[serde(rename = "deal.no_decision")]
    NoDecision {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Text>,
        closed_on: NaiveDate,
        stage: StageId,
    },
    #[serde(rename = "deal.reopened")]
    Reopened { stage: StageId },
    #[serde(rename = "deal.merged")]
    Merged { into: DealId },
}

/// Where a deal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Before its opening.
    #[default]
    Unopened,
    /// Worked on.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
    /// Closed because the customer decided nothing: neither won nor lost.
    NoDecision,
    /// Merged into another deal: in no figure.
    Merged,
}

/// A deal as its events leave it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deal {
    pub status: Status,
    pub name: Option<Text>,
    pub pipeline: Option<PipelineId>,
    pub stage: Option<StageId>,
    pub owner: Option<PersonId>,
    pub account: Option<AccountId>,
    pub product: Option<ProductId>,
    pub amount: Option<Money>,
    /// Expected while it is open.
    pub close_on: Option<NaiveDate>,
    pub category: Option<Category>,
    pub probability: Option<Share>,
    pub next_step: Option<Text>,
    pub next_step_due_on: Option<NaiveDate>,
    pub opened_on: Option<NaiveDate>,
    /// The day of the last reopening.
    pub reopened_on: Option<NaiveDate>,
    pub closed_on: Option<NaiveDate>,
    pub closed_reason: Option<Text>,
    pub competitor: Option<Text>,
    pub merged_into: Option<DealId>,
    pub external_id: Option<Text>,
    pub assumed: Vec<Assumed>,
    pub dates_conflict: bool,
}

/// Why a deal says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such deal at that instant")]
    NotOpened,
    #[error("the deal is open already")]
    AlreadyOpen,
    #[error("the deal is closed: reopen it first, or correct the event that closed it")]
    Closed,
    #[error("the deal is open: there is nothing to reopen")]
    NotClosed,
    #[error("the deal was merged into another one")]
    Merged,
    #[error("there is no such pipeline at that instant")]
    UnknownPipeline,
    #[error("the deal's pipeline has no such stage at that instant")]
    UnknownStage,
    #[error("the stage is retired: no deal enters it any more")]
    RetiredStage,
    #[error("that stage closes deals: win the deal or lose it instead of moving it there")]
    ClosingStage,
    #[error("that stage is not one in which a deal can be {outcome}")]
    WrongKindOfStage { outcome: &'static str },
    #[error("the pipeline has no stage in which a deal can be {outcome}")]
    NoStageFor { outcome: &'static str },
    #[error("a deal's owner must be a person of the organisation at that instant")]
    OwnerNotActive,
    #[error("there is no such account at that instant")]
    UnknownAccount,
    #[error("there is no such product at that instant")]
    UnknownProduct,
    #[error("a deal's amount cannot be below zero")]
    NegativeAmount,
    #[error("a won deal needs an amount")]
    WonNeedsAmount,
    #[error("a lost deal needs a reason")]
    LostNeedsReason,
    #[error("a deal cannot close on {closed_on}, after the day on which it is said to ({day})")]
    ClosesInFuture { closed_on: NaiveDate, day: NaiveDate },
    #[error("a deal cannot close on {closed_on}, before it was opened ({opened_on})")]
    ClosesBeforeOpening { closed_on: NaiveDate, opened_on: NaiveDate },
    #[error("a deal cannot close on {closed_on}, before it was last reopened ({reopened_on})")]
    ClosesBeforeReopening { closed_on: NaiveDate, reopened_on: NaiveDate },
    #[error("only a closed deal is in the category Closed")]
    CategoryClosed,
    #[error("a deal cannot be merged into itself")]
    MergedIntoItself,
    #[error("the deal to merge into is not there at that instant, or is merged itself, then or later")]
    NoSurvivor,
}

impl Decider for Deal {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = Facts;

    fn decide(&self, facts: &Facts, command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        match (self.status, command.clone()) {
            (Status::Unopened, Command::Open(opening)) => opened(facts, opening),
            (_, Command::Open(_)) => Err(Refusal::AlreadyOpen),
            (Status::Unopened, _) => Err(Refusal::NotOpened),
            (Status::Merged, Command::Merge { into }) if self.merged_into == Some(into) => Ok(vec![]),
            (Status::Merged, _) => Err(Refusal::Merged),
            (Status::Open, Command::Rename { name }) => {
                said(self.name.as_ref() == Some(&name), Event::Renamed { name })
            }
            (Status::Open, Command::ChangeStage { stage }) if self.stage == Some(stage) => Ok(vec![]),
            (Status::Open, Command::ChangeStage { stage }) => {
                Ok(vec![Event::StageChanged { stage: facts.open_stage(stage)? }])
            }
            (Status::Open, Command::ChangeAmount { amount }) => {
                said(self.amount == amount, Event::AmountChanged { amount: not_negative(amount)? })
            }
            (Status::Open, Command::MoveCloseDate { close_on }) => {
                said(self.close_on == close_on, Event::CloseDateMoved { close_on })
            }
            (Status::Open, Command::ChangeOwner { owner }) if self.owner == Some(owner) => Ok(vec![]),
            (Status::Open, Command::ChangeOwner { .. }) if !facts.owner_active => Err(Refusal::OwnerNotActive),
            (Status::Open, Command::ChangeOwner { owner }) => Ok(vec![Event::OwnerChanged { owner }]),
            (Status::Open, Command::OverrideCategory { category: Some(Category::Closed) }) => {
                Err(Refusal::CategoryClosed)
            }
            (Status::Open, Command::OverrideCategory { category }) => {
                let event = category.map_or(Event::CategoryCleared, |category| Event::CategoryOverridden { category });
                said(self.category == category, event)
            }
            (Status::Open, Command::OverrideProbability { probability }) => {
                let event = probability
                    .map_or(Event::ProbabilityCleared, |probability| Event::ProbabilityOverridden { probability });
                said(self.probability == probability, event)
            }
            (Status::Open, Command::SetNextStep { next_step, due_on }) => {
                let already = self.next_step == next_step && self.next_step_due_on == due_on;
                said(already, Event::NextStepSet { next_step, due_on })
            }
            (Status::Open, Command::Win { amount, closed_on, stage }) => {
                let amount = not_negative(amount.or(self.amount))?.ok_or(Refusal::WonNeedsAmount)?;
                let stage = facts.closing_stage(stage, StageRole::Won, "won")?;
                Ok(vec![Event::Won { amount, closed_on: closing_day(closed_on, at)?, stage }])
            }
            (Status::Open, Command::Lose { reason, competitor, closed_on, stage, assumed }) => {
                let reason = reason.ok_or(Refusal::LostNeedsReason)?;
                let stage = facts.closing_stage(stage, StageRole::Lost, "lost")?;
                Ok(vec![Event::Lost { reason, competitor, closed_on: closing_day(closed_on, at)?, stage, assumed }])
            }
            (Status::Open, Command::CloseWithoutDecision { reason, closed_on, stage }) => {
                let stage = facts.closing_stage(stage, StageRole::Lost, "closed without a decision")?;
                Ok(vec![Event::NoDecision { reason, closed_on: closing_day(closed_on, at)?, stage }])
            }
            (Status::Open, Command::Reopen { .. }) => Err(Refusal::NotClosed),
            (Status::Open, Command::Merge { into }) if facts.itself == Some(into) => Err(Refusal::MergedIntoItself),
            (Status::Open, Command::Merge { into }) if facts.survivor != Some(into) => Err(Refusal::NoSurvivor),
            (Status::Open, Command::Merge { into }) => Ok(vec![Event::Merged { into }]),
            (Status::Won | Status::Lost | Status::NoDecision, Command::Reopen { stage }) => {
                Ok(vec![Event::Reopened { stage: facts.open_stage(stage)? }])
            }
            (Status::Won, Command::Win { amount, closed_on, stage }) if self.closed_as(amount, closed_on, stage) => {
                Ok(vec![])
            }
            (Status::Lost, Command::Lose { reason, competitor, closed_on, stage, .. })
                if self.closed_as(None, closed_on, stage)
                    && (reason.is_some() && reason == self.closed_reason)
                    && (competitor.is_none() || competitor == self.competitor) =>
            {
                Ok(vec![])
            }
            (Status::NoDecision, Command::CloseWithoutDecision { reason, closed_on, stage })
                if self.closed_as(None, closed_on, stage) && reason == self.closed_reason =>
            {
                Ok(vec![])
            }
            (Status::Won | Status::Lost | Status::NoDecision, _) => Err(Refusal::Closed),
        }
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        match (self.status, event) {
            (Status::Unopened, Event::Opened { .. }) => Ok(()),
            (Status::Unopened, _) => Err(Refusal::NotOpened),
            (_, Event::Opened { .. }) => Err(Refusal::AlreadyOpen),
            (Status::Merged, _) => Err(Refusal::Merged),
            (Status::Open, Event::Reopened { .. }) => Err(Refusal::NotClosed),
            (
                Status::Open,
                Event::Won { closed_on, .. } | Event::Lost { closed_on, .. } | Event::NoDecision { closed_on, .. },
            ) => self.may_close_on(*closed_on),
            (Status::Open, _) | (_, Event::Reopened { .. }) => Ok(()),
            (Status::Won | Status::Lost | Status::NoDecision, _) => Err(Refusal::Closed),
        }
    }

    fn evolve(&mut self, event: &Event, at: &At) {
        match event.clone() {
            Event::Opened {
                name,
                pipeline,
                stage,
                owner,
                account,
                product,
                amount,
                close_on,
                external_id,
                assumed,
                dates_conflict,
            } => {
                *self = Self {
                    status: Status::Open,
                    name: Some(name),
                    pipeline: Some(pipeline),
                    stage: Some(stage),
                    owner: Some(owner),
                    account,
                    product,
                    amount,
                    close_on,
                    opened_on: Some(at.day),
                    external_id,
                    assumed,
                    dates_conflict,
                    ..Self::default()
                };
            }
            Event::Renamed { name } => self.name = Some(name),
            Event::StageChanged { stage } => self.stage = Some(stage),
            Event::AmountChanged { amount } => self.amount = amount,
            Event::CloseDateMoved { close_on } => self.close_on = close_on,
            Event::OwnerChanged { owner } => self.owner = Some(owner),
            Event::CategoryOverridden { category } => self.category = Some(category),
            Event::CategoryCleared => self.category = None,
            Event::ProbabilityOverridden { probability } => self.probability = Some(probability),
            Event::ProbabilityCleared => self.probability = None,
            Event::NextStepSet { next_step, due_on } => (self.next_step, self.next_step_due_on) = (next_step, due_on),
            Event::Won { amount, closed_on, stage } => {
                self.amount = Some(amount);
                self.close(Status::Won, closed_on, stage, None);
            }
            Event::Lost { reason, competitor, closed_on, stage, assumed } => {
                self.close(Status::Lost, closed_on, stage, Some(reason));
                self.competitor = competitor;
                self.assumed.extend(assumed);
            }
            Event::NoDecision { reason, closed_on, stage } => self.close(Status::NoDecision, closed_on, stage, reason),
            Event::Reopened { stage } => {
                (self.status, self.stage, self.closed_on) = (Status::Open, Some(stage), None);
                self.reopened_on = Some(at.day);
                (self.closed_reason, self.competitor) = (None, None);
                self.assumed.retain(|assumed| *assumed != Assumed::LostReason);
            }
            Event::Merged { into } => (self.status, self.merged_into) = (Status::Merged, Some(into)),
        }
    }
}

impl Deal {
    fn close(&mut self, status: Status, closed_on: NaiveDate, stage: StageId, reason: Option<Text>) {
        (self.status, self.closed_on, self.stage, self.closed_reason) = (status, Some(closed_on), Some(stage), reason);
    }

    fn may_close_on(&self, closed_on: NaiveDate) -> Result<(), Refusal> {
        match (self.opened_on, self.reopened_on) {
            _ if self.dates_conflict => Ok(()),
            (_, Some(reopened_on)) if closed_on < reopened_on => {
                Err(Refusal::ClosesBeforeReopening { closed_on, reopened_on })
            }
            (Some(opened_on), _) if closed_on < opened_on => Err(Refusal::ClosesBeforeOpening { closed_on, opened_on }),
            _ => Ok(()),
        }
    }

    fn closed_as(&self, amount: Option<Money>, closed_on: Option<NaiveDate>, stage: Option<StageId>) -> bool {
        (amount.is_none() || amount == self.amount)
            && (closed_on.is_none() || closed_on == self.closed_on)
            && (stage.is_none() || stage == self.stage)
    }
}

fn opened(facts: &Facts, opening: Opening) -> Result<Vec<Event>, Refusal> {
    let Opening {
        name,
        pipeline,
        stage,
        owner,
        account,
        product,
        amount,
        close_on,
        external_id,
        assumed,
        dates_conflict,
    } = opening;
    let stage = facts.open_stage(stage)?;
    if !facts.owner_active {
        return Err(Refusal::OwnerNotActive);
    }
    if account.is_some() && !facts.account_known {
        return Err(Refusal::UnknownAccount);
    }
    if product.is_some() && !facts.product_known {
        return Err(Refusal::UnknownProduct);
    }
    let amount = not_negative(amount)?;
    Ok(vec![Event::Opened {
        name,
        pipeline,
        stage,
        owner,
        account,
        product,
        amount,
        close_on,
        external_id,
        assumed,
        dates_conflict,
    }])
}

fn said(already: bool, event: Event) -> Result<Vec<Event>, Refusal> {
    Ok(if already { vec![] } else { vec![event] })
}

fn not_negative(amount: Option<Money>) -> Result<Option<Money>, Refusal> {
    match amount {
        Some(money) if money.amount_minor < 0 => Err(Refusal::NegativeAmount),
        amount => Ok(amount),
    }
}

fn closing_day(asked: Option<NaiveDate>, at: &At) -> Result<NaiveDate, Refusal> {
    match asked {
        Some(closed_on) if closed_on > at.day => Err(Refusal::ClosesInFuture { closed_on, day: at.day }),
        asked => Ok(asked.unwrap_or(at.day)),
    }
}
