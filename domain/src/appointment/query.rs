//! What the address of the calendar says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Day;
use crate::{access::words, id::UserId};

/// A view of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarView {
    /// One day, a column for each person.
    Day,
    /// Seven days, a column for each.
    Week,
    /// The weeks of a month.
    Month,
    /// What comes, in a list.
    Agenda,
}
words!(CalendarView: Day = "day", Week = "week", Month = "month", Agenda = "agenda");

/// The most people whom a view shows side by side.
const SHOWN_MAX: usize = 20;

/// What the address of the calendar says. What is not understood in it is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarQuery {
    /// The view that was asked for; otherwise the week, and a list where the screen is small.
    pub view: Option<CalendarView>,
    /// A day of the view; otherwise today.
    pub day: Option<Day>,
    /// Whose appointments; otherwise the viewer's.
    pub staff: Vec<UserId>,
    /// Whether what was cancelled is shown too.
    pub cancelled: bool,
}

impl CalendarQuery {
    /// Reads the query of an address, as `use_location().search` gives it.
    #[must_use]
    pub fn parse(search: &str) -> Self {
        let mut query = Self::default();
        let search = search.strip_prefix('?').unwrap_or(search);
        let pairs = search.split('&').filter_map(|pair| pair.split_once('='));
        for (key, value) in pairs {
            match key {
                "view" => query.view = value.parse().ok(),
                "day" => query.day = value.parse().ok(),
                // A form writes the comma as `%2C`; nothing else in here needs to be encoded.
                "staff" => {
                    let ids = value.split(',').flat_map(|ids| ids.split("%2C"));
                    query.staff.extend(ids.filter_map(|id| id.parse::<UserId>().ok()));
                }
                "cancelled" => query.cancelled = value == "1",
                _ => {}
            }
        }
        query.staff.sort_unstable();
        query.staff.dedup();
        query.staff.truncate(SHOWN_MAX);
        query
    }

    /// The view that it stands for.
    #[must_use]
    pub fn shows(&self) -> CalendarView {
        self.view.unwrap_or(CalendarView::Week)
    }

    /// The address that says the same.
    #[must_use]
    pub fn href(&self) -> String {
        let search = self.search();
        if search.is_empty() {
            "/appointments".to_owned()
        } else {
            format!("/appointments?{search}")
        }
    }

    /// The query of that address.
    #[must_use]
    pub fn search(&self) -> String {
        let mut parts = Vec::new();
        if let Some(view) = self.view {
            parts.push(format!("view={view}"));
        }
        if let Some(day) = self.day {
            parts.push(format!("day={day}"));
        }
        if !self.staff.is_empty() {
            let staff: Vec<String> = self.staff.iter().map(ToString::to_string).collect();
            parts.push(format!("staff={}", staff.join(",")));
        }
        if self.cancelled {
            parts.push("cancelled=1".to_owned());
        }
        parts.join("&")
    }

    /// The first day that it shows and how many, where weeks begin on a day (1 is Monday).
    #[must_use]
    pub fn days(&self, today: Day, week_start: u8) -> (Day, u16) {
        let day = self.day.unwrap_or(today);
        match self.shows() {
            CalendarView::Day => (day, 1),
            CalendarView::Week => (day.week_start(week_start), 7),
            CalendarView::Month => {
                let first = day.month_start();
                let start = first.week_start(week_start);
                let days = first.plus_months(1).since(start);
                let weeks = u16::try_from(days).unwrap_or_default().div_ceil(7);
                (start, weeks * 7)
            }
            CalendarView::Agenda => (day, 14),
        }
    }

    /// The same view one step further, or back.
    #[must_use]
    pub fn stepped(&self, today: Day, by: i32) -> Self {
        let day = self.day.unwrap_or(today);
        let day = match self.shows() {
            CalendarView::Day => day.plus(by),
            CalendarView::Week => day.plus(7 * by),
            CalendarView::Month => day.month_start().plus_months(by),
            CalendarView::Agenda => day.plus(14 * by),
        };
        Self {
            day: Some(day),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_what_it_says() {
        let id = "01933d3e-0000-7000-8000-000000000001";
        for address in [
            "/appointments".to_owned(),
            "/appointments?view=month&day=2026-11-27".to_owned(),
            format!("/appointments?view=day&day=2026-03-29&staff={id}&cancelled=1"),
        ] {
            let search = address.split_once('?').map_or("", |(_, search)| search);
            assert_eq!(CalendarQuery::parse(search).href(), address);
        }
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let query = CalendarQuery::parse("?view=year&day=yesterday&staff=1,x&more=2");
        assert_eq!(query, CalendarQuery::default());
    }

    #[test]
    fn a_month_is_shown_in_whole_weeks() {
        let today: Day = "2026-11-27".parse().unwrap();
        let month = CalendarQuery::parse("view=month");
        assert_eq!(month.days(today, 1), ("2026-10-26".parse().unwrap(), 42));
        assert_eq!(month.days(today, 7), ("2026-11-01".parse().unwrap(), 35));
        let february = CalendarQuery::parse("view=month&day=2027-02-10");
        assert_eq!(february.days(today, 1), ("2027-02-01".parse().unwrap(), 28));
    }

    #[test]
    fn a_step_goes_by_what_the_view_shows() {
        let today: Day = "2026-01-31".parse().unwrap();
        let step = |text: &str, by| {
            CalendarQuery::parse(text)
                .stepped(today, by)
                .day
                .unwrap()
                .to_string()
        };
        assert_eq!(step("view=day", 1), "2026-02-01");
        assert_eq!(step("view=week", -1), "2026-01-24");
        assert_eq!(step("view=month", 1), "2026-02-01");
    }
}
