//! The page: who did what, when, with old and new values.

use kit::{
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        avatar::Avatar,
        awaited::{awaited, bones, waiting},
        button::{LinkButton, Weight},
        empty::{Empty, ErrorState},
        page::{PlainPage, below_admin},
        select::{Options, Pick},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use rapport_domain::audit::{AuditChange, AuditEntry, AuditField, AuditPage as Sheet, AuditQuery, Seal};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn AuditPage() -> impl IntoView {
    later(crate::ADMIN, part::page, draw)
}

/// Draws the page.
#[wasm_split(admin, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Audit log" above=below_admin() broad=true>
            <Found/>
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Found() -> impl IntoView {
    let search = use_location().search;
    let sheet = Loaded::new(move || search.get(), api::get_audit);
    let content = move || async move {
        match awaited(sheet).await {
            Ok(sheet) => draw_sheet(sheet),
            Err(fault) => view! { <ErrorState fault again="/admin/audit"/> }.into_any(),
        }
    };
    waiting(bones::<8>, content)
}

/// The address of a query.
fn href(query: &AuditQuery) -> String {
    let pairs = query.pairs();
    if pairs.is_empty() {
        return "/admin/audit".to_owned();
    }
    let search = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("/admin/audit?{search}")
}

fn draw_sheet(sheet: Sheet) -> AnyView {
    let earlier = sheet.before.map(|before| {
        let query = AuditQuery {
            before: Some(before),
            ..sheet.query.clone()
        };
        view! { <LinkButton href=href(&query) weight=Weight::Quiet>"Earlier"</LinkButton> }
    });
    let list = if sheet.entries.is_empty() {
        let text = "No command fits what is looked for.";
        view! { <Empty icon=icondata::LuSearch title="Nothing found" text/> }.into_any()
    } else {
        let query = sheet.query.clone();
        let entries = sheet
            .entries
            .into_iter()
            .map(|entry| view! { <Entry entry query=query.clone()/> });
        view! { <ol class="agenda plain" aria-label="Commands">{entries.collect_view()}</ol> }.into_any()
    };
    view! {
        <Filter query=sheet.query people=sheet.people actions=sheet.actions/>
        {list}
        <div>{earlier}</div>
        {sealed(sheet.seal)}
    }
    .into_any()
}

/// How the seal stands, and the head to keep.
fn sealed(seal: Seal) -> impl IntoView {
    let (said, head) = match seal {
        Seal::Off => {
            let said = "This log is not sealed: who has the database could change it and not be found out. The one who \
                        hosts Rapport sets SEAL_KEY to seal it.";
            (said.to_owned(), None)
        }
        Seal::Begins => ("The seal of this log begins in a moment.".to_owned(), None),
        Seal::On {
            at,
            blocks,
            commands,
            changes,
            head,
        } => {
            let said = format!(
                "Sealed up to {}: {commands} commands with {changes} changes, in {blocks} blocks.",
                at.said
            );
            (said, Some(head.to_string()))
        }
    };
    let head = head.map(|head| {
        view! {
            <details>
                <summary class="go">"The head of the seal"</summary>
                <p class="mt-2">
                    "Keep it where nobody can change it. With it, “rapport audit verify --head …” also finds out whether the
                    newest commands were taken away."
                </p>
                <code class="prose block mt-2">{head}</code>
            </details>
        }
    });
    view! {
        <section class="sm dim grid gap-2 mt-6" aria-label="Seal">
            <p>{said}</p>
            {head}
        </section>
    }
}

/// What is looked for: a plain form, so that the address says it.
#[component]
fn Filter<Id: ToString + 'static>(
    query: AuditQuery,
    people: Vec<(Id, String)>,
    actions: Vec<String>,
) -> impl IntoView {
    let first = |words: &str| std::iter::once((String::new(), words.to_owned()));
    let people = people.into_iter().map(|(id, name)| (id.to_string(), name));
    let people: Vec<Pick> = first("Anybody").chain(people).collect();
    let actions = actions.into_iter().map(|action| (action.clone(), action));
    let actions: Vec<Pick> = first("Anything").chain(actions).collect();
    let text = |value: Option<String>| value.unwrap_or_default();
    let who = text(query.who.map(|who| who.to_string()));
    let record = text(query.record.map(|record| record.to_string()));
    let action = text(query.action.clone());
    let (from, to) = (
        text(query.from.map(|day| day.to_string())),
        text(query.to.map(|day| day.to_string())),
    );
    view! {
        <form class="row" method="get" action="/admin/audit" aria-label="Look for">
            <label class="field">
                <span>"Who"</span>
                <select class="input" name="who">
                    <Options options=people picked=who/>
                </select>
            </label>
            <label class="field">
                <span>"Did"</span>
                <select class="input" name="action">
                    <Options options=actions picked=action/>
                </select>
            </label>
            <label class="field">
                <span>"From"</span>
                <input class="input" type="date" name="from" value=from/>
            </label>
            <label class="field">
                <span>"To"</span>
                <input class="input" type="date" name="to" value=to/>
            </label>
            <label class="field">
                <span>"Record"</span>
                <input class="input" name="record" value=record placeholder="its id" autocomplete="off"/>
            </label>
            <div class="acts">
                <button class="btn tall" type="submit">"Look"</button>
                <LinkButton href="/admin/audit".to_owned() weight=Weight::Quiet>"All"</LinkButton>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Entry(entry: AuditEntry, query: AuditQuery) -> impl IntoView {
    let undo = entry.is_undo.then_some(" · takes another back");
    let more = (entry.more > 0).then(|| {
        let more = match entry.more {
            ..900 => format!("and {} more changes", entry.more),
            _ => "and many more changes".to_owned(),
        };
        view! { <p class="sm faint">{more}</p> }
    });
    let changes = entry
        .changes
        .into_iter()
        .map(|change| view! { <Changed change query=query.clone()/> });
    view! {
        <li class="deed stack">
            <Avatar name=entry.by.clone()/>
            <div class="grow min-w-0 grid gap-2">
                <p>
                    <b>{entry.by}</b>
                    {format!(" · {}", entry.action)}
                    {entry.about.map(|about| format!(": {about}"))}
                    <span class="num sm faint block">{format!("{} · by {}", entry.exact, entry.via)} {undo}</span>
                </p>
                {changes.collect_view()}
                {more}
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn Changed(change: AuditChange, query: AuditQuery) -> impl IntoView {
    let only = AuditQuery {
        record: Some(change.record),
        before: None,
        ..query
    };
    let name = change.name.unwrap_or_else(|| "without a name".to_owned());
    // What was made was nothing before.
    let with_old = change.fields.iter().any(|field| field.old.is_some());
    let table = (!change.fields.is_empty()).then(|| {
        let rows = change.fields.into_iter().map(|AuditField { field, old, new }| {
            view! {
                <tr>
                    <th scope="row">{field}</th>
                    {with_old.then(|| value(old))}
                    {value(new)}
                </tr>
            }
        });
        view! {
            <table class="values-table">
                <thead>
                    <tr>
                        <th scope="col">"Field"</th>
                        {with_old.then(|| view! { <th scope="col">"Old"</th> })}
                        <th scope="col">"New"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
    });
    view! {
        <div>
            <p class="sm">
                {format!("{} {} ", change.kind, change.op)}
                <a class="go" href=href(&only) title="All about this record">{name}</a>
            </p>
            {table}
        </div>
    }
    .into_any()
}

fn value(value: Option<String>) -> AnyView {
    match value {
        Some(text) => view! { <td class="prose">{text}</td> }.into_any(),
        None => view! { <td class="faint">"nothing"</td> }.into_any(),
    }
}
