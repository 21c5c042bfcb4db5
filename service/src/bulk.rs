//! A command over many customers: few are changed with it, at once; many in the background, a chunk a transaction. All of
//! it is one batch.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use rapport_domain::{error::AppError, id::BatchId, job::Work, tag::Retag};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;
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
/// Customers that are asked for at once: what fits into memory, and into the time of a statement.
const LOOKED: usize = 100_000;
/// How long it waits when all that are left are taken by somebody else.
const PAUSE: Duration = Duration::from_millis(200);
/// From so many connections on, two chunks are written at the same time.
const ABREAST_FROM: u32 = 6;

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

    /// Customers that are not changed yet, in no order: so many at most.
    async fn left(&self, db: &impl ConnectionTrait, most: usize) -> Result<Vec<Uuid>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let statement = match self {
            Self::Move(along) => along.left(most),
            Self::Retag(retag) => tag::left(retag, most),
        };
        let left = Left::find_by_statement(statement).all(db).await?;
        Ok(left.into_iter().map(|customer| customer.id).collect())
    }

    /// The changes of those among these customers that are not changed yet, which are held still.
    async fn of_these(
        &self,
        tx: &DatabaseTransaction,
        customers: Vec<Uuid>,
        taken: Taken,
    ) -> Result<Vec<Change>> {
        match self {
            Self::Move(along) => along.of_these(tx, customers, taken).await,
            Self::Retag(retag) => tag::of_these(retag, tx, customers, taken).await,
        }
    }
}

/// What is done about customers that somebody else is just changing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Taken {
    /// They are waited for.
    Wait,
    /// They are left for later: two chunks that are written at the same time must wait for nobody, since PostgreSQL does
    /// not know that they belong together, and would not find out that they wait in a circle.
    Skip,
}

impl Taken {
    /// The end of the statement that takes them.
    pub(crate) fn lock(self) -> &'static str {
        match self {
            Self::Wait => "FOR UPDATE",
            Self::Skip => "FOR UPDATE SKIP LOCKED",
        }
    }
}

#[derive(FromQueryResult)]
struct Left {
    id: Uuid,
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
    // One more than a chunk holds says that there are many.
    let customers = match &plan {
        Some(plan) => plan.left(tx, CHUNK + 1).await?,
        None => Vec::new(),
    };
    let few = plan.as_ref().filter(|_| customers.len() <= CHUNK);
    let changes = match few {
        Some(plan) => plan.of_these(tx, customers, Taken::Wait).await?,
        None => Vec::new(),
    };
    let is_many = plan.is_some() && few.is_none();
    let batch = ctx.clock().new_id();
    let mut written = Written {
        batch,
        customers: changes.len() as u64,
        in_background: false,
    };
    let Some(plan) = plan.filter(|_| is_many) else {
        own.extend(changes);
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

/// Changes the customers, a chunk at a time. Which they are is asked for many chunks at once, since each question
/// costs as much as there are, and again when those are through: some may have come, or were taken by somebody else.
///
/// # Errors
/// When the database goes away, after which it goes on from the last chunk.
pub(crate) async fn perform(ctx: &Ctx, mut job: Job) -> Result<()> {
    let head = sql("SELECT at, detail FROM batch WHERE id = $1", [job.subject.into()]);
    let head = Head::find_by_statement(head).one(ctx.db()).await?;
    let head = head.ok_or(AppError::NotFound)?;
    let plan = Plan::of(&head.detail)?;
    let batch = Batch::again(BatchId(job.subject), head.at);
    let abreast = abreast(ctx);
    let mut left = Vec::new();
    loop {
        if left.is_empty() {
            left = plan.left(ctx.db(), LOOKED).await?;
            // Those behind each other in the index come together.
            left.sort_unstable();
        }
        if job.stop || left.is_empty() {
            let tx = ctx.db().begin().await?;
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
        let mut chunks = Vec::new();
        while chunks.len() < abreast && !left.is_empty() {
            chunks.push(left.split_off(left.len().saturating_sub(CHUNK)));
        }
        let chunks = chunks.into_iter().map(|these| chunk(ctx, &plan, &batch, these));
        let (written, changed): (Vec<_>, Vec<_>) = try_join_all(chunks).await?.into_iter().unzip();
        if let Some(last) = written.last() {
            // How far it is stands in the customers themselves. Whoever has lost the job to another server finds out
            // here, before any of it stands.
            job.advance(last, ctx.clock().now(), &json!({ "moves": true }))
                .await?;
        }
        for tx in written {
            tx.commit().await?;
        }
        if changed.iter().all(|changed| !changed) {
            sleep(PAUSE).await;
        }
    }
}

/// How many chunks are written at the same time: where connections are few, they are for those who wait for a page.
fn abreast(ctx: &Ctx) -> usize {
    let most = ctx
        .db()
        .pool()
        .get_postgres_connection_pool()
        .options()
        .get_max_connections();
    if most < ABREAST_FROM { 1 } else { 2 }
}

/// Writes the changes of these customers, and gives the transaction that holds them, and whether there are any.
async fn chunk(
    ctx: &Ctx,
    plan: &Plan,
    batch: &Batch,
    these: Vec<Uuid>,
) -> Result<(DatabaseTransaction, bool)> {
    let tx = ctx.db().begin().await?;
    let changes = plan.of_these(&tx, these, Taken::Skip).await?;
    let changed = !changes.is_empty();
    journal::append(&tx, ctx.service().key(), batch, changes).await?;
    Ok((tx, changed))
}

/// Closes what cannot go on: what was changed stays, and can be taken back.
pub(crate) async fn failed(db: &impl ConnectionTrait, batch: Uuid) -> Result<()> {
    let failed = "UPDATE batch SET state = 'failed', \
                      counts = jsonb_build_object('changes', (SELECT count(*) FROM change WHERE batch = $1)) \
                  WHERE id = $1 AND state = 'running'";
    db.execute_raw(sql(failed, [batch.into()])).await?;
    Ok(())
}
