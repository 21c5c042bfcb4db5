//! The pages before anybody is signed in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use rapport_domain::form::Values;

use crate::{
    door::{DoorForm, Form},
    layout::PlainField,
};

/// Makes the first admin.
#[component]
pub fn SetUpPage() -> impl IntoView {
    view! {
        <Title text="Set up"/>
        <main>
            <h1>"Set up Rapport"</h1>
            <DoorForm form=Form::SetUp>
                <PlainField name="token" label="Token from the console"/>
                <PlainField name="organisation" label="Organisation"/>
                <PlainField name="name" label="Your name"/>
                <PlainField name="email" label="E-mail" kind="email"/>
                <PlainField name="password" label="Password" kind="password"/>
                <button>"Set up"</button>
            </DoorForm>
        </main>
    }
}

/// Signs in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let next = use_query_map().read_untracked().get("next").unwrap_or_default();
    view! {
        <Title text="Sign in"/>
        <main>
            <h1>"Sign in"</h1>
            <DoorForm form=Form::SignIn hidden=Values::default().with("next", next)>
                <PlainField name="email" label="E-mail" kind="email"/>
                <PlainField name="password" label="Password" kind="password"/>
                <button>"Sign in"</button>
            </DoorForm>
        </main>
    }
}
