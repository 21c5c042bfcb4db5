//! The editors of fields. All share one hand: Enter saves, Escape leaves things as they were, going elsewhere saves.

use kit::{
    find::use_finding,
    load::Loaded,
    ui::{
        awaited::{awaited, waiting},
        combobox::Finder,
        dom,
        select::{Options, Pick},
    },
};
use leptos::{ev, html, prelude::*};
use rapport_domain::customer::{CustomerKind, Field, Stage};

use super::{Change, cell_id};
use crate::{
    api::owner_options,
    edits::{Fate, owners_or_nobody},
};

/// The editor of a field.
#[component]
pub fn Editor(
    /// The field, and how it is saved.
    change: Change,
    /// What it starts with.
    start: Pick,
) -> impl IntoView {
    match change.field {
        Field::Stage => {
            let stages = Stage::EVERY
                .iter()
                .map(|stage| (stage.word().to_owned(), stage.label().to_owned()));
            view! { <PickEditor change start options=stages.collect()/> }.into_any()
        }
        Field::Owner => view! { <OwnerEditor change start/> }.into_any(),
        Field::Company => view! { <CompanyEditor change start/> }.into_any(),
        Field::Emails | Field::Phones | Field::Links => view! { <LinesEditor change start/> }.into_any(),
        _ => view! { <LineEditor change start/> }.into_any(),
    }
}

impl Change {
    /// What a key means in an editor that holds `value`; none while its control is not there. True if it meant
    /// something.
    fn key(self, event: &ev::KeyboardEvent, value: impl FnOnce() -> Option<Pick>) -> bool {
        // The key belongs to the word that is being composed.
        if event.is_composing() {
            return false;
        }
        match event.key().as_str() {
            // Shift Enter begins the next line, where there are lines.
            "Enter" if !event.shift_key() => {
                event.prevent_default();
                if let Some(value) = value() {
                    self.finish(value);
                }
            }
            "Escape" => {
                event.stop_propagation();
                self.cancel();
            }
            _ => return false,
        }
        true
    }

    /// The focus went elsewhere: what was typed is saved. An editor that is only taken off the page to be drawn anew
    /// loses the focus, too: it goes on with what was typed, and is neither saved nor closed.
    fn blur(self, event: &ev::FocusEvent, value: Option<Pick>) {
        let Some(value) = value else {
            return;
        };
        if event.related_target().is_some() {
            return self.leave(value);
        }
        let control: web_sys::Element = event_target(event);
        let seen = self.edits.seen_open(self.field);
        // It is told while it still stands on the page.
        queue_microtask(move || match self.edits.editing.try_get_untracked() {
            Some(open) if open == Some(self.field) && !control.is_connected() => {}
            Some(_) => self.leave(value),
            // The whole page went.
            None => {
                if let Some((version, before)) = seen {
                    self.edits.save(self.field, version, &before, value);
                }
            }
        });
    }

    /// The mark of a value that was refused.
    fn wrong(self) -> Option<&'static str> {
        let draft = self.edits.draft(self.field)?;
        matches!(draft.fate, Fate::Refused(_)).then_some("true")
    }

    fn described_by(self) -> String {
        format!("{}-error", cell_id(self.field))
    }
}

/// What stands in the control that an event came from, whatever became of the view that it was made of.
fn held(event: &ev::Event) -> Option<Pick> {
    Some((event_target_value(event), String::new()))
}

/// The control of an editor that stands. One that is taken off the page still tells that it lost the focus, when what
/// it was made of is gone.
fn in_place<E>(node: NodeRef<E>) -> Option<E::Output>
where
    E: html::ElementType,
    E::Output: wasm_bindgen::JsCast + Clone + 'static,
{
    node.try_get_untracked().flatten()
}

/// Puts the focus into an editor that has just opened, and only then: it may be drawn again while it is in use.
fn focus_once<E>(node: NodeRef<E>)
where
    E: html::ElementType,
    E::Output: wasm_bindgen::JsCast + Clone + AsRef<web_sys::HtmlElement> + 'static,
{
    Effect::new(move || {
        let Some(element) = node.get() else { return };
        let element: &web_sys::HtmlElement = element.as_ref();
        if !element.is_connected() {
            // What had to be waited for is made before it stands on the page.
            let element = element.clone();
            request_animation_frame(move || dom::focus(Some(element)));
        } else if document().active_element().as_deref() != Some(element) {
            dom::focus(Some(element.clone()));
        }
    });
}

