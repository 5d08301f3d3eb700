//! The wanted stories of what deals stand on: the pipeline, products, teams, people, reporting lines, accounts.

use crate::{
    accounts,
    files::{Files, Sheet},
    mapping::Mapping,
    numbers, people,
    report::Report,
    run::ImportError,
    wanted::{Cell, Change, How, Place, Story, thing},
};
use logbook::Slice;
use sales::{
    account::Account,
    person::Person,
    pipeline::{self, Pipeline},
    product::{self, Product},
    reporting::Reporting,
    team::Teams,
};
use std::{collections::BTreeMap, sync::Arc};
use units::{Instant, Money, StageId, Text};
use uuid::Uuid;

/// Everything but the deals, and what their rows are looked up in.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) pipelines: Vec<Story<Pipeline>>,
    pub(crate) products: Vec<Story<Product>>,
    pub(crate) teams: Vec<Story<Teams>>,
    pub(crate) people: Vec<Story<Person>>,
    pub(crate) lines: Vec<Story<Reporting>>,
    pub(crate) accounts: Vec<Story<Account>>,
    /// Products by name: their ids and list prices.
    pub(crate) product_ids: BTreeMap<String, (Uuid, Option<Money>)>,
    pub(crate) account_ids: BTreeMap<String, Uuid>,
    pub(crate) person_ids: BTreeMap<String, Uuid>,
}

impl Wanted {
    /// Lets all of it be there from another instant on.
    pub(crate) fn begin_at(&mut self, instant: Instant) {
        fn begin<S: Slice>(stories: &mut [Story<S>], instant: Instant) {
            for change in stories.iter_mut().flat_map(|story| &mut story.changes) {
                change.effective = instant;
            }
        }
        begin(&mut self.pipelines, instant);
        begin(&mut self.products, instant);
        begin(&mut self.teams, instant);
        begin(&mut self.people, instant);
        begin(&mut self.lines, instant);
        begin(&mut self.accounts, instant);
    }
}

/// Reads them.
pub(crate) fn read(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
) -> Result<Wanted, ImportError> {
    let mut wanted = Wanted { pipelines: vec![pipeline(mapping, since)?], ..Wanted::default() };
    products(mapping, files, since, report, &mut wanted)?;
    people::read(mapping, files, since, report, &mut wanted)?;
    accounts::read(mapping, files, since, report, &mut wanted)?;
    Ok(wanted)
}

/// The id of the pipeline of all deals.
pub(crate) fn pipeline_id(mapping: &Mapping) -> Uuid {
    thing(&mapping.source, "pipeline", &mapping.pipeline.name)
}

/// The id of one of its stages.
pub(crate) fn stage_id(mapping: &Mapping, name: &str) -> StageId {
    StageId(thing(&mapping.source, "stage", &[mapping.pipeline.name.as_str(), name].join("\u{1f}")))
}

fn said(written: &str, key: &str) -> Result<Text, ImportError> {
    Text::new(written).map_err(|error| ImportError::Mapping(format!("{key}: {error}")))
}

fn pipeline(mapping: &Mapping, since: Instant) -> Result<Story<Pipeline>, ImportError> {
    use pipeline::{Command, Event};
    let name = said(&mapping.pipeline.name, "pipeline.name")?;
    let place = Place { file: Arc::from("the mapping file"), line: 0 };
    let change = |command, like, key: &str, value: &str| Change {
        effective: since,
        command,
        how: How::Like(like),
        place: place.clone(),
        cell: Cell::new(key, value),
    };
    let define = Command::Define { name, external_id: None };
    let defined = |event: &Event, _: &Command| matches!(event, Event::Defined { .. });
    let mut changes = vec![change(define, defined, "pipeline.name", &mapping.pipeline.name)];
    for (order, stage) in (1..).zip(&mapping.pipeline.stages) {
        let add = Command::AddStage {
            stage: stage_id(mapping, &stage.name),
            name: said(&stage.name, "pipeline.stages.name")?,
            order,
            kind: stage.kind,
            probability: stage.probability_bps,
            category: stage.category,
        };
        let added = |event: &Event, command: &Command| match (event, command) {
            (Event::StageAdded { stage, .. }, Command::AddStage { stage: wanted, .. }) => stage == wanted,
            _ => false,
        };
        changes.push(change(add, added, "pipeline.stages", &stage.name));
    }
    Ok(begun(pipeline_id(mapping), changes, false))
}

/// The story of what other things stand on: what is no longer said of it is left as it was.
pub(crate) fn begun<S: Slice>(id: Uuid, changes: Vec<Change<S>>, shared: bool) -> Story<S> {
    let (unsaid, cells) = (Box::new(|_: &S::Event| false), vec![]);
    Story { id, changes, shared, stood_on: true, unsaid, settles: |_| false, cells }
}

/// Hands a row over, or rejects it with the column, the value and the rule.
pub(crate) type Taken<T> = Result<T, (String, String, String)>;

/// The text of a column that must be there.
pub(crate) fn text(value: &str, column: &str) -> Taken<Text> {
    Text::new(value).map_err(|error| (column.to_owned(), value.to_owned(), error.to_string()))
}

/// The amount of a column.
pub(crate) fn money(value: &str, column: &str, mapping: &Mapping) -> Taken<Money> {
    let bad = |rule: String| (column.to_owned(), value.to_owned(), rule);
    let amount = numbers::parse(value, mapping)
        .ok_or_else(|| bad(format!("it is no decimal number such as {}", numbers::example(mapping))))?;
    Money::from_decimal(amount, mapping.currency).map_err(|error| bad(error.to_string()))
}

fn products(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<(), ImportError> {
    let Some(map) = &mapping.products else { return Ok(()) };
    let mut sheet = Sheet::open("products", &files.find("products", &map.file)?, mapping.delimiter)?;
    let file: Arc<str> = Arc::from(sheet.name.as_str());
    let (name, price) = (sheet.column(&map.name)?, sheet.maybe(map.list_price.as_ref())?);
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        let taken = text(row.get(name), &map.name).and_then(|named| {
            let column = map.list_price.as_deref().unwrap_or_default();
            let list_price = row.maybe(price).map(|value| money(value, column, mapping)).transpose()?;
            Ok((named, list_price))
        });
        match taken {
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
            Ok((named, _)) if wanted.product_ids.contains_key(named.as_str()) => {
                report.reject(sheet.rejected(line, &map.name, named.as_str(), "the name appears twice"));
            }
            Ok((named, list_price)) => {
                let id = thing(&mapping.source, "product", named.as_str());
                wanted.product_ids.insert(named.as_str().to_owned(), (id, list_price));
                let (external_id, cell) = (Some(named.clone()), Cell::new(&map.name, named.as_str()));
                let launch = Change {
                    effective: since,
                    command: product::Command::Launch { name: named, list_price, external_id },
                    how: How::Like(|event, _| matches!(event, product::Event::Launched { .. })),
                    place: Place { file: Arc::clone(&file), line },
                    cell,
                };
                wanted.products.push(begun(id, vec![launch], false));
            }
        }
    }
    Ok(())
}
