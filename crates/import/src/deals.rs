//! The rows of the deals' file: every mapped cell is read, also where its kind of row does not use it.

use crate::{
    columns::{Columns, DayCell},
    days::{Moment, Zones},
    files::{Files, Row, Sheet},
    mapping::{AmountMap, DealMap, Mapping, StageMap},
    organisation::{Taken, Wanted, money, pipeline_id, stage_id, text},
    report::Report,
    run::ImportError,
    wanted::{Cell, CellOf, Place, thing},
};
use sales::{
    deal::{Assumed, Command, Deal, Opening, Refusal},
    pipeline::StageKind,
};
use std::{collections::HashSet, sync::Arc};
use units::{AccountId, Instant, Money, PersonId, PipelineId, ProductId, StageId, Text};
use uuid::Uuid;

/// A deal as its row tells it.
pub(crate) struct DealRow {
    pub(crate) id: Uuid,
    pub(crate) place: Place,
    /// What it was opened as; its stage is the one at which closed deals were opened.
    pub(crate) opening: Opening,
    /// When it was opened, as told or assumed.
    pub(crate) opened: Moment,
    pub(crate) opened_cell: Cell,
    /// The stage that it is in, if that is an open one.
    pub(crate) stage: Option<StageId>,
    pub(crate) stage_cell: Cell,
    /// When it came to stages.
    pub(crate) entries: Vec<Entry>,
    /// The stage whose day of entry is in the column of the day of opening.
    pub(crate) opened_by_entry: Option<StageId>,
    pub(crate) closing: Option<Closing>,
    pub(crate) cells: Vec<CellOf<Deal>>,
}

/// When a deal came to a stage.
pub(crate) struct Entry {
    pub(crate) stage: StageId,
    pub(crate) instant: Instant,
    pub(crate) cell: Cell,
}

/// How a deal was closed, and when.
pub(crate) struct Closing {
    pub(crate) command: Command,
    pub(crate) instant: Instant,
    pub(crate) cell: Cell,
}

impl DealRow {
    /// When it begins: a deal that closes before it was opened begins when it closes.
    pub(crate) fn begins(&self) -> Instant {
        self.closing.as_ref().map_or(self.opened.instant, |closing| closing.instant.min(self.opened.instant))
    }
}

struct Reader<'a> {
    mapping: &'a Mapping,
    map: &'a DealMap,
    columns: Columns,
    zones: Zones,
    wanted: &'a Wanted,
    opened_by_entry: Option<StageId>,
    /// Open rows that hold what only closed ones can.
    closing_on_open: u64,
}

/// Reads the deals.
pub(crate) fn read(
    mapping: &Mapping,
    files: &Files<'_>,
    zones: Zones,
    wanted: &Wanted,
    report: &mut Report,
    progress: &dyn Fn(u64),
) -> Result<Vec<DealRow>, ImportError> {
    let map = &mapping.deals;
    let mut sheet = Sheet::open("deals", &files.find("deals", &map.file)?, mapping.delimiter)?;
    let columns = Columns::of(&sheet, mapping)?;
    let by_entry = mapping
        .pipeline
        .stages
        .iter()
        .find(|stage| stage.entered_on.as_ref().is_some_and(|entered| entered.column() == map.opened_on.column()));
    let opened_by_entry = by_entry.map(|stage| stage_id(mapping, &stage.name));
    let mut reader = Reader { mapping, map, columns, zones, wanted, opened_by_entry, closing_on_open: 0 };
    let (mut deals, mut seen) = (Vec::new(), HashSet::new());
    let file: Arc<str> = Arc::from(sheet.name.as_str());
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        match reader.deal(&row, Place { file: Arc::clone(&file), line }, &mut seen) {
            Ok(deal) => {
                count(&deal, report);
                deals.push(deal);
            }
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
        }
        progress(deals.len() as u64);
    }
    report.warnings.extend(reader.columns.warnings(&file));
    if reader.closing_on_open > 0 {
        report.warnings.push(format!(
            "{file}: {} rows of open deals have a closing day, an amount won or a reason: of open deals these are not taken",
            reader.closing_on_open
        ));
    }
    Ok(deals)
}

fn count(deal: &DealRow, report: &mut Report) {
    let lost = match &deal.closing {
        Some(Closing { command: Command::Lose { assumed, .. }, .. }) => assumed.as_slice(),
        _ => &[],
    };
    for field in deal.opening.assumed.iter().chain(lost) {
        *report.assumed.entry(format!("{field:?}")).or_default() += 1;
    }
    report.conflicts += u64::from(deal.opening.dates_conflict);
}

