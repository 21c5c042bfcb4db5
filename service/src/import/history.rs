//! The imports there were and are: what each is at, what it did.

use chrono::{DateTime, Utc};
use rapport_domain::{
    access::{Ability, Kind, Scope},
    error::AppError,
    id::{BatchId, ImportId},
    import::{IMPORTS_LISTED, ImportLine, ImportReport, ImportSettings, ImportView, Row},
    job::JobView,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{may_import, upload};
use crate::{Ctx, Error, Result, job, journal::Undone, sql::Sql};

/// How many rows a preview shows.
const SAMPLED: usize = 20;

/// An import, for those who work on it.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) id: ImportId,
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) state: String,
    settings: Option<Value>,
    report: Option<Value>,
    pub(super) batch: Option<BatchId>,
    pub(super) undone: bool,
}

#[derive(FromQueryResult)]
struct Stored {
    id: Uuid,
    file: String,
    size: i64,
    received: i64,
    state: String,
    settings: Option<Value>,
    forecast: Option<Value>,
    report: Option<Value>,
    batch: Option<Uuid>,
    by: String,
    created_at: DateTime<Utc>,
}

impl Import {
    /// The import, if it is the actor's, or the actor may see everybody's.
    pub(super) async fn fetch(db: &impl ConnectionTrait, ctx: &Ctx, id: ImportId) -> Result<Self> {
        let stored = stored(db, ctx, id).await?;
        let undone = Undone::load(db, stored.batch.into_iter().collect()).await?;
        Ok(Self {
            id,
            file: stored.file,
            size: u64::try_from(stored.size).unwrap_or_default(),
            state: stored.state,
            settings: stored.settings,
            report: stored.report,
            batch: stored.batch.map(BatchId),
            undone: stored.batch.is_some_and(|batch| undone.is(batch)),
        })
    }

    pub(super) fn settings(&self) -> Result<ImportSettings> {
        let sentence = "The file of this import is not here yet.";
        let settings = self.settings.clone().ok_or_else(|| AppError::refused(sentence))?;
        Ok(serde_json::from_value(settings)?)
    }

    /// What it did so far, as far as that is kept.
    pub(super) fn report(&self) -> Result<ImportReport> {
        Ok(read(self.report.clone())?.unwrap_or_default())
    }
}

/// Everybody sees their own imports; who may make customers for all sees all.
fn push_sight(sql: &mut Sql, ctx: &Ctx) {
    if ctx.actor().scope(Kind::Customer, Ability::Create) == Scope::All {
        sql.push("TRUE");
    } else {
        sql.push("i.actor = ").bind(ctx.actor().user.0);
    }
}

async fn stored(db: &impl ConnectionTrait, ctx: &Ctx, id: ImportId) -> Result<Stored> {
    let mut sql = select();
    sql.push(" WHERE i.id = ").bind(id.0).push(" AND ");
    push_sight(&mut sql, ctx);
    Ok(Stored::find_by_statement(sql.done())
        .one(db)
        .await?
        .ok_or(AppError::NotFound)?)
}

fn select() -> Sql {
    Sql::new(
        "SELECT i.id, i.file, i.size, i.received, i.state, i.settings, i.forecast, i.report, i.batch, u.name AS by, \
                i.created_at FROM import i JOIN app_user u ON u.id = i.actor",
    )
}

/// An import with what it is at.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else.
pub async fn get(ctx: &Ctx, id: ImportId) -> Result<ImportView> {
    may_import(ctx)?;
    let stored = stored(ctx.db(), ctx, id).await?;
    let settings: Option<ImportSettings> = read(stored.settings)?;
    let mut report: Option<ImportReport> = read(stored.report)?;
    let own = job::newest(ctx.db(), id.0).await?;
    let undo = match stored.batch {
        Some(batch) => job::newest(ctx.db(), batch).await?,
        None => None,
    };
    if let Some(own) = own.as_ref().filter(|own| own.state == "running") {
        report = read(own.progress.get("report").cloned())?;
    }
    let taken_back = undo
        .as_ref()
        .and_then(|undo| undo.progress.get("report"))
        .cloned();
    let undone = Undone::load(ctx.db(), stored.batch.into_iter().collect()).await?;
    Ok(ImportView {
        id,
        file: stored.file,
        size: u64::try_from(stored.size).unwrap_or_default(),
        received: u64::try_from(stored.received).unwrap_or_default(),
        state: stored.state.parse().map_err(Error::Stored)?,
        settings,
        forecast: read(stored.forecast)?,
        problems: report.as_ref().map_or(0, |report| report.problem_rows),
        report,
        batch: stored.batch.map(BatchId),
        undone: stored.batch.is_some_and(|batch| undone.is(batch)),
        taken_back: read(taken_back)?,
        // What is being taken back is shown as what the import is at.
        job: undo.or(own).map(view).transpose()?,
        by: stored.by,
        at: ctx.now().say(stored.created_at),
    })
}

