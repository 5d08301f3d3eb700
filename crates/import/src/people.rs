//! The wanted stories of people, their teams and their managers.

use crate::{
    files::{Files, Row, Sheet},
    mapping::{Mapping, PeopleMap},
    organisation::{Taken, Wanted, begun, text},
    report::Report,
    run::ImportError,
    wanted::{Cell, Change, How, Place, Story, thing},
};
use sales::{
    person,
    reporting::{self, Reporting},
    team,
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};
use units::{Instant, PersonId, Personal, TeamId, Text};
use uuid::Uuid;

/// A row of the people's file, every name as the person, the manager or the region is called.
struct PersonRow {
    line: u64,
    own: Text,
    manager: Option<Text>,
    region: Option<Text>,
}

pub(crate) fn read(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<(), ImportError> {
    let map = &mapping.people;
    let mut sheet = Sheet::open("people", &files.find("people", &map.file)?, mapping.delimiter)?;
    let columns = Columns {
        name: sheet.column(&map.name)?,
        manager: sheet.maybe(map.manager.as_ref())?,
        region: sheet.maybe(map.region.as_ref())?,
    };
    let (mut rows, mut named) = (Vec::new(), BTreeMap::new());
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        match columns.read(map, &row, &mut named) {
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
            Ok(row) => rows.push(row),
        }
    }
    let file = Arc::from(sheet.name.as_str());
    let mut people = People { mapping, since, file, formed: HashSet::new(), teams: vec![], own_teams: BTreeMap::new() };
    people.derive(&rows, wanted);
    Ok(())
}

struct Columns {
    name: usize,
    manager: Option<usize>,
    region: Option<usize>,
}

impl Columns {
    fn read(&self, map: &PeopleMap, row: &Row<'_>, named: &mut BTreeMap<String, Option<Text>>) -> Taken<PersonRow> {
        let called = |value, column: &str| text(map.aliases.get(value).map_or(value, String::as_str), column);
        let own = called(row.get(self.name), &map.name)?;
        let (manager_column, region_column) = (map.manager.as_deref(), map.region.as_deref());
        let manager_column = manager_column.unwrap_or_default();
        let manager = row.maybe(self.manager).map(|value| called(value, manager_column)).transpose()?;
        let region = row.maybe(self.region).map(|value| text(value, region_column.unwrap_or_default())).transpose()?;
        if named.contains_key(own.as_str()) {
            return Err((map.name.clone(), own.to_string(), "the name appears twice".to_owned()));
        }
        let mut above = manager.as_ref();
        while let Some(manager) = above {
            if *manager == own {
                let value = row.get(self.manager.unwrap_or_default()).to_owned();
                return Err((manager_column.to_owned(), value, "the managers go in a circle".to_owned()));
            }
            above = named.get(manager.as_str()).and_then(Option::as_ref);
        }
        named.insert(own.as_str().to_owned(), manager.clone());
        Ok(PersonRow { line: row.line, own, manager, region })
    }
}

/// What the rows of one file tell together, whatever their order.
struct People<'a> {
    mapping: &'a Mapping,
    since: Instant,
    file: Arc<str>,
    formed: HashSet<Uuid>,
    teams: Vec<Change<team::Teams>>,
    /// The team that each manager leads and is in; where there are several, the first by region.
    own_teams: BTreeMap<String, (String, TeamId)>,
}

