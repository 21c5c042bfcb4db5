//! A database for each test, cloned from one that was migrated once.

use std::{
    fs,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rapport_service::database;
use sea_orm::{
    DatabaseConnection,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row},
};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{PATIENCE, environment};

/// What the name of every database that is made, cloned or dropped here begins with.
const PREFIX: &str = "rapport_test_";
/// A database that is older than this was left behind by a run that was killed.
const STALE: Duration = Duration::from_secs(3_600);
/// How long a test waits for its database to be gone.
const DROPPED_WITHIN: Duration = Duration::from_secs(3);
/// The number of the advisory lock under which the template is made; `tests` in ASCII.
const TEMPLATE_LOCK: i64 = 0x0074_6573_7473;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A database of its own, gone when this is dropped.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A database with the present schema.
    ///
    /// # Panics
    /// When `TEST_DATABASE_URL` is missing, or PostgreSQL is.
    pub async fn new() -> Self {
        let template = TEMPLATE.get_or_init(make_template).await;
        Self::make(&format!(" TEMPLATE {template}")).await
    }

    /// A database without anything in it, for tests of the migrations themselves.
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    pub async fn empty() -> Self {
        Self::make("").await
    }

    async fn make(how: &str) -> Self {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let name = format!("{PREFIX}{seconds}_{}", &Uuid::new_v4().simple().to_string()[..12]);
        let mut admin = connect(&environment("TEST_DATABASE_URL")).await;
        run(&mut admin, &format!("CREATE DATABASE {}{how}", guarded(&name)))
            .await
            .expect("a database for the test");
        Self { name }
    }

    /// Where it is.
    ///
    /// # Panics
    /// When `TEST_DATABASE_URL` is missing.
    #[must_use]
    pub fn url(&self) -> String {
        with_database(&environment("TEST_DATABASE_URL"), &self.name)
    }

    /// A pool of the program's own, on it.
    ///
    /// # Panics
    /// When the URL cannot be read.
    pub async fn pool(&self) -> DatabaseConnection {
        database::connect_with(&self.url(), 5, PATIENCE)
            .await
            .expect("a pool for the test")
    }

    /// Runs SQL past the program, to arrange what no command of it would.
    ///
    /// # Panics
    /// When PostgreSQL refuses it.
    pub async fn run(&self, sql: &str) {
        run(&mut connect(&self.url()).await, sql)
            .await
            .expect("what the test arranges");
    }

    /// Reads one value, as text, past the program.
    ///
    /// # Panics
    /// When there is not exactly one row with one text.
    pub async fn read(&self, sql: &str) -> String {
        let mut connection = connect(&self.url()).await;
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("one row");
        row.get(0)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", guarded(&self.name));
        let (done, is_done) = mpsc::channel();
        // The test's runtime may be at its end: this has its own. What fails here is swept by a later run.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect(&environment("TEST_DATABASE_URL")).await {
                    run(&mut admin, &drop).await.ok();
                }
            });
            done.send(()).ok();
        });
        // Not for ever: PostgreSQL drops nothing while a connection is being opened, and it may be the runtime that waits
        // here which opens it.
        is_done.recv_timeout(DROPPED_WITHIN).ok();
    }
}

/// Refuses every name that is not one of ours: nothing here ever touches another database.
fn guarded(name: &str) -> &str {
    let ours = name
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    assert!(ours, "“{name}” is not a database of the tests");
    name
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the PostgreSQL of TEST_DATABASE_URL answers")
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(|_| ())
}

fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = address.rsplit_once('/').unwrap_or((address, ""));
    if query.is_empty() {
        format!("{server}/{name}")
    } else {
        format!("{server}/{name}?{query}")
    }
}

/// Makes the template of the present migrations unless there is one, under a lock that all test programs share.
async fn make_template() -> String {
    let admin_url = environment("TEST_DATABASE_URL");
    let name = format!("{PREFIX}template_{}", &migrations_digest()[..16]);
    let mut admin = connect(&admin_url).await;
    run(&mut admin, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"))
        .await
        .expect("the lock on the template");
    sweep(&mut admin, &name).await;
    if !databases(&mut admin).await.contains(&name) {
        let half = format!("{}_half", guarded(&name));
        run(
            &mut admin,
            &format!("DROP DATABASE IF EXISTS {half} WITH (FORCE)"),
        )
        .await
        .expect("no half template");
        run(&mut admin, &format!("CREATE DATABASE {half}"))
            .await
            .expect("a new template");
        let pool = database::connect_with(&with_database(&admin_url, &half), 1, PATIENCE)
            .await
            .expect("a pool on the template");
        database::migrate(&pool).await.expect("the migrations run");
        pool.close().await.expect("the pool closes");
        run(&mut admin, &format!("ALTER DATABASE {half} RENAME TO {name}"))
            .await
            .expect("the template gets its name");
    }
    name
}

async fn databases(admin: &mut PgConnection) -> Vec<String> {
    let ours = "SELECT datname::text FROM pg_database WHERE starts_with(datname::text, $1)";
    let rows = sqlx::query(ours)
        .bind(PREFIX)
        .fetch_all(admin)
        .await
        .expect("the list of databases");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Drops what earlier runs left behind, and templates of other migrations.
async fn sweep(admin: &mut PgConnection, template: &str) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    for name in databases(admin).await {
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        let made = rest
            .split('_')
            .next()
            .and_then(|seconds| seconds.parse::<u64>().ok());
        let stale = match made {
            Some(made) => now.saturating_sub(made) > STALE.as_secs(),
            None => rest.starts_with("template_") && name != template,
        };
        if stale {
            // Another checkout may be using its own template at this moment: then this fails, and that is fine.
            let force = if made.is_some() { " WITH (FORCE)" } else { "" };
            run(
                admin,
                &format!("DROP DATABASE IF EXISTS {}{force}", guarded(&name)),
            )
            .await
            .ok();
        }
    }
}

/// A digest of the sources of all migrations.
fn migrations_digest() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migration/src");
    let entries = fs::read_dir(&folder).expect("the sources of the migrations");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a source of a migration").path())
        .collect();
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(fs::read(file).expect("a source of a migration"));
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
