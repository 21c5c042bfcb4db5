//! The journal: the one path by which anything is written.
//!
//! A command works out its changes and hands them to [`write`], which applies them to the tables and records them,
//! set-based, in the caller's transaction. Undo works out the inverse of recorded changes and takes the same path.

mod apply;
mod follow;
mod right;
mod since;
mod table;
mod undo;
mod undone;

use chrono::{DateTime, Utc};
use rapport_domain::{
    error::AppError,
    id::{BatchId, UserId},
    journal::{Op, Receipt, Via},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Ctx, Error, Result, Service, seal, secret, sql::sql};
pub(crate) use follow::{Mark, Reach, decided};
pub(crate) use right::{Right, active_owners};
pub(crate) use since::changed_since;
pub(crate) use table::RecordKind;
pub(crate) use undo::{preview, undo_failed, undo_in_background};
pub use undo::{undo, undo_last};
pub(crate) use undone::Undone;

/// The kind of contact point that a change `c` is about, in SQL; nothing for other records. An update names only what
/// changed: the kind stands on the point or, once that is gone, in the change that made or removed it.
pub(crate) const CONTACT_KIND: &str = "CASE c.kind WHEN 'contact_point' THEN coalesce( \
    c.after ->> 'kind', c.before ->> 'kind', (SELECT p.kind FROM contact_point p WHERE p.id = c.record), \
    (SELECT coalesce(k.after ->> 'kind', k.before ->> 'kind') FROM change k \
     WHERE k.subject = c.subject AND k.record = c.record AND k.op IN ('create', 'remove') LIMIT 1)) END";

/// The fields of a record, by column.
pub(crate) type Fields = Map<String, Value>;

/// A JSON object as fields; anything else has none.
pub(crate) fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// One change of one record, before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: RecordKind,
    pub(crate) record: Uuid,
    /// The customer it is about; for records that are about none, the record itself.
    pub(crate) subject: Uuid,
    pub(crate) op: Op,
    /// Changed fields only: for a removal all, for a creation none.
    pub(crate) before: Fields,
    /// Changed fields only: for a creation all that are set, for a removal none.
    pub(crate) after: Fields,
    /// The line of the imported file that it comes from.
    pub(crate) line: Option<u64>,
}

impl Change {
    pub(crate) fn create(kind: RecordKind, record: Uuid, subject: Uuid, mut after: Fields) -> Self {
        after.retain(|_, value| !value.is_null());
        Self {
            kind,
            record,
            subject,
            op: Op::Create,
            before: Fields::new(),
            after,
            line: None,
        }
    }

    /// An update by its fields `(column, before, after)`; none when nothing differs.
    pub(crate) fn update(
        kind: RecordKind,
        record: Uuid,
        subject: Uuid,
        fields: impl IntoIterator<Item = (String, Value, Value)>,
    ) -> Option<Self> {
        let mut change = Self::bare(kind, record, subject, Op::Update);
        for (column, before, after) in fields.into_iter().filter(|(_, before, after)| before != after) {
            change.before.insert(column.clone(), before);
            change.after.insert(column, after);
        }
        (!change.after.is_empty()).then_some(change)
    }

    pub(crate) fn remove(kind: RecordKind, record: Uuid, subject: Uuid, before: Fields) -> Self {
        Self {
            before,
            ..Self::bare(kind, record, subject, Op::Remove)
        }
    }

    /// A change without fields: trash, restore.
    pub(crate) fn bare(kind: RecordKind, record: Uuid, subject: Uuid, op: Op) -> Self {
        Self {
            kind,
            record,
            subject,
            op,
            before: Fields::new(),
            after: Fields::new(),
            line: None,
        }
    }
}

/// What is being done, and by whom: the head of a batch.
pub(crate) struct Command {
    pub(crate) actor: Option<UserId>,
    pub(crate) via: Via,
    pub(crate) name: &'static str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) undo_of: Option<BatchId>,
    pub(crate) detail: Value,
    /// Why it can never be taken back, if so.
    pub(crate) final_because: Option<&'static str>,
    /// What signs it.
    pub(crate) key: Option<seal::Key>,
}

