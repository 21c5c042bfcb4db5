//! The list of customers.

use kit::{
    api::{Answer, Fault, respond},
    door::use_changes,
    layout::MeResource,
    live::follow,
    load::Loaded,
    part,
    ui::{
        awaited::{awaited, bones, nothing, waiting},
        button::{LinkButton, Weight},
        dom,
        empty::{Empty, ErrorState},
        icon::Icon,
        list,
        select::Pick,
        tabs::{Tab, Tabs},
    },
};
use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use rapport_domain::{
    customer::{CustomerKind, CustomerPage},
    error::{AppError, FieldErrors},
    event::EventKind,
    id::{CustomerId, UserId},
    query::{Column, ListQuery},
};

use super::{
    address::{PATH, chips, kind_of, of_kind, open_in, total_words, with_open},
    api,
    filters::{Chips, FilterForm, FilterMenu, SearchField},
    forms::NewDialog,
    panel::CustomerPanel,
    rows::{CustomerTable, heads, id_of},
    still::{Still, use_still},
};

/// A page of the list as it comes from the server.
pub type PageResource = Loaded<CustomerPage>;
type OwnersResource = Loaded<Vec<(UserId, String)>>;

/// The list: tabs, filters, the table, and one customer in the side panel.
#[component]
pub fn ListPage() -> impl IntoView {
    let search = use_location().search;
    let read = Memo::new(move |_| ListQuery::from_query_string(&search.get()));
    let query = Memo::new(move |_| read.get().unwrap_or_default());
    let open = Memo::new(move |_| open_in(&search.get()));
    let changes = use_changes();
    let still = use_still();
    follow(|touched| touched.iter().any(|one| one.kind == EventKind::Customer));
    let page: PageResource = Loaded::new(move || (read.get(), changes.get()), |(read, _)| load(read));
    let (owners, need_owners) = use_owners(query);

    let navigate = use_navigate();
    let show = Callback::new(move |id: Option<CustomerId>| {
        let query = query.get_untracked();
        let to = id.map_or_else(|| query.href(PATH), |id| with_open(&query, id));
        // Walking from row to row is one step back, not fifty.
        let replace = id.is_some() && open.get_untracked().is_some();
        navigate(
            &to,
            NavigateOptions {
                replace,
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    });
    let on_open = Callback::new(move |id| show.run(Some(id)));
    let new = RwSignal::new(false);
    provide_context(NewOpen(new));
    walk_by_keys(open, show);
    mark_open_row(open, page);

    let conditions = move || {
        let query = query.get();
        async move {
            let owners = awaited(owners).await.unwrap_or_default();
            let name = |id: &str| {
                owners
                    .iter()
                    .find(|(key, _)| key.to_string() == id)
                    .map(|(_, name)| name.clone())
            };
            view! { <Chips chips=chips(&query, name)/> }.into_any()
        }
    };
    let filter_form = move || {
        let query = query.get();
        async move {
            let (owners, page) = awaited(async move { (owners.await, page.await) }).await;
            let owners = owner_picks(owners, page);
            view! { <FilterForm query owners/> }.into_any()
        }
    };
    let who = use_context::<MeResource>();
    let table = move || {
        still.track();
        async move {
            // Both here, so that what is drawn holds no `Transition` of its own.
            let (page, me) = awaited(async move {
                let me = match who {
                    Some(who) => who.await.ok(),
                    None => None,
                };
                (page.await, me)
            })
            .await;
            let (may_create, may_export) = me.map_or((false, false), |me| (me.may_create, me.may_export));
            let (query, open) = (query.get_untracked(), open.get_untracked());
            match (page, read.get_untracked()) {
                (Ok(page), _) => {
                    let (page, marked) = still.settle(&query, page);
                    view! { <Sheet page marked query open on_open may_create may_export still/> }.into_any()
                }
                (Err(fault), Ok(_)) => view! { <ErrorState fault again=query.href(PATH)/> }.into_any(),
                (Err(fault), Err(_)) => view! { <BadAddress fault/> }.into_any(),
            }
        }
    };
    view! {
        <Title text="Customers"/>
        <div class="split">
            <main class="main grow">
                <div class="bar">
                    <h1 class="hide-sm">"Customers"</h1>
                    <span class="grow hide-sm"></span>
                    <SearchField query/>
                    <NewButton short="New"/>
                </div>
                <Tabs label="Kinds of customers" tabs=Signal::derive(move || query.with(tabs))>
                    <FilterMenu on_need=need_owners>
                        {waiting(nothing, filter_form)}
                    </FilterMenu>
                </Tabs>
                {waiting(nothing, conditions)}
                {waiting(bones::<12>, table)}
            </main>
            <For each=move || open.get() key=|id| *id let(id)>
                <CustomerPanel id query page/>
            </For>
        </div>
        <NewDialog open=new/>
    }
    .into_any()
}

async fn load(read: Result<ListQuery, FieldErrors>) -> Answer<CustomerPage> {
    match read {
        Ok(query) => api::list_customers(query.to_query_string()).await,
        Err(fields) => {
            // For the status; the words are those below.
            let _ = respond(AppError::Invalid {
                fields: fields.clone(),
            });
            let said = fields.0.into_values().collect::<Vec<_>>().join(" ");
            Err(Fault::Told(AppError::refused(format!(
                "This address asks for something that cannot be. {said}"
            ))))
        }
    }
}

fn tabs(query: &ListQuery) -> Vec<Tab> {
    let now = kind_of(query);
    let kinds = [
        ("All", None),
        ("People", Some(CustomerKind::Person)),
        ("Companies", Some(CustomerKind::Company)),
    ];
    kinds
        .map(|(label, kind)| Tab {
            label,
            href: of_kind(query, kind).href(PATH),
            on: kind == now,
        })
        .into()
}

/// The people that customers belong to. All are asked for only when the filter form is opened or the filter names one.
fn use_owners(query: Memo<ListQuery>) -> (OwnersResource, Callback<()>) {
    let wanted = RwSignal::new(false);
    let named = Memo::new(move |_| {
        query.with(|query| {
            query
                .filter
                .simple(Column::Owner)
                .is_some_and(|owner| owner != "me")
        })
    });
    let all = Loaded::new(
        move || wanted.get() || named.get(),
        |asked| async move {
            if asked {
                api::owner_options().await
            } else {
                Ok(Vec::new())
            }
        },
    );
    (all, Callback::new(move |()| wanted.set(true)))
}

/// What there is to pick as owner: all, where they were asked for; else those whom the rows on the page name.
fn owner_picks(all: Answer<Vec<(UserId, String)>>, page: Answer<CustomerPage>) -> Vec<Pick> {
    let mut owners = all.unwrap_or_default();
    if owners.is_empty() {
        owners = page
            .map(|page| page.rows.into_iter().filter_map(|row| row.owner).collect())
            .unwrap_or_default();
        owners.sort_by(|a, b| a.1.cmp(&b.1));
        owners.dedup();
    }
    owners
        .into_iter()
        .map(|(id, name)| (id.to_string(), name))
        .collect()
}

/// Whether the dialog of a new customer is open.
#[derive(Clone, Copy)]
struct NewOpen(RwSignal<bool>);

/// Opens the dialog over the list. Without script, or pressed with a key held, it leads to the page of the same form.
#[component]
fn NewButton(
    /// The words at phone width, where they stand in a crowded bar.
    #[prop(default = "New customer")]
    short: &'static str,
) -> impl IntoView {
    let who = use_context::<MeResource>();
    let open = use_context::<NewOpen>();
    let press = move |event: ev::MouseEvent| {
        if let Some(NewOpen(open)) = open
            && dom::is_plain(&event)
        {
            event.prevent_default();
            open.set(true);
        }
    };
    let button = move || async move {
        let Some(who) = who else {
            return ().into_any();
        };
        if !matches!(awaited(who).await, Ok(me) if me.may_create) {
            return ().into_any();
        }
        view! {
            <LinkButton href="/customers/new" weight=Weight::Main icon=icondata::LuPlus on:click=press>
                <span class="hide-sm">"New customer"</span>
                <span class="sm:hidden">{short}</span>
            </LinkButton>
        }
        .into_any()
    };
    waiting(nothing, button)
}

/// The table with what stands under it, or what stands in its place.
#[component]
fn Sheet(
    page: CustomerPage,
    marked: Vec<CustomerId>,
    query: ListQuery,
    open: Option<CustomerId>,
    on_open: Callback<CustomerId>,
    may_create: bool,
    may_export: bool,
    still: Still,
) -> impl IntoView {
    let CustomerPage {
        rows,
        next,
        previous,
        total,
        more_matches,
    } = page;
    if rows.is_empty() {
        return view! { <NoRows query may_create/> }.into_any();
    }
    let next = next.map(|token| query.after(&token).href(PATH));
    let previous = previous.map(|token| query.before(&token).href(PATH));
    let export = may_export.then(|| {
        let href = query.first_page().href("/customers/export.csv");
        // The router would take it for a page.
        view! {
            <LinkButton href weight=Weight::Quiet icon=icondata::LuDownload attr:rel="external">
                "Export"
            </LinkButton>
        }
    });
    // What a row opens is here by the time that it is pressed.
    let near = move || part::ahead(crate::RECORD);
    let said = if more_matches {
        format!("{}, the best first; more letters find fewer", total_words(total))
    } else {
        total_words(total)
    };
    view! {
        <div class="scroll wide" on:pointerover=move |_| near() on:focusin=move |_| near()>
            <CustomerTable rows marked heads=heads(&query) open on_open on_leave=Callback::new(move |()| still.left())/>
        </div>
        <div class="foot">
            <span>{said}</span>
            <Waiting still/>
            <span class="grow"></span>
            <span class="wide-only">
                <kbd>"j"</kbd> " " <kbd>"k"</kbd> " to move, " <kbd>"Enter"</kbd> " to open"
            </span>
            {export}
            <nav class="acts" aria-label="Pages">
                {previous.map(|href| view! { <LinkButton href weight=Weight::Quiet icon=icondata::LuChevronLeft>"Previous"</LinkButton> })}
                {next.map(|href| view! { <LinkButton href weight=Weight::Quiet>"Next" <Icon icon=icondata::LuChevronRight/></LinkButton> })}
            </nav>
        </div>
    }
    .into_any()
}

/// Says that rows would move, and shows it when it is asked to.
#[component]
fn Waiting(still: Still) -> impl IntoView {
    let words = move || match still.waiting.get() {
        1 => "1 row waits to move".to_owned(),
        many => format!("{many} rows wait to move"),
    };
    view! {
        <span role="status">
            <Show when=move || still.waiting.get() != 0>
                <button class="btn" type="button" on:click=move |_| still.release()>
                    {words}
                </button>
            </Show>
        </span>
    }
    .into_any()
}

/// What stands in the place of a list that no address can ask for.
#[component]
fn BadAddress(fault: Fault) -> impl IntoView {
    view! {
        <Empty icon=icondata::LuTriangleAlert title="This link does not work" text=fault.to_string()>
            <LinkButton href=PATH>"Show all customers"</LinkButton>
        </Empty>
    }
    .into_any()
}

/// Why there are no rows, and what to do.
#[component]
fn NoRows(query: ListQuery, may_create: bool) -> impl IntoView {
    let narrowed = !query.search.is_empty() || !query.filter.is_empty();
    let further_on = query.cursor.is_some() || query.skip > 0;
    match (narrowed, further_on) {
        (true, false) => view! {
            <Empty icon=icondata::LuSearchX title="No customer fits" text="Try other words or fewer conditions.">
                <LinkButton href=PATH>"Show all customers"</LinkButton>
            </Empty>
        }
        .into_any(),
        (_, true) => view! {
            <Empty icon=icondata::LuUsers title="The list ends here" text="There is nothing further on.">
                <LinkButton href=query.first_page().href(PATH)>"To the first page"</LinkButton>
            </Empty>
        }
        .into_any(),
        (false, false) if !may_create => view! {
            <Empty
                icon=icondata::LuUsers
                title="No customers yet"
                text="They stand here as soon as somebody has added them."
            />
        }
        .into_any(),
        (false, false) => view! {
            <Empty
                icon=icondata::LuUsers
                title="No customers yet"
                text="Add the first one here, or bring them all in from a file."
            >
                <NewButton/>
                <LinkButton href="/imports" icon=icondata::LuFileUp>"Import a file"</LinkButton>
            </Empty>
        }
        .into_any(),
    }
}

/// Arrow keys and j, k move from row to row; Enter on a row opens it, which is its link's own doing; Esc closes.
fn walk_by_keys(open: Memo<Option<CustomerId>>, show: Callback<Option<CustomerId>>) {
    Effect::new(move || {
        let keys = window_event_listener(ev::keydown, move |event| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() || dom::keys_are_taken(&event) {
                return;
            }
            match event.key().as_str() {
                "Escape" if open.get_untracked().is_some() => {
                    focus_open_row();
                    show.run(None);
                }
                "/" => {
                    event.prevent_default();
                    dom::focus(dom::by_id("search"));
                }
                key @ ("ArrowDown" | "ArrowUp" | "j" | "k") => {
                    let free = dom::closest(&event, "aside, nav, .bar").is_none();
                    if free && let Some(link) = next_row(key) {
                        event.prevent_default();
                        let id = link.get_attribute("href").and_then(|href| id_of(&href));
                        dom::focus(Some(link));
                        if open.get_untracked().is_some() {
                            show.run(id);
                        }
                    }
                }
                _ => {}
            }
        });
        on_cleanup(move || keys.remove());
    });
}

/// Puts the focus on the row whose panel is open, before that goes.
pub fn focus_open_row() {
    dom::focus(dom::all(".customers [aria-current] a").into_iter().next());
}

/// The row's link after a key: from the one in focus, else from the one that is open.
fn next_row(key: &str) -> Option<web_sys::HtmlElement> {
    let links = dom::all(".customers tbody a");
    let focused = document().active_element();
    let here = links.iter().position(|link| Some((**link).clone()) == focused);
    let here = here.or_else(|| {
        links
            .iter()
            .position(|link| matches!(link.closest("[aria-current]"), Ok(Some(_))))
    });
    links.get(list::step(here, links.len(), key)?).cloned()
}

/// Marks the row of the customer in the panel. Rows hold no signals, so it is done on the page's tree.
fn mark_open_row(open: Memo<Option<CustomerId>>, page: PageResource) {
    Effect::new(move || {
        let (open, _) = (open.get(), page.track());
        request_animation_frame(move || {
            for link in dom::all(".customers tbody a") {
                let Ok(Some(row)) = link.closest("tr") else {
                    continue;
                };
                let is_open =
                    open.is_some() && link.get_attribute("href").and_then(|href| id_of(&href)) == open;
                // Setting or dropping a fixed, valid attribute name cannot fail.
                let _ = if is_open {
                    row.set_attribute("aria-current", "true")
                } else {
                    row.remove_attribute("aria-current")
                };
            }
        });
    });
}
