//! What must be said so that the log holds the wanted stories: compared with what it holds, and rehearsed.

use crate::{
    compared::{Compared, Effect, Step, compared},
    report::{Outcome, Reject, Report},
    wanted::{Cell, CellOf, Place, Story},
};
use logbook::{
    AnyCommand, AnyRefusal, Context, Fault, Rehearsal, Rejection, Slice, Source, Stream, StreamRef, Submission, Verb,
};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// Who imports.
#[derive(Clone, Copy)]
pub(crate) struct Importer<'a> {
    pub(crate) source: &'a str,
    pub(crate) import_id: Uuid,
}

/// Whom the log names as the one who imports from a source.
pub(crate) fn actor(source: &str) -> String {
    format!("import:{source}")
}

impl Importer<'_> {
    pub(crate) fn submission(
        &self,
        stream: StreamRef,
        command_id: Uuid,
        verb: Verb,
        reason: Option<&str>,
    ) -> Submission {
        Submission {
            command_id,
            stream,
            fresh: false,
            verb,
            expected_version: None,
            effective_at: None,
            correction: None,
            context: Context {
                actor: actor(self.source),
                on_behalf_of: None,
                source: Source::Import,
                reason: reason.map(str::to_owned),
                correlation_id: Some(self.import_id),
                causation_id: None,
                source_recorded_at: None,
            },
            recorded_at: None,
        }
    }
}

/// What pass two writes.
pub(crate) struct Accepted {
    submission: Submission,
    from: From,
}

/// Where a submission is from, and what it is counted as.
pub(crate) struct From {
    effect: Effect,
    pub(crate) place: Place,
    pub(crate) cell: Cell,
    /// The types of its events.
    types: Vec<String>,
}

impl Accepted {
    pub(crate) fn parted(self) -> (Submission, From) {
        (self.submission, self.from)
    }
}

impl From {
    /// Takes back what was counted: it was not appended after all.
    pub(crate) fn unsay(&self, report: &mut Report) {
        report.replaced -= u64::from(self.effect == Effect::Replaced);
        report.withdrawn -= u64::from(self.effect == Effect::Withdrawn);
        for event_type in &self.types {
            if let Some(count) = report.events_appended.get_mut(event_type) {
                *count -= 1;
            }
        }
        report.events_appended.retain(|_, count| *count > 0);
    }
}

/// A step that was refused, and why.
struct Refused {
    step: Step,
    rule: String,
    cell: Cell,
    by_people: bool,
}

/// Plans one story: what is accepted is put to `accepted`, what is not is rejected with its row.
pub(crate) async fn story<S: Slice>(
    importer: &Importer<'_>,
    rehearsal: &mut Rehearsal<'_>,
    story: Story<S>,
    accepted: &mut Vec<Accepted>,
    report: &mut Report,
) -> Result<(), Fault>
where
    S::Command: AnyCommand,
{
    let key = StreamRef { kind: S::KIND, id: story.id };
    let (shared, settles) = (story.shared, story.settles);
    let compared = compared(importer, rehearsal.stream::<S>(story.id), story);
    let Compared { was_there, known, kept, waiting, cells } = compared;
    report.already_known += known.len() as u64;
    let (own, stuck) = rehearsed::<S>(importer, rehearsal, key, settles, waiting, &cells).await?;
    let refused = stuck.len();
    for Refused { step, rule, cell, by_people } in stuck.into_iter().take(if shared { refused } else { 1 }) {
        let told = told(&step.place, cell, rule);
        if by_people { report.keep(told) } else { report.reject(told) }
    }
    if refused > 0 && !shared {
        rehearsal.forget(&key);
        return Ok(());
    }
    for (place, cell, rule) in kept {
        report.keep(told(&place, cell, rule));
    }
    let mut note = |place: &Place, outcome| match shared {
        true => report.part(&place.file, place.line, outcome),
        false => drop(report.outcome(&place.file, place.line, outcome)),
    };
    known.iter().for_each(|place| note(place, Outcome::Known));
    for Accepted { from, .. } in &own {
        let outcome = match from.effect {
            _ if from.types.is_empty() => Outcome::Known,
            Effect::Said if shared || !was_there => Outcome::New,
            _ => Outcome::Changed,
        };
        note(&from.place, outcome);
    }
    settle(own, accepted, report);
    Ok(())
}

