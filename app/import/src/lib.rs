//! Imports: the files there were, a new one, and one from its mapping to its report.

// A page is one deeply nested type, as in `rapport_app`.
#![recursion_limit = "512"]

pub mod api;
pub mod history;
pub mod page;
pub mod report;
pub mod settings;
pub mod upload;

pub use history::HistoryPage;
pub use page::ImportPage;

use kit::part::Part;

const IMPORTS: Part = Part::new("imports", || {
    Box::pin(async {
        history::load().await?;
        page::load().await
    })
});

/// The parts of the program that are here.
pub const PARTS: &[Part] = &[IMPORTS];
