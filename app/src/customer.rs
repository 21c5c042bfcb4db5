//! Customers: the list, a customer's page, the forms.

pub mod address;
pub mod api;
pub mod composer;
pub mod edits;
pub mod facts;
pub mod filters;
pub mod find;
pub mod forms;
pub mod list;
pub mod note;
pub mod panel;
pub mod record;
pub mod rows;
pub mod still;
pub mod story;

pub use forms::{EditPage, NewPage};
pub use list::ListPage;
pub use record::RecordPage;