fn bad(column: &str, value: &str, rule: impl Into<String>) -> (String, String, String) {
    (column.to_owned(), value.to_owned(), rule.into())
}

/// What an amount's column says, whether the row uses it or not.
struct Amounts {
    open: Option<Money>,
    won: Option<Money>,
}

impl Reader<'_> {
    fn deal(&mut self, row: &Row<'_>, place: Place, seen: &mut HashSet<String>) -> Taken<DealRow> {
        let (mapping, map) = (self.mapping, self.map);
        let external_id = text(row.get(self.columns.id), &map.id)?;
        let stage_name = row.get(self.columns.stage);
        let stage = mapping.pipeline.stages.iter().find(|stage| stage.name == stage_name);
        let stage = stage.ok_or_else(|| bad(&map.stage, stage_name, "the pipeline has no stage of that name"))?;
        let told = self.columns.opened.read(row, self.zones)?;
        let closed = self.closed(row)?;
        let close_on = self.columns.close_on.as_mut().map(|column| column.read(row, self.zones)).transpose()?.flatten();
        let entries = self.entries(row)?;
        let closed_on = closed.filter(|_| stage.kind != StageKind::Open);
        let opened = match (told, map.opened_on_default) {
            (Some(moment), _) => moment,
            (None, Some(default)) => Moment::of_day(default, self.zones),
            (None, None) => {
                return Err(bad(map.opened_on.column(), "", "a deal needs the day on which it was opened"));
            }
        };
        let product = row.maybe(self.columns.product).map(|value| self.product(value)).transpose()?;
        let amounts = self.amounts(row, product)?;
        let mut opening = self.opening(row, external_id.clone(), product, amounts.open)?;
        opening.close_on = close_on.map(|moment| moment.day);
        // An opening that nobody told contradicts nothing.
        opening.dates_conflict = told.is_some() && closed_on.is_some_and(|closed| closed.day < opened.day);
        opening.assumed = if told.is_none() { vec![Assumed::OpenedOn] } else { vec![] };
        let closing = self.closing(row, stage, closed_on, &amounts)?;
        if !seen.insert(external_id.as_str().to_owned()) {
            return Err(bad(&map.id, external_id.as_str(), "the id appears twice"));
        }
        if stage.kind == StageKind::Open {
            let won = self.columns.won_amount != self.columns.open_amount && amounts.won.is_some_and(positive);
            let reason = row.maybe(self.columns.lost_reason).is_some();
            self.closing_on_open += u64::from(closed.is_some() || won || reason);
        }
        Ok(DealRow {
            id: thing(&mapping.source, "deal", external_id.as_str()),
            place,
            opened,
            opened_cell: self.columns.opened.cell(row),
            stage: (stage.kind == StageKind::Open).then(|| stage_id(mapping, &stage.name)),
            stage_cell: Cell::new(&map.stage, stage_name),
            entries,
            opened_by_entry: self.opened_by_entry,
            closing,
            cells: self.cells(row),
            opening,
        })
    }

    fn closed(&mut self, row: &Row<'_>) -> Taken<Option<Moment>> {
        self.columns.closed.as_mut().map_or(Ok(None), |column| column.read(row, self.zones))
    }

    fn entries(&mut self, row: &Row<'_>) -> Taken<Vec<Entry>> {
        let mut entries = Vec::new();
        for (stage, column) in &mut self.columns.entered {
            if let Some(moment) = column.read(row, self.zones)? {
                entries.push(Entry { stage: *stage, instant: moment.instant, cell: column.cell(row) });
            }
        }
        entries.sort_by_key(|entry| entry.instant);
        Ok(entries)
    }

    fn amounts(&self, row: &Row<'_>, product: Option<(&str, Uuid, Option<Money>)>) -> Taken<Amounts> {
        let amount = |map: &AmountMap, place| match map {
            AmountMap::None => Ok(None),
            AmountMap::ListPrice => Ok(product.and_then(|(_, _, price)| price)),
            AmountMap::Column(name) => row.maybe(place).map(|value| money(value, name, self.mapping)).transpose(),
        };
        let open = amount(&self.map.open_amount, self.columns.open_amount)?;
        Ok(Amounts { open, won: amount(&self.map.won_amount, self.columns.won_amount)? })
    }

    fn opening(
        &self,
        row: &Row<'_>,
        external_id: Text,
        product: Option<(&str, Uuid, Option<Money>)>,
        amount: Option<Money>,
    ) -> Taken<Opening> {
        let (map, wanted) = (self.map, self.wanted);
        let owner = row.get(self.columns.owner);
        let alias = self.mapping.people.aliases.get(owner).map_or(owner, String::as_str);
        let owner =
            wanted.person_ids.get(alias).ok_or_else(|| bad(&map.owner, owner, "there is no person of that name"))?;
        let account = row.maybe(self.columns.account).map(|value| self.account(value)).transpose()?;
        let name = match (row.maybe(self.columns.name), account, product) {
            (Some(name), _, _) => name.to_owned(),
            (None, Some((account, _)), Some((product, _, _))) => format!("{account}: {product}"),
            (None, Some((account, _)), None) => account.to_owned(),
            (None, None, Some((product, _, _))) => format!("{product} ({external_id})"),
            (None, None, None) => external_id.to_string(),
        };
        Ok(Opening {
            name: text(&name, map.name.as_deref().unwrap_or("name"))?,
            pipeline: PipelineId(pipeline_id(self.mapping)),
            stage: stage_id(self.mapping, &map.opened_at_stage),
            owner: PersonId(*owner),
            account: account.map(|(_, id)| AccountId(id)),
            product: product.map(|(_, id, _)| ProductId(id)),
            amount,
            close_on: None,
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

    fn closing(
        &self,
        row: &Row<'_>,
        stage: &StageMap,
        closed_on: Option<Moment>,
        amounts: &Amounts,
    ) -> Taken<Option<Closing>> {
        let map = self.map;
        if stage.kind == StageKind::Open {
            return Ok(None);
        }
        let column = self.columns.closed.as_ref().map_or("closed_on", |column| column.name.as_str());
        let Moment { day, instant } =
            closed_on.ok_or_else(|| bad(column, "", "a closed deal needs the day on which it closed"))?;
        let (closed_on, id) = (Some(day), Some(stage_id(self.mapping, &stage.name)));
        let command = if stage.kind == StageKind::Won {
            let missing = match &map.won_amount {
                AmountMap::Column(name) => Some(bad(name, "", "a won deal needs its amount")),
                AmountMap::ListPrice => {
                    let product = self.columns.product.map_or("", |product| row.get(product));
                    let column = map.product.as_deref().unwrap_or_default();
                    Some(bad(column, product, "a won deal needs its amount: the row's product has no list price"))
                }
                AmountMap::None => None,
            };
            match (amounts.won, missing) {
                (None, Some(missing)) => return Err(missing),
                (amount, _) => Command::Win { amount, closed_on, stage: id },
            }
        } else {
            let own = row.maybe(self.columns.lost_reason);
            let column = map.lost_reason.as_deref().unwrap_or("lost_reason");
            let reason = own.or(map.lost_reason_default.as_deref());
            let reason = reason.ok_or_else(|| bad(column, "", "a lost deal needs its reason"))?;
            let assumed = if own.is_some() { vec![] } else { vec![Assumed::LostReason] };
            Command::Lose { reason: Some(text(reason, column)?), competitor: None, closed_on, stage: id, assumed }
        };
        let cell = self.columns.closed.as_ref().map(|column| column.cell(row)).unwrap_or_default();
        Ok(Some(Closing { command, instant, cell }))
    }

    /// Which cells the refusals of deals are about.
    fn cells(&self, row: &Row<'_>) -> Vec<CellOf<Deal>> {
        let map = self.map;
        let cell = |column: &str, place: Option<usize>| {
            Cell::new(column, place.map(|place| row.get(place)).unwrap_or_default())
        };
        let named = |column: &Option<String>, place| cell(column.as_deref().unwrap_or_default(), place);
        let mut cells: Vec<CellOf<Deal>> = vec![
            (|refusal| matches!(refusal, Refusal::OwnerNotActive), cell(&map.owner, Some(self.columns.owner))),
            (|refusal| matches!(refusal, Refusal::UnknownAccount), named(&map.account, self.columns.account)),
            (|refusal| matches!(refusal, Refusal::UnknownProduct), named(&map.product, self.columns.product)),
        ];
        let amounts = [(&map.won_amount, self.columns.won_amount), (&map.open_amount, self.columns.open_amount)];
        for (amount, place) in amounts {
            if let AmountMap::Column(name) = amount {
                let about = |refusal: &Refusal| matches!(refusal, Refusal::NegativeAmount | Refusal::WonNeedsAmount);
                cells.push((about, cell(name, place)));
            }
        }
        if let Some(closed) = &self.columns.closed {
            let about = |refusal: &Refusal| {
                matches!(refusal, Refusal::ClosesInFuture { .. } | Refusal::ClosesBeforeOpening { .. })
            };
            cells.push((about, DayCell::cell(closed, row)));
        }
        cells
    }
}

fn positive(money: Money) -> bool {
    money.amount_minor != 0
}
