//! Takes a batch back. That is itself a batch, so that taking it back again is the redo.
//!
//! What somebody changed since stays as it is and is reported; so is what the person may not change, and what a
//! constraint refuses. Works newest change first; what exceeds a chunk is a job, each chunk a transaction.

use chrono::TimeDelta;
use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    feed::Preview,
    id::BatchId,
    job::Work,
    journal::{UndoReport, Via},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Batch, State, Undone};
use crate::{
    Ctx, Error, Result,
    access::{push_scope, scope},
    job::{self, Ended, Job},
    sql::{Sql, sql},
};
use run::Run;

mod ground;
mod other;
mod run;

/// Changes taken back in one transaction.
const CHUNK: i64 = 1_000;
/// Changes that are tried out for who asks what would go back: it has to fit into the time of a page.
const TRIED: i64 = 200;
/// How far back somebody's last change is looked for: what is older is taken back where it is told.
const LAST_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Takes a batch back as far as the actor may and nothing stands on it. A large one is taken back in the background.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such batch or nothing of it is in sight; [`AppError::Refused`] when it can
/// never be taken back, still runs, or was taken back already.
pub async fn undo(ctx: &Ctx, target: BatchId) -> Result<UndoReport> {
    let head = head(ctx, target).await?;
    if head.changes > CHUNK {
        require_sight(ctx, target).await?;
        let begins = Progress {
            via: Some(ctx.via()),
            ..Progress::default()
        };
        job::enqueue_from(ctx.db(), ctx, Work::Undo, target.0, &begins).await?;
        return Ok(UndoReport {
            in_background: true,
            ..UndoReport::default()
        });
    }
    let mut run = Run::new(ctx, target, &head, Progress::default());
    let tx = ctx.db().begin().await?;
    while run.step(&tx).await? {}
    run.finish(&tx).await?;
    tx.commit().await?;
    run.outcome()
}

/// What [`undo`] would do now: it is done, and then dropped.
///
/// # Errors
/// As [`undo`].
pub(crate) async fn preview(ctx: &Ctx, target: BatchId) -> Result<Preview> {
    let tried = try_out(ctx, target).await;
    match tried {
        Err(Error::Told(AppError::Refused { reason })) => Ok(Preview::Not(reason)),
        // A lock that is not to be had, or a deadlock: who only looks makes way.
        Err(error) if matches!(error.sql_state().as_deref(), Some("55P03" | "40P01")) => {
            Ok(Preview::Not("Somebody is changing it just now.".to_owned()))
        }
        tried => tried,
    }
}

async fn try_out(ctx: &Ctx, target: BatchId) -> Result<Preview> {
    let head = head(ctx, target).await?;
    if head.changes > TRIED {
        require_sight(ctx, target).await?;
        return Ok(Preview::Large);
    }
    let mut run = Run::new(ctx, target, &head, Progress::default());
    let tx = ctx.db().begin().await?;
    tx.execute_unprepared("SET LOCAL lock_timeout = '500ms'").await?;
    while run.step(&tx).await? {}
    run.finish(&tx).await?;
    tx.rollback().await?;
    let report = run.outcome()?;
    Ok(Preview::Would(UndoReport {
        batch: None,
        ..report
    }))
}

#[derive(FromQueryResult)]
struct Own {
    id: Uuid,
}

/// Takes back what the actor did last in a page, in these hours, and has not taken back yet.
///
/// # Errors
/// As [`undo`]; [`AppError::Refused`] when there is nothing of the kind.
pub async fn undo_last(ctx: &Ctx) -> Result<UndoReport> {
    let since = ctx.clock().now() - LAST_WITHIN;
    let statement = sql(
        "SELECT id FROM batch WHERE actor = $1 AND at > $2 AND via = 'page' AND undoable AND undo_of IS NULL \
           AND state = 'done' ORDER BY at DESC, id DESC LIMIT 100",
        [ctx.actor().user.0.into(), since.into()],
    );
    let own = Own::find_by_statement(statement).all(ctx.db()).await?;
    let undone = Undone::load(ctx.db(), own.iter().map(|own| own.id).collect()).await?;
    let last = own.into_iter().find(|own| !undone.is(own.id));
    let last = last.ok_or_else(|| AppError::refused("There is nothing of yours to take back."))?;
    undo(ctx, BatchId(last.id)).await
}

