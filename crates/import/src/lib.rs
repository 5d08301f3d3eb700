//! Imports: the CSV files of a CRM, by a mapping file, become commands. Pass one reads and decides everything in memory,
//! pass two writes.

mod days;
mod deals;
mod files;
mod ledger;
mod mapping;
mod organisation;
mod plan;
mod report;
mod revert;
mod run;
mod wanted;

pub use mapping::{
    AccountMap, AmountMap, DealMap, Mapping, MappingError, Organisation, PeopleMap, PipelineMap, ProductMap, StageMap,
};
pub use report::{Phase, Progress, Reject, Report, Reverted};
pub use revert::revert;
pub use run::{ImportError, Request, run};
