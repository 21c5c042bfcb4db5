//! The kit: what it says to those who cannot see it, and what it does with hostile text.

use kit::{
    api::Fault,
    ui::{
        avatar::Avatar,
        button::IconButton,
        empty::{Empty, ErrorState},
        pill::Tag,
    },
};
use leptos::prelude::*;
use rapport_domain::error::AppError;

use crate::support::{HOSTILE, html};

fn error(fault: Fault) -> String {
    html(move || view! { <ErrorState fault again="/customers?stage=lead"/> })
}

#[test]
fn an_error_says_what_happened_and_offers_the_way_on() {
    for (error, said, href) in [
        (AppError::NotFound, "Nothing here", "/customers"),
        (AppError::Forbidden, "Not for your role", "/customers"),
        (AppError::Unauthenticated, "Please sign in.", "/sign-in"),
        (AppError::Unavailable, "Nothing was lost", "/customers?stage=lead"),
        (AppError::internal(), "It has been noted", "/customers?stage=lead"),
    ] {
        let page = self::error(Fault::Told(error));
        assert!(
            page.contains(said) && page.contains(&format!("href=\"{href}\"")),
            "{page}"
        );
    }
    assert!(self::error(Fault::Offline).contains("No connection"));
}

#[test]
fn html_in_a_sentence_stays_text() {
    let page = error(Fault::Told(AppError::refused(HOSTILE)));
    assert!(page.contains("&lt;img") && !page.contains("<img"), "{page}");
    let page = html(|| view! { <Empty icon=icondata::LuUsers title=HOSTILE text=HOSTILE/> });
    assert!(!page.contains("<img"), "{page}");
    let page = html(|| view! { <Tag word=HOSTILE/> <Avatar name=HOSTILE/> });
    assert!(!page.contains("<img"), "{page}");
}

#[test]
fn an_icon_alone_has_a_name_and_is_itself_silent() {
    let page = html(|| view! { <IconButton name="Close" icon=icondata::LuX/> });
    assert!(
        page.contains("aria-label=\"Close\"") && page.contains("aria-hidden=\"true\""),
        "{page}"
    );
}
