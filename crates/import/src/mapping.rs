//! The mapping file: which CSV files hold what. `mappings/README.md` documents it for whoever writes one.

use chrono::NaiveDate;
use sales::{category::Category, person::Role};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use units::{Currency, Share, Zone};

/// A mapping file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The system that the files come from: part of every id and command id.
    pub source: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The time zone of values that tell a time of day and no zone; the tenant's when left out. Days without a time begin
    /// in the tenant's zone, whatever this says.
    pub time_zone: Option<Zone>,
    /// How days are written, as chrono's strftime says: `%Y-%m-%d`.
    pub date_format: String,
    /// What stands between two fields of a row.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// What stands before the decimals of a number.
    #[serde(default = "point")]
    pub decimal_separator: char,
    /// What may stand between groups of three digits; nothing when left out.
    pub thousands_separator: Option<char>,
    /// The day that the export is of: what moved since the last one and has no day of its own moved on this day. The day of
    /// the import when left out.
    pub as_of: Option<NaiveDate>,
    /// The most rows of a file that may be rejected, in percent; more stop the import.
    #[serde(default = "one_percent")]
    pub rejects_max_percent: f64,
    /// From which day the organisation counts.
    pub organisation: Organisation,
    /// The pipeline of all deals.
    pub pipeline: PipelineMap,
    /// What is sold.
    pub products: Option<ProductMap>,
    /// The customers.
    pub accounts: Option<AccountMap>,
    /// Who sells.
    pub people: PeopleMap,
    /// The deals.
    pub deals: DealMap,
}

fn one_percent() -> f64 {
    1.0
}

fn comma() -> char {
    ','
}

fn point() -> char {
    '.'
}

/// When the organisation begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// The day from whose first instant people, teams, products, accounts and pipelines are there.
    pub since: NaiveDate,
}

/// The pipeline of all deals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineMap {
    /// Its name.
    pub name: String,
    /// Its stages, in order.
    pub stages: Vec<StageMap>,
}

/// A stage, and the value of the deals' stage column that means it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageMap {
    /// Its name, which is also the value of the column.
    pub name: String,
    /// open, won or lost.
    pub kind: sales::pipeline::StageKind,
    /// The probability of winning, in basis points.
    pub probability_bps: Share,
    /// The forecast category.
    pub category: Category,
    /// The column of the day on which a deal came to this stage; of open stages alone.
    pub entered_on: Option<DayColumn>,
}

/// A column of days, with a way of its own to write them or without.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "the name of a column, or { column = \"..\", format = \"..\" }")]
pub enum DayColumn {
    /// Its name; its days are written as `date_format` says.
    Plain(String),
    /// Its name, and how its days are written.
    Own(OwnFormat),
}

/// A column whose days are written in another way.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnFormat {
    /// Its name.
    pub column: String,
    /// How its days are written; with a time of day or without.
    pub format: String,
}

impl DayColumn {
    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            Self::Plain(column) => column,
            Self::Own(own) => &own.column,
        }
    }

    /// How its days are written.
    pub fn format<'a>(&'a self, date_format: &'a str) -> &'a str {
        match self {
            Self::Plain(_) => date_format,
            Self::Own(own) => &own.format,
        }
    }
}

/// A file, and the columns that every kind of thing has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductMap {
    /// The file's name.
    pub file: String,
    /// The column of the name, which deals name the product by.
    pub name: String,
    /// The column of the list price.
    pub list_price: Option<String>,
    /// Other names of a product: `GTXPro = "GTX Pro"`.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
}

/// The customers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountMap {
    /// The file's name.
    pub file: String,
    /// The column of the name, which deals name the account by.
    pub name: String,
    /// The column of what it does.
    pub sector: Option<String>,
    /// The column of the name of the account that it belongs to.
    pub parent: Option<String>,
    /// Other names of an account.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Other names of a sector.
    #[serde(default)]
    pub sector_aliases: BTreeMap<String, String>,
}

/// Who sells, for whom, where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleMap {
    /// The file's name.
    pub file: String,
    /// The column of the name, which deals name their owner by.
    pub name: String,
    /// What the people of the file do.
    #[serde(default = "rep")]
    pub role: Role,
    /// The column of the manager's name: each manager is a person too, and has a team of that name.
    pub manager: Option<String>,
    /// What managers do.
    #[serde(default = "manager")]
    pub manager_role: Role,
    /// The column of the region's name: the team above the managers' teams.
    pub region: Option<String>,
    /// Other names of a person.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
}

fn rep() -> Role {
    Role::Rep
}

fn manager() -> Role {
    Role::Manager
}

/// The deals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DealMap {
    /// The file's name.
    pub file: String,
    /// The column of the deal's id.
    pub id: String,
    /// The column of the deal's name; its account and product when left out.
    pub name: Option<String>,
    /// The column of the owner's name.
    pub owner: String,
    /// The column of the product's name.
    pub product: Option<String>,
    /// The column of the account's name.
    pub account: Option<String>,
    /// The column of the stage it is in now.
    pub stage: String,
    /// The column of the day it was opened on.
    pub opened_on: DayColumn,
    /// The day on which deals without one are opened, marked assumed; without it they are rejected.
    pub opened_on_default: Option<NaiveDate>,
    /// The stage that deals are opened at which are closed now; those that are open are opened at the stage they are in.
    pub opened_at_stage: String,
    /// The column of the day it closed on.
    pub closed_on: Option<DayColumn>,
    /// The column of the day it is expected to close on.
    pub close_on: Option<DayColumn>,
    /// What a deal is worth while it is open.
    #[serde(default)]
    pub open_amount: AmountMap,
    /// What a deal was won for.
    #[serde(default)]
    pub won_amount: AmountMap,
    /// The column of why it was lost.
    pub lost_reason: Option<String>,
    /// Why deals were lost whose row does not say, marked assumed; without it they are rejected.
    pub lost_reason_default: Option<String>,
}

/// Where an amount comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum AmountMap {
    /// Nowhere: an open deal is worth nothing known; a won one was won for what it was worth while open.
    #[default]
    None,
    /// A column of the row.
    Column(String),
    /// The list price of the row's product.
    ListPrice,
}

/// Why a mapping file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It cannot be read.
    #[error("the mapping file {path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what a mapping file is.
    #[error("the mapping file {path}: {source}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// It contradicts itself.
    #[error("the mapping file: {0}")]
    Contradiction(String),
}

impl Mapping {
    /// The mapping of a file.
    ///
    /// # Errors
    /// When it cannot be read, has keys that no mapping has, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let file = |source| MappingError::File { path: path.to_path_buf(), source };
        let text = std::fs::read_to_string(path).map_err(file)?;
        let toml = |source| MappingError::Toml { path: path.to_path_buf(), source: Box::new(source) };
        let mapping: Self = toml::from_str(&text).map_err(toml)?;
        match crate::contradictions::of(&mapping) {
            Some(what) => Err(MappingError::Contradiction(what)),
            None => Ok(mapping),
        }
    }

    /// The roles that it has files for, and their names.
    pub(crate) fn files(&self) -> Vec<(&'static str, &str)> {
        let products = self.products.as_ref().map(|map| ("products", map.file.as_str()));
        let accounts = self.accounts.as_ref().map(|map| ("accounts", map.file.as_str()));
        let always = [("people", self.people.file.as_str()), ("deals", self.deals.file.as_str())];
        products.into_iter().chain(accounts).chain(always).collect()
    }
}
