//! The pool and the migrations.

use std::time::{Duration, Instant};

use rapport_domain::{
    access::BuiltInRole,
    customer::NewCustomer,
    dashboard::{DashboardQuery, Period},
    error::AppError,
    form::Values,
    id::CustomerId,
    journal::Via,
    query::ListQuery,
};
use rapport_migration::{Migrator, MigratorTrait};
use rapport_service::{
    Ctx, Service, analytics,
    customer::{
        command,
        many::{self, Outcome, Step},
        query,
    },
    dashboard, database, health, user,
};
use rapport_testing::{House, Proxy, TestDatabase, eventually};
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use tokio::time::timeout;

use crate::support::told;

/// Within this time of PostgreSQL's return everything works again.
const HEALED: Duration = Duration::from_secs(2);
/// The deadline that the server puts on a page.
const PAGE: Duration = Duration::from_secs(1);

async fn behind_proxy(connections: u32) -> (TestDatabase, Proxy, DatabaseConnection) {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let proxy = Proxy::to(&url).await;
    let pool = database::connect(&proxy.url(&url), connections).await.unwrap();
    (database, proxy, pool)
}

/// One request after another asks until one is answered.
async fn heals(pool: &DatabaseConnection) {
    eventually("PostgreSQL works again", HEALED, async || works(pool).await).await;
}

async fn works(pool: &DatabaseConnection) -> bool {
    matches!(
        timeout(PAGE, pool.execute_unprepared("SELECT 1")).await,
        Ok(Ok(_))
    )
}

