//! How an appointment is written in JSON. Its time is an instant and a length; the form's is what a clock says.

use chrono::{DateTime, Timelike, Utc};
use rapport_domain::{
    appointment::{Appointment, AppointmentType, Status, clock},
    error::AppError,
    form::Values,
    id::UserId,
};
use rapport_service::{Ctx, appointment::Timed};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::Object},
};
use uuid::Uuid;

use crate::rest::{
    describe::{allow_null, needing, uuid, words},
    input::Input,
    output::{Versioned, iso},
};

/// An appointment, whole.
#[derive(Serialize, ToSchema)]
pub(super) struct AppointmentBody {
    id: Uuid,
    /// Counts up with every change; the ETag says the same.
    version: i64,
    /// ISO 8601, in UTC.
    #[schema(format = DateTime)]
    starts_at: String,
    /// How long it takes.
    minutes: u16,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// Why it was cancelled.
    reason: Option<String>,
    /// The customer, where the key's owner may see it.
    customer_id: Option<Uuid>,
    type_id: Uuid,
    title: Option<String>,
    /// A place or a link.
    place: Option<String>,
    notes: Option<String>,
    /// Who keeps it.
    staff_ids: Vec<Uuid>,
    /// ISO 8601, in UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// Whether its booking was taken back.
    deleted: bool,
}

/// An appointment as a line of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct AppointmentLine {
    id: Uuid,
    version: i64,
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// Whom or what it is about; “Busy” where the key's owner may not know more.
    title: String,
    /// The customer, where the key's owner may see it.
    customer_id: Option<Uuid>,
    /// The name of its type; nothing where the key's owner may not know.
    r#type: Option<String>,
    place: Option<String>,
    staff_ids: Vec<Uuid>,
    /// Whether the key's owner may know more than that the time is taken.
    visible: bool,
}

/// Appointments in the order in which they begin.
#[derive(Serialize, ToSchema)]
pub(super) struct AppointmentList {
    data: Vec<AppointmentLine>,
    /// What `after` is to be for the next page; nothing on the last.
    next: Option<String>,
}

/// The fields of an appointment that can be set. What is not sent stays; null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(super) struct AppointmentChange {
    /// ISO 8601, with the offset from UTC, on a full minute.
    #[schema(format = DateTime, nullable = false, example = "2026-12-01T09:30:00+01:00")]
    starts_at: Option<String>,
    #[schema(nullable = false, minimum = 5, maximum = 1440)]
    minutes: Option<u16>,
    #[schema(nullable = false)]
    type_id: Option<Uuid>,
    title: Option<String>,
    /// A place or a link.
    place: Option<String>,
    notes: Option<String>,
    /// Who keeps it.
    #[schema(nullable = false, min_items = 1, max_items = 20)]
    staff_ids: Option<Vec<Uuid>>,
}

const NAMES: &[(&str, &str)] = &[
    ("starts_at", "time"),
    ("starts_at", "date"),
    ("starts_at", "fold"),
    ("type_id", "type"),
    ("staff_ids", "staff"),
    ("customer_id", "customer"),
];

impl Input for AppointmentChange {
    const NAMES: &'static [(&'static str, &'static str)] = NAMES;
}

/// A new appointment: the fields of one, and for whom it is.
pub(super) struct NewAppointmentInput;

impl PartialSchema for NewAppointmentInput {
    fn schema() -> RefOr<Schema> {
        let mut schema = needing::<AppointmentChange>(&["starts_at", "minutes", "type_id", "staff_ids"]);
        if let RefOr::T(Schema::Object(new)) = &mut schema {
            new.description = Some("A new appointment. Without a customer it needs a title.".to_owned());
            let mut customer = RefOr::T(Schema::Object(uuid()));
            allow_null(&mut customer);
            new.properties.insert("customer_id".to_owned(), customer);
        }
        schema
    }
}

impl Input for NewAppointmentInput {
    const NAMES: &'static [(&'static str, &'static str)] = NAMES;
}

impl ToSchema for NewAppointmentInput {}

/// How far an appointment is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(super) struct StatusInput {
    #[schema(schema_with = statuses)]
    status: String,
    /// Why it is cancelled; needed for that.
    reason: Option<String>,
}

impl Input for StatusInput {}

/// A time at which everybody who was asked for is free.
#[derive(Serialize, ToSchema)]
pub(super) struct FreeSlot {
    #[schema(format = DateTime)]
    starts_at: String,
}

impl FreeSlot {
    pub(super) fn at(instant: DateTime<Utc>) -> Self {
        Self {
            starts_at: iso(instant),
        }
    }
}

/// The next free times.
#[derive(Serialize, ToSchema)]
pub(super) struct FreeSlots {
    pub(super) data: Vec<FreeSlot>,
}

/// A kind of appointment.
#[derive(Serialize, ToSchema)]
pub(super) struct TypeBody {
    id: Uuid,
    version: i64,
    name: String,
    /// How long it usually takes.
    minutes: u16,
    /// Its place in the palette.
    colour: u8,
    /// Whether it can be chosen for a new one.
    active: bool,
}

