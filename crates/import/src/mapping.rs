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
    /// The time zone of the files' days; the tenant's when left out.
    pub time_zone: Option<Zone>,
    /// How days are written, as chrono's strftime says: `%Y-%m-%d`.
    pub date_format: String,
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
    pub opened_on: String,
    /// The day on which deals without one are opened, marked assumed; without it they are rejected.
    pub opened_on_default: Option<NaiveDate>,
    /// The stage that deals are opened at which are closed now; those that are open are opened at the stage they are in.
    pub opened_at_stage: String,
    /// The column of the day it closed on.
    pub closed_on: Option<String>,
    /// The column of the day it is expected to close on.
    pub close_on: Option<String>,
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
    /// Nowhere.
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
        toml::from_str::<Self>(&text).map_err(toml)?.checked()
    }

    fn checked(self) -> Result<Self, MappingError> {
        let wrong = |what: String| Err(MappingError::Contradiction(what));
        let stage = |name: &str| self.pipeline.stages.iter().find(|stage| stage.name == name);
        let opened_at = &self.deals.opened_at_stage;
        if stage(opened_at).is_none_or(|stage| stage.kind != sales::pipeline::StageKind::Open) {
            return wrong(format!("deals.opened_at_stage = \"{opened_at}\" is no open stage of the pipeline"));
        }
        let priced = [&self.deals.open_amount, &self.deals.won_amount];
        let by_list = priced.iter().any(|amount| matches!(amount, AmountMap::ListPrice));
        if by_list && self.products.as_ref().is_none_or(|products| products.list_price.is_none()) {
            return wrong("an amount is list_price, and products.list_price names no column".to_owned());
        }
        if !(0.0..=100.0).contains(&self.rejects_max_percent) {
            return wrong("rejects_max_percent lies between 0 and 100".to_owned());
        }
        let day = NaiveDate::from_ymd_opt(2001, 12, 31).unwrap_or_default();
        let format = crate::days::DayFormat::new(&self.date_format);
        if format.is_none_or(|format| format.parse(&format.print(day)).is_none()) {
            return wrong(format!("date_format = \"{}\" does not tell a day: use such as %Y-%m-%d", self.date_format));
        }
        Ok(self)
    }
}
