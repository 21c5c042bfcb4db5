//! Nothing to show, or something in the way: what it is, and what to do next.

use leptos::prelude::*;
use rapport_domain::error::AppError;

use super::{
    button::{LinkButton, Weight},
    icon::Icon,
};
use crate::api::Fault;

/// A picture, a sentence and the way on.
#[component]
pub fn Empty(
    /// The picture.
    icon: icondata::Icon,
    /// What it is, in a few words.
    #[prop(into)]
    title: String,
    /// What to do about it.
    #[prop(into)]
    text: String,
    /// Buttons and links.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="void">
            <Icon icon/>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="acts">{children()}</div> })}
        </div>
    }
    .into_any()
}

/// What the person is told about a fault: icon, title, text.
fn words(fault: Fault) -> (icondata::Icon, &'static str, String) {
    let said = fault.to_string();
    let Fault::Told(error) = fault else {
        return (icondata::LuWifiOff, "No connection", said);
    };
    match error {
        AppError::NotFound => (
            icondata::LuCompass,
            "Nothing here",
            "It does not exist, or it is outside what you may see. It may have been moved or the link may be wrong.".to_owned(),
        ),
        AppError::Forbidden => (
            icondata::LuLock,
            "Not for your role",
            "Your role does not reach this. An admin can change what it may do.".to_owned(),
        ),
        AppError::Unauthenticated => (icondata::LuLock, "You are signed out", said),
        AppError::Unavailable => (icondata::LuCloudOff, "Out of reach for a moment", said),
        AppError::TooManyRequests { .. } => (icondata::LuTriangleAlert, "A little slower, please", said),
        _ => (icondata::LuTriangleAlert, "That did not work", said),
    }
}

/// A whole page or panel that could not be shown: what happened, and the way on.
#[component]
pub fn ErrorState(
    /// Why.
    fault: Fault,
    /// The page to try again.
    #[prop(into)]
    again: String,
) -> impl IntoView {
    let (href, said) = match fault.told() {
        Some(AppError::Unauthenticated) => ("/sign-in".to_owned(), "Sign in"),
        Some(AppError::NotFound | AppError::Forbidden) => ("/customers".to_owned(), "To the customers"),
        _ => (again, "Try again"),
    };
    let (icon, title, text) = words(fault);
    view! {
        <Empty icon title text>
            // The page is loaded anew: what it knows may be what is wrong with it.
            <LinkButton href weight=Weight::Plain attr:rel="external">{said}</LinkButton>
        </Empty>
    }
}
