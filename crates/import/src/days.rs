//! Days as a file declares to write them: what does not fit is refused, never guessed at.

use chrono::{Datelike, NaiveDate};
use std::fmt::Write;

/// A declared way to write days.
#[derive(Clone, Debug)]
pub(crate) struct DayFormat {
    format: String,
    swapped: Option<String>,
}

impl DayFormat {
    /// The format; `None` when it is none that prints.
    pub(crate) fn new(format: &str) -> Option<Self> {
        use chrono::format::{Item, StrftimeItems};
        if StrftimeItems::new(format).any(|item| matches!(item, Item::Error)) {
            return None;
        }
        write!(String::new(), "{}", NaiveDate::default().format(format)).ok()?; // hours and zones: a day has none
        let both = format.contains("%d") && format.contains("%m");
        let swapped = both.then(|| format.replace("%d", "%~").replace("%m", "%d").replace("%~", "%m"));
        Some(Self { format: format.to_owned(), swapped })
    }

    /// The day; `None` when the value is not written that way, with or without leading zeros.
    pub(crate) fn parse(&self, value: &str) -> Option<NaiveDate> {
        let day = NaiveDate::parse_from_str(value, &self.format).ok()?;
        // A year of two digits is no year of four: leading zeros are forgiven to days and months alone.
        let same = digits(value) == digits(&self.print(day)) && (1_000..=9_999).contains(&day.year());
        same.then_some(day)
    }

    pub(crate) fn print(&self, day: NaiveDate) -> String {
        day.format(&self.format).to_string()
    }

    /// Whether the value could as well be read with day and month the other way round.
    pub(crate) fn ambiguous(&self, value: &str) -> bool {
        self.swapped.as_ref().is_some_and(|swapped| NaiveDate::parse_from_str(value, swapped).is_ok())
    }
}

/// The numbers of a value without leading zeros, and what stands between them.
fn digits(value: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for letter in value.chars() {
        let joins = parts
            .last()
            .is_some_and(|part| part.ends_with(|last: char| last.is_ascii_digit()) == letter.is_ascii_digit());
        match parts.last_mut() {
            Some(part) if joins => part.push(letter),
            _ => parts.push(letter.to_string()),
        }
    }
    for part in &mut parts {
        let bare = part.trim_start_matches('0');
        if part.len() > 1 && bare.len() < part.len() && part.chars().all(|letter| letter.is_ascii_digit()) {
            *part = if bare.is_empty() { "0".to_owned() } else { bare.to_owned() };
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_fits_its_declared_format_or_is_refused() {
        let cases = [
            ("%Y-%m-%d", "2016-10-20", true),
            ("%Y-%m-%d", "2016-1-2", true),
            ("%Y-%m-%d", "20-10-16", false),
            ("%m/%d/%Y", "3/1/2017", true),
            ("%m/%d/%Y", "20-10-16", false),
            ("%m/%d/%Y", "13/1/2017", false),
            ("%d-%m-%y", "20-10-16", true),
            ("%d-%m-%y", "10/20/2016", false),
            ("%d-%m-%y", "1-3-17", true),
            ("%d-%m-%y", "20-10-2016", false),
            ("%Y-%m-%d", "2016-10-20 ", false),
            ("%Y-%m-%d", "2017-02-29", false),
        ];
        for (format, value, fits) in cases {
            assert_eq!(DayFormat::new(format).unwrap().parse(value).is_some(), fits, "{format} {value}");
        }
    }

    #[test]
    fn a_value_is_ambiguous_when_day_and_month_can_change_places() {
        let format = DayFormat::new("%d-%m-%y").unwrap();
        assert!(format.ambiguous("03-01-17"));
        assert!(!format.ambiguous("20-10-16"));
        assert!(!DayFormat::new("%Y-%j").unwrap().ambiguous("2017-100"));
    }
}
