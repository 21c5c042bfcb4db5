//! Where a note is written. Ctrl Enter sends it.

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use rapport_domain::id::CustomerId;

use crate::{
    door::{DoorForm, Form, use_field, use_form},
    ui::button::{Button, Weight},
};

/// The composer of a customer's page.
#[component]
pub fn Composer(
    /// Whose page.
    id: CustomerId,
) -> impl IntoView {
    view! {
        <DoorForm
            form=Form::WriteNote(id)
            mint=true
            id="note"
            class="card composer"
            label="Write a note"
            on_done=Callback::new(|_| ())
        >
            <NoteField/>
        </DoorForm>
    }
    .into_any()
}

#[component]
fn NoteField() -> impl IntoView {
    let state = use_field("body");
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    let node = NodeRef::<html::Textarea>::new();
    let error = state.error;
    let key = move |event: ev::KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            let form = node.get_untracked().and_then(|area| area.form());
            if let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok()) {
                // It fails only for a form that is not on the page.
                let _ = form.request_submit();
            }
        }
    };
    view! {
        <textarea
            node_ref=node
            id=state.id.clone()
            name="body"
            rows="2"
            aria-label="Note"
            placeholder="Write a note"
            autofocus=state.autofocus
            aria-invalid=move || error.with(Option::is_some).then_some("true")
            aria-describedby=format!("{}-error", state.id)
            on:keydown=key
        >
            {state.value}
        </textarea>
        <div id=format!("{}-error", state.id) aria-live="polite">
            {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
        </div>
        <div class="acts justify-end">
            <kbd class="wide-only">"Ctrl Enter"</kbd>
            <Button kind="submit" weight=Weight::Main busy>"Save"</Button>
        </div>
    }
}
