//! Time zones: the one place where instants and what a clock on a wall says meet.

use chrono::{
    DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::{TZ_VARIANTS, Tz};
use rapport_domain::{
    appointment::{Asked, Day, Fold, Wall, clock},
    error::FieldErrors,
    timeline::Moment,
};

/// How far the clock is looked ahead for the end of a skipped time, in minutes: no zone skips more than a day.
const LOOKED_AHEAD: i64 = 25 * 60;

/// The zone of a name of the IANA database.
#[must_use]
pub fn parse(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The names that people choose from: those of places, and UTC.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(|name| is_place(name))
        .collect();
    names.push("UTC");
    names.sort_unstable();
    names
}

/// `Europe/Berlin` is a place; `Etc/GMT+5`, `US/Eastern` and `CET` are other names for some.
fn is_place(name: &str) -> bool {
    const CONTINENTS: [&str; 10] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ];
    name.split_once('/')
        .is_some_and(|(continent, _)| CONTINENTS.contains(&continent))
}

/// What the clock says at an instant.
#[must_use]
pub fn wall(at: DateTime<Utc>, zone: Tz) -> Wall {
    let local = at.with_timezone(&zone).naive_local();
    Wall {
        day: Day::of(local.date()),
        minute: u16::try_from(local.hour() * 60 + local.minute()).unwrap_or_default(),
    }
}

/// What the clock says at an instant, and which of the two where it says so twice.
#[must_use]
pub fn asked(at: DateTime<Utc>, zone: Tz) -> Asked {
    let local = at.with_timezone(&zone).naive_local();
    let fold = match zone.from_local_datetime(&local) {
        LocalResult::Ambiguous(first, _) if first.to_utc() == at => Some(Fold::First),
        LocalResult::Ambiguous(..) => Some(Fold::Second),
        LocalResult::Single(_) | LocalResult::None => None,
    };
    Asked {
        wall: wall(at, zone),
        fold,
    }
}

/// Somebody's clock at this moment, by which they are told when things happened.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    zone: Tz,
    now: DateTime<Utc>,
}

impl Now {
    /// The clock of a zone at an instant.
    #[must_use]
    pub fn of(zone: Tz, now: DateTime<Utc>) -> Self {
        Self { zone, now }
    }

    /// What the clock says at an instant.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// Says when something happened.
    #[must_use]
    pub fn say(&self, at: DateTime<Utc>) -> Moment {
        Moment::seen_from(at, self.now, self.local(at), self.local(self.now))
    }
}

/// What the clock says, as a date with a time.
#[must_use]
pub fn local(wall: Wall) -> NaiveDateTime {
    wall.day.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(wall.minute.into())
}

/// The instant at which the clock says what was asked for.
///
/// # Errors
/// On `time` when the clock skips it that day, on `fold` when it says it twice and nothing tells which is meant.
pub fn instant(asked: Asked, zone: Tz) -> Result<DateTime<Utc>, FieldErrors> {
    let local = local(asked.wall);
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(at.to_utc()),
        LocalResult::Ambiguous(first, second) => match asked.fold {
            Some(Fold::First) => Ok(first.to_utc()),
            Some(Fold::Second) => Ok(second.to_utc()),
            None => Err(FieldErrors::one(
                "fold",
                "This time is twice that day; please say which.",
            )),
        },
        LocalResult::None => {
            let after = (1..LOOKED_AHEAD).map(|minutes| local + TimeDelta::minutes(minutes));
            let next = after.into_iter().find(|later| is_there(*later, zone));
            let next = next.map_or(0, minute_of);
            let sentence = format!(
                "The clock skips this time that day; it goes on at {}.",
                clock(next)
            );
            Err(FieldErrors::one("time", sentence))
        }
    }
}

fn is_there(local: NaiveDateTime, zone: Tz) -> bool {
    !matches!(zone.from_local_datetime(&local), LocalResult::None)
}

fn minute_of(local: NaiveDateTime) -> u16 {
    u16::try_from(local.hour() * 60 + local.minute()).unwrap_or_default()
}

/// The first instant of a day, also where the clock skips midnight.
#[must_use]
pub fn day_begins(day: Day, zone: Tz) -> DateTime<Utc> {
    date_begins(day.date(), zone)
}

