//! What a mapping file may not say, though each of its keys may.

use crate::{
    days::DayFormat,
    mapping::{AmountMap, DayColumn, Mapping},
};
use sales::pipeline::StageKind;
use std::collections::BTreeSet;

/// What contradicts itself in a mapping, in a sentence.
pub(crate) fn of(mapping: &Mapping) -> Option<String> {
    stages(mapping).or_else(|| amounts(mapping)).or_else(|| days(mapping)).or_else(|| signs(mapping))
}

fn stages(mapping: &Mapping) -> Option<String> {
    let stages = &mapping.pipeline.stages;
    let opened_at = &mapping.deals.opened_at_stage;
    if !stages.iter().any(|stage| stage.name == *opened_at && stage.kind == StageKind::Open) {
        return Some(format!("deals.opened_at_stage = \"{opened_at}\" is no open stage of the pipeline"));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = stages.iter().find(|stage| !names.insert(stage.name.as_str())) {
        return Some(format!("pipeline.stages has \"{}\" twice", twice.name));
    }
    if let Some(closed) = stages.iter().find(|stage| stage.kind != StageKind::Open) {
        if mapping.deals.closed_on.is_none() {
            return Some(format!("the stage \"{}\" closes deals, and deals.closed_on names no column", closed.name));
        }
        if let Some(dated) = stages.iter().find(|stage| stage.kind != StageKind::Open && stage.entered_on.is_some()) {
            return Some(format!("the stage \"{}\" closes deals: its day is deals.closed_on's", dated.name));
        }
    }
    None
}

fn amounts(mapping: &Mapping) -> Option<String> {
    let priced = [&mapping.deals.open_amount, &mapping.deals.won_amount];
    let by_list = priced.iter().any(|amount| matches!(amount, AmountMap::ListPrice));
    if by_list && mapping.products.as_ref().is_none_or(|products| products.list_price.is_none()) {
        return Some("an amount is list_price, and products.list_price names no column".to_owned());
    }
    if by_list && mapping.deals.product.is_none() {
        return Some("an amount is list_price, and deals.product names no column".to_owned());
    }
    let wins = mapping.pipeline.stages.iter().any(|stage| stage.kind == StageKind::Won);
    if wins && priced.iter().all(|amount| matches!(amount, AmountMap::None)) {
        return Some("a won deal needs an amount: say deals.won_amount or deals.open_amount".to_owned());
    }
    None
}

fn days(mapping: &Mapping) -> Option<String> {
    if !DayFormat::new(&mapping.date_format).is_some_and(|format| format.tells_days()) {
        return Some(format!("date_format = \"{}\" does not tell a day: use such as %Y-%m-%d", mapping.date_format));
    }
    let deals = &mapping.deals;
    let columns = [Some(&deals.opened_on), deals.closed_on.as_ref(), deals.close_on.as_ref()];
    let entered = mapping.pipeline.stages.iter().filter_map(|stage| stage.entered_on.as_ref());
    columns.into_iter().flatten().chain(entered).find_map(|column| match column {
        DayColumn::Own(own) if !DayFormat::new(&own.format).is_some_and(|format| format.tells_days()) => {
            Some(format!("the format \"{}\" of {} does not tell a day", own.format, own.column))
        }
        _ => None,
    })
}

fn signs(mapping: &Mapping) -> Option<String> {
    if mapping.source.trim().is_empty() {
        return Some("source is empty: name the system that the files come from".to_owned());
    }
    if !(0.0..=100.0).contains(&mapping.rejects_max_percent) {
        return Some("rejects_max_percent lies between 0 and 100".to_owned());
    }
    let delimiter = mapping.delimiter;
    if !delimiter.is_ascii() || delimiter.is_ascii_alphanumeric() || ['"', '\n', '\r'].contains(&delimiter) {
        return Some("delimiter is one sign, such as \",\" or \";\" or \"\\t\"".to_owned());
    }
    let (decimal, thousands) = (mapping.decimal_separator, mapping.thousands_separator);
    let sign = |sign: char| sign.is_alphanumeric() || sign == '-';
    if sign(decimal) || thousands.is_some_and(|thousands| sign(thousands) || thousands == decimal) {
        return Some("decimal_separator and thousands_separator are two different signs and no digits".to_owned());
    }
    None
}
