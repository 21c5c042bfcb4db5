//! What admins see to, and what each person sets for themselves.

// A page is one deeply nested type, as in `rapport_app`.
#![recursion_limit = "512"]

pub mod analytics;
pub mod audit;
pub mod health;
pub mod panel;
pub mod settings;
pub mod user;
pub mod webhook;

pub use panel::AdminPage;

use kit::part::Part;

/// The admin panel.
const ADMIN: Part = Part::new("admin", || {
    Box::pin(async {
        panel::load().await?;
        analytics::page::load().await?;
        audit::page::load().await?;
        health::page::load().await?;
        user::people::load().await?;
        user::person::load().await?;
        user::teams::load().await?;
        user::roles::load().await?;
        user::outbox::load().await
    })
});

/// The pages of settings, and of webhooks.
const SETTINGS: Part = Part::new("settings", || {
    Box::pin(async {
        settings::organisation::load().await?;
        settings::profile::load().await?;
        settings::keys::load().await?;
        settings::programs::load().await?;
        settings::security::load().await?;
        settings::tags::load().await?;
        settings::types::load().await?;
        webhook::list::load().await?;
        webhook::page::load().await
    })
});

/// The parts of the program that are here.
pub const PARTS: &[Part] = &[ADMIN, SETTINGS];
