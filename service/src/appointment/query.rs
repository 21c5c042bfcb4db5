//! What can be asked of appointments. Every question is narrowed to what the actor may see; of what others keep out of
//! sight they learn only that the time is taken.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    appointment::{Appointment, BookingOptions, Calendar, CalendarQuery, Day, Slot, Staff, Status},
    error::AppError,
    id::{AppointmentId, CustomerId, TeamId, UserId},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    ics::Kept,
    kind,
    row::{Row, TEAMS, is_kept_within},
};
use crate::{
    Ctx, Error, Result,
    access::{push_booked, push_scope, require, scope},
    customer::query::fetch,
    organisation,
    sql::{Sql, sql},
    user, zone,
};

/// The most appointments that a view holds.
const SLOTS_MAX: usize = 500;
/// The most appointments that a customer's page lists.
const OF_CUSTOMER_MAX: i64 = 50;
/// Times that are offered begin at a half hour.
const SOON: u16 = 30;

/// What a view of the calendar shows.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see appointments.
pub async fn calendar(ctx: &Ctx, query: CalendarQuery) -> Result<Calendar> {
    require(ctx.actor(), Kind::Appointment, Ability::Read)?;
    let db = ctx.db();
    let (staff, settings) = futures::try_join!(staff(ctx), organisation::settings(db))?;
    let now = zone::wall(ctx.clock().now(), ctx.zone());
    let (first, count) = query.days(now.day, settings.week_start());
    let shown = shown(ctx, &query, &staff);
    let days: Vec<Day> = (0..i32::from(count)).map(|day| first.plus(day)).collect();
    let (from, to) = (
        zone::day_begins(first, ctx.zone()),
        zone::day_begins(first.plus(count.into()), ctx.zone()),
    );
    let keepers = shown.iter().map(|staff| staff.id).collect();
    let span = Window {
        staff: keepers,
        from,
        to,
        cancelled: query.cancelled,
        after: None,
        size: SLOTS_MAX,
    };
    let mut found = kept(ctx, &span).await?;
    let more = found.len() > SLOTS_MAX;
    found.truncate(SLOTS_MAX);
    let told = found.into_iter().map(|line| line.told(ctx, &span.staff));
    let slots: Result<Vec<Slot>> = told.collect();
    Ok(Calendar {
        day: query.day.unwrap_or(now.day),
        days,
        today: now.day,
        now: now.minute,
        shown,
        slots: slots?,
        more,
        staff,
        hours: settings.hours()?,
        zone: ctx.zone().name().to_owned(),
        may_create: ctx.actor().may(Kind::Appointment, Ability::Create),
        query,
    })
}

/// Those who were asked for, as far as they can be shown; otherwise the viewer.
fn shown(ctx: &Ctx, query: &CalendarQuery, staff: &[Staff]) -> Vec<Staff> {
    let asked: BTreeSet<UserId> = if query.staff.is_empty() {
        BTreeSet::from([ctx.actor().user])
    } else {
        query.staff.iter().copied().collect()
    };
    let shown = staff.iter().filter(|staff| asked.contains(&staff.id));
    shown.cloned().collect()
}

async fn staff(ctx: &Ctx) -> Result<Vec<Staff>> {
    let users = user::options(ctx).await?.into_iter();
    Ok(users.map(|(id, name)| Staff { id, name }).collect())
}

#[derive(FromQueryResult)]
struct Line {
    id: Uuid,
    version: i64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    title: Option<String>,
    place: Option<String>,
    status: String,
    staff: Vec<Uuid>,
    teams: Vec<Uuid>,
    kind: String,
    colour: i32,
    customer: Option<Uuid>,
    customer_name: Option<String>,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

/// What is told of appointments `a`, which come from where it is said.
fn select(from: &str) -> String {
    format!(
        "SELECT a.id, a.version, a.starts_at, a.ends_at, a.title, a.place, a.status, a.staff, {TEAMS} AS teams, \
                t.name AS kind, t.colour, c.id AS customer, c.name AS customer_name, c.owner_id AS owner, \
                c.team_id AS team \
         FROM {from} JOIN appointment_type t ON t.id = a.type_id \
              LEFT JOIN LATERAL (SELECT k.id, k.name, k.owner_id, k.team_id FROM customer k \
                                 WHERE k.id = a.customer_id OFFSET 0) AS c ON TRUE "
    )
}

/// Each looked up by its id: planned as a join, a whole table was read for some hundred rows (`OFFSET 0` keeps them
/// apart).
const BY_ID: &str = "kept CROSS JOIN LATERAL (SELECT * FROM appointment x \
    WHERE x.id = kept.appointment AND x.deleted_at IS NULL OFFSET 0) AS a";

impl Line {
    fn timed(self, ctx: &Ctx, asked: &[UserId]) -> Result<Timed> {
        let (from, to) = (self.starts_at, self.ends_at);
        let slot = self.told(ctx, asked)?;
        Ok(Timed { slot, from, to })
    }

