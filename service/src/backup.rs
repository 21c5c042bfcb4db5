//! The whole installation as one file, and back from it.
//!
//! An archive is gzip around lines: one of JSON that says what it is ([`Head`]), then for each table one that names it and
//! its columns ([`Table`]), its rows as PostgreSQL's `COPY` writes them and `\.`, and at the end how many rows each had
//! ([`End`]), without which it is not whole. All of it is of one moment, whatever is written meanwhile.
//!
//! Redis is not in it: sessions, limits and caches come again by themselves. Nor is `SEAL_KEY`, which belongs elsewhere.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
};

use chrono::{DateTime, Utc};
use flate2::{Compression, GzBuilder, bufread::MultiGzDecoder};
use futures::TryStreamExt;
use rapport_domain::error::AppError;
use rapport_migration::{Migrator, MigratorTrait};
use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr, SqlxError,
    sqlx::{self, Acquire, AssertSqlSafe, PgConnection, Postgres, Row, pool::PoolConnection},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error, Result,
    database::{self, PATIENT},
};

/// What an archive of this shape begins with.
const FORMAT: &str = "rapport backup 1";
/// Where the rows of a table end.
const OVER: &[u8] = b"\\.\n";
/// Rows are handed to PostgreSQL in pieces of about so many bytes.
const PIECE: usize = 256 * 1024;
/// The table and the column that PostgreSQL fills in anew: numbers of transactions mean nothing in another one.
const TRANSACTION: (&str, &str) = ("change", "transaction");
/// The steps of the schema, in their order.
const APPLIED: &str = "SELECT version FROM seaql_migrations ORDER BY version";

/// What an archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its shape.
    pub format: String,
    /// The version of the program that wrote it.
    pub version: String,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The steps of the schema that it has, in their order.
    pub steps: Vec<String>,
    /// Its tables, in the order in which they come.
    pub tables: Vec<String>,
    /// The last number that each sequence drew.
    pub sequences: BTreeMap<String, i64>,
}

/// What comes next in an archive.
#[derive(Serialize, Deserialize)]
struct Table {
    table: String,
    columns: Vec<String>,
}

/// How an archive ends: the rows of each table.
#[derive(Serialize, Deserialize)]
struct End {
    rows: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Next {
    Table(Table),
    End(End),
}

/// What was written or brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the archive is.
    pub head: Head,
    /// The rows of each table.
    pub rows: BTreeMap<String, u64>,
}

/// Writes an archive, also of a schema that is older than this program. Nobody has to stop for it.
///
/// # Errors
/// [`AppError::Refused`] when the database is newer than this program; when it cannot be written.
pub async fn write(db: &DatabaseConnection, at: DateTime<Utc>, out: impl Write) -> Result<Report> {
    database::pending(db).await?;
    let mut connection = acquire(db).await?;
    let (mut tx, tables) = begin_whole(&mut connection).await?;
    let head = Head {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at,
        steps: texts(&mut tx, APPLIED).await?,
        sequences: sequences(&mut tx).await?,
        tables,
    };
    let mut out = GzBuilder::new().write(out, Compression::default());
    say(&mut out, &head)?;
    let mut rows = BTreeMap::new();
    for table in &head.tables {
        rows.insert(table.clone(), copy_out(&mut tx, table, &mut out).await?);
    }
    let end = End { rows };
    say(&mut out, &end)?;
    out.finish()
        .and_then(|mut out| out.flush())
        .map_err(|why| unwritten(&why))?;
    Ok(Report { head, rows: end.rows })
}

/// A transaction that sees one moment, and the tables in it. None of them is written anew meanwhile by a newer program that
/// migrates: to a moment before that it would seem to be empty. Hence the locks come first, and the moment after them.
async fn begin_whole(
    connection: &mut PgConnection,
) -> Result<(sqlx::Transaction<'_, sqlx::Postgres>, Vec<String>)> {
    let mut expected = tables(&mut *connection).await?;
    let mut tx = connection.begin().await.map_err(failed)?;
    loop {
        run(
            &mut tx,
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        )
        .await?;
        run(&mut tx, PATIENT).await?;
        let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", quoted(&expected));
        run(&mut tx, &lock).await?;
        let there = tables(&mut tx).await?;
        if there == expected {
            return Ok((tx, there));
        }
        // Somebody migrated while it waited.
        expected = there;
        run(&mut tx, "ROLLBACK").await?;
        run(&mut tx, "BEGIN").await?;
    }
}

