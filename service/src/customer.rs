//! Customers: what can be asked of them and done to them.

pub mod command;
pub(crate) mod contact;
pub mod export;
mod list;
pub mod many;
pub mod query;
mod search;
pub(crate) mod timeline;
mod words;

pub(crate) use list::found_by;
