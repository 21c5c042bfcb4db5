//! Analytics, for admins: who works, what is made and held, and when.

use serde::{Deserialize, Serialize};

use crate::{access::words, dashboard::Period};
use std::{fmt, str::FromStr};

/// One part of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCounts {
    /// From which day on it counts: "2026-11-24".
    pub from: String,
    /// Users who did something.
    pub active: u32,
    /// Customers that were made and are still there.
    pub customers: u32,
    /// Appointments that stand in it, those cancelled left out.
    pub appointments: u32,
    /// Of these, those to which nobody came.
    pub missed: u32,
}

/// How the appointments of one type, or of one person, went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The type, or the person.
    pub name: String,
    /// How many were held.
    pub held: u32,
    /// To how many nobody came.
    pub missed: u32,
}

impl Outcome {
    /// Of a hundred, to how many nobody came, in tenths; none where none was to be held.
    #[must_use]
    pub fn missed_share(&self) -> Option<u32> {
        let all = self.held + self.missed;
        (all > 0).then(|| self.missed * 1000 / all)
    }
}

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analytics {
    /// How far they look back.
    pub period: Period,
    /// The parts of the period, the oldest first.
    pub parts: Vec<PartCounts>,
    /// By type of appointment.
    pub types: Vec<Outcome>,
    /// By who keeps them.
    pub staff: Vec<Outcome>,
    /// How many appointments begin in each hour of the day, by the clock on the wall where they were booked.
    pub hours: Vec<u32>,
}

/// The tables of the page, each of which can be taken as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// By time.
    Time,
    /// By type of appointment.
    Types,
    /// By who keeps them.
    Staff,
    /// By the hour of the day.
    Hours,
}
words!(Table: Time = "time", Types = "types", Staff = "staff", Hours = "hours");

/// Tenths of a percent: "3.1 %".
#[must_use]
pub fn tenths(share: Option<u32>) -> String {
    share.map_or_else(
        || "–".to_owned(),
        |share| format!("{}.{} %", share / 10, share % 10),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_said_in_tenths_of_a_percent() {
        let outcome = |held, missed| Outcome {
            name: String::new(),
            held,
            missed,
        };
        assert_eq!(tenths(outcome(31, 1).missed_share()), "3.1 %");
        assert_eq!(tenths(outcome(0, 4).missed_share()), "100.0 %");
        assert_eq!(tenths(outcome(0, 0).missed_share()), "–");
    }
}
