//! Rows that need a person: listed, downloaded, mended.

use std::future::ready;

use futures::{Stream, StreamExt, stream};
use rapport_domain::{
    error::AppError,
    export::unescape,
    id::ImportId,
    import::{Dialect, ImportReport, LISTED_MAX, Mended, PROBLEMS_LISTED, Problem, ProblemKind, Reader, Row},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Value, json};

use super::{
    feed::Chunk,
    history::Import,
    may_import,
    run::{Pass, Progress},
    unreadable,
};
use crate::{Ctx, Error, Result, job, journal::State, limit, sql::sql};

/// The most bytes of values that a row shows; a longer one is mended in the file.
const SHOWN_MAX: usize = 16 << 10;
/// How many are read or mended at once.
const PIECE: i32 = 1_000;

#[derive(FromQueryResult)]
struct Stored {
    line: i64,
    kind: String,
    reason: String,
    fields: Vec<String>,
}

impl Stored {
    fn problem(self) -> Result<Problem> {
        Ok(Problem {
            line: u64::try_from(self.line).unwrap_or_default(),
            kind: kind(&self.kind)?,
            reason: self.reason,
            fields: self.fields,
        })
    }
}

fn kind(word: &str) -> Result<ProblemKind> {
    serde_json::from_value(Value::from(word)).map_err(|_| Error::Stored(format!("kind of problem “{word}”")))
}

/// Keeps rows of a chunk that need a person.
pub(super) async fn keep(tx: &DatabaseTransaction, id: ImportId, problems: &[Problem]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "line": problem.line, "kind": problem.kind, "reason": problem.reason, "fields": problem.fields,
            })
        })
        .collect();
    let statement = sql(
        "INSERT INTO import_problem (import, line, kind, reason, fields) \
         SELECT $1, p.line, p.kind, p.reason, p.fields \
         FROM jsonb_to_recordset($2) AS p (line bigint, kind text, reason text, fields text[]) \
         ON CONFLICT (import, line) DO UPDATE SET kind = excluded.kind, reason = excluded.reason, \
                                                  fields = excluded.fields",
        [id.0.into(), Value::Array(rows).into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

/// The rows of an import that need a person, behind a line, a page of them. Those that are too long for a page come
/// without their values.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else.
pub async fn list(ctx: &Ctx, id: ImportId, behind: u64) -> Result<Vec<Problem>> {
    may_import(ctx)?;
    Import::fetch(ctx.db(), ctx, id).await?;
    let mut rows = fetch(ctx, id, behind, PROBLEMS_LISTED as i32).await?;
    for row in &mut rows {
        if row.fields.iter().map(String::len).sum::<usize>() > SHOWN_MAX {
            row.fields = Vec::new();
        }
    }
    Ok(rows)
}

async fn fetch(ctx: &Ctx, id: ImportId, behind: u64, most: i32) -> Result<Vec<Problem>> {
    let statement = sql(
        "SELECT line, kind, reason, fields FROM import_problem WHERE import = $1 AND line > $2 \
         ORDER BY line LIMIT $3",
        [
            id.0.into(),
            i64::try_from(behind).unwrap_or(i64::MAX).into(),
            most.into(),
        ],
    );
    let stored = Stored::find_by_statement(statement).all(ctx.db()).await?;
    stored.into_iter().map(Stored::problem).collect()
}

/// The first of them, as many as a report lists.
pub(super) async fn first(ctx: &Ctx, id: ImportId) -> Result<Vec<Problem>> {
    fetch(ctx, id, 0, i32::try_from(LISTED_MAX).unwrap_or(i32::MAX)).await
}

/// The rows of an import that need a person as a file of their own, piece by piece, each with its line and the reason.
/// Mended there, they are taken by [`mend_file`].
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else, [`AppError::TooManyRequests`]; an error in the middle ends the
/// stream.
pub async fn csv(ctx: &Ctx, id: ImportId) -> Result<impl Stream<Item = Result<String>> + use<>> {
    may_import(ctx)?;
    let headers = columns(ctx, id).await?;
    limit::take_own(ctx, limit::FILES_OF).await?;
    let header = Problem::csv_header(&headers);
    let walk = (ctx.clone(), headers, Some(0));
    let rows = stream::try_unfold(walk, move |(ctx, headers, behind)| async move {
        let Some(behind) = behind else { return Ok(None) };
        let rows = fetch(&ctx, id, behind, PIECE).await?;
        let Some(last) = rows.last().map(|row| row.line) else {
            return Ok(None);
        };
        let piece: String = rows.iter().map(|row| row.csv_line(&headers)).collect();
        let behind = (rows.len() == PIECE as usize).then_some(last);
        Ok(Some((piece, (ctx, headers, behind))))
    });
    Ok(stream::once(ready(Ok(header))).chain(rows))
}

/// Takes a row with mended values. It joins the batch of its import.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else or a row that is mended already; [`AppError::Refused`] while the
/// import runs and once it was taken back; [`AppError::Invalid`] on `row` with what is still wrong, and then the row
/// waits with the new values.
pub async fn mend(ctx: &Ctx, id: ImportId, line: u64, fields: Vec<String>) -> Result<()> {
    let done = mend_rows(ctx, id, vec![Row { line, fields }]).await?;
    if done.unknown > 0 {
        return Err(AppError::NotFound.into());
    }
    if done.still == 0 {
        return Ok(());
    }
    let still = fetch(ctx, id, line.saturating_sub(1), 1).await?;
    let reason = still.into_iter().next().map(|problem| problem.reason);
    Err(AppError::invalid("row", reason.unwrap_or_default()).into())
}

/// Takes mended rows from a file like the one that [`csv`] writes: each is known by its line.
///
/// # Errors
/// As [`mend`]; [`AppError::Invalid`] on `file` when it is none of those.
pub async fn mend_file(ctx: &Ctx, id: ImportId, file: &[u8]) -> Result<Mended> {
    may_import(ctx)?;
    let headers = columns(ctx, id).await?;
    let (mut rows, still) = mended_rows(file, &headers)?;
    let mut all = Mended {
        still,
        ..Mended::default()
    };
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(PIECE as usize));
        let done = mend_rows(ctx, id, rows).await?;
        all.taken += done.taken;
        all.still += done.still;
        all.unknown += done.unknown;
        rows = rest;
    }
    Ok(all)
}