/// Takes a large batch back, a chunk at a time.
///
/// # Errors
/// As [`undo`]; and when the database goes away, after which it goes on from the last chunk.
pub(crate) async fn undo_in_background(ctx: &Ctx, mut job: Job) -> Result<()> {
    let target = BatchId(job.subject);
    let head = head(ctx, target).await?;
    let mut run = Run::new(ctx, target, &head, job.progress()?);
    loop {
        let tx = ctx.db().begin().await?;
        if !job.stop && run.step(&tx).await? {
            job.advance(&tx, ctx.clock().now(), &run.progress).await?;
            tx.commit().await?;
            continue;
        }
        run.finish(&tx).await?;
        job.advance(&tx, ctx.clock().now(), &run.progress).await?;
        let ended = if job.stop { Ended::Cancelled } else { Ended::Done };
        job.end(&tx, ctx.clock().now(), ended).await?;
        return Ok(tx.commit().await?);
    }
}

/// Closes what an undo that cannot go on has written: it stays, and can itself be taken back.
pub(crate) async fn undo_failed(db: &impl ConnectionTrait, target: Uuid) -> Result<()> {
    let statement = sql(
        "UPDATE batch SET state = 'failed' WHERE undo_of = $1 AND state = 'running'",
        [target.into()],
    );
    db.execute_raw(statement).await?;
    Ok(())
}

/// Says that there is no such batch to who sees none of the customers that it is about.
async fn require_sight(ctx: &Ctx, target: BatchId) -> Result<()> {
    let mut sight = Sql::new("SELECT 1 FROM (SELECT subject FROM change WHERE batch = ");
    sight.bind(target.0).push(" ORDER BY seq").limit(CHUNK);
    sight.push(") AS s JOIN customer c ON c.id = s.subject WHERE ");
    push_scope(&mut sight, scope(ctx, Kind::Customer, Ability::Read)?);
    sight.push(" LIMIT 1");
    match ctx.db().query_one_raw(sight.done()).await? {
        Some(_) => Ok(()),
        None => Err(AppError::NotFound.into()),
    }
}

#[derive(FromQueryResult)]
struct Head {
    actor: Option<Uuid>,
    via: String,
    state: String,
    why_not: Option<String>,
    /// How many changes it made, counted up to one more than a chunk holds unless it ran in the background.
    changes: i64,
}

async fn head(ctx: &Ctx, target: BatchId) -> Result<Head> {
    let statement = sql(
        "SELECT actor, via, state, why_not, coalesce((counts ->> 'changes')::bigint, \
                (SELECT count(*) FROM (SELECT 1 FROM change WHERE batch = $1 LIMIT $2) AS found)) AS changes \
         FROM batch WHERE id = $1",
        [target.0.into(), (CHUNK + 1).into()],
    );
    let head = Head::find_by_statement(statement)
        .one(ctx.db())
        .await?
        .ok_or(AppError::NotFound)?;
    if let Some(reason) = head.why_not {
        return Err(AppError::refused(reason).into());
    }
    if head.state == State::Running.word() {
        return Err(AppError::refused("This is still running.").into());
    }
    Ok(head)
}

#[derive(FromQueryResult)]
struct Recorded {
    seq: i64,
    kind: String,
    record: Uuid,
    subject: Uuid,
    op: String,
    contact: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

/// How far an undo is: what a job keeps between its steps.
#[derive(Default, Serialize, Deserialize)]
struct Progress {
    /// Through which door it was asked for; none where an older program was asked.
    #[serde(default)]
    via: Option<Via>,
    /// The batch of the undo, once it has written something.
    batch: Option<Batch>,
    /// The changes from this place in the journal on are through.
    before: Option<i64>,
    /// How many changes that is, of how many.
    done: u64,
    of: u64,
    already: u64,
    out_of_sight: u64,
    report: UndoReport,
}
