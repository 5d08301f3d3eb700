//! The wanted stories of what deals stand on: the pipeline, products, teams, people, reporting lines, accounts.

use crate::{
    files::{Files, Sheet},
    mapping::Mapping,
    report::Report,
    run::ImportError,
    wanted::{Change, Place, Story, thing},
};
use logbook::Slice;
use rust_decimal::Decimal;
use sales::{
    account::{self, Account},
    person::{self, Person, Role},
    pipeline::{self, Pipeline},
    product::{self, Product},
    reporting::{self, Reporting},
    team::{self, Teams},
};
use std::collections::BTreeMap;
use units::{AccountId, Instant, Money, PersonId, Personal, StageId, TeamId, Text};
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
    people(mapping, files, since, report, &mut wanted)?;
    accounts(mapping, files, since, report, &mut wanted)?;
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
    let define = Change {
        effective: since,
        command: Command::Define { name, external_id: None },
        like: |event, _| matches!(event, Event::Defined { .. }),
    };
    let mut changes = vec![define];
    for (order, stage) in (1..).zip(&mapping.pipeline.stages) {
        let add = Command::AddStage {
            stage: stage_id(mapping, &stage.name),
            name: said(&stage.name, "pipeline.stages.name")?,
            order,
            kind: stage.kind,
            probability: stage.probability_bps,
            category: stage.category,
        };
        let like = |event: &Event, command: &Command| match (event, command) {
            (Event::StageAdded { stage, .. }, Command::AddStage { stage: wanted, .. }) => stage == wanted,
            _ => false,
        };
        changes.push(Change { effective: since, command: add, like });
    }
    Ok(Story { id: pipeline_id(mapping), changes, place: Place::default() })
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
    let amount: Decimal = value.parse().map_err(|_| bad("it is no decimal number such as 1234.50".to_owned()))?;
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
    let mut sheet = Sheet::open("products", &files.find("products", &map.file)?)?;
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
                let external_id = Some(named.clone());
                let launch = Change {
                    effective: since,
                    command: product::Command::Launch { name: named, list_price, external_id },
                    like: |event, _| matches!(event, product::Event::Launched { .. }),
                };
                let place = Place { file: sheet.name.clone(), line };
                wanted.products.push(Story { id, changes: vec![launch], place });
            }
        }
    }
    Ok(())
}

/// Teams, people and lines as the rows of one file tell them.
struct People<'a> {
    mapping: &'a Mapping,
    since: Instant,
    teams: Vec<Change<Teams>>,
    formed: BTreeMap<Uuid, ()>,
    lines: Vec<Change<Reporting>>,
}

fn people(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<(), ImportError> {
    let map = &mapping.people;
    let mut sheet = Sheet::open("people", &files.find("people", &map.file)?)?;
    let (name, manager) = (sheet.column(&map.name)?, sheet.maybe(map.manager.as_ref())?);
    let region = sheet.maybe(map.region.as_ref())?;
    let mut people = People { mapping, since, teams: vec![], formed: BTreeMap::new(), lines: vec![] };
    let (mut named, file) = (BTreeMap::<String, Option<Text>>::new(), sheet.name.clone());
    while let Some(row) = sheet.next(report)? {
        let place = Place { file: file.clone(), line: row.line };
        let taken = text(row.get(name), &map.name).and_then(|own| {
            let manager = row.maybe(manager).map(|value| text(value, "manager")).transpose()?;
            let region = row.maybe(region).map(|value| text(value, "region")).transpose()?;
            if named.contains_key(own.as_str()) {
                return Err((map.name.clone(), own.to_string(), "the name appears twice".to_owned()));
            }
            let mut above = manager.as_ref();
            while let Some(manager) = above {
                if *manager == own {
                    return Err(("manager".to_owned(), own.to_string(), "the managers go in a circle".to_owned()));
                }
                above = named.get(manager.as_str()).and_then(Option::as_ref);
            }
            named.insert(own.as_str().to_owned(), manager.clone());
            Ok((own, manager, region))
        });
        match taken {
            Err((column, value, rule)) => report.reject(sheet.rejected(place.line, &column, &value, &rule)),
            Ok((own, manager, region)) => people.row(wanted, place, own, manager, region),
        }
    }
    let teams = std::mem::take(&mut people.teams);
    wanted.teams.push(Story { id: team::stream_id(), changes: teams, place: Place::default() });
    wanted.lines.push(Story { id: reporting::stream_id(), changes: people.lines, place: Place::default() });
    Ok(())
}

impl People<'_> {
    fn row(&mut self, wanted: &mut Wanted, place: Place, own: Text, manager: Option<Text>, region: Option<Text>) {
        let above = region.map(|region| self.team(region.as_str(), region.clone(), None));
        let team = match &manager {
            Some(manager) => {
                let path =
                    [above.map(|above| above.to_string()).unwrap_or_default().as_str(), manager.as_str()].join("/");
                Some(self.team(&path, manager.clone(), above))
            }
            None => above,
        };
        let own_id = self.person(wanted, place.clone(), own, self.mapping.people.role, team);
        if let Some(manager) = manager {
            let manager = self.person(wanted, place, manager, self.mapping.people.manager_role, team);
            let set = reporting::Command::SetManager { person: own_id, manager: Some(manager), until: None };
            let like = |event: &reporting::Event, command: &reporting::Command| {
                let reporting::Event::ManagerSet { person, .. } = event;
                let reporting::Command::SetManager { person: wanted, .. } = command;
                person == wanted
            };
            self.lines.push(Change { effective: self.since, command: set, like });
        }
    }

    fn team(&mut self, path: &str, name: Text, parent: Option<TeamId>) -> TeamId {
        let id = thing(&self.mapping.source, "team", path);
        if self.formed.insert(id, ()).is_none() {
            let form = team::Command::Form { team: TeamId(id), name, parent, external_id: None };
            let like = |event: &team::Event, command: &team::Command| match (event, command) {
                (team::Event::Formed { team, .. }, team::Command::Form { team: wanted, .. }) => team == wanted,
                _ => false,
            };
            self.teams.push(Change { effective: self.since, command: form, like });
        }
        TeamId(id)
    }

    fn person(&self, wanted: &mut Wanted, place: Place, name: Text, role: Role, team: Option<TeamId>) -> PersonId {
        let id = thing(&self.mapping.source, "person", name.as_str());
        if wanted.person_ids.insert(name.as_str().to_owned(), id).is_none() {
            let external_id = Some(name.clone());
            let hire = Change {
                effective: self.since,
                command: person::Command::Hire { name: Personal(name), email: None, role, team, external_id },
                like: |event, _| matches!(event, person::Event::Hired { .. }),
            };
            wanted.people.push(Story { id, changes: vec![hire], place });
        }
        PersonId(id)
    }
}

