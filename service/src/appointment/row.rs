//! An appointment as it is stored.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use rapport_domain::{
    access::{Kind, Scope},
    appointment::{Asked, Status, clock},
    error::{AppError, FieldErrors},
    id::{AppointmentId, TeamId, UserId},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Ctx, Error, Result,
    access::{push_booked, require},
    journal::{self, Fields},
    sql::Sql,
    zone,
};
use rapport_domain::access::Ability;

/// An appointment row as it stands.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) customer_id: Option<Uuid>,
    pub(super) type_id: Uuid,
    pub(super) title: Option<String>,
    pub(super) place: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) zone: String,
    pub(super) local_start: NaiveDateTime,
    pub(super) staff: Vec<Uuid>,
    /// The teams of its staff when it was booked; the nil id for none.
    pub(super) teams: Vec<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) deleted: bool,
}

const ROW: &str = "a.id, a.version, a.customer_id, a.type_id, a.title, a.place, a.notes, a.status, a.reason, \
    a.starts_at, a.ends_at, a.zone, a.local_start, a.staff, a.created_at, a.deleted_at IS NOT NULL AS deleted";

/// The teams of who keeps appointment `a`, in SQL.
pub(crate) const TEAMS: &str = "ARRAY(SELECT coalesce(k.team, '00000000-0000-0000-0000-000000000000') \
    FROM appointment_staff k WHERE k.appointment = a.id)";

/// Whether an appointment kept by these people, of these teams, is within a scope.
pub(crate) fn is_kept_within(scope: Scope, staff: &[Uuid], teams: &[Uuid]) -> bool {
    let by = staff.iter().any(|id| scope.holds(Some(UserId(*id)), None));
    by || teams.iter().any(|id| scope.holds(None, Some(TeamId(*id))))
}

impl Row {
    /// Fetches an appointment that the actor may see, locked for the transaction when asked.
    pub(super) async fn fetch(
        db: &impl ConnectionTrait,
        ctx: &Ctx,
        id: AppointmentId,
        lock: bool,
    ) -> Result<Self> {
        let reads = require(ctx.actor(), Kind::Appointment, Ability::Read)?;
        let mut sql = Sql::new(&format!(
            "SELECT {ROW}, {TEAMS} AS teams FROM appointment a WHERE a.id = "
        ));
        sql.bind(id.0).push(" AND ");
        push_booked(&mut sql, reads);
        if lock {
            sql.push(" FOR UPDATE OF a");
        }
        Ok(Self::find_by_statement(sql.done())
            .one(db)
            .await?
            .ok_or(AppError::NotFound)?)
    }

    pub(super) fn may(&self, ctx: &Ctx, ability: Ability) -> bool {
        let scope = ctx.actor().scope(Kind::Appointment, ability);
        is_kept_within(scope, &self.staff, &self.teams)
    }

    pub(super) fn status(&self) -> Result<Status> {
        self.status.parse().map_err(Error::Stored)
    }

    /// Whether its time is taken by it.
    pub(super) fn takes_time(&self) -> bool {
        !self.deleted && self.status != Status::Cancelled.word()
    }

    pub(super) fn keepers(&self) -> BTreeSet<Uuid> {
        self.staff.iter().copied().collect()
    }

    /// What the journal says that a change of it is about: its customer, else itself.
    pub(super) fn subject(&self) -> Uuid {
        self.customer_id.unwrap_or(self.id)
    }

    pub(super) fn span(&self) -> Span {
        Span {
            from: self.starts_at,
            to: self.ends_at,
            zone: self.zone.clone(),
            local_start: self.local_start,
        }
    }
}

/// A stretch of time, with what the clock said where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) zone: String,
    pub(super) local_start: NaiveDateTime,
}

impl Span {
    /// What somebody asks for, by their own clock.
    pub(super) fn of(ctx: &Ctx, asked: Asked, minutes: u16) -> Result<Self> {
        let zone = ctx.zone();
        let from = zone::instant(asked, zone)?;
        let (day, minute) = (asked.wall.day.date(), asked.wall.minute);
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        Ok(Self {
            from,
            to: from + TimeDelta::minutes(minutes.into()),
            zone: zone.name().to_owned(),
            local_start: midnight + TimeDelta::minutes(minute.into()),
        })
    }

    /// The same with another length.
    pub(super) fn lasting(self, minutes: u16) -> Self {
        Self {
            to: self.from + TimeDelta::minutes(minutes.into()),
            ..self
        }
    }

    pub(super) fn minutes(&self) -> u16 {
        u16::try_from((self.to - self.from).num_minutes()).unwrap_or_default()
    }

    /// Says no to a time that has passed.
    pub(super) fn refuse_past(&self, ctx: &Ctx) -> Result<()> {
        if self.to <= ctx.clock().now() {
            return Err(FieldErrors::one("time", "This time has passed already.").into());
        }
        Ok(())
    }

    /// By the viewer's clock: "Fri 27 Nov, 10:00 to 11:00".
    pub(super) fn said(&self, ctx: &Ctx) -> String {
        let (from, to) = (zone::wall(self.from, ctx.zone()), zone::wall(self.to, ctx.zone()));
        if from.day == to.day {
            format!("{from} to {}", clock(to.minute))
        } else {
            format!("{from} to {to}")
        }
    }

    /// The columns that say it.
    pub(super) fn columns(&self) -> Fields {
        journal::fields(json!({
            "starts_at": self.from, "ends_at": self.to, "zone": self.zone, "local_start": self.local_start,
        }))
    }
}
