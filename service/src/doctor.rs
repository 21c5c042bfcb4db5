//! Whether what Rapport stands on is as it has to be, for the one who hosts: each finding says what to do.

use std::time::Instant;

use chrono::TimeDelta;
use sea_orm::{DatabaseConnection, FromQueryResult};

use crate::{Result, clock::Clock, database, redis::Redis, seal, sql::sql};

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Well,
    /// It works, and something about it is worth knowing.
    Odd,
    /// It does not work, or it can lose something.
    Wrong,
}

/// What was found about a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The part, in a word.
    pub what: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What there is to say, and to do.
    pub said: String,
}

impl Finding {
    /// All is well with it.
    pub fn well(what: &'static str, said: impl Into<String>) -> Self {
        Self::of(what, Verdict::Well, said)
    }

    /// It works, but.
    pub fn odd(what: &'static str, said: impl Into<String>) -> Self {
        Self::of(what, Verdict::Odd, said)
    }

    /// Something has to be done.
    pub fn wrong(what: &'static str, said: impl Into<String>) -> Self {
        Self::of(what, Verdict::Wrong, said)
    }

    fn of(what: &'static str, verdict: Verdict, said: impl Into<String>) -> Self {
        Self {
            what,
            verdict,
            said: said.into(),
        }
    }
}

/// The versions of PostgreSQL that Rapport is tried on.
const VERSIONS: std::ops::RangeInclusive<i32> = 15..=18;
/// The oldest Redis.
const REDIS: u32 = 7;
/// How far the clocks of two machines may be apart, in seconds.
const APART: i64 = 2;
/// From here on an open transaction holds up the seal and the webhooks for long, in seconds.
const LONG: f64 = 600.0;

#[derive(FromQueryResult)]
struct Server {
    version: i32,
    said: String,
    encoding: String,
    durable: bool,
    millis: i64,
    most: i32,
    may_create: bool,
    missing: Vec<String>,
    collates: bool,
    oldest: f64,
}

/// PostgreSQL, the database in it, and its seal.
pub async fn postgresql(
    db: &DatabaseConnection,
    clock: &Clock,
    connections: u32,
    key: Option<&seal::Key>,
) -> Vec<Finding> {
    // The first question also waits for the way there.
    let (began, asked) = match database::ping(db).await {
        Ok(()) => (Instant::now(), clock.now()),
        Err(error) => {
            return vec![Finding::wrong(
                "postgresql",
                format!("DATABASE_URL leads nowhere: {error}"),
            )];
        }
    };
    let server = match server(db).await {
        Ok(server) => server,
        Err(error) => {
            let why = format!("DATABASE_URL leads nowhere: {error}");
            return vec![Finding::wrong("postgresql", why)];
        }
    };
    let millis = began.elapsed().as_millis();
    let mut found = vec![version(&server, millis)];
    found.extend(settings(&server, connections));
    let asked = asked + (clock.now() - asked) / 2;
    let apart = TimeDelta::milliseconds(server.millis) - TimeDelta::milliseconds(asked.timestamp_millis());
    let apart = apart.abs().num_seconds();
    found.push(if apart <= APART {
        Finding::well("clock", "this machine and PostgreSQL agree")
    } else {
        let said = format!("this machine and PostgreSQL are {apart} s apart: set both by NTP");
        Finding::wrong("clock", said)
    });
    found.push(match database::check_schema(db).await {
        Ok(()) => Finding::well("schema", "is that of this program"),
        Err(error) => Finding::wrong("schema", error.to_string()),
    });
    found.push(sealed(db, key).await);
    found
}

