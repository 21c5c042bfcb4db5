//! Giving all of somebody's customers to another owner or team: part of the command that asks for it, in one batch. Many
//! go in the background, a chunk a transaction.

use chrono::{DateTime, Utc};
use rapport_domain::{
    error::AppError,
    id::{BatchId, TeamId, UserId},
    job::Work,
    journal::Op,
    user::people::HandedOver,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Result,
    job::{self, Ended, Job},
    journal::{self, Batch, Change, Command, RecordKind, State},
    sql::sql,
};

/// Customers that change hands in one transaction.
const CHUNK: usize = 1_000;

/// Whose customers go where. It stands in the batch's detail, so that any server can go on with it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Move {
    user: Uuid,
    /// Whether they get another owner, not only another team.
    owned_anew: bool,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

impl Move {
    /// To another team, with their owner.
    pub(super) fn to_team(user: UserId, team: Option<TeamId>) -> Self {
        Self {
            user: user.0,
            owned_anew: false,
            owner: None,
            team: team.map(|team| team.0),
        }
    }

    /// To another owner and the team of that one; or to nobody.
    pub(super) fn to_owner(user: UserId, heir: Option<(Uuid, Option<Uuid>)>) -> Self {
        Self {
            user: user.0,
            owned_anew: true,
            owner: heir.map(|(owner, _)| owner),
            team: heir.and_then(|(_, team)| team),
        }
    }

    /// The next customers that have not gone yet, those in the trash among them, held still; one more than a chunk holds
    /// says that there are many.
    async fn next(&self, tx: &DatabaseTransaction) -> Result<Vec<Change>> {
        let statement = sql(
            "SELECT id, team_id AS team FROM customer \
             WHERE owner_id = $1 AND ($2 OR team_id IS DISTINCT FROM $3) ORDER BY id LIMIT $4 FOR UPDATE",
            [
                self.user.into(),
                self.owned_anew.into(),
                self.team.into(),
                i64::try_from(CHUNK + 1).unwrap_or(i64::MAX).into(),
            ],
        );
        let owned = Owned::find_by_statement(statement).all(tx).await?;
        Ok(owned.into_iter().map(|customer| self.change(&customer)).collect())
    }

    fn change(&self, customer: &Owned) -> Change {
        let mut change = Change::bare(RecordKind::Customer, customer.id, customer.id, Op::Update);
        let mut set = |column: &str, was: Option<Uuid>, becomes: Option<Uuid>| {
            if was != becomes {
                change.before.insert(column.to_owned(), json!(was));
                change.after.insert(column.to_owned(), json!(becomes));
            }
        };
        set("team_id", customer.team, self.team);
        if self.owned_anew {
            set("owner_id", Some(self.user), self.owner);
        }
        change
    }
}

#[derive(FromQueryResult)]
struct Owned {
    id: Uuid,
    team: Option<Uuid>,
}

/// Writes a command with its own changes and those of the customers that go along; many customers follow in the
/// background.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    mut command: Command,
    mut own: Vec<Change>,
    along: Option<Move>,
) -> Result<(BatchId, HandedOver)> {
    let mut handed = HandedOver::default();
    let customers = match &along {
        Some(along) => along.next(tx).await?,
        None => Vec::new(),
    };
    let id = ctx.clock().new_id();
    if customers.len() <= CHUNK {
        handed.customers = customers.len() as u64;
        own.extend(customers);
        return Ok((journal::write(tx, id, &command, own).await?, handed));
    }
    if let (Value::Object(detail), Some(along)) = (&mut command.detail, along) {
        detail.insert("move".to_owned(), serde_json::to_value(along)?);
    }
    let batch = journal::open(tx, id, &command, State::Running).await?;
    journal::append(tx, ctx.service().key(), &batch, own).await?;
    job::enqueue(tx, ctx, Work::Reassign, id.0).await?;
    handed.in_background = true;
    Ok((id, handed))
}

#[derive(FromQueryResult)]
struct Head {
    at: DateTime<Utc>,
    detail: Value,
}

#[derive(FromQueryResult)]
struct Count {
    changes: i64,
}

/// Moves the customers, a chunk at a time.
///
/// # Errors
/// When the database goes away, after which it goes on from the last chunk.
pub(crate) async fn perform(ctx: &Ctx, mut job: Job) -> Result<()> {
    let head = sql("SELECT at, detail FROM batch WHERE id = $1", [job.subject.into()]);
    let head = Head::find_by_statement(head).one(ctx.db()).await?;
    let head = head.ok_or(AppError::NotFound)?;
    let along: Move = serde_json::from_value(head.detail.get("move").cloned().unwrap_or_default())?;
    let batch = Batch::again(BatchId(job.subject), head.at);
    loop {
        let tx = ctx.db().begin().await?;
        let mut customers = along.next(&tx).await?;
        customers.truncate(CHUNK);
        if job.stop || customers.is_empty() {
            let count = sql(
                "SELECT count(*) AS changes FROM change WHERE batch = $1",
                [job.subject.into()],
            );
            let changes = Count::find_by_statement(count).one(&tx).await?;
            let counts = json!({ "changes": changes.map_or(0, |count| count.changes) });
            journal::close(&tx, &batch, State::Done, counts).await?;
            let ended = if job.stop { Ended::Cancelled } else { Ended::Done };
            job.end(&tx, ctx.clock().now(), ended).await?;
            return Ok(tx.commit().await?);
        }
        journal::append(&tx, ctx.service().key(), &batch, customers).await?;
        job.advance(&tx, ctx.clock().now(), &json!({ "moves": true }))
            .await?;
        tx.commit().await?;
    }
}

/// Closes what cannot go on: what was moved stays, and can be taken back.
pub(crate) async fn failed(db: &impl ConnectionTrait, batch: Uuid) -> Result<()> {
    let failed = "UPDATE batch SET state = 'failed', \
                      counts = jsonb_build_object('changes', (SELECT count(*) FROM change WHERE batch = $1)) \
                  WHERE id = $1 AND state = 'running'";
    db.execute_raw(sql(failed, [batch.into()])).await?;
    Ok(())
}
