//! Notes in the timeline: how one reads, and how it is changed in place.
//!
//! What is typed lives beside the page's data, not in its view: the timeline is drawn anew whenever something was
//! written, and a note under way must outlive that. Without script a link leads to the same page with the editor open.

use kit::{
    door::{DoorForm, Form, use_door, use_field, use_form},
    ui::{
        button::{Button, LinkButton, Weight},
        dom,
        field::PickOne,
        raw::raw_text,
    },
};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use leptos_router::hooks::use_query_map;
use rapport_domain::{
    form::{Done, Values},
    id::ActivityId,
};

/// The parameter of the page's address that names the note whose editor is open.
const OPEN: &str = "note";

/// A note as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which.
    pub id: ActivityId,
    /// Its version.
    pub version: i64,
    /// Its text.
    pub body: String,
}

/// The changes of notes on one page.
#[derive(Clone, Copy)]
pub struct NoteEdits {
    /// The note whose editor is open.
    open: RwSignal<Option<ActivityId>>,
    /// The note as it was when its editor was opened.
    seen: StoredValue<Option<Note>>,
    /// What is typed there, once something is.
    typed: StoredValue<Option<String>>,
    /// Whether the editor has just been opened and wants the focus.
    fresh: StoredValue<bool>,
    /// The note whose link gets the focus when the timeline has been loaded again.
    back_to: StoredValue<Option<ActivityId>>,
    /// The note that was saved last, which may not have been loaded again yet.
    saved: RwSignal<Option<Note>>,
}

/// The changes of notes on a page; call it where the page is set up. The editor is open that the address names, or that
/// failed without script.
#[must_use]
pub fn use_note_edits() -> NoteEdits {
    let failed = match use_door().failed_form() {
        Some(Form::EditNote(id)) => Some(id),
        _ => None,
    };
    let asked = || use_query_map().read_untracked().get(OPEN)?.parse().ok();
    let open = failed.or_else(asked);
    NoteEdits {
        open: RwSignal::new(open),
        seen: StoredValue::new(None),
        typed: StoredValue::new(None),
        fresh: StoredValue::new(open.is_some()),
        back_to: StoredValue::new(None),
        saved: RwSignal::new(None),
    }
}

impl NoteEdits {
    fn open(self, id: ActivityId) {
        self.forget();
        self.fresh.set_value(true);
        self.open.set(Some(id));
    }

    /// Closes the editor and gives the focus back to what opened it.
    fn close(self, id: ActivityId) {
        self.forget();
        self.open.set(None);
        request_animation_frame(move || dom::focus(dom::by_id(&opener_id(id))));
    }

    /// A note's link is on the page: after a save its place in the timeline is another one.
    fn arrive(self, id: ActivityId) {
        if self.back_to.get_value() == Some(id) {
            self.back_to.set_value(None);
            dom::focus_soon(opener_id(id), "body, .tl *");
        }
    }

    fn forget(self) {
        self.seen.set_value(None);
        self.typed.set_value(None);
    }

    /// The note as the person saw it who changes it, though it may have been loaded anew since.
    fn seen(self, held: Note) -> Note {
        match self.seen.get_value().filter(|seen| seen.id == held.id) {
            Some(seen) => seen,
            None => {
                self.seen.set_value(Some(held.clone()));
                held
            }
        }
    }

    /// The note as it is shown: saved and not loaded again yet, it stands for what is held.
    fn shown(self, held: &Note) -> String {
        self.saved.with(|saved| match saved {
            Some(saved) if saved.id == held.id && saved.version > held.version => saved.body.clone(),
            _ => held.body.clone(),
        })
    }
}

fn opener_id(id: ActivityId) -> String {
    format!("edit-note-{id}")
}

/// The page with the editor of a note open.
fn open_at(page: &str, id: ActivityId) -> String {
    let sign = if page.contains('?') { '&' } else { '?' };
    format!("{page}{sign}{OPEN}={id}")
}

