//! A whole service on a database of its own, and people to act as.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU32, Ordering},
};

use rapport_domain::{
    access::BuiltInRole,
    id::{TeamId, UserId},
    journal::Via,
    user::NewUser,
};
use rapport_service::{
    Ctx, Service, Setup,
    clock::Clock,
    database,
    redis::{Redis, RedisError},
    seal::Key,
    user,
    webhook::Ways,
};
use sea_orm::DatabaseConnection;
use uuid::Uuid;

use crate::{PATIENCE, Proxy, TestDatabase, environment};

/// The password of every user that is made here.
pub const PASSWORD: &str = "correct horse battery staple";

/// What the journal of every house is sealed with.
pub const SEAL_KEY: &str = "5ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea1";

/// The client address that tests come from.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A page asks several questions at once: on a busy machine one that waits for a connection is told 503.
const CONNECTIONS: u32 = 10;

/// A service with nobody in it yet.
pub struct House {
    /// The service, as a server has it.
    pub service: Service,
    /// Its clock, to be moved ahead.
    pub clock: Clock,
    /// Its database.
    pub database: TestDatabase,
    /// What its keys in Redis begin with.
    pub prefix: String,
    made: AtomicU32,
}

/// The ways to PostgreSQL and Redis, to be broken.
pub struct Faults {
    /// In front of PostgreSQL.
    pub postgres: Proxy,
    /// In front of Redis.
    pub redis: Proxy,
}

impl House {
    /// A house on a new database.
    ///
    /// # Panics
    /// When PostgreSQL or Redis is missing.
    pub async fn new() -> Self {
        Self::with_clock(Clock::default()).await
    }

    /// A house on a database without anything in it, not even a schema.
    ///
    /// # Panics
    /// As [`House::new`].
    pub async fn unbuilt() -> Self {
        Self::on(TestDatabase::empty().await, Clock::default()).await
    }

    /// A house in which time passes as the clock says.
    ///
    /// # Panics
    /// As [`House::new`].
    pub async fn with_clock(clock: Clock) -> Self {
        Self::on(TestDatabase::new().await, clock).await
    }

    /// A house whose ways to PostgreSQL and Redis can be broken.
    ///
    /// # Panics
    /// As [`House::new`].
    pub async fn with_faults() -> (Self, Faults) {
        let database = TestDatabase::new().await;
        let (postgres_url, redis_url) = (database.url(), environment("TEST_REDIS_URL"));
        let postgres = Proxy::to(&postgres_url).await;
        let redis = Proxy::to(&redis_url).await;
        let (clock, prefix) = (Clock::default(), new_prefix());
        let service = service(
            database::connect(&postgres.url(&postgres_url), CONNECTIONS).await,
            Redis::connect(&redis.url(&redis_url), &prefix),
            &clock,
        );
        let house = Self::of(service, clock, database, prefix);
        (house, Faults { postgres, redis })
    }

    async fn on(database: TestDatabase, clock: Clock) -> Self {
        let prefix = new_prefix();
        let service = patient(&database, &prefix, &clock).await;
        Self::of(service, clock, database, prefix)
    }

    fn of(service: Service, clock: Clock, database: TestDatabase, prefix: String) -> Self {
        Self {
            service,
            clock,
            database,
            prefix,
            made: AtomicU32::new(0),
        }
    }

    /// A second server on the same PostgreSQL and Redis.
    ///
    /// # Panics
    /// As [`House::new`].
    pub async fn another_server(&self) -> Service {
        patient(&self.database, &self.prefix, &self.clock).await
    }

    /// As [`House::another_server`], with so many connections to PostgreSQL, for which it waits no longer than a server.
    ///
    /// # Panics
    /// As [`House::new`].
    pub async fn server_with(&self, connections: u32) -> Service {
        service(
            database::connect(&self.database.url(), connections).await,
            Redis::connect_with(&environment("TEST_REDIS_URL"), &self.prefix, PATIENCE),
            &self.clock,
        )
    }

    /// A new user with [`PASSWORD`], whose address is `<role><number>@example.org`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn user(&self, role: BuiltInRole, team: Option<TeamId>) -> UserId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let new = NewUser {
            name: format!("{role} {number}"),
            email: format!("{role}{number}@example.org"),
            password: PASSWORD.to_owned(),
            role,
        };
        user::create(&self.service, new, team)
            .await
            .expect("a user for the test")
    }

    /// A new team.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn team(&self, name: &str) -> TeamId {
        user::create_team(&self.service, name.to_owned())
            .await
            .expect("a team for the test")
    }

    /// The user acting through a page, with the rights they have now.
    ///
    /// # Panics
    /// When there is no such active user.
    pub async fn acting(&self, user: UserId) -> Ctx {
        let actor = user::actor(&self.service, user).await.expect("an active user");
        self.service.acting(actor, Via::Page)
    }
}

fn new_prefix() -> String {
    format!("test:{}:", Uuid::new_v4().simple())
}

/// A service that waits longer than a server does.
async fn patient(database: &TestDatabase, prefix: &str, clock: &Clock) -> Service {
    service(
        database::connect_with(&database.url(), CONNECTIONS, PATIENCE).await,
        Redis::connect_with(&environment("TEST_REDIS_URL"), prefix, PATIENCE),
        clock,
    )
}

fn service(
    db: rapport_service::Result<DatabaseConnection>,
    redis: Result<Redis, RedisError>,
    clock: &Clock,
) -> Service {
    let setup = Setup {
        key: Key::parse(SEAL_KEY),
        // Where tests receive what webhooks are sent.
        webhooks: Ways {
            networks: "127.0.0.1".parse().into_iter().collect(),
            ..Ways::default()
        },
        ..Setup::default()
    };
    Service::new(
        db.expect("a pool for the test"),
        redis.expect("the URL of Redis"),
        clock.clone(),
        setup,
    )
}
