//! One import: its mapping, its run, its report.

use std::time::Duration;

use kit::{
    api::{Answer, Fault},
    door::{DoorForm, Form, use_changes},
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton},
        crumbs::Crumbs,
        empty::{Empty, ErrorState},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use rapport_domain::{
    error::AppError,
    form::Values,
    id::ImportId,
    import::{ImportState, ImportView, Problem, Row, SavedMapping},
    job::{JobState, JobView, Work},
};
use wasm_split_helpers::wasm_split;

use super::{api, history::state_words, report::Report, settings::Mapping, upload::megabytes};

/// How often the page looks how far a job is.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// The page of one import.
#[component]
pub fn ImportPage() -> impl IntoView {
    later(crate::IMPORTS, part::page, draw)
}

/// Draws the page.
#[wasm_split(imports, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Import/> }.into_any())
}

/// What the page shows of an import.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Sight {
    view: ImportView,
    /// The first rows of the file, before it is in.
    sample: Vec<Row>,
    mappings: Vec<SavedMapping>,
    /// Rows that need a person.
    problems: Vec<Problem>,
}

async fn look(id: String, behind: u64) -> Answer<Sight> {
    let view = api::get_import(id.clone()).await?;
    let (mut sample, mut mappings, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    if view.state == ImportState::Ready {
        sample = api::import_sample(id.clone()).await?;
        mappings = api::kept_mappings().await?;
    }
    if view.problems > 0 {
        problems = api::import_problems(id, behind).await?;
    }
    Ok(Sight {
        view,
        sample,
        mappings,
        problems,
    })
}

#[component]
fn Import() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let behind = Memo::new(move |_| {
        let behind = query.read().get("behind");
        behind
            .and_then(|line| line.parse::<u64>().ok())
            .unwrap_or_default()
    });
    let changes = use_changes();
    let tick = RwSignal::new(0_u32);
    let sight = Loaded::new(
        move || (id.get(), behind.get(), changes.get(), tick.get()),
        |(id, behind, ..)| look(id, behind),
    );
    // While something is under way, the page looks again and again.
    Effect::new(move || {
        let open = matches!(sight.get(), Some(Ok(sight)) if is_under_way(&sight.view));
        let lost = matches!(
            sight.get(),
            Some(Err(Fault::Offline | Fault::Told(AppError::Unavailable)))
        );
        if open || lost {
            // The page may have gone away meanwhile.
            let again = move || {
                let _ = tick.try_update(|tick| *tick += 1);
            };
            set_timeout(again, LOOK_EVERY);
        }
    });
    let content = move || async move {
        match awaited(sight).await {
            Ok(sight) => view! { <Sheet sight/> }.into_any(),
            Err(fault) => {
                let again = format!("/imports/{}", id.get_untracked());
                view! { <ErrorState fault again/> }.into_any()
            }
        }
    };
    view! {
        <main class="main grow">
            {waiting(bones::<12>, content)}
        </main>
    }
    .into_any()
}

fn is_under_way(view: &ImportView) -> bool {
    view.job.as_ref().is_some_and(|job| job.state.is_open())
}

#[component]
fn Sheet(sight: Sight) -> impl IntoView {
    let Sight {
        view,
        sample,
        mappings,
        problems,
    } = sight;
    let (said, class) = state_words(view.state, view.undone);
    let job = view.job.clone().filter(|job| job.state.is_open());
    let failed = view.job.clone().filter(|job| job.state == JobState::Failed);
    let id = view.id;
    let content = match (view.state, job) {
        (_, Some(job)) => view! { <UnderWay id job view=view.clone()/> }.into_any(),
        (ImportState::Uploading, None) => view! { <HalfHere view=view.clone()/> }.into_any(),
        (ImportState::Ready, None) => view! { <Mapping view=view.clone() sample mappings/> }.into_any(),
        _ => view! { <Report view=view.clone() problems/> }.into_any(),
    };
    view! {
        <Title text=format!("Import of {}", view.file)/>
        <div class="bar">
            <Crumbs above=vec![("/imports".to_owned(), "Imports".to_owned())] here=view.file.clone()/>
            <span class=class>{said}</span>
            <span class="grow"></span>
            <span class="dim sm hide-sm">{format!("{} · {} · {}", megabytes(view.size), view.at.said, view.by)}</span>
        </div>
        <div class="scroll">
            <div class="page broad">
                {failed
                    .and_then(|job| job.error)
                    .map(|sentence| view! { <p class="form-error" role="alert">{sentence}</p> })}
                {content}
            </div>
        </div>
    }
    .into_any()
}

