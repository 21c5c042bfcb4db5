//! Imports: the files there were, a new one, and one from its mapping to its report.

pub mod api;
pub mod history;
pub mod page;
pub mod report;
pub mod settings;
pub mod upload;

pub use history::HistoryPage;
pub use page::ImportPage;
