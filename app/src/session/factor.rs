//! The page that turns a second factor on.

use kit::{
    door::{DoorForm, Form},
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, nothing, waiting},
        button::{LinkButton, Weight},
        empty::ErrorState,
        field::Field,
        link::SecretLines,
        toast::ToastRack,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use rapport_domain::user::security::{FactorRule, Offer, Picture, SecondFactor};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    page::{Doorstep, Enter},
};

/// Turns a second factor on, for who wants one and for who has to have one.
#[component]
pub fn FactorPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw)
}

/// Draws the page.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let factor = Loaded::new(|| (), |()| api::second_factor());
    let content = move || async move {
        match awaited(factor).await {
            Ok(SecondFactor {
                offer: Some(offer),
                rule,
                ..
            }) => view! { <TurnOn offer rule/> }.into_any(),
            Ok(factor) => view! { <IsOn factor/> }.into_any(),
            Err(fault) => view! { <ErrorState fault again="/second-factor"/> }.into_any(),
        }
    };
    let page = view! {
        <Title text="Second factor"/>
        {waiting(nothing, content)}
    };
    Ok(page.into_any())
}

#[component]
fn TurnOn(offer: Offer, rule: FactorRule) -> impl IntoView {
    let text = match rule {
        FactorRule::Offered => "With it, your password alone lets nobody in.",
        FactorRule::Demanded => "Everybody here signs in by a code besides the password. This sets yours up.",
    };
    let elsewhere = match rule {
        FactorRule::Offered => {
            view! { <a class="go" href="/settings/security" rel="external">"Not now"</a> }.into_any()
        }
        FactorRule::Demanded => view! {
            <DoorForm form=Form::SignOut>
                <button class="go" type="submit">"Sign out"</button>
            </DoorForm>
        }
        .into_any(),
    };
    view! {
        <Doorstep title="Second factor" text>
            <DoorForm form=Form::TurnOnFactor class="form">
                <p class="sm">"Scan this with an authenticator app, or type its key there. The app then shows a code."</p>
                <Code picture=offer.picture/>
                <p class="sm dim num">{offer.key}</p>
                <p class="sm"><a class="go" href=offer.link rel="external">"Open in an app on this device"</a></p>
                <Field name="code" label="Code" autocomplete="one-time-code" hint="Six digits, new every 30 seconds." required=true autofocus=true/>
                <Field name="current" label="Your password" kind="password" autocomplete="current-password" required=true/>
                <Enter words="Turn it on"/>
            </DoorForm>
            <div class="sm pt-4">{elsewhere}</div>
        </Doorstep>
        <ToastRack/>
    }
    .into_any()
}

/// A QR code: dark on light in every theme, as cameras need it, with the margin of four modules that it has to have.
#[component]
fn Code(picture: Picture) -> impl IntoView {
    let whole = picture.size + 8;
    view! {
        <svg class="qr" viewBox=format!("-4 -4 {whole} {whole}") role="img" aria-label="The key as a QR code">
            <path class="light" d=format!("M-4 -4h{whole}v{whole}h-{whole}z")></path>
            <path d=picture.path></path>
        </svg>
    }
}

#[component]
fn IsOn(factor: SecondFactor) -> impl IntoView {
    let codes = (!factor.codes.is_empty()).then(|| {
        view! {
            <p class="sm">
                "If you lose the app, each of these codes lets you in once in its place. Keep them where you keep
                passwords: in ten minutes they are gone from here."
            </p>
            <SecretLines lines=factor.codes label="Recovery codes"/>
        }
    });
    view! {
        <Doorstep title="Your second factor is on" text="From now on you sign in by a code besides the password.">
            <div class="grid gap-4">
                {codes}
                <LinkButton href="/".to_owned() weight=Weight::Main attr:rel="external">"Go on"</LinkButton>
                <a class="go sm" href="/settings/security" rel="external">"Settings of the second factor"</a>
            </div>
        </Doorstep>
        <ToastRack/>
    }
    .into_any()
}
