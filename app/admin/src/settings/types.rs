//! The types of appointments.

use kit::{
    door::{DoorForm, Form, use_door, use_field},
    part::{self, Drawn, later},
    ui::{
        field::Field,
        page::{PlainPage, below_admin, loaded},
        rows::rows,
        select::Select,
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    appointment::{AppointmentType, COLOURS},
    form::Values,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// What the colours are called.
const NAMES: [&str; COLOURS as usize] = ["Green", "Blue", "Violet", "Amber", "Red", "Grey"];

/// The page.
#[component]
pub fn TypesPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Appointment types" above=below_admin()>
            {loaded(api::get_types, "/admin/appointment-types", |types| view! { <Types types/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Types(types: Vec<AppointmentType>) -> impl IntoView {
    let key = |kind: &AppointmentType| format!("{} {}", kind.id, kind.version);
    let types = rows(types, key, |kind| view! { <Edit kind/> }.into_any());
    let refused = use_door().failed_form() == Some(Form::NewAppointmentType);
    let values = Values::default()
        .with("minutes", "30")
        .with("colour", "1")
        .with("active", "on");
    view! {
        <p class="dim mb-4">"A type says how long an appointment usually takes and which colour it has in the calendar."</p>
        <div class="grid gap-2">
            {types}
            <details class="card" open=refused>
                <summary class="go">"New type"</summary>
                <DoorForm form=Form::NewAppointmentType mint=true values class="form" label="New type" on_done=Callback::new(|_| ())>
                    <Inputs/>
                </DoorForm>
            </details>
        </div>
    }
    .into_any()
}

#[component]
fn Edit(kind: AppointmentType) -> impl IntoView {
    let values = Values::default()
        .with("name", kind.name.clone())
        .with("minutes", kind.minutes.to_string())
        .with("colour", kind.colour.to_string())
        .with("active", if kind.active { "on" } else { "off" });
    let (id, unused) = (
        format!("type-{}", kind.id),
        (!kind.active).then_some("not in use"),
    );
    let label = format!("Type {}", kind.name);
    let refused = use_door().failed_form() == Some(Form::EditAppointmentType(kind.id));
    view! {
        <details class="card" open=refused>
            <summary>
                <span class=format!("pill dot c{}", kind.colour)>{kind.name.clone()}</span>
                <span class="num faint">{format!(" {} min ", kind.minutes)}</span>
                <span class="faint">{unused}</span>
            </summary>
            <DoorForm form=Form::EditAppointmentType(kind.id) id values seen=kind.version class="form" label on_done=Callback::new(|_| ())>
                <Inputs/>
            </DoorForm>
        </details>
    }
    .into_any()
}

#[component]
fn Inputs() -> impl IntoView {
    view! {
        <div class="pair">
            <Field name="name" label="Name" required=true/>
            <Field name="minutes" label="Minutes" kind="number" required=true/>
        </div>
        <Colours/>
        <Select
            name="active"
            label="In use"
            options=[("on", "Offered for new appointments"), ("off", "Kept for those that have it")]
                .map(|(key, words)| (key.to_owned(), words.to_owned()))
                .to_vec()
        />
        <Send words="Save"/>
    }
    .into_any()
}

#[component]
fn Colours() -> impl IntoView {
    let state = use_field("colour");
    let (error, legend) = (state.error, format!("{}-legend", state.id));
    let swatches = NAMES.iter().enumerate().map(|(place, name)| {
        let value = place.to_string();
        let on = value == state.value;
        view! {
            <label class="check">
                <input type="radio" name="colour" value=value checked=on/>
                <span class=format!("pill dot c{place}")>{*name}</span>
            </label>
        }
    });
    view! {
        <div class="field" role="radiogroup" aria-labelledby=legend>
            <span class="label" id=legend.clone()>"Colour"</span>
            <div class="checks">{swatches.collect_view()}</div>
            <div aria-live="polite">{move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}</div>
        </div>
    }
    .into_any()
}
