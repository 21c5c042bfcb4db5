//! What the service does, on a real PostgreSQL and a real Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod activity;
mod appointment;
mod audit;
mod backup;
mod calendar_link;
mod customer;
mod dashboard;
mod database;
mod export;
mod factor;
mod feed;
mod import;
mod import_faults;
mod import_hard;
mod import_proof;
mod import_scale;
mod import_steps;
mod journal;
mod limit;
mod list;
mod live;
mod mail;
mod organisation;
mod panel;
mod password;
mod people;
mod plan;
mod program;
mod redis;
mod seal;
mod session;
mod support;
mod tag;
mod undo;
mod user;
mod ways_in;
mod webhook;
