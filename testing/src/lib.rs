//! What tests stand on: a database for each test, accounts to act as, and a proxy that breaks connections.
//!
//! Needs a PostgreSQL and a Redis that nothing else depends on, named by `TEST_DATABASE_URL` (a role that may create
//! databases) and `TEST_REDIS_URL`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and they fail by panicking"
)]

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

mod database;
mod house;
mod kept;
mod proxy;
mod sheet;

pub use database::TestDatabase;
pub use house::{Faults, HERE, House, PASSWORD, SEAL_KEY};
pub use kept::Kept;
pub use proxy::Proxy;
pub use sheet::Sheet;

/// The value of an environment variable that tests cannot do without.
fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need a PostgreSQL and a Redis of their own; script/test starts both")
    })
}

/// Asks until the answer is yes, and fails when it is not within the time.
///
/// # Panics
/// When the time is over.
pub async fn eventually<F: Future<Output = bool>>(what: &str, within: Duration, mut ask: impl FnMut() -> F) {
    let deadline = Instant::now() + within;
    while !ask().await {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
