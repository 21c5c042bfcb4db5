//! Notes: what somebody wrote down about a customer. Their scope is that of their customer.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    activity::{NewNote, NoteView},
    error::{AppError, FieldConflict},
    id::{ActivityId, CustomerId, UserId},
    journal::{Op, Receipt},
};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::scope,
    customer::query::{Row, fetch},
    journal::{self, Change, RecordKind},
    seen::Seen,
    sql::sql,
};

#[derive(FromQueryResult)]
struct Note {
    id: Uuid,
    customer_id: Uuid,
    body: String,
    version: i64,
    deleted: bool,
}

/// A note, for who may see its customer.
///
/// # Errors
/// [`AppError::NotFound`] when there is none, it was removed or its customer is out of sight.
pub async fn note(ctx: &Ctx, id: ActivityId) -> Result<NoteView> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let statement = sql(
        "SELECT customer_id, body, author_id, version, created_at, updated_at FROM activity \
         WHERE id = $1 AND deleted_at IS NULL",
        [id.0.into()],
    );
    let found = Stored::find_by_statement(statement).one(ctx.db()).await?;
    let note = found.ok_or(AppError::NotFound)?;
    let customer = CustomerId(note.customer_id);
    fetch(ctx.db(), reads, customer, false).await?;
    let now = ctx.now();
    Ok(NoteView {
        id,
        version: note.version,
        customer,
        body: note.body,
        author: note.author_id.map(UserId),
        created: now.say(note.created_at),
        updated: now.say(note.updated_at),
    })
}

#[derive(FromQueryResult)]
struct Stored {
    customer_id: Uuid,
    body: String,
    author_id: Option<Uuid>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The command that writes a note.
const WRITE: &str = "write note";

/// Writes a note. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::NotFound`] when the customer is out of sight, [`AppError::Forbidden`] out of reach, [`AppError::Invalid`]
/// on `form` for an id that is in use.
pub async fn write_note(ctx: &Ctx, customer: CustomerId, new: NewNote) -> Result<Receipt> {
    let tx = ctx.db().begin().await?;
    let row = customer_row(&tx, ctx, customer, Ability::Create).await?;
    let kind = RecordKind::Activity;
    if let Some(receipt) = journal::made_before(&tx, ctx, WRITE, kind, new.id.0, row.id).await? {
        return Ok(receipt);
    }
    let made = noted(ctx, new.id, row.id, &new.body);
    journal::commit_new(tx, ctx, WRITE, made, Vec::new()).await
}

/// A note that the actor writes about a customer.
pub(crate) fn noted(ctx: &Ctx, id: ActivityId, customer: Uuid, body: &str) -> Change {
    let fields = json!({
        "customer_id": customer, "kind": "note", "body": body, "author_id": ctx.actor().user.0,
    });
    Change::create(RecordKind::Activity, id.0, customer, journal::fields(fields))
}

/// Changes the text of a note, as seen at a version.
///
/// # Errors
/// As [`write_note`]; [`AppError::Refused`] when it was removed, [`AppError::Conflict`] with both texts when somebody
/// else changed it since, [`AppError::Invalid`] on `form` for a version that there never was.
pub async fn edit_note(ctx: &Ctx, id: ActivityId, seen: impl Into<Seen>, body: String) -> Result<Receipt> {
    let (tx, note) = lock(ctx, id, Ability::Update).await?;
    let seen = seen.into().of(note.version)?;
    let fields = [("body".to_owned(), json!(note.body), json!(body))];
    let change = Change::update(RecordKind::Activity, note.id, note.customer_id, fields);
    if change.is_some() {
        refuse_conflict(&tx, ctx, &note, seen, body).await?;
    }
    commit(tx, ctx, "edit note", &note, change).await
}

/// Moves a note to the trash.
///
/// # Errors
/// As [`write_note`].
pub async fn remove_note(ctx: &Ctx, id: ActivityId, seen: Seen) -> Result<Receipt> {
    let (tx, note) = lock(ctx, id, Ability::Delete).await?;
    seen.of(note.version)?;
    let change = Change::bare(RecordKind::Activity, note.id, note.customer_id, Op::Trash);
    commit(tx, ctx, "remove note", &note, Some(change)).await
}

/// Opens a transaction in which a note that stands holds still.
async fn lock(ctx: &Ctx, id: ActivityId, ability: Ability) -> Result<(DatabaseTransaction, Note)> {
    let tx = ctx.db().begin().await?;
    // The customer is locked first, as everywhere; only then does the note hold still.
    let customer = CustomerId(stored(&tx, id).await?.customer_id);
    customer_row(&tx, ctx, customer, ability).await?;
    let note = stored(&tx, id).await?;
    if note.deleted {
        return Err(AppError::refused("This note was removed.").into());
    }
    Ok((tx, note))
}

/// Writes what changes about a note; nothing when nothing does.
async fn commit(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    command: &'static str,
    note: &Note,
    change: Option<Change>,
) -> Result<Receipt> {
    let Some(change) = change else {
        return Ok(Receipt {
            record: note.id,
            version: note.version,
            batch: None,
        });
    };
    let batch = journal::commit(tx, ctx, command, vec![change]).await?;
    Ok(Receipt {
        record: note.id,
        version: note.version + 1,
        batch: Some(batch),
    })
}

/// Refuses when the journal shows that somebody else changed the text since `seen`.
async fn refuse_conflict(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    note: &Note,
    seen: i64,
    mine: String,
) -> Result<()> {
    if seen == note.version {
        return Ok(());
    }
    let kind = RecordKind::Activity;
    let mut theirs = journal::changed_since(tx, ctx, kind, note.id, note.customer_id, seen).await?;
    match theirs.remove("body") {
        None => Ok(()),
        Some(by) => Err(AppError::Conflict {
            version: note.version,
            fields: vec![FieldConflict {
                field: "body".to_owned(),
                mine,
                theirs: note.body.clone(),
                by,
            }],
        }
        .into()),
    }
}

/// Locks the customer of a note and checks what the actor may do to its notes.
async fn customer_row(tx: &DatabaseTransaction, ctx: &Ctx, id: CustomerId, ability: Ability) -> Result<Row> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let row = fetch(tx, reads, id, true).await?;
    if !row.is_in(ctx.actor().scope(Kind::Activity, ability)) {
        return Err(AppError::Forbidden.into());
    }
    if row.deleted_at.is_some() {
        return Err(AppError::refused("This customer is in the trash. Restore it to change it.").into());
    }
    Ok(row)
}

async fn stored(tx: &DatabaseTransaction, id: ActivityId) -> Result<Note> {
    let statement = sql(
        "SELECT id, customer_id, body, version, deleted_at IS NOT NULL AS deleted FROM activity WHERE id = $1",
        [id.0.into()],
    );
    Ok(Note::find_by_statement(statement)
        .one(tx)
        .await?
        .ok_or(AppError::NotFound)?)
}
