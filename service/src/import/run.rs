//! Brings a file in, or works out what that would do: chunk by chunk, each a transaction that also says how far it is.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind},
    customer::CustomerKind,
    id::{BatchId, ImportId},
    import::{ImportReport, ImportSettings, Outcome, Position},
    job::Work,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    feed::{Chunk, Feed},
    ground::Ground,
    hand::{self, Hand},
    history::Import,
    may_import, problem,
};
use crate::{
    Ctx, Result,
    database::{Lock, lock},
    job::{self, Ended, Job},
    journal::{self, Batch, Change, Command, State},
    sql::sql,
    user,
};

/// How many rows that need a person a check shows.
const SHOWN_MAX: usize = 50;

/// How far a run or a check is: what its job keeps between the chunks.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Bytes of the file that are through, and how many there are.
    done: u64,
    of: u64,
    /// Behind the last row that is through; none before the first chunk.
    position: Option<Position>,
    pub(super) batch: Option<Batch>,
    /// How many changes the batch holds.
    changes: u64,
    pub(super) report: ImportReport,
}

#[derive(FromQueryResult)]
struct Wish {
    take_back: bool,
}

impl Progress {
    /// What its batch counts.
    fn counts(&self) -> Value {
        let report = &self.report;
        json!({
            "rows": report.rows, "companies": report.created_companies, "people": report.created_people,
            "changed": report.changed_records, "problems": report.problem_rows, "changes": self.changes,
        })
    }

    /// How far an import was when it ended: what mended rows are added to.
    pub(super) async fn of_ended(
        db: &impl ConnectionTrait,
        import: &Import,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        #[derive(FromQueryResult)]
        struct Counted {
            changes: i64,
        }
        let mut progress = Self {
            report: import.report()?,
            ..Self::default()
        };
        if let Some(batch) = import.batch {
            let statement = sql(
                "SELECT coalesce((counts ->> 'changes')::bigint, 0) AS changes FROM batch WHERE id = $1",
                [batch.0.into()],
            );
            let counted = Counted::find_by_statement(statement).one(db).await?;
            progress.changes =
                counted.map_or(0, |counted| u64::try_from(counted.changes).unwrap_or_default());
            progress.batch = Some(Batch::again(batch, now));
        }
        Ok(progress)
    }
}

/// Works on the import of a job until it is through or asked to stop.
pub(crate) async fn perform(ctx: &Ctx, mut job: Job) -> Result<()> {
    let import = Import::fetch(ctx.db(), ctx, ImportId(job.subject)).await?;
    let writes = job.work == Work::RunImport;
    let mut progress: Progress = if writes {
        job.progress()?
    } else {
        Progress::default()
    };
    if !writes {
        // What an earlier try has seen is worth nothing: it may have died with the database.
        forget_seen(ctx.db(), import.id).await?;
    }
    progress.of = import.size;
    let mut pass = Pass::new(ctx.clone(), import, writes, progress)?;
    let mut feed = Feed::open(ctx, &pass.settings, pass.import.id, pass.progress.position);
    loop {
        let chunk = if job.stop { None } else { feed.next().await? };
        pass.ask_rights().await?;
        let tx = ctx.db().begin().await?;
        let Some(chunk) = chunk else {
            job.advance(&tx, ctx.clock().now(), &pass.progress).await?;
            let ended = if job.stop { Ended::Cancelled } else { Ended::Done };
            job.end(&tx, ctx.clock().now(), ended).await?;
            pass.close(&tx, ended).await?;
            return Ok(tx.commit().await?);
        };
        pass.take(&tx, chunk).await?;
        job.advance(&tx, ctx.clock().now(), &pass.progress).await?;
        // Behind the job, which a person who stops it takes first, too.
        pass.note_batch(&tx).await?;
        tx.commit().await?;
    }
}

/// Closes an import that cannot go on: what it has written stays, and can be taken back.
pub(crate) async fn failed(
    tx: &DatabaseTransaction,
    import: Uuid,
    progress: Value,
    now: DateTime<Utc>,
) -> Result<()> {
    let progress: Progress = match progress {
        Value::Object(fields) if fields.is_empty() => Progress::default(),
        progress => serde_json::from_value(progress)?,
    };
    if let Some(batch) = &progress.batch {
        journal::close(tx, batch, State::Failed, progress.counts()).await?;
    }
    let statement = sql(
        "UPDATE import SET state = 'failed', report = $2, updated_at = $3 WHERE id = $1",
        [
            import.into(),
            serde_json::to_value(&progress.report)?.into(),
            now.into(),
        ],
    );
    tx.execute_raw(statement).await?;
    forget_file(tx, ImportId(import)).await
}

