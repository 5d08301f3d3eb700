//! The log as an import that is taken back looks at it: which units say which things, and which things they name.

use logbook::{Fault, Reads, Recorded, WITHDRAWN, Withdrawn};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use units::Position;
use uuid::Uuid;

/// Events of one page.
const PAGE: i64 = 10_000;

/// The events of one command in one stream.
pub(crate) struct Said {
    pub(crate) first: i64,
    pub(crate) kind: String,
    pub(crate) stream: Uuid,
    command: Uuid,
    /// The first position of the unit in whose place it stands; its own when it replaces none.
    root: i64,
    /// Whether the import that is taken back says it.
    pub(crate) own: bool,
    /// The thing that is there by it.
    provides: Option<Uuid>,
    /// The things that it names.
    names: Vec<Uuid>,
}

impl Said {
    fn of(event: Recorded, payload: &Value, import_id: Uuid, roots: &mut HashMap<i64, i64>) -> Self {
        let first = event.position.0;
        let root = event.replaces.map_or(first, |replaced| roots.get(&replaced.0).copied().unwrap_or(replaced.0));
        roots.insert(first, root);
        let mut named = Vec::new();
        names(payload, &mut named);
        Self {
            first,
            stream: event.stream_id,
            command: event.command_id,
            root,
            own: event.context.correlation_id == Some(import_id),
            provides: provided(&event.event_type, event.stream_id, payload),
            kind: event.stream_kind,
            names: named,
        }
    }
}

/// All that the log says.
pub(crate) struct Ledger {
    pub(crate) units: Vec<Said>,
    /// The first positions of what was withdrawn.
    dead: HashSet<i64>,
}

impl Ledger {
    /// Reads the log of a tenant, page by page.
    pub(crate) async fn read(reads: &Reads, import_id: Uuid) -> Result<Self, Fault> {
        let (mut units, mut withdrawals) = (Vec::<Said>::new(), Vec::new());
        let (mut roots, mut after) = (HashMap::<i64, i64>::new(), Position(0));
        loop {
            let page = reads.events_after(after, PAGE).await?;
            let last_page = page.len() < PAGE as usize;
            for event in page {
                after = event.position;
                let broken = |error: serde_json::Error| Fault::new("reading an event", error);
                if event.event_type == WITHDRAWN {
                    let withdrawn: Withdrawn = serde_json::from_slice(&event.payload).map_err(broken)?;
                    withdrawals.push((after.0, withdrawn.event.0));
                    continue;
                }
                let payload: Value = serde_json::from_slice(&event.payload).map_err(broken)?;
                match units.last_mut() {
                    Some(last) if last.stream == event.stream_id && last.command == event.command_id => {
                        names(&payload, &mut last.names);
                    }
                    _ => units.push(Said::of(event, &payload, import_id, &mut roots)),
                }
            }
            if last_page {
                break;
            }
        }
        let mut dead = HashSet::new();
        for (position, target) in withdrawals.into_iter().rev() {
            if !dead.contains(&position) {
                dead.insert(target);
            }
        }
        let mut ledger = Self { units, dead };
        ledger.hold_together();
        Ok(ledger)
    }

    /// What one import said of a thing stays together: a person keeps the line to a manager, a pipeline its stages.
    fn hold_together(&mut self) {
        let mut stages: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for unit in self.units.iter().filter(|unit| unit.own && unit.kind == "pipeline") {
            stages.entry(unit.stream).or_default().extend(unit.provides);
        }
        for unit in self.units.iter_mut().filter(|unit| unit.own && unit.provides == Some(unit.stream)) {
            unit.names.push(line_of(unit.stream));
            unit.names.extend(stages.get(&unit.stream).into_iter().flatten());
        }
    }

    pub(crate) fn gone(&self, unit: &Said) -> bool {
        self.dead.contains(&unit.first)
    }

    /// Which of the units that are to be withdrawn something refers to that would stand without them.
    pub(crate) fn needed(&self, withdrawn: &HashSet<i64>) -> Vec<&Said> {
        let mut standing: HashMap<i64, &Said> = HashMap::new();
        for unit in &self.units {
            if !self.gone(unit) && !withdrawn.contains(&unit.first) {
                standing.insert(unit.root, unit);
            }
        }
        let there: HashSet<Uuid> = standing.values().filter_map(|unit| unit.provides).collect();
        let named: HashSet<Uuid> = standing.values().flat_map(|unit| unit.names.iter().copied()).collect();
        let missed = |unit: &&Said| {
            withdrawn.contains(&unit.first)
                && unit.provides.is_some_and(|thing| named.contains(&thing) && !there.contains(&thing))
        };
        self.units.iter().filter(missed).collect()
    }
}

/// The thing that is there by an event.
fn provided(event_type: &str, stream: Uuid, payload: &Value) -> Option<Uuid> {
    let field = |name: &str| payload.get(name)?.as_str()?.parse().ok();
    match event_type {
        "team.formed" => field("team"),
        "pipeline.stage_added" => field("stage"),
        "reporting.manager_set" => field("person").map(line_of),
        "person.hired" | "account.registered" | "product.launched" | "pipeline.defined" | "deal.opened" => Some(stream),
        _ => None,
    }
}

/// The line between a person and a manager, which has no id of its own.
fn line_of(person: Uuid) -> Uuid {
    Uuid::new_v5(&person, b"line")
}

/// All ids in a payload.
fn names(payload: &Value, into: &mut Vec<Uuid>) {
    match payload {
        Value::String(text) if text.len() == 36 => into.extend(text.parse::<Uuid>().ok()),
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| names(field, into)),
        _ => {}
    }
}
