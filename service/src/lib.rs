//! What the CRM does. Nothing outside this crate writes SQL or talks to Redis.
//!
//! A feature is a module with its queries and commands. Every read goes through [`access`], every write through
//! [`journal`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rapport_domain::{access::Actor, appointment::Asked, journal::Via};
use sea_orm::DatabaseConnection;

pub mod access;
pub mod activity;
pub mod analytics;
pub mod api_key;
pub mod appointment;
pub mod audit;
pub mod backup;
mod bulk;
pub mod clock;
pub mod customer;
pub mod dashboard;
pub mod database;
pub mod doctor;
mod entity;
pub mod error;
mod event;
pub mod feed;
pub mod health;
pub mod import;
pub mod job;
pub mod journal;
pub mod limit;
pub mod live;
pub mod mail;
mod merge;
pub mod network;
pub mod organisation;
pub mod password;
pub mod redis;
pub mod seal;
mod secret;
pub mod seen;
pub mod session;
mod sql;
pub mod tag;
pub mod user;
pub mod webhook;
pub mod wire;
pub mod zone;

use database::Db;
pub use database::Hold;
pub use error::{Error, Result};

/// What every service function works with. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Service {
    parts: Arc<Parts>,
    db: Db,
}

struct Parts {
    redis: redis::Redis,
    clock: clock::Clock,
    hasher: password::Hasher,
    setup: Setup,
}

/// What the one who hosts may give besides the stores.
pub struct Setup {
    /// A way for mail; unless given mail stays here, and links are for this machine.
    pub post: mail::Post,
    /// The key of the journal's seal; unless given the journal is not sealed.
    pub key: Option<seal::Key>,
    /// How often one key of the API may ask in a minute.
    pub key_rate: u32,
    /// Where webhooks may lead.
    pub webhooks: webhook::Ways,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            post: mail::Post::default(),
            key: None,
            key_rate: limit::KEY_RATE,
            webhooks: webhook::Ways::default(),
        }
    }
}

impl Service {
    /// Puts the parts together. Connects to nothing by itself.
    #[must_use]
    pub fn new(db: DatabaseConnection, redis: redis::Redis, clock: clock::Clock, setup: Setup) -> Self {
        Self {
            parts: Arc::new(Parts {
                redis,
                clock,
                hasher: password::Hasher::default(),
                setup,
            }),
            db: Db::new(db),
        }
    }

    /// The same for one request, which asks all its questions on one connection, until the second part is dropped.
    pub fn for_request(&self) -> (Self, Hold) {
        let (db, hold) = self.db.hold();
        let parts = Arc::clone(&self.parts);
        (Self { parts, db }, hold)
    }

    /// The time and the source of ids.
    #[must_use]
    pub fn clock(&self) -> &clock::Clock {
        &self.parts.clock
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn redis(&self) -> &redis::Redis {
        &self.parts.redis
    }

    /// Hashing takes long: no connection is held meanwhile.
    pub(crate) fn hasher(&self) -> &password::Hasher {
        self.db.let_go();
        &self.parts.hasher
    }

    pub(crate) fn post(&self) -> &mail::Post {
        &self.parts.setup.post
    }

    pub(crate) fn key_rate(&self) -> u32 {
        self.parts.setup.key_rate
    }

    pub(crate) fn webhooks(&self) -> &webhook::Ways {
        &self.parts.setup.webhooks
    }

    /// The key of the journal's seal.
    #[must_use]
    pub fn key(&self) -> Option<&seal::Key> {
        self.parts.setup.key.as_ref()
    }

    /// The context of somebody who acts.
    #[must_use]
    pub fn acting(&self, actor: Actor, via: Via) -> Ctx {
        Ctx {
            service: self.clone(),
            actor,
            via,
        }
    }
}

/// Somebody who acts, through a door, on the service.
#[derive(Clone)]
pub struct Ctx {
    service: Service,
    actor: Actor,
    via: Via,
}

impl Ctx {
    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Through which door.
    #[must_use]
    pub fn via(&self) -> Via {
        self.via
    }

    /// The time and the source of ids.
    #[must_use]
    pub fn clock(&self) -> &clock::Clock {
        self.service.clock()
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// What the actor's clock says at an instant.
    #[must_use]
    pub fn asked(&self, at: DateTime<Utc>) -> Asked {
        zone::asked(at, self.zone())
    }

    /// The instant at which the actor's clock says that.
    ///
    /// # Errors
    /// As [`zone::instant`].
    pub fn instant(&self, asked: Asked) -> Result<DateTime<Utc>> {
        Ok(zone::instant(asked, self.zone())?)
    }

    /// Where the actor's clock stands.
    pub(crate) fn zone(&self) -> chrono_tz::Tz {
        // What this program does not know of, a newer zone, is told in UTC.
        zone::parse(&self.actor.zone).unwrap_or(chrono_tz::Tz::UTC)
    }

    /// The actor's clock as it stands now.
    pub(crate) fn now(&self) -> zone::Now {
        zone::Now::of(self.zone(), self.clock().now())
    }

    pub(crate) fn db(&self) -> &Db {
        self.service.db()
    }
}