/// Puts the steps of a story to the rehearsal: what it accepts, and what it refuses whatever comes first.
async fn rehearsed<S: Slice>(
    importer: &Importer<'_>,
    rehearsal: &mut Rehearsal<'_>,
    key: StreamRef,
    settles: fn(&S::Event) -> bool,
    mut waiting: VecDeque<Step>,
    cells: &[CellOf<S>],
) -> Result<(Vec<Accepted>, Vec<Refused>), Fault> {
    let (mut own, mut stuck) = (Vec::new(), Vec::<Refused>::new());
    loop {
        let before = own.len();
        while let Some(step) = waiting.pop_front() {
            match rehearsal.put(&step.submission).await? {
                Ok(rehearsed) => {
                    let Step { effect, submission, place, cell } = step;
                    own.push(Accepted { submission, from: From { effect, place, cell, types: rehearsed.types } });
                }
                Err(rejection) => {
                    let cell = cell_of::<S>(&rejection, cells).unwrap_or_else(|| step.cell.clone());
                    let by_people = by_people(importer, rehearsal.stream::<S>(key.id), &rejection, settles);
                    stuck.push(Refused { step, rule: rejection.to_string(), cell, by_people });
                }
            }
        }
        // A later change may have to come first: what moved forward in time makes room for what follows it.
        if stuck.is_empty() || own.len() == before {
            return Ok((own, stuck));
        }
        waiting.extend(stuck.drain(..).map(|refused| refused.step));
    }
}

/// Takes down what a story came to.
fn settle(own: Vec<Accepted>, accepted: &mut Vec<Accepted>, report: &mut Report) {
    for step in own {
        let From { effect, types, .. } = &step.from;
        if types.is_empty() {
            report.already_known += 1;
            continue;
        }
        report.replaced += u64::from(*effect == Effect::Replaced);
        report.withdrawn += u64::from(*effect == Effect::Withdrawn);
        count(&mut report.events_appended, types);
        accepted.push(step);
    }
}

fn count(events: &mut BTreeMap<String, u64>, types: &[String]) {
    for event_type in types {
        *events.entry(event_type.clone()).or_default() += 1;
    }
}

pub(crate) fn told(place: &Place, cell: Cell, rule: String) -> Reject {
    let value = cell.value.chars().take(100).collect();
    Reject { file: place.file.to_string(), line: place.line, column: cell.column, value, rule }
}

/// The cell that a rejection is about.
fn cell_of<S: Slice>(rejection: &Rejection, cells: &[CellOf<S>]) -> Option<Cell> {
    let refusal: &dyn AnyRefusal = match rejection {
        Rejection::Refused(refusal) | Rejection::NoLongerFits { refusal, .. } => &**refusal,
        _ => return None,
    };
    let refusal = refusal.as_any().downcast_ref::<S::Refusal>()?;
    cells.iter().find(|(is_about, _)| is_about(refusal)).map(|(_, cell)| cell.clone())
}

/// Whether it is what people said that stands in the way.
fn by_people<S: Slice>(
    importer: &Importer<'_>,
    stream: Option<&Stream<S>>,
    rejection: &Rejection,
    settles: fn(&S::Event) -> bool,
) -> bool {
    let actor = actor(importer.source);
    let standing = stream.map(Stream::standing).unwrap_or_default();
    let mut people = standing.iter().filter(|unit| unit.context.actor != actor);
    match rejection {
        Rejection::NoLongerFits { position, .. } => people.any(|unit| unit.first == *position),
        Rejection::Refused(_) => people.any(|unit| unit.events().iter().any(settles)),
        _ => false,
    }
}