fn read<T: DeserializeOwned>(stored: Option<Value>) -> Result<Option<T>> {
    Ok(stored.map(serde_json::from_value).transpose()?)
}

fn view(job: job::Seen) -> Result<JobView> {
    let number = |name| job.progress.get(name).and_then(Value::as_u64).unwrap_or_default();
    Ok(JobView {
        work: job.kind.parse().map_err(Error::Stored)?,
        state: job.state.parse().map_err(Error::Stored)?,
        done: number("done"),
        of: number("of"),
        stopping: job.stop,
        seconds: job.seconds,
        error: job.error,
    })
}

async fn is_there(ctx: &Ctx, id: ImportId) -> Result<bool> {
    let mut sql = Sql::new("SELECT 1 FROM import i WHERE i.id = ");
    sql.bind(id.0).push(" AND ");
    push_sight(&mut sql, ctx);
    Ok(ctx.db().query_one_raw(sql.done()).await?.is_some())
}

/// The imports that the actor may see, the newest first, at most [`IMPORTS_LISTED`]; those before another one if it is
/// named.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to make customers; [`AppError::Invalid`] on `before` for what is not there.
pub async fn list(ctx: &Ctx, before: Option<ImportId>) -> Result<Vec<ImportLine>> {
    may_import(ctx)?;
    let mut sql = select();
    sql.push(" WHERE ");
    push_sight(&mut sql, ctx);
    if let Some(before) = before {
        if !is_there(ctx, before).await? {
            return Err(AppError::invalid("before", "This import is not here any more.").into());
        }
        sql.push(" AND (i.created_at, i.id) < (SELECT b.created_at, b.id FROM import b WHERE b.id = ")
            .bind(before.0)
            .push(")");
    }
    sql.push(" ORDER BY i.created_at DESC, i.id DESC")
        .limit(IMPORTS_LISTED as i64);
    let now = ctx.now();
    let imports = Stored::find_by_statement(sql.done()).all(ctx.db()).await?;
    let batches = imports.iter().filter_map(|stored| stored.batch).collect();
    let undone = Undone::load(ctx.db(), batches).await?;
    imports
        .into_iter()
        .map(|stored| {
            let report: Option<ImportReport> = read(stored.report)?;
            let report = report.unwrap_or_default();
            Ok(ImportLine {
                id: ImportId(stored.id),
                file: stored.file,
                state: stored.state.parse().map_err(Error::Stored)?,
                rows: report.rows,
                created: report.created_companies + report.created_people,
                changed: report.changed_records + report.restored_records,
                problems: report.problem_rows,
                batch: stored.batch.map(BatchId),
                undone: stored.batch.is_some_and(|batch| undone.is(batch)),
                by: stored.by,
                at: now.say(stored.created_at),
            })
        })
        .collect()
}

/// The first rows of a file that is here, as they came, for a preview.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else, or once its file is in.
pub async fn sample(ctx: &Ctx, id: ImportId) -> Result<Vec<Row>> {
    may_import(ctx)?;
    let import = Import::fetch(ctx.db(), ctx, id).await?;
    let (head, whole) = upload::head(ctx.db(), id.0, import.size).await?;
    let settings = import.settings()?;
    let mut rows = upload::sample(&head, settings.dialect, whole)?.rows;
    rows.truncate(SAMPLED);
    Ok(rows)
}
