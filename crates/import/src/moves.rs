//! The story of a deal: what its row tells, seen from what the importer told of it before. What moved is appended, what
//! was rewritten is corrected, and who had the deal before, at which stage, stays as it was.

use crate::{
    deals::{Closing, DealRow},
    mapping::{AmountMap, Mapping},
    plan::actor,
    wanted::{Cell, Change, How, Story},
};
use chrono::TimeDelta;
use logbook::{Stream, Unit};
use sales::deal::{Command, Deal, Event, Opening};
use units::{Instant, StageId};

/// What is the same for all rows.
pub(crate) struct Ground {
    actor: String,
    /// The first instant of the day that the export is of.
    as_of: Instant,
    /// Whether open deals are worth the list price of their product.
    by_list: bool,
}

impl Ground {
    pub(crate) fn of(mapping: &Mapping, as_of: Instant) -> Self {
        let by_list = matches!(mapping.deals.open_amount, AmountMap::ListPrice);
        Self { actor: actor(&mapping.source), as_of, by_list }
    }
}

/// The story of a row.
pub(crate) fn story(row: DealRow, stream: Option<&Stream<Deal>>, ground: &Ground) -> Story<Deal> {
    let standing = stream.map(Stream::standing).unwrap_or_default();
    let own: Vec<_> = standing.into_iter().filter(|unit| unit.context.actor == ground.actor).collect();
    let opened = own.iter().find_map(|unit| Before::of(unit));
    let mut changes = match opened {
        None => fresh(&row, ground),
        Some(before) => moved(&row, &before, &own, ground),
    };
    let DealRow { id, place, closing, cells, .. } = row;
    if let Some(Closing { command, instant, cell }) = closing {
        let how = How::Like(|event, _| closes(event));
        changes.push(Change { effective: instant, command, how, place, cell });
    }
    let settles = |event: &Event| closes(event) || matches!(event, Event::Reopened { .. } | Event::Merged { .. });
    Story { id, changes, shared: false, stood_on: false, unsaid: Box::new(closes), settles, cells }
}

fn closes(event: &Event) -> bool {
    matches!(event, Event::Won { .. } | Event::Lost { .. } | Event::NoDecision { .. })
}

fn same_stage(event: &Event, command: &Command) -> bool {
    match (event, command) {
        (Event::StageChanged { stage }, Command::ChangeStage { stage: wanted }) => stage == wanted,
        _ => false,
    }
}

/// An opening that the importer said.
struct Before {
    effective: Instant,
    opening: Opening,
}

impl Before {
    fn of(unit: &Unit<Event>) -> Option<Self> {
        let opening = match unit.events().first()?.clone() {
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
            } => Opening {
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
            },
            _ => return None,
        };
        Some(Self { effective: unit.effective, opening })
    }
}

impl DealRow {
    fn change(&self, effective: Instant, command: Command, how: How<Deal>, cell: &Cell) -> Change<Deal> {
        Change { effective, command, how, place: self.place.clone(), cell: cell.clone() }
    }

    fn open(&self, effective: Instant, opening: Opening) -> Change<Deal> {
        let how = How::Like(|event, _| matches!(event, Event::Opened { .. }));
        self.change(effective, Command::Open(opening), how, &self.opened_cell)
    }

    /// Within its life.
    fn within(&self, instant: Instant, begins: Instant) -> Instant {
        let ends = self.closing.as_ref().map_or(instant, |closing| closing.instant);
        instant.min(ends).max(begins)
    }

    /// The stages that it came to after it began in one of them.
    fn path(&self, begins: Instant, first: StageId) -> Vec<(Instant, StageId, &Cell)> {
        let entries = self.entries.iter().map(|entry| (self.within(entry.instant, begins), entry.stage, &entry.cell));
        entries.filter(|(at, stage, _)| *at > begins || *stage != first).collect()
    }
}

/// What a row tells of a deal of which nothing was told before.
fn fresh(row: &DealRow, ground: &Ground) -> Vec<Change<Deal>> {
    let begins = row.begins();
    let entered =
        row.entries.iter().rfind(|entry| entry.instant <= begins || row.within(entry.instant, begins) == begins);
    let first = match (entered, row.stage) {
        (Some(entry), _) => entry.stage,
        (None, Some(stage)) if row.entries.is_empty() => stage,
        (None, _) => row.opening.stage,
    };
    let mut changes = vec![row.open(begins, Opening { stage: first, ..row.opening.clone() })];
    let (mut last, mut last_at) = (first, begins);
    for (at, stage, cell) in row.path(begins, first).into_iter().filter(|(at, ..)| *at > begins) {
        changes.push(row.change(at, Command::ChangeStage { stage }, How::Also(same_stage), cell));
        (last, last_at) = (stage, at);
    }
    if let Some(stage) = row.stage.filter(|stage| *stage != last) {
        let at = ground.as_of.max(last_at);
        changes.push(row.change(at, Command::ChangeStage { stage }, How::New, &row.stage_cell));
    }
    changes
}

