use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

pub use chrono_tz::Tz as TimeZone;

/// An instant in UTC, of whole microseconds once it passed a door.
pub type Instant = DateTime<Utc>;

/// The instant cut to whole microseconds, as PostgreSQL stores it.
pub fn truncated(instant: Instant) -> Instant {
    instant.trunc_subsecs(6)
}

/// Whether the instant lies in the years 0001 to 9999 of UTC: what ISO 8601 writes with four digits, and PostgreSQL reads.
pub fn in_calendar(instant: Instant) -> bool {
    (1..=9999).contains(&instant.year())
}

/// An IANA time zone in which days begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(pub TimeZone);

/// A name that is no IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is not an IANA time zone such as Europe/Berlin or UTC")]
pub struct ZoneError {
    name: String,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// The day on which the instant falls in this zone.
    pub fn day_of(self, instant: Instant) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// The first instant of the day in this zone.
    pub fn first_instant(self, day: NaiveDate) -> Instant {
        self.instant_of(day.and_time(NaiveTime::MIN))
    }

    /// The last microsecond of the day in this zone.
    pub fn last_instant(self, day: NaiveDate) -> Instant {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        self.first_instant(next) - TimeDelta::microseconds(1)
    }

    /// The instant at which clocks of this zone show the local time. Shown twice, it is the earlier one; never shown
    /// (clocks were put forward over it), it is the instant at which they were.
    pub fn instant_of(self, local: NaiveDateTime) -> Instant {
        use chrono::TimeZone as _;
        let mut tried = local;
        for _ in 0..96 {
            if let Some(found) = self.0.from_local_datetime(&tried).earliest() {
                return found.with_timezone(&Utc);
            }
            tried += TimeDelta::minutes(15);
        }
        local.and_utc()
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        name.parse().map(Zone).map_err(|_| ZoneError { name: name.chars().take(60).collect() })
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;

    fn try_from(name: String) -> Result<Self, ZoneError> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_from_its_first_instant_to_its_last_microsecond_in_its_zone() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap(); // 23 hours long
        assert_eq!(berlin.first_instant(day).to_rfc3339(), "2026-03-28T23:00:00+00:00");
        assert_eq!(berlin.last_instant(day).to_rfc3339(), "2026-03-29T21:59:59.999999+00:00");
        assert_eq!(berlin.day_of(berlin.last_instant(day)), day);
    }

    #[test]
    fn a_day_that_begins_in_a_gap_begins_when_the_clocks_were_put_forward() {
        let sao_paulo: Zone = "America/Sao_Paulo".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(sao_paulo.first_instant(day).to_rfc3339(), "2018-11-04T03:00:00+00:00");
    }

    #[test]
    fn a_zone_that_nobody_lives_in_is_refused() {
        assert!("Europe/Atlantis".parse::<Zone>().is_err());
    }
}
