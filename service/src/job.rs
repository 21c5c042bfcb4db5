//! Work that outlasts a request: any server takes what waits, step by step, each step a transaction that also says how
//! far the work is. A server that dies loses the step it was at and nothing else: another goes on from there.

use std::{panic::AssertUnwindSafe, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use rapport_domain::{
    error::AppError,
    id::{JobId, UserId},
    job::Work,
    journal::Via,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{Ctx, Error, Result, Service, api_key, bulk, import, journal, sql::sql, user, webhook};

/// For how long the other servers leave a job alone that does not move.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// How often a server looks for work when it has none.
const IDLE: Duration = Duration::from_millis(400);
/// How often a server without work clears away what people left behind.
const SWEEP: TimeDelta = TimeDelta::hours(1);
/// For how long behind its lease a worker stays at a job that does not move: then whom it waits for is gone.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// How often it looks whether the job moves.
const WATCH: Duration = Duration::from_secs(3);
/// How often work is begun again, without a step forward, after what looks like a defect. What is only away comes back:
/// that is waited for without end.
const ATTEMPTS_MAX: i32 = 10;

/// Puts work in the queue, on behalf of who acts. Of one import or batch only one job is open at a time.
pub(crate) async fn enqueue(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    work: Work,
    subject: Uuid,
) -> Result<JobId> {
    enqueue_from(db, ctx, work, subject, &serde_json::json!({})).await
}

/// The same for work that begins with something in hand: how far it is before it has begun.
pub(crate) async fn enqueue_from(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    work: Work,
    subject: Uuid,
    progress: &impl Serialize,
) -> Result<JobId> {
    let id: JobId = ctx.clock().new_id();
    let statement = sql(
        "INSERT INTO job (id, kind, subject, actor, state, created_at, updated_at, progress) \
         VALUES ($1, $2, $3, $4, 'waiting', $5, $5, $6) ON CONFLICT DO NOTHING",
        [
            id.0.into(),
            work.word().into(),
            subject.into(),
            ctx.actor().user.0.into(),
            ctx.clock().now().into(),
            serde_json::to_value(progress)?.into(),
        ],
    );
    if db.execute_raw(statement).await?.rows_affected() == 0 {
        return Err(AppError::refused("This is under way already.").into());
    }
    Ok(id)
}

/// Whether a job about an import or a batch is waiting or under way.
pub(crate) async fn is_open(db: &impl ConnectionTrait, subject: Uuid) -> Result<bool> {
    let open = "SELECT 1 FROM job WHERE subject = $1 AND state IN ('waiting', 'running')";
    Ok(db.query_one_raw(sql(open, [subject.into()])).await?.is_some())
}

/// Asks the open job of an import or a batch to stop after its step. Gives false when there is none.
pub(crate) async fn ask_to_stop(db: &impl ConnectionTrait, subject: Uuid) -> Result<bool> {
    let statement = sql(
        "UPDATE job SET stop = true WHERE subject = $1 AND state IN ('waiting', 'running')",
        [subject.into()],
    );
    Ok(db.execute_raw(statement).await?.rows_affected() > 0)
}

/// A job that this worker is at.
#[derive(Debug, FromQueryResult)]
struct Taken {
    id: Uuid,
    kind: String,
    subject: Uuid,
    actor: Uuid,
    progress: Value,
    attempts: i32,
    stop: bool,
}

/// A job that this worker is at, for the code that does it.
pub(crate) struct Job {
    id: Uuid,
    worker: Uuid,
    /// What it is.
    pub(crate) work: Work,
    /// The import or the batch that it is about.
    pub(crate) subject: Uuid,
    progress: Value,
    /// Whether somebody asked to stop.
    pub(crate) stop: bool,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    Cancelled,
}

impl Job {
    /// How far it is; the default when it has not begun.
    pub(crate) fn progress<P: DeserializeOwned + Default>(&self) -> Result<P> {
        match &self.progress {
            Value::Object(fields) if fields.is_empty() => Ok(P::default()),
            progress => Ok(serde_json::from_value(progress.clone())?),
        }
    }

    /// Notes how far it is, in the transaction that got it there, and hears whether to stop.
    ///
    /// Fails when another worker has taken the job: then the step must not be committed.
    pub(crate) async fn advance(
        &mut self,
        tx: &impl ConnectionTrait,
        now: DateTime<Utc>,
        progress: &impl Serialize,
    ) -> Result<()> {
        #[derive(FromQueryResult)]
        struct Asked {
            stop: bool,
        }
        self.progress = serde_json::to_value(progress)?;
        // A check begins anew whenever it is taken again: its steps are no way out of a defect further on.
        let statement = sql(
            "UPDATE job SET progress = $3, lease_until = $4, updated_at = $5, \
                    attempts = CASE WHEN kind = 'check import' THEN attempts ELSE 0 END \
             WHERE id = $1 AND worker = $2 AND state = 'running' RETURNING stop",
            [
                self.id.into(),
                self.worker.into(),
                self.progress.clone().into(),
                (now + LEASE).into(),
                now.into(),
            ],
        );
        let asked = Asked::find_by_statement(statement).one(tx).await?;
        self.stop = asked.ok_or_else(lost)?.stop;
        Ok(())
    }

    /// Ends it, in the transaction of its last step.
    pub(crate) async fn end(
        &self,
        tx: &impl ConnectionTrait,
        now: DateTime<Utc>,
        ended: Ended,
    ) -> Result<()> {
        let state = match ended {
            Ended::Done => "done",
            Ended::Cancelled => "cancelled",
        };
        let statement = sql(
            "UPDATE job SET state = $3, lease_until = NULL, worker = NULL, updated_at = $4 \
             WHERE id = $1 AND worker = $2 AND state = 'running'",
            [self.id.into(), self.worker.into(), state.into(), now.into()],
        );
        match tx.execute_raw(statement).await?.rows_affected() {
            0 => Err(lost()),
            _ => Ok(()),
        }
    }
}

/// Not shown to anybody: who took the job tells its story.
fn lost() -> Error {
    AppError::refused("Another server has taken this over.").into()
}

/// One who takes jobs and does them, one at a time.
pub struct Worker {
    service: Service,
    id: Uuid,
}

impl Worker {
    /// A worker that has taken nothing yet.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        Self {
            service: service.clone(),
            id: service.clock().new_id(),
        }
    }

    /// Works for as long as it is polled.
    pub async fn work(&self) {
        let mut swept = None;
        loop {
            match self.take(None).await {
                Ok(Some(taken)) => self.run(taken).await,
                Ok(None) => {
                    self.sweep(&mut swept).await;
                    sleep(IDLE).await;
                }
                Err(error) => {
                    // Logs it.
                    let _ = error.tell();
                    sleep(IDLE * 5).await;
                }
            }
        }
    }

    /// Clears away what people left behind, now and then.
    async fn sweep(&self, last: &mut Option<DateTime<Utc>>) {
        let now = self.service.clock().now();
        if last.is_none_or(|last| last + SWEEP <= now) {
            *last = Some(now);
            let db = self.service.db();
            for swept in [
                import::sweep(db, now).await,
                api_key::sweep(db, now).await,
                webhook::sweep(db, now).await,
            ] {
                if let Err(error) = swept {
                    // Logs it.
                    let _ = error.tell();
                }
            }
        }
    }

    /// Does what waits now, and returns: for the command line and for tests.
    ///
    /// # Errors
    /// When the database does not say what waits.
    pub async fn work_off(&self) -> Result<()> {
        while let Some(taken) = self.take(None).await? {
            self.run(taken).await;
        }
        Ok(())
    }

    /// Does one job, or waits until another worker has done it.
    ///
    /// # Errors
    /// When the database does not say how far it is.
    pub async fn wait_for(&self, job: JobId) -> Result<()> {
        loop {
            match self.take(Some(job)).await? {
                Some(taken) => self.run(taken).await,
                None if self.is_open(job).await? => sleep(IDLE).await,
                None => return Ok(()),
            }
        }
    }

    async fn is_open(&self, job: JobId) -> Result<bool> {
        let open = "SELECT 1 FROM job WHERE id = $1 AND state IN ('waiting', 'running')";
        let found = self.service.db().query_one_raw(sql(open, [job.0.into()])).await?;
        Ok(found.is_some())
    }

    /// Lets go of what it is at, so that another may take it at once: for a server that stops.
    ///
    /// # Errors
    /// When the database is away; then the lease runs out by itself.
    pub async fn let_go(&self) -> Result<()> {
        let statement = sql(
            "UPDATE job SET lease_until = NULL, worker = NULL WHERE worker = $1 AND state = 'running'",
            [self.id.into()],
        );
        self.service.db().execute_raw(statement).await?;
        Ok(())
    }

    async fn take(&self, job: Option<JobId>) -> Result<Option<Taken>> {
        let now = self.service.clock().now();
        let statement = sql(
            "UPDATE job SET state = 'running', worker = $1, lease_until = $2, updated_at = $3, \
                    attempts = attempts + 1, began_at = coalesce(began_at, $3) \
             WHERE id = (SELECT id FROM job WHERE state IN ('waiting', 'running') \
                           AND (lease_until IS NULL OR lease_until < $3) AND ($4::uuid IS NULL OR id = $4) \
                         ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
             RETURNING id, kind, subject, actor, progress, attempts, stop",
            [
                self.id.into(),
                (now + LEASE).into(),
                now.into(),
                job.map(|job| job.0).into(),
            ],
        );
        Ok(Taken::find_by_statement(statement).one(self.service.db()).await?)
    }

    async fn run(&self, taken: Taken) {
        let (id, attempts) = (taken.id, taken.attempts);
        // A defect in one job must not end the worker.
        let perform = AssertUnwindSafe(self.perform(taken)).catch_unwind();
        let done = tokio::select! {
            done = perform => done.unwrap_or_else(|_| Err(AppError::internal().into())),
            () = self.stands_still(id) => Err(AppError::Unavailable.into()),
        };
        let Err(error) = done else {
            return;
        };
        let noted = match error.tell() {
            AppError::Unavailable => self.postpone(id, attempts).await,
            AppError::Internal { .. } if attempts < ATTEMPTS_MAX => self.postpone(id, attempts).await,
            error => self.fail(id, &error).await,
        };
        if let Err(error) = noted {
            // Logs it. The lease runs out, and the job is taken again.
            let _ = error.tell();
        }
    }

    /// Waits until a job has not moved for long. A connection that was lost on its way never answers and never ends: who
    /// waits for that one would do so for ever.
    async fn stands_still(&self, job: Uuid) {
        let moves = "SELECT 1 FROM job WHERE id = $1 AND worker = $2 AND lease_until > $3";
        loop {
            sleep(WATCH).await;
            let since = self.service.clock().now() - PATIENCE;
            let statement = sql(moves, [job.into(), self.id.into(), since.into()]);
            let asked = timeout(WATCH, self.service.db().query_one_raw(statement)).await;
            if matches!(asked, Ok(Ok(None))) {
                return;
            }
        }
    }

    async fn perform(&self, taken: Taken) -> Result<()> {
        let work: Work = taken.kind.parse().map_err(Error::Stored)?;
        let actor = user::actor(&self.service, UserId(taken.actor)).await?;
        let job = Job {
            id: taken.id,
            worker: self.id,
            work,
            subject: taken.subject,
            progress: taken.progress,
            stop: taken.stop,
        };
        let via = match job.work {
            Work::CheckImport | Work::RunImport => Via::Import,
            Work::Undo | Work::Reassign | Work::Retag => Via::Page,
        };
        let ctx = self.service.acting(actor, via);
        match job.work {
            Work::CheckImport | Work::RunImport => import::run::perform(&ctx, job).await,
            Work::Undo => journal::undo_in_background(&ctx, job).await,
            Work::Reassign | Work::Retag => bulk::perform(&ctx, job).await,
        }
    }

    /// Leaves it to be taken again, a little later each time.
    async fn postpone(&self, job: Uuid, attempts: i32) -> Result<()> {
        let pause = TimeDelta::seconds(1 << attempts.clamp(0, 5));
        let statement = sql(
            "UPDATE job SET lease_until = $3 WHERE id = $1 AND worker = $2 AND state = 'running'",
            [
                job.into(),
                self.id.into(),
                (self.service.clock().now() + pause).into(),
            ],
        );
        self.service.db().execute_raw(statement).await?;
        Ok(())
    }

    async fn fail(&self, job: Uuid, error: &AppError) -> Result<()> {
        #[derive(FromQueryResult)]
        struct Failed {
            kind: String,
            subject: Uuid,
            progress: Value,
        }
        let now = self.service.clock().now();
        let tx = self.service.db().begin().await?;
        let statement = sql(
            "UPDATE job SET state = 'failed', error = $3, lease_until = NULL, worker = NULL, updated_at = $4 \
             WHERE id = $1 AND worker = $2 AND state = 'running' RETURNING kind, subject, progress",
            [job.into(), self.id.into(), error.to_string().into(), now.into()],
        );
        if let Some(failed) = Failed::find_by_statement(statement).one(&tx).await? {
            match failed.kind.parse().map_err(Error::Stored)? {
                Work::RunImport => import::run::failed(&tx, failed.subject, failed.progress, now).await?,
                Work::Undo => journal::undo_failed(&tx, failed.subject).await?,
                Work::Reassign | Work::Retag => bulk::failed(&tx, failed.subject).await?,
                Work::CheckImport => {}
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What an open or past job is at, for those who look on.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) stop: bool,
    pub(crate) progress: Value,
    pub(crate) error: Option<String>,
    /// How long it has been at it, or was.
    pub(crate) seconds: i64,
}

/// The newest job about an import or a batch.
pub(crate) async fn newest(db: &impl ConnectionTrait, subject: Uuid) -> Result<Option<Seen>> {
    let statement = sql(
        "SELECT kind, state, stop, progress, error, \
                coalesce(extract(epoch FROM updated_at - began_at), 0)::bigint AS seconds FROM job \
         WHERE subject = $1 ORDER BY created_at DESC LIMIT 1",
        [subject.into()],
    );
    Ok(Seen::find_by_statement(statement).one(db).await?)
}
