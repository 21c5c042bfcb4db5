//! A command over many customers: few are changed with it, at once; many in the background, a chunk a transaction. All of
//! it is one batch.

use chrono::{DateTime, Utc};
use rapport_domain::{error::AppError, id::BatchId, job::Work, tag::Retag};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Result,
    job::{self, Ended, Job},
    journal::{self, Batch, Change, Command, State},
    sql::sql,
    tag,
    user::Move,
};

/// Customers that are changed in one transaction.
const CHUNK: usize = 1_000;

/// What is done to which customers. It stands in the batch's detail, so that any server can go on with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// They get another owner or team.
    Move(Move),
    /// One of their tags becomes another one, or goes.
    Retag(Retag),
}

impl Plan {
    fn of(detail: &Value) -> Result<Self> {
        let named = |key: &str| Some(json!({ key: detail.get(key)? }));
        let plan = ["move", "retag"].into_iter().find_map(named);
        Ok(serde_json::from_value(plan.unwrap_or_default())?)
    }

    fn work(&self) -> Work {
        match self {
            Self::Move(_) => Work::Reassign,
            Self::Retag(_) => Work::Retag,
        }
    }

    /// The next changes, of rows that are held still; one more than a chunk holds says that there are many.
    async fn next(&self, tx: &DatabaseTransaction) -> Result<Vec<Change>> {
        let many = i64::try_from(CHUNK + 1).unwrap_or(i64::MAX);
        match self {
            Self::Move(along) => along.next(tx, many).await,
            Self::Retag(retag) => tag::next(retag, tx, many).await,
        }
    }
}

/// What a command came to.
pub(crate) struct Written {
    pub(crate) batch: BatchId,
    /// Customers that were changed with it.
    pub(crate) customers: u64,
    /// Whether they are so many that they are changed in the background.
    pub(crate) in_background: bool,
}

/// Writes a command with its own changes and those of the customers.
pub(crate) async fn write(
    tx: &DatabaseTransaction,
    ctx: &Ctx,
    mut command: Command,
    mut own: Vec<Change>,
    plan: Option<Plan>,
) -> Result<Written> {
    let customers = match &plan {
        Some(plan) => plan.next(tx).await?,
        None => Vec::new(),
    };
    let batch = ctx.clock().new_id();
    let mut written = Written {
        batch,
        customers: customers.len() as u64,
        in_background: false,
    };
    let Some(plan) = plan.filter(|_| customers.len() > CHUNK) else {
        own.extend(customers);
        journal::write(tx, batch, &command, own).await?;
        return Ok(written);
    };
    if let (Value::Object(detail), Value::Object(planned)) =
        (&mut command.detail, serde_json::to_value(&plan)?)
    {
        detail.extend(planned);
    }
    let open = journal::open(tx, batch, &command, State::Running).await?;
    journal::append(tx, ctx.service().key(), &open, own).await?;
    job::enqueue(tx, ctx, plan.work(), batch.0).await?;
    (written.customers, written.in_background) = (0, true);
    Ok(written)
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

/// Changes the customers, a chunk at a time.
///
/// # Errors
/// When the database goes away, after which it goes on from the last chunk.
pub(crate) async fn perform(ctx: &Ctx, mut job: Job) -> Result<()> {
    let head = sql("SELECT at, detail FROM batch WHERE id = $1", [job.subject.into()]);
    let head = Head::find_by_statement(head).one(ctx.db()).await?;
    let head = head.ok_or(AppError::NotFound)?;
    let plan = Plan::of(&head.detail)?;
    let batch = Batch::again(BatchId(job.subject), head.at);
    loop {
        let tx = ctx.db().begin().await?;
        let mut customers = plan.next(&tx).await?;
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
        // How far it is stands in the customers themselves.
        job.advance(&tx, ctx.clock().now(), &json!({ "moves": true }))
            .await?;
        tx.commit().await?;
    }
}

/// Closes what cannot go on: what was changed stays, and can be taken back.
pub(crate) async fn failed(db: &impl ConnectionTrait, batch: Uuid) -> Result<()> {
    let failed = "UPDATE batch SET state = 'failed', \
                      counts = jsonb_build_object('changes', (SELECT count(*) FROM change WHERE batch = $1)) \
                  WHERE id = $1 AND state = 'running'";
    db.execute_raw(sql(failed, [batch.into()])).await?;
    Ok(())
}