#[component]
fn LineEditor(change: Change, start: Pick) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    focus_once(node);
    view! {
        <input
            node_ref=node
            class="edit"
            type="text"
            autocomplete="off"
            aria-label=change.field.label()
            aria-invalid=move || change.wrong()
            aria-describedby=change.described_by()
            value=start.0
            on:keydown=move |event| {
                change.key(&event, || held(&event));
            }
            on:input=move |event| change.edits.note_typed(event_target_value(&event))
            on:blur=move |event| change.blur(&event, held(&event))
        />
    }
}

#[component]
fn LinesEditor(change: Change, start: Pick) -> impl IntoView {
    let node = NodeRef::<html::Textarea>::new();
    focus_once(node);
    view! {
        <textarea
            node_ref=node
            class="edit"
            rows="1"
            autocomplete="off"
            aria-label=change.field.label()
            aria-invalid=move || change.wrong()
            aria-describedby=change.described_by()
            on:keydown=move |event| {
                change.key(&event, || held(&event));
            }
            on:input=move |event| change.edits.note_typed(event_target_value(&event))
            on:blur=move |event| change.blur(&event, held(&event))
        >
            {start.0}
        </textarea>
        <span class="hint">"One a line: Shift Enter begins the next"</span>
    }
}

#[component]
fn PickEditor(change: Change, start: Pick, options: Vec<Pick>) -> impl IntoView {
    let node = NodeRef::<html::Select>::new();
    focus_once(node);
    // Arrow keys on a closed select change it with every press: then only Enter or leaving says that it is meant.
    let by_key = StoredValue::new(false);
    let words = StoredValue::new(options.clone());
    let picked = move || {
        let value = in_place(node)?.value();
        let text = words.with_value(|words| {
            words
                .iter()
                .find(|(key, _)| *key == value)
                .map(|(_, text)| text.clone())
        });
        Some((value, text.unwrap_or_default()))
    };
    let key = move |event: ev::KeyboardEvent| {
        if !change.key(&event, picked) {
            by_key.set_value(true);
        }
    };
    view! {
        <select
            node_ref=node
            class="edit"
            aria-label=change.field.label()
            aria-invalid=move || change.wrong()
            aria-describedby=change.described_by()
            on:keydown=key
            on:pointerdown=move |_| by_key.set_value(false)
            on:change=move |_| {
                match picked() {
                    // It may be drawn anew before it is meant.
                    Some((value, _)) if by_key.get_value() => change.edits.note_typed(value),
                    Some(picked) => change.finish(picked),
                    None => {}
                }
            }
            on:blur=move |event| change.blur(&event, picked())
        >
            <Options options picked=start.0/>
        </select>
    }
}

#[component]
fn OwnerEditor(change: Change, start: Pick) -> impl IntoView {
    let owners = Loaded::new(|| (), |()| owner_options());
    let editor = move || {
        let start = start.clone();
        async move {
            let mut options = owners_or_nobody(awaited(owners).await);
            // Who owns it now may be nobody to choose: whoever only looks changes nothing.
            if !options.iter().any(|(id, _)| *id == start.0) {
                let words = if start.1.is_empty() { "As it is" } else { &start.1 };
                options.push((start.0.clone(), words.to_owned()));
            }
            view! { <PickEditor change start options/> }.into_any()
        }
    };
    let until_then = || view! { <span class="cell faint">"Loading the team"</span> }.into_any();
    waiting(until_then, editor)
}

#[component]
fn CompanyEditor(change: Change, start: Pick) -> impl IntoView {
    let picked = RwSignal::new(start);
    let value = move || picked.try_get_untracked();
    let finding = use_finding(Some(CustomerKind::Company));
    let id = format!("edit-{}", change.field);
    let input = id.clone();
    Effect::new(move || dom::focus(dom::by_id(&input)));
    view! {
        <div class="w-full" on:keydown=move |event| {
                change.key(&event, value);
            }>
            <Finder
                id
                picked
                finding
                label=change.field.label()
                class="edit"
                on_pick=Callback::new(move |()| change.finish(picked.get_untracked()))
                on_leave=Callback::new(move |()| {
                    if let Some(value) = value() {
                        change.leave(value);
                    }
                })
            />
        </div>
    }
}
