//! The timeline of a customer: the journal, told to one viewer.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ActivityId, AppointmentId, BatchId};

/// An instant with the words the server says it in, so that the first render in the browser is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The instant. A number on the wire: a reader of dates would weigh much in the browser.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
    /// "4 min ago", "Yesterday, 16:12", "21 Nov 2025", by the viewer's clock.
    pub said: String,
}

impl Moment {
    /// Says an instant as seen from `now`; `local` and `today` are what the viewer's clock says at the two.
    #[must_use]
    pub fn seen_from(
        at: DateTime<Utc>,
        now: DateTime<Utc>,
        local: NaiveDateTime,
        today: NaiveDateTime,
    ) -> Self {
        let minutes = (now - at).num_minutes();
        let days = (today.date() - local.date()).num_days();
        let said = match (minutes, days) {
            (..1, _) => "just now".to_owned(),
            (1..60, _) => format!("{minutes} min ago"),
            (_, 0) => local.format("Today, %H:%M").to_string(),
            (_, 1) => local.format("Yesterday, %H:%M").to_string(),
            (_, ..180) => local.format("%-d %b, %H:%M").to_string(),
            _ => local.format("%-d %b %Y").to_string(),
        };
        Self { at, said }
    }
}

/// One command as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The command.
    pub batch: BatchId,
    /// Where the next page continues: the place of its last change in the journal.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Who, by name.
    pub by: String,
    /// What happened.
    pub story: Story,
    /// True when this entry took another one back.
    pub is_undo: bool,
    /// Whether it can be taken back.
    pub undo: Undo,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Story {
    /// The customer was made.
    Created,
    /// The customer came from a file.
    Imported {
        /// The file's name.
        file: String,
    },
    /// Fields changed.
    Changed(Vec<FieldChange>),
    /// A note was written; its text as it stands.
    Note {
        /// The note.
        id: ActivityId,
        /// Its version, for saving a change of it.
        version: i64,
        /// Its text.
        body: String,
    },
    /// A note was written that has been removed since; its text is not told.
    NoteGone,
    /// A note was changed.
    NoteEdited,
    /// A note was removed.
    NoteRemoved,
    /// A note was brought back.
    NoteRestored,
    /// Something was done about an appointment.
    Appointment {
        /// The appointment.
        id: AppointmentId,
        /// What: "booked", "moved", "cancelled".
        did: String,
        /// Its type and time: "Meeting, Fri 27 Nov, 10:00".
        about: String,
        /// Why it was cancelled, if it was.
        because: String,
    },
    /// Something was done about an appointment that the viewer may not see.
    OtherAppointment,
    /// The customer was moved to the trash.
    Trashed,
    /// The customer was brought back from the trash.
    Restored,
}

/// One field before and after, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field's name for people.
    pub label: String,
    /// What it was; empty for nothing.
    pub before: String,
    /// What it became; empty for nothing.
    pub after: String,
}

/// Whether an entry can be taken back by the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// It can.
    Offered,
    /// It was taken back already.
    Done,
    /// It cannot, or not by this viewer.
    No,
}

/// A page of the timeline, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page continues, if there is one.
    pub before: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_said_as_far_away_as_it_is() {
        let now: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let said = |text: &str| {
            let at: DateTime<Utc> = text.parse().unwrap();
            Moment::seen_from(at, now, at.naive_utc(), now.naive_utc()).said
        };
        assert_eq!(said("2026-11-22T09:59:30Z"), "just now");
        assert_eq!(said("2026-11-22T10:00:05Z"), "just now");
        assert_eq!(said("2026-11-22T09:56:00Z"), "4 min ago");
        assert_eq!(said("2026-11-22T01:02:00Z"), "Today, 01:02");
        assert_eq!(said("2026-11-21T16:12:00Z"), "Yesterday, 16:12");
        assert_eq!(said("2026-11-03T16:12:00Z"), "3 Nov, 16:12");
        assert_eq!(said("2025-11-03T16:12:00Z"), "3 Nov 2025");
    }
}
