//! What the installation is set to.

use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::{
    form::Values,
    organisation::{Organisation, WEEKDAYS},
};
use wasm_split_helpers::wasm_split;

use super::api;
use crate::{
    door::{DoorForm, Form, use_changes, use_field, use_form},
    part::{self, Drawn, Part, later},
    ui::{
        button::{Button, LinkButton, Weight},
        empty::ErrorState,
        field::{Field, PickOne},
        select::Select,
        skeleton::Skeleton,
    },
};

/// The page.
#[component]
pub fn OrganisationPage() -> impl IntoView {
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
    let organisation = Resource::new(move || changes.get(), |_| api::get_organisation());
    let form = move || {
        Suspend::new(async move {
            match organisation.await {
                Ok(organisation) => view! { <Settings organisation/> }.into_any(),
                Err(fault) => view! { <ErrorState fault again="/admin/settings"/> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Settings"/>
        <main class="main grow">
            <div class="bar">
                <h1 class="grow">"Settings"</h1>
                <LinkButton href="/admin/appointment-types".to_owned()>"Appointment types"</LinkButton>
            </div>
            <div class="scroll">
                <div class="page">
                    <Transition fallback=|| view! { <Skeleton lines=8/> }>{form}</Transition>
                </div>
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn Settings(organisation: Organisation) -> impl IntoView {
    let mut values = Values::default()
        .with("name", organisation.name)
        .with("zone", organisation.zone)
        .with("currency", organisation.currency)
        .with("week_start", organisation.week_start.to_string());
    values.0.extend(organisation.hours.values().0);
    let zones = organisation.zones.into_iter().map(|zone| (zone.clone(), zone));
    let days = WEEKDAYS
        .iter()
        .zip(1..)
        .map(|((_, name), number)| (i32::to_string(&number), (*name).to_owned()));
    view! {
        <DoorForm form=Form::SaveOrganisation values seen=organisation.version class="form" on_done=Callback::new(|_| ())>
            <Field name="name" label="Organisation" hint="Stands at the head of every page." required=true/>
            <Select name="zone" label="Time zone" options=zones.collect()/>
            <p class="sm faint">"The clock of everybody who has not set one of their own."</p>
            <div class="pair">
                <Field name="currency" label="Currency" hint="Three letters, such as EUR: what amounts are in." required=true/>
                <Select name="week_start" label="Weeks begin on" options=days.collect()/>
            </div>
            <fieldset class="grid gap-2">
                <legend class="pb-1 font-medium">"Opening hours"</legend>
                <p class="sm faint">"The calendar shades what lies outside, and free times are looked for inside. Leave a day empty to close it."</p>
                <Week/>
            </fieldset>
            <SaveButton/>
        </DoorForm>
    }
    .into_any()
}

/// The hours of each day. A component of its own: its fields know the form only inside it.
#[component]
fn Week() -> impl IntoView {
    WEEKDAYS
        .map(|(day, name)| view! { <Day day name/> })
        .into_iter()
        .collect_view()
}

/// The hours of a day, from and to.
#[component]
fn Day(day: &'static str, name: &'static str) -> impl IntoView {
    let (from, to) = (use_field(&format!("{day}.from")), use_field(&format!("{day}.to")));
    let (first, last) = (from.error, to.error);
    let wrong = move || first.get().or_else(|| last.get());
    let end = |state: crate::door::FieldState, which: &'static str| {
        let label = format!("{name}, {which}");
        let (error, conflict) = (state.error, state.conflict);
        let pick = format!("pick.{}", state.name);
        let bad = move || error.with(Option::is_some) || conflict.with(Option::is_some);
        view! {
            <input
                class="input short w-32"
                type="time"
                id=state.id
                name=state.name
                value=state.value
                aria-label=label
                aria-invalid=move || bad().then_some("true")
                aria-describedby=format!("{day}-error")
            />
            {move || conflict.get().map(|conflict| view! { <PickOne conflict name=pick.clone()/> })}
        }
    };
    view! {
        <div class="acts">
            <span class="w-24">{name}</span>
            {end(from, "from")}
            <span aria-hidden="true">"–"</span>
            {end(to, "to")}
            <span class="wrong" id=format!("{day}-error") aria-live="polite">{wrong}</span>
        </div>
    }
    .into_any()
}

/// The button that saves a form.
#[component]
pub fn SaveButton() -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <div class="acts">
            <Button kind="submit" weight=Weight::Main tall=true busy>"Save"</Button>
        </div>
    }
    .into_any()
}
