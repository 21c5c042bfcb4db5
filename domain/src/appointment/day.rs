//! Days and times of the day, as the clock on a wall says them.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A day of the calendar, between the years 1900 and 2200. `2026-03-29` in addresses, forms and on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Day {
    /// The day of a date; the nearest one that a calendar here has.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        let bound = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or(date);
        Self(date.clamp(bound(1900, 1, 1), bound(2200, 12, 31)))
    }

    /// Its date.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.0
    }

    /// So many days later, or earlier.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        let by = Days::new(u64::from(days.unsigned_abs()));
        let moved = if days < 0 {
            self.0.checked_sub_days(by)
        } else {
            self.0.checked_add_days(by)
        };
        Self::of(moved.unwrap_or(self.0))
    }

    /// The same day so many months later, or earlier; the last of a month that is too short.
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        let by = Months::new(months.unsigned_abs());
        let moved = if months < 0 {
            self.0.checked_sub_months(by)
        } else {
            self.0.checked_add_months(by)
        };
        Self::of(moved.unwrap_or(self.0))
    }

    /// Days from another one to this.
    #[must_use]
    pub fn since(self, other: Self) -> i32 {
        i32::try_from((self.0 - other.0).num_days()).unwrap_or_default()
    }

    /// Its place in the week: 0 is Monday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        u8::try_from(self.0.weekday().num_days_from_monday()).unwrap_or_default()
    }

    /// The first day of its week, where weeks begin on a day: 1 is Monday, 7 is Sunday.
    #[must_use]
    pub fn week_start(self, first: u8) -> Self {
        let behind = (7 + self.weekday() + 1 - first.clamp(1, 7)) % 7;
        self.plus(-i32::from(behind))
    }

    /// The first day of its month.
    #[must_use]
    pub fn month_start(self) -> Self {
        Self::of(self.0.with_day(1).unwrap_or(self.0))
    }

    /// Its number in its month.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.day()
    }

    /// Its year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// Whether another day is of the same month.
    #[must_use]
    pub fn same_month(self, other: Self) -> bool {
        self.month_start() == other.month_start()
    }

    /// "Friday".
    #[must_use]
    pub fn weekday_name(self) -> &'static str {
        WEEKDAYS
            .get(usize::from(self.weekday()))
            .copied()
            .unwrap_or_default()
    }

    /// "Fri".
    #[must_use]
    pub fn weekday_short(self) -> &'static str {
        self.weekday_name().get(..3).unwrap_or_default()
    }

    /// "November 2026".
    #[must_use]
    pub fn month_said(self) -> String {
        format!("{} {}", self.month_name(), self.0.year())
    }

    /// "Fri 27 Nov".
    #[must_use]
    pub fn short(self) -> String {
        let month = self.month_name().get(..3).unwrap_or_default();
        format!("{} {} {month}", self.weekday_short(), self.number())
    }

    /// "Friday, 27 November 2026".
    #[must_use]
    pub fn long(self) -> String {
        format!("{}, {} {}", self.weekday_name(), self.number(), self.month_said())
    }

    fn month_name(self) -> &'static str {
        let place = usize::try_from(self.0.month0()).unwrap_or_default();
        MONTHS.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.0.year(),
            self.0.month(),
            self.0.day()
        )
    }
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "Please give a date such as 2026-11-27.";
        let mut parts = text.trim().splitn(3, '-');
        let mut next = || parts.next().filter(|part| part.len() <= 4)?.parse::<u16>().ok();
        let date = match (next(), next(), next()) {
            (Some(year), Some(month), Some(day)) => {
                NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))
            }
            _ => None,
        };
        let day = Self(date.ok_or(wrong)?);
        if Self::of(day.0) == day {
            Ok(day)
        } else {
            Err("Please give a year between 1900 and 2200.")
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A time on a day, as the clock on a wall says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wall {
    /// The day.
    pub day: Day,
    /// The minute of the day, up to 1439.
    pub minute: u16,
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.day.short(), clock(self.minute))
    }
}

/// A minute of the day as `09:30`.
#[must_use]
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads a time of the day such as `9:30` or `09:30`.
///
/// # Errors
/// A sentence for the field.
pub(crate) fn parse_clock(text: &str) -> Result<u16, &'static str> {
    let wrong = "Please give a time such as 09:30.";
    let (hours, minutes) = text.trim().split_once(':').ok_or(wrong)?;
    let number = |text: &str, below: u16| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u16| digits && *number < below)
    };
    match (number(hours, 24), number(minutes, 60)) {
        (Some(hours), Some(minutes)) => Ok(hours * 60 + minutes),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_reads_back_what_it_prints_and_nothing_else() {
        assert_eq!(day("2026-11-27").to_string(), "2026-11-27");
        for wrong in [
            "",
            "2026-02-30",
            "27.11.2026",
            "1899-12-31",
            "99999-01-01",
            "2026-11-27T10:00",
            "-1-1-1",
        ] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_week_begins_on_the_day_that_is_asked_for() {
        let friday = day("2026-11-27");
        assert_eq!(friday.week_start(1), day("2026-11-23"));
        assert_eq!(friday.week_start(7), day("2026-11-22"));
        assert_eq!(friday.week_start(6), day("2026-11-21"));
        assert_eq!(day("2026-11-22").week_start(7), day("2026-11-22"));
    }

    #[test]
    fn a_month_later_is_a_day_that_there_is() {
        assert_eq!(day("2026-01-31").plus_months(1), day("2026-02-28"));
        assert_eq!(day("2026-03-31").plus_months(-1), day("2026-02-28"));
    }

    #[test]
    fn a_day_is_said_in_short_and_in_full() {
        assert_eq!(day("2026-11-27").short(), "Fri 27 Nov");
        assert_eq!(day("2026-11-27").long(), "Friday, 27 November 2026");
    }

    #[test]
    fn a_time_of_the_day_is_read_in_both_ways_that_people_write_it() {
        assert_eq!(parse_clock("9:05"), Ok(545));
        assert_eq!(parse_clock("23:59"), Ok(1439));
        for wrong in ["", "24:00", "9:60", "9", "9:5:1", "-1:00", "+9:00", "099:00"] {
            assert!(parse_clock(wrong).is_err(), "{wrong:?}");
        }
    }
}
