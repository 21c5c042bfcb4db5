//! The forms of appointments and their rules.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Day,
    day::{Wall, parse_clock},
};
use crate::{
    access::words,
    error::FieldErrors,
    form::Values,
    id::{AppointmentId, AppointmentTypeId, CustomerId, UserId},
    text,
};

/// How long an appointment may take, in minutes.
pub const MINUTES: RangeInclusive<u16> = 5..=1440;
/// How many people may keep one together.
pub const STAFF_MAX: usize = 20;
/// How many colours the palette of the types has.
pub const COLOURS: u8 = 6;

/// Which of two equal times of the day is meant, where the clock is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// The first, before the clock is put back.
    First,
    /// The second, after it.
    Second,
}
words!(Fold: First = "first", Second = "second");

/// A time that somebody asks for, by their own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What the clock says.
    pub wall: Wall,
    /// Which of the two, where it says so twice.
    pub fold: Option<Fold>,
}

impl Asked {
    /// The fields that together say when.
    pub const FIELDS: [&'static str; 3] = ["date", "time", "fold"];

    fn parse(values: &Values, errors: &mut FieldErrors) -> Option<Self> {
        let day = errors.take("date", values.get("date").parse::<Day>());
        let minute = errors.take("time", parse_clock(values.get("time")));
        let fold = match values.get("fold") {
            "" => None,
            word => errors.take("fold", word.parse::<Fold>()),
        };
        Some(Self {
            wall: Wall {
                day: day?,
                minute: minute?,
            },
            fold,
        })
    }
}

/// A checked new appointment. Its id was minted with the form, so that a double post books once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppointment {
    /// The id it will have.
    pub id: AppointmentId,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// Of which type.
    pub kind: AppointmentTypeId,
    /// What it is about; needed without a customer.
    pub title: Option<String>,
    /// A place or a link.
    pub place: Option<String>,
    /// What to know for it.
    pub notes: Option<String>,
    /// Who keeps it, each once.
    pub staff: Vec<UserId>,
    /// When.
    pub when: Asked,
    /// How long.
    pub minutes: u16,
}

impl NewAppointment {
    /// Checks `id`, `customer`, `type`, `title`, `place`, `notes`, `staff` (an id a line), `date`, `time`, `fold` and
    /// `minutes`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let id = values
            .get("id")
            .parse()
            .map_err(|_| "Please open the form again.");
        let id = errors.take("form", id);
        let customer = match values.get("customer") {
            "" => None,
            id => errors.take("customer", id.parse().map_err(|_| "Please pick one of the list.")),
        };
        let kind = errors.take("type", parse_type(values.get("type")));
        let title = errors
            .take("title", text::line(values.get("title")))
            .and_then(text::non_empty);
        let place = errors
            .take("place", text::line(values.get("place")))
            .and_then(text::non_empty);
        let notes = errors
            .take("notes", text::prose(values.get("notes")))
            .and_then(text::non_empty);
        let staff = errors.take("staff", parse_staff(values.get("staff")));
        let when = Asked::parse(values, &mut errors);
        let minutes = errors.take("minutes", parse_minutes(values.get("minutes")));
        if values.get("customer").is_empty() && values.get("title").trim().is_empty() {
            errors.add("title", "Please choose a customer, or say what it is about.");
        }
        match (id, kind, staff, when, minutes) {
            (Some(id), Some(kind), Some(staff), Some(when), Some(minutes)) if errors.is_empty() => Ok(Self {
                id,
                customer,
                kind,
                title,
                place,
                notes,
                staff,
                when,
                minutes,
            }),
            _ => Err(errors),
        }
    }
}

/// What is to change about an appointment: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppointmentPatch {
    /// When.
    pub when: Option<Asked>,
    /// How long.
    pub minutes: Option<u16>,
    /// Of which type.
    pub kind: Option<AppointmentTypeId>,
    /// What it is about; inside, nothing clears it.
    pub title: Option<Option<String>>,
    /// A place or a link.
    pub place: Option<Option<String>>,
    /// What to know for it.
    pub notes: Option<Option<String>>,
    /// Who keeps it.
    pub staff: Option<Vec<UserId>>,
}

impl AppointmentPatch {
    /// Checks the fields named in `changed`, which are some of those of [`NewAppointment::parse`]. A time is said by
    /// several fields: where one of them changed, all are read, from `values`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values, changed: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut patch = Self::default();
        // A conflict about the time is about all of it.
        let keeps_time = values.get("pick.time") == "theirs";
        if !keeps_time && Asked::FIELDS.iter().any(|field| changed.has(field)) {
            patch.when = Asked::parse(values, &mut errors);
        }
        if !keeps_time && changed.has("minutes") {
            patch.minutes = errors.take("minutes", parse_minutes(changed.get("minutes")));
        }
        if changed.has("type") {
            patch.kind = errors.take("type", parse_type(changed.get("type")));
        }
        if changed.has("staff") {
            patch.staff = errors.take("staff", parse_staff(changed.get("staff")));
        }
        let mut text = |field, read: fn(&str) -> Result<String, String>| {
            let named = changed
                .has(field)
                .then(|| errors.take(field, read(changed.get(field))));
            named.flatten().map(text::non_empty)
        };
        patch.title = text("title", text::line);
        patch.place = text("place", text::line);
        patch.notes = text("notes", text::prose);
        if errors.is_empty() { Ok(patch) } else { Err(errors) }
    }
}

/// A question for free times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeQuery {
    /// Who.
    pub staff: Vec<UserId>,
    /// From this day on.
    pub day: Day,
    /// How long.
    pub minutes: u16,
    /// The appointment that is to be moved, whose own time counts as free.
    pub except: Option<AppointmentId>,
}

