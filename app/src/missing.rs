//! The page for an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::error::AppError;

use crate::{api::respond, ui::empty::ErrorState};

/// Says that there is no such page, with the status that says the same.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <main class="door">
            <ErrorState fault=respond(AppError::NotFound) again="/customers"/>
        </main>
    }
    .into_any()
}
