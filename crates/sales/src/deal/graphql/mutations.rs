//! The commands of a deal as mutations: one each.

use super::Deal;
use crate::{
    category::Category,
    deal::{
        self as super_deal,
        decide::{Command, Opening},
    },
    graph::{Asked, CommandFields, Key, Session, listing::inputs, mutations, stated},
};
use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use units::{
    AccountId, Day, DealId, Int64, Money, MoneyInput, PersonId, PipelineId, Position, ProductId, Share, StageId, Text,
};

use super_deal::{State, decide};

mutations! {
    Deal, "Deal", deal: DealErrorCode, DealUserError, DealPayload;
    /// There is no such deal at that instant.
    NotOpened,
    /// The deal is open already.
    AlreadyOpen,
    /// The deal is closed: reopen it first, or correct the event that closed it.
    Closed,
    /// The deal is open: there is nothing to reopen.
    NotClosed,
    /// The deal was merged into another one.
    Merged,
    /// There is no such pipeline at that instant.
    UnknownPipeline,
    /// The deal's pipeline has no such stage at that instant.
    UnknownStage,
    /// The stage is retired.
    RetiredStage,
    /// The stage closes deals: win or lose the deal instead.
    ClosingStage,
    /// A deal cannot be closed that way in that stage.
    WrongKindOfStage,
    /// The pipeline has no stage in which a deal can be closed that way.
    NoStageFor,
    /// The owner is not with the organisation at that instant.
    OwnerNotActive,
    /// There is no such account at that instant.
    UnknownAccount,
    /// There is no such product at that instant.
    UnknownProduct,
    /// The amount is below zero.
    NegativeAmount,
    /// A won deal needs an amount.
    WonNeedsAmount,
    /// A lost deal needs a reason.
    LostNeedsReason,
    /// It would close after the day on which it is said to.
    ClosesInFuture,
    /// It would close before it was opened.
    ClosesBeforeOpening,
    /// It would close before it was last reopened.
    ClosesBeforeReopening,
    /// Only a closed deal is in the category Closed.
    CategoryClosed,
    /// A deal cannot be merged into itself.
    MergedIntoItself,
    /// The deal to merge into is not there, or is merged itself, then or later.
    NoSurvivor,
}

inputs! {
    /// Opens a deal.
    DealOpenInput {
        /// What it is called; 1 to 2,000 characters.
        name: String,
        /// Its pipeline.
        pipeline: ID,
        /// An open stage of the pipeline.
        stage: ID,
        /// Who works on it.
        owner: ID,
        /// The customer.
        account: Option<ID>,
        /// What is sold.
        product: Option<ID>,
        /// What it is worth.
        amount: Option<MoneyInput>,
        /// When it is expected to close.
        close_on: Option<Day>,
        /// Its id in another system.
        external_id: Option<String>,
    }
    /// Gives a deal another name.
    DealRenameInput {
        /// The deal.
        id: ID,
        /// Its new name.
        name: String,
    }
    /// Moves a deal to another open stage of its pipeline.
    DealChangeStageInput {
        /// The deal.
        id: ID,
        /// The stage.
        stage: ID,
    }
    /// Says what a deal is worth now.
    DealChangeAmountInput {
        /// The deal.
        id: ID,
        /// What it is worth; null: not known.
        amount: MaybeUndefined<MoneyInput>,
    }
    /// Says when a deal is expected to close.
    DealMoveCloseDateInput {
        /// The deal.
        id: ID,
        /// The day; null: not known.
        close_on: MaybeUndefined<Day>,
    }
    /// Gives a deal to another person.
    DealChangeOwnerInput {
        /// The deal.
        id: ID,
        /// The person.
        owner: ID,
    }
    /// Sets a deal's forecast category over its stage's, or clears that again.
    DealOverrideCategoryInput {
        /// The deal.
        id: ID,
        /// The category; null clears the override, so that the stage's counts again.
        category: MaybeUndefined<Category>,
    }
    /// Sets a deal's probability over its stage's, or clears that again.
    DealOverrideProbabilityInput {
        /// The deal.
        id: ID,
        /// 0 to 10,000 basis points; null clears the override, so that the stage's counts again.
        probability_bps: MaybeUndefined<i32>,
    }
    /// Says what is done next on a deal.
    DealSetNextStepInput {
        /// The deal.
        id: ID,
        /// What is done next; null clears it.
        next_step: MaybeUndefined<String>,
        /// By when.
        due_on: Option<Day>,
    }
    /// Wins a deal.
    DealWinInput {
        /// The deal.
        id: ID,
        /// What it was won for; what it was worth when left out.
        amount: Option<MoneyInput>,
        /// The day its bookings count on; the day it is won on when left out.
        closed_on: Option<Day>,
        /// A won stage of the pipeline; the first one when left out.
        stage: Option<ID>,
    }
    /// Loses a deal.
    DealLoseInput {
        /// The deal.
        id: ID,
        /// Why: a lost deal needs a reason (LOST_NEEDS_REASON).
        lost_reason: Option<String>,
        /// Who won it instead.
        competitor: Option<String>,
        /// The day it was lost on; that of `effectiveAt` when left out.
        closed_on: Option<Day>,
        /// A lost stage of the pipeline; the first one when left out.
        stage: Option<ID>,
    }
    /// Closes a deal on which the customer decided nothing.
    DealCloseWithoutDecisionInput {
        /// The deal.
        id: ID,
        /// Why, if anybody knows.
        no_decision_reason: Option<String>,
        /// The day; that of `effectiveAt` when left out.
        closed_on: Option<Day>,
        /// A lost stage of the pipeline; the first one when left out.
        stage: Option<ID>,
    }
    /// Opens a closed deal again.
    DealReopenInput {
        /// The deal.
        id: ID,
        /// An open stage of its pipeline.
        stage: ID,
    }
    /// Says that a deal is the same as another, which lives on.
    DealMergeInput {
        /// The deal that is merged, an open one: it is in no figure any more.
        id: ID,
        /// The deal that lives on.
        into: ID,
    }
    /// Says that an event of a deal should not be there. It can still be read as it was believed.
    DealWithdrawInput {
        /// The deal.
        id: ID,
        /// The position of the event. Those of the same command go with it. That of an earlier withdrawal undoes it.
        event: Int64,
    }
}

