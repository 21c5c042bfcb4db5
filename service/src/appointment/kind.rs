//! The types of appointments: what admins set up for all.

use rapport_domain::{
    access::{Ability, Kind},
    appointment::{AppointmentType, AppointmentTypeForm},
    error::{AppError, FieldErrors},
    id::AppointmentTypeId,
    journal::Receipt,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::require,
    journal::{self, Change, Fields, RecordKind},
    seen::Seen,
    sql::sql,
};

/// The command that makes a type.
const CREATE: &str = "create appointment type";

#[derive(FromQueryResult)]
struct Stored {
    id: Uuid,
    version: i64,
    name: String,
    minutes: i32,
    colour: i32,
    active: bool,
}

impl From<Stored> for AppointmentType {
    fn from(kind: Stored) -> Self {
        Self {
            id: AppointmentTypeId(kind.id),
            version: kind.version,
            name: kind.name,
            minutes: u16::try_from(kind.minutes).unwrap_or_default(),
            colour: u8::try_from(kind.colour).unwrap_or_default(),
            active: kind.active,
        }
    }
}

/// All types, those in use first, by name.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<AppointmentType>> {
    let statement = sql(
        "SELECT id, version, name, minutes, colour, active FROM appointment_type ORDER BY NOT active, name, id",
        [],
    );
    let types = Stored::find_by_statement(statement).all(db).await?;
    Ok(types.into_iter().map(AppointmentType::from).collect())
}

/// All types, for those who may change them.
///
/// # Errors
/// [`AppError::Forbidden`] for others.
pub async fn types(ctx: &Ctx) -> Result<Vec<AppointmentType>> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    all(ctx.db()).await
}

/// All types, for those who see appointments.
///
/// # Errors
/// [`AppError::Forbidden`] for others.
pub async fn legend(ctx: &Ctx) -> Result<Vec<AppointmentType>> {
    require(ctx.actor(), Kind::Appointment, Ability::Read)?;
    all(ctx.db()).await
}

/// Makes a type. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right.
pub async fn create_type(ctx: &Ctx, id: AppointmentTypeId, form: AppointmentTypeForm) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let kind = RecordKind::AppointmentType;
    if let Some(receipt) = journal::made_before(ctx.db(), ctx, CREATE, kind, id.0, id.0).await? {
        return Ok(receipt);
    }
    let tx = ctx.db().begin().await?;
    let made = Change::create(kind, id.0, id.0, columns(&form));
    journal::commit_new(tx, ctx, CREATE, made, Vec::new()).await
}

/// Changes a type. One that is not in use any more stays on the appointments that have it. What is saved here is a whole
/// form of four small fields: whoever saves has seen what stood, or is told to look again.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::NotFound`], [`AppError::Invalid`] on `active` for the last one
/// in use, [`AppError::Refused`] when somebody changed it since.
pub async fn save_type(
    ctx: &Ctx,
    id: AppointmentTypeId,
    seen: impl Into<Seen>,
    form: AppointmentTypeForm,
) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    let tx = ctx.db().begin().await?;
    let statement = sql(
        "SELECT id, version, name, minutes, colour, active FROM appointment_type ORDER BY id FOR UPDATE",
        [],
    );
    let types = Stored::find_by_statement(statement).all(&tx).await?;
    let others = types.iter().any(|kind| kind.active && kind.id != id.0);
    let stands = types
        .into_iter()
        .find(|kind| kind.id == id.0)
        .ok_or(AppError::NotFound)?;
    let seen = seen.into().of(stands.version)?;
    if !form.active && !others {
        let sentence = "One type has to stay in use, or nothing could be booked.";
        return Err(FieldErrors::one("active", sentence).into());
    }
    let before = journal::fields(json!({
        "name": stands.name, "minutes": stands.minutes, "colour": stands.colour, "active": stands.active,
    }));
    let fields = columns(&form).into_iter().map(|(column, value)| {
        let was = before.get(&column).cloned().unwrap_or(Value::Null);
        (column, was, value)
    });
    let Some(change) = Change::update(RecordKind::AppointmentType, id.0, id.0, fields) else {
        return Ok(Receipt {
            record: id.0,
            version: stands.version,
            batch: None,
        });
    };
    if seen != stands.version {
        let sentence = "Somebody changed this type in the meantime. Please look at it again.";
        return Err(AppError::refused(sentence).into());
    }
    let batch = journal::commit(tx, ctx, "change appointment type", vec![change]).await?;
    Ok(Receipt {
        record: id.0,
        version: stands.version + 1,
        batch: Some(batch),
    })
}

fn columns(form: &AppointmentTypeForm) -> Fields {
    journal::fields(json!({
        "name": form.name, "minutes": form.minutes, "colour": form.colour, "active": form.active,
    }))
}
