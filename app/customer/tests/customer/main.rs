//! Parts of the pages of customers rendered to HTML without a browser and without a database.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../kit/tests/kit/support.rs"]
mod render;
mod rows;
mod story;
mod support;
