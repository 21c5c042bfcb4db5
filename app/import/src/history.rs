//! The imports there were, and where a new file comes in.

use kit::{
    door::{DoorForm, Form, use_changes},
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton},
        empty::{Empty, ErrorState},
        table::{Head, Sorted, TableHead},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use rapport_domain::{
    form::Values,
    import::{IMPORTS_LISTED, ImportLine, ImportState},
};
use wasm_split_helpers::wasm_split;

use super::{api, upload::Upload};

/// The page of all imports.
#[component]
pub fn HistoryPage() -> impl IntoView {
    later(crate::IMPORTS, part::page, draw)
}

/// Draws the page.
#[wasm_split(imports, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <History/> }.into_any())
}

#[component]
fn History() -> impl IntoView {
    let changes = use_changes();
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before"));
    let imports = Loaded::new(
        move || (before.get(), changes.get()),
        |(before, _)| api::list_imports(before),
    );
    let list = move || async move {
        match awaited(imports).await {
            Ok(lines) => view! { <Lines lines/> }.into_any(),
            Err(fault) => view! { <ErrorState fault again="/imports"/> }.into_any(),
        }
    };
    view! {
        <Title text="Imports"/>
        <main class="main grow">
            <div class="bar">
                <h1>"Imports"</h1>
            </div>
            <div class="scroll">
                {waiting(bones::<6>, list)}
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn Lines(lines: Vec<ImportLine>) -> impl IntoView {
    let heads = ["File", "When", "Rows", "Made", "Changed", "To mend", "State", ""];
    let heads = heads
        .into_iter()
        .map(|label| Head {
            label,
            href: None,
            sorted: Sorted::No,
        })
        .collect();
    let table = if lines.is_empty() {
        view! {
            <Empty
                icon=icondata::LuFileUp
                title="Nothing was imported yet"
                text="What comes in from a file is listed here, and each import can be taken back as a whole."
            />
        }
        .into_any()
    } else {
        let last = lines.last().filter(|_| lines.len() >= IMPORTS_LISTED);
        let earlier = last.map(|last| {
            let href = format!("/imports?before={}", last.id);
            view! { <div class="page broad"><LinkButton href>"Earlier imports"</LinkButton></div> }
        });
        let rows = lines
            .into_iter()
            .map(|line| view! { <Line line/> })
            .collect_view();
        view! {
            <div class="wide">
                <table class="table imports">
                    <TableHead heads/>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {earlier}
        }
        .into_any()
    };
    view! {
        <div class="page broad"><Upload/></div>
        {table}
    }
    .into_any()
}

/// What a state is called.
#[must_use]
pub fn state_words(state: ImportState, undone: bool) -> (&'static str, &'static str) {
    match (state, undone) {
        (_, true) => ("Taken back", "pill dot c5"),
        (ImportState::Uploading, _) => ("Not all here", "pill dot c3"),
        (ImportState::Ready, _) => ("Not begun", "pill dot c3"),
        (ImportState::Running, _) => ("Running", "pill dot c1"),
        (ImportState::Done, _) => ("Done", "pill dot c0"),
        (ImportState::Failed, _) => ("Failed", "pill dot c4"),
        (ImportState::Cancelled, _) => ("Stopped", "pill dot c4"),
    }
}

#[component]
fn Line(line: ImportLine) -> impl IntoView {
    let (said, class) = state_words(line.state, line.undone);
    let revert = line
        .batch
        .filter(|_| !line.undone && line.state != ImportState::Running);
    let href = format!("/imports/{}", line.id);
    let id = format!("revert-{}", line.id);
    let take_back = format!("Take back {}", line.file);
    let title = line.file.clone();
    view! {
        <tr>
            <td>
                <a href=href><span class="cut" title=title>{line.file}</span></a>
            </td>
            <td>{format!("{}, {}", line.at.said, line.by)}</td>
            <td class="num">{line.rows}</td>
            <td class="num">{line.created}</td>
            <td class="num">{line.changed}</td>
            <td class="num">{line.problems}</td>
            <td><span class=class>{said}</span></td>
            <td>
                {revert
                    .map(|batch| {
                        let hidden = Values::default().with("batch", batch.to_string()).with("back", "/imports");
                        view! {
                            <DoorForm form=Form::Undo hidden id label=take_back>
                                <Button kind="submit">"Revert"</Button>
                            </DoorForm>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
