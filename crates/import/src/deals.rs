//! The wanted stories of deals.

use crate::{
    days::DayFormat,
    files::{Files, Row, Sheet},
    mapping::{AmountMap, DealMap, Mapping},
    organisation::{Taken, Wanted, money, pipeline_id, stage_id, text},
    report::Report,
    run::ImportError,
    wanted::{Change, Place, Story, thing},
};
use chrono::NaiveDate;
use sales::{
    deal::{Assumed, Command, Deal, Event, Opening},
    pipeline::StageKind,
};
use std::collections::HashSet;
use units::{AccountId, Money, PersonId, PipelineId, ProductId, Text, Zone};
use uuid::Uuid;

/// The columns of the deals' file, by their places.
struct Columns {
    id: usize,
    name: Option<usize>,
    owner: usize,
    product: Option<usize>,
    account: Option<usize>,
    stage: usize,
    opened_on: usize,
    closed_on: Option<usize>,
    close_on: Option<usize>,
    open_amount: Option<usize>,
    won_amount: Option<usize>,
    lost_reason: Option<usize>,
}

impl Columns {
    fn of(sheet: &Sheet, map: &DealMap) -> Result<Self, ImportError> {
        let amount = |amount: &AmountMap| match amount {
            AmountMap::Column(name) => sheet.column(name).map(Some),
            AmountMap::None | AmountMap::ListPrice => Ok(None),
        };
        Ok(Self {
            id: sheet.column(&map.id)?,
            name: sheet.maybe(map.name.as_ref())?,
            owner: sheet.column(&map.owner)?,
            product: sheet.maybe(map.product.as_ref())?,
            account: sheet.maybe(map.account.as_ref())?,
            stage: sheet.column(&map.stage)?,
            opened_on: sheet.column(&map.opened_on)?,
            closed_on: sheet.maybe(map.closed_on.as_ref())?,
            close_on: sheet.maybe(map.close_on.as_ref())?,
            open_amount: amount(&map.open_amount)?,
            won_amount: amount(&map.won_amount)?,
            lost_reason: sheet.maybe(map.lost_reason.as_ref())?,
        })
    }
}

/// How many values of a column of days there are, and how many could be read the other way round.
#[derive(Default)]
struct Ambiguity {
    values: u64,
    ambiguous: u64,
}

struct Reader<'a> {
    mapping: &'a Mapping,
    map: &'a DealMap,
    columns: Columns,
    format: DayFormat,
    zone: Zone,
    wanted: &'a Wanted,
    opened: Ambiguity,
    closed: Ambiguity,
}

/// Reads the deals.
pub(crate) fn read(
    mapping: &Mapping,
    files: &Files<'_>,
    zone: Zone,
    wanted: &Wanted,
    report: &mut Report,
    progress: &dyn Fn(u64),
) -> Result<Vec<Story<Deal>>, ImportError> {
    let map = &mapping.deals;
    let mut sheet = Sheet::open("deals", &files.find("deals", &map.file)?)?;
    let format = DayFormat::new(&mapping.date_format)
        .ok_or_else(|| ImportError::Mapping(format!("date_format = \"{}\" tells no day", mapping.date_format)))?;
    let columns = Columns::of(&sheet, map)?;
    let (opened, closed) = Default::default();
    let mut reader = Reader { mapping, map, columns, format, zone, wanted, opened, closed };
    let (mut stories, mut seen) = (Vec::new(), HashSet::new());
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        match reader.story(&row, &mut seen) {
            Ok((id, changes)) => {
                count(&changes, report);
                stories.push(Story { id, changes, place: Place { file: sheet.name.clone(), line } });
            }
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
        }
        progress(line);
    }
    for (column, found) in [(Some(&map.opened_on), &reader.opened), (map.closed_on.as_ref(), &reader.closed)] {
        if let (Some(column), true) = (column, found.values > 0 && found.ambiguous == found.values) {
            report.warnings.push(format!(
                "{}: every value of {column} is a day with day and month the other way round too; it was read as {}",
                sheet.name, mapping.date_format
            ));
        }
    }
    Ok(stories)
}