    /// The appointment as the viewer may know it, who asked for those of some people: of one that is out of sight nothing
    /// is told but that the time of these is taken.
    fn told(self, ctx: &Ctx, asked: &[UserId]) -> Result<Slot> {
        let actor = ctx.actor();
        let within =
            |ability| is_kept_within(actor.scope(Kind::Appointment, ability), &self.staff, &self.teams);
        let sight = within(Ability::Read);
        let customers = actor.scope(Kind::Customer, Ability::Read);
        let known = sight && customers.holds(self.owner.map(UserId), self.team.map(TeamId));
        let with = self.customer_name.filter(|_| known);
        let about = self.title.filter(|_| sight);
        let title = match (with, about, sight) {
            (_, _, false) => "Busy".to_owned(),
            (Some(with), Some(about), _) => format!("{with}: {about}"),
            (Some(one), None, _) | (None, Some(one), _) => one,
            (None, None, _) => self.kind.clone(),
        };
        Ok(Slot {
            id: AppointmentId(self.id),
            version: self.version,
            from: zone::wall(self.starts_at, ctx.zone()),
            to: zone::wall(self.ends_at, ctx.zone()),
            title,
            customer: self.customer.filter(|_| known).map(CustomerId),
            kind: if sight { self.kind.clone() } else { String::new() },
            colour: if sight {
                u8::try_from(self.colour).unwrap_or_default()
            } else {
                0
            },
            place: self.place.clone().filter(|_| sight),
            status: match sight {
                true => self.status.parse().map_err(Error::Stored)?,
                false => Status::Booked,
            },
            may_update: within(Ability::Update),
            sight,
            staff: self
                .staff
                .into_iter()
                .map(UserId)
                .filter(|one| sight || asked.contains(one))
                .collect(),
        })
    }
}

/// A stretch of the calendar, and where in it to go on.
#[derive(Debug, Clone)]
pub struct Window {
    /// Whose appointments.
    pub staff: Vec<UserId>,
    /// From when.
    pub from: DateTime<Utc>,
    /// Up to when, itself left out.
    pub to: DateTime<Utc>,
    /// Whether what was cancelled is told, too.
    pub cancelled: bool,
    /// Behind which one: when it begins, and its id.
    pub after: Option<(DateTime<Utc>, AppointmentId)>,
    /// How many.
    pub size: usize,
}

/// An appointment with the instants at which it begins and ends.
#[derive(Debug, Clone)]
pub struct Timed {
    /// As a calendar shows it.
    pub slot: Slot,
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub to: DateTime<Utc>,
}

/// What people keep in a stretch of time, in its order, and whether there is more behind it.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to see appointments; [`AppError::Invalid`] on `staff` for somebody who
/// cannot be picked.
pub async fn window(ctx: &Ctx, mut window: Window) -> Result<(Vec<Timed>, bool)> {
    require(ctx.actor(), Kind::Appointment, Ability::Read)?;
    let there: Vec<UserId> = staff(ctx).await?.into_iter().map(|staff| staff.id).collect();
    if window.staff.iter().any(|id| !there.contains(id)) {
        return Err(AppError::invalid("staff", "Please name people who work here.").into());
    }
    if window.staff.is_empty() {
        window.staff = there;
    }
    let mut lines = kept(ctx, &window).await?;
    let more = lines.len() > window.size;
    lines.truncate(window.size);
    let told = lines.into_iter().map(|line| line.timed(ctx, &window.staff));
    let told: Result<Vec<Timed>> = told.collect();
    Ok((told?, more))
}

/// What people keep between two instants, by the index of the constraint; what was cancelled by its own.
///
/// What others keep out of sight takes time and tells no more: what was cancelled takes none, and is not told.
async fn kept(ctx: &Ctx, window: &Window) -> Result<Vec<Line>> {
    let staff: Vec<Uuid> = window.staff.iter().map(|id| id.0).collect();
    // Their ids first, as many as are shown: only then are the rows looked up, each by its id.
    let mut sql = Sql::new("WITH kept AS MATERIALIZED (SELECT k.appointment FROM (");
    for cancelled in [false, true] {
        if cancelled && !window.cancelled {
            break;
        }
        sql.push(if cancelled { " UNION ALL " } else { "" })
            .push("SELECT s.appointment, lower(s.during) AS start FROM appointment_staff s WHERE ");
        if cancelled {
            // A booking that was taken back keeps nobody, and is none that was cancelled.
            sql.push(
                "NOT s.active AND EXISTS (SELECT 1 FROM appointment a \
                 WHERE a.id = s.appointment AND a.deleted_at IS NULL AND ",
            );
            push_booked(&mut sql, ctx.actor().scope(Kind::Appointment, Ability::Read));
            sql.push(")");
        } else {
            sql.push("s.active");
        }
        sql.push(" AND s.staff = ANY(")
            .bind(staff.clone())
            .push(") AND s.during && tstzrange(")
            .bind(window.from)
            .push(", ")
            .bind(window.to)
            .push(")");
    }
    sql.push(") AS k GROUP BY k.appointment");
    if let Some((start, id)) = window.after {
        sql.push(" HAVING (min(k.start), k.appointment) > (")
            .bind(start)
            .push(", ")
            .bind(id.0)
            .push(")");
    }
    sql.push(" ORDER BY min(k.start), k.appointment")
        .limit(i64::try_from(window.size).unwrap_or(i64::MAX) + 1)
        .push(") ")
        .push(&select(BY_ID))
        .push("ORDER BY a.starts_at, a.id");
    Ok(Line::find_by_statement(sql.done()).all(ctx.db()).await?)
}

/// What the actor keeps between two instants, as far as they may see it, for another calendar.
pub(super) async fn kept_by_actor(ctx: &Ctx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Kept>> {
    let mut window = Window {
        staff: vec![ctx.actor().user],
        from,
        to,
        cancelled: false,
        after: None,
        size: SLOTS_MAX,
    };
    let mut lines = Vec::new();
    loop {
        let mut more = kept(ctx, &window).await?;
        let goes_on = more.len() > window.size;
        more.truncate(window.size);
        window.after = more.last().map(|last| (last.starts_at, AppointmentId(last.id)));
        lines.append(&mut more);
        if !goes_on {
            break;
        }
    }
    let kept = lines.into_iter().map(|line| {
        let Timed { slot, from, to } = line.timed(ctx, &window.staff)?;
        Ok(Kept {
            id: slot.id,
            version: slot.version,
            from,
            to,
            status: slot.status,
            name: slot.title,
            place: slot.place,
            notes: None,
        })
    });
    kept.collect()
}

/// The appointments of a customer that the actor may see, at most 50: those that come, the next first, then those that
/// were, the last first.
///
/// # Errors
/// [`AppError::NotFound`] when the customer is out of sight.
pub async fn of_customer(ctx: &Ctx, id: CustomerId) -> Result<Vec<Timed>> {
    let customers = scope(ctx, Kind::Customer, Ability::Read)?;
    let mut sql = Sql::new(&select("appointment a"));
    sql.push("WHERE a.deleted_at IS NULL AND a.customer_id = (SELECT c.id FROM customer c WHERE c.id = ")
        .bind(id.0)
        .push(" AND ");
    push_scope(&mut sql, customers);
    sql.push(") AND ");
    push_booked(&mut sql, ctx.actor().scope(Kind::Appointment, Ability::Read));
    let now = ctx.clock().now();
    sql.push(" ORDER BY a.ends_at <= ")
        .bind(now)
        .push(", abs(extract(epoch FROM a.starts_at - ")
        .bind(now)
        .push(")), a.id")
        .limit(OF_CUSTOMER_MAX);
    let lines = Line::find_by_statement(sql.done()).all(ctx.db()).await?;
    if lines.is_empty() {
        // No appointments, or no customer.
        fetch(ctx.db(), customers, id, false).await?;
    }
    // All of them are in sight.
    lines.into_iter().map(|line| line.timed(ctx, &[])).collect()
}

#[derive(FromQueryResult)]
struct Known {
    name: String,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    name: String,
}

/// An appointment, whole, also one whose booking was taken back.
///
/// # Errors
/// [`AppError::NotFound`] when there is none or it is out of sight.
pub async fn get(ctx: &Ctx, id: AppointmentId) -> Result<Appointment> {
    let db = ctx.db();
    let row = Row::fetch(db, ctx, id, false).await?;
    let (types, customer, names) = futures::try_join!(kind::all(db), customer(db, &row), names(db, &row))?;
    let of_type = types.into_iter().find(|kind| kind.id.0 == row.type_id);
    let customers = ctx.actor().scope(Kind::Customer, Ability::Read);
    let sees = |known: &Known| customers.holds(known.owner.map(UserId), known.team.map(TeamId));
    let hidden_customer = customer.as_ref().is_some_and(|known| !sees(known));
    let customer = customer.filter(|known| sees(known)).map(|known| known.name);
    let now = ctx.clock().now();
    let from = zone::wall(row.starts_at, ctx.zone());
    let local = row.local_start;
    let elsewhere = (zone::local(from) != local).then(|| {
        let minutes = local.format("%H:%M");
        format!("{minutes} in {}", row.zone.replace('_', " "))
    });
    Ok(Appointment {
        id,
        version: row.version,
        customer: row.customer_id.map(CustomerId).zip(customer),
        hidden_customer,
        kind: of_type.ok_or_else(|| Error::Stored("an appointment without its type".to_owned()))?,
        status: row.status()?,
        from,
        to: zone::wall(row.ends_at, ctx.zone()),
        starts_at: row.starts_at,
        minutes: row.span().minutes(),
        elsewhere,
        staff: names,
        created: ctx.now().say(row.created_at),
        begun: row.starts_at <= now,
        deleted: row.deleted,
        may_update: row.may(ctx, Ability::Update),
        title: row.title,
        place: row.place,
        notes: row.notes,
        reason: row.reason,
    })
}

async fn customer(db: &impl ConnectionTrait, row: &Row) -> Result<Option<Known>> {
    let Some(id) = row.customer_id else {
        return Ok(None);
    };
    let statement = sql(
        "SELECT name, owner_id AS owner, team_id AS team FROM customer WHERE id = $1",
        [id.into()],
    );
    Ok(Known::find_by_statement(statement).one(db).await?)
}

async fn names(db: &impl ConnectionTrait, row: &Row) -> Result<Vec<Staff>> {
    let statement = sql(
        "SELECT id, name FROM app_user WHERE id = ANY($1) ORDER BY name, id",
        [row.staff.clone().into()],
    );
    let named = Named::find_by_statement(statement).all(db).await?.into_iter();
    Ok(named
        .map(|named| Staff {
            id: UserId(named.id),
            name: named.name,
        })
        .collect())
}

/// What the form of a new appointment offers, for a customer if one was asked for.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to book.
pub async fn booking_options(ctx: &Ctx, customer: Option<CustomerId>) -> Result<BookingOptions> {
    require(ctx.actor(), Kind::Appointment, Ability::Create)?;
    let db = ctx.db();
    let (types, staff) = futures::try_join!(kind::all(db), user::bookable(ctx))?;
    let asked = match customer {
        Some(id) => match fetch(db, scope(ctx, Kind::Customer, Ability::Read)?, id, false).await {
            Ok(row) if row.deleted_at.is_none() => Some((id, row.name)),
            Ok(_) | Err(Error::Told(AppError::NotFound)) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let now = zone::wall(ctx.clock().now(), ctx.zone());
    let me = ctx.actor().user;
    let soon = (now.minute / SOON + 1) * SOON;
    // Late in the evening the next half hour is tomorrow's.
    let (today, soon) = if soon < 24 * 60 {
        (now.day, soon)
    } else {
        (now.day.plus(1), 0)
    };
    Ok(BookingOptions {
        types: types.into_iter().filter(|kind| kind.active).collect(),
        me: staff.iter().any(|staff| staff.id == me).then_some(me),
        staff,
        zone: ctx.zone().name().to_owned(),
        today,
        soon,
        customer: asked,
    })
}