/// A file of which the end is still missing.
#[component]
fn HalfHere(view: ImportView) -> impl IntoView {
    let text = format!(
        "{} of {} are here. Choose the same file again and it goes on where it stopped.",
        megabytes(view.received),
        megabytes(view.size)
    );
    view! {
        <Empty icon=icondata::LuFileUp title="The file is not all here yet" text>
            <LinkButton href="/imports">"Choose the file"</LinkButton>
            <Forget id=view.id/>
        </Empty>
    }
    .into_any()
}

/// Throws the import away.
#[component]
pub fn Forget(
    /// Which.
    id: ImportId,
) -> impl IntoView {
    view! {
        <DoorForm form=Form::ForgetImport(id)>
            <Button kind="submit">"Throw away"</Button>
        </DoorForm>
    }
    .into_any()
}

/// What is done in the background: how far it is, how fast, how long still.
#[component]
fn UnderWay(id: ImportId, job: JobView, view: ImportView) -> impl IntoView {
    let percent = job.percent();
    let title = match job.work {
        Work::CheckImport => "Working out what it would do",
        Work::RunImport => "Bringing the rows in",
        Work::Undo => "Taking it back",
        Work::Reassign => "Handing over",
        Work::Retag => "Changing a tag",
    };
    let rows = view.report.as_ref().map_or(0, |report| report.rows);
    let pace = match (job.work, job.seconds) {
        (Work::RunImport | Work::CheckImport, seconds @ 1..) => {
            format!(", {} rows a second", rows / seconds.unsigned_abs())
        }
        _ => String::new(),
    };
    let left = match (job.done, job.seconds) {
        (0, _) | (_, ..1) => String::new(),
        (done, seconds) => {
            let left = seconds.unsigned_abs() * job.of.saturating_sub(done) / done;
            format!(", about {} left", duration(left))
        }
    };
    let count = if job.work == Work::Undo {
        String::new()
    } else {
        format!(", {rows} rows")
    };
    let said = if job.stopping {
        "Stopping after the rows that it is at".to_owned()
    } else {
        format!("{percent} %{count}{pace}{left}")
    };
    let stop = (job.work != Work::Undo && !job.stopping).then(|| {
        let take_back = (job.work == Work::RunImport).then(|| {
            view! {
                <DoorForm form=Form::StopImport(id) id="stop-back" hidden=Values::default().with("take_back", "on")>
                    <Button kind="submit">"Stop and take it back"</Button>
                </DoorForm>
            }
        });
        let words = if job.work == Work::RunImport { "Stop and keep what is in" } else { "Stop" };
        view! {
            <div class="acts">
                <DoorForm form=Form::StopImport(id) id="stop-keep">
                    <Button kind="submit">{words}</Button>
                </DoorForm>
                {take_back}
            </div>
        }
    });
    view! {
        <section class="card run">
            <h2>{title}</h2>
            <progress max="100" value=percent aria-label=title></progress>
            <p class="dim num" role="status">{said}</p>
            <p class="dim">"You may leave this page; the server goes on by itself."</p>
            {stop}
        </section>
    }
    .into_any()
}

/// "40 s", "3 min"
fn duration(seconds: u64) -> String {
    match seconds {
        ..90 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}
