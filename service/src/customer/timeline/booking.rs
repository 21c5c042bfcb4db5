//! What the timeline of a customer tells of its appointments.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    appointment::Status,
    id::AppointmentId,
    journal::Op,
    timeline::Story,
};
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

use super::Line;
use crate::{
    Ctx, Result,
    appointment::row::{TEAMS, is_kept_within},
    journal::RecordKind,
    sql::sql,
    zone,
};

#[derive(FromQueryResult)]
struct Booked {
    id: Uuid,
    kind: String,
    starts_at: DateTime<Utc>,
    staff: Vec<Uuid>,
    teams: Vec<Uuid>,
}

/// The appointments that entries are about.
pub(super) struct Bookings(HashMap<Uuid, Booked>);

impl Bookings {
    pub(super) async fn load(ctx: &Ctx, lines: &[&Line]) -> Result<Self> {
        let of_kind = lines.iter().filter(|line| is_booking(line));
        let ids: Vec<Uuid> = of_kind.map(|line| line.record).collect();
        if ids.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let text = format!(
            "SELECT a.id, t.name AS kind, a.starts_at, a.staff, {TEAMS} AS teams \
             FROM appointment a JOIN appointment_type t ON t.id = a.type_id WHERE a.id = ANY($1)"
        );
        let found = Booked::find_by_statement(sql(&text, [ids.into()]))
            .all(ctx.db())
            .await?;
        Ok(Self(
            found.into_iter().map(|booked| (booked.id, booked)).collect(),
        ))
    }

    /// Whether the viewer may take back what was done about an appointment.
    pub(super) fn may_undo(&self, ctx: &Ctx, id: Uuid) -> bool {
        self.within(ctx, id, Ability::Update)
    }

    fn within(&self, ctx: &Ctx, id: Uuid, ability: Ability) -> bool {
        let scope = ctx.actor().scope(Kind::Appointment, ability);
        let booked = self.0.get(&id);
        booked.is_some_and(|booked| is_kept_within(scope, &booked.staff, &booked.teams))
    }

    /// What was done, as far as the viewer may know.
    pub(super) fn story(&self, ctx: &Ctx, line: &Line, op: Op) -> Story {
        let Some(booked) = self
            .0
            .get(&line.record)
            .filter(|_| self.within(ctx, line.record, Ability::Read))
        else {
            return Story::OtherAppointment;
        };
        let value = |column: &str| line.after.as_ref().and_then(|after| after.get(column));
        let start = value("starts_at").and_then(Value::as_str);
        let start = start.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let start = start.map_or(booked.starts_at, |at| at.to_utc());
        let text = |column: &str| value(column).and_then(Value::as_str).unwrap_or_default();
        Story::Appointment {
            id: AppointmentId(line.record),
            did: did(op, text("status"), |column| value(column).is_some()).to_owned(),
            about: format!("{}, {}", booked.kind, zone::wall(start, ctx.zone())),
            because: text("reason").to_owned(),
        }
    }
}

pub(super) fn is_booking(line: &Line) -> bool {
    line.kind == RecordKind::Appointment.word()
}

fn did(op: Op, status: &str, names: impl Fn(&str) -> bool) -> &'static str {
    match (op, status.parse::<Status>()) {
        (Op::Create, _) => "booked",
        (Op::Trash | Op::Remove, _) => "took back the booking of",
        (Op::Restore, _) => "brought back",
        (Op::Update, Ok(Status::Cancelled)) => "cancelled",
        (Op::Update, Ok(Status::Confirmed)) => "confirmed",
        (Op::Update, Ok(Status::Done)) => "noted as held",
        (Op::Update, Ok(Status::NoShow)) => "noted a no-show at",
        (Op::Update, Ok(Status::Booked)) => "set back to booked",
        (Op::Update, Err(_)) if names("starts_at") => "moved",
        (Op::Update, Err(_)) if names("ends_at") => "changed the length of",
        (Op::Update, Err(_)) if names("staff") => "changed who keeps",
        (Op::Update, Err(_)) => "changed",
    }
}
