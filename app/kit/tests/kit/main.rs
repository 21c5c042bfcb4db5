//! What pages are built from, rendered to HTML without a browser and without a database; and cookies.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod support;
mod ui;
