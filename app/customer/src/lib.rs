//! Customers: the list, a customer's page, the forms.

// A page is one deeply nested type, as in `rapport_app`.
#![recursion_limit = "512"]

pub mod address;
pub mod api;
pub mod composer;
pub mod edits;
pub mod facts;
pub mod filters;
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

use kit::part::Part;

/// A customer, on a page or beside the list.
const RECORD: Part = Part::new("record", || {
    Box::pin(async {
        record::load().await?;
        panel::load().await
    })
});
/// The forms of a whole customer.
const FORMS: Part = Part::new("forms", || {
    Box::pin(async {
        forms::load_new().await?;
        forms::load_all().await?;
        forms::load_in_dialog().await
    })
});

/// The parts of the program that are here.
pub const PARTS: &[Part] = &[RECORD, FORMS];
