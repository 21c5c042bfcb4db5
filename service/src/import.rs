//! Bringing customers in from a file: the file is staged in the database as it comes, mapped, checked, and then written
//! in the background, all of it under one batch of the journal.
//!
//! Everybody comes this way: the page, the command line, the demo data.

use std::io::Read;

use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::{ImportId, JobId},
    import::{FileError, ImportReport, Mapping, OnMatch, Rules},
    job::Work,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::{
    Ctx, Result,
    access::scope,
    job::{self, Worker},
    sql::sql,
};

mod feed;
mod ground;
mod hand;
mod history;
mod problem;
mod record;
pub(crate) mod run;
mod settings;
mod upload;

pub use history::{get, list, sample};
pub use problem::{csv as problems_csv, list as problems, mend, mend_file};
pub use settings::{map_as, mappings, save_mapping, set, set_dialect};
pub(crate) use upload::sweep;
pub use upload::{NewImport, PIECE_MAX, begin, forget, receive};

/// Says no to who may not make customers of their own.
fn may_import(ctx: &Ctx) -> Result<()> {
    let creates = scope(ctx, Kind::Customer, Ability::Create)?;
    if creates.holds(Some(ctx.actor().user), ctx.actor().team) {
        Ok(())
    } else {
        Err(AppError::Forbidden.into())
    }
}

/// Whether the actor may write notes about customers of their own.
fn may_note(ctx: &Ctx) -> bool {
    let writes = ctx.actor().scope(Kind::Activity, Ability::Create);
    writes.holds(Some(ctx.actor().user), ctx.actor().team)
}

fn unreadable(error: &FileError) -> AppError {
    AppError::invalid("file", error.to_string())
}

/// Locks an import whose file is here and which has not begun.
async fn require_ready(tx: &DatabaseTransaction, id: ImportId) -> Result<()> {
    let statement = sql(
        "SELECT 1 FROM import WHERE id = $1 AND state = 'ready' FOR UPDATE",
        [id.0.into()],
    );
    match tx.query_one_raw(statement).await? {
        Some(_) => Ok(()),
        None => Err(AppError::refused("This import has begun already, or its file is not here yet.").into()),
    }
}

/// Begins to work out what an import would do, in the background.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else; [`AppError::Refused`] when its file is not here, and once it
/// has begun; [`AppError::Invalid`] on `form` when that can make no record.
pub async fn check(ctx: &Ctx, id: ImportId) -> Result<JobId> {
    start(ctx, id, Work::CheckImport).await
}

/// Begins to bring a file in, in the background.
///
/// # Errors
/// As [`check`].
pub async fn run(ctx: &Ctx, id: ImportId) -> Result<JobId> {
    start(ctx, id, Work::RunImport).await
}

async fn start(ctx: &Ctx, id: ImportId, work: Work) -> Result<JobId> {
    may_import(ctx)?;
    let mapping = history::Import::fetch(ctx.db(), ctx, id)
        .await?
        .settings()?
        .mapping;
    mapping
        .check()
        .map_err(|sentence| AppError::invalid("form", sentence))?;
    if mapping.has_notes() && !may_note(ctx) {
        let sentence = "You may not write notes; please have the columns with notes not taken.";
        return Err(AppError::invalid("form", sentence).into());
    }
    let tx = ctx.db().begin().await?;
    require_ready(&tx, id).await?;
    if work == Work::RunImport {
        tx.execute_raw(sql(
            "UPDATE import SET state = 'running' WHERE id = $1",
            [id.0.into()],
        ))
        .await?;
    }
    let job = job::enqueue(&tx, ctx, work, id.0).await?;
    tx.commit().await?;
    Ok(job)
}

/// Asks an import or a check to stop. What an import has written stays, or is taken back as well.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else; [`AppError::Refused`] when nothing is under way.
pub async fn cancel(ctx: &Ctx, id: ImportId, take_back: bool) -> Result<()> {
    may_import(ctx)?;
    history::Import::fetch(ctx.db(), ctx, id).await?;
    let tx = ctx.db().begin().await?;
    // The job first, as its worker does.
    if !job::ask_to_stop(&tx, id.0).await? {
        return Err(AppError::refused("This import is through already.").into());
    }
    let wish = "UPDATE import SET take_back = $2 WHERE id = $1";
    tx.execute_raw(sql(wish, [id.0.into(), take_back.into()])).await?;
    Ok(tx.commit().await?)
}

/// How a file is brought in from the command line.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The system that the rows come from, unless its name is the file's.
    pub source: Option<String>,
    /// What becomes of the columns, unless that is guessed.
    pub mapping: Option<Mapping>,
    /// What happens to records that are here.
    pub then: Option<OnMatch>,
}

/// Puts a whole file up and settles how it is read: what a person does in several steps on the page.
///
/// # Errors
/// As [`begin`], [`receive`] and [`set`].
pub async fn stage(ctx: &Ctx, new: NewImport, mut bytes: impl Read, wishes: Wishes) -> Result<ImportId> {
    let size = new.size;
    let mut standing = begin(ctx, new).await?;
    let mut at = 0;
    while at < size {
        let mut piece = Vec::new();
        let most = u64::try_from(PIECE_MAX).unwrap_or(u64::MAX);
        let read = bytes.by_ref().take(most).read_to_end(&mut piece);
        read.map_err(|why| {
            AppError::invalid("file", format!("The file could not be read to its end: {why}."))
        })?;
        if piece.is_empty() {
            return Err(AppError::invalid("file", "The file has become shorter meanwhile.").into());
        }
        let end = at + piece.len() as u64;
        if standing.bytes <= at {
            standing = receive(ctx, standing.id, at, &piece).await?;
        }
        at = end;
    }
    let id = standing.id;
    let settings = history::Import::fetch(ctx.db(), ctx, id).await?.settings()?;
    let mut mapping = wishes.mapping.unwrap_or(settings.mapping);
    if let Some(source) = wishes.source {
        mapping.source = source;
    }
    let rules = Rules {
        then: wishes.then.unwrap_or(settings.rules.then),
        ..settings.rules
    };
    if let Err(error) = set(ctx, id, mapping, rules).await {
        forget(ctx, id).await?;
        return Err(error);
    }
    Ok(id)
}

/// Brings a file in, and waits for it.
///
/// # Errors
/// As [`stage`] and [`run`]; and the error that the import ended with.
pub async fn customers(
    ctx: &Ctx,
    file: &str,
    source: Option<&str>,
    bytes: impl AsRef<[u8]>,
) -> Result<ImportReport> {
    let bytes = bytes.as_ref();
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: file.to_owned(),
        size: bytes.len() as u64,
        stamp: 0,
    };
    let wishes = Wishes {
        source: source.map(str::to_owned),
        ..Wishes::default()
    };
    let id = stage(ctx, new, bytes, wishes).await?;
    let job = run(ctx, id).await?;
    Worker::new(&ctx.service).wait_for(job).await?;
    outcome(ctx, id).await
}

/// The report of an import that is through, with its rows that need a person.
///
/// # Errors
/// [`AppError::Refused`] with why it failed.
pub async fn outcome(ctx: &Ctx, id: ImportId) -> Result<ImportReport> {
    let view = get(ctx, id).await?;
    let failed = view.job.and_then(|job| job.error);
    if let Some(sentence) = failed {
        return Err(AppError::refused(sentence).into());
    }
    let mut report = view.report.or(view.forecast).unwrap_or_default();
    if report.problems.is_empty() {
        report.problems = problem::first(ctx, id).await?;
    }
    Ok(report)
}
