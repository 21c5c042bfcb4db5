//! The audit log, for admins.

pub mod api;
pub mod page;

pub use page::AuditPage;
