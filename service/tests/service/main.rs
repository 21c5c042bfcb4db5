//! What the service does, on a real PostgreSQL and a real Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod customer;
mod database;
mod import;
mod limit;
mod list;
mod password;
mod redis;
mod session;
mod support;
mod undo;
mod user;
