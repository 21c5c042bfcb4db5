//! What each person sets for themselves.

use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::{form::Values, organisation::Profile};
use wasm_split_helpers::wasm_split;

use super::{api, organisation::SaveButton};
use crate::{
    door::{DoorForm, Form, use_changes},
    part::{self, Drawn, Part, later},
    ui::{
        empty::ErrorState,
        field::Field,
        select::{Pick, Select},
        skeleton::Skeleton,
    },
};

/// The page.
#[component]
pub fn ProfilePage() -> impl IntoView {
    later(Part::Settings, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

#[component]
fn Page() -> impl IntoView {
    let changes = use_changes();
    let profile = Resource::new(move || changes.get(), |_| api::get_profile());
    let form = move || {
        Suspend::new(async move {
            match profile.await {
                Ok(profile) => view! { <ProfileForm profile/> }.into_any(),
                Err(fault) => view! { <ErrorState fault again="/settings"/> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Your settings"/>
        <main class="main grow">
            <div class="bar">
                <h1>"Your settings"</h1>
            </div>
            <div class="scroll">
                <div class="page">
                    <Transition fallback=|| view! { <Skeleton/> }>{form}</Transition>
                </div>
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn ProfileForm(profile: Profile) -> impl IntoView {
    let values = Values::default()
        .with("name", profile.name)
        .with("zone", profile.zone.unwrap_or_default());
    let default = format!("As the organisation: {}", profile.default_zone);
    let zones = profile.zones.into_iter().map(|zone| (zone.clone(), zone));
    let zones: Vec<Pick> = std::iter::once((String::new(), default)).chain(zones).collect();
    view! {
        <DoorForm form=Form::SaveProfile values seen=profile.version class="form" on_done=Callback::new(|_| ())>
            <Field name="name" label="Name" hint="How others see you here." autocomplete="name" required=true/>
            <Select name="zone" label="Time zone" options=zones/>
            <p class="sm faint">"All times are told by this clock, and what you book is understood by it."</p>
            <SaveButton/>
        </DoorForm>
        <p class="sm faint mt-6">{format!("You sign in as {}.", profile.email)}</p>
    }
    .into_any()
}