impl People<'_> {
    fn derive(&mut self, rows: &[PersonRow], wanted: &mut Wanted) {
        let map = &self.mapping.people;
        let teams: Vec<Option<TeamId>> = rows.iter().map(|row| self.teams_of(row)).collect();
        let own_rows: HashSet<&str> = rows.iter().map(|row| row.own.as_str()).collect();
        let mut lines = Vec::new();
        for (row, team) in rows.iter().zip(teams) {
            let place = self.place(row);
            let own = self.person(wanted, &place, &row.own, team);
            let Some(manager) = &row.manager else { continue };
            let led = self.own_teams.get(manager.as_str()).map(|(_, team)| *team);
            let manager_id = match own_rows.contains(manager.as_str()) {
                true => PersonId(thing(&self.mapping.source, "person", manager.as_str())),
                false => self.person(wanted, &place, manager, led),
            };
            lines.push(Change {
                effective: self.since,
                command: reporting::Command::SetManager { person: own, manager: Some(manager_id), until: None },
                how: How::Like(same_person),
                place,
                cell: Cell::new(map.manager.as_deref().unwrap_or_default(), manager.as_str()),
            });
        }
        wanted.teams.push(begun(team::stream_id(), std::mem::take(&mut self.teams), true));
        // Of those whose rows are there and name nobody any more; who has no row any more keeps the line of before.
        let source = &self.mapping.source;
        let alone: HashSet<Uuid> = rows
            .iter()
            .filter(|row| row.manager.is_none())
            .map(|row| thing(source, "person", row.own.as_str()))
            .collect();
        let story: Story<Reporting> = begun(reporting::stream_id(), lines, true);
        let unsaid = Box::new(move |event: &reporting::Event| {
            let reporting::Event::ManagerSet { person, .. } = event;
            alone.contains(&person.0)
        });
        wanted.lines.push(Story { unsaid, stood_on: true, ..story });
    }

    fn place(&self, row: &PersonRow) -> Place {
        Place { file: Arc::clone(&self.file), line: row.line }
    }

    /// The team that a row puts its person into: the manager's, else the region's.
    fn teams_of(&mut self, row: &PersonRow) -> Option<TeamId> {
        let map = &self.mapping.people;
        let place = self.place(row);
        let above = row
            .region
            .as_ref()
            .map(|region| self.team(region.as_str(), region, None, &place, map.region.as_deref().unwrap_or_default()));
        let Some(manager) = &row.manager else { return above };
        let path = [above.map(|above| above.to_string()).unwrap_or_default().as_str(), manager.as_str()].join("/");
        let team = self.team(&path, manager, above, &place, map.manager.as_deref().unwrap_or_default());
        let region = row.region.as_ref().map_or_else(String::new, Text::to_string);
        let led = self.own_teams.entry(manager.as_str().to_owned()).or_insert_with(|| (region.clone(), team));
        if region < led.0 {
            *led = (region, team);
        }
        Some(team)
    }

    fn team(&mut self, path: &str, name: &Text, parent: Option<TeamId>, place: &Place, column: &str) -> TeamId {
        let id = thing(&self.mapping.source, "team", path);
        if self.formed.insert(id) {
            let cell = Cell::new(column, name.as_str());
            let form = team::Command::Form { team: TeamId(id), name: name.clone(), parent, external_id: None };
            let (effective, place) = (self.since, place.clone());
            self.teams.push(Change { effective, command: form, how: How::Like(same_team), place, cell });
        }
        TeamId(id)
    }

    /// A person, there from the beginning: who manages others is in the team that they lead, whatever row comes first.
    fn person(&self, wanted: &mut Wanted, place: &Place, name: &Text, team: Option<TeamId>) -> PersonId {
        let (id, map) = (thing(&self.mapping.source, "person", name.as_str()), &self.mapping.people);
        if wanted.person_ids.insert(name.as_str().to_owned(), id).is_none() {
            let led = self.own_teams.get(name.as_str()).map(|(_, team)| *team);
            let role = if led.is_some() { map.manager_role } else { map.role };
            let (external_id, team) = (Some(name.clone()), led.or(team));
            let name = Personal(name.clone());
            let cell = Cell::new(&map.name, name.0.as_str());
            let hire = Change {
                effective: self.since,
                command: person::Command::Hire { name, email: None, role, team, external_id },
                how: How::Like(|event, _| matches!(event, person::Event::Hired { .. })),
                place: place.clone(),
                cell,
            };
            wanted.people.push(begun(id, vec![hire], false));
        }
        PersonId(id)
    }
}

fn same_person(event: &reporting::Event, command: &reporting::Command) -> bool {
    let reporting::Event::ManagerSet { person, .. } = event;
    let reporting::Command::SetManager { person: wanted, .. } = command;
    person == wanted
}

fn same_team(event: &team::Event, command: &team::Command) -> bool {
    match (event, command) {
        (team::Event::Formed { team, .. }, team::Command::Form { team: wanted, .. }) => team == wanted,
        _ => false,
    }
}
