//! Appointments for other calendars: RFC 5545.

use chrono::{DateTime, Utc};
use icalendar::{Calendar, CalendarDateTime, Component, Event, EventLike, EventStatus};
use rapport_domain::{appointment::Status, id::AppointmentId};

use super::{query::get, row::Row};
use crate::{Ctx, Result};

/// What another calendar is told of an appointment.
pub(super) struct Kept {
    pub(super) id: AppointmentId,
    pub(super) version: i64,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) status: Status,
    pub(super) name: String,
    pub(super) place: Option<String>,
    pub(super) notes: Option<String>,
}

/// An appointment as a calendar of one event. Its times are instants, which every calendar tells by its own clock.
///
/// # Errors
/// As [`get`].
pub async fn ics(ctx: &Ctx, id: AppointmentId) -> Result<String> {
    let appointment = get(ctx, id).await?;
    let row = Row::fetch(ctx.db(), ctx, id, false).await?;
    let kept = Kept {
        id,
        version: row.version,
        from: row.starts_at,
        to: row.ends_at,
        status: appointment.status,
        name: appointment.name().to_owned(),
        place: appointment.place,
        notes: appointment.notes,
    };
    Ok(calendar(std::iter::once(event(&kept, ctx.clock().now()))))
}

pub(super) fn event(kept: &Kept, now: DateTime<Utc>) -> Event {
    let mut event = Event::new();
    event
        .uid(&format!("{}@rapport", kept.id))
        .timestamp(now)
        .starts(CalendarDateTime::Utc(kept.from))
        .ends(CalendarDateTime::Utc(kept.to))
        .sequence(u32::try_from(kept.version).unwrap_or_default())
        .status(match kept.status {
            Status::Cancelled => EventStatus::Cancelled,
            Status::Booked => EventStatus::Tentative,
            Status::Confirmed | Status::Done | Status::NoShow => EventStatus::Confirmed,
        })
        .summary(&kept.name);
    if let Some(place) = &kept.place {
        event.location(place);
    }
    if let Some(notes) = &kept.notes {
        event.description(notes);
    }
    event.done()
}

pub(super) fn calendar(events: impl Iterator<Item = Event>) -> String {
    let mut calendar = Calendar::new();
    calendar.name("Rapport");
    for event in events {
        calendar.push(event);
    }
    calendar.done().to_string()
}
