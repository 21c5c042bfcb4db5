//! The dashboard: the first page of the day.

pub mod api;
pub mod page;

pub use page::DashboardPage;
