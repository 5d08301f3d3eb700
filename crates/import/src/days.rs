//! Days as a file declares to write them: what does not fit is refused, never guessed at.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use std::fmt::Write;
use units::{Instant, Zone};

/// A declared way to write days.
#[derive(Clone, Debug)]
pub(crate) struct DayFormat {
    format: String,
    swapped: Option<String>,
    tells: Tells,
}

/// What a value of a format tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tells {
    Day,
    /// A day and a time of it, in the mapping's zone.
    Time,
    /// A day, a time of it and how far from UTC.
    Instant,
}

/// The zones in which values are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zones {
    /// In which days begin and end: the tenant's.
    pub(crate) days: Zone,
    /// In which a time of day is read that says no zone: the mapping's.
    pub(crate) times: Zone,
}

/// What a value of a column of days says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) day: NaiveDate,
    pub(crate) instant: Instant,
}

impl Moment {
    pub(crate) fn of_day(day: NaiveDate, zones: Zones) -> Self {
        Self { day, instant: zones.days.first_instant(day) }
    }
}

impl DayFormat {
    /// The format; `None` when it is none that prints.
    pub(crate) fn new(format: &str) -> Option<Self> {
        use chrono::format::{Item, StrftimeItems};
        if StrftimeItems::new(format).any(|item| matches!(item, Item::Error)) {
            return None;
        }
        let mut out = String::new();
        let tells = if write!(out, "{}", NaiveDate::default().format(format)).is_ok() {
            Tells::Day
        } else if write!(out, "{}", NaiveDateTime::default().format(format)).is_ok() {
            Tells::Time
        } else {
            write!(out, "{}", DateTime::<Utc>::default().format(format)).ok()?;
            Tells::Instant
        };
        let numbers = |day: &str, month: &str| {
            // A format that begins with the year is written one way all over the world.
            let year_first = format.starts_with("%Y") || format.starts_with("%F");
            (!year_first && format.contains(day) && format.contains(month))
                .then(|| format.replace(day, "%~").replace(month, day).replace("%~", month))
        };
        let swapped = numbers("%d", "%m").or_else(|| numbers("%-d", "%-m"));
        Some(Self { format: format.to_owned(), swapped, tells })
    }

    /// Whether it tells which day it is.
    pub(crate) fn tells_days(&self) -> bool {
        let zones = Zones { days: Zone::UTC, times: Zone::UTC };
        let day = NaiveDate::from_ymd_opt(2001, 12, 31).unwrap_or_default();
        let Some(noon) = day.and_hms_opt(12, 0, 0) else { return false };
        let printed = match self.tells {
            Tells::Instant => noon.and_utc().format(&self.format).to_string(),
            Tells::Day | Tells::Time => noon.format(&self.format).to_string(),
        };
        self.moment(&printed, zones).is_some_and(|moment| moment.day == day)
    }

    /// What a value says; `None` when it is not written that way, with or without leading zeros.
    pub(crate) fn moment(&self, value: &str, zones: Zones) -> Option<Moment> {
        let instant = match self.tells {
            Tells::Day => {
                let day = NaiveDate::parse_from_str(value, &self.format).ok()?;
                // A year of two digits is no year of four: leading zeros are forgiven to days and months alone.
                let same = digits(value) == digits(&day.format(&self.format).to_string());
                return (same && sensible(day)).then(|| Moment::of_day(day, zones));
            }
            Tells::Time => zones.times.instant_of(NaiveDateTime::parse_from_str(value, &self.format).ok()?),
            Tells::Instant => DateTime::parse_from_str(value, &self.format).ok()?.to_utc(),
        };
        let day = zones.days.day_of(instant);
        sensible(day).then_some(Moment { day, instant })
    }

    /// Whether the value could as well be read with day and month the other way round.
    pub(crate) fn ambiguous(&self, value: &str) -> bool {
        let reads = |format: &String| match self.tells {
            Tells::Day => NaiveDate::parse_from_str(value, format).is_ok(),
            Tells::Time => NaiveDateTime::parse_from_str(value, format).is_ok(),
            Tells::Instant => DateTime::parse_from_str(value, format).is_ok(),
        };
        self.swapped.as_ref().is_some_and(reads)
    }

    /// The rule that a value broke, with an example of what fits.
    pub(crate) fn rule(&self) -> String {
        let example =
            NaiveDate::from_ymd_opt(2017, 10, 20).unwrap_or_default().and_hms_opt(13, 5, 0).unwrap_or_default();
        let example = example.and_utc().format(&self.format);
        format!("it is no day of the declared format {}, such as {example}", self.format)
    }
}

fn sensible(day: NaiveDate) -> bool {
    (1_000..=9_999).contains(&day.year())
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

    const ZONES: Zones = Zones { days: Zone::UTC, times: Zone::UTC };

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
            assert_eq!(DayFormat::new(format).unwrap().moment(value, ZONES).is_some(), fits, "{format} {value}");
        }
    }

    #[test]
    fn a_value_is_ambiguous_when_day_and_month_can_change_places() {
        let format = DayFormat::new("%d-%m-%y").unwrap();
        assert!(format.ambiguous("03-01-17"));
        assert!(!format.ambiguous("20-10-16"));
        assert!(!DayFormat::new("%Y-%j").unwrap().ambiguous("2017-100"));
    }

    #[test]
    fn a_format_that_begins_with_the_year_is_never_ambiguous() {
        assert!(!DayFormat::new("%Y-%m-%d").unwrap().ambiguous("2017-03-01"));
        assert!(DayFormat::new("%-m/%-d/%Y").unwrap().ambiguous("3/1/2017"));
    }

    #[test]
    fn times_are_read_in_the_mapping_s_zone_and_days_begin_in_the_tenant_s() {
        let zones = Zones { days: "America/New_York".parse().unwrap(), times: "Asia/Tokyo".parse().unwrap() };
        let cases = [
            ("%Y-%m-%d", "2017-03-01", "2017-03-01", "2017-03-01T05:00:00Z"),
            ("%Y-%m-%d", "2017-03-13", "2017-03-13", "2017-03-13T04:00:00Z"),
            ("%Y-%m-%d %H:%M", "2017-03-01 09:30", "2017-02-28", "2017-03-01T00:30:00Z"),
            ("%Y-%m-%dT%H:%M:%S%z", "2017-03-01T09:30:00+0200", "2017-03-01", "2017-03-01T07:30:00Z"),
        ];
        for (format, value, day, instant) in cases {
            let moment = DayFormat::new(format).unwrap().moment(value, zones).unwrap();
            let expected = (day.parse().unwrap(), instant.parse::<DateTime<Utc>>().unwrap());
            assert_eq!((moment.day, moment.instant), expected, "{format} {value}");
        }
    }

    #[test]
    fn a_format_must_tell_the_day() {
        for format in ["%H:%M", "%m-%d", "%Y-%m", "%Q"] {
            assert!(!DayFormat::new(format).is_some_and(|format| format.tells_days()), "{format}");
        }
        for format in ["%Y-%m-%d", "%-m/%-d/%Y", "%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"] {
            assert!(DayFormat::new(format).is_some_and(|format| format.tells_days()), "{format}");
        }
    }
}
