//! The file on its way in: kept in the database as it comes, so that an upload goes on where it stopped, and any server
//! can read it.

use std::io::{self, Read};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::{
    error::AppError,
    id::ImportId,
    import::{Dialect, FILE_BYTES_MAX, ImportSettings, Mapping, Rules, Sample, Uploaded, source_of},
    text,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{history::Import, may_import, unreadable};
use crate::{Ctx, Error, Result, limit, sql::sql};

/// The most bytes in one piece of a file.
pub const PIECE_MAX: usize = 1 << 20;
/// The fewest, unless it is the last: enough to see what kind of file it is.
const PIECE_MIN: usize = 1 << 16;
/// How many rows the columns are guessed from.
const SAMPLE_ROWS: usize = 200;
/// How long an upload waits for its next piece.
const ABANDONED: TimeDelta = TimeDelta::days(1);
/// How long a file that is here waits to be brought in.
const FORGOTTEN: TimeDelta = TimeDelta::days(30);
/// The most bytes of one person's files that wait to be brought in.
const WAITING_BYTES_MAX: i64 = 2 << 30;
/// How the names of files end that can be read.
const ENDINGS: [&str; 4] = ["csv", "tsv", "tab", "txt"];
/// The longest name of a file, in characters.
const NAME_MAX: usize = 200;

/// A file that somebody wants to bring in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImport {
    /// Minted with the form.
    pub id: ImportId,
    /// Its name, without folders.
    pub file: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// When it was last changed, in milliseconds since 1970; 0 where that is not known.
    pub stamp: i64,
}

#[derive(FromQueryResult)]
struct Upload {
    id: Uuid,
    file: String,
    size: i64,
    received: i64,
    state: String,
}

impl Upload {
    fn received(&self, more: usize) -> Uploaded {
        let bytes = u64::try_from(self.received).unwrap_or_default() + more as u64;
        Uploaded {
            id: ImportId(self.id),
            bytes,
            complete: bytes >= u64::try_from(self.size).unwrap_or_default(),
        }
    }
}

/// Begins an upload, or goes on with one of the same file that the same person did not finish.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to make customers; [`AppError::Invalid`] on `file` when it is empty or too
/// large, by its name something else, or beside too much that waits already; [`AppError::TooManyRequests`].
pub async fn begin(ctx: &Ctx, new: NewImport) -> Result<Uploaded> {
    may_import(ctx)?;
    if new.size == 0 {
        return Err(AppError::invalid("file", "The file is empty.").into());
    }
    if new.size > FILE_BYTES_MAX {
        let most = FILE_BYTES_MAX >> 20;
        let sentence = format!("The file is too large: at most {most} MB. Please split it.");
        return Err(AppError::invalid("file", sentence).into());
    }
    let (file, size) = (file_name(&new.file), i64::try_from(new.size).unwrap_or(i64::MAX));
    if !has_fit_ending(&file) {
        let sentence =
            "The name says that this is no file of text. Please choose one that ends in .csv, .tsv or .txt.";
        return Err(AppError::invalid("file", sentence).into());
    }
    let actor = ctx.actor().user.0;
    let waiting = Upload::find_by_statement(sql(
        "SELECT id, file, size, received, state FROM import WHERE actor = $1 AND state = 'uploading' \
           AND (id = $5 OR (file = $2 AND size = $3 AND stamp = $4 AND stamp <> 0)) \
         ORDER BY created_at DESC LIMIT 1",
        [
            actor.into(),
            file.clone().into(),
            size.into(),
            new.stamp.into(),
            new.id.0.into(),
        ],
    ));
    if let Some(upload) = waiting.one(ctx.db()).await? {
        return Ok(upload.received(0));
    }
    limit::take_own(ctx, limit::FILES_OF).await?;
    refuse_hoard(ctx, size).await?;
    let statement = sql(
        "INSERT INTO import (id, actor, file, size, stamp, state, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 'uploading', $6, $6) ON CONFLICT DO NOTHING",
        [
            new.id.0.into(),
            actor.into(),
            file.into(),
            size.into(),
            new.stamp.into(),
            ctx.clock().now().into(),
        ],
    );
    if ctx.db().execute_raw(statement).await?.rows_affected() == 0 {
        return Err(
            AppError::refused("This import is under way already. Please choose the file again.").into(),
        );
    }
    Ok(Uploaded {
        id: new.id,
        bytes: 0,
        complete: false,
    })
}