/// The same for a day of any year, however long ago.
#[must_use]
pub fn date_begins(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    let steps = (0..LOOKED_AHEAD).map(|minutes| midnight + TimeDelta::minutes(minutes));
    let first = steps
        .into_iter()
        .find_map(|local| zone.from_local_datetime(&local).earliest());
    first.map_or_else(|| midnight.and_utc(), |first| first.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(day: &str, time: &str, fold: Option<Fold>) -> Asked {
        let (hours, minutes) = time.split_once(':').unwrap();
        let wall = Wall {
            day: day.parse().unwrap(),
            minute: hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap(),
        };
        Asked { wall, fold }
    }

    /// In each zone: a day on which the clock is put ahead with a skipped time and the one at which it goes on, and a
    /// day on which it is put back with a doubled time and how many minutes lie between the two.
    const ZONES: [(&str, &str, &str, &str, &str, &str, i64); 3] = [
        (
            "Europe/Berlin",
            "2026-03-29",
            "02:30",
            "03:00",
            "2026-10-25",
            "02:30",
            60,
        ),
        (
            "America/New_York",
            "2026-03-08",
            "02:30",
            "03:00",
            "2026-11-01",
            "01:30",
            60,
        ),
        // By half an hour.
        (
            "Australia/Lord_Howe",
            "2026-10-04",
            "02:15",
            "02:30",
            "2026-04-05",
            "01:45",
            30,
        ),
    ];

    #[test]
    fn a_skipped_time_is_refused_and_said_where_it_goes_on() {
        for (zone, ahead, skipped, goes_on, ..) in ZONES {
            let error = instant(asked(ahead, skipped, None), parse(zone).unwrap()).unwrap_err();
            let says = format!("The clock skips this time that day; it goes on at {goes_on}.");
            assert_eq!(error.get("time"), Some(says.as_str()), "{zone}");
        }
    }

    #[test]
    fn a_doubled_time_asks_which_and_takes_the_answer() {
        for (zone, .., back, doubled, apart) in ZONES {
            let zone = parse(zone).unwrap();
            let error = instant(asked(back, doubled, None), zone).unwrap_err();
            assert!(error.get("fold").is_some(), "{zone}");
            let first = instant(asked(back, doubled, Some(Fold::First)), zone).unwrap();
            let second = instant(asked(back, doubled, Some(Fold::Second)), zone).unwrap();
            assert_eq!((second - first).num_minutes(), apart, "{zone}");
            assert_eq!(wall(first, zone), wall(second, zone));
        }
    }

    #[test]
    fn days_are_23_24_25_or_23_and_a_half_hours_long() {
        for (zone, ahead, .., back, _, apart) in ZONES {
            let zone = parse(zone).unwrap();
            let lasts = |day: &str| {
                let day: Day = day.parse().unwrap();
                (day_begins(day.plus(1), zone) - day_begins(day, zone)).num_minutes()
            };
            assert_eq!(lasts(ahead), 24 * 60 - apart, "{zone}");
            assert_eq!(lasts(back), 24 * 60 + apart, "{zone}");
            assert_eq!(lasts("2026-07-01"), 24 * 60, "{zone}");
        }
    }

    #[test]
    fn every_instant_of_a_year_reads_back_from_what_the_clock_said() {
        for (zone, ..) in ZONES {
            let zone = parse(zone).unwrap();
            let start = day_begins("2026-01-01".parse().unwrap(), zone);
            for step in 0..365 * 24 * 4 {
                let at = start + TimeDelta::minutes(step * 15);
                let wall = wall(at, zone);
                let either = [None, Some(Fold::First), Some(Fold::Second)];
                let found = either
                    .iter()
                    .any(|fold| instant(Asked { wall, fold: *fold }, zone) == Ok(at));
                assert!(found, "{zone} {at}");
            }
        }
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_at_one() {
        let zone = parse("America/Santiago").unwrap();
        let begins = day_begins("2026-09-06".parse().unwrap(), zone);
        assert_eq!(wall(begins, zone).minute, 60);
    }

    #[test]
    fn the_names_to_choose_from_are_places() {
        let names = names();
        assert!(names.contains(&"Europe/Berlin") && names.contains(&"UTC"));
        assert!(!names.contains(&"CET") && !names.contains(&"Etc/GMT+5"));
    }
}
