//! What must be said so that the log holds the wanted stories: compared with what it holds, and rehearsed.

use crate::{
    report::{Reject, Report},
    wanted::{self, Story},
};
use logbook::{
    Act, AnyCommand, Context, Correction, Fault, Rehearsal, Rejection, Slice, Source, Stream, StreamRef, Submission,
    Unit, Verb,
};
use std::collections::{HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// Who imports.
pub(crate) struct Importer<'a> {
    pub(crate) source: &'a str,
    pub(crate) import_id: Uuid,
}

/// Whom the log names as the one who imports from a source.
pub(crate) fn actor(source: &str) -> String {
    format!("import:{source}")
}

impl Importer<'_> {
    fn actor(&self) -> String {
        actor(self.source)
    }

    fn submission(&self, stream: StreamRef, command_id: Uuid, verb: Verb, reason: Option<&str>) -> Submission {
        Submission {
            command_id,
            stream,
            fresh: false,
            verb,
            expected_version: None,
            effective_at: None,
            correction: None,
            context: Context {
                actor: self.actor(),
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

/// What a submission does to the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Said,
    Replaced,
    Withdrawn,
}

const REWRITTEN: &str = "the source says it otherwise now";
const UNSAID: &str = "the source no longer says it";

/// Plans one story: what is accepted is put to `accepted`, what is not is rejected with its row.
pub(crate) async fn story<S: Slice>(
    importer: &Importer<'_>,
    rehearsal: &mut Rehearsal<'_>,
    story: Story<S>,
    accepted: &mut Vec<Submission>,
    report: &mut Report,
) -> Result<(), Fault>
where
    S::Command: AnyCommand,
{
    let stream = StreamRef { kind: S::KIND, id: story.id };
    let place = story.place.clone();
    let (known, mut waiting) = compared(importer, rehearsal.stream::<S>(story.id), story);
    report.already_known += known;
    let (mut own, mut refused_in_a_row, mut types) = (Vec::new(), 0, Vec::new());
    let mut first_rule = None;
    while let Some((effect, submission)) = waiting.pop_front() {
        match rehearsal.put(&submission).await? {
            Ok(rehearsed) => {
                (refused_in_a_row, first_rule) = (0, None);
                types.extend(rehearsed.types);
                own.push((effect, submission));
            }
            // A later change may have to come first: what moved forward in time makes room for what follows it.
            Err(rejection) => {
                let rule = first_rule.get_or_insert_with(|| rejection.to_string());
                let of_order = matches!(rejection, Rejection::NoLongerFits { .. } | Rejection::Refused(_));
                if of_order && refused_in_a_row < waiting.len() {
                    refused_in_a_row += 1;
                    waiting.push_back((effect, submission));
                    continue;
                }
                let (value, rule) = (stream.id.to_string(), rule.clone());
                report.reject(Reject { file: place.file, line: place.line, column: String::new(), value, rule });
                return Ok(());
            }
        }
    }
    for (effect, submission) in own {
        report.replaced += u64::from(effect == Effect::Replaced);
        report.withdrawn += u64::from(effect == Effect::Withdrawn);
        accepted.push(submission);
    }
    for event_type in types {
        *report.events_appended.entry(event_type).or_default() += 1;
    }
    Ok(())
}

type Waiting = VecDeque<(Effect, Submission)>;

/// What of the story the log holds already, and what must be said so that it holds the rest.
fn compared<S: Slice>(importer: &Importer<'_>, stream: Option<&Stream<S>>, story: Story<S>) -> (u64, Waiting)
where
    S::Command: AnyCommand,
{
    let actor = importer.actor();
    let units = stream.map(Stream::units).unwrap_or_default();
    let used: HashSet<Uuid> = units.iter().map(|unit| unit.command_id).collect();
    let standing = stream.map(Stream::standing).unwrap_or_default();
    let mut left: Vec<&Unit<S::Event>> = standing.into_iter().filter(|unit| unit.context.actor == actor).collect();
    let place: HashMap<Uuid, usize> = left.iter().enumerate().map(|(at, unit)| (unit.command_id, at)).collect();
    let replaced: HashSet<Option<i64>> = left.iter().map(|unit| unit.replaces.map(|position| position.0)).collect();
    let mut known = HashSet::new();
    let mut wanted = Vec::new();
    for change in story.changes {
        let base = wanted::base::<S>(importer.source, story.id, &change);
        let said = replaced.iter().find_map(|replaces| {
            (0..=units.len() - left.len()).find_map(|again| place.get(&wanted::command(base, *replaces, again)))
        });
        match said {
            Some(at) => drop(known.insert(*at)),
            None => wanted.push((base, change)),
        }
    }
    let known_count = known.len() as u64;
    let mut at = 0;
    left.retain(|_| (!known.contains(&at), at += 1).0);
    let key = StreamRef { kind: S::KIND, id: story.id };
    let mut waiting = Waiting::new();
    for (base, change) in wanted {
        let like = left.iter().position(|unit| match &unit.act {
            Act::Say(events) => events.first().is_some_and(|event| (change.like)(event, &change.command)),
            Act::Withdraw(_) => false,
        });
        let replaces = like.map(|like| left.remove(like).first);
        let id = (0..).map(|again| wanted::command(base, replaces.map(|position| position.0), again));
        let id = id.into_iter().find(|id| !used.contains(id)).unwrap_or(base);
        let reason = replaces.map(|_| REWRITTEN);
        let mut submission = importer.submission(key, id, Verb::Do(Box::new(change.command)), reason);
        submission.effective_at = Some(change.effective);
        submission.correction = replaces.map(|replaces| Correction { replaces: Some(replaces) });
        let effect = if replaces.is_some() { Effect::Replaced } else { Effect::Said };
        waiting.push_back((effect, submission));
    }
    for unit in left {
        // What it stood in for would stand again: all of the place is withdrawn, last first.
        let layers = stream.map(|stream| stream.layers(unit.root)).unwrap_or_default();
        for position in layers.into_iter().rev() {
            let base = Uuid::new_v5(&story.id, format!("{} withdraws {position}", importer.source).as_bytes());
            let id =
                (0..).map(|again| wanted::command(base, None, again)).find(|id| !used.contains(id)).unwrap_or(base);
            waiting
                .push_front((Effect::Withdrawn, importer.submission(key, id, Verb::Withdraw(position), Some(UNSAID))));
        }
    }
    (known_count, waiting)
}
