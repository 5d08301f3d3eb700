//! How the team tree becomes rows, one thing a team.

use super::decide::{Command, Event, Teams};
use crate::schedule;
use decider::Steps;
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::{Instant, TeamId};
use uuid::Uuid;

/// The columns of `team_history` beyond its bounds; a team has a row while it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its name in lower case, for finding by prefix.
    pub name_folded: String,
    /// The team above it; none for a region.
    pub parent_id: Option<Uuid>,
    /// Its id in the system it came from.
    pub external_id: Option<String>,
}

impl Row {
    fn at(teams: &Teams, id: TeamId, instant: Instant) -> Option<Self> {
        let team = teams.get(id).filter(|team| team.stands_at(instant))?;
        let name = team.name.at(instant)?;
        Some(Self {
            name: name.as_str().to_owned(),
            name_folded: name.folded(),
            parent_id: team.parent.at(instant).map(|parent| parent.0),
            external_id: team.external_id.clone().map(String::from),
        })
    }
}

impl Slice for Teams {
    const KIND: &'static str = "team";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[schedule::table!("team", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) {}

    fn segments(_id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        fn froms<T: Clone + PartialEq>(steps: &Steps<T>) -> impl Iterator<Item = Instant> {
            steps.iter().map(|step| step.from)
        }
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        let rows = state.iter().flat_map(|(id, team)| {
            let stands = [team.formed_at].into_iter().chain(team.disbanded_at);
            let instants = decider::instants_of(stands.chain(froms(&team.name)).chain(froms(&team.parent)));
            schedule::segments(0, id.0, instants, |instant| Row::at(state, id, instant))
        });
        rows.collect()
    }

    fn overlays(&self, event: &Event) -> bool {
        Teams::overlays(self, event)
    }
}