/// Refuses a file beside so many of the actor's that wait already.
async fn refuse_hoard(ctx: &Ctx, more: i64) -> Result<()> {
    let statement = sql(
        "SELECT 1 FROM import WHERE actor = $1 AND state IN ('uploading', 'ready') HAVING sum(size) + $2::bigint > $3::bigint",
        [ctx.actor().user.0.into(), more.into(), WAITING_BYTES_MAX.into()],
    );
    if ctx.db().query_one_raw(statement).await?.is_none() {
        return Ok(());
    }
    let most = WAITING_BYTES_MAX >> 30;
    let sentence = format!(
        "Your files that wait to be brought in would take more than {most} GB. Bring one of them in, or throw it away."
    );
    Err(AppError::invalid("file", sentence).into())
}

/// Whether a name ends as one of a file that can be read, or in nothing that says what it is.
fn has_fit_ending(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let says_nothing = !ending.starts_with(|c: char| c.is_ascii_alphabetic());
    says_nothing || ENDINGS.iter().any(|fit| ending.eq_ignore_ascii_case(fit))
}

/// A file's name as it is shown and kept: without folders, control characters and what would turn the text around.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = name
        .chars()
        .filter(|c| !c.is_control() && !text::turns_direction(*c));
    let name: String = visible.take(NAME_MAX).collect();
    match name.trim() {
        "" => "file.csv".to_owned(),
        name => name.to_owned(),
    }
}

/// Takes a piece of the file. A piece that does not begin where the last one ended changes nothing; the answer says
/// where to go on.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else; [`AppError::Invalid`] on `file` when the file turns out to be
/// none that can be read, which ends the import.
pub async fn receive(ctx: &Ctx, id: ImportId, at: u64, bytes: &[u8]) -> Result<Uploaded> {
    may_import(ctx)?;
    let tx = ctx.db().begin().await?;
    let upload = Upload::find_by_statement(sql(
        "SELECT id, file, size, received, state FROM import WHERE id = $1 AND actor = $2 FOR UPDATE",
        [id.0.into(), ctx.actor().user.0.into()],
    ))
    .one(&tx)
    .await?
    .ok_or(AppError::NotFound)?;
    let standing = upload.received(0);
    if upload.state != "uploading" || standing.bytes != at {
        return Ok(standing);
    }
    let received = upload.received(bytes.len());
    if received.bytes > u64::try_from(upload.size).unwrap_or_default() {
        return Err(
            AppError::invalid("file", "More came than the file is long. Please choose it again.").into(),
        );
    }
    if bytes.len() > PIECE_MAX || (bytes.len() < PIECE_MIN && !received.complete) {
        return Err(AppError::invalid("file", "This is no piece of a file.").into());
    }
    if at == 0 {
        match first_look(&upload.file, bytes, received.complete) {
            Ok(settings) => keep_settings(&tx, id, &settings).await?,
            Err(error) => {
                tx.rollback().await?;
                forget(ctx, id).await?;
                return Err(error.into());
            }
        }
    }
    let piece = sql(
        "INSERT INTO import_piece (import, at, bytes) VALUES ($1, $2, $3)",
        [
            id.0.into(),
            i64::try_from(at).unwrap_or(i64::MAX).into(),
            bytes.to_vec().into(),
        ],
    );
    tx.execute_raw(piece).await?;
    let note = sql(
        "UPDATE import SET received = $2, updated_at = $3, \
                state = CASE WHEN $2 >= size THEN 'ready' ELSE state END WHERE id = $1",
        [
            id.0.into(),
            i64::try_from(received.bytes).unwrap_or(i64::MAX).into(),
            ctx.clock().now().into(),
        ],
    );
    tx.execute_raw(note).await?;
    tx.commit().await?;
    Ok(received)
}

/// How a file is probably read and mapped, from its beginning.
fn first_look(file: &str, head: &[u8], whole: bool) -> std::result::Result<ImportSettings, AppError> {
    let dialect = Dialect::detect(head).map_err(|error| unreadable(&error))?;
    let sample = sample(head, dialect, whole)?;
    let mapping = Mapping::guess(&sample.headers, &sample.rows, &source_of(file));
    Ok(ImportSettings {
        dialect,
        mapping,
        rules: Rules::default(),
    })
}

/// The names of the columns and the first rows of a file, from its beginning.
pub(super) fn sample(head: &[u8], dialect: Dialect, whole: bool) -> std::result::Result<Sample, AppError> {
    Sample::read(head, whole, dialect, SAMPLE_ROWS).map_err(|error| unreadable(&error))
}

