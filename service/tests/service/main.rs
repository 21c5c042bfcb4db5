//! What the service does, on a real PostgreSQL and a real Redis.

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
