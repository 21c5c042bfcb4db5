//! The frame around the pages of those who are signed in.

pub mod palette;
pub mod person;
pub mod sidebar;
pub mod undo;

use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

use crate::{
    live::{LiveStatus, provide_live},
    load::Loaded,
    me::me,
    ui::{dom, icon::Icon, toast::ToastRack},
};
use palette::Palette;
use rapport_domain::user::Me;
use sidebar::Sidebar;
use undo::undo_by_key;

/// Who is signed in, for the parts of the frame and for pages.
pub type MeResource = Loaded<Me>;

/// The frame around the page that the address stands for.
#[component]
pub fn Frame() -> impl IntoView {
    view! {
        <Shell>
            <Outlet/>
        </Shell>
    }
}

/// The frame: the sidebar, the page, the palette, the messages.
#[component]
pub fn Shell(
    /// The page.
    children: Children,
) -> impl IntoView {
    let who: MeResource = Loaded::new(|| (), |()| me());
    provide_context(who);
    let palette = RwSignal::new(false);
    focus_new_pages();
    provide_live();
    undo_by_key();
    view! {
        <a class="btn skip" href="#page" rel="external">
            "Skip to the page"
        </a>
        <div class="app">
            <Sidebar who palette/>
            <div class="main" id="page" tabindex="-1" on:click=|event| press_once(&event)>
                <Offline/>
                <LiveStatus/>
                {children()}
            </div>
        </div>
        <Palette who open=palette/>
        <ToastRack/>
    }
    .into_any()
}

/// Leaves out the second press of a double click: by then another button may stand where the one stood that was meant.
fn press_once(event: &leptos::ev::MouseEvent) {
    if event.detail() > 1 && dom::closest(event, "button[type=submit]").is_some() {
        event.prevent_default();
    }
}

/// Puts the focus at the start of a page that script has drawn, as the browser does with one that it loads.
fn focus_new_pages() {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let here = path.get();
        if before.is_some_and(|before| before != here) {
            dom::focus(dom::by_id("page"));
        }
        here
    });
}

/// Says that the connection is gone, for as long as the browser thinks so.
#[component]
fn Offline() -> impl IntoView {
    let away = RwSignal::new(false);
    Effect::new(move || {
        away.set(!window().navigator().on_line());
        let lost = window_event_listener(leptos::ev::offline, move |_| away.set(true));
        let back = window_event_listener(leptos::ev::online, move |_| away.set(false));
        on_cleanup(move || {
            lost.remove();
            back.remove();
        });
    });
    view! {
        <div role="status">
            <Show when=move || away.get()>
                <p class="offline">
                    <Icon icon=icondata::LuWifiOff/>
                    "No connection. What you see may be old; what you type stays here until you can send it."
                </p>
            </Show>
        </div>
    }
}
