//! What guards the person's own account: a second factor, and sight of where they are signed in.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        button::LinkButton,
        field::Field,
        link::SecretLines,
        page::{PlainPage, loaded},
        rows::rows,
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    form::Values,
    timeline::Moment,
    user::security::{FactorRule, OpenSession, SecondFactor, Security},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn SecurityPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Security" above=vec![("/settings", "Your settings")]>
            {loaded(api::get_security, "/settings/security", |security| view! { <Guards security/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Guards(security: Security) -> impl IntoView {
    let factor = match security.factor.since.clone() {
        Some(since) => view! { <IsOn since factor=security.factor/> }.into_any(),
        None => view! {
            <p class="dim">"With one, your password alone lets nobody in: you sign in by a code of an app besides it."</p>
            <div class="acts">
                <LinkButton href="/second-factor".to_owned() attr:rel="external">"Turn it on"</LinkButton>
            </div>
        }
        .into_any(),
    };
    let others = (security.sessions.len() > 1).then(|| view! { <EndOthers/> });
    let key = |session: &OpenSession| format!("{} {} {}", session.id, session.used.said, session.here);
    let sessions = rows(security.sessions, key, |session| {
        view! { <Session session/> }.into_any()
    });
    view! {
        <section class="grid gap-3">
            <h2>"Second factor"</h2>
            {factor}
        </section>
        <section class="grid gap-3 mt-8">
            <h2>"Where you are signed in"</h2>
            <p class="sm faint">"If you do not know one of these, end it and set a new password."</p>
            <div class="grid gap-2">{sessions} {others}</div>
        </section>
    }
    .into_any()
}

#[component]
fn IsOn(since: Moment, factor: SecondFactor) -> impl IntoView {
    let left = match factor.codes_left {
        0 => "No recovery code is left: make new ones, for when you lose the app.".to_owned(),
        1 => "One recovery code is left.".to_owned(),
        many => format!("{many} recovery codes are left."),
    };
    let codes = (!factor.codes.is_empty()).then(|| {
        view! {
            <p class="sm faint">"Each lets you in once, in the place of a code of the app. In ten minutes they are gone from here."</p>
            <SecretLines lines=factor.codes label="Recovery codes"/>
        }
    });
    let failed = use_door().failed_form();
    let off = match factor.rule {
        FactorRule::Offered => view! {
            <details class="card" open=failed == Some(Form::TurnOffFactor)>
                <summary class="go">"Turn it off"</summary>
                <DoorForm form=Form::TurnOffFactor class="form" label="Turn it off">
                    <Proof/>
                    <Send words="Turn it off"/>
                </DoorForm>
            </details>
        }
        .into_any(),
        FactorRule::Demanded => {
            view! { <p class="sm faint">"Everybody here has to have one. An admin can take away one that was lost."</p> }
                .into_any()
        }
    };
    view! {
        <p class="dim">{format!("On since: {}. {left}", since.said)}</p>
        {codes}
        <div class="grid gap-2">
            <details class="card" open=failed == Some(Form::NewRecoveryCodes)>
                <summary class="go">"New recovery codes"</summary>
                <DoorForm form=Form::NewRecoveryCodes class="form" label="New recovery codes" on_done=Callback::new(|_| ())>
                    <Proof/>
                    <Send words="Make new codes"/>
                </DoorForm>
            </details>
            {off}
        </div>
    }
    .into_any()
}

/// What shows that it is the person themselves.
#[component]
fn Password() -> impl IntoView {
    view! { <Field name="current" label="Your password" kind="password" autocomplete="current-password" required=true/> }
}

/// The same, and a code.
#[component]
fn Proof() -> impl IntoView {
    view! {
        <Password/>
        <Field name="code" label="Code" autocomplete="one-time-code" hint="Of your authenticator app, or a recovery code." required=true/>
    }
}

#[component]
fn Session(session: OpenSession) -> impl IntoView {
    let browser = if session.browser.is_empty() {
        "A browser".to_owned()
    } else {
        session.browser
    };
    let from = if session.from.is_empty() {
        String::new()
    } else {
        format!("from {} · ", session.from)
    };
    let about = format!(
        "{from}began {} · last used {}",
        session.began.said, session.used.said
    );
    let end = if session.here {
        view! { <span class="sm faint">"This one"</span> }.into_any()
    } else {
        // Many forms of one path stand here.
        let id = format!("end-{}", session.id);
        let hidden = Values::default().with("session", session.id);
        let failed = use_door().has_failed(Form::EndSession, &hidden);
        let label = format!("End the session of {browser}");
        view! {
            <details open=failed>
                <summary class="go sm">"End it"</summary>
                <DoorForm form=Form::EndSession id hidden class="form mt-3" label on_done=Callback::new(|_| ())>
                    <Password/>
                    <Send words="End it"/>
                </DoorForm>
            </details>
        }
        .into_any()
    };
    let name = browser.clone();
    view! {
        <section class="card run" aria-label=name>
            <h3 class="font-medium">{browser}</h3>
            <p class="sm dim">{about}</p>
            {end}
        </section>
    }
    .into_any()
}

#[component]
fn EndOthers() -> impl IntoView {
    let failed = use_door().failed_form() == Some(Form::EndOtherSessions);
    view! {
        <details class="card" open=failed>
            <summary class="go">"End all but this one"</summary>
            <DoorForm
                form=Form::EndOtherSessions
                class="form"
                label="End all but this one"
                on_done=Callback::new(|_| ())
            >
                <Password/>
                <Send words="End all but this one"/>
            </DoorForm>
        </details>
    }
    .into_any()
}
