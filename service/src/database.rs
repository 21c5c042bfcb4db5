//! The pool of connections to PostgreSQL, and the schema in it.
//!
//! A frozen server honours no timeout of its own, so each wait has one on this side too: for a connection here, for a
//! query by the deadline of the request that asks. A query dropped at that deadline leaves its connection in the
//! middle of an answer; the pool gets it back only once that answer has passed.

use std::{collections::BTreeSet, io, time::Duration};

use log::LevelFilter;
use rapport_domain::error::AppError;
use rapport_migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    FromQueryResult, SqlxError, TransactionTrait, sqlx,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{Result, sql::sql};

mod held;

pub(crate) use held::Db;
pub use held::Hold;

/// How long a request waits for a free connection.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// A connection that was idle this long is tried out before it is used: its server may have gone meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long a connection whose query was dropped may take to come to rest before it is closed.
const REST_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Closes idle connections that a burst opened.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Renews every connection now and then, so that a long life cannot pile anything up.
const LIFETIME: Duration = Duration::from_secs(1_800);
/// From here on a statement is logged as slow.
const SLOW_STATEMENT: Duration = Duration::from_millis(500);

/// What the server itself enforces, the second wall behind the deadlines of this side. The last line makes it notice,
/// in the middle of a statement, that the one who asked has closed the connection.
const SERVER_SETTINGS: [(&str, &str); 3] = [
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("client_connection_check_interval", "500ms"),
];

/// Lifts the first two for one transaction: whoever reads or writes all of it takes as long as it takes.
pub(crate) const PATIENT: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// How long a step of the schema waits for a table that somebody holds, as a backup does: whoever comes to that table
/// meanwhile waits behind it.
const STEP_WAITS: &str = "SET LOCAL lock_timeout = '2s'";
/// How often the steps are tried then, and the pause that lets those through who waited: half an hour in all.
const STEP_TRIES: u32 = 600;
const STEP_PAUSE: Duration = Duration::from_secs(1);
/// The SQLSTATE of a lock that could not be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Prepares a pool. Connects when the first query comes, so that it also succeeds while PostgreSQL is away.
///
/// # Errors
/// When the URL is wrong.
pub async fn connect(url: &str, max_connections: u32) -> Result<DatabaseConnection> {
    connect_with(url, max_connections, PATIENCE).await
}

/// As [`connect`], with so much patience for a free connection.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with(url: &str, max_connections: u32, patience: Duration) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .connect_lazy(true)
        .max_connections(max_connections)
        .acquire_timeout(patience)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(LIFETIME)
        .test_before_acquire_if_idle_for(TRUSTED_IDLE)
        .sqlx_logging_level(LevelFilter::Debug)
        .sqlx_slow_statements_logging_settings(LevelFilter::Warn, SLOW_STATEMENT)
        .map_sqlx_postgres_opts(|options| options.application_name("rapport").options(SERVER_SETTINGS))
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(come_to_rest(connection)))
        });
    Ok(Database::connect(options).await?)
}

/// Waits until what a dropped query left under way has passed; costs nothing when nothing is. The pool itself would
/// wait without end, and a frozen server would take every connection from it.
async fn come_to_rest(connection: &mut sqlx::PgConnection) -> std::result::Result<bool, SqlxError> {
    match timeout(REST_TIMEOUT, sqlx::Connection::flush(connection)).await {
        Ok(rested) => rested.map(|()| true),
        Err(_) => Err(SqlxError::Io(io::ErrorKind::TimedOut.into())),
    }
}

/// Asks whether the database is there.
///
/// # Errors
/// When it does not answer.
pub async fn ping(db: &DatabaseConnection) -> Result<()> {
    match timeout(PING_TIMEOUT, db.ping()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(DbErr::Conn(sea_orm::RuntimeErr::Internal("no answer to a ping".to_owned())).into()),
    }
}

/// What only one server may do at a time, each with its number for PostgreSQL's advisory locks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    Migrate = 0x7261_7001,
    SetUp = 0x7261_7002,
    /// A chunk of an import.
    Import = 0x7261_7003,
    // 0x7261_7004 keeps the last admin: the trigger that asks for it takes it.
    /// A block of the journal's seal.
    Seal = 0x7261_7005,
    /// A change of a tag everywhere.
    Tags = 0x7261_7006,
}

