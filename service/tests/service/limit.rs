//! Rate limits.

use std::time::Duration;

use chrono::TimeDelta;
use rapport_domain::error::AppError;
use rapport_service::{
    Service,
    clock::Clock,
    limit::{Limit, client, take},
};
use rapport_testing::House;

use crate::support::told;

const TEN: Limit = Limit {
    name: "ten",
    burst: 10,
    per: Duration::from_secs(60),
};
const TWO: Limit = Limit {
    name: "two",
    burst: 2,
    per: Duration::from_secs(60),
};

/// How many of that many tries get through.
async fn passed(service: &Service, limit: Limit, key: &str, tries: usize) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        passed += usize::from(take(service, &[(limit, key)]).await.is_ok());
    }
    passed
}

#[tokio::test]
async fn a_limit_gives_its_burst_at_once_and_then_one_after_the_other() {
    let house = House::with_clock(Clock::stopped()).await;
    assert_eq!(passed(&house.service, TEN, "key", 15).await, 10);
    let wait = told(take(&house.service, &[(TEN, "key")]).await);
    assert_eq!(wait, AppError::TooManyRequests { retry_after: 6 });

    house.clock.advance(TimeDelta::seconds(5));
    assert_eq!(passed(&house.service, TEN, "key", 2).await, 0);
    house.clock.advance(TimeDelta::seconds(1));
    assert_eq!(passed(&house.service, TEN, "key", 2).await, 1);
    // However long nobody tries, no more than the burst is saved up.
    house.clock.advance(TimeDelta::minutes(10));
    assert_eq!(passed(&house.service, TEN, "key", 15).await, 10);
}

#[tokio::test]
async fn the_time_to_wait_is_the_time_after_which_it_works() {
    let house = House::with_clock(Clock::stopped()).await;
    passed(&house.service, TWO, "key", 2).await;
    let AppError::TooManyRequests { retry_after } = told(take(&house.service, &[(TWO, "key")]).await) else {
        panic!("not limited");
    };
    house.clock.advance(TimeDelta::seconds(retry_after.into()));
    assert_eq!(passed(&house.service, TWO, "key", 2).await, 1);
}

#[tokio::test]
async fn two_servers_count_together_and_keys_do_not_touch_each_other() {
    let house = House::with_clock(Clock::stopped()).await;
    let other = house.another_server().await;
    assert_eq!(passed(&house.service, TEN, "key", 6).await, 6);
    assert_eq!(passed(&other, TEN, "key", 6).await, 4);
    assert_eq!(passed(&other, TEN, "another key", 6).await, 6);
    assert_eq!(passed(&other, TWO, "key", 6).await, 2);
}

#[tokio::test]
async fn what_one_limit_refuses_takes_nothing_from_another() {
    let house = House::with_clock(Clock::stopped()).await;
    assert_eq!(passed(&house.service, TWO, "narrow", 2).await, 2);
    for _ in 0..5 {
        assert!(
            take(&house.service, &[(TEN, "wide"), (TWO, "narrow")])
                .await
                .is_err()
        );
    }
    assert_eq!(passed(&house.service, TEN, "wide", 15).await, 10);
}

#[tokio::test]
async fn keys_of_any_length_and_content_are_counted() {
    let house = House::with_clock(Clock::stopped()).await;
    for key in ["", "a\r\nFLUSHALL\r\n", "\0", "مرحبا", &"x".repeat(1 << 20)] {
        assert_eq!(passed(&house.service, TWO, key, 3).await, 2);
    }
}

#[test]
fn an_ipv6_client_is_counted_by_its_subscriber_line() {
    let of = |address: &str| client(address.parse().unwrap());
    assert_eq!(of("192.0.2.7"), "192.0.2.7");
    assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
}
