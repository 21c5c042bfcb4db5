//! The person at the foot of the sidebar, and their menu: colours, the way out.

use leptos::prelude::*;
use rapport_domain::{form::Values, user::Me};

use crate::{
    door::{DoorForm, Form},
    theme::Theme,
    ui::{
        avatar::Avatar,
        icon::Icon,
        menu::{Menu, Opens},
    },
};

const THEMES: [(Theme, &str, icondata::Icon); 3] = [
    (Theme::System, "As the system", icondata::LuMonitor),
    (Theme::Light, "Light", icondata::LuSun),
    (Theme::Dark, "Dark", icondata::LuMoon),
];

/// The person, and what they can do about themselves.
#[component]
pub fn Person(
    /// Who it is.
    me: Me,
) -> impl IntoView {
    let about = [Some(me.role), me.team]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ");
    view! {
        <button class="nav" type="button" popovertarget="person">
            <Avatar name=me.name.clone()/>
            <span class="cut">{me.name}</span>
        </button>
        <Menu id="person" label="You" opens=Opens::Above>
            <p class="cap">{me.email} <br/> {about}</p>
            <hr/>
            <a class="item" href="/settings">
                <Icon icon=icondata::LuSettings/>
                "Your settings"
            </a>
            {me.may_admit
                .then(|| {
                    view! {
                        <a class="item" href="/admin">
                            <Icon icon=icondata::LuShield/>
                            "Admin"
                        </a>
                    }
                })}
            <hr/>
            <ThemeChoice/>
            <hr/>
            <DoorForm form=Form::SignOut>
                <button class="item" type="submit">
                    <Icon icon=icondata::LuLogOut/>
                    "Sign out"
                </button>
            </DoorForm>
        </Menu>
    }
    .into_any()
}

/// Light, dark, or what the system says. The server keeps the choice in a cookie; the page turns at once.
#[component]
fn ThemeChoice() -> impl IntoView {
    let chosen = RwSignal::new(None::<Theme>);
    Effect::new(move || {
        let word = document()
            .document_element()
            .and_then(|root| root.get_attribute("data-theme"));
        chosen.set(Some(word.and_then(|word| word.parse().ok()).unwrap_or_default()));
    });
    let turn = move |theme: Theme| {
        chosen.set(Some(theme));
        if let Some(root) = document().document_element() {
            // Setting a fixed, valid attribute name cannot fail.
            let _ = match theme.attribute() {
                Some(word) => root.set_attribute("data-theme", word),
                None => root.remove_attribute("data-theme"),
            };
        }
    };
    let choices = THEMES.map(|(theme, words, icon)| {
        view! {
            <button
                class="item"
                type="submit"
                name="theme"
                value=theme.word()
                aria-pressed=move || chosen.get().map(|chosen| if chosen == theme { "true" } else { "false" })
                on:click=move |_| turn(theme)
            >
                <Icon icon/>
                {words}
            </button>
        }
    });
    view! {
        <DoorForm form=Form::Theme hidden=Values::default() on_done=Callback::new(|_| ()) label="Colours">
            {choices.into_iter().collect_view()}
        </DoorForm>
    }
    .into_any()
}
