//! What a deal needs to know of other slices. A file of its own beside the long match of `decide`.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use super::decide::Refusal;
use units::{DealId, StageId};

/// What kind of stage a deal may rest in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageRole {
    Open,
    Won,
    Lost,
}

/// A stage of the deal's pipeline, as it stands at the command's effective instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageFact {
    pub id: StageId,
    pub role: StageRole,
    pub retired: bool,
}

/// What a deal needs to know of other slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The stages of its pipeline in order; `None`: there is no such pipeline.
    pub stages: Option<Vec<StageFact>>,
    /// Whether the person named by the command is there and has not left.
    pub owner_active: bool,
    /// Whether the account named by the command is there.
    pub account_known: bool,
    /// Whether the product named by the command is there.
    pub product_known: bool,
    /// The deal to merge into, if it is there and is never merged itself from then on.
    pub survivor: Option<DealId>,
    /// The deal itself, to refuse a merge into itself.
    pub itself: Option<DealId>,
}

impl Facts {
    fn entering(&self, stage: StageId, role: StageRole, wrong: Refusal) -> Result<StageId, Refusal> {
        let stages = self.stages.as_ref().ok_or(Refusal::UnknownPipeline)?;
        let found = stages.iter().find(|known| known.id == stage).ok_or(Refusal::UnknownStage)?;
        if found.role != role {
            Err(wrong)
        } else if found.retired {
            Err(Refusal::RetiredStage)
        } else {
            Ok(stage)
        }
    }

    pub(super) fn open_stage(&self, stage: StageId) -> Result<StageId, Refusal> {
        self.entering(stage, StageRole::Open, Refusal::ClosingStage)
    }

    pub(super) fn closing_stage(
        &self,
        asked: Option<StageId>,
        role: StageRole,
        outcome: &'static str,
    ) -> Result<StageId, Refusal> {
        if let Some(stage) = asked {
            return self.entering(stage, role, Refusal::WrongKindOfStage { outcome });
        }
        let stages = self.stages.as_ref().ok_or(Refusal::UnknownPipeline)?;
        let first = stages.iter().find(|stage| stage.role == role && !stage.retired);
        first.map(|stage| stage.id).ok_or(Refusal::NoStageFor { outcome })
    }
}
