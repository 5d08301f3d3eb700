//! The commands of a pipeline as mutations: one each.

use super::Pipeline;
use crate::{
    category::Category,
    graph::{
        Asked, CommandFields, Key,
        listing::{inputs, value},
        mutations,
    },
    pipeline::{StageKind, State, decide, decide::Command},
};
use async_graphql::{Context, ID, Object, Result};
use units::{Int64, Position, Share, StageId, Text};

mutations! {
    Pipeline, "Pipeline", pipeline: PipelineErrorCode, PipelineUserError, PipelinePayload;
    /// There is no such pipeline at that instant.
    NotDefined,
    /// The pipeline was defined already.
    AlreadyDefined,
    /// The pipeline has that stage already.
    StageExists,
    /// The pipeline has no such stage at that instant.
    UnknownStage,
    /// The stage is retired by that instant.
    StageRetired,
    /// Another stage of the pipeline has that name.
    NameTaken,
    /// Another stage of the pipeline stands at that place.
    OrderTaken,
    /// A place is 1 to 1,000.
    OrderOutOfBounds,
    /// A won stage has 10,000 basis points and the category CLOSED.
    WonIsCertain,
    /// A lost stage has 0 basis points and the category OMITTED.
    LostIsOmitted,
    /// An open stage is not in the category CLOSED.
    OpenIsNotClosed,
    /// It is the last standing stage of its kind.
    LastOfItsKind,
}

inputs! {
    /// Defines a pipeline from `effectiveAt` on, without any stage yet.
    PipelineDefineInput {
        /// What it is called.
        name: String,
        /// Its id in another system.
        external_id: Option<String>,
    }
    /// Gives a pipeline another name from `effectiveAt` on.
    PipelineRenameInput {
        /// The pipeline.
        id: ID,
        /// Its new name.
        name: String,
    }
    /// Adds a stage to a pipeline from `effectiveAt` on.
    PipelineAddStageInput {
        /// The pipeline.
        id: ID,
        /// What the stage is called.
        name: String,
        /// Its place, 1 to 1,000.
        order: i32,
        /// Whether its deals are open, won or lost; it never changes.
        kind: StageKind,
        /// The probability of winning that its deals have, in basis points.
        probability_bps: i32,
        /// The forecast category that its deals have.
        category: Category,
    }
    /// Gives a stage another name from `effectiveAt` on.
    PipelineRenameStageInput {
        /// The pipeline.
        id: ID,
        /// The stage.
        stage: ID,
        /// Its new name.
        name: String,
    }
    /// Puts a stage to another place from `effectiveAt` on.
    PipelineReorderStageInput {
        /// The pipeline.
        id: ID,
        /// The stage.
        stage: ID,
        /// Its place, 1 to 1,000.
        order: i32,
    }
    /// Says what a stage's deals have from `effectiveAt` on unless a human says otherwise.
    PipelineChangeStageDefaultsInput {
        /// The pipeline.
        id: ID,
        /// The stage.
        stage: ID,
        /// The probability of winning, in basis points.
        probability_bps: i32,
        /// The forecast category.
        category: Category,
    }
    /// Says that no deal enters a stage from `effectiveAt` on.
    PipelineRetireStageInput {
        /// The pipeline.
        id: ID,
        /// The stage.
        stage: ID,
    }
    /// Says that an event should not be there. It can still be read as it was believed.
    PipelineWithdrawInput {
        /// The pipeline.
        id: ID,
        /// The position of the event. Those of the same command go with it. That of a withdrawal undoes it.
        event: Int64,
    }
}

async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<PipelinePayload> {
    perform(context, Some(Key::given(id, "Pipeline", "id")?), None, fields, Asked::Do(command)).await
}

fn text(written: &str, field: &str) -> Result<Text, PipelineUserError> {
    Text::new(written).map_err(|error| PipelineUserError::invalid(field, &error))
}

fn maybe(written: Option<&String>, field: &str) -> Result<Option<Text>, PipelineUserError> {
    written.map(|written| text(written, field)).transpose()
}

fn share(bps: i32) -> Result<Share, PipelineUserError> {
    Share::from_bps(bps).map_err(|error| PipelineUserError::invalid("probabilityBps", &error))
}

fn stage_of(id: &ID) -> Result<StageId> {
    Key::given(id, "Stage", "id").map(StageId)
}

/// Commands of pipelines.
#[derive(Default)]
pub struct PipelineMutations;

/// Commands of pipelines.
#[Object]
impl PipelineMutations {
    /// Defines a pipeline, without any stage yet.
    async fn pipeline_define(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineDefineInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let name = value!(PipelinePayload, text(&input.name, "name"));
            let external_id = value!(PipelinePayload, maybe(input.external_id.as_ref(), "externalId"));
            perform(context, None, None, input.command, Asked::Do(Command::Define { name, external_id })).await
        })
        .await
    }

    /// Gives a pipeline another name.
    async fn pipeline_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineRenameInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let name = value!(PipelinePayload, text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        })
        .await
    }

    /// Adds a stage. Its id is made from the commandId, so that sending it again means the same stage.
    async fn pipeline_add_stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineAddStageInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let add = Command::AddStage {
                stage: StageId(crate::graph::made_from(&input.command, "stage")?),
                name: value!(PipelinePayload, text(&input.name, "name")),
                order: input.order,
                kind: input.kind,
                probability: value!(PipelinePayload, share(input.probability_bps)),
                category: input.category,
            };
            put(context, &input.id, input.command, add).await
        })
        .await
    }

    /// Gives a stage another name. It keeps its id.
    async fn pipeline_rename_stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineRenameStageInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let name = value!(PipelinePayload, text(&input.name, "name"));
            let stage = stage_of(&input.stage)?;
            put(context, &input.id, input.command, Command::RenameStage { stage, name }).await
        })
        .await
    }

    /// Puts a stage to another place.
    async fn pipeline_reorder_stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineReorderStageInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let (stage, order) = (stage_of(&input.stage)?, input.order);
            put(context, &input.id, input.command, Command::ReorderStage { stage, order }).await
        })
        .await
    }

    /// Says what a stage's deals have unless a human says otherwise.
    async fn pipeline_change_stage_defaults(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineChangeStageDefaultsInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let probability = value!(PipelinePayload, share(input.probability_bps));
            let (stage, category) = (stage_of(&input.stage)?, input.category);
            let change = Command::ChangeStageDefaults { stage, probability, category };
            put(context, &input.id, input.command, change).await
        })
        .await
    }

    /// Says that no deal enters a stage any more. Stages are retired, never deleted.
    async fn pipeline_retire_stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineRetireStageInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let stage = stage_of(&input.stage)?;
            put(context, &input.id, input.command, Command::RetireStage { stage }).await
        })
        .await
    }

    /// Says that an event of a pipeline or of one of its stages should not be there.
    async fn pipeline_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PipelineWithdrawInput,
    ) -> Option<Result<PipelinePayload>> {
        PipelinePayload::told(async {
            let id = Some(Key::given(&input.id, "Pipeline", "id")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }
}
