//! The pages of those who come in by a link, or ask for one.

use kit::{
    api::Fault,
    door::{DoorForm, Form},
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, nothing, waiting},
        button::LinkButton,
        field::Field,
        toast::ToastRack,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rapport_domain::{form::Values, user::people::Invited};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    page::{Doorstep, Enter},
};

const PASSWORD_HINT: &str = "A few words in a row are good and easy to remember.";

/// Comes in by an invitation.
#[component]
pub fn JoinPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_join)
}

/// Sets a new password by a link.
#[component]
pub fn ResetPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_reset)
}

/// Asks for a link to join by.
#[component]
pub fn SignUpPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_sign_up)
}

/// Asks for a link to set a new password by.
#[component]
pub fn ForgotPage() -> impl IntoView {
    later(crate::DOORSTEP, part::page, draw_forgot)
}

/// Draws the page of an invitation.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_join
))]
pub fn draw_join() -> Drawn {
    let token = token();
    let content = read_by_link(api::invited, token.clone(), move |invited: Invited| {
        join(&invited, token.clone())
    });
    Ok(view! { <Title text="Join"/> {content} }.into_any())
}

/// Draws the page of a link for a new password.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_reset
))]
pub fn draw_reset() -> Drawn {
    let token = token();
    let content = read_by_link(api::resettable, token.clone(), move |email: String| {
        reset(&email, token.clone())
    });
    Ok(view! { <Title text="New password"/> {content} }.into_any())
}

/// Draws the page that asks for a link to join by.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_sign_up
))]
pub fn draw_sign_up() -> Drawn {
    let page = view! {
        <Title text="Sign up"/>
        <Doorstep title="Sign up" text="If your address is of a domain that may join, you get a mail with a link.">
            <DoorForm form=Form::SignUp class="form">
                <Field name="email" label="E-mail" kind="email" autocomplete="email" required=true autofocus=true/>
                <Enter words="Send me a link"/>
            </DoorForm>
        </Doorstep>
    };
    Ok(page.into_any())
}

/// Draws the page that asks for a link to set a new password by.
#[wasm_split(doorstep, fallible, preload(
    /// Loads its program.
    load_forgot
))]
pub fn draw_forgot() -> Drawn {
    let page = view! {
        <Title text="Forgotten password"/>
        <Doorstep title="Forgotten your password?" text="You get a mail with a link, by which you choose a new one.">
            <DoorForm form=Form::Forgot class="form">
                <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true autofocus=true/>
                <Enter words="Send me a link"/>
            </DoorForm>
        </Doorstep>
    };
    Ok(page.into_any())
}

/// The secret of the link, as it stands in the page's address.
fn token() -> String {
    use_params_map().read_untracked().get("token").unwrap_or_default()
}

fn read_by_link<T, F>(
    read: fn(String) -> F,
    token: String,
    draw: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let resource = Loaded::new(|| (), move |()| read(token.clone()));
    let content = move || {
        let draw = draw.clone();
        async move {
            match awaited(resource).await {
                Ok(read) => draw(read),
                Err(fault) => refused(&fault),
            }
        }
    };
    waiting(nothing, content)
}

fn refused(fault: &Fault) -> AnyView {
    let said = fault.to_string();
    view! {
        <Doorstep title="This link does not open" text="">
            <div class="grid gap-4">
                <p>{said}</p>
                <LinkButton href="/sign-in".to_owned() attr:rel="external">"To the sign-in page"</LinkButton>
            </div>
        </Doorstep>
    }
    .into_any()
}

fn join(invited: &Invited, token: String) -> AnyView {
    let hidden = Values::default().with("token", token);
    let title = format!("Join {}", invited.organisation);
    let text = format!("You will sign in as {}.", invited.email);
    view! {
        <Doorstep title text>
            <DoorForm form=Form::Join class="form" hidden>
                <Field name="name" label="Your name" autocomplete="name" required=true autofocus=true/>
                <Field name="password" label="Password" kind="password" autocomplete="new-password" hint=PASSWORD_HINT required=true/>
                <Enter words="Come in"/>
            </DoorForm>
        </Doorstep>
        <ToastRack/>
    }
    .into_any()
}

fn reset(email: &str, token: String) -> AnyView {
    let hidden = Values::default().with("token", token);
    view! {
        <Doorstep title="Choose a new password" text=format!("For {email}. You are signed out everywhere else.")>
            <DoorForm form=Form::ResetPassword class="form" hidden>
                <Field
                    name="password"
                    label="New password"
                    kind="password"
                    autocomplete="new-password"
                    hint=PASSWORD_HINT
                    required=true
                    autofocus=true
                />
                <Enter words="Set the password"/>
            </DoorForm>
        </Doorstep>
        <ToastRack/>
    }
    .into_any()
}
