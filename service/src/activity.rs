//! Notes: what somebody wrote down about a customer. Their scope is that of their customer.

use rapport_domain::{
    access::{Ability, Kind},
    activity::NewNote,
    error::AppError,
    id::{ActivityId, BatchId, CustomerId},
    journal::{Op, Receipt},
};
use sea_orm::{DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::scope,
    customer::query::{Row, fetch},
    journal::{self, Change, RecordKind},
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

/// Writes a note. Posting the same form again gives the receipt of the first time.
///
/// # Errors
/// [`AppError::NotFound`] when the customer is out of sight, [`AppError::Forbidden`] out of reach.
pub async fn write_note(ctx: &Ctx, customer: CustomerId, new: NewNote) -> Result<Receipt> {
    let tx = ctx.db().begin().await?;
    let row = customer_row(&tx, ctx, customer, Ability::Create).await?;
    if let Some(receipt) = written_before(&tx, ctx, new.id).await? {
        return Ok(receipt);
    }
    let fields = json!({
        "customer_id": row.id, "kind": "note", "body": new.body, "author_id": ctx.actor().user.0,
    });
    let change = Change::create(RecordKind::Activity, new.id.0, row.id, journal::fields(fields));
    let batch = journal::commit(tx, ctx, "write note", vec![change]).await?;
    Ok(Receipt {
        record: new.id.0,
        version: 1,
        batch: Some(batch),
    })
}

/// Changes the text of a note.
///
/// # Errors
/// As [`write_note`]; [`AppError::Refused`] when it was removed.
pub async fn edit_note(ctx: &Ctx, id: ActivityId, body: String) -> Result<Receipt> {
    change_note(ctx, id, Ability::Update, "edit note", |note| {
        let fields = [("body".to_owned(), json!(note.body), json!(body))];
        Change::update(RecordKind::Activity, note.id, note.customer_id, fields)
    })
    .await
}

/// Moves a note to the trash.
///
/// # Errors
/// As [`write_note`].
pub async fn remove_note(ctx: &Ctx, id: ActivityId) -> Result<Receipt> {
    change_note(ctx, id, Ability::Delete, "remove note", |note| {
        Some(Change::bare(
            RecordKind::Activity,
            note.id,
            note.customer_id,
            Op::Trash,
        ))
    })
    .await
}

async fn change_note(
    ctx: &Ctx,
    id: ActivityId,
    ability: Ability,
    command: &'static str,
    change: impl FnOnce(&Note) -> Option<Change>,
) -> Result<Receipt> {
    let tx = ctx.db().begin().await?;
    // The customer is locked first, as everywhere; only then does the note hold still.
    let customer = CustomerId(note(&tx, id).await?.customer_id);
    customer_row(&tx, ctx, customer, ability).await?;
    let note = note(&tx, id).await?;
    if note.deleted {
        return Err(AppError::refused("This note was removed.").into());
    }
    let Some(change) = change(&note) else {
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

async fn note(tx: &DatabaseTransaction, id: ActivityId) -> Result<Note> {
    let statement = sql(
        "SELECT id, customer_id, body, version, deleted_at IS NOT NULL AS deleted FROM activity WHERE id = $1",
        [id.0.into()],
    );
    Ok(Note::find_by_statement(statement)
        .one(tx)
        .await?
        .ok_or(AppError::NotFound)?)
}

#[derive(FromQueryResult)]
struct Written {
    batch: Uuid,
}

async fn written_before(tx: &DatabaseTransaction, ctx: &Ctx, id: ActivityId) -> Result<Option<Receipt>> {
    let statement = sql(
        "SELECT c.batch FROM activity a JOIN change c ON c.subject = a.customer_id AND c.record = a.id AND c.op = 'create' \
         WHERE a.id = $1 AND a.author_id = $2",
        [id.0.into(), ctx.actor().user.0.into()],
    );
    let written = Written::find_by_statement(statement).one(tx).await?;
    Ok(written.map(|line| Receipt {
        record: id.0,
        version: 1,
        batch: Some(BatchId(line.batch)),
    }))
}
