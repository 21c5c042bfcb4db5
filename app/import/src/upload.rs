//! A file on its way to the server: piece by piece, so that it goes on where it stopped.

use std::time::Duration;

use kit::{
    api::Fault,
    browser,
    door::{use_door, use_toasts},
    ui::{
        button::{Button, Weight},
        icon::Icon,
    },
};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::{
    error::AppError,
    form::Done,
    id::ImportId,
    import::{Mended, Uploaded},
};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Bytes in one piece: the most that the server takes.
const PIECE: u64 = 1 << 20;
/// How often a piece is sent again while the server cannot be reached, and how much longer each pause is.
const TRIES: u32 = 6;
const PAUSE_MS: u32 = 500;

/// What an upload is at.
#[derive(Debug, Clone, PartialEq)]
enum Course {
    Idle,
    /// So much of so many bytes, of this file.
    Sending(String, u64, u64),
    Failed(String),
}

/// Where a file is chosen or dropped.
#[component]
pub fn Upload() -> impl IntoView {
    let course = RwSignal::new(Course::Idle);
    let stop = RwSignal::new(false);
    let over = RwSignal::new(false);
    let input = NodeRef::<html::Input>::new();
    let navigate = use_navigate();
    let begin = move |file: web_sys::File| {
        stop.set(false);
        course.set(Course::Sending(file.name(), 0, size(&file)));
        let navigate = navigate.clone();
        spawn_local(async move {
            match send(&file, course, stop).await {
                // Whoever has left this page meanwhile is left where they are.
                _ if stop.is_disposed() => {}
                Ok(Some(id)) => navigate(&format!("/imports/{id}"), NavigateOptions::default()),
                Ok(None) => course.set(Course::Idle),
                Err(fault) => course.set(Course::Failed(words(&fault))),
            }
        });
    };
    let chosen = {
        let begin = begin.clone();
        move |_| {
            if let Some(file) = take_file(input) {
                begin(file);
            }
        }
    };
    let dropped = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        let file = event.data_transfer().and_then(|data| data.files()?.get(0));
        if let Some(file) = file {
            begin(file);
        }
    };
    view! {
        <section
            class="card drop"
            class:over=over
            aria-label="Import a file"
            on:dragover=move |event: ev::DragEvent| {
                event.prevent_default();
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            {move || match course.get() {
                Course::Sending(name, done, of) => view! { <Sending name done of stop/> }.into_any(),
                other => {
                    view! {
                        <Icon icon=icondata::LuFileUp/>
                        <div class="grow">
                            <h2>"Bring customers in from a CSV file"</h2>
                            <p class="dim">
                                "Drop it here or choose it: an export of Google Contacts, Outlook, HubSpot, Pipedrive, Salesforce or any other list, up to 512 MB. You see what it will do before anything is written."
                            </p>
                            {match other {
                                Course::Failed(said) => Some(view! { <p class="wrong" role="alert">{said}</p> }),
                                _ => None,
                            }}
                        </div>
                        <label class="btn pri tall" for="import-file">"Choose a file"</label>
                    }
                        .into_any()
                }
            }}
            <input
                class="sr-only"
                id="import-file"
                type="file"
                accept=".csv,.txt,.tsv,text/csv,text/plain"
                node_ref=input
                on:change=chosen
            />
            <noscript>
                "Choosing a file needs script. On the server’s console, “rapport import customers FILE” does the same."
            </noscript>
        </section>
    }
    .into_any()
}

/// The file that was just chosen. The same one can be chosen again.
fn take_file(input: NodeRef<html::Input>) -> Option<web_sys::File> {
    let input = input.get_untracked()?;
    let file = input.files()?.get(0);
    input.set_value("");
    file
}

/// Where a file of mended rows is chosen.
#[component]
pub fn MendedUpload(
    /// The import that they belong to.
    id: ImportId,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let said = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let (door, toasts) = (use_door(), use_toasts());
    let chosen = move |_| {
        let Some(file) = take_file(input) else { return };
        busy.set(true);
        spawn_local(async move {
            let answer = ask::<Mended>("PUT", &format!("/imports/{id}/mended"), Some(&file)).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(mended) => {
                    let _ = said.try_set(None);
                    let done = Done {
                        said: mended.to_string(),
                        ..Done::default()
                    };
                    toasts.show(&done);
                    door.load_again();
                }
                Err(fault) => drop(said.try_set(Some(words(&fault)))),
            }
        });
    };
    view! {
        <label class="btn" for="mended-file" aria-busy=move || busy.get().then_some("true")>
            <Icon icon=icondata::LuUpload/>
            "Upload mended rows"
        </label>
        <input class="sr-only" id="mended-file" type="file" accept=".csv,text/csv" node_ref=input on:change=chosen/>
        {move || said.get().map(|said| view! { <p class="wrong whole" role="alert">{said}</p> })}
    }
    .into_any()
}

