//! Times at which everybody who is asked for is free.

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    appointment::{Asked, Day, Fold, FreeQuery, FreeTime, Wall},
    id::AppointmentId,
    organisation::Hours,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::row::Span;
use crate::{Ctx, Result, access::require, organisation, sql::sql, zone};

/// How many days are looked through.
const DAYS: i32 = 14;
/// How many times are told.
const TOLD: usize = 8;
/// How far apart times begin, in minutes.
const STEP: u16 = 15;

#[derive(Debug, Clone, Copy, FromQueryResult)]
struct Busy {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// The first times from a day on, within the opening hours and not before now, at which all of these people are free.
/// Whoever may book may know when others are free.
///
/// # Errors
/// [`rapport_domain::error::AppError::Forbidden`] without the right to book.
pub async fn free_times(ctx: &Ctx, asked: FreeQuery) -> Result<Vec<FreeTime>> {
    require(ctx.actor(), Kind::Appointment, Ability::Create)?;
    let staff: Vec<Uuid> = asked.staff.iter().map(|id| id.0).collect();
    let from = zone::day_begins(asked.day, ctx.zone()).max(ctx.clock().now());
    look(ctx.db(), ctx, &staff, from, asked.minutes, asked.except).await
}

/// The next times after one that is taken, of the same length.
pub(super) async fn after(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    staff: &[Uuid],
    span: &Span,
    except: Option<AppointmentId>,
) -> Result<Vec<FreeTime>> {
    let from = span.from.max(ctx.clock().now());
    look(db, ctx, staff, from, span.minutes(), except).await
}

async fn look(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    staff: &[Uuid],
    from: DateTime<Utc>,
    minutes: u16,
    except: Option<AppointmentId>,
) -> Result<Vec<FreeTime>> {
    let first = zone::wall(from, ctx.zone()).day;
    // On the last day that a calendar here has there is no day behind it.
    let last = zone::day_begins(first.plus(DAYS), ctx.zone()).max(from);
    let statement = sql(
        "SELECT lower(s.during) AS from, upper(s.during) AS to FROM appointment_staff s \
         WHERE s.active AND s.staff = ANY($1) AND s.during && tstzrange($2, $3) AND s.appointment <> $4",
        [
            staff.to_vec().into(),
            from.into(),
            last.into(),
            except.map_or(Uuid::nil(), |id| id.0).into(),
        ],
    );
    let busy = Busy::find_by_statement(statement).all(db).await?;
    let hours = organisation::settings(db).await?.hours()?;
    let length = TimeDelta::minutes(minutes.into());
    let is_free = |start: DateTime<Utc>| {
        start >= from
            && !busy
                .iter()
                .any(|busy| busy.from < start + length && start < busy.to)
    };
    let walls = (0..DAYS).flat_map(|days| starts(first.plus(days), &hours, minutes));
    let free = walls.filter_map(|wall| {
        let asked = |fold| Asked { wall, fold };
        // Of a time that the clock says twice the first is told; one that it skips is none.
        let (start, fold) = match zone::instant(asked(None), ctx.zone()) {
            Ok(start) => (start, None),
            Err(_) => {
                let first = Some(Fold::First);
                (zone::instant(asked(first), ctx.zone()).ok()?, first)
            }
        };
        is_free(start).then_some(FreeTime { from: wall, fold })
    });
    Ok(free.take(TOLD).collect())
}

/// The times of a day at which something of a length can begin so that it ends before closing time. What is longer than
/// the day is open begins when it opens.
fn starts(day: Day, hours: &Hours, minutes: u16) -> impl Iterator<Item = Wall> + use<> {
    let (open, close) = hours.on(day.weekday()).unwrap_or((1, 0));
    let last = close.saturating_sub(minutes).max(open.min(close));
    (open..=last)
        .step_by(usize::from(STEP))
        .map(move |minute| Wall { day, minute })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hours: &Hours, day: &str, minutes: u16) -> Vec<u16> {
        starts(day.parse().unwrap(), hours, minutes)
            .map(|wall| wall.minute)
            .collect()
    }

    #[test]
    fn times_begin_and_end_within_the_opening_hours() {
        let hours = Hours([Some((540, 600)), None, None, None, None, None, None]);
        assert_eq!(told(&hours, "2026-11-23", 30), [540, 555, 570]);
        assert_eq!(told(&hours, "2026-11-23", 90), [540]);
        assert_eq!(told(&hours, "2026-11-24", 30), [0_u16; 0]);
    }
}
