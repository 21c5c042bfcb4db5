//! Toasts: what was just done, with Undo. They stay until they are closed, undone or followed by another, for ten
//! seconds at least; nothing important is said only here.

use std::time::Duration;

use leptos::prelude::*;
use rapport_domain::form::Values;

use super::icon::Icon;
use crate::door::{DoorForm, Form, Toast, use_toasts};

/// How long a toast stays.
const STAYS: Duration = Duration::from_secs(10);

/// All messages of the page, in a live region.
#[component]
pub fn ToastRack() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <section class="toasts" aria-label="Messages" aria-live="polite">
            <For each=move || toasts.list().get() key=|toast| toast.key let(toast)>
                <OneToast toast/>
            </For>
        </section>
    }
    .into_any()
}

#[component]
fn OneToast(toast: Toast) -> impl IntoView {
    let toasts = use_toasts();
    let Toast {
        key,
        said,
        undo,
        back,
        is_error,
    } = toast;
    // What went wrong stays until the person has read it.
    if !is_error {
        Effect::new(move || set_timeout(move || toasts.close(key), STAYS));
    }
    let undo = undo.map(|batch| {
        let hidden = Values::default().with("batch", batch.to_string()).with("back", back);
        view! {
            <DoorForm form=Form::Undo hidden id=format!("undo-{key}") on_done=Callback::new(move |_| toasts.close(key))>
                <button class="act" type="submit">"Undo"</button>
            </DoorForm>
        }
    });
    view! {
        <div class="toast" role=is_error.then_some("alert")>
            <span class="grow">{said}</span>
            {undo}
            <button type="button" aria-label="Close this message" on:click=move |_| toasts.close(key)>
                <Icon icon=icondata::LuX/>
            </button>
        </div>
    }
    .into_any()
}
