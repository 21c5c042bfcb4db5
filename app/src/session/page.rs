//! The pages before anybody is signed in.

use kit::{
    browser,
    door::{DoorForm, Form, query_value, use_field, use_form},
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, nothing, waiting},
        button::{Button, Weight},
        field::Field,
        toast::ToastRack,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use rapport_domain::form::Values;
use wasm_split_helpers::wasm_split;

use super::api;

/// Makes the first admin.
#[component]
pub fn SetUpPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_set_up)
}

/// Signs in.
#[component]
pub fn SignInPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_sign_in)
}

/// Draws the page that makes the first admin.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_set_up
))]
pub fn draw_set_up() -> Drawn {
    Ok(view! { <SetUp/> }.into_any())
}

/// Draws the page that signs in.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_sign_in
))]
pub fn draw_sign_in() -> Drawn {
    Ok(view! { <SignIn/> }.into_any())
}

#[component]
fn SetUp() -> impl IntoView {
    view! {
        <Title text="Set up"/>
        <Doorstep title="Set up Rapport" text="Make the first account. It will be the admin; others follow later.">
            <DoorForm form=Form::SetUp class="form">
                <BrowserZone/>
                <Field
                    name="token"
                    label="Set-up token"
                    hint="The server printed it on its console when it started."
                    required=true
                    autofocus=true
                />
                <Field name="organisation" label="Organisation" autocomplete="organization" required=true/>
                <Field name="name" label="Your name" autocomplete="name" required=true/>
                <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true/>
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    hint="A few words in a row are good and easy to remember."
                    required=true
                />
                <Enter words="Create the account"/>
            </DoorForm>
        </Doorstep>
    }
}

/// The zone of the browser, once the page is awake: where the organisation is, as a start.
#[component]
fn BrowserZone() -> impl IntoView {
    let zone = RwSignal::new(None::<String>);
    Effect::new(move || zone.set(browser::time_zone()));
    move || {
        zone.get()
            .map(|zone| view! { <input type="hidden" name="zone" value=zone/> })
    }
}

#[component]
fn SignIn() -> impl IntoView {
    let search = use_location().search;
    let search = search.read_untracked();
    let next = query_value(&search, "next").unwrap_or_default();
    // Refused without script, the form is shown again on the page that knows where to go next.
    let back = format!("{}?{}", Form::SignIn.path(), search.trim_start_matches('?'));
    let hidden = Values::default().with("next", next).with("back", back);
    view! {
        <Title text="Sign in"/>
        <Doorstep title="Sign in" text="Welcome back.">
            <DoorForm form=Form::SignIn class="form" hidden>
                <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true autofocus=true/>
                <Field name="password" label="Password" kind="password" autocomplete="current-password" required=true/>
                <Code/>
                <Enter words="Sign in"/>
            </DoorForm>
            <p class="sm pt-4 grid gap-1">
                <a class="go" href="/forgot">"Forgotten your password?"</a>
                <MaySignUp/>
            </p>
        </Doorstep>
        <ToastRack/>
    }
}

/// The code of a second factor, from when one was asked for.
#[component]
fn Code() -> impl IntoView {
    let missed = use_field("code").error;
    let asked = Memo::new(move |asked: Option<&bool>| asked == Some(&true) || missed.with(Option::is_some));
    move || {
        asked.get().then(|| {
            view! {
                <Field
                    name="code"
                    label="Code"
                    autocomplete="one-time-code"
                    required=true
                />
            }
        })
    }
}

/// The way in for those who have no account, where there is one.
#[component]
fn MaySignUp() -> impl IntoView {
    let domains = Loaded::new(|| (), |()| api::sign_up_domains());
    let link = move || async move {
        let open = awaited(domains).await.is_ok_and(|domains| !domains.is_empty());
        if !open {
            return ().into_any();
        }
        view! { <a class="go" href="/sign-up">"New here? Sign up"</a> }.into_any()
    };
    waiting(nothing, link)
}

/// The frame of a page that stands alone.
#[component]
pub fn Doorstep(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// What to do here.
    #[prop(into)]
    text: String,
    /// What stands on it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="door">
            <main>
                <span class="mark" aria-hidden="true">"R"</span>
                <div>
                    <h1>{title}</h1>
                    <p class="dim">{text}</p>
                </div>
                <div class="card">{children()}</div>
            </main>
        </div>
    }
    .into_any()
}

/// The button that sends a form, over its whole width.
#[component]
pub fn Enter(
    /// What it does.
    words: &'static str,
) -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <Button kind="submit" weight=Weight::Main busy tall=true>
            {words}
        </Button>
    }
    .into_any()
}
