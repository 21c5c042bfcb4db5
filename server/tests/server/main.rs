//! The router in-process, by URL, on a real PostgreSQL and Redis. One module for each part of the site.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod access;
mod browser;
mod cli;
mod connection;
mod customers;
mod door;
mod factor;
mod faults;
mod guard;
mod live;
mod log;
mod metrics;
mod rest;
mod sign_in;
mod transfer;
