//! Appointments: a time that people of the team keep, mostly for a customer.
//!
//! Times reach the browser as what the clock on the viewer's wall says ([`Wall`]); instants stay on the server.

mod day;
mod form;
pub mod layout;
mod query;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    access::words,
    id::{AppointmentId, AppointmentTypeId, CustomerId, UserId},
    organisation::Hours,
    timeline::Moment,
};
pub(crate) use day::parse_clock;
pub use day::{Day, Wall, clock};
pub use form::{
    AppointmentPatch, AppointmentTypeForm, Asked, COLOURS, Fold, FreeQuery, MINUTES, NewAppointment,
    STAFF_MAX, cancel_reason, parse_staff,
};
pub use query::{CalendarQuery, CalendarView};

/// How far an appointment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is in the calendar.
    Booked,
    /// The customer said that they come.
    Confirmed,
    /// It was held.
    Done,
    /// The customer did not come.
    NoShow,
    /// It will not be, or was not; its time is free again.
    Cancelled,
}
words!(Status: Booked = "booked", Confirmed = "confirmed", Done = "done", NoShow = "no_show", Cancelled = "cancelled");

impl Status {
    /// What it is called.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Booked => "Booked",
            Self::Confirmed => "Confirmed",
            Self::Done => "Held",
            Self::NoShow => "No-show",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A kind of appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentType {
    /// Its id.
    pub id: AppointmentTypeId,
    /// Its version.
    pub version: i64,
    /// What it is called.
    pub name: String,
    /// How long it usually takes.
    pub minutes: u16,
    /// Its place in the palette, `0..COLOURS`.
    pub colour: u8,
    /// Whether it can be chosen for a new one.
    pub active: bool,
}

/// Somebody who may keep appointments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Who.
    pub id: UserId,
    /// Their name.
    pub name: String,
}

/// An appointment as the calendar shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its id.
    pub id: AppointmentId,
    /// Its version, for a move.
    pub version: i64,
    /// From when, by the viewer's clock.
    pub from: Wall,
    /// Up to when, by the viewer's clock.
    pub to: Wall,
    /// The customer's name, else the title; "Busy" where the viewer may not know.
    pub title: String,
    /// The customer, if there is one and the viewer may see it.
    pub customer: Option<CustomerId>,
    /// The type's name; empty where the viewer may not know.
    pub kind: String,
    /// The type's colour.
    pub colour: u8,
    /// Where.
    pub place: Option<String>,
    /// How far it is.
    pub status: Status,
    /// Who keeps it.
    pub staff: Vec<UserId>,
    /// Whether the viewer may know more than that the time is taken.
    pub sight: bool,
    /// Whether the viewer may move it.
    pub may_update: bool,
}

/// What a view of the calendar shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The view.
    pub query: CalendarQuery,
    /// The day that the view is about.
    pub day: Day,
    /// The days that it shows, in order.
    pub days: Vec<Day>,
    /// Today, by the viewer's clock.
    pub today: Day,
    /// The minute of today.
    pub now: u16,
    /// Those shown, and what they keep on these days, in order of time.
    pub shown: Vec<Staff>,
    /// The appointments that touch these days, in order of time.
    pub slots: Vec<Slot>,
    /// True when there were more than the view holds.
    pub more: bool,
    /// Everybody who can be shown.
    pub staff: Vec<Staff>,
    /// When the organisation is open.
    pub hours: Hours,
    /// The viewer's zone.
    pub zone: String,
    /// Whether the viewer may book.
    pub may_create: bool,
}

/// An appointment, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// Its version.
    pub version: i64,
    /// The customer, if there is one and the viewer may see it.
    pub customer: Option<(CustomerId, String)>,
    /// True when there is a customer whom the viewer may not see.
    pub hidden_customer: bool,
    /// Its type.
    pub kind: AppointmentType,
    /// What it is about.
    pub title: Option<String>,
    /// A place or a link.
    pub place: Option<String>,
    /// What to know for it.
    pub notes: Option<String>,
    /// How far it is.
    pub status: Status,
    /// Why it was cancelled.
    pub reason: Option<String>,
    /// From when, by the viewer's clock.
    pub from: Wall,
    /// Up to when, by the viewer's clock.
    pub to: Wall,
    /// The instant at which it begins.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub starts_at: DateTime<Utc>,
    /// How long it takes; not the difference of the above where the clock is changed in between.
    pub minutes: u16,
    /// What the clock said where it was booked, if that is another zone: "15:30 in Asia/Kolkata".
    pub elsewhere: Option<String>,
    /// Who keeps it.
    pub staff: Vec<Staff>,
    /// When it was booked.
    pub created: Moment,
    /// Whether it has begun.
    pub begun: bool,
    /// Whether its booking was taken back.
    pub deleted: bool,
    /// Whether the viewer may change it.
    pub may_update: bool,
}

impl Appointment {
    /// What it is called: its title, else the customer's name, else its type.
    #[must_use]
    pub fn name(&self) -> &str {
        let customer = self.customer.as_ref().map(|(_, name)| name.as_str());
        self.title.as_deref().or(customer).unwrap_or(&self.kind.name)
    }
}

/// What the form of a new appointment offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingOptions {
    /// The types to choose from.
    pub types: Vec<AppointmentType>,
    /// Those for whom the viewer may book.
    pub staff: Vec<Staff>,
    /// The viewer's zone.
    pub zone: String,
    /// Today, by the viewer's clock.
    pub today: Day,
    /// The next full half hour today.
    pub soon: u16,
    /// The viewer, where they may book for themselves.
    pub me: Option<UserId>,
    /// The customer that was asked for, if the viewer may see it.
    pub customer: Option<(CustomerId, String)>,
}

/// A time at which all that were asked for are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeTime {
    /// From when, by the viewer's clock.
    pub from: Wall,
    /// Which of the two, where the clock says it twice.
    pub fold: Option<Fold>,
}
