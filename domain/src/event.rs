//! What is told of a change as it happens. An event names what changed and never what it was or is: whoever hears of it
//! asks for that, with the rights that they have then.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::words;

/// What kind of record an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A customer, with all the ways to reach it.
    Customer,
    /// A note about a customer.
    Note,
    /// An appointment.
    Appointment,
}
words!(EventKind: Customer = "customer", Note = "note", Appointment = "appointment");

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was made.
    Created,
    /// Fields were changed.
    Updated,
    /// It was moved to the trash.
    Trashed,
    /// It was taken out of the trash.
    Restored,
}
words!(Happened: Created = "created", Updated = "updated", Trashed = "trashed", Restored = "restored");

/// The type of an event: `customer.created`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType {
    /// Of what.
    pub kind: EventKind,
    /// What happened.
    pub happened: Happened,
}

impl EventType {
    /// All types there are.
    pub fn every() -> impl Iterator<Item = Self> {
        let kinds = EventKind::EVERY.iter();
        kinds.flat_map(|kind| {
            let all = Happened::EVERY.iter();
            all.map(|happened| Self {
                kind: *kind,
                happened: *happened,
            })
        })
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.happened)
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = text.split_once('.').and_then(|(kind, happened)| {
            Some(Self {
                kind: kind.parse().ok()?,
                happened: happened.parse().ok()?,
            })
        });
        known.ok_or_else(|| {
            let excerpt: String = text.chars().take(40).collect();
            format!("“{excerpt}” is no event.")
        })
    }
}

/// What one command did to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened to what.
    pub what: EventType,
    /// The record.
    pub record: Uuid,
    /// The customer that it is about, or is.
    pub customer: Option<Uuid>,
    /// The version that it got by that.
    pub version: i64,
    /// The fields that changed, as the REST API calls them, each once, by name.
    pub fields: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_back_what_it_prints() {
        let every: Vec<EventType> = EventType::every().collect();
        assert_eq!(every.len(), 12);
        for one in every {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        for wrong in [
            "",
            "customer",
            "customer.",
            "user.created",
            "customer.created.twice",
        ] {
            assert!(wrong.parse::<EventType>().is_err(), "{wrong:?}");
        }
    }
}