/// The file is not needed any more: who brought it has it.
async fn forget_file(tx: &DatabaseTransaction, import: ImportId) -> Result<()> {
    let statement = sql("DELETE FROM import_piece WHERE import = $1", [import.0.into()]);
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Forgets what a check has seen.
async fn forget_seen(db: &impl ConnectionTrait, import: ImportId) -> Result<()> {
    let statement = sql("DELETE FROM import_seen WHERE import = $1", [import.0.into()]);
    db.execute_raw(statement).await?;
    Ok(())
}

/// One way through rows of an import.
pub(super) struct Pass {
    ctx: Ctx,
    import: Import,
    settings: ImportSettings,
    /// False for a check.
    writes: bool,
    pub(super) progress: Progress,
}

impl Pass {
    pub(super) fn new(ctx: Ctx, import: Import, writes: bool, mut progress: Progress) -> Result<Self> {
        let settings = import.settings()?;
        progress.report.file.clone_from(&import.file);
        progress.report.ignored_columns = settings.mapping.ignored();
        Ok(Self {
            ctx,
            import,
            settings,
            writes,
            progress,
        })
    }

    /// Reads anew who acts: what they may not do any more is not done for them.
    async fn ask_rights(&mut self) -> Result<()> {
        let service = &self.ctx.service;
        let actor = user::actor(service, self.ctx.actor().user).await?;
        self.ctx = service.acting(actor, self.ctx.via());
        may_import(&self.ctx)
    }

    /// Works through a chunk in the transaction.
    pub(super) async fn take(&mut self, tx: &DatabaseTransaction, chunk: Chunk) -> Result<()> {
        if self.writes {
            // Two imports at once take turns, so that each sees what the other has made.
            lock(tx, Lock::Import).await?;
        }
        let reads = self.ctx.actor().scope(Kind::Customer, Ability::Read);
        let mut ground = Ground::lay(tx, reads, &self.settings.rules, &chunk.rows).await?;
        if !self.writes {
            let unwritten = hand::fresh(&self.ctx, Uuid::nil(), CustomerKind::Company);
            ground
                .add_seen(tx, self.import.id, &self.settings.rules, &chunk.rows, unwritten)
                .await?;
        }
        let mut problems = chunk.problems;
        let mut hand = Hand::new(&self.ctx, &self.settings.rules, &mut ground);
        hand.prepare(tx, &chunk.rows).await?;
        for row in &chunk.rows {
            if self.writes && hand.needs_writing(row) {
                let changes = hand.let_go();
                write(&self.ctx, tx, &self.import, &mut self.progress, changes).await?;
                hand.reload(tx, row).await?;
            }
            match hand.take(row) {
                Ok(done) => done.count(&mut self.progress.report),
                Err(problem) => problems.push(problem),
            }
        }
        let (changes, made) = hand.finish();
        if self.writes {
            write(&self.ctx, tx, &self.import, &mut self.progress, changes).await?;
            problem::keep(tx, self.import.id, &problems).await?;
        } else {
            Ground::keep_seen(tx, self.import.id, &made).await?;
        }
        for problem in problems {
            self.progress.report.count(Outcome::Problem(problem));
        }
        // The rows themselves are kept beside the report; a check shows the first.
        self.progress
            .report
            .problems
            .truncate(if self.writes { 0 } else { SHOWN_MAX });
        if let Some(position) = chunk.position {
            self.progress.done = position.byte;
            self.progress.position = Some(position);
        }
        Ok(())
    }

    /// Notes what came of it, and clears away what is not needed any more.
    async fn close(self, tx: &DatabaseTransaction, ended: Ended) -> Result<()> {
        let id = self.import.id.0;
        let now = self.ctx.clock().now();
        if !self.writes {
            if ended == Ended::Done {
                let report = serde_json::to_value(&self.progress.report)?;
                let keep = "UPDATE import SET forecast = $2, updated_at = $3 WHERE id = $1";
                tx.execute_raw(sql(keep, [id.into(), report.into(), now.into()]))
                    .await?;
            }
            return forget_seen(tx, self.import.id).await;
        }
        let (state, word) = match ended {
            Ended::Done => (State::Done, "done"),
            Ended::Cancelled => (State::Cancelled, "cancelled"),
        };
        self.keep_report(tx, state).await?;
        // Asked here: the wish may have come while it ran.
        let over = sql(
            "UPDATE import SET state = $2, updated_at = $3 WHERE id = $1 RETURNING take_back",
            [id.into(), word.into(), now.into()],
        );
        let take_back = Wish::find_by_statement(over)
            .one(tx)
            .await?
            .is_some_and(|wish| wish.take_back);
        forget_file(tx, self.import.id).await?;
        if ended == Ended::Cancelled
            && take_back
            && let Some(batch) = &self.progress.batch
        {
            job::enqueue(tx, &self.ctx, Work::Undo, batch.id.0).await?;
        }
        Ok(())
    }

    /// Lets the import know its batch, once.
    pub(super) async fn note_batch(&mut self, tx: &DatabaseTransaction) -> Result<()> {
        let batch = self.progress.batch.as_ref().map(|batch| batch.id);
        if batch.is_some() && self.import.batch != batch {
            let note = "UPDATE import SET batch = $2 WHERE id = $1";
            let values = [self.import.id.0.into(), batch.map(|batch| batch.0).into()];
            tx.execute_raw(sql(note, values)).await?;
            self.import.batch = batch;
        }
        Ok(())
    }

    /// Writes the report to the import and its counts to the batch.
    pub(super) async fn keep_report(&self, tx: &DatabaseTransaction, state: State) -> Result<()> {
        let report = &self.progress.report;
        if let Some(batch) = &self.progress.batch {
            journal::close(tx, batch, state, self.progress.counts()).await?;
        }
        let keep = sql(
            "UPDATE import SET report = $2, updated_at = $3 WHERE id = $1",
            [
                self.import.id.0.into(),
                serde_json::to_value(report)?.into(),
                self.ctx.clock().now().into(),
            ],
        );
        tx.execute_raw(keep).await?;
        Ok(())
    }
}

/// Writes changes under the batch of the import, which the first of them opens.
async fn write(
    ctx: &Ctx,
    tx: &DatabaseTransaction,
    import: &Import,
    progress: &mut Progress,
    changes: Vec<Change>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    progress.changes += changes.len() as u64;
    let batch = match &progress.batch {
        Some(batch) => batch.clone(),
        None => {
            let detail = json!({ "file": import.file, "import": import.id });
            let command = Command::of(ctx, "import customers").with_detail(detail);
            let batch = journal::open(tx, ctx.clock().new_id::<BatchId>(), &command, State::Running).await?;
            progress.report.batch = Some(batch.id);
            batch
        }
    };
    journal::append(tx, ctx.service().key(), &batch, changes).await?;
    progress.batch = Some(batch);
    Ok(())
}
