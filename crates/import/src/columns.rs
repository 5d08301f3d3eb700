//! The columns of the deals' file, by their places.

use crate::{
    days::{DayFormat, Moment, Zones},
    files::{Row, Sheet},
    mapping::{AmountMap, DayColumn, Mapping},
    organisation::{Taken, stage_id},
    run::ImportError,
    wanted::Cell,
};
use std::collections::BTreeSet;
use units::StageId;

/// The columns of the deals' file.
pub(crate) struct Columns {
    pub(crate) id: usize,
    pub(crate) name: Option<usize>,
    pub(crate) owner: usize,
    pub(crate) product: Option<usize>,
    pub(crate) account: Option<usize>,
    pub(crate) stage: usize,
    pub(crate) opened: DayCell,
    pub(crate) closed: Option<DayCell>,
    pub(crate) close_on: Option<DayCell>,
    /// The days on which deals came to stages.
    pub(crate) entered: Vec<(StageId, DayCell)>,
    pub(crate) open_amount: Option<usize>,
    pub(crate) won_amount: Option<usize>,
    pub(crate) lost_reason: Option<usize>,
}

/// A column of days.
pub(crate) struct DayCell {
    place: usize,
    pub(crate) name: String,
    format: DayFormat,
    declared: String,
    /// Its values, and how many of them could be read with day and month the other way round.
    values: u64,
    ambiguous: u64,
}

impl DayCell {
    fn of(sheet: &Sheet, column: &DayColumn, mapping: &Mapping) -> Result<Self, ImportError> {
        let declared = column.format(&mapping.date_format).to_owned();
        let format = DayFormat::new(&declared)
            .ok_or_else(|| ImportError::Mapping(format!("the format \"{declared}\" tells no day")))?;
        let (place, name) = (sheet.column(column.column())?, column.column().to_owned());
        Ok(Self { place, name, format, declared, values: 0, ambiguous: 0 })
    }

    /// What it says in a row; `None` where it is blank.
    pub(crate) fn read(&mut self, row: &Row<'_>, zones: Zones) -> Taken<Option<Moment>> {
        let Some(value) = row.maybe(Some(self.place)) else { return Ok(None) };
        let moment = self.format.moment(value, zones);
        let moment = moment.ok_or_else(|| (self.name.clone(), value.to_owned(), self.format.rule()))?;
        self.values += 1;
        self.ambiguous += u64::from(self.format.ambiguous(value));
        Ok(Some(moment))
    }

    pub(crate) fn cell(&self, row: &Row<'_>) -> Cell {
        Cell::new(&self.name, row.get(self.place))
    }
}

impl Columns {
    pub(crate) fn of(sheet: &Sheet, mapping: &Mapping) -> Result<Self, ImportError> {
        let map = &mapping.deals;
        let amount = |amount: &AmountMap| match amount {
            AmountMap::Column(name) => sheet.column(name).map(Some),
            AmountMap::None | AmountMap::ListPrice => Ok(None),
        };
        let days =
            |column: &Option<DayColumn>| column.as_ref().map(|column| DayCell::of(sheet, column, mapping)).transpose();
        let mut entered = Vec::new();
        for stage in &mapping.pipeline.stages {
            entered.extend(days(&stage.entered_on)?.map(|column| (stage_id(mapping, &stage.name), column)));
        }
        Ok(Self {
            id: sheet.column(&map.id)?,
            name: sheet.maybe(map.name.as_ref())?,
            owner: sheet.column(&map.owner)?,
            product: sheet.maybe(map.product.as_ref())?,
            account: sheet.maybe(map.account.as_ref())?,
            stage: sheet.column(&map.stage)?,
            opened: DayCell::of(sheet, &map.opened_on, mapping)?,
            closed: days(&map.closed_on)?,
            close_on: days(&map.close_on)?,
            entered,
            open_amount: amount(&map.open_amount)?,
            won_amount: amount(&map.won_amount)?,
            lost_reason: sheet.maybe(map.lost_reason.as_ref())?,
        })
    }

    /// What somebody should look at: columns no value of which shows what is the day and what is the month.
    pub(crate) fn warnings(&self, file: &str) -> Vec<String> {
        let entered = self.entered.iter().map(|(_, column)| column);
        let columns = std::iter::once(&self.opened).chain(&self.closed).chain(&self.close_on).chain(entered);
        let mut named = BTreeSet::new();
        let doubtful = columns.filter(|column| column.ambiguous > 0 && column.ambiguous == column.values);
        let once = doubtful.filter(|column| named.insert(column.name.as_str()));
        once.map(|column| {
            let DayCell { name, values, ambiguous, declared, .. } = column;
            format!(
                "{file}: {ambiguous} of {values} values of {name} are days with day and month the other way round too; \
                 they were read as {declared}"
            )
        })
        .collect()
    }
}
