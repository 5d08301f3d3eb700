//! The wanted stories of accounts.

use crate::{
    files::{Files, Sheet},
    mapping::{AccountMap, Mapping},
    organisation::{Wanted, begun, text},
    report::Report,
    run::ImportError,
    wanted::{Cell, Change, How, Place, thing},
};
use sales::account::{Command, Event};
use std::{collections::BTreeSet, sync::Arc};
use units::{AccountId, Instant, Text};
use uuid::Uuid;

/// A row of the accounts' file.
struct AccountRow {
    line: u64,
    id: Uuid,
    own: Text,
    sector: Option<Text>,
    /// The name of the account that it belongs to, by its own name.
    parent: Option<String>,
}

pub(crate) fn read(
    mapping: &Mapping,
    files: &Files<'_>,
    since: Instant,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<(), ImportError> {
    let Some(map) = &mapping.accounts else { return Ok(()) };
    let mut sheet = Sheet::open("accounts", &files.find("accounts", &map.file)?, mapping.delimiter)?;
    let rows = rows(mapping, map, &mut sheet, report, wanted)?;
    let file: Arc<str> = Arc::from(sheet.name.as_str());
    let column = map.parent.as_deref().unwrap_or_default();
    for AccountRow { line, id, own, sector, parent } in parents_first(rows) {
        let above = parent.as_ref().map(|above| wanted.account_ids.get(above).copied());
        if above == Some(None) {
            let value = parent.unwrap_or_default();
            report.reject(sheet.rejected(line, column, &value, "there is no account of that name"));
            wanted.account_ids.remove(own.as_str());
            continue;
        }
        let cell = match &parent {
            Some(parent) => Cell::new(column, parent),
            None => Cell::new(&map.name, own.as_str()),
        };
        let (parent, external_id) = (above.flatten().map(AccountId), Some(own.clone()));
        let register = Change {
            effective: since,
            command: Command::Register { name: own, parent, sector, external_id },
            how: How::Like(|event, _| matches!(event, Event::Registered { .. })),
            place: Place { file: Arc::clone(&file), line },
            cell,
        };
        wanted.accounts.push(begun(id, vec![register], false));
    }
    Ok(())
}

fn rows(
    mapping: &Mapping,
    map: &AccountMap,
    sheet: &mut Sheet,
    report: &mut Report,
    wanted: &mut Wanted,
) -> Result<Vec<AccountRow>, ImportError> {
    let (name, sector) = (sheet.column(&map.name)?, sheet.maybe(map.sector.as_ref())?);
    let parent = sheet.maybe(map.parent.as_ref())?;
    let mut rows = Vec::new();
    while let Some(row) = sheet.next(report)? {
        let line = row.line;
        let taken = text(row.get(name), &map.name).and_then(|own| {
            let sector = row.maybe(sector).map(|value| map.sector_aliases.get(value).map_or(value, String::as_str));
            let column = map.sector.as_deref().unwrap_or_default();
            let sector = sector.map(|value| text(value, column)).transpose()?;
            if wanted.account_ids.contains_key(own.as_str()) {
                return Err((map.name.clone(), own.to_string(), "the name appears twice".to_owned()));
            }
            let parent = row.maybe(parent).map(|value| map.aliases.get(value).map_or(value, String::as_str));
            Ok((own, sector, parent.map(str::to_owned)))
        });
        match taken {
            Err((column, value, rule)) => report.reject(sheet.rejected(line, &column, &value, &rule)),
            Ok((own, sector, parent)) => {
                let id = thing(&mapping.source, "account", own.as_str());
                wanted.account_ids.insert(own.as_str().to_owned(), id);
                rows.push(AccountRow { line, id, own, sector, parent });
            }
        }
    }
    Ok(rows)
}

/// The rows so that no account comes before the one that it belongs to; what goes in a circle comes last.
fn parents_first(mut rows: Vec<AccountRow>) -> Vec<AccountRow> {
    let mut ordered: Vec<AccountRow> = Vec::with_capacity(rows.len());
    loop {
        let waiting: BTreeSet<String> = rows.iter().map(|row| row.own.to_string()).collect();
        let (ready, left): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.parent.as_ref().is_none_or(|parent| !waiting.contains(parent)));
        let stuck = ready.is_empty();
        ordered.extend(ready);
        if stuck || left.is_empty() {
            ordered.extend(left);
            return ordered;
        }
        rows = left;
    }
}
