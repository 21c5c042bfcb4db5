//! What narrows the list: search, the filter form, chips. All are plain GET forms and links; script only spares the
//! reload.

use std::time::Duration;

use kit::ui::{
    button::{Button, Weight},
    icon::Icon,
    menu::Menu,
    select::{Options, Pick},
};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{customer::Stage, query::ListQuery};

use super::address::{Chip, PATH, SHOWN};

/// How long a pause in typing starts the search.
const PAUSE: Duration = Duration::from_millis(220);

/// The search field.
#[component]
pub fn SearchField(
    /// What the list asks for.
    query: Memo<ListQuery>,
) -> impl IntoView {
    let navigate = use_navigate();
    let typed = RwSignal::new(0_u32);
    let form = NodeRef::<html::Form>::new();
    let go = Callback::new(move |replace: bool| {
        if let Some(asked) = form.get_untracked().and_then(|form| asked(&form))
            && asked != query.get_untracked()
        {
            navigate(
                &asked.href(PATH),
                NavigateOptions {
                    replace,
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    });
    let input = NodeRef::<html::Input>::new();
    // The address changed by other means: the field follows, unless somebody is typing in it.
    Effect::new(move || {
        let search = query.with(|query| query.search.clone());
        if let Some(input) = input.get()
            && document().active_element().as_ref() != Some(&input)
        {
            input.set_value(&search);
        }
    });
    let on_input = move |_| {
        typed.update(|count| *count += 1);
        let mine = typed.get_untracked();
        set_timeout(
            move || {
                if typed.try_get_untracked() == Some(mine) {
                    go.run(true);
                }
            },
            PAUSE,
        );
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(false);
    };
    view! {
        <form class="search" node_ref=form method="get" action=PATH role="search" on:submit=on_submit>
            <Icon icon=icondata::LuSearch/>
            <input
                node_ref=input
                class="input short"
                type="search"
                name="q"
                id="search"
                aria-label="Search customers"
                placeholder="Name, phone, e-mail"
                autocomplete="off"
                value=query.get_untracked().search
                on:input=on_input
            />
            <Hidden pairs=Signal::derive(move || query.get().with_search("").pairs())/>
        </form>
    }
    .into_any()
}

/// The button of the filter form, and the menu that holds it.
#[component]
pub fn FilterMenu(
    /// Told when the form is about to be used, to load what there is to pick.
    on_need: Callback<()>,
    /// The form.
    children: Children,
) -> impl IntoView {
    view! {
        <button class="btn ghost" type="button" popovertarget="filter" on:click=move |_| on_need.run(())>
            <Icon icon=icondata::LuListFilter/>
            "Filter"
        </button>
        <Menu id="filter" label="Filter">
            {children()}
        </Menu>
    }
    .into_any()
}

/// One field for each of the usual conditions; the rest of what the list asks for is passed on.
#[component]
pub fn FilterForm(
    /// What the list asks for.
    query: ListQuery,
    /// The people that customers belong to.
    owners: Vec<Pick>,
) -> impl IntoView {
    let navigate = use_navigate();
    let [stage, owner, tag, city] =
        SHOWN.map(|column| query.filter.simple(column).unwrap_or_default().to_owned());
    let rest = ListQuery {
        filter: query.filter.without_simple(&SHOWN),
        cursor: None,
        skip: 0,
        ..query
    }
    .pairs();
    let on_submit = move |event: ev::SubmitEvent| {
        let form = event.target().and_then(|form| form.dyn_into().ok());
        // What cannot be read goes to the server as it is, which says why.
        if let Some(asked) = form.as_ref().and_then(asked) {
            event.prevent_default();
            if let Some(menu) = kit::ui::dom::by_id("filter") {
                // It fails only when it is closed already.
                let _ = menu.hide_popover();
            }
            navigate(
                &asked.href(PATH),
                NavigateOptions {
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    };
    let any = || (String::new(), "Any".to_owned());
    let stages = Stage::EVERY
        .iter()
        .map(|stage| (stage.word().to_owned(), stage.label().to_owned()));
    let stages: Vec<Pick> = std::iter::once(any()).chain(stages).collect();
    let owners = [any(), ("me".to_owned(), "Me".to_owned())]
        .into_iter()
        .chain(owners)
        .collect::<Vec<_>>();
    view! {
        <form class="form w-64 p-2" method="get" action=PATH on:submit=on_submit>
            <div class="field">
                <label for="filter-stage">"Stage"</label>
                <select class="input short" id="filter-stage" name="stage">
                    <Options options=stages picked=stage/>
                </select>
            </div>
            <div class="field">
                <label for="filter-owner">"Owner"</label>
                <select class="input short" id="filter-owner" name="owner">
                    <Options options=owners picked=owner/>
                </select>
            </div>
            <div class="field">
                <label for="filter-tag">"Tag"</label>
                <input class="input short" id="filter-tag" name="tag" value=tag.clone() prop:value=tag/>
            </div>
            <div class="field">
                <label for="filter-city">"City"</label>
                <input class="input short" id="filter-city" name="city" value=city.clone() prop:value=city/>
            </div>
            <Hidden pairs=rest/>
            <Button kind="submit" weight=Weight::Main>"Show"</Button>
        </form>
    }
    .into_any()
}

/// The rest of what the list asks for, which a form passes on.
#[component]
fn Hidden(#[prop(into)] pairs: Signal<Vec<(&'static str, String)>>) -> impl IntoView {
    move || {
        pairs
            .get()
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view()
    }
}

/// The conditions, each with the way to drop it.
#[component]
pub fn Chips(
    /// The conditions.
    chips: Vec<Chip>,
) -> impl IntoView {
    let one = |Chip {
                   what,
                   values,
                   without,
               }: Chip| {
        let name = format!("Remove “{what} {values}”");
        view! {
            <span class="chip">
                <span class="dim">{what}</span>
                <b class="cut">{values}</b>
                <a href=without aria-label=name.clone() title=name>
                    <Icon icon=icondata::LuX/>
                </a>
            </span>
        }
    };
    (!chips.is_empty())
        .then(|| view! { <div class="chips">{chips.into_iter().map(one).collect_view()}</div> })
}

/// What a GET form asks for.
fn asked(form: &web_sys::HtmlFormElement) -> Option<ListQuery> {
    let data = web_sys::FormData::new_with_form(form).ok()?;
    let mut pairs = Vec::new();
    for entry in js_sys::try_iter(&data).ok()??.flatten() {
        let entry = js_sys::Array::from(&entry);
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            pairs.push((name, value));
        }
    }
    ListQuery::parse(pairs).ok()
}
