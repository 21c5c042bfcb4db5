//! One command: what it did, and what taking it back would do now.

use kit::{
    door::{DoorForm, Form},
    part::{self, Drawn, later},
    ui::{
        avatar::Avatar,
        button::Button,
        kept::kept_list,
        page::{PlainPage, found},
    },
};
use leptos::prelude::*;
use rapport_domain::{
    feed::{Deed, DeedPage as Sheet, Preview},
    form::Values,
    journal::UndoReport,
    timeline::Undo,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn DeedPage() -> impl IntoView {
    later(crate::FEED, part::page, draw)
}

/// Draws the page.
#[wasm_split(feed, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(found(
        api::get_deed,
        ("/activity", "Activity"),
        "Command",
        draw_sheet,
    ))
}

fn draw_sheet(sheet: Sheet) -> AnyView {
    let Sheet { deed, preview } = sheet;
    let name = if deed.is_undo { "Redo" } else { "Revert" };
    let offered =
        deed.undo == Undo::Offered && !matches!(&preview, Preview::Would(report) if report.undone == 0);
    let revert = offered.then(|| {
        let hidden = Values::default()
            .with("batch", deed.batch.to_string())
            .with("back", format!("/activity/{}", deed.batch));
        view! {
            <DoorForm form=Form::Undo hidden id="revert" label=name on_done=Callback::new(|_| ())>
                <Button kind="submit" icon=icondata::LuUndo2>{name}</Button>
            </DoorForm>
        }
    });
    view! {
        <PlainPage title="What was done" above=vec![("/activity", "Activity")]>
            {told(deed)}
            <section class="card run" aria-label="If it is taken back">
                <h2>"If it is taken back"</h2>
                {said(preview)}
                {revert}
            </section>
        </PlainPage>
    }
    .into_any()
}

fn told(deed: Deed) -> impl IntoView {
    let about = deed.about.into_iter().map(|(id, name)| {
        view! { <li><a class="go" href=format!("/customers/{id}")>{name}</a></li> }
    });
    let more = (deed.more > 0).then(|| view! { <li class="dim">{format!("and {} more", deed.more)}</li> });
    view! {
        <div class="deed stack">
            <Avatar name=deed.by.clone()/>
            <div class="grow min-w-0 grid gap-2">
                <p>
                    <b>{deed.by}</b>
                    " "
                    {deed.did}
                    <span class="num sm faint block">{deed.at.said}</span>
                </p>
                <ul class="reasons">{about.collect_view()}{more}</ul>
            </div>
        </div>
    }
}

/// What would come of it, in words.
fn said(preview: Preview) -> AnyView {
    match preview {
        Preview::Would(report) => {
            let words = sentence(&report);
            let kept = (report.left > 0).then(|| kept_list(report, false));
            view! {
                <p>{words}</p>
                {kept}
            }
            .into_any()
        }
        Preview::Large => {
            let words =
                "It changed many records. It is taken back in the background, and what stays is told then.";
            view! { <p>{words}</p> }.into_any()
        }
        Preview::Not(reason) => view! { <p>{reason}</p> }.into_any(),
    }
}

fn sentence(report: &UndoReport) -> String {
    let records = |many: u64| match many {
        1 => "One record".to_owned(),
        many => format!("{many} records"),
    };
    match (report.undone, report.left) {
        (undone, 0) => format!(
            "{}, and nothing stands in the way.",
            goes(undone, &records(undone))
        ),
        (0, 1) => "Nothing goes back; this stays as it is:".to_owned(),
        (0, _) => "Nothing goes back; these stay as they are:".to_owned(),
        (undone, 1) => format!("{}; this stays as it is:", goes(undone, &records(undone))),
        (undone, _) => format!("{}; these stay as they are:", goes(undone, &records(undone))),
    }
}

fn goes(many: u64, records: &str) -> String {
    let goes = if many == 1 { "goes" } else { "go" };
    format!("{records} {goes} back")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_a_sentence() {
        for (undone, left, said) in [
            (1, 0, "One record goes back, and nothing stands in the way."),
            (3, 1, "3 records go back; this stays as it is:"),
            (0, 2, "Nothing goes back; these stay as they are:"),
        ] {
            let report = UndoReport {
                undone,
                left,
                ..UndoReport::default()
            };
            assert_eq!(sentence(&report), said);
        }
    }
}