#[component]
fn Sending(name: String, done: u64, of: u64, stop: RwSignal<bool>) -> impl IntoView {
    let percent = (done * 100).checked_div(of).unwrap_or_default();
    view! {
        <div class="grow">
            <h2 class="cut">{name}</h2>
            <progress max="100" value=percent aria-label="Upload"></progress>
            <p class="dim num" role="status">{format!("{percent} % of {}", megabytes(of))}</p>
        </div>
        <Button weight=Weight::Quiet on:click=move |_| stop.set(true)>"Stop"</Button>
    }
    .into_any()
}

/// "1.2 MB", "87 KB"
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    match bytes >> 10 {
        kilobytes @ ..1024 => format!("{} KB", kilobytes.max(1)),
        kilobytes => format!("{}.{} MB", kilobytes / 1024, kilobytes % 1024 * 10 / 1024),
    }
}

fn words(fault: &Fault) -> String {
    match fault.told() {
        Some(AppError::Invalid { fields }) => fields.0.values().cloned().collect::<Vec<_>>().join(" "),
        _ => fault.to_string(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in bytes is whole and positive"
)]
fn size(file: &web_sys::File) -> u64 {
    file.size() as u64
}

/// Sends a file; gives the import that it became, or nothing when it was stopped.
async fn send(
    file: &web_sys::File,
    course: RwSignal<Course>,
    stop: RwSignal<bool>,
) -> Result<Option<String>, Fault> {
    let size = size(file);
    let about = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", &browser::new_id().to_string())
        .append_pair("file", &file.name())
        .append_pair("size", &size.to_string())
        .append_pair("stamp", &format!("{:.0}", file.last_modified()))
        .finish();
    let mut standing: Uploaded = ask("POST", &format!("/imports/upload?{about}"), None).await?;
    while !standing.complete {
        let _ = course.try_set(Course::Sending(file.name(), standing.bytes, size));
        // The page may have gone away meanwhile.
        if stop.try_get_untracked() != Some(false) {
            return Ok(None);
        }
        let (from, to) = (standing.bytes, (standing.bytes + PIECE).min(size));
        #[expect(clippy::cast_precision_loss, reason = "a file is shorter than 2^53 bytes")]
        let piece = file.slice_with_f64_and_f64(from as f64, to as f64);
        let piece =
            piece.map_err(|_| Fault::from(AppError::invalid("file", "The file cannot be read any more.")))?;
        standing = ask(
            "PUT",
            &format!("/imports/{}/file?at={from}", standing.id),
            Some(&piece),
        )
        .await?;
    }
    Ok(Some(standing.id.to_string()))
}

/// Asks until there is an answer, or patience ends.
async fn ask<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: Option<&web_sys::Blob>,
) -> Result<T, Fault> {
    let mut tries = 0;
    loop {
        match ask_once(method, path, body).await {
            Err(Fault::Offline | Fault::Told(AppError::Unavailable)) if tries < TRIES => {
                tries += 1;
                pause(PAUSE_MS * tries).await;
            }
            answer => return answer,
        }
    }
}

async fn ask_once<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: Option<&web_sys::Blob>,
) -> Result<T, Fault> {
    let options = web_sys::RequestInit::new();
    options.set_method(method);
    if let Some(body) = body {
        options.set_body(body);
    }
    let offline = |_: JsValue| Fault::Offline;
    let response = JsFuture::from(window().fetch_with_str_and_init(path, &options))
        .await
        .map_err(offline)?;
    let response: web_sys::Response = response.dyn_into().map_err(offline)?;
    let text = JsFuture::from(response.text().map_err(offline)?)
        .await
        .map_err(offline)?;
    let text = text.as_string().unwrap_or_default();
    if response.ok() {
        serde_json::from_str(&text).map_err(|_| Fault::Offline)
    } else {
        Err(serde_json::from_str::<AppError>(&text).map_or(Fault::Offline, Fault::Told))
    }
}

async fn pause(ms: u32) {
    let (done, wait) = futures::channel::oneshot::channel();
    let ring = move || {
        // Whoever waited may have gone away.
        let _ = done.send(());
    };
    set_timeout(ring, Duration::from_millis(u64::from(ms)));
    // The timer fires once.
    let _ = wait.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_a_unit_that_fits() {
        assert_eq!(megabytes(10), "1 KB");
        assert_eq!(megabytes(87 << 10), "87 KB");
        assert_eq!(megabytes((5 << 20) + (512 << 10)), "5.5 MB");
    }
}