/// What a row tells of a deal that is known.
fn moved(row: &DealRow, before: &Before, own: &[&Unit<Event>], ground: &Ground) -> Vec<Change<Deal>> {
    let (begins, mut opening) = beginning(row, before);
    let was_closed = own.iter().any(|unit| unit.events().first().is_some_and(closes));
    let path = row.path(begins, opening.stage);
    let mut claimed = Vec::new();
    for (_, stage, _) in &path {
        let alike = |unit: &&&Unit<Event>| {
            !claimed.contains(&unit.first)
                && unit.events().first().is_some_and(|event| same_stage(event, &Command::ChangeStage { stage: *stage }))
        };
        claimed.extend(own.iter().find(alike).map(|unit| unit.first));
    }
    let moves: Vec<_> = own
        .iter()
        .filter(|unit| !claimed.contains(&unit.first))
        .filter_map(|unit| Some((unit, row.within(unit.effective, begins), command(unit.events().first()?)?)))
        .collect();
    let ended = row.closing.as_ref().filter(|_| was_closed).map(|closing| closing.instant);
    let at = match ended {
        Some(ended) => (ended - TimeDelta::microseconds(1)).max(begins),
        None => row.within(ground.as_of, begins),
    };
    let mut said = Said::of(&opening);
    for (_, from, command) in moves.iter().filter(|(_, from, _)| *from <= at || ended.is_some()) {
        said.take(command, *from);
    }
    for (from, stage, _) in path.iter().filter(|(from, ..)| *from <= at) {
        said.take(&Command::ChangeStage { stage: *stage }, *from);
    }
    let wanted = &row.opening;
    // What was wrong of a closed deal was wrong from the beginning; what an open one is worth follows its product.
    let rewritten = |moves: bool| ended.is_some() && !moves;
    let list_moved = ground.by_list && before.opening.product != wanted.product;
    let won = matches!(&row.closing, Some(Closing { command: Command::Win { .. }, .. }));
    if rewritten(said.owner_moved) {
        (opening.owner, said.owner) = (wanted.owner, wanted.owner);
    }
    if !said.amount_moved && (list_moved || (rewritten(false) && !won)) {
        (opening.amount, said.amount) = (wanted.amount, wanted.amount);
    }
    let mut changes = vec![row.open(begins, opening)];
    for (unit, from, command) in moves.into_iter().filter(|(unit, from, _)| unit.effective != *from) {
        changes.push(row.change(from, command, How::InPlaceOf(unit.first), &row.opened_cell));
    }
    for (from, stage, cell) in path {
        changes.push(row.change(from, Command::ChangeStage { stage }, How::Also(same_stage), cell));
    }
    changes
        .extend(said.missing(row, won).into_iter().map(|command| row.change(at, command, How::New, &row.stage_cell)));
    changes
}

/// When it was opened and as what: who had it first, at which stage and for how much stays as it was told then.
fn beginning(row: &DealRow, before: &Before) -> (Instant, Opening) {
    let told = row.opening.assumed.is_empty();
    let kept = (before.effective, before.opening.stage, before.opening.assumed.clone());
    let (begins, stage, assumed) = match row.opened_by_entry {
        // The column tells when it came to that stage: of an earlier beginning it tells nothing.
        Some(_) if !told => kept,
        Some(stage) if before.opening.stage != stage && before.effective <= row.opened.instant => kept,
        Some(stage) => (row.opened.instant, stage, vec![]),
        None => (row.opened.instant, before.opening.stage, row.opening.assumed.clone()),
    };
    let begins = row.closing.as_ref().map_or(begins, |closing| closing.instant.min(begins));
    let Opening { owner, amount, close_on, .. } = before.opening.clone();
    (begins, Opening { stage, owner, amount, close_on, assumed, ..row.opening.clone() })
}

/// What the importer said of a deal until an instant.
struct Said {
    owner: units::PersonId,
    owner_moved: bool,
    amount: Option<units::Money>,
    amount_moved: bool,
    close_on: Option<chrono::NaiveDate>,
    stage: StageId,
    stage_since: Option<Instant>,
}

impl Said {
    fn of(opening: &Opening) -> Self {
        let Opening { owner, amount, close_on, stage, .. } = opening.clone();
        Self { owner, owner_moved: false, amount, amount_moved: false, close_on, stage, stage_since: None }
    }

    /// What of a row it does not say.
    fn missing(&self, row: &DealRow, won: bool) -> Vec<Command> {
        let (wanted, mut commands) = (&row.opening, Vec::new());
        if self.owner != wanted.owner {
            commands.push(Command::ChangeOwner { owner: wanted.owner });
        }
        if self.amount != wanted.amount && !won {
            commands.push(Command::ChangeAmount { amount: wanted.amount });
        }
        if self.close_on != wanted.close_on && row.closing.is_none() {
            commands.push(Command::MoveCloseDate { close_on: wanted.close_on });
        }
        if let Some(stage) = row.stage.filter(|stage| *stage != self.stage) {
            commands.push(Command::ChangeStage { stage });
        }
        commands
    }

    fn take(&mut self, command: &Command, from: Instant) {
        match command {
            Command::ChangeOwner { owner } => (self.owner, self.owner_moved) = (*owner, true),
            Command::ChangeAmount { amount } => (self.amount, self.amount_moved) = (*amount, true),
            Command::MoveCloseDate { close_on } => self.close_on = *close_on,
            Command::ChangeStage { stage } if self.stage_since.is_none_or(|since| since <= from) => {
                (self.stage, self.stage_since) = (*stage, Some(from));
            }
            _ => {}
        }
    }
}

/// The command that says what an event of a move says.
fn command(event: &Event) -> Option<Command> {
    match *event {
        Event::OwnerChanged { owner } => Some(Command::ChangeOwner { owner }),
        Event::AmountChanged { amount } => Some(Command::ChangeAmount { amount }),
        Event::CloseDateMoved { close_on } => Some(Command::MoveCloseDate { close_on }),
        Event::StageChanged { stage } => Some(Command::ChangeStage { stage }),
        _ => None,
    }
}