impl Command {
    /// A command of somebody who acts.
    pub(crate) fn of(ctx: &Ctx, name: &'static str) -> Self {
        Self {
            actor: Some(ctx.actor().user),
            ..Self::unattended(ctx.service(), ctx.via(), name)
        }
    }

    /// A command from the console or the set-up page, where nobody is signed in.
    pub(crate) fn unattended(service: &Service, via: Via, name: &'static str) -> Self {
        Self {
            actor: None,
            via,
            name,
            at: service.clock().now(),
            undo_of: None,
            detail: json!({}),
            final_because: None,
            key: service.key().cloned(),
        }
    }

    pub(crate) fn never_undone(mut self, because: &'static str) -> Self {
        self.final_because = Some(because);
        self
    }

    pub(crate) fn with_detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Writes the one command of a transaction and commits it.
pub(crate) async fn commit(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    name: &'static str,
    changes: Vec<Change>,
) -> Result<BatchId> {
    let batch = write(&tx, ctx.clock().new_id(), &Command::of(ctx, name), changes).await?;
    tx.commit().await?;
    Ok(batch)
}

/// Writes and commits the command that makes a record whose id came with its form. When the same form is sent twice at
/// the same moment, both get the receipt of the one that made it.
///
/// # Errors
/// [`AppError::Invalid`] on `form` when the id belongs to something else: what that is stays untold.
pub(crate) async fn commit_new(
    tx: DatabaseTransaction,
    ctx: &Ctx,
    name: &'static str,
    made: Change,
    parts: Vec<Change>,
) -> Result<Receipt> {
    let (kind, record, subject) = (made.kind, made.record, made.subject);
    let changes = std::iter::once(made).chain(parts).collect();
    match commit(tx, ctx, name, changes).await {
        Ok(batch) => Ok(first_receipt(record, batch)),
        Err(error) if is_id_in_use(&error) => {
            let before = made_before(ctx.db(), ctx, name, kind, record, subject).await?;
            let sentence = "Please open the form again; this one was used already.";
            before.ok_or_else(|| AppError::invalid("form", sentence).into())
        }
        Err(error) => Err(error),
    }
}

#[derive(FromQueryResult)]
struct Made {
    batch: Uuid,
}

/// The receipt of a record that the actor made before by the same command under the same id.
pub(crate) async fn made_before(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    name: &'static str,
    kind: RecordKind,
    record: Uuid,
    subject: Uuid,
) -> Result<Option<Receipt>> {
    let statement = sql(
        "SELECT b.id AS batch FROM change c JOIN batch b ON b.id = c.batch \
         WHERE c.subject = $1 AND c.record = $2 AND c.kind = $3 AND c.op = 'create' \
           AND b.actor = $4 AND b.command = $5 ORDER BY c.seq LIMIT 1",
        [
            subject.into(),
            record.into(),
            kind.word().into(),
            ctx.actor().user.0.into(),
            name.into(),
        ],
    );
    let made = Made::find_by_statement(statement).one(db).await?;
    Ok(made.map(|made| first_receipt(record, BatchId(made.batch))))
}

fn first_receipt(record: Uuid, batch: BatchId) -> Receipt {
    Receipt {
        record,
        version: 1,
        batch: Some(batch),
    }
}

/// Every table names its primary key `<table>_pkey`.
pub(crate) fn is_id_in_use(error: &Error) -> bool {
    error
        .unique_violation()
        .is_some_and(|constraint| constraint.contains("_pkey"))
}

/// An open batch: a large command appends to it, a transaction a chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) id: BatchId,
    at: DateTime<Utc>,
}

impl Batch {
    /// A batch that was closed before and takes some more changes now.
    pub(crate) fn again(id: BatchId, at: DateTime<Utc>) -> Self {
        Self { id, at }
    }
}

/// Writes a small command: its changes, applied and recorded, in the caller's transaction.
pub(crate) async fn write(
    tx: &DatabaseTransaction,
    id: BatchId,
    command: &Command,
    changes: Vec<Change>,
) -> Result<BatchId> {
    let batch = open(tx, id, command, State::Done).await?;
    append(tx, command.key.as_ref(), &batch, changes).await?;
    Ok(batch.id)
}

