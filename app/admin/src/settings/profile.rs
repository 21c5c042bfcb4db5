//! What each person sets for themselves.

use kit::{
    door::{DoorForm, Form},
    part::{self, Drawn, later},
    ui::{
        button::{Button, LinkButton, Weight},
        field::Field,
        link::SecretLink,
        page::{PlainPage, loaded},
        select::{Pick, Select},
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{form::Values, organisation::Profile};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn ProfilePage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Your settings">
            {loaded(api::get_profile, "/settings", |profile| view! { <ProfileForm profile/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn ProfileForm(profile: Profile) -> impl IntoView {
    let values = Values::default()
        .with("name", profile.name)
        .with("zone", profile.zone.unwrap_or_default());
    let default = format!("As the organisation: {}", profile.default_zone);
    let zones = profile.zones.into_iter().map(|zone| (zone.clone(), zone));
    let zones: Vec<Pick> = std::iter::once((String::new(), default)).chain(zones).collect();
    let open = profile.feed_since.is_some();
    let calendar = match profile.feed_since {
        Some(since) => format!(
            "Whoever has the link can read what you keep, a month back and a year ahead. Open since: {}.",
            since.said
        ),
        None => "A link by which another calendar, such as that of your phone, shows your appointments."
            .to_owned(),
    };
    let link = profile
        .feed_link
        .map(|link| view! { <SecretLink link label="Link to your calendar".to_owned()/> });
    let revoke = open.then(|| {
        view! {
            <DoorForm form=Form::RevokeFeed on_done=Callback::new(|_| ())>
                <Button kind="submit">"Revoke"</Button>
            </DoorForm>
        }
    });
    view! {
        <DoorForm form=Form::SaveProfile values seen=profile.version class="form" on_done=Callback::new(|_| ())>
            <Field name="name" label="Name" hint="How others see you here." autocomplete="name" required=true/>
            <Select name="zone" label="Time zone" options=zones/>
            <p class="sm faint">"All times are told by this clock, and what you book is understood by it."</p>
            <Send words="Save"/>
        </DoorForm>
        <section class="grid gap-3 mt-8">
            <h2>"Your calendar elsewhere"</h2>
            <p class="sm faint">{calendar}</p>
            {link}
            <div class="acts">
                <DoorForm form=Form::OpenFeed on_done=Callback::new(|_| ())>
                    <Button kind="submit">{if open { "Make a new link" } else { "Make a link" }}</Button>
                </DoorForm>
                {revoke}
            </div>
        </section>
        <section class="grid gap-3 mt-8">
            <h2>"Programs"</h2>
            <p class="sm faint">"A program acts in your name by a key, with your rights or fewer."</p>
            <div class="acts">
                <LinkButton href="/settings/keys".to_owned() weight=Weight::Quiet>"API keys"</LinkButton>
            </div>
        </section>
        <section class="grid gap-3 mt-8">
            <h2>"Security"</h2>
            <p class="sm faint">"A second factor at sign-in, and where you are signed in."</p>
            <div class="acts">
                <LinkButton href="/settings/security".to_owned() weight=Weight::Quiet>"Second factor and sessions"</LinkButton>
            </div>
        </section>
        <section class="grid gap-3 mt-8">
            <h2>"Password"</h2>
            <p class="sm faint">{format!("You sign in as {}. A new password signs you out everywhere else.", profile.email)}</p>
            <DoorForm form=Form::ChangePassword class="form" label="Password">
                <Field name="current" label="Your password" kind="password" autocomplete="current-password" required=true/>
                <Field name="password" label="New password" kind="password" autocomplete="new-password" required=true/>
                <Send words="Change the password"/>
            </DoorForm>
        </section>
    }
    .into_any()
}