/// Brings an archive back into an empty database: its schema first, as it was, then its rows, all of them or none, and
/// then what the schema has become since.
///
/// # Errors
/// [`AppError::Refused`] when the database is not empty, the archive is newer than this program, not whole, or none.
pub async fn read(db: &DatabaseConnection, archive: impl Read) -> Result<Report> {
    let mut archive = Archive::open(archive)?;
    let head = archive.head()?;
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    if !known.starts_with(&head.steps) {
        return Err(refused(
            "This backup is newer than this program. Please restore it by the newer program.",
        ));
    }
    prepare(db, &head.steps).await?;
    let rows = fill(db, &head, &mut archive).await?;
    database::migrate(db).await?;
    Ok(Report { head, rows })
}

/// Writes a table, and says how many rows it has.
async fn copy_out(tx: &mut PgConnection, table: &str, out: &mut impl Write) -> Result<u64> {
    let columns = columns(tx, table).await?;
    let copy = format!("COPY \"{table}\" ({}) TO STDOUT", quoted(&columns));
    let head = Table {
        table: table.to_owned(),
        columns,
    };
    say(out, &head)?;
    let mut many = 0;
    let mut pieces = tx.copy_out_raw(&copy).await.map_err(failed)?;
    while let Some(piece) = pieces.try_next().await.map_err(failed)? {
        // A line break within a value is written as two other characters.
        many += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        out.write_all(&piece).map_err(|why| unwritten(&why))?;
    }
    out.write_all(OVER).map_err(|why| unwritten(&why))?;
    Ok(many)
}

/// Makes the schema of these steps, unless it is there: one that was begun, or that a server has prepared.
async fn prepare(db: &DatabaseConnection, steps: &[String]) -> Result<()> {
    let mut connection = acquire(db).await?;
    let there = tables(&mut connection).await?;
    if there.is_empty() {
        return database::begin(db, steps.len()).await;
    }
    if there.iter().any(|table| table == "app_user") {
        // Whether anybody has used it is asked once nobody can any more.
        return Ok(());
    }
    Err(not_empty())
}

