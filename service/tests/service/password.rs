//! Hashing of passwords.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rapport_domain::error::AppError;
use rapport_service::password::Hasher;

use crate::support::told;

#[tokio::test]
async fn a_hash_is_argon2id_of_19_mib_two_passes_and_one_lane_under_a_salt_of_its_own() {
    let hasher = Hasher::default();
    let first = hasher.hash("the same password".to_owned()).await.unwrap();
    let second = hasher.hash("the same password".to_owned()).await.unwrap();
    assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
    assert_ne!(first, second);
    for hash in [first, second] {
        assert!(
            hasher
                .verify("the same password".to_owned(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("the same passwords".to_owned(), Some(hash))
                .await
                .unwrap()
        );
    }
}

#[tokio::test]
async fn a_hash_of_the_reference_implementation_is_verified() {
    // Made by argon2-cffi 25.1, which binds the reference implementation in C.
    let reference =
        "$argon2id$v=19$m=19456,t=2,p=1$cmFwcG9ydC1zYWx0LTE2Yg$NeYSOIJNKtMXqtJ4Os/gsEe5LFNPe5WrVk6hewOgnsk";
    let verify = async |password: &str| {
        Hasher::default()
            .verify(password.to_owned(), Some(reference.to_owned()))
            .await
            .unwrap()
    };
    assert!(verify("correct horse battery staple — Luleå").await);
    assert!(!verify("correct horse battery staple — Lulea").await);
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let hasher = Hasher::default();
    let hash = hasher.hash("the right password".to_owned()).await.unwrap();
    let (mut wrong, mut unknown) = (Duration::MAX, Duration::MAX);
    let alike = |unknown: Duration, wrong: Duration| {
        (0.7..1.4).contains(&(unknown.as_secs_f64() / wrong.as_secs_f64()))
    };
    // The quickest of several, because whatever else this machine does only makes one slower.
    for round in 0..60 {
        if round >= 5 && alike(unknown, wrong) {
            break;
        }
        let start = Instant::now();
        assert!(
            !hasher
                .verify("a wrong password".to_owned(), Some(hash.clone()))
                .await
                .unwrap()
        );
        wrong = wrong.min(start.elapsed());
        let start = Instant::now();
        assert!(!hasher.verify("a wrong password".to_owned(), None).await.unwrap());
        unknown = unknown.min(start.elapsed());
    }
    assert!(alike(unknown, wrong), "unknown {unknown:?}, wrong {wrong:?}");
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_refused_at_once() {
    let hasher = Hasher::default();
    let start = Instant::now();
    let tries = join_all((0..60).map(async |_| {
        let result = hasher.hash("password".to_owned()).await;
        (result, start.elapsed())
    }))
    .await;
    let (done, refused): (Vec<_>, Vec<_>) = tries.into_iter().partition(|(result, _)| result.is_ok());
    // Two at work and sixteen waiting.
    assert_eq!((done.len(), refused.len()), (18, 42));
    let last = refused.iter().map(|(_, after)| *after).max().unwrap();
    let first = done.iter().map(|(_, after)| *after).min().unwrap();
    assert!(
        last < first,
        "the last refusal came after {last:?}, the first hash after {first:?}"
    );
    for (result, _) in refused {
        assert_eq!(told(result), AppError::TooManyRequests { retry_after: 1 });
    }
    // Afterwards there is room again.
    assert!(hasher.hash("password".to_owned()).await.is_ok());
}

#[tokio::test]
async fn a_stored_hash_that_asks_for_a_gigabyte_is_not_computed() {
    let greedy =
        "$argon2id$v=19$m=1048576,t=2,p=1$cmFwcG9ydC1zYWx0LTE2Yg$NeYSOIJNKtMXqtJ4Os/gsEe5LFNPe5WrVk6hewOgnsk";
    for hash in [
        greedy,
        "",
        "$argon2id$",
        "plain text",
        "$2b$12$K3JNi5xUQEppzEyTTdkfLe",
    ] {
        let result = Hasher::default()
            .verify("password".to_owned(), Some(hash.to_owned()))
            .await;
        assert_eq!(told(result), AppError::internal(), "{hash:?}");
    }
}