fn accounts(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<(), ImportError> {
    let Some(map) = &mapping.accounts else { return Ok(()) };
    let mut sheet = Sheet::open("accounts", &files.find("accounts", &map.file)?)?;
    let (name, sector) = (sheet.column(&map.name)?, sheet.maybe(map.sector.as_ref())?);
    let parent = sheet.maybe(map.parent.as_ref())?;
    let mut rows = Vec::new();
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        let taken = text(row.get(name), &map.name).and_then(|own| {
            let sector = row.maybe(sector).map(|value| map.sector_aliases.get(value).map_or(value, String::as_str));
            let sector = sector.map(|value| text(value, "sector")).transpose()?;
            if wanted.account_ids.contains_key(own.as_str()) {
                return Err((map.name.clone(), own.to_string(), "the name appears twice".to_owned()));
            }
            Ok((own, sector, row.maybe(parent).map(str::to_owned)))
        });
        match taken {
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
            Ok((own, sector, parent)) => {
                let id = thing(&mapping.source, "account", own.as_str());
                wanted.account_ids.insert(own.as_str().to_owned(), id);
                rows.push((line, id, own, sector, parent));
            }
        }
    }
    for (line, id, own, sector, parent) in parents_first(rows) {
        let above = parent.as_ref().map(|parent| map.aliases.get(parent).unwrap_or(parent));
        let above = above.map(|above| wanted.account_ids.get(above.as_str()).copied());
        if above == Some(None) {
            let column = map.parent.as_deref().unwrap_or_default();
            report.reject(sheet.rejected(
                line,
                column,
                &parent.unwrap_or_default(),
                "there is no account of that name",
            ));
            wanted.account_ids.remove(own.as_str());
            continue;
        }
        let (parent, external_id) = (above.flatten().map(AccountId), Some(own.clone()));
        let register = Change {
            effective: since,
            command: account::Command::Register { name: own, parent, sector, external_id },
            like: |event, _| matches!(event, account::Event::Registered { .. }),
        };
        let place = Place { file: sheet.name.clone(), line };
        wanted.accounts.push(Story { id, changes: vec![register], place });
    }
    Ok(())
}

type AccountRow = (u64, Uuid, Text, Option<Text>, Option<String>);

/// The rows so that no account comes before the one that it belongs to; what goes in a circle comes last.
fn parents_first(mut rows: Vec<AccountRow>) -> Vec<AccountRow> {
    let mut ordered: Vec<AccountRow> = Vec::with_capacity(rows.len());
    loop {
        let waiting: std::collections::BTreeSet<String> = rows.iter().map(|row| row.2.to_string()).collect();
        let (ready, left): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.4.as_ref().is_none_or(|parent| !waiting.contains(parent)));
        let stuck = ready.is_empty();
        ordered.extend(ready);
        if stuck || left.is_empty() {
            ordered.extend(left);
            return ordered;
        }
        rows = left;
    }
}