fn count(changes: &[Change<Deal>], report: &mut Report) {
    let mut assumed = |fields: &[Assumed]| {
        for field in fields {
            *report.assumed.entry(format!("{field:?}")).or_default() += 1;
        }
    };
    let mut conflict = false;
    for change in changes {
        match &change.command {
            Command::Open(opening) => {
                assumed(&opening.assumed);
                conflict |= opening.dates_conflict;
            }
            Command::Lose { assumed: fields, .. } => assumed(fields),
            _ => {}
        }
    }
    report.conflicts += u64::from(conflict);
}

fn bad(column: &str, value: &str, rule: impl Into<String>) -> (String, String, String) {
    (column.to_owned(), value.to_owned(), rule.into())
}

impl Reader<'_> {
    fn story(&mut self, row: &Row<'_>, seen: &mut HashSet<String>) -> Taken<(Uuid, Vec<Change<Deal>>)> {
        let map = self.map;
        let external_id = text(row.get(self.columns.id), &map.id)?;
        let stage_name = row.get(self.columns.stage);
        let stages = &self.mapping.pipeline.stages;
        let stage = stages.iter().find(|stage| stage.name == stage_name);
        let stage = stage.ok_or_else(|| bad(&map.stage, stage_name, "the pipeline has no stage of that name"))?;
        let opened_on = self.day(row.maybe(Some(self.columns.opened_on)), &map.opened_on, true)?;
        let closed_on = match stage.kind {
            StageKind::Open => None,
            StageKind::Won | StageKind::Lost => Some(self.closing_day(row)?),
        };
        let (opened_on, day_assumed) = match (opened_on, map.opened_on_default) {
            (Some(day), _) => (day, false),
            (None, Some(default)) => (default, true),
            (None, None) => return Err(bad(&map.opened_on, "", "a deal needs the day on which it was opened")),
        };
        if !seen.insert(external_id.as_str().to_owned()) {
            return Err(bad(&map.id, external_id.as_str(), "the id appears twice"));
        }
        let conflict = closed_on.is_some_and(|closed_on| closed_on < opened_on);
        let opened_on = closed_on.map_or(opened_on, |closed_on| closed_on.min(opened_on));
        let opened_at = if stage.kind == StageKind::Open { &stage.name } else { &map.opened_at_stage };
        let mut opening = self.opening(row, external_id, opened_at)?;
        opening.dates_conflict = conflict;
        opening.assumed = if day_assumed { vec![Assumed::OpenedOn] } else { vec![] };
        let id = thing(&self.mapping.source, "deal", opening.external_id.as_ref().map_or("", Text::as_str));
        let mut changes = vec![Change {
            effective: self.zone.first_instant(opened_on),
            command: Command::Open(opening),
            like: |event, _| matches!(event, Event::Opened { .. }),
        }];
        if let Some(closed_on) = closed_on {
            changes.push(self.closing(row, &stage.name, stage.kind, closed_on)?);
        }
        Ok((id, changes))
    }

    fn day(&mut self, value: Option<&str>, column: &str, opened: bool) -> Taken<Option<NaiveDate>> {
        let Some(value) = value else { return Ok(None) };
        let day = self.format.parse(value);
        let day = day.ok_or_else(|| {
            bad(column, value, format!("it is no day of the declared format {}", self.mapping.date_format))
        })?;
        let found = if opened { &mut self.opened } else { &mut self.closed };
        found.values += 1;
        found.ambiguous += u64::from(self.format.ambiguous(value));
        Ok(Some(day))
    }

    fn closing_day(&mut self, row: &Row<'_>) -> Taken<NaiveDate> {
        let column = self.map.closed_on.as_deref().unwrap_or("closed_on");
        let day = self.day(row.maybe(self.columns.closed_on), column, false)?;
        day.ok_or_else(|| bad(column, "", "a closed deal needs the day on which it closed"))
    }

    fn opening(&self, row: &Row<'_>, external_id: Text, stage: &str) -> Taken<Opening> {
        let (map, wanted) = (self.map, self.wanted);
        let owner = row.get(self.columns.owner);
        let alias = self.mapping.people.aliases.get(owner).map_or(owner, String::as_str);
        let owner =
            wanted.person_ids.get(alias).ok_or_else(|| bad(&map.owner, owner, "there is no person of that name"))?;
        let product = row.maybe(self.columns.product).map(|value| self.product(value)).transpose()?;
        let account = row.maybe(self.columns.account).map(|value| self.account(value)).transpose()?;
        let amount = match &map.open_amount {
            AmountMap::None => None,
            AmountMap::ListPrice => product.and_then(|(_, _, price)| price),
            AmountMap::Column(name) => {
                row.maybe(self.columns.open_amount).map(|value| money(value, name, self.mapping)).transpose()?
            }
        };
        let name = match (row.maybe(self.columns.name), account, product) {
            (Some(name), _, _) => name.to_owned(),
            (None, Some((account, _)), Some((product, _, _))) => format!("{account}: {product}"),
            (None, Some((account, _)), None) => account.to_owned(),
            (None, None, Some((product, _, _))) => format!("{product} ({external_id})"),
            (None, None, None) => external_id.to_string(),
        };
        let close_on = row.maybe(self.columns.close_on);
        let column = map.close_on.as_deref().unwrap_or_default();
        let close_on = close_on.map(|value| {
            self.format.parse(value).ok_or_else(|| bad(column, value, "it is no day of the declared format"))
        });
        Ok(Opening {
            name: text(&name, map.name.as_deref().unwrap_or("name"))?,
            pipeline: PipelineId(pipeline_id(self.mapping)),
            stage: stage_id(self.mapping, stage),
            owner: PersonId(*owner),
            account: account.map(|(_, id)| AccountId(id)),
            product: product.map(|(_, id, _)| ProductId(id)),
            amount,
            close_on: close_on.transpose()?,
            external_id: Some(external_id),
            assumed: vec![],
            dates_conflict: false,
        })
    }

    fn product<'v>(&'v self, value: &'v str) -> Taken<(&'v str, Uuid, Option<Money>)> {
        let aliases = self.mapping.products.as_ref().map(|products| &products.aliases);
        let name = aliases.and_then(|aliases| aliases.get(value)).map_or(value, String::as_str);
        let column = self.map.product.as_deref().unwrap_or_default();
        let found = self.wanted.product_ids.get(name);
        found
            .map(|(id, price)| (name, *id, *price))
            .ok_or_else(|| bad(column, value, "there is no product of that name"))
    }

    fn account<'v>(&'v self, value: &'v str) -> Taken<(&'v str, Uuid)> {
        let aliases = self.mapping.accounts.as_ref().map(|accounts| &accounts.aliases);
        let name = aliases.and_then(|aliases| aliases.get(value)).map_or(value, String::as_str);
        let column = self.map.account.as_deref().unwrap_or_default();
        let found = self.wanted.account_ids.get(name);
        found.map(|id| (name, *id)).ok_or_else(|| bad(column, value, "there is no account of that name"))
    }

    fn closing(&self, row: &Row<'_>, stage: &str, kind: StageKind, closed_on: NaiveDate) -> Taken<Change<Deal>> {
        let map = self.map;
        let stage = Some(stage_id(self.mapping, stage));
        let command = if kind == StageKind::Won {
            let amount = match &map.won_amount {
                AmountMap::Column(name) => {
                    let value = row.maybe(self.columns.won_amount);
                    let value = value.ok_or_else(|| bad(name, "", "a won deal needs its amount"))?;
                    Some(money(value, name, self.mapping)?)
                }
                AmountMap::None | AmountMap::ListPrice => None,
            };
            Command::Win { amount, closed_on: Some(closed_on), stage }
        } else {
            let own = row.maybe(self.columns.lost_reason);
            let column = map.lost_reason.as_deref().unwrap_or("lost_reason");
            let reason = own.or(map.lost_reason_default.as_deref());
            let reason = reason.ok_or_else(|| bad(column, "", "a lost deal needs its reason"))?;
            let assumed = if own.is_some() { vec![] } else { vec![Assumed::LostReason] };
            let reason = Some(text(reason, column)?);
            Command::Lose { reason, competitor: None, closed_on: Some(closed_on), stage, assumed }
        };
        let like = |event: &Event, _: &Command| {
            matches!(event, Event::Won { .. } | Event::Lost { .. } | Event::NoDecision { .. })
        };
        Ok(Change { effective: self.zone.first_instant(closed_on), command, like })
    }
}
