//! What tests stand on: a database for each test, accounts to act as, and a proxy that breaks connections.
//!
//! Needs a PostgreSQL and a Redis that nothing else depends on, named by `TEST_DATABASE_URL` (a role that may create
//! databases) and `TEST_REDIS_URL`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and they fail by panicking"
)]

use std::{
    future::Future,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::sleep;

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

/// How long to wait for a connection, and for Redis: longer than a busy machine may stand still. Tests of faults wait as
/// a server does.
const PATIENCE: Duration = Duration::from_secs(30);

/// The value of an environment variable that tests cannot do without.
fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need a PostgreSQL and a Redis of their own; script/test starts both")
    })
}

/// Asks until the answer is yes, and fails when it is not within the time that this machine ran: one that stands still
/// meanwhile, as shared ones do, fails no test.
///
/// # Panics
/// When the time is over.
pub async fn eventually<F: Future<Output = bool>>(what: &str, within: Duration, mut ask: impl FnMut() -> F) {
    let deadline = ran() + within;
    while !ask().await {
        assert!(ran() < deadline, "not within {within:?}: {what}");
        sleep(TICK).await;
    }
}

/// How often it is asked, and how finely that time is counted.
const TICK: Duration = Duration::from_millis(10);

/// For how long this machine ran since this was first asked.
fn ran() -> Duration {
    static TICKS: AtomicU32 = AtomicU32::new(0);
    static TICKER: Once = Once::new();
    TICKER.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(TICK);
                TICKS.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    TICK * TICKS.load(Ordering::Relaxed)
}
