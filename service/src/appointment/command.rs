//! What can be done to appointments. Each command is one batch in the journal.
//!
//! Whoever books, moves or brings back locks the time of all who keep the appointment first: the constraint alone would
//! have everybody who races for a time wait for each other, in a deadlock.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{
    access::{Ability, Kind},
    appointment::{AppointmentPatch, NewAppointment, Status},
    error::{AppError, FieldConflict},
    id::{AppointmentId, CustomerId, TeamId, UserId},
    journal::Receipt,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    clash,
    row::{Row, Span},
};
use crate::{
    Ctx, Error, Result,
    access::{require, scope},
    customer::query::fetch,
    database::lock_staff,
    journal::{self, Change, Fields, RecordKind, changed_since},
    seen::Seen,
    sql::sql,
};

/// The command that books.
const BOOK: &str = "book appointment";
/// How often the staff of an appointment may change while it is being locked.
const TRIES: usize = 3;

/// Books an appointment. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::Forbidden`] without the right; [`AppError::Invalid`] by field: on `time` for one that has passed, that
/// the clock skips or that is taken, on `fold` for one that the clock says twice, on `customer`, `type` or `staff` for
/// what cannot be chosen.
pub async fn book(ctx: &Ctx, new: NewAppointment) -> Result<Receipt> {
    require(ctx.actor(), Kind::Appointment, Ability::Create)?;
    let id = new.id.0;
    let subject = new.customer.map_or(id, |customer| customer.0);
    let kind = RecordKind::Appointment;
    if let Some(receipt) = journal::made_before(ctx.db(), ctx, BOOK, kind, id, subject).await? {
        return Ok(receipt);
    }
    let span = Span::of(ctx, new.when, new.minutes)?;
    span.refuse_past(ctx)?;
    let staff: Vec<Uuid> = new.staff.iter().map(|id| id.0).collect();
    // Asked before anything is locked: of many who race for a time, most are told here.
    clash::refuse(ctx.db(), ctx, &staff, &span, None).await?;

    let tx = ctx.db().begin().await?;
    lock_staff(&tx, staff.iter().copied().collect()).await?;
    check_customer(&tx, ctx, new.customer).await?;
    check_type(&tx, new.kind.0).await?;
    check_keepers(&tx, ctx, &staff).await?;
    clash::refuse(&tx, ctx, &staff, &span, None).await?;
    let mut fields = journal::fields(json!({
        "customer_id": new.customer, "type_id": new.kind, "title": new.title, "place": new.place,
        "notes": new.notes, "status": Status::Booked.word(), "staff": staff,
    }));
    fields.extend(span.columns());
    let made = Change::create(kind, id, subject, fields);
    journal::commit_new(tx, ctx, BOOK, made, Vec::new()).await
}

async fn check_customer(tx: &DatabaseTransaction, ctx: &Ctx, customer: Option<CustomerId>) -> Result<()> {
    let Some(customer) = customer else { return Ok(()) };
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let sentence = match fetch(tx, reads, customer, true).await {
        Ok(row) if row.deleted_at.is_none() => return Ok(()),
        Ok(_) => "This customer is in the trash. Restore it to book for it.",
        Err(Error::Told(AppError::NotFound)) => "Please pick one of the list.",
        Err(error) => return Err(error),
    };
    Err(AppError::invalid("customer", sentence).into())
}

async fn check_type(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let statement = sql(
        "SELECT 1 FROM appointment_type WHERE id = $1 AND active",
        [id.into()],
    );
    match db.query_one_raw(statement).await? {
        Some(_) => Ok(()),
        None => Err(AppError::invalid("type", "Please choose a type of the list.").into()),
    }
}

#[derive(FromQueryResult)]
struct Keeper {
    id: Uuid,
    team: Option<Uuid>,
}