/// A note: its text and what stands under it, or its editor.
#[component]
pub fn NoteCard(
    /// The note.
    note: Note,
    /// Who wrote it and when.
    said: String,
    /// Its Undo.
    undo: AnyView,
    /// The changes of notes, where they may be changed.
    edits: Option<NoteEdits>,
    /// The page to come back to.
    back: String,
) -> impl IntoView {
    let Some(edits) = edits else {
        return view! {
            <div class="what card note">
                <div class="prose">{note.body}</div>
                <div class="when num">{said} " " {undo}</div>
            </div>
        }
        .into_any();
    };
    let id = note.id;
    let (held, remove, href) = (note.clone(), Form::RemoveNote(id).path(), open_at(&back, id));
    let open = move || edits.open.get() == Some(id);
    Effect::new(move || edits.arrive(id));
    let edit = move |event: ev::MouseEvent| {
        event.prevent_default();
        edits.open(id);
    };
    let editor = move || open().then(|| view! { <Editor note=note.clone() edits back=back.clone()/> });
    view! {
        <div class="what card note">
            {editor}
            <div hidden=open>
                <div class="prose">{move || edits.shown(&held)}</div>
                <div class="when num">
                    {said} " " {undo} <span aria-hidden="true">"·"</span>
                    <a class="go" id=opener_id(id) href=href on:click=edit>"Edit"</a>
                    <span aria-hidden="true">"·"</span>
                    <button class="go" type="submit" form="story" formaction=remove>"Remove"</button>
                </div>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Editor(note: Note, edits: NoteEdits, back: String) -> impl IntoView {
    let Note { id, version, body } = edits.seen(note);
    let done = move |done: Done| {
        let typed = edits.typed.get_value();
        if let (Some(receipt), Some(body)) = (done.receipt, typed) {
            let version = receipt.version;
            edits.saved.set(Some(Note { id, version, body }));
            edits.back_to.set_value(Some(id));
        }
        edits.close(id);
    };
    let key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            edits.close(id);
        }
    };
    let cancel = move |event: ev::MouseEvent| {
        event.prevent_default();
        edits.close(id);
    };
    let values = Values::default().with("body", body);
    let hidden = Values::default().with("back", back.clone());
    view! {
        <div on:keydown=key>
            <DoorForm
                form=Form::EditNote(id)
                values
                seen=version
                hidden
                id=format!("note-{id}")
                class="noted"
                label="Change the note"
                on_done=Callback::new(done)
            >
                <NoteField label="Text of the note" edits/>
                <Save>
                    <LinkButton href=back weight=Weight::Quiet on:click=cancel>"Cancel"</LinkButton>
                </Save>
            </DoorForm>
        </div>
    }
    .into_any()
}

/// The text of a note; the field `body` of the form around it. Ctrl Enter sends the form.
#[component]
pub fn NoteField(
    /// Its name for screen readers.
    label: &'static str,
    /// What it says while it is empty.
    #[prop(default = "")]
    placeholder: &'static str,
    /// The changes that it belongs to, which keep what is typed.
    #[prop(optional)]
    edits: Option<NoteEdits>,
) -> impl IntoView {
    let state = use_field("body");
    let (error, conflict) = (state.error, state.conflict);
    let value = edits.and_then(|edits| edits.typed.get_value());
    let node = NodeRef::<html::Textarea>::new();
    if let Some(edits) = edits {
        Effect::new(move || {
            if let Some(area) = node.get()
                && edits.fresh.get_value()
            {
                edits.fresh.set_value(false);
                let end = area.text_length();
                // It fails only for inputs that hold no text.
                let _ = area.set_selection_range(end, end);
                dom::focus(Some((*area).clone()));
            }
        });
    }
    let typed = move |event| {
        if let Some(edits) = edits {
            edits.typed.set_value(Some(event_target_value(&event)));
        }
    };
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
    let wrong = move || error.with(Option::is_some) || conflict.with(Option::is_some);
    view! {
        <textarea
            node_ref=node
            id=state.id.clone()
            name="body"
            rows="2"
            aria-label=label
            placeholder=placeholder
            autofocus=state.autofocus || edits.is_some()
            aria-invalid=move || wrong().then_some("true")
            aria-describedby=format!("{}-error", state.id)
            on:keydown=key
            on:input=typed
        >
            {raw_text(&value.unwrap_or(state.value))}
        </textarea>
        <div id=format!("{}-error", state.id) aria-live="polite">
            {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
            {move || conflict.get().map(|conflict| view! { <PickOne conflict name="pick.body"/> })}
        </div>
    }
    .into_any()
}

/// The button that saves a note, with its key; others stand beside it.
#[component]
pub fn Save(
    /// What stands before it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <div class="acts justify-end">
            <kbd class="wide-only">"Ctrl Enter"</kbd>
            {children.map(|children| children())}
            <Button kind="submit" weight=Weight::Main busy>"Save"</Button>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01933d3e-0000-7000-8000-00000000000a";

    #[test]
    fn the_editor_is_opened_by_the_address_of_the_page_that_tells_the_note() {
        let id = ID.parse().unwrap();
        assert_eq!(open_at("/customers/1", id), format!("/customers/1?note={ID}"));
        assert_eq!(
            open_at("/customers/1?before=9", id),
            format!("/customers/1?before=9&note={ID}")
        );
    }
}
