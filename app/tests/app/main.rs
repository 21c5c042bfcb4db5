//! Parts of pages rendered to HTML without a browser and without a database.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod kit;
mod rows;
mod story;
mod support;
