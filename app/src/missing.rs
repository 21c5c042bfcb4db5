//! The page for an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::error::AppError;

use crate::{api::respond, layout::Shell, ui::empty::ErrorState};

/// Says that there is no such page, with the status that says the same. Who is not signed in does not get here: the
/// guard leads them to the sign-in page first.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <Shell>
            <main class="main grow">
                <ErrorState fault=respond(AppError::NotFound) again="/customers"/>
            </main>
        </Shell>
    }
    .into_any()
}