pub(super) async fn keep_settings(
    tx: &DatabaseTransaction,
    id: ImportId,
    settings: &ImportSettings,
) -> Result<()> {
    let statement = sql(
        "UPDATE import SET settings = $2, forecast = NULL WHERE id = $1",
        [id.0.into(), serde_json::to_value(settings)?.into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Throws an import away that has written nothing.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else; [`AppError::Refused`] once it has begun.
pub async fn forget(ctx: &Ctx, id: ImportId) -> Result<()> {
    may_import(ctx)?;
    Import::fetch(ctx.db(), ctx, id).await?;
    let statement = sql(
        "DELETE FROM import WHERE id = $1 AND state IN ('uploading', 'ready') AND NOT EXISTS \
           (SELECT 1 FROM job WHERE subject = $1 AND state IN ('waiting', 'running'))",
        [id.0.into()],
    );
    match ctx.db().execute_raw(statement).await?.rows_affected() {
        0 => Err(AppError::refused("This import has begun; it cannot be thrown away any more.").into()),
        _ => Ok(()),
    }
}

/// Throws uploads away that nobody has gone on with for a day, and files that nobody has brought in for a month.
pub(crate) async fn sweep(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
    let statement = sql(
        "DELETE FROM import WHERE (state = 'uploading' AND updated_at < $1) OR (state = 'ready' AND updated_at < $2 \
           AND NOT EXISTS (SELECT 1 FROM job WHERE subject = import.id AND state IN ('waiting', 'running')))",
        [(now - ABANDONED).into(), (now - FORGOTTEN).into()],
    );
    db.execute_raw(statement).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Piece {
    at: i64,
    bytes: Vec<u8>,
}

/// The piece in which a byte of the file lies; none behind its end.
async fn piece(db: &impl ConnectionTrait, import: Uuid, byte: u64) -> Result<Option<Piece>> {
    let statement = sql(
        "SELECT at, bytes FROM import_piece WHERE import = $1 AND at <= $2 ORDER BY at DESC LIMIT 1",
        [import.into(), i64::try_from(byte).unwrap_or(i64::MAX).into()],
    );
    Ok(Piece::find_by_statement(statement).one(db).await?)
}

/// The beginning of a file that is here, and whether that is all of it.
pub(super) async fn head(db: &impl ConnectionTrait, import: Uuid, size: u64) -> Result<(Vec<u8>, bool)> {
    let piece = piece(db, import, 0).await?.ok_or(AppError::NotFound)?;
    let whole = piece.bytes.len() as u64 >= size;
    Ok((piece.bytes, whole))
}

/// Reads a file that is here, from a byte on. It waits for the database, so it belongs on a thread of its own.
pub(super) struct Staged {
    pub(super) db: DatabaseConnection,
    pub(super) runtime: Handle,
    pub(super) import: Uuid,
    /// The next byte that is read.
    pub(super) at: u64,
    /// What of it is in memory, and where in the file that begins.
    pub(super) piece: Vec<u8>,
    pub(super) begins: u64,
}

impl Staged {
    pub(super) fn new(ctx: &Ctx, import: Uuid, at: u64) -> Self {
        Self {
            db: ctx.db().pool().clone(),
            runtime: Handle::current(),
            import,
            at,
            piece: Vec::new(),
            begins: 0,
        }
    }

    fn rest(&self) -> &[u8] {
        let skip = self
            .at
            .checked_sub(self.begins)
            .and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.piece.get(skip..)).unwrap_or_default()
    }
}

impl Read for Staged {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.rest().is_empty() {
            let next = self.runtime.block_on(piece(&self.db, self.import, self.at));
            match next.map_err(|error: Error| io::Error::other(error.to_string()))? {
                Some(piece) => {
                    self.begins = u64::try_from(piece.at).unwrap_or_default();
                    self.piece = piece.bytes;
                }
                None => return Ok(0),
            }
        }
        let count = self.rest().read(target)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_only_a_name() {
        assert_eq!(file_name("../../etc/customers.csv"), "customers.csv");
        assert_eq!(file_name("C:\\Users\\x\\a b.csv"), "a b.csv");
        assert_eq!(file_name("a\0\n\u{202e}vsc.csv"), "avsc.csv");
        assert_eq!(file_name("/"), "file.csv");
        assert_eq!(file_name(&"x".repeat(999)).chars().count(), NAME_MAX);
    }

    #[test]
    fn a_name_that_says_that_it_is_something_else_is_refused() {
        for fit in [
            "a.csv",
            "A.CSV",
            "a b.tsv",
            "a.tab",
            "a.xlsx.txt",
            "customers",
            "customers 24.11.2026",
            "a.",
        ] {
            assert!(has_fit_ending(fit), "{fit}");
        }
        for other in ["a.xlsx", "a.csv.exe", "a.PDF", "a.html", ".htaccess"] {
            assert!(!has_fit_ending(other), "{other}");
        }
    }
}
