//! Signing in, and what becomes of a session.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use rapport_domain::{
    access::{Ability, BuiltInRole, Kind, Reach},
    error::AppError,
    id::UserId,
    user::SignIn,
};
use rapport_service::{
    Result, Service,
    clock::Clock,
    redis::Redis,
    session::{Browser, NewSession, end_all, resolve, sign_in, sign_out},
    user,
};
use rapport_testing::{HERE, House, PASSWORD, eventually};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::support::told;

/// Within this time of a part's return everything works again.
const HEALED: Duration = Duration::from_secs(2);

async fn enter(service: &Service, email: &str, password: &str, from: IpAddr) -> Result<NewSession> {
    let form = SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
        code: None,
    };
    sign_in(service, form, from).await
}

/// A member who is signed in.
async fn member(house: &House) -> (UserId, String) {
    let user = house.user(BuiltInRole::Member, None).await;
    let email = user::me(&house.acting(user).await).await.unwrap().email;
    (
        user,
        enter(&house.service, &email, PASSWORD, HERE)
            .await
            .unwrap()
            .cookie,
    )
}

async fn who(house: &House, cookie: &str) -> Option<UserId> {
    resolve(&house.service, cookie)
        .await
        .unwrap()
        .map(|who| who.actor.user)
}

/// The session as Redis has it.
pub(crate) fn stored(house: &House, cookie: &str) -> (Redis, String) {
    let url = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
    let hash: String = Sha256::digest(cookie)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (
        Redis::connect(&url, &house.prefix).unwrap(),
        format!("session:{hash}"),
    )
}

