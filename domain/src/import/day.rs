//! Days as other programs write them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// In which order a day's numbers stand. One that begins with the year is read under any of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayOrder {
    /// Day, month, year: “31.12.2025”, “31/12/2025”.
    #[default]
    DayFirst,
    /// Month, day, year: “12/31/2025”.
    MonthFirst,
}

impl DayOrder {
    /// Every order, with the word that stands for it in a form and an example for people.
    pub const OFFERED: [(Self, &'static str, &'static str); 2] = [
        (Self::DayFirst, "day_first", "31.12.2025 or 31/12/2025"),
        (Self::MonthFirst, "month_first", "12/31/2025"),
    ];

    /// The word that stands for it in a form.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::OFFERED
            .iter()
            .find(|(order, ..)| *order == self)
            .map_or("", |(_, word, _)| word)
    }

    /// Reads a day; a time behind it is left out.
    ///
    /// # Errors
    /// A sentence: it is no day, or its year has not four digits.
    pub fn parse(self, value: &str) -> Result<NaiveDate, String> {
        self.read(value).ok_or_else(|| {
            let shown: String = value.chars().take(40).collect();
            format!("“{shown}” is not a day, as 2025-12-31.")
        })
    }

    fn read(self, value: &str) -> Option<NaiveDate> {
        let (day, _) = value.split_once([' ', 'T']).unwrap_or((value, ""));
        let day = day.trim_end_matches(',');
        let separator = ['-', '/', '.'].into_iter().find(|sign| day.contains(*sign))?;
        let numbers: Vec<&str> = day.split(separator).collect();
        let [first, second, third] = numbers.as_slice() else {
            return None;
        };
        let year_first = first.len() == 4;
        let (year, month, day) = match self {
            _ if year_first => (first, second, third),
            Self::DayFirst => (third, second, first),
            // Nobody writes the month first with full stops.
            Self::MonthFirst if separator == '.' => (third, second, first),
            Self::MonthFirst => (third, first, second),
        };
        if year.len() != 4 {
            return None;
        }
        NaiveDate::from_ymd_opt(number(year)?, number(month)?, number(day)?)
    }

    /// The order under which all values are days; none when they are none under either.
    pub(super) fn of<'a, I: Iterator<Item = &'a str>>(values: impl Fn() -> I) -> Option<Self> {
        Self::OFFERED
            .into_iter()
            .map(|(order, ..)| order)
            .find(|order| values().all(|value| order.read(value).is_some()))
    }
}

/// One or two digits, or four.
fn number<N: std::str::FromStr>(digits: &str) -> Option<N> {
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_the_order_that_was_picked() {
        let day = |order: DayOrder, value| order.parse(value).map(|day| day.to_string());
        for (value, day_first, month_first) in [
            ("2025-02-03", "2025-02-03", "2025-02-03"),
            ("2025-02-03T10:15:00Z", "2025-02-03", "2025-02-03"),
            ("2025/2/3", "2025-02-03", "2025-02-03"),
            ("3.2.2025", "2025-02-03", "2025-02-03"),
            ("03/02/2025 09:30", "2025-02-03", "2025-03-02"),
            ("03-02-2025, 9:30 PM", "2025-02-03", "2025-03-02"),
        ] {
            assert_eq!(day(DayOrder::DayFirst, value).as_deref(), Ok(day_first));
            assert_eq!(day(DayOrder::MonthFirst, value).as_deref(), Ok(month_first));
        }
    }

    #[test]
    fn what_is_no_day_is_said() {
        for value in [
            "",
            "yesterday",
            "31.02.2025",
            "1.2.25",
            "1.2",
            "1.2.3.2025",
            "+1.2.2025",
            "2025-13-01",
        ] {
            assert!(DayOrder::DayFirst.parse(value).is_err(), "{value}");
        }
    }

    #[test]
    fn values_tell_the_order_where_one_of_them_fits_no_other() {
        let of = |values: &[&str]| DayOrder::of(|| values.iter().copied());
        assert_eq!(of(&["01/02/2025", "31/12/2025"]), Some(DayOrder::DayFirst));
        assert_eq!(of(&["01/02/2025", "12/31/2025"]), Some(DayOrder::MonthFirst));
        assert_eq!(of(&["2025-12-31"]), Some(DayOrder::DayFirst));
        assert_eq!(of(&["31/12/2025", "12/31/2025"]), None);
    }
}
