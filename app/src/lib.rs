//! What people see: one folder per feature, each with `api.rs` (server functions) and its pages; the large ones are
//! crates of their own. Here it is decided which page an address stands for.
//!
//! It is compiled twice: natively with `ssr`, where it renders pages and answers server functions, and to WASM
//! with `hydrate`, where it wakes the rendered pages up.

// A page is one deeply nested type; the compiler stops at 128 by default.
#![recursion_limit = "512"]

use admin::{analytics, audit, health, settings, user, webhook};
use kit::{
    door::{self, Door, Flash, FormState},
    layout, missing,
    part::{self, Part},
    ui,
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    hooks::use_location,
    path,
};
use serde::{Deserialize, Serialize};
use wasm_split_helpers::SplitLoaderError;

pub mod dashboard;
#[cfg(feature = "ssr")]
pub mod document;
pub mod feed;
pub mod session;

/// The pages before anybody is signed in.
const DOORSTEP: Part = Part::new("doorstep", || {
    Box::pin(async {
        session::page::load_set_up().await?;
        session::page::load_sign_in().await?;
        session::link::load_join().await?;
        session::link::load_reset().await?;
        session::link::load_sign_up().await?;
        session::link::load_forgot().await?;
        session::factor::load().await
    })
});
/// What was done, and the trash.
const FEED: Part = Part::new("feed", || {
    Box::pin(async {
        feed::deeds::load().await?;
        feed::deed::load().await?;
        feed::trash::load().await
    })
});
const DASHBOARD: Part = Part::new("dashboard", || Box::pin(dashboard::page::load()));

/// Loads what the page was drawn with. To be awaited before the page wakes up.
///
/// # Errors
/// When a part cannot be loaded: then the page stays as it is, and does what it does without script.
pub async fn load_drawn() -> Result<(), SplitLoaderError> {
    let parts = [
        &[DOORSTEP, FEED, DASHBOARD],
        customer::PARTS,
        appointment::PARTS,
        import::PARTS,
        admin::PARTS,
    ];
    part::load_drawn(&parts.concat()).await
}

/// What the server hands to the first render in the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    failed: Option<FormState>,
    flash: Option<Flash>,
}

impl Start {
    fn of_this_request() -> Self {
        #[cfg(feature = "ssr")]
        if let Some(visit) = use_context::<std::sync::Arc<kit::visit::Visit>>() {
            return Self {
                failed: visit.failed.clone(),
                flash: visit.flash.clone(),
            };
        }
        Self::default()
    }
}

/// The whole application: what all pages share, and which page a path stands for.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let start = SharedValue::new(Start::of_this_request).into_inner();
    provide_context(Door::new(start.failed, start.flash));

    view! {
        <Title formatter=|title: String| whole_title(&title)/>
        <Router>
            <ForgetFailedForm/>
            <Routes fallback=missing::NotFoundPage>
                <Route path=path!("/setup") view=session::SetUpPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=session::SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-up") view=session::SignUpPage ssr=SsrMode::Async/>
                <Route path=path!("/forgot") view=session::ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/join/:token") view=session::JoinPage ssr=SsrMode::Async/>
                <Route path=path!("/second-factor") view=session::FactorPage ssr=SsrMode::Async/>
                <Route path=path!("/reset/:token") view=session::ResetPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=layout::Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=dashboard::DashboardPage ssr=SsrMode::Async/>
                    <Route path=path!("/customers") view=customer::ListPage ssr=SsrMode::Async/>
                    <Route path=path!("/customers/new") view=customer::NewPage ssr=SsrMode::Async/>
                    <Route path=path!("/customers/:id") view=customer::RecordPage ssr=SsrMode::Async/>
                    <Route path=path!("/customers/:id/edit") view=customer::EditPage ssr=SsrMode::Async/>
                    <Route path=path!("/appointments") view=appointment::CalendarPage ssr=SsrMode::Async/>
                    <Route path=path!("/appointments/new") view=appointment::NewPage ssr=SsrMode::Async/>
                    <Route path=path!("/appointments/:id") view=appointment::AppointmentPage ssr=SsrMode::Async/>
                    <Route path=path!("/appointments/:id/edit") view=appointment::EditPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view=settings::ProfilePage ssr=SsrMode::Async/>
                    <Route path=path!("/admin") view=admin::AdminPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/users") view=user::PeoplePage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/users/:id") view=user::PersonPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/teams") view=user::TeamsPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/audit") view=audit::AuditPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/health") view=health::HealthPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/analytics") view=analytics::AnalyticsPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/roles") view=user::RolesPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/outbox") view=user::OutboxPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/settings") view=settings::OrganisationPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/appointment-types") view=settings::TypesPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/tags") view=settings::TagsPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/security") view=settings::SecurityPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/keys") view=settings::KeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/keys") view=settings::AllKeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/webhooks") view=webhook::WebhooksPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/webhooks/:id") view=webhook::WebhookPage ssr=SsrMode::Async/>
                    <Route path=path!("/activity") view=feed::ActivityPage ssr=SsrMode::Async/>
                    <Route path=path!("/activity/:id") view=feed::DeedPage ssr=SsrMode::Async/>
                    <Route path=path!("/trash") view=feed::TrashPage ssr=SsrMode::Async/>
                    <Route path=path!("/imports") view=import::HistoryPage ssr=SsrMode::Async/>
                    <Route path=path!("/imports/:id") view=import::ImportPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
    .into_any()
}

/// The title of a page with the name of the product.
fn whole_title(title: &str) -> String {
    if title.is_empty() {
        return "Rapport".to_owned();
    }
    ui::raw::raw_text(&format!("{title} · Rapport"))
}

/// Drops the form that failed before the page was loaded as soon as the person moves on to another page.
#[component]
fn ForgetFailedForm() -> impl IntoView {
    let door = door::use_door();
    let location = use_location();
    Effect::new(move |before: Option<String>| {
        let here = location.pathname.get();
        if before.is_some_and(|before| before != here) {
            door.forget_failed();
        }
        here
    });
}