#[tokio::test]
async fn who_signs_in_acts_with_the_rights_of_their_role_until_they_sign_out() {
    let house = House::new().await;
    let team = house.team("Sales").await;
    let id = house.user(BuiltInRole::Manager, Some(team)).await;
    let session = enter(&house.service, " Manager0@EXAMPLE.org ", PASSWORD, HERE)
        .await
        .unwrap();
    assert_eq!(session.user, id);
    assert_eq!(session.max_age, Duration::from_secs(30 * 24 * 3600));

    let found = resolve(&house.service, &session.cookie).await.unwrap().unwrap();
    assert!(!found.lacks_factor);
    let actor = &found.actor;
    assert_eq!(
        (actor.user, actor.name.as_str(), actor.team),
        (id, "manager 0", Some(team))
    );
    assert_eq!(actor.grants.reach(Kind::Customer, Ability::Update), Reach::Team);
    // Any server knows it.
    assert_eq!(
        resolve(&house.another_server().await, &session.cookie)
            .await
            .unwrap(),
        Some(found)
    );

    sign_out(&house.service, &session.cookie).await.unwrap();
    assert_eq!(who(&house, &session.cookie).await, None);
    sign_out(&house.service, &session.cookie).await.unwrap();
    sign_out(&house.service, "no cookie of ours").await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_somebody_inactive_get_one_answer() {
    let house = House::new().await;
    house.user(BuiltInRole::Member, None).await;
    house.user(BuiltInRole::Member, None).await;
    house
        .database
        .run("UPDATE app_user SET active = false WHERE email = 'member1@example.org'")
        .await;
    let expected = AppError::invalid("form", "The e-mail address or the password is not right.");
    for (email, password) in [
        ("member0@example.org", "not the password"),
        ("member0@example.org", ""),
        ("member0@example.org", &format!("{PASSWORD}\0")),
        ("nobody@example.org", PASSWORD),
        ("member1@example.org", PASSWORD),
        ("member0@example.org' OR '1'='1", PASSWORD),
        ("", PASSWORD),
    ] {
        assert_eq!(
            told(enter(&house.service, email, password, HERE).await),
            expected,
            "{email} {password}"
        );
    }
}

#[tokio::test]
async fn tries_are_limited_by_account_and_by_client_address() {
    let house = House::with_clock(Clock::stopped()).await;
    house.user(BuiltInRole::Member, None).await;
    let limited = |result| matches!(told(result), AppError::TooManyRequests { retry_after: 1.. });
    let attacker: IpAddr = "203.0.113.9".parse().unwrap();
    for _ in 0..10 {
        assert!(!limited(
            enter(&house.service, "member0@example.org", "guess", attacker).await
        ));
    }
    // The eleventh is refused, also with the right password and however the address is written.
    assert!(limited(
        enter(&house.service, "member0@example.org", PASSWORD, attacker).await
    ));
    assert!(limited(
        enter(&house.service, "MEMBER0@example.org ", PASSWORD, attacker).await
    ));
    // The owner is not locked out by that.
    enter(&house.service, "member0@example.org", PASSWORD, HERE)
        .await
        .unwrap();
    // One address that tries many accounts comes to its own end.
    for n in 0..20 {
        assert!(!limited(
            enter(&house.service, &format!("{n}@example.org"), "guess", attacker).await
        ));
    }
    assert!(limited(
        enter(&house.service, "another@example.org", "guess", attacker).await
    ));
    // After a minute there are tries again.
    house.clock.advance(TimeDelta::seconds(61));
    enter(&house.service, "member0@example.org", PASSWORD, attacker)
        .await
        .unwrap();
}

#[tokio::test]
async fn many_addresses_together_cannot_guess_at_one_account_without_end() {
    let house = House::with_clock(Clock::stopped()).await;
    let mut refused = 0;
    for n in 0..65 {
        let result = enter(
            &house.service,
            "member0@example.org",
            "guess",
            IpAddr::from([198, 51, 100, n]),
        )
        .await;
        refused += usize::from(matches!(told(result), AppError::TooManyRequests { .. }));
    }
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn a_session_slides_while_it_is_used_and_ends_twelve_hours_after() {
    let house = House::with_clock(Clock::stopped()).await;
    let (user, cookie) = member(&house).await;
    for _ in 0..3 {
        house.clock.advance(TimeDelta::hours(11));
        assert_eq!(who(&house, &cookie).await, Some(user));
    }
    house.clock.advance(TimeDelta::hours(12));
    assert_eq!(who(&house, &cookie).await, None);
    // Turning the clock back does not bring it back.
    house.clock.advance(TimeDelta::hours(-12));
    assert_eq!(who(&house, &cookie).await, None);
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_it_is_used() {
    let house = House::new().await;
    let (user, cookie) = member(&house).await;
    for _ in 0..71 {
        house.clock.advance(TimeDelta::hours(10));
        assert_eq!(who(&house, &cookie).await, Some(user));
    }
    house.clock.advance(TimeDelta::hours(10));
    assert_eq!(who(&house, &cookie).await, None);
}

#[tokio::test]
async fn the_last_use_is_written_at_most_once_a_minute() {
    let house = House::with_clock(Clock::stopped()).await;
    let (user, cookie) = member(&house).await;
    let (redis, key) = stored(&house, &cookie);
    let first = redis.get(&key).await.unwrap();
    house.clock.advance(TimeDelta::seconds(59));
    assert_eq!(who(&house, &cookie).await, Some(user));
    assert_eq!(redis.get(&key).await.unwrap(), first);
    house.clock.advance(TimeDelta::seconds(1));
    assert_eq!(who(&house, &cookie).await, Some(user));
    let second = redis.get(&key).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(who(&house, &cookie).await, Some(user));
    assert_eq!(redis.get(&key).await.unwrap(), second);
}

#[tokio::test]
async fn redis_knows_neither_the_cookie_nor_the_hash_of_the_password() {
    let house = House::new().await;
    let (_, cookie) = member(&house).await;
    let (redis, key) = stored(&house, &cookie);
    let value = redis.get(&key).await.unwrap().unwrap();
    assert!(!value.contains(&cookie) && !value.contains("argon2"), "{value}");
}

#[tokio::test]
async fn a_tampered_cookie_is_nobody() {
    let house = House::new().await;
    let (user, cookie) = member(&house).await;
    assert_eq!(cookie.len(), 64);
    for at in [0, 1, 31, 62, 63] {
        let other = if &cookie[at..=at] == "0" { "1" } else { "0" };
        let mut tampered = cookie.clone();
        tampered.replace_range(at..=at, other);
        assert_eq!(who(&house, &tampered).await, None);
    }
    let longer = format!("{cookie}0");
    let upper = cookie.to_uppercase();
    for tampered in [
        "",
        "0",
        &cookie[1..],
        &longer,
        &upper,
        "é",
        "\0",
        "*",
        &"x".repeat(1 << 20),
    ] {
        assert!(
            tampered == cookie || who(&house, tampered).await.is_none(),
            "{tampered:.80?}"
        );
    }
    assert_eq!(who(&house, &cookie).await, Some(user));
}

#[tokio::test]
async fn what_redis_holds_but_cannot_be_read_is_no_session() {
    let house = House::new().await;
    let (_, cookie) = member(&house).await;
    let (redis, key) = stored(&house, &cookie);
    redis
        .set(&key, "{\"user\": 1", Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(who(&house, &cookie).await, None);
    assert_eq!(redis.get(&key).await.unwrap(), None);
}

#[tokio::test]
async fn signing_in_again_gives_a_new_id_and_ends_the_earlier_session() {
    let house = House::new().await;
    let (user, earlier) = member(&house).await;
    let form = || SignIn {
        email: "member0@example.org".to_owned(),
        password: PASSWORD.to_owned(),
        code: None,
    };
    let again = |earlier| Browser {
        earlier: Some(earlier),
        ..HERE.into()
    };
    let later = sign_in(&house.service, form(), again(&earlier))
        .await
        .unwrap()
        .cookie;
    assert_ne!(later, earlier);
    assert_eq!(who(&house, &earlier).await, None);
    assert_eq!(who(&house, &later).await, Some(user));
    // A cookie that somebody planted in the browser is not taken over.
    let planted = "0".repeat(64);
    sign_in(&house.service, form(), again(&planted)).await.unwrap();
    assert_eq!(who(&house, &planted).await, None);
    // A failed try ends nothing.
    let wrong = SignIn {
        password: "wrong".to_owned(),
        ..form()
    };
    sign_in(&house.service, wrong, again(&later)).await.unwrap_err();
    assert_eq!(who(&house, &later).await, Some(user));
}

#[tokio::test]
async fn all_sessions_of_a_user_end_together_and_nobody_elses() {
    let house = House::new().await;
    let (user, first) = member(&house).await;
    let second = enter(&house.service, "member0@example.org", PASSWORD, HERE)
        .await
        .unwrap()
        .cookie;
    let (other, others) = member(&house).await;
    end_all(&house.service, user).await.unwrap();
    assert_eq!(
        (who(&house, &first).await, who(&house, &second).await),
        (None, None)
    );
    assert_eq!(who(&house, &others).await, Some(other));
    end_all(&house.service, user).await.unwrap();
}

#[tokio::test]
async fn a_session_that_was_ended_while_it_was_used_stays_ended() {
    let house = House::new().await;
    let (user, cookie) = member(&house).await;
    house.clock.advance(TimeDelta::minutes(2));
    // Uses of the session, each of which notes its time, race with its end.
    let uses = (0..20).map(|_| resolve(&house.service, &cookie));
    let (_, ended) = tokio::join!(futures::future::join_all(uses), end_all(&house.service, user));
    ended.unwrap();
    assert_eq!(who(&house, &cookie).await, None);
}

#[tokio::test]
async fn a_new_password_ends_all_sessions() {
    let house = House::new().await;
    let (_, cookie) = member(&house).await;
    user::reset_password(&house.service, "member0@example.org", "another long password")
        .await
        .unwrap();
    assert_eq!(who(&house, &cookie).await, None);
    told(enter(&house.service, "member0@example.org", PASSWORD, HERE).await);
    enter(
        &house.service,
        "member0@example.org",
        "another long password",
        HERE,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_even_if_redis_is_away_at_that_moment() {
    let (house, faults) = House::with_faults().await;
    let (_, cookie) = member(&house).await;
    faults.redis.break_off();
    let reset = user::reset_password(&house.service, "member0@example.org", "another long password").await;
    assert_eq!(told(reset), AppError::Unavailable);
    faults.redis.restore();
    eventually("Redis answers again", HEALED, async || {
        resolve(&house.service, &cookie).await.is_ok()
    })
    .await;
    assert_eq!(who(&house, &cookie).await, None);
}

#[tokio::test]
async fn rights_and_deactivation_hold_from_the_next_request_on() {
    let house = House::new().await;
    let (user, cookie) = member(&house).await;
    let reach = async || {
        let who = resolve(&house.service, &cookie).await.unwrap().unwrap();
        who.actor.grants.reach(Kind::Customer, Ability::Read)
    };
    assert_eq!(reach().await, Reach::Team);
    house
        .database
        .run("UPDATE role_grant SET reach = 'own' WHERE kind = 'customer'")
        .await;
    assert_eq!(reach().await, Reach::Own);
    let promote = "UPDATE app_user SET role_id = (SELECT id FROM role WHERE key = 'read_only')";
    house.database.run(promote).await;
    assert_eq!(
        resolve(&house.service, &cookie)
            .await
            .unwrap()
            .unwrap()
            .actor
            .grants
            .reach(Kind::User, Ability::Update),
        Reach::None
    );
    house
        .database
        .run(&format!("UPDATE app_user SET active = false WHERE id = '{user}'"))
        .await;
    assert_eq!(who(&house, &cookie).await, None);
    // Being active again needs a new sign-in.
    house.database.run("UPDATE app_user SET active = true").await;
    assert_eq!(who(&house, &cookie).await, None);
}

#[tokio::test]
async fn without_redis_nobody_is_let_in_and_nobody_is_signed_out() {
    let (house, faults) = House::with_faults().await;
    let (user, cookie) = member(&house).await;
    for fault in [rapport_testing::Proxy::break_off, rapport_testing::Proxy::freeze] {
        fault(&faults.redis);
        let start = Instant::now();
        assert_eq!(
            told(resolve(&house.service, &cookie).await),
            AppError::Unavailable
        );
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(
            told(enter(&house.service, "member0@example.org", PASSWORD, HERE).await),
            AppError::Unavailable
        );
        // What has not the form of a cookie needs no Redis to be nobody.
        assert_eq!(who(&house, "nonsense").await, None);
        faults.redis.restore();
        eventually("it heals by itself", HEALED, async || {
            resolve(&house.service, &cookie).await.is_ok()
        })
        .await;
        assert_eq!(who(&house, &cookie).await, Some(user));
        enter(&house.service, "member0@example.org", PASSWORD, HERE)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn without_postgresql_nobody_is_let_in_and_nobody_is_signed_out() {
    let (house, faults) = House::with_faults().await;
    let (user, cookie) = member(&house).await;
    for fault in [rapport_testing::Proxy::break_off, rapport_testing::Proxy::freeze] {
        fault(&faults.postgres);
        // The server's deadline for a page; what it drops must not harm what comes after.
        match timeout(Duration::from_secs(1), resolve(&house.service, &cookie)).await {
            Ok(answer) => assert_eq!(told(answer), AppError::Unavailable),
            Err(_deadline) => {}
        }
        faults.postgres.restore();
        let answered = async || {
            let answer = timeout(Duration::from_secs(1), resolve(&house.service, &cookie)).await;
            matches!(answer, Ok(Ok(_)))
        };
        eventually("it heals by itself", HEALED, answered).await;
        assert_eq!(who(&house, &cookie).await, Some(user));
    }
}

#[tokio::test]
async fn a_redis_that_lost_its_memory_signs_everyone_out_and_nothing_else() {
    let house = House::new().await;
    let (user, cookie) = member(&house).await;
    let (redis, key) = stored(&house, &cookie);
    redis.del(&key).await.unwrap();
    assert_eq!(who(&house, &cookie).await, None);
    assert_eq!(
        enter(&house.service, "member0@example.org", PASSWORD, HERE)
            .await
            .unwrap()
            .user,
        user
    );
}