/// Says no unless all of these work here and are within the reach of who books.
async fn check_keepers(db: &impl ConnectionTrait, ctx: &Ctx, staff: &[Uuid]) -> Result<()> {
    let within = ctx.actor().scope(Kind::Appointment, Ability::Create);
    let statement = sql(
        "SELECT id, team_id AS team FROM app_user WHERE active AND NOT program AND id = ANY($1)",
        [staff.to_vec().into()],
    );
    let keepers = Keeper::find_by_statement(statement).all(db).await?;
    if keepers.len() < staff.len() {
        let sentence = "Somebody of these does not work here any more. Please choose anew.";
        return Err(AppError::invalid("staff", sentence).into());
    }
    let reached = |keeper: &Keeper| within.holds(Some(UserId(keeper.id)), keeper.team.map(TeamId));
    if keepers.iter().all(reached) {
        Ok(())
    } else {
        Err(AppError::invalid("staff", "You may not book for everybody of these.").into())
    }
}

/// An appointment that the actor may change, with its row and the time of its staff (and of others who may join) locked.
async fn lock(ctx: &Ctx, id: AppointmentId, joining: &BTreeSet<Uuid>) -> Result<(DatabaseTransaction, Row)> {
    for _ in 0..TRIES {
        let before = Row::fetch(ctx.db(), ctx, id, false).await?;
        let locked: BTreeSet<Uuid> = &before.keepers() | joining;
        let tx = ctx.db().begin().await?;
        lock_staff(&tx, locked.clone()).await?;
        let row = Row::fetch(&tx, ctx, id, true).await?;
        // Somebody else may have joined before the lock was ours.
        if !row.keepers().is_subset(&locked) {
            continue;
        }
        if !row.may(ctx, Ability::Update) {
            return Err(AppError::Forbidden.into());
        }
        if row.deleted {
            return Err(AppError::refused("The booking of this appointment was taken back.").into());
        }
        return Ok((tx, row));
    }
    Err(AppError::Unavailable.into())
}

/// Changes an appointment, as seen at a version.
///
/// # Errors
/// As [`book`]; [`AppError::NotFound`] out of sight; [`AppError::Conflict`] with both values where somebody else changed
/// the same since; [`AppError::Refused`] when its booking was taken back or it is cancelled.
pub async fn save(
    ctx: &Ctx,
    id: AppointmentId,
    seen: impl Into<Seen>,
    patch: AppointmentPatch,
) -> Result<Receipt> {
    let joining = patch.staff.iter().flatten().map(|id| id.0).collect();
    let (tx, row) = lock(ctx, id, &joining).await?;
    let seen = seen.into().of(row.version)?;
    if row.status()? == Status::Cancelled {
        return Err(AppError::refused("This appointment was cancelled. Book it again to change it.").into());
    }
    if patch.title == Some(None) && row.customer_id.is_none() {
        return Err(AppError::invalid("title", "Please say what it is about.").into());
    }
    let span = wanted_span(ctx, &row, &patch)?;
    let mut after = wanted(&patch);
    if span != row.span() {
        after.extend(span.columns());
    }
    let before = stored(&row);
    let columns = after.into_iter().map(|(column, value)| {
        let was = before.get(&column).cloned().unwrap_or(Value::Null);
        (column, was, value)
    });
    let Some(change) = Change::update(RecordKind::Appointment, row.id, row.subject(), columns) else {
        return Ok(unchanged(&row));
    };
    refuse_conflicts(&tx, ctx, &row, seen, &change, &span).await?;
    let staff = match &patch.staff {
        Some(staff) => staff.iter().map(|id| id.0).collect(),
        None => row.staff.clone(),
    };
    let new: Vec<Uuid> = staff
        .iter()
        .filter(|id| !row.staff.contains(id))
        .copied()
        .collect();
    check_keepers(&tx, ctx, &new).await?;
    if let Some(kind) = patch.kind.filter(|kind| kind.0 != row.type_id) {
        check_type(&tx, kind.0).await?;
    }
    if change.after.contains_key("starts_at") || change.after.contains_key("ends_at") {
        span.refuse_past(ctx)?;
    }
    clash::refuse(&tx, ctx, &staff, &span, Some(id)).await?;
    commit(tx, ctx, "change appointment", &row, change).await
}

