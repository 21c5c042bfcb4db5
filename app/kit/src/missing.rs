//! Pages that cannot be shown: an address that leads nowhere, a record that is not there.

use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::error::AppError;

use crate::{
    api::{Fault, respond},
    layout::Shell,
    ui::{crumbs::Crumbs, empty::ErrorState},
};

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

/// The page of a record that cannot be shown.
#[component]
pub fn MissingRecord(
    /// Why.
    fault: Fault,
    /// The page to try again.
    again: String,
    /// The page above it: address and name.
    above: (String, String),
    /// What kind of record it is.
    what: &'static str,
) -> impl IntoView {
    let title = if fault.is_not_found() { "Not found" } else { what };
    view! {
        <Title text=title/>
        <div class="bar">
            <Crumbs above=vec![above] here=title/>
        </div>
        <ErrorState fault again/>
    }
    .into_any()
}