/// The names of an import's columns.
async fn columns(ctx: &Ctx, id: ImportId) -> Result<Vec<String>> {
    let import = Import::fetch(ctx.db(), ctx, id).await?;
    Ok(import.settings()?.mapping.headers)
}

/// The rows of such a file that can be read, and how many cannot.
fn mended_rows(file: &[u8], headers: &[String]) -> Result<(Vec<Row>, u64)> {
    let refused = |sentence: &str| AppError::invalid("file", sentence);
    let dialect = Dialect::detect(file).map_err(|error| unreadable(&error))?;
    let mut reader = Reader::new(file, dialect).map_err(|error| unreadable(&error))?;
    // As a reader names them: some differ from the import's own.
    let header = Problem::csv_header(headers);
    let ours = Reader::new(header.as_bytes(), Dialect::default()).map_err(|error| unreadable(&error))?;
    let place = |name: &String| reader.headers().iter().position(|header| header == name);
    let places: Option<Vec<usize>> = ours.headers().iter().take(headers.len() + 1).map(place).collect();
    let Some((line, places)) = places.as_ref().and_then(|places| places.split_first()) else {
        let sentence = "This is not the file of this import’s rows to mend: its columns are other ones.";
        return Err(refused(sentence).into());
    };
    let (mut rows, mut still) = (Vec::new(), 0);
    while let Some(row) = reader.read().map_err(|error| unreadable(&error))? {
        // It waits as it was.
        let Ok(row) = row else {
            still += 1;
            continue;
        };
        let value = |place: &usize| {
            row.fields
                .get(*place)
                .map_or("", |value| unescape(value))
                .to_owned()
        };
        let number = value(line).trim().parse();
        let number = number.map_err(|_| refused(&format!("Line {}: “Line” is no number.", row.line)))?;
        rows.push(Row {
            line: number,
            fields: places.iter().map(value).collect(),
        });
    }
    Ok((rows, still))
}

/// Takes rows with mended values, in one transaction. Those that are still wrong wait with their new values.
async fn mend_rows(ctx: &Ctx, id: ImportId, rows: Vec<Row>) -> Result<Mended> {
    may_import(ctx)?;
    let tx = ctx.db().begin().await?;
    // One at a time: each counts what the one before has left.
    let alone = "SELECT 1 FROM import WHERE id = $1 FOR UPDATE";
    tx.execute_raw(sql(alone, [id.0.into()])).await?;
    let import = Import::fetch(&tx, ctx, id).await?;
    let state = match import.state.as_str() {
        "done" | "failed" => State::Done,
        "cancelled" => State::Cancelled,
        _ => return Err(AppError::refused("Please wait until the import is through.").into()),
    };
    let going = match import.batch {
        Some(batch) => job::is_open(&tx, batch.0).await?,
        None => false,
    };
    if import.undone || going {
        return Err(AppError::refused("This import was taken back.").into());
    }
    let settings = import.settings()?;
    let columns = settings.mapping.headers.len();
    let mapper = settings.mapping.mapper();
    let mut progress = Progress::of_ended(&tx, &import, ctx.clock().now()).await?;
    let (mut chunk, mut done) = (Chunk::default(), Mended::default());
    for row in rows {
        let values = row.fields.len();
        if values != columns {
            let sentence = format!("The row needs {columns} values, one a column; it has {values}.");
            return Err(AppError::invalid("row", sentence).into());
        }
        match take_out(&tx, id, row.line).await? {
            Some(was) => {
                uncount(&mut progress.report, was);
                chunk.add(row, &mapper);
                done.taken += 1;
            }
            None => done.unknown += 1,
        }
    }
    let before = progress.report.problem_rows;
    let mut pass = Pass::new(ctx.clone(), import, true, progress)?;
    pass.take(&tx, chunk).await?;
    pass.note_batch(&tx).await?;
    pass.keep_report(&tx, state).await?;
    tx.commit().await?;
    done.still = pass.progress.report.problem_rows - before;
    done.taken -= done.still;
    Ok(done)
}

/// Forgets a row that needed a person, and says why it did; nothing when no such row waits.
async fn take_out(tx: &DatabaseTransaction, id: ImportId, line: u64) -> Result<Option<ProblemKind>> {
    #[derive(FromQueryResult)]
    struct Was {
        kind: String,
    }
    let statement = sql(
        "DELETE FROM import_problem WHERE import = $1 AND line = $2 RETURNING kind",
        [id.0.into(), i64::try_from(line).unwrap_or(i64::MAX).into()],
    );
    let was = Was::find_by_statement(statement).one(tx).await?;
    was.map(|was| kind(&was.kind)).transpose()
}

/// Takes a row that needed a person out of the counts, before it is counted anew.
fn uncount(report: &mut ImportReport, kind: ProblemKind) {
    report.rows = report.rows.saturating_sub(1);
    report.problem_rows = report.problem_rows.saturating_sub(1);
    if let Some(count) = report.problems_by_kind.get_mut(&kind) {
        *count = count.saturating_sub(1);
    }
    report.problems_by_kind.retain(|_, count| *count > 0);
}