/// When it would be. A time that is not named stays; a length goes with the time that stands.
fn wanted_span(ctx: &Ctx, row: &Row, patch: &AppointmentPatch) -> Result<Span> {
    let stands = row.span();
    let minutes = patch.minutes.unwrap_or_else(|| stands.minutes());
    match patch.when {
        Some(asked) => {
            let span = Span::of(ctx, asked, minutes)?;
            // The same instant, seen from elsewhere, is no move.
            Ok(if span.from == stands.from {
                stands.lasting(minutes)
            } else {
                span
            })
        }
        None => Ok(stands.lasting(minutes)),
    }
}

/// The columns that a patch names, but for its time.
fn wanted(patch: &AppointmentPatch) -> Fields {
    let mut fields = Fields::new();
    let mut set = |column: &str, value: Value| fields.insert(column.to_owned(), value);
    if let Some(kind) = patch.kind {
        set("type_id", json!(kind));
    }
    if let Some(staff) = &patch.staff {
        set("staff", json!(staff));
    }
    for (column, text) in [
        ("title", &patch.title),
        ("place", &patch.place),
        ("notes", &patch.notes),
    ] {
        if let Some(text) = text {
            set(column, json!(text));
        }
    }
    fields
}

/// The columns that a change may name, as they stand.
fn stored(row: &Row) -> Fields {
    let mut fields = journal::fields(json!({
        "type_id": row.type_id, "title": row.title, "place": row.place, "notes": row.notes, "status": row.status,
        "reason": row.reason, "staff": row.staff,
    }));
    fields.extend(row.span().columns());
    fields
}

/// Says how far an appointment is, as seen at a version. One that was cancelled is booked again this way, if its time is
/// still free.
///
/// # Errors
/// As [`save`]; [`AppError::Refused`] for the outcome of one that has not begun, and to confirm one that was cancelled.
/// [`cancel`] is another command.
pub async fn set_status(
    ctx: &Ctx,
    id: AppointmentId,
    seen: impl Into<Seen>,
    status: Status,
) -> Result<Receipt> {
    let (tx, row) = lock(ctx, id, &BTreeSet::new()).await?;
    let seen = seen.into().of(row.version)?;
    let has_outcome = matches!(status, Status::Done | Status::NoShow);
    if status == Status::Cancelled {
        return Err(AppError::invalid("reason", "Please say why, so that others know.").into());
    }
    if has_outcome && row.starts_at > ctx.clock().now() {
        return Err(AppError::refused("It has not begun yet.").into());
    }
    let fields = [
        ("status".to_owned(), json!(row.status), json!(status.word())),
        ("reason".to_owned(), json!(row.reason), Value::Null),
    ];
    let Some(change) = Change::update(RecordKind::Appointment, row.id, row.subject(), fields) else {
        return Ok(unchanged(&row));
    };
    refuse_conflicts(&tx, ctx, &row, seen, &change, &row.span()).await?;
    if row.status()? == Status::Cancelled && status == Status::Confirmed {
        return Err(AppError::refused("This appointment was cancelled. Book it again first.").into());
    }
    if !row.takes_time() {
        if !has_outcome {
            row.span().refuse_past(ctx)?;
        }
        check_keepers(&tx, ctx, &row.staff).await?;
        clash::refuse(&tx, ctx, &row.staff, &row.span(), Some(id)).await?;
    }
    commit(tx, ctx, "set appointment status", &row, change).await
}