/// Takes the lock until the transaction ends; waits while another has it.
pub(crate) async fn lock(tx: &DatabaseTransaction, lock: Lock) -> Result<()> {
    tx.execute_raw(sql("SELECT pg_advisory_xact_lock($1)", [(lock as i64).into()]))
        .await?;
    Ok(())
}

/// Takes the time of these people until the transaction ends, always in the same order: whoever books for one of them
/// waits here, in turn, and not in the middle of the others' changes.
pub(crate) async fn lock_staff(tx: &DatabaseTransaction, staff: BTreeSet<Uuid>) -> Result<()> {
    let staff: Vec<Uuid> = staff.into_iter().collect();
    let statement = sql(
        "SELECT pg_advisory_xact_lock(turn.key) \
         FROM (SELECT hashtextextended(id::text, 0) AS key FROM unnest($1::uuid[]) AS s (id) ORDER BY 1) AS turn",
        [staff.into()],
    );
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Brings the schema up to date, all of it or nothing, and says which steps that took. Of two servers that migrate at
/// once one waits, and then finds nothing to do.
///
/// # Errors
/// [`AppError::Refused`] when the database is newer than this program; and when a migration fails.
pub async fn migrate(db: &DatabaseConnection) -> Result<Vec<String>> {
    let (tx, steps) = step_up(db).await?;
    tx.commit().await?;
    Ok(steps)
}

/// Does all that [`migrate`] would, and takes it back: says which steps it would take, and that they go through.
///
/// # Errors
/// As [`migrate`].
pub async fn rehearse(db: &DatabaseConnection) -> Result<Vec<String>> {
    let (tx, steps) = step_up(db).await?;
    tx.rollback().await?;
    Ok(steps)
}

/// Makes the schema as it was after its first steps, where there is none.
pub(crate) async fn begin(db: &DatabaseConnection, steps: usize) -> Result<()> {
    let tx = alone(db).await?;
    // Another one may have begun meanwhile.
    if pending(&tx).await?.len() == Migrator::migrations().len() {
        Migrator::up(&tx, Some(u32::try_from(steps).unwrap_or(u32::MAX))).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn step_up(db: &DatabaseConnection) -> Result<(DatabaseTransaction, Vec<String>)> {
    let mut tries = 1;
    loop {
        let tx = alone(db).await?;
        match take_steps(&tx).await {
            Ok(steps) => return Ok((tx, steps)),
            Err(error) if error.sql_state().as_deref() == Some(LOCK_NOT_AVAILABLE) && tries < STEP_TRIES => {
                tx.rollback().await?;
                tracing::info!("somebody holds a table that a step changes; trying again");
                sleep(STEP_PAUSE).await;
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn take_steps(tx: &DatabaseTransaction) -> Result<Vec<String>> {
    let steps = pending(tx).await?;
    if !steps.is_empty() {
        tx.execute_unprepared(STEP_WAITS).await?;
        Migrator::up(tx, None).await?;
    }
    Ok(steps)
}

/// A transaction in which nobody else migrates.
async fn alone(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let tx = db.begin().await?;
    // The other server's migrations and our own may take their time.
    tx.execute_unprepared(PATIENT).await?;
    lock(&tx, Lock::Migrate).await?;
    Ok(tx)
}

/// Says no unless the schema is exactly the one that this program knows.
///
/// # Errors
/// [`AppError::Refused`] with what to do about it.
pub async fn check_schema(db: &DatabaseConnection) -> Result<()> {
    if pending(db).await?.is_empty() {
        return Ok(());
    }
    let reason = "This database is older than this program. Please run “rapport migrate”.";
    Err(AppError::refused(reason).into())
}

#[derive(FromQueryResult)]
struct Applied {
    version: String,
}

/// The steps that are still to be taken, oldest first.
///
/// # Errors
/// [`AppError::Refused`] when the database is newer than this program.
pub async fn pending(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let table = sql("SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL", []);
    let applied: BTreeSet<String> = if db.query_one_raw(table).await?.is_some() {
        let rows = Applied::find_by_statement(sql("SELECT version FROM seaql_migrations", []))
            .all(db)
            .await?;
        rows.into_iter().map(|row| row.version).collect()
    } else {
        BTreeSet::new()
    };
    let known: BTreeSet<String> = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    if applied.is_subset(&known) {
        Ok(known.difference(&applied).cloned().collect())
    } else {
        let reason = "This database is newer than this program. Please start the newer program.";
        Err(AppError::refused(reason).into())
    }
}
