//! How a pipeline and its stages become rows.

use super::decide::{Command, Event, Pipeline, StageKind};
use crate::{category::Category, schedule};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `pipeline_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its name in lower case, for finding by prefix.
    pub name_folded: String,
    /// Its id in the system it came from.
    pub external_id: Option<String>,
}

/// The columns of `stage_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// The pipeline that it is a stage of.
    pub pipeline_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its name in lower case.
    pub name_folded: String,
    /// Its place in the pipeline.
    pub stage_order: i32,
    /// open, won or lost.
    pub kind: StageKind,
    /// The probability of winning that its deals have unless a human says otherwise, in basis points.
    pub probability_bps: i32,
    /// The forecast category that its deals have unless a human says otherwise.
    pub category: Category,
    /// Whether no deal enters it any more.
    pub retired: bool,
}

/// A row of either table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AnyRow {
    /// Of the pipeline.
    Pipeline(Row),
    /// Of one of its stages.
    Stage(StageRow),
}

impl Slice for Pipeline {
    const KIND: &'static str = "pipeline";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] =
        &[schedule::table!("pipeline", "history"), schedule::table!("stage", "history_stage")];
    type Row = AnyRow;

    fn reads(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) {}

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<AnyRow>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        let row_at = |instant| {
            let name = state.name.at(instant)?;
            let (folded, external_id) = (name.folded(), state.external_id.clone().map(String::from));
            Some(AnyRow::Pipeline(Row { name: name.as_str().to_owned(), name_folded: folded, external_id }))
        };
        let mut rows = schedule::segments(0, id, state.instants(), row_at);
        for stage in state.stages.keys() {
            let row_at = |instant| stage_row(state, id, stage.0, instant).map(AnyRow::Stage);
            rows.extend(schedule::segments(1, stage.0, state.instants(), row_at));
        }
        rows
    }

    fn overlays(&self, event: &Event) -> bool {
        Pipeline::overlays(self, event)
    }
}

fn stage_row(pipeline: &Pipeline, pipeline_id: Uuid, stage: Uuid, instant: Instant) -> Option<StageRow> {
    let view = pipeline.stages_at(instant).into_iter().find(|view| view.id.0 == stage)?;
    Some(StageRow {
        pipeline_id,
        name: view.name.as_str().to_owned(),
        name_folded: view.name.folded(),
        stage_order: view.order,
        kind: view.kind,
        probability_bps: view.probability.bps(),
        category: view.category,
        retired: view.retired,
    })
}