/// Cancels an appointment, as seen at a version, and says why. Its time is free again.
///
/// # Errors
/// As [`save`].
pub async fn cancel(ctx: &Ctx, id: AppointmentId, seen: impl Into<Seen>, reason: String) -> Result<Receipt> {
    let (tx, row) = lock(ctx, id, &BTreeSet::new()).await?;
    let seen = seen.into().of(row.version)?;
    let fields = [
        (
            "status".to_owned(),
            json!(row.status),
            json!(Status::Cancelled.word()),
        ),
        ("reason".to_owned(), json!(row.reason), json!(reason)),
    ];
    let Some(change) = Change::update(RecordKind::Appointment, row.id, row.subject(), fields) else {
        return Ok(unchanged(&row));
    };
    refuse_conflicts(&tx, ctx, &row, seen, &change, &row.span()).await?;
    commit(tx, ctx, "cancel appointment", &row, change).await
}

fn unchanged(row: &Row) -> Receipt {
    Receipt {
        record: row.id,
        version: row.version,
        batch: None,
    }
}

async fn commit(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    name: &'static str,
    row: &Row,
    change: Change,
) -> Result<Receipt> {
    let batch = journal::commit(tx, ctx, name, vec![change]).await?;
    Ok(Receipt {
        record: row.id,
        version: row.version + 1,
        batch: Some(batch),
    })
}

/// Refuses when the journal shows that somebody else changed one of the same fields since `seen`.
async fn refuse_conflicts(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    row: &Row,
    seen: i64,
    change: &Change,
    span: &Span,
) -> Result<()> {
    if seen == row.version {
        return Ok(());
    }
    let kind = RecordKind::Appointment;
    let theirs = changed_since(tx, ctx, kind, row.id, row.subject(), seen).await?;
    let disputed: BTreeSet<&str> = change
        .after
        .keys()
        .map(|field| kind.field_of(field))
        .filter(|field| theirs.contains_key(*field))
        .collect();
    if disputed.is_empty() {
        return Ok(());
    }
    let names = Names::load(tx, row, change).await?;
    let mut fields = Vec::new();
    for column in disputed {
        let stands = stored(row).remove(column).unwrap_or(Value::Null);
        let mine = change.after.get(column).cloned().unwrap_or(Value::Null);
        let (field, mine, stands) = match column {
            "starts_at" => ("time", span.said(ctx), row.span().said(ctx)),
            "status" => ("status", status_words(&mine), status_words(&stands)),
            "type_id" => ("type", names.say(&mine), names.say(&stands)),
            "staff" => ("staff", names.say(&mine), names.say(&stands)),
            column => (column, text(&mine), text(&stands)),
        };
        fields.push(FieldConflict {
            field: field.to_owned(),
            mine,
            theirs: stands,
            by: theirs.get(column).cloned().flatten(),
        });
    }
    Err(AppError::Conflict {
        version: row.version,
        fields,
    }
    .into())
}

/// What ids in disputed fields are called.
struct Names(BTreeMap<Uuid, String>);

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    name: String,
}

impl Names {
    async fn load(db: &impl ConnectionTrait, row: &Row, change: &Change) -> Result<Self> {
        let wanted = change.after.values().flat_map(ids_in);
        let ids: Vec<Uuid> = row
            .staff
            .iter()
            .copied()
            .chain([row.type_id])
            .chain(wanted)
            .collect();
        let statement = sql(
            "SELECT id, name FROM app_user WHERE id = ANY($1) \
             UNION ALL SELECT id, name FROM appointment_type WHERE id = ANY($1)",
            [ids.into()],
        );
        let named = Named::find_by_statement(statement).all(db).await?;
        Ok(Self(
            named.into_iter().map(|named| (named.id, named.name)).collect(),
        ))
    }

    fn say(&self, value: &Value) -> String {
        let ids = ids_in(value);
        let names = ids.iter().filter_map(|id| self.0.get(id));
        names.cloned().collect::<Vec<_>>().join(", ")
    }
}

fn status_words(value: &Value) -> String {
    let status = value.as_str().and_then(|word| word.parse::<Status>().ok());
    status.map(Status::label).unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn ids_in(value: &Value) -> Vec<Uuid> {
    let one = |value: &Value| value.as_str().and_then(|id| Uuid::try_parse(id).ok());
    match value {
        Value::Array(values) => values.iter().filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}
