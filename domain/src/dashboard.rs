//! The dashboard: what its address asks for, and the figures that it shows.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    appointment::Slot,
    customer::Stage,
    feed::Deed,
    id::{CustomerId, TeamId},
};

/// How far the figures look back, in whole weeks, so that a period and the one before hold the same weekdays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// Seven days.
    Week,
    /// 28 days.
    #[default]
    Month,
    /// 13 weeks.
    Quarter,
    /// 52 weeks.
    Year,
}

impl Period {
    /// Every period, the shortest first.
    pub const EVERY: [Self; 4] = [Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// How many days it has.
    #[must_use]
    pub fn days(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 28,
            Self::Quarter => 91,
            Self::Year => 364,
        }
    }

    /// How many days are counted together.
    #[must_use]
    pub fn step(self) -> u16 {
        match self {
            Self::Week | Self::Month => 1,
            Self::Quarter => 7,
            Self::Year => 28,
        }
    }

    /// Its words: "last 4 weeks".
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Week => "Last 7 days",
            Self::Month => "Last 4 weeks",
            Self::Quarter => "Last 13 weeks",
            Self::Year => "Last 52 weeks",
        }
    }
}

impl FromStr for Period {
    type Err = ();

    fn from_str(days: &str) -> Result<Self, ()> {
        let days: u16 = days.parse().map_err(|_| ())?;
        Self::EVERY
            .into_iter()
            .find(|period| period.days() == days)
            .ok_or(())
    }
}

/// Whose customers and appointments the figures count; never more than the viewer may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// All that the viewer may see.
    #[default]
    All,
    /// The viewer's own.
    Mine,
    /// Those of a team.
    Team(TeamId),
}

/// What the address of the dashboard says. What is not understood in it is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardQuery {
    /// Whose.
    pub whose: Whose,
    /// How far back.
    pub period: Period,
}

impl DashboardQuery {
    /// Reads the query of an address: `whose=mine` or a team's id, `days=28`.
    #[must_use]
    pub fn parse(search: &str) -> Self {
        let mut query = Self::default();
        let search = search.strip_prefix('?').unwrap_or(search);
        for (key, value) in search.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "whose" if value == "mine" => query.whose = Whose::Mine,
                "whose" => query.whose = value.parse().map(Whose::Team).unwrap_or_default(),
                "days" => query.period = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        query
    }

    /// The query of the address that says the same.
    #[must_use]
    pub fn search(&self) -> String {
        let whose = match self.whose {
            Whose::All => None,
            Whose::Mine => Some("whose=mine".to_owned()),
            Whose::Team(team) => Some(format!("whose={team}")),
        };
        let days = (self.period != Period::default()).then(|| format!("days={}", self.period.days()));
        whose.into_iter().chain(days).collect::<Vec<_>>().join("&")
    }

    /// The address that says the same.
    #[must_use]
    pub fn href(&self) -> String {
        match self.search() {
            search if search.is_empty() => "/".to_owned(),
            search => format!("/?{search}"),
        }
    }
}

/// A count by parts of the period, and how many there were in the period before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// How many in each part of the period, the oldest first.
    pub parts: Vec<u32>,
    /// How many in the period before.
    pub before: u32,
}

impl Series {
    /// How many in the whole period.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.parts.iter().sum()
    }
}

/// What is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// From which day on each part of the period counts, in words: "24 Nov".
    pub labels: Vec<String>,
    /// Customers that were made and are still there.
    pub new: Series,
    /// Appointments that were held.
    pub held: Series,
    /// Appointments to which nobody came.
    pub missed: Series,
    /// How many customers there are, by stage.
    pub stages: Vec<(Stage, u32)>,
}

impl Figures {
    /// How many of a hundred appointments nobody came to, in tenths: in the period, and before. None where there were none.
    #[must_use]
    pub fn missed_share(&self) -> (Option<u32>, Option<u32>) {
        let share = |missed: u32, held: u32| (missed + held > 0).then(|| missed * 1000 / (missed + held));
        (
            share(self.missed.total(), self.held.total()),
            share(self.missed.before, self.held.before),
        )
    }
}

/// How a count stands to the one before, in whole percent; none where there was none before.
#[must_use]
pub fn growth(now: u32, before: u32) -> Option<i64> {
    let (now, before) = (i64::from(now), i64::from(before));
    (before > 0).then(|| ((now - before) * 100 + (now - before).signum() * before / 2) / before)
}

/// A customer with whom nothing happened for long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The customer.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub stage: Stage,
    /// For how many days.
    pub days: u32,
}

/// After how many days a customer counts as silent.
pub const SILENT_AFTER: u16 = 30;

/// All that the dashboard shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// What was asked for.
    pub query: DashboardQuery,
    /// The viewer's first name.
    pub name: String,
    /// Today, in words.
    pub today: String,
    /// The part of the day, in words: "morning".
    pub greeting: String,
    /// The viewer's appointments of today.
    pub appointments: Vec<Slot>,
    /// The viewer's customers that went silent, the longest first.
    pub silent: Vec<Silent>,
    /// What changed lately, newest first.
    pub lately: Vec<Deed>,
    /// The figures.
    pub figures: Figures,
    /// The teams whose figures can be asked for.
    pub teams: Vec<(TeamId, String)>,
    /// Whether the viewer may see appointments.
    pub with_appointments: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_reads_back_what_it_says_and_leaves_out_what_it_does_not_understand() {
        let team: TeamId = "01933d3e-0000-7000-8000-000000000001".parse().unwrap();
        for whose in [Whose::All, Whose::Mine, Whose::Team(team)] {
            for period in Period::EVERY {
                let query = DashboardQuery { whose, period };
                assert_eq!(DashboardQuery::parse(&query.search()), query);
                assert_eq!(period.days() % period.step(), 0);
            }
        }
        assert_eq!(
            DashboardQuery::parse("?whose=x&days=5&a"),
            DashboardQuery::default()
        );
        assert_eq!(DashboardQuery::default().href(), "/");
    }

    #[test]
    fn growth_is_rounded_and_says_nothing_where_there_was_nothing() {
        assert_eq!(growth(114, 100), Some(14));
        assert_eq!(growth(2, 3), Some(-33));
        assert_eq!(growth(5, 3), Some(67));
        assert_eq!(
            (growth(0, 4), growth(4, 4), growth(4, 0)),
            (Some(-100), Some(0), None)
        );
    }

    #[test]
    fn the_share_of_no_shows_is_of_those_that_were_to_be_held() {
        let series = |parts: &[u32], before| Series {
            parts: parts.to_vec(),
            before,
        };
        let figures = Figures {
            held: series(&[20, 11], 0),
            missed: series(&[0, 1], 0),
            ..Figures::default()
        };
        assert_eq!(figures.missed_share(), (Some(31), None));
    }
}
