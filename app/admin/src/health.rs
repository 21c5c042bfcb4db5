//! How the installation is, for admins.

pub mod api;
pub mod page;

pub use page::HealthPage;
