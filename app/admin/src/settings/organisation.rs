//! What the installation is set to.

use kit::{
    door::{DoorForm, Form, use_field},
    part::{self, Drawn, later},
    ui::{
        button::LinkButton,
        field::{Field, PickOne, TextArea},
        page::{PlainPage, below_admin, loaded},
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    form::Values,
    organisation::{Organisation, WEEKDAYS},
    user::{people::SignUp, security::FactorRule},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn OrganisationPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let tools = view! {
        <LinkButton href="/admin/appointment-types".to_owned()>"Appointment types"</LinkButton>
    };
    let page = view! {
        <PlainPage title="Settings" above=below_admin() tools=tools.into_any()>
            {loaded(api::get_organisation, "/admin/settings", |organisation| {
                view! { <Settings organisation/> }.into_any()
            })}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Settings(organisation: Organisation) -> impl IntoView {
    let mut values = Values::default()
        .with("name", organisation.name)
        .with("zone", organisation.zone)
        .with("currency", organisation.currency)
        .with("week_start", organisation.week_start.to_string())
        .with("sign_up", organisation.sign_up.word())
        .with("sign_up_domains", organisation.sign_up_domains.join(", "))
        .with("second_factor", organisation.second_factor.word());
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
            <Select name="sign_up" label="Who may join" options=who_may_join()/>
            <TextArea
                name="sign_up_domains"
                label="Domains that may sign up"
                hint="Such as example.org, separated by commas. The address is confirmed by a mail; they start as members of the first team."
            />
            <Select name="second_factor" label="Second factor at sign-in" options=who_needs_a_factor()/>
            <p class="sm faint">
                "Where everybody has to, who has none sets one up at their next click, you too. Keys of programs and links to
                calendars go on."
            </p>
            <Send words="Save"/>
        </DoorForm>
    }
    .into_any()
}

fn who_needs_a_factor() -> Vec<Pick> {
    let words = |rule: FactorRule| match rule {
        FactorRule::Offered => "Each as they like",
        FactorRule::Demanded => "Everybody has to have one",
    };
    let every = FactorRule::EVERY.iter();
    every
        .map(|rule| (rule.word().to_owned(), words(*rule).to_owned()))
        .collect()
}

fn who_may_join() -> Vec<Pick> {
    let words = |who: SignUp| match who {
        SignUp::Closed => "Nobody; invitations wait",
        SignUp::Invitation => "Who was asked to by an admin",
        SignUp::Domains => "Also who has an address of the domains below",
    };
    let every = SignUp::EVERY.iter();
    every
        .map(|who| (who.word().to_owned(), words(*who).to_owned()))
        .collect()
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
    let end = |state: kit::door::FieldState, which: &'static str| {
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