impl FreeQuery {
    /// Checks the fields of a form of an appointment; `except` may be empty.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(staff: &str, day: &str, minutes: &str, except: &str) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let staff = errors.take("staff", parse_staff(staff));
        let day = errors.take("date", day.parse());
        let minutes = errors.take("minutes", parse_minutes(minutes));
        match (staff, day, minutes) {
            (Some(staff), Some(day), Some(minutes)) => Ok(Self {
                staff,
                day,
                minutes,
                except: except.parse().ok(),
            }),
            _ => Err(errors),
        }
    }
}

fn parse_type(raw: &str) -> Result<AppointmentTypeId, &'static str> {
    raw.parse().map_err(|_| "Please choose a type.")
}

fn parse_minutes(raw: &str) -> Result<u16, String> {
    let raw = raw.trim();
    let minutes: i64 = raw
        .parse()
        .map_err(|_| "Please give the minutes as a number.".to_owned())?;
    if minutes <= 0 {
        return Err("It would end before it begins.".to_owned());
    }
    let fits = u16::try_from(minutes)
        .ok()
        .filter(|minutes| MINUTES.contains(minutes));
    fits.ok_or_else(|| {
        let (least, most) = (MINUTES.start(), MINUTES.end() / 60);
        format!("Please give between {least} minutes and {most} hours.")
    })
}

/// Checks ids of people, one a line or with commas between them: each once, in order.
///
/// # Errors
/// A sentence, also for none of them and for more than [`STAFF_MAX`].
pub fn parse_staff(raw: &str) -> Result<Vec<UserId>, String> {
    let ids = raw.split([',', '\n']).map(str::trim).filter(|id| !id.is_empty());
    let ids: Result<Vec<UserId>, _> = ids.map(str::parse).collect();
    let mut ids = ids.map_err(|_| "Please pick from the list.".to_owned())?;
    ids.sort_unstable();
    ids.dedup();
    match ids.len() {
        0 => Err("Please choose who keeps it.".to_owned()),
        1..=STAFF_MAX => Ok(ids),
        _ => Err(format!("Please choose at most {STAFF_MAX} people.")),
    }
}

/// Checks why an appointment is cancelled.
///
/// # Errors
/// A sentence for the field `reason`.
pub fn cancel_reason(raw: &str) -> Result<String, String> {
    text::required_line(raw, "Please say why, so that others know.")
}

/// A checked type of appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentTypeForm {
    /// What it is called.
    pub name: String,
    /// How long it usually takes.
    pub minutes: u16,
    /// Its colour.
    pub colour: u8,
    /// Whether it can be chosen for a new one.
    pub active: bool,
}

impl AppointmentTypeForm {
    /// Checks `name`, `minutes`, `colour` and `active` (`on`, or anything else for no).
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(
            "name",
            text::required_line(values.get("name"), "Please give it a name."),
        );
        let minutes = errors.take("minutes", parse_minutes(values.get("minutes")));
        let colour = values
            .get("colour")
            .parse()
            .ok()
            .filter(|colour| *colour < COLOURS);
        let colour = errors.take("colour", colour.ok_or("Please choose a colour."));
        match (name, minutes, colour) {
            (Some(name), Some(minutes), Some(colour)) => Ok(Self {
                name,
                minutes,
                colour,
                active: values.get("active") == "on",
            }),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01933d3e-0000-7000-8000-000000000001";

    fn good() -> Values {
        Values::default()
            .with("id", ID)
            .with("customer", ID)
            .with("type", ID)
            .with("staff", ID)
            .with("date", "2026-11-27")
            .with("time", "9:30")
            .with("minutes", "45")
    }

    fn wrong(field: &str, raw: &str) -> String {
        let errors = NewAppointment::parse(&good().with(field, raw)).unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors:?}");
        errors.0.into_values().next().unwrap()
    }

    #[test]
    fn a_whole_form_is_an_appointment() {
        let new = NewAppointment::parse(&good()).unwrap();
        assert_eq!((new.minutes, new.when.wall.minute), (45, 570));
        assert_eq!(new.staff.len(), 1);
    }

    #[test]
    fn every_wrong_field_gets_its_sentence() {
        for (field, raw, sentence) in [
            ("minutes", "-30", "It would end before it begins."),
            ("minutes", "0", "It would end before it begins."),
            ("minutes", "1500", "Please give between 5 minutes and 24 hours."),
            ("minutes", "ten", "Please give the minutes as a number."),
            ("date", "2026-02-30", "Please give a date such as 2026-11-27."),
            ("time", "25:00", "Please give a time such as 09:30."),
            ("staff", "", "Please choose who keeps it."),
            ("staff", "nobody", "Please pick from the list."),
            ("type", "", "Please choose a type."),
            ("customer", "1", "Please pick one of the list."),
        ] {
            assert_eq!(wrong(field, raw), sentence, "{field} {raw}");
        }
    }

    #[test]
    fn without_a_customer_it_needs_a_title() {
        assert!(NewAppointment::parse(&good().with("customer", "")).is_err());
        assert!(NewAppointment::parse(&good().with("customer", "").with("title", "Team")).is_ok());
    }

    #[test]
    fn a_patch_reads_the_whole_time_when_a_part_of_it_changed() {
        let changed = Values::default().with("time", "10:00");
        let patch = AppointmentPatch::parse(&good().with("time", "10:00"), &changed).unwrap();
        assert_eq!(patch.when.unwrap().wall.to_string(), "Fri 27 Nov, 10:00");
        assert_eq!(patch.minutes, None);
        let cleared = AppointmentPatch::parse(&good(), &Values::default().with("place", " ")).unwrap();
        assert_eq!((cleared.place, cleared.when), (Some(None), None));
    }
}
