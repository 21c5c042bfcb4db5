//! Customers: the list, a customer's page, the forms.

pub mod api;
pub mod page;

pub use page::{EditPage, ListPage, NewPage, RecordPage};
