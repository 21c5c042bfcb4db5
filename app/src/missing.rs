//! The page for an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;

/// Says that there is no such page, with the status that says the same.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::api::respond(rapport_domain::error::AppError::NotFound);
    view! {
        <Title text="Not found"/>
        <main>
            <h1>"Not found"</h1>
            <p>"There is no such page, or you may not see it."</p>
            <p><a href="/customers">"All customers"</a></p>
        </main>
    }
}