/// Commands of deals.
#[derive(Default)]
pub struct DealMutations;

type Problem = DealUserError;

fn text(written: &str, field: &str) -> Result<Text, Problem> {
    Text::new(written).map_err(|error| Problem::invalid(field, &error))
}

fn maybe_text(written: Option<&String>, field: &str) -> Result<Option<Text>, Problem> {
    written.map(|written| text(written, field)).transpose()
}

fn money(context: &Context<'_>, amount: Option<&MoneyInput>) -> Result<Result<Option<Money>, Problem>> {
    let own = Session::of(context)?.tenant.currency;
    let money = amount.map(|amount| amount.money(own)).transpose();
    Ok(money.map_err(|error| Problem::invalid("amount", &error)))
}

/// The value, or the payload that says what was wrong with it.
macro_rules! value {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(problem) => return Ok(DealPayload::refused(problem)),
        }
    };
}

async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<DealPayload> {
    perform(context, Some(Key::given(id, "Deal", "id")?), None, fields, Asked::Do(command)).await
}

fn stage_of(id: Option<&ID>) -> Result<Option<StageId>> {
    Ok(id.map(|id| Key::given(id, "Stage", "stage")).transpose()?.map(StageId))
}

/// Commands of deals.
#[Object]
impl DealMutations {
    /// Opens a deal.
    async fn deal_open(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealOpenInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let opening = Opening {
                name: value!(text(&input.name, "name")),
                pipeline: PipelineId(Key::given(&input.pipeline, "Pipeline", "pipeline")?),
                stage: StageId(Key::given(&input.stage, "Stage", "stage")?),
                owner: PersonId(Key::given(&input.owner, "Person", "owner")?),
                account: input.account.map(|id| Key::given(&id, "Account", "account")).transpose()?.map(AccountId),
                product: input.product.map(|id| Key::given(&id, "Product", "product")).transpose()?.map(ProductId),
                amount: value!(money(context, input.amount.as_ref())?),
                close_on: input.close_on.map(|day| day.0),
                external_id: value!(maybe_text(input.external_id.as_ref(), "externalId")),
                assumed: vec![],
                dates_conflict: false,
            };
            perform(context, None, None, input.command, Asked::Do(Command::Open(opening))).await
        })
        .await
    }

    /// Gives a deal another name.
    async fn deal_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealRenameInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let name = value!(text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        })
        .await
    }

    /// Moves a deal to another open stage. A human's override of category or probability stays.
    async fn deal_change_stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealChangeStageInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let stage = StageId(Key::given(&input.stage, "Stage", "stage")?);
            put(context, &input.id, input.command, Command::ChangeStage { stage }).await
        })
        .await
    }

    /// Says what a deal is worth now.
    async fn deal_change_amount(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealChangeAmountInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let amount = value!(money(context, stated(input.amount, "amount")?.as_ref())?);
            put(context, &input.id, input.command, Command::ChangeAmount { amount }).await
        })
        .await
    }

    /// Says when a deal is expected to close.
    async fn deal_move_close_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealMoveCloseDateInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let close_on = stated(input.close_on, "closeOn")?.map(|day| day.0);
            put(context, &input.id, input.command, Command::MoveCloseDate { close_on }).await
        })
        .await
    }

    /// Gives a deal to another person.
    async fn deal_change_owner(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealChangeOwnerInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let owner = PersonId(Key::given(&input.owner, "Person", "owner")?);
            put(context, &input.id, input.command, Command::ChangeOwner { owner }).await
        })
        .await
    }

    /// Sets a deal's forecast category over its stage's, or clears that again.
    async fn deal_override_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealOverrideCategoryInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let category = stated(input.category, "category")?;
            put(context, &input.id, input.command, Command::OverrideCategory { category }).await
        })
        .await
    }

    /// Sets a deal's probability over its stage's, or clears that again.
    async fn deal_override_probability(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealOverrideProbabilityInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let share = stated(input.probability_bps, "probabilityBps")?.map(Share::from_bps).transpose();
            let probability = value!(share.map_err(|error| Problem::invalid("probabilityBps", &error)));
            put(context, &input.id, input.command, Command::OverrideProbability { probability }).await
        })
        .await
    }

    /// Says what is done next on a deal, and by when.
    async fn deal_set_next_step(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealSetNextStepInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let next_step = value!(maybe_text(stated(input.next_step, "nextStep")?.as_ref(), "nextStep"));
            let due_on = input.due_on.map(|day| day.0);
            put(context, &input.id, input.command, Command::SetNextStep { next_step, due_on }).await
        })
        .await
    }

    /// Wins a deal. It needs an amount, and states it together with its close date.
    async fn deal_win(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealWinInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let amount = value!(money(context, input.amount.as_ref())?);
            let (closed_on, stage) = (input.closed_on.map(|day| day.0), stage_of(input.stage.as_ref())?);
            put(context, &input.id, input.command, Command::Win { amount, closed_on, stage }).await
        })
        .await
    }

    /// Loses a deal, for a reason.
    async fn deal_lose(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealLoseInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let reason = value!(maybe_text(input.lost_reason.as_ref(), "lostReason"));
            let competitor = value!(maybe_text(input.competitor.as_ref(), "competitor"));
            let (closed_on, stage) = (input.closed_on.map(|day| day.0), stage_of(input.stage.as_ref())?);
            let command = Command::Lose { reason, competitor, closed_on, stage, assumed: vec![] };
            put(context, &input.id, input.command, command).await
        })
        .await
    }

    /// Closes a deal on which the customer decided nothing: it is neither won nor lost.
    async fn deal_close_without_decision(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealCloseWithoutDecisionInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let reason = value!(maybe_text(input.no_decision_reason.as_ref(), "noDecisionReason"));
            let (closed_on, stage) = (input.closed_on.map(|day| day.0), stage_of(input.stage.as_ref())?);
            put(context, &input.id, input.command, Command::CloseWithoutDecision { reason, closed_on, stage }).await
        })
        .await
    }

    /// Opens a closed deal again.
    async fn deal_reopen(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealReopenInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let stage = StageId(Key::given(&input.stage, "Stage", "stage")?);
            put(context, &input.id, input.command, Command::Reopen { stage }).await
        })
        .await
    }

    /// Says that an open deal is the same as another, which lives on. A closed one is reopened first.
    async fn deal_merge(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealMergeInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let into = DealId(Key::given(&input.into, "Deal", "into")?);
            put(context, &input.id, input.command, Command::Merge { into }).await
        })
        .await
    }

    /// Says that an event of a deal should not be there. Give the reason in `correction.reason` or `reason`.
    async fn deal_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: DealWithdrawInput,
    ) -> Option<Result<DealPayload>> {
        DealPayload::told(async {
            let id = Some(Key::given(&input.id, "Deal", "id")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }
}