/// How far a batch is.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Running,
    Done,
    Failed,
    Cancelled,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Writes the head of a batch.
pub(crate) async fn open(
    db: &impl ConnectionTrait,
    id: BatchId,
    command: &Command,
    state: State,
) -> Result<Batch> {
    let head = seal::Batch {
        id: id.0,
        actor: command.actor.map(|actor| actor.0),
        via: command.via.word().to_owned(),
        command: command.name.to_owned(),
        at: command.at,
        undo_of: command.undo_of.map(|batch| batch.0),
        detail: command.detail.clone(),
        why_not: command.final_because.map(str::to_owned),
    };
    let signed = seal::sign(command.key.as_ref(), &head)?;
    let statement = sql(
        "INSERT INTO batch (id, actor, via, command, at, undo_of, state, detail, undoable, why_not, salt, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            head.id.into(),
            head.actor.into(),
            head.via.into(),
            head.command.into(),
            head.at.into(),
            head.undo_of.into(),
            state.word().into(),
            head.detail.into(),
            head.why_not.is_none().into(),
            head.why_not.into(),
            signed.salt.into(),
            signed.digest.into(),
        ],
    );
    db.execute_raw(statement).await?;
    Ok(Batch { id, at: command.at })
}

/// Applies changes to the tables and records them under the batch, in the caller's transaction.
///
/// The caller holds the locks of the rows that it changes. The key signs what is recorded.
pub(crate) async fn append(
    tx: &impl ConnectionTrait,
    key: Option<&seal::Key>,
    batch: &Batch,
    changes: Vec<Change>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let stands = apply::apply(tx, &changes, batch.at).await?;
    let lines = changes
        .into_iter()
        .map(|change| line(key, batch, change, &stands))
        .collect::<Result<Vec<Value>>>()?;
    let statement = sql(
        "INSERT INTO change (batch, kind, record, subject, version, op, owner, team, at, before, after, line, \
                             salt, digest) \
         SELECT $1, r.kind, r.record, r.subject, r.version, r.op, r.owner, r.team, $2, r.before, r.after, r.line, \
                r.salt, r.digest \
         FROM jsonb_to_recordset($3) AS r (kind text, record uuid, subject uuid, version bigint, op text, \
              owner uuid, team uuid, before jsonb, after jsonb, line bigint, salt bytea, digest bytea)",
        [batch.id.0.into(), batch.at.into(), Value::Array(lines).into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Closes a batch that ran over several transactions.
pub(crate) async fn close(
    db: &impl ConnectionTrait,
    batch: &Batch,
    state: State,
    counts: Value,
) -> Result<()> {
    let statement = sql(
        "UPDATE batch SET state = $2, counts = $3 WHERE id = $1",
        [batch.id.0.into(), state.word().into(), counts.into()],
    );
    db.execute_raw(statement).await?;
    Ok(())
}

fn line(key: Option<&seal::Key>, batch: &Batch, change: Change, stands: &apply::Stands) -> Result<Value> {
    let side = |fields: Fields| (!fields.is_empty()).then_some(Value::Object(fields));
    let stand = stands.of(&change);
    let content = seal::Change {
        batch: batch.id.0,
        kind: change.kind.word().to_owned(),
        record: change.record,
        subject: change.subject,
        version: stand.version,
        op: change.op.word().to_owned(),
        owner: stand.owner,
        team: stand.team,
        at: batch.at,
        before: side(change.before),
        after: side(change.after),
        line: change.line.map(|line| i64::try_from(line).unwrap_or(i64::MAX)),
    };
    let signed = seal::sign(key, &content)?;
    // As PostgreSQL reads bytes in a text.
    let bytes = |bytes: Option<Vec<u8>>| bytes.map(|bytes| format!("\\x{}", secret::hex(&bytes)));
    Ok(json!({
        "kind": content.kind, "record": content.record, "subject": content.subject, "op": content.op,
        "version": content.version, "owner": content.owner, "team": content.team,
        "before": content.before, "after": content.after, "line": content.line,
        "salt": bytes(signed.salt), "digest": bytes(signed.digest),
    }))
}
