//! The one place that reads the time and draws chance, so that tests can set the time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use rapport_domain::id::uuid_v7;
use uuid::Uuid;

/// The time, and new ids.
#[derive(Clone, Default)]
pub struct Clock {
    /// Milliseconds by which tests moved this clock ahead.
    ahead: Arc<AtomicI64>,
    /// Where it stands still, for tests that must not depend on how long they take.
    stopped: Option<DateTime<Utc>>,
}

impl Clock {
    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.stopped.unwrap_or_else(real_now) + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// A clock that moves only when it is told to, for tests.
    #[must_use]
    pub fn stopped() -> Self {
        Self {
            ahead: Arc::default(),
            stopped: Some(real_now()),
        }
    }

    /// A new id, later than all before it by its time.
    #[must_use]
    pub fn new_id<Id: From<Uuid>>(&self) -> Id {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        uuid_v7(millis, rand::random()).into()
    }

    /// Moves the clock ahead, for tests of what expires.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place it is taken from")]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}
