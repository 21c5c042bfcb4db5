//! The table of customers. A row is plain markup: its handler is the table's, its look a class or two.

use kit::ui::{
    avatar::{Shape, avatar_class, initials},
    dom,
    pill::stage_class,
    table::{Head, Sorted, TableHead},
};
use leptos::{ev, prelude::*};
use rapport_domain::{
    customer::{CustomerRow, Stage},
    id::CustomerId,
    query::{ListQuery, SortBy},
};

use super::address::sort_link;

/// From this length on a name may be cut, and is told whole on hover.
const LONG: usize = 22;

/// The table. `on_open` is told which row was pressed.
#[component]
pub fn CustomerTable(
    /// The rows.
    rows: Vec<CustomerRow>,
    /// Those that would go or move.
    #[prop(optional)]
    marked: Vec<CustomerId>,
    /// The columns.
    heads: Vec<Head>,
    /// The customer in the side panel.
    open: Option<CustomerId>,
    /// Told which row was pressed.
    on_open: Callback<CustomerId>,
    /// Told when the pointer or the focus leaves a row.
    #[prop(optional)]
    on_leave: Option<Callback<()>>,
) -> impl IntoView {
    let press = move |event: ev::MouseEvent| {
        if let Some(id) = pressed(&event) {
            event.prevent_default();
            on_open.run(id);
        }
    };
    let left = move || {
        if let Some(on_leave) = on_leave {
            // It may be told by rows that are just taken away.
            let _ = on_leave.try_run(());
        }
    };
    let rows = rows
        .into_iter()
        .map(move |row| {
            let moves = marked.contains(&row.id);
            line(row, open, moves)
        })
        .collect_view();
    view! {
        <table class="table customers">
            <TableHead heads/>
            <tbody on:click=press on:mouseleave=move |_| left() on:focusout=move |_| left()>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// The row that a plain press means: not one with a key held, which opens a tab, and not the end of a text selection.
fn pressed(event: &ev::MouseEvent) -> Option<CustomerId> {
    if !dom::is_plain(event) {
        return None;
    }
    let row = dom::closest(event, "tr")?;
    id_of(&dom::first(&row, "a")?.get_attribute("href")?)
}

/// The customer that a row's link leads to.
pub fn id_of(href: &str) -> Option<CustomerId> {
    href.rsplit('/').next()?.parse().ok()
}

/// The columns of a list.
#[must_use]
pub fn heads(query: &ListQuery) -> Vec<Head> {
    let sortable = |label, by| {
        let (sorted, href) = sort_link(query, by);
        Head { label, href, sorted }
    };
    let plain = |label| Head {
        label,
        href: None,
        sorted: Sorted::No,
    };
    vec![
        sortable("Name", SortBy::Name),
        plain("Contact"),
        plain("Stage"),
        plain("Owner"),
        plain("City"),
        plain("E-mail or phone"),
        sortable("Updated", SortBy::Updated),
    ]
}

fn line(row: CustomerRow, open: Option<CustomerId>, moves: bool) -> impl IntoView {
    let CustomerRow {
        id,
        stage,
        name,
        contact,
        email,
        phone,
        owner,
        city,
        updated,
        ..
    } = row;
    let whole = (name.len() > LONG).then(|| name.clone());
    let current = (open == Some(id)).then_some("true");
    let letters = initials(&name);
    view! {
        <tr aria-current=current data-moves=moves.then_some("")>
            <td>
                <a href=format!("/customers/{id}") title=whole>
                    <i class=avatar_class(&name, Shape::Square) aria-hidden="true">{letters}</i>
                    <span>{name}</span>
                </a>
            </td>
            <td>{contact}</td>
            <td>{pill(stage)}</td>
            <td>{owner.map(|(_, name)| view! { <i class=avatar_class(&name, Shape::Round) aria-hidden="true">{initials(&name)}</i> {name} })}</td>
            <td>{city.unwrap_or_default()}</td>
            <td>{email.or(phone).unwrap_or_default()}</td>
            <td class="num">{updated.said}</td>
        </tr>
    }
}

fn pill(stage: Stage) -> impl IntoView {
    view! { <span class=stage_class(stage)>{stage.label()}</span> }
}