/// Fills the pool: that many queries at once, all answered.
async fn fill(pool: &DatabaseConnection, connections: usize) {
    let queries = (0..connections).map(|_| pool.execute_unprepared("SELECT pg_sleep(0.1)"));
    for answer in futures::future::join_all(queries).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn of_two_servers_that_migrate_at_once_one_does_and_one_waits() {
    let database = TestDatabase::empty().await;
    let pools = [
        database.pool().await,
        database.pool().await,
        database.pool().await,
    ];
    let refused = told(database::check_schema(&pools[0]).await);
    assert!(
        matches!(&refused, AppError::Refused { reason } if reason.contains("rapport migrate")),
        "{refused:?}"
    );

    let [one, two, three] = pools.each_ref().map(database::migrate);
    let (one, two, three) = tokio::join!(one, two, three);
    let mut applied = [one.unwrap().len(), two.unwrap().len(), three.unwrap().len()];
    applied.sort_unstable();
    let recorded: usize = database
        .read("SELECT count(*)::text FROM seaql_migrations")
        .await
        .parse()
        .unwrap();
    assert!(recorded > 0);
    assert_eq!(applied, [0, 0, recorded]);
    database::check_schema(&pools[0]).await.unwrap();
    assert!(database::migrate(&pools[0]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_database_and_changes_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    database::check_schema(&pool).await.unwrap();
    database
        .run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)")
        .await;
    for result in [
        database::check_schema(&pool).await,
        database::migrate(&pool).await.map(|_| ()),
    ] {
        let refused = told(result);
        assert!(
            matches!(&refused, AppError::Refused { reason } if reason.contains("newer")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = TestDatabase::empty().await;
    // Stands in the way of the first migration, after it has begun.
    database.run("CREATE TABLE customer (id int)").await;
    let pool = database.pool().await;
    assert!(database::migrate(&pool).await.is_err());
    assert_eq!(
        database
            .read("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'")
            .await,
        "1"
    );
    database.run("DROP TABLE customer").await;
    assert!(!database::migrate(&pool).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_step_waits_for_who_holds_a_table_and_lets_others_through_meanwhile() {
    let database = TestDatabase::empty().await;
    let pool = database.pool().await;
    // The last step so far that changes a table which every request reads.
    let before = Migrator::migrations()
        .iter()
        .position(|step| step.name() == "m0018_second_factor");
    Migrator::up(&pool, before.map(|steps| u32::try_from(steps).unwrap()))
        .await
        .unwrap();
    // As a backup reads it, for as long as it takes.
    let backup = pool.begin().await.unwrap();
    let read = "SELECT name FROM organisation";
    let for_long = "SET LOCAL idle_in_transaction_session_timeout = 0";
    backup.execute_unprepared(for_long).await.unwrap();
    backup.execute_unprepared(read).await.unwrap();
    let migrating = tokio::spawn({
        let pool = pool.clone();
        async move { database::migrate(&pool).await }
    });
    let waits =
        "SELECT (count(*) > 0)::text FROM pg_locks WHERE NOT granted AND relation = 'organisation'::regclass";
    let patience = Duration::from_secs(30);
    eventually("the step waits", patience, async || {
        database.read(waits).await == "true"
    })
    .await;
    let others = timeout(Duration::from_secs(8), pool.execute_unprepared(read)).await;
    others.expect("they wait for the backup's end").unwrap();
    assert!(!migrating.is_finished());
    backup.commit().await.unwrap();
    assert!(!migrating.await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn a_rehearsal_takes_every_step_and_leaves_nothing_behind() {
    let database = TestDatabase::empty().await;
    let pool = database.pool().await;
    let steps = database::rehearse(&pool).await.unwrap();
    assert_eq!(steps, database::pending(&pool).await.unwrap());
    assert!(steps.first().is_some_and(|first| first.starts_with("m0001")));
    let tables = "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.read(tables).await, "0");
    assert_eq!(database::migrate(&pool).await.unwrap(), steps);
    assert!(database::rehearse(&pool).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_connection_has_its_timeouts() {
    let database = TestDatabase::empty().await;
    let pool = database.pool().await;
    for (setting, value) in [
        ("statement_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("client_connection_check_interval", "500ms"),
        ("application_name", "rapport"),
    ] {
        let holds = format!("SELECT 1 / (current_setting('{setting}') = '{value}')::int");
        assert!(
            pool.execute_unprepared(&holds).await.is_ok(),
            "{setting} is not {value}"
        );
    }
}

#[tokio::test]
async fn a_query_dropped_at_its_deadline_neither_blocks_nor_spoils_the_pool() {
    let (database, _proxy, pool) = behind_proxy(1).await;
    let dropped = timeout(
        Duration::from_millis(100),
        pool.execute_unprepared("SELECT pg_sleep(8)"),
    )
    .await;
    assert!(dropped.is_err());
    // The only connection is closed and made anew, long before the eight seconds are over.
    heals(&pool).await;
    eventually("the server gives up the query as well", HEALED, async || {
        let running = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() \
                       AND state = 'active' AND query LIKE 'SELECT pg_sleep%'";
        database.read(running).await == "0"
    })
    .await;
}

#[tokio::test]
async fn a_transaction_dropped_at_its_deadline_is_rolled_back() {
    let (database, _proxy, pool) = behind_proxy(1).await;
    database.run("CREATE TABLE thing (n int)").await;
    let write = async {
        let tx = sea_orm::TransactionTrait::begin(&pool).await.unwrap();
        tx.execute_unprepared("INSERT INTO thing VALUES (1)")
            .await
            .unwrap();
        tx.execute_unprepared("SELECT pg_sleep(0.3)").await.unwrap();
        tx.commit().await.unwrap();
    };
    assert!(timeout(Duration::from_millis(100), write).await.is_err());
    heals(&pool).await;
    pool.execute_unprepared("INSERT INTO thing VALUES (2)")
        .await
        .unwrap();
    assert_eq!(
        database.read("SELECT string_agg(n::text, ',') FROM thing").await,
        "2"
    );
}

#[tokio::test]
async fn a_full_pool_says_so_within_two_seconds() {
    let (_database, _proxy, pool) = behind_proxy(1).await;
    let busy = pool.execute_unprepared("SELECT pg_sleep(3)");
    let waiting = async {
        let start = Instant::now();
        let answer = pool.execute_unprepared("SELECT 1").await;
        (answer, start.elapsed())
    };
    let (_, (answer, waited)) = tokio::join!(busy, waiting);
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(
        told(answer.map(|_| ()).map_err(Into::into)),
        AppError::Unavailable
    );
}

#[tokio::test]
async fn a_stopped_postgresql_is_unavailable_and_heals_within_two_seconds() {
    let (_database, proxy, pool) = behind_proxy(4).await;
    fill(&pool, 4).await;
    proxy.break_off();
    let answer = database::ping(&pool).await;
    assert_eq!(told(answer), AppError::Unavailable);
    let answer = timeout(HEALED, pool.execute_unprepared("SELECT 1"))
        .await
        .expect("an answer in time");
    assert_eq!(
        told(answer.map(|_| ()).map_err(Into::into)),
        AppError::Unavailable
    );
    proxy.restore();
    heals(&pool).await;
    fill(&pool, 4).await;
}

#[tokio::test]
async fn a_frozen_postgresql_takes_no_connection_from_the_pool_for_good() {
    let (_database, proxy, pool) = behind_proxy(4).await;
    fill(&pool, 4).await;
    proxy.freeze();
    // Requests come and reach their deadline, more than the pool has connections.
    let requests = (0..12).map(|_| timeout(Duration::from_millis(300), pool.execute_unprepared("SELECT 1")));
    assert!(
        futures::future::join_all(requests)
            .await
            .iter()
            .all(Result::is_err)
    );
    assert_eq!(told(database::ping(&pool).await), AppError::Unavailable);
    proxy.restore();
    heals(&pool).await;
    fill(&pool, 4).await;
}

#[tokio::test]
async fn connections_that_were_forgotten_on_the_way_are_replaced_within_two_seconds() {
    let (_database, proxy, pool) = behind_proxy(4).await;
    fill(&pool, 4).await;
    proxy.lose_connections();
    let requests = (0..4).map(|_| timeout(Duration::from_millis(300), pool.execute_unprepared("SELECT 1")));
    assert!(
        futures::future::join_all(requests)
            .await
            .iter()
            .all(Result::is_err)
    );
    heals(&pool).await;
    fill(&pool, 4).await;
}

fn acme(ctx: &Ctx) -> NewCustomer {
    let id: CustomerId = ctx.clock().new_id();
    let values = Values::default().with("id", id.to_string()).with("name", "Acme");
    NewCustomer::parse(&values).unwrap()
}

#[tokio::test]
async fn a_request_that_reads_holds_one_connection_until_its_answer_is_ready() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::Admin, None).await;
    let service = house.server_with(1).await;
    let (request, hold) = service.for_request();
    let asks = async |service: &Service| user::actor(service, id).await.is_ok();
    assert!(asks(&request).await);
    assert!(!asks(&service).await, "the one connection there is was not held");
    // What it asks at once is asked in turn, and does not wait for a connection that it holds itself.
    let (one, other) = tokio::join!(asks(&request), asks(&request));
    assert!(one && other);
    drop(hold);
    // Whoever keeps the request's service on, such as a file that flows, holds nothing any more.
    eventually("it is back", HEALED, async || asks(&service).await).await;
    for _ in 0..3 {
        assert!(asks(&request).await);
        assert!(asks(&service).await);
    }
}

#[tokio::test]
async fn a_request_that_writes_lets_go_before_its_transaction() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::Admin, None).await;
    let service = house.server_with(1).await;
    let (request, _hold) = service.for_request();
    let ctx = request.acting(user::actor(&request, id).await.unwrap(), Via::Page);
    command::create(&ctx, acme(&ctx)).await.unwrap();
    // Nor does it hold one afterwards.
    user::actor(&request, id).await.unwrap();
    eventually("it is back", HEALED, async || {
        user::actor(&service, id).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn what_takes_several_connections_waits_for_none_while_it_holds_one() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::Admin, None).await;
    let service = house.server_with(1).await;
    let actor = user::actor(&service, id).await.unwrap();
    let request = || {
        let (request, hold) = service.for_request();
        (request.acting(actor.clone(), Via::Page), hold)
    };
    let (ctx, _hold) = request();
    query::list(&ctx, &ListQuery::default()).await.unwrap();
    health::get(&ctx).await.unwrap();
    query::list(&ctx, &ListQuery::default()).await.unwrap();
    dashboard::get(&ctx, DashboardQuery::default()).await.unwrap();
    let (ctx, _hold) = request();
    analytics::get(&ctx, Period::default()).await.unwrap();
    let (ctx, _hold) = request();
    query::list(&ctx, &ListQuery::default()).await.unwrap();
    let steps = vec![Step::Create(acme(&ctx))];
    let done = many::all(&ctx, ctx.clock().new_id(), steps).await.unwrap();
    assert!(matches!(done, Outcome::Done(Some(_), _)), "{done:?}");
}

#[tokio::test]
async fn a_connection_that_is_held_and_lost_is_replaced_at_the_next_question() {
    let (house, faults) = House::with_faults().await;
    let id = house.user(BuiltInRole::Admin, None).await;
    let (request, _hold) = house.service.for_request();
    user::actor(&request, id).await.unwrap();
    faults.postgres.break_off();
    assert!(user::actor(&request, id).await.is_err());
    faults.postgres.restore();
    eventually("it asks again", HEALED, async || {
        user::actor(&request, id).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_spoils_no_held_connection() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::Admin, None).await;
    let (request, _hold) = house.service.for_request();
    user::actor(&request, id).await.unwrap();
    let locked = house
        .database
        .run("BEGIN; LOCK TABLE app_user; SELECT pg_sleep(0.7); COMMIT");
    let dropped = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        timeout(Duration::from_millis(100), user::actor(&request, id)).await
    };
    let ((), dropped) = tokio::join!(locked, dropped);
    assert!(dropped.is_err(), "it was answered");
    for _ in 0..3 {
        let actor = user::actor(&request, id).await.unwrap();
        assert_eq!(actor.user, id);
    }
}