async fn server(db: &DatabaseConnection) -> Result<Server> {
    let statement = sql(
        "SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('server_version') AS said, \
                (SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()) AS encoding, \
                current_setting('fsync')::bool AND current_setting('synchronous_commit') <> 'off' AS durable, \
                (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS millis, \
                current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most, \
                coalesce(has_database_privilege(current_database(), 'CREATE') \
                  AND has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS may_create, \
                ARRAY(SELECT e::text FROM unnest(ARRAY['btree_gin', 'btree_gist', 'pg_trgm', 'unaccent']) AS e \
                      WHERE e NOT IN (SELECT name FROM pg_available_extensions)) AS missing, \
                EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu') AS collates, \
                coalesce((SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity \
                          WHERE backend_xid IS NOT NULL), 0)::float8 AS oldest",
        [],
    );
    let server = Server::find_by_statement(statement).one(db).await?;
    server.ok_or_else(|| crate::Error::Stored("PostgreSQL says nothing of itself".to_owned()))
}

fn version(server: &Server, millis: u128) -> Finding {
    let said = format!("{} answers in {millis} ms", server.said);
    match VERSIONS.contains(&server.version) {
        true => Finding::well("postgresql", said),
        false => Finding::odd("postgresql", format!("{said}; Rapport is tried on 15 to 18")),
    }
}

fn settings(server: &Server, connections: u32) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut wrong = |said: String| found.push(Finding::wrong("postgresql", said));
    if server.encoding != "UTF8" {
        wrong(format!(
            "the database is in {}: make it anew with encoding UTF8",
            server.encoding
        ));
    }
    if !server.durable {
        wrong(
            "fsync or synchronous_commit is off: what people were told is saved can be lost; switch them on"
                .to_owned(),
        );
    }
    if !server.missing.is_empty() {
        let missing = server.missing.join(", ");
        wrong(format!(
            "the extensions {missing} are missing: install postgresql-contrib"
        ));
    }
    if !server.collates {
        wrong("it was built without ICU, by which names are sorted: use a usual package".to_owned());
    }
    if !server.may_create {
        wrong("the role may not make tables: let it own the database".to_owned());
    }
    if i64::from(connections) > i64::from(server.most) {
        wrong(format!(
            "DATABASE_CONNECTIONS is {connections} for each server, and PostgreSQL takes {} in all: lower the one or raise \
             max_connections",
            server.most
        ));
    }
    if server.oldest > LONG {
        let said = format!(
            "a transaction has been open for {:.0} minutes: it holds up the seal and the webhooks; see pg_stat_activity",
            server.oldest / 60.0
        );
        found.push(Finding::odd("postgresql", said));
    }
    found
}

async fn sealed(db: &DatabaseConnection, key: Option<&seal::Key>) -> Finding {
    match (seal::fits(db, key).await, key) {
        (Ok(()), Some(_)) => Finding::well("seal", "SEAL_KEY fits the journal"),
        (Ok(()), None) => Finding::odd(
            "seal",
            "SEAL_KEY is not set: what is changed past Rapport is not found out",
        ),
        (Err(error), _) => Finding::wrong("seal", error.to_string()),
    }
}

/// Redis.
pub async fn redis(redis: &Redis) -> Vec<Finding> {
    let began = Instant::now();
    let info = match redis.info().await {
        Ok(info) => info,
        Err(error) => {
            return vec![Finding::wrong(
                "redis",
                format!("REDIS_URL leads nowhere: {error}"),
            )];
        }
    };
    let millis = began.elapsed().as_millis();
    let value = |name: &str| info.value(name);
    let version = value("redis_version");
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|part| part.parse().ok())
        .unwrap_or_default();
    let said = format!("{version} answers in {millis} ms");
    let mut found = vec![match major >= REDIS {
        true => Finding::well("redis", said),
        false => Finding::wrong("redis", format!("{said}; Rapport needs 7 or newer")),
    }];
    if value("aof_enabled") != "1" {
        found.push(Finding::odd(
            "redis",
            "appendonly is off: a restart of Redis signs everybody out",
        ));
    }
    if value("maxmemory") != "0" && value("maxmemory_policy") != "noeviction" {
        let said =
            "maxmemory-policy is not noeviction: sessions can be pushed out, and their people are signed out";
        found.push(Finding::odd("redis", said));
    }
    found
}
