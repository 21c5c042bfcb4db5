//! Appointments for other calendars: RFC 5545.

use icalendar::{Calendar, CalendarDateTime, Component, Event, EventLike, EventStatus};
use rapport_domain::{appointment::Status, id::AppointmentId};

use super::{query::get, row::Row};
use crate::{Ctx, Result};

/// An appointment as a calendar of one event. Its times are instants, which every calendar tells by its own clock.
///
/// # Errors
/// As [`get`].
pub async fn ics(ctx: &Ctx, id: AppointmentId) -> Result<String> {
    let appointment = get(ctx, id).await?;
    let row = Row::fetch(ctx.db(), ctx, id, false).await?;
    let mut event = Event::new();
    event
        .uid(&format!("{id}@rapport"))
        .timestamp(ctx.clock().now())
        .starts(CalendarDateTime::Utc(row.starts_at))
        .ends(CalendarDateTime::Utc(row.ends_at))
        .sequence(u32::try_from(row.version).unwrap_or_default())
        .status(match appointment.status {
            Status::Cancelled => EventStatus::Cancelled,
            Status::Booked => EventStatus::Tentative,
            Status::Confirmed | Status::Done | Status::NoShow => EventStatus::Confirmed,
        })
        .summary(appointment.name());
    if let Some(place) = &appointment.place {
        event.location(place);
    }
    if let Some(notes) = &appointment.notes {
        event.description(notes);
    }
    Ok(Calendar::new()
        .name("Rapport")
        .push(event.done())
        .done()
        .to_string())
}