/// The kinds of appointments.
#[derive(Serialize, ToSchema)]
pub(super) struct TypeList {
    pub(super) data: Vec<TypeBody>,
}

/// The fields of a type that can be set. What is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(super) struct TypeInput {
    #[schema(nullable = false, min_length = 1)]
    name: Option<String>,
    #[schema(nullable = false, minimum = 5, maximum = 1440)]
    minutes: Option<u16>,
    #[schema(nullable = false, minimum = 0, maximum = 5)]
    colour: Option<u8>,
    #[schema(nullable = false)]
    active: Option<bool>,
}

impl Input for TypeInput {}

/// What a new type needs.
pub(super) struct NewTypeInput;

impl PartialSchema for NewTypeInput {
    fn schema() -> RefOr<Schema> {
        needing::<TypeInput>(&["name", "minutes"])
    }
}

impl ToSchema for NewTypeInput {}

fn statuses() -> Object {
    words(Status::EVERY.iter().map(|status| status.word()))
}

impl Versioned for AppointmentBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Versioned for TypeBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl AppointmentBody {
    pub(super) fn of(appointment: Appointment) -> Self {
        Self {
            id: appointment.id.0,
            version: appointment.version,
            starts_at: iso(appointment.starts_at),
            minutes: appointment.minutes,
            status: appointment.status.word(),
            reason: appointment.reason,
            customer_id: appointment.customer.map(|(id, _)| id.0),
            type_id: appointment.kind.id.0,
            title: appointment.title,
            place: appointment.place,
            notes: appointment.notes,
            staff_ids: appointment.staff.iter().map(|staff| staff.id.0).collect(),
            created_at: iso(appointment.created.at),
            deleted: appointment.deleted,
        }
    }
}

impl AppointmentLine {
    fn of(timed: Timed) -> Self {
        let slot = timed.slot;
        Self {
            id: slot.id.0,
            version: slot.version,
            starts_at: iso(timed.from),
            ends_at: iso(timed.to),
            status: slot.status.word(),
            title: slot.title,
            customer_id: slot.customer.map(|id| id.0),
            r#type: Some(slot.kind).filter(|_| slot.sight),
            place: slot.place,
            staff_ids: slot.staff.iter().map(|UserId(id)| *id).collect(),
            visible: slot.sight,
        }
    }
}

impl AppointmentList {
    pub(super) fn of(kept: Vec<Timed>, next: Option<String>) -> Self {
        Self {
            data: kept.into_iter().map(AppointmentLine::of).collect(),
            next,
        }
    }
}

impl TypeBody {
    pub(super) fn of(kind: AppointmentType) -> Self {
        Self {
            id: kind.id.0,
            version: kind.version,
            name: kind.name,
            minutes: kind.minutes,
            colour: kind.colour,
            active: kind.active,
        }
    }

    /// As the form of it stands.
    pub(super) fn values(&self) -> Values {
        Values::default()
            .with("name", self.name.clone())
            .with("minutes", self.minutes.to_string())
            .with("colour", self.colour.to_string())
            .with("active", if self.active { "on" } else { "" })
    }

    pub(super) fn is(&self, id: Uuid) -> bool {
        self.id == id
    }
}

/// An instant with its offset, as ISO 8601 and RFC 3339 have it.
///
/// # Errors
/// A sentence.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let at = DateTime::parse_from_rfc3339(text.trim());
    at.map(|at| at.to_utc())
        .map_err(|_| "Please send a time with its offset, such as 2026-12-01T09:30:00+01:00.")
}

/// The form's day and time for `starts_at`, by the clock of the key's owner.
pub(super) fn by_the_clock(ctx: &Ctx, mut values: Values) -> Result<Values, AppError> {
    let Some(text) = values.0.remove("time") else {
        return Ok(values);
    };
    let wrong = |sentence| AppError::invalid("starts_at", sentence);
    let at = instant(&text).map_err(wrong)?;
    if at.second() != 0 || at.nanosecond() != 0 {
        return Err(wrong("Please send a full minute."));
    }
    let asked = ctx.asked(at);
    // Behind its last day a calendar has no other.
    if ctx.instant(asked).ok() != Some(at) {
        return Err(wrong("This is too far away for a calendar."));
    }
    values.set("date", asked.wall.day.to_string());
    values.set("time", clock(asked.wall.minute));
    values.set("fold", asked.fold.map(|fold| fold.word()).unwrap_or_default());
    Ok(values)
}

#[cfg(test)]
mod tests {
    use rapport_domain::appointment::{COLOURS, MINUTES, STAFF_MAX};

    #[test]
    fn the_description_names_the_limits_of_the_form() {
        let api = serde_json::to_value(crate::rest::description()).unwrap();
        let fields = &api["components"]["schemas"]["NewAppointmentInput"]["properties"];
        assert_eq!(fields["minutes"]["minimum"], *MINUTES.start());
        assert_eq!(fields["minutes"]["maximum"], *MINUTES.end());
        assert_eq!(fields["staff_ids"]["maxItems"], STAFF_MAX);
        let kind = &api["components"]["schemas"]["TypeInput"]["properties"];
        assert_eq!(kind["colour"]["maximum"], COLOURS - 1);
    }
}