/// Says no unless the schema is of these steps and nobody has used it; from then on nobody can.
async fn take(tx: &mut PgConnection, steps: &[String]) -> Result<()> {
    run(tx, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE").await?;
    let people = texts(tx, "SELECT id::text FROM app_user LIMIT 1").await?;
    if people.is_empty() && texts(tx, APPLIED).await? == steps {
        Ok(())
    } else {
        Err(not_empty())
    }
}

/// Fills the tables.
async fn fill<R: Read>(
    db: &DatabaseConnection,
    head: &Head,
    archive: &mut Archive<R>,
) -> Result<BTreeMap<String, u64>> {
    let mut connection = acquire(db).await?;
    let mut tx = connection.begin().await.map_err(failed)?;
    run(&mut tx, PATIENT).await?;
    take(&mut tx, &head.steps).await?;
    let there = tables(&mut tx).await?;
    if head.tables.is_empty() || head.tables.iter().any(|table| !there.contains(table)) {
        return Err(damaged("it names a table that is none"));
    }
    // What the schema itself came with is in the archive, too; and what triggers derive is.
    run(&mut tx, &format!("TRUNCATE {}", quoted(&head.tables))).await?;
    for table in &head.tables {
        run(&mut tx, &format!("ALTER TABLE \"{table}\" DISABLE TRIGGER USER")).await?;
    }
    let rows = rows(&mut tx, head, archive).await?;
    for table in &head.tables {
        run(&mut tx, &format!("ALTER TABLE \"{table}\" ENABLE TRIGGER USER")).await?;
    }
    for (name, last) in &head.sequences {
        sqlx::query("SELECT setval(quote_ident($1)::regclass, $2)")
            .bind(name)
            .bind(last)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    }
    tx.commit().await.map_err(failed)?;
    // Without it the first questions would be planned for empty tables.
    let analyse = "SET statement_timeout = 0; ANALYZE; RESET statement_timeout";
    run(&mut connection, analyse).await?;
    Ok(rows)
}

/// Brings in the rows of all tables, and says how many they are.
async fn rows<R: Read>(
    tx: &mut PgConnection,
    head: &Head,
    archive: &mut Archive<R>,
) -> Result<BTreeMap<String, u64>> {
    let mut rows = BTreeMap::new();
    let end = loop {
        match archive.next()? {
            Next::End(end) => break end,
            Next::Table(table) => {
                let known =
                    head.tables.contains(&table.table) && table.columns == columns(tx, &table.table).await?;
                if !known {
                    return Err(damaged("it names a table or a column that is none"));
                }
                let many = copy_in(tx, &table, archive).await?;
                rows.insert(table.table, many);
            }
        }
    };
    archive.is_over()?;
    if rows != end.rows {
        return Err(damaged("rows are missing"));
    }
    // Whether all that is referred to is there; no table can be altered before that is known.
    let whole = run(tx, "SET CONSTRAINTS ALL IMMEDIATE").await;
    whole.map_err(|_| damaged("something is missing that its rows refer to"))?;
    Ok(rows)
}

async fn copy_in<R: Read>(tx: &mut PgConnection, table: &Table, archive: &mut Archive<R>) -> Result<u64> {
    let copy = format!("COPY \"{}\" ({}) FROM STDIN", table.table, quoted(&table.columns));
    let unfit = |why: SqlxError| match why.as_database_error() {
        Some(said) => damaged(&format!("PostgreSQL refuses rows of {}: {said}", table.table)),
        None => failed(why),
    };
    let mut rows = tx.copy_in_raw(&copy).await.map_err(failed)?;
    loop {
        match archive.piece() {
            Ok((piece, over)) => {
                rows.send(piece).await.map_err(unfit)?;
                if over {
                    return rows.finish().await.map_err(unfit);
                }
            }
            Err(error) => {
                // What it says to that is of no interest.
                let _ = rows.abort("the backup cannot be read").await;
                return Err(error);
            }
        }
    }
}

/// An archive that is being read.
struct Archive<R: Read> {
    lines: BufReader<MultiGzDecoder<BufReader<R>>>,
}

impl<R: Read> Archive<R> {
    fn open(archive: R) -> Result<Self> {
        Ok(Self {
            lines: BufReader::new(MultiGzDecoder::new(BufReader::new(archive))),
        })
    }

    fn head(&mut self) -> Result<Head> {
        let none = || refused("This is no backup of Rapport.");
        let head: Head = self.line().map_err(|_| none())?;
        if head.format == FORMAT {
            Ok(head)
        } else {
            Err(none())
        }
    }

    fn next(&mut self) -> Result<Next> {
        self.line()
    }

    fn line<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = Vec::new();
        self.lines
            .read_until(b'\n', &mut line)
            .map_err(|_| damaged("it cannot be unpacked"))?;
        let line = line
            .strip_suffix(b"\n")
            .ok_or_else(|| damaged("it ends too early"))?;
        serde_json::from_slice(line).map_err(|_| damaged("it cannot be read"))
    }

    /// Some rows more of the table that is being read, and whether they are the last.
    fn piece(&mut self) -> Result<(Vec<u8>, bool)> {
        let mut piece = Vec::with_capacity(PIECE);
        while piece.len() < PIECE {
            let before = piece.len();
            self.lines
                .read_until(b'\n', &mut piece)
                .map_err(|_| damaged("it cannot be unpacked"))?;
            let line = piece.get(before..).unwrap_or_default();
            if line == OVER {
                piece.truncate(before);
                return Ok((piece, true));
            }
            if line.last() != Some(&b'\n') {
                return Err(damaged("it ends too early"));
            }
        }
        Ok((piece, false))
    }

    /// Reads to the end of the file, whose checksum stands there.
    fn is_over(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        match self.lines.read_to_end(&mut rest) {
            Ok(0) => Ok(()),
            _ => Err(damaged("something follows its end")),
        }
    }
}

