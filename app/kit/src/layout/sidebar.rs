//! The sidebar. At phone width it is a drawer, opened by the button in the bar above the page.

use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_location;
use rapport_domain::user::Me;

use super::{MeResource, person::Person};
use crate::ui::{
    avatar::initials,
    awaited::{awaited, nothing, waiting},
    dom,
    icon::Icon,
};

/// Where Search leads without script: the list has a field for it.
const SEARCH: &str = "/customers";

/// Opens the palette in the place of the page that Search leads to.
fn open_palette(event: &ev::MouseEvent, palette: RwSignal<bool>) {
    if dom::is_plain(event) {
        event.prevent_default();
        palette.set(true);
    }
}

/// The organisation, search, the places, the person.
#[component]
pub fn Sidebar(
    /// Who is signed in.
    who: MeResource,
    /// Opens the palette.
    palette: RwSignal<bool>,
) -> impl IntoView {
    let inside = move || async move {
        match awaited(who).await {
            Ok(me) => view! { <Places me palette/> }.into_any(),
            // Without a person there is nothing to offer; the page itself says why.
            Err(_) => ().into_any(),
        }
    };
    let organisation = move || async move {
        let name = awaited(who)
            .await
            .map_or_else(|_| "Rapport".to_owned(), |me| me.organisation);
        view! { <span class="cut">{name}</span> }.into_any()
    };
    let drawer = NodeRef::<html::Nav>::new();
    let close_on_choice = move |event: ev::MouseEvent| {
        if dom::closest(&event, "a").is_some()
            && let Some(drawer) = drawer.get_untracked()
        {
            // It fails where it is no drawer, but stands beside the page.
            let _ = drawer.hide_popover();
        }
    };
    view! {
        <header class="top">
            <button class="btn ghost only" type="button" popovertarget="side" aria-label="Menu">
                <Icon icon=icondata::LuMenu/>
            </button>
            <span class="org grow">
                {waiting(nothing, organisation)}
            </span>
            <a class="btn ghost only" href=SEARCH aria-label="Search" on:click=move |event| open_palette(&event, palette)>
                <Icon icon=icondata::LuSearch/>
            </a>
        </header>
        <nav node_ref=drawer class="side" id="side" popover="auto" aria-label="Main" on:click=close_on_choice>
            {waiting(nothing, inside)}
        </nav>
    }
    .into_any()
}

#[component]
fn Places(me: Me, palette: RwSignal<bool>) -> impl IntoView {
    let path = use_location().pathname;
    let on_dashboard = move || path.with(|path| path == "/").then_some("page");
    let on_customers = move || path.with(|path| path.starts_with("/customers")).then_some("page");
    let on_appointments = move || {
        path.with(|path| path.starts_with("/appointments"))
            .then_some("page")
    };
    let in_feed = |path: &String| path.starts_with("/activity") || path.starts_with("/trash");
    let on_activity = move || path.with(in_feed).then_some("page");
    let on_imports = move || path.with(|path| path.starts_with("/imports")).then_some("page");
    let imports = me.may_create.then(|| {
        view! {
            <a class="nav" href="/imports" aria-current=on_imports>
                <Icon icon=icondata::LuFileUp/>
                "Imports"
            </a>
        }
    });
    let on_admin = move || path.with(|path| path.starts_with("/admin")).then_some("page");
    let admin = me.may_admit.then(|| {
        view! {
            <a class="nav" href="/admin" aria-current=on_admin>
                <Icon icon=icondata::LuShield/>
                "Admin"
            </a>
        }
    });
    let first = initials(&me.organisation)
        .chars()
        .next()
        .unwrap_or('R')
        .to_string();
    view! {
        <div class="org">
            <span class="mark" aria-hidden="true">{first}</span>
            <span class="cut" title=me.organisation.clone()>{me.organisation.clone()}</span>
        </div>
        <a
            class="find"
            href=SEARCH
            aria-keyshortcuts="Control+K"
            on:click=move |event| open_palette(&event, palette)
        >
            <Icon icon=icondata::LuSearch/>
            "Search"
            <kbd>"Ctrl K"</kbd>
        </a>
        <a class="nav" href="/" aria-current=on_dashboard>
            <Icon icon=icondata::LuLayoutDashboard/>
            "Dashboard"
        </a>
        <a class="nav" href="/customers" aria-current=on_customers>
            <Icon icon=icondata::LuUsers/>
            "Customers"
        </a>
        <a class="nav" href="/appointments" aria-current=on_appointments>
            <Icon icon=icondata::LuCalendar/>
            "Appointments"
        </a>
        <a class="nav" href="/activity" aria-current=on_activity>
            <Icon icon=icondata::LuHistory/>
            "Activity"
        </a>
        {imports}
        {admin}
        <span class="grow"></span>
        <Person me/>
    }
    .into_any()
}
