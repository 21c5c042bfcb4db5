//! How the installation is, for admins: the stores, the pool, the schema, work and mail.

use std::time::Instant;

use chrono::TimeDelta;
use rapport_domain::{
    access::{Ability, Kind},
    health::{Health, Store},
};
use sea_orm::FromQueryResult;

use crate::{Ctx, Error, Result, Service, access::require, database, sql::sql};

#[derive(FromQueryResult)]
struct Gauges {
    jobs: i64,
    jobs_failed: i64,
    mails: i64,
    webhooks_failing: i64,
    webhook_messages: i64,
    unsealed: i64,
}

/// Figures by which a program watches the installation, by name; those of the pool are of this server.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn gauges(service: &Service) -> Result<Vec<(&'static str, f64)>> {
    let statement = sql(
        "SELECT (SELECT count(*) FROM job WHERE state IN ('waiting', 'running')) AS jobs, \
                (SELECT count(*) FROM job WHERE state = 'failed' AND updated_at > $1) AS jobs_failed, \
                (SELECT count(*) FROM mail WHERE next_at IS NOT NULL) AS mails, \
                (SELECT count(*) FROM webhook WHERE deleted_at IS NULL \
                   AND (given_up OR (active AND failing_since IS NOT NULL))) AS webhooks_failing, \
                (SELECT count(*) FROM webhook_delivery WHERE state = 'waiting') AS webhook_messages, \
                (SELECT coalesce(max(seq), 0) FROM change) \
                  - (SELECT coalesce(max(change_last), 0) FROM seal) AS unsealed",
        [(service.clock().now() - TimeDelta::days(7)).into()],
    );
    let found = Gauges::find_by_statement(statement).one(service.db()).await?;
    let found = found.ok_or_else(|| Error::Stored("figures without a row".to_owned()))?;
    let pool = service.db().pool().get_postgres_connection_pool();
    let number = |count: i64| f64::from(i32::try_from(count).unwrap_or(i32::MAX));
    let mut gauges = vec![
        ("rapport_jobs_open", number(found.jobs)),
        ("rapport_jobs_failed_week", number(found.jobs_failed)),
        ("rapport_mails_waiting", number(found.mails)),
        ("rapport_webhooks_failing", number(found.webhooks_failing)),
        ("rapport_webhook_messages_waiting", number(found.webhook_messages)),
        ("rapport_database_connections", f64::from(pool.size())),
        (
            "rapport_database_connections_idle",
            f64::from(u32::try_from(pool.num_idle()).unwrap_or_default()),
        ),
    ];
    if service.key().is_some() {
        gauges.push(("rapport_changes_unsealed", number(found.unsealed)));
    }
    Ok(gauges)
}

#[derive(FromQueryResult)]
struct Postgres {
    version: String,
    bytes: i64,
    most: i64,
}

#[derive(FromQueryResult)]
struct Counts {
    steps: i64,
    last: String,
    jobs: i64,
    failed: i64,
    mails: i64,
    given_up: i64,
}

/// How it is at this moment.
///
/// # Errors
/// [`rapport_domain::error::AppError::Forbidden`] for who may not change the settings; and when a store is away.
pub async fn get(ctx: &Ctx) -> Result<Health> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let (postgres, most) = postgres(ctx).await?;
    let redis = redis(ctx).await?;
    let counts = counts(ctx).await?;
    let pool = ctx.db().pool().get_postgres_connection_pool();
    let number = |count: i64| u32::try_from(count).unwrap_or_default();
    Ok(Health {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        postgres,
        redis,
        connections: (
            pool.size(),
            u32::try_from(pool.num_idle()).unwrap_or_default(),
            pool.options().get_max_connections().min(number(most)),
        ),
        schema: (number(counts.steps), counts.last),
        jobs: (number(counts.jobs), number(counts.failed)),
        mails: (number(counts.mails), number(counts.given_up)),
    })
}

async fn postgres(ctx: &Ctx) -> Result<(Store, i64)> {
    ctx.db().let_go();
    let began = Instant::now();
    database::ping(ctx.db().pool()).await?;
    let micros = micros(began);
    let statement = sql(
        "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes, \
                current_setting('max_connections')::bigint AS most",
        [],
    );
    let found = Postgres::find_by_statement(statement).one(ctx.db()).await?;
    let found = found.ok_or_else(|| Error::Stored("PostgreSQL says nothing of itself".to_owned()))?;
    let store = Store {
        version: found.version,
        micros,
        bytes: u64::try_from(found.bytes).unwrap_or_default(),
    };
    Ok((store, found.most))
}

async fn redis(ctx: &Ctx) -> Result<Store> {
    let began = Instant::now();
    ctx.service().redis().ping().await?;
    let micros = micros(began);
    let info = ctx.service().redis().info().await?;
    Ok(Store {
        version: info.value("redis_version").to_owned(),
        micros,
        bytes: info.value("used_memory").parse().unwrap_or_default(),
    })
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

async fn counts(ctx: &Ctx) -> Result<Counts> {
    let statement = sql(
        "SELECT (SELECT count(*) FROM seaql_migrations) AS steps, \
                (SELECT coalesce(max(version), '') FROM seaql_migrations) AS last, \
                (SELECT count(*) FROM job WHERE state IN ('waiting', 'running')) AS jobs, \
                (SELECT count(*) FROM job WHERE state = 'failed' AND updated_at > $1) AS failed, \
                (SELECT count(*) FROM mail WHERE next_at IS NOT NULL) AS mails, \
                (SELECT count(*) FROM mail WHERE next_at IS NULL AND sent_at IS NULL AND error IS NOT NULL) AS given_up",
        [(ctx.clock().now() - TimeDelta::days(7)).into()],
    );
    let counts = Counts::find_by_statement(statement).one(ctx.db()).await?;
    counts.ok_or_else(|| Error::Stored("a count without a row".to_owned()))
}
