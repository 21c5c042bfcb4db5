//! Webhooks, for admins: what other programs are told, and how that fares.

pub mod api;
pub mod list;
pub mod page;

pub use list::WebhooksPage;
pub use page::WebhookPage;