fn say(out: &mut impl Write, what: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, what).map_err(|why| unwritten(&why.into()))?;
    out.write_all(b"\n").map_err(|why| unwritten(&why))
}

async fn acquire(db: &DatabaseConnection) -> Result<PoolConnection<Postgres>> {
    db.get_postgres_connection_pool().acquire().await.map_err(failed)
}

/// The tables, each behind those that it refers to: neither those of extensions nor those that a crash may empty.
async fn tables(tx: &mut PgConnection) -> Result<Vec<String>> {
    let all = "SELECT relname::text FROM pg_class AS c WHERE relkind IN ('r', 'p') AND relpersistence = 'p' \
         AND relname <> 'seaql_migrations' AND relnamespace = current_schema()::regnamespace \
         AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY relname";
    let references = "SELECT one.relname::text AS one, other.relname::text AS other FROM pg_constraint AS k \
         JOIN pg_class AS one ON one.oid = k.conrelid JOIN pg_class AS other ON other.oid = k.confrelid \
         WHERE k.contype = 'f' AND one.oid <> other.oid AND one.relnamespace = current_schema()::regnamespace";
    let rows = sqlx::query(references)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
    let references: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row.get("one"), row.get("other")))
        .collect();
    let mut left = texts(tx, all).await?;
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let waits = |table: &String| {
            let mut of_table = references.iter().filter(|(one, _)| one == table);
            of_table.any(|(_, other)| left.contains(other))
        };
        let (later, now): (Vec<String>, Vec<String>) = left.clone().into_iter().partition(waits);
        if now.is_empty() {
            return Err(Error::Stored(format!(
                "tables that refer to each other: {later:?}"
            )));
        }
        sorted.extend(now);
        left = later;
    }
    Ok(sorted)
}

/// The columns of a table that are not derived from the others.
async fn columns(tx: &mut PgConnection, table: &str) -> Result<Vec<String>> {
    let columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = quote_ident($1)::regclass AND attnum > 0 \
         AND NOT attisdropped AND attgenerated = '' ORDER BY attnum";
    let columns = sqlx::query_scalar(columns).bind(table).fetch_all(tx).await;
    let mut columns: Vec<String> = columns.map_err(failed)?;
    columns.retain(|column| (table, column.as_str()) != TRANSACTION);
    Ok(columns)
}

async fn sequences(tx: &mut PgConnection) -> Result<BTreeMap<String, i64>> {
    let sequences = "SELECT sequencename::text AS name, last_value AS last FROM pg_sequences \
         WHERE schemaname = current_schema() AND last_value IS NOT NULL";
    let rows = sqlx::query(sequences).fetch_all(tx).await.map_err(failed)?;
    Ok(rows
        .iter()
        .map(|row| (row.get("name"), row.get("last")))
        .collect())
}

async fn texts(tx: &mut PgConnection, sql: &'static str) -> Result<Vec<String>> {
    sqlx::query_scalar(sql).fetch_all(tx).await.map_err(failed)
}

/// Names of this schema itself, as SQL.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

async fn run(tx: &mut PgConnection, sql: &str) -> Result<()> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(tx).await;
    done.map(drop).map_err(failed)
}

/// What PostgreSQL refused, as everywhere else.
fn failed(why: SqlxError) -> Error {
    DbErr::Query(RuntimeErr::SqlxError(why.into())).into()
}

fn not_empty() -> Error {
    refused(
        "This database is not empty. Please make a new one, let DATABASE_URL lead to it, and restore there.",
    )
}

fn refused(reason: &str) -> Error {
    AppError::refused(reason).into()
}

fn damaged(how: &str) -> Error {
    refused(&format!(
        "This backup is not whole, or was changed: {how}. Nothing was restored of it."
    ))
}

fn unwritten(why: &io::Error) -> Error {
    refused(&format!("The backup cannot be written: {why}."))
}
