//! Imports: the CSV files of a CRM, by a mapping file, become commands. Pass one reads and decides everything in memory,
//! pass two writes.

mod accounts;
mod columns;
mod compared;
mod contradictions;
mod days;
mod deals;
mod files;
mod ledger;
mod lines;
mod mapping;
mod moves;
mod numbers;
mod organisation;
mod people;
mod plan;
mod report;
mod revert;
mod run;
mod wanted;

pub use mapping::{
    AccountMap, AmountMap, DayColumn, DealMap, Mapping, MappingError, Organisation, OwnFormat, PeopleMap, PipelineMap,
    ProductMap, StageMap,
};
pub use report::{Phase, Progress, Reject, Report, Reverted, Rows};
pub use revert::revert;
pub use run::{ImportError, Request, run};
