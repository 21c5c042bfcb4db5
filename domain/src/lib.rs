//! What the CRM speaks of: ids, records, forms and their rules, list queries, roles, errors.
//!
//! No I/O and no framework: this crate compiles to native and to WASM, so that a rule runs in the browser
//! and on the server from the same lines. One file per feature.

pub mod access;
pub mod activity;
pub mod analytics;
pub mod api_key;
pub mod appointment;
pub mod audit;
pub mod customer;
pub mod dashboard;
pub mod error;
pub mod event;
pub mod export;
pub mod feed;
pub mod form;
pub mod health;
pub mod id;
pub mod import;
pub mod job;
pub mod journal;
pub mod live;
pub mod organisation;
pub mod password;
pub mod query;
pub mod tag;
pub mod text;
pub mod timeline;
pub mod user;
pub mod webhook;
