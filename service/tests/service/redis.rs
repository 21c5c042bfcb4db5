//! The connection to Redis: what happens when it is away, and how it heals.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rapport_service::redis::{Redis, RedisError};
use rapport_testing::{Proxy, eventually};

/// Within this time of Redis' return everything works again.
const HEALED: Duration = Duration::from_secs(2);

async fn behind_proxy() -> (Proxy, Redis) {
    let url = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
    let proxy = Proxy::to(&url).await;
    let redis = Redis::connect(&proxy.url(&url), &format!("test:{:016x}:", rand::random::<u64>())).unwrap();
    (proxy, redis)
}

async fn heals(redis: &Redis) {
    eventually("Redis works again", HEALED, async || redis.ping().await.is_ok()).await;
}

#[tokio::test]
async fn a_value_is_kept_until_it_expires_or_is_deleted() {
    let (_proxy, redis) = behind_proxy().await;
    assert_eq!(redis.get("key").await, Ok(None));
    redis.set("key", "välue", Duration::from_secs(60)).await.unwrap();
    assert_eq!(redis.get("key").await, Ok(Some("välue".to_owned())));
    assert_eq!(
        redis.replace("key", "other", Duration::from_secs(60)).await,
        Ok(true)
    );
    redis.del("key").await.unwrap();
    assert_eq!(
        redis.replace("key", "again", Duration::from_secs(60)).await,
        Ok(false)
    );
    assert_eq!(redis.get("key").await, Ok(None));

    redis.set("brief", "value", Duration::ZERO).await.unwrap();
    eventually("it expires", Duration::from_secs(1), async || {
        redis.get("brief").await == Ok(None)
    })
    .await;
}

#[tokio::test]
async fn it_can_start_before_redis_does() {
    let (proxy, _) = behind_proxy().await;
    proxy.break_off();
    let url = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
    let redis = Redis::connect(&proxy.url(&url), "test:").unwrap();
    assert_eq!(redis.ping().await, Err(RedisError::Away));
    proxy.restore();
    heals(&redis).await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_repeating_its_password() {
    for url in [
        "",
        "nonsense",
        "redis://",
        "redis://:secret@host:notaport/",
        "redis://:secret@host/db",
        "postgres://user:secret@host/db",
    ] {
        let Err(error) = Redis::connect(url, "") else {
            panic!("{url:?} was accepted");
        };
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_stopped_redis_fails_every_command_at_once_and_heals_within_two_seconds() {
    let (proxy, redis) = behind_proxy().await;
    redis.ping().await.unwrap();
    proxy.break_off();
    eventually("its loss is noticed", Duration::from_secs(1), async || {
        redis.ping().await.is_err()
    })
    .await;
    let start = Instant::now();
    for _ in 0..1_000 {
        assert!(redis.ping().await.is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    proxy.restore();
    heals(&redis).await;
}

#[tokio::test]
async fn a_frozen_redis_holds_nobody_for_a_second_and_heals_within_two() {
    let (proxy, redis) = behind_proxy().await;
    redis.ping().await.unwrap();
    proxy.freeze();
    let start = Instant::now();
    assert!(redis.ping().await.is_err());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // By now it is known to be away, and nobody waits any more.
    eventually("it is known", Duration::from_secs(1), async || {
        redis.ping().await == Err(RedisError::Away)
    })
    .await;
    proxy.restore();
    heals(&redis).await;
}

#[tokio::test]
async fn a_connection_that_was_forgotten_on_the_way_is_replaced_even_under_load() {
    let (proxy, redis) = behind_proxy().await;
    redis.ping().await.unwrap();
    proxy.lose_connections();
    // Somebody asks all the time, so that the connection is never idle.
    let load = async {
        loop {
            redis.get("key").await.ok();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = load => {}
        () = heals(&redis) => {}
    }
}

#[tokio::test]
async fn a_frozen_redis_gathers_no_queue() {
    let (proxy, redis) = behind_proxy().await;
    redis.ping().await.unwrap();
    proxy.freeze();
    let answers = join_all((0..3_000).map(|_| redis.ping())).await;
    let busy = answers
        .iter()
        .filter(|answer| **answer == Err(RedisError::Busy))
        .count();
    assert_eq!(busy, 2_000);
    assert!(answers.iter().all(Result::is_err));
    proxy.restore();
    heals(&redis).await;
}
