//! A field that finds its value by typing. Without script it is a select of what is known at the start.

use leptos::{ev, html, prelude::*};

use super::{
    field::{FieldFrame, is_wrong},
    list,
    select::Pick,
};
use crate::door::{FieldState, use_field};

/// Where a combobox gets its options: told what is typed, it answers with what was found.
#[derive(Clone, Copy)]
pub struct Finding {
    /// What was found,
    pub found: Signal<Vec<Pick>>,
    /// for this text: something else may be typed by now.
    pub answers: Signal<String>,
    /// Told what is typed.
    pub on_type: Callback<String>,
}

/// Finds one record by name; a field of the form around it, which gets the record's id.
#[component]
pub fn Combobox(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// The words for the id that the form starts with; empty for nothing.
    #[prop(into)]
    words: String,
    /// Where its options come from.
    finding: Finding,
    /// What helps to fill it in.
    #[prop(default = "")]
    hint: &'static str,
) -> impl IntoView {
    let state = use_field(name);
    let wrong = is_wrong(&state);
    let picked = RwSignal::new((state.value.clone(), words));
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    let id = state.id.clone();
    let known = state.clone();
    let control = move || {
        let (id, wrong) = (id.clone(), wrong.clone());
        if alive.get() {
            view! {
                <input type="hidden" name=name prop:value=move || picked.get().0/>
                <Finder id picked finding wrong=Signal::derive(move || wrong().is_some())/>
            }
            .into_any()
        } else {
            view! { <Known state=known.clone() words=picked.get_untracked().1/> }.into_any()
        }
    };
    view! { <FieldFrame state label hint>{control}</FieldFrame> }
}

/// What the field is before the script runs: keep what is picked, or pick nothing.
#[component]
fn Known(state: FieldState, words: String) -> impl IntoView {
    let FieldState { name, id, value, .. } = state;
    // A form that comes back without script knows the id only.
    let words = if words.is_empty() {
        "The one you picked".to_owned()
    } else {
        words
    };
    view! {
        <select class="input" id=id name=name>
            {(!value.is_empty()).then(|| view! { <option value=value selected=true>{words}</option> })}
            <option value="">"None"</option>
        </select>
    }
}

/// The input that finds, with its list, by the combobox pattern of the ARIA practices.
#[component]
pub fn Finder(
    /// The id of the input.
    id: String,
    /// What is picked: an id and its words, both empty for nothing.
    picked: RwSignal<Pick>,
    /// Where its options come from.
    finding: Finding,
    /// Whether it is marked as wrong.
    #[prop(optional, into)]
    wrong: Signal<bool>,
    /// Its name, where no label stands above it.
    #[prop(default = "")]
    label: &'static str,
    /// The classes of the input.
    #[prop(default = "input")]
    class: &'static str,
    /// Told when something was picked.
    #[prop(optional, into)]
    on_pick: Option<Callback<()>>,
    /// Told when the focus leaves.
    #[prop(optional, into)]
    on_leave: Option<Callback<()>>,
) -> impl IntoView {
    let Finding {
        found,
        answers,
        on_type,
    } = finding;
    let text = RwSignal::new(String::new());
    // Enter was pressed before the answer to what is typed was here.
    let waits = StoredValue::new(false);
    let open = RwSignal::new(false);
    let at = RwSignal::new(None::<usize>);
    let input = NodeRef::<html::Input>::new();
    let (options_id, error_id) = (format!("{id}-options"), format!("{id}-error"));
    let option_id = StoredValue::new(format!("{id}-option"));

    let pick = move |choice: Pick| {
        if let Some(input) = input.get_untracked() {
            input.set_value(&choice.1);
        }
        picked.set(choice);
        open.set(false);
        if let Some(on_pick) = on_pick {
            on_pick.run(());
        }
    };
    let pick_found = move || {
        let place = at.get_untracked().unwrap_or(0);
        if let Some(choice) = found.with_untracked(|found| found.get(place).cloned()) {
            pick(choice);
        }
    };
    let is_answered = move || answers.with(|answers| text.with(|text| answers == text));
    Effect::new(move || {
        if is_answered() && waits.get_value() {
            waits.set_value(false);
            pick_found();
        }
    });
    let typed = move |event| {
        let typed = event_target_value(&event);
        at.set(None);
        waits.set_value(false);
        open.set(!typed.trim().is_empty());
        // An emptied field means none; words that name nobody yet leave what is picked as it is.
        if typed.trim().is_empty() {
            picked.set(Pick::default());
        }
        text.set(typed.clone());
        on_type.run(typed);
    };
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        // The key belongs to the word that is being composed.
        _ if event.is_composing() => {}
        "Escape" if open.get_untracked() => {
            event.stop_propagation();
            event.prevent_default();
            open.set(false);
        }
        "Enter" if open.get_untracked() => {
            event.prevent_default();
            event.stop_propagation();
            if untrack(is_answered) {
                pick_found();
            } else {
                waits.set_value(true);
            }
        }
        key @ ("ArrowDown" | "ArrowUp") if open.get_untracked() => {
            event.prevent_default();
            at.set(list::step(
                at.get_untracked(),
                found.with_untracked(Vec::len),
                key,
            ));
        }
        _ => {}
    };
    let leave = move |_| {
        // An input that is taken off the page tells that it lost the focus, when all this is gone.
        let Some(input) = input.try_get_untracked().flatten() else {
            return;
        };
        open.set(false);
        waits.set_value(false);
        input.set_value(&picked.get_untracked().1);
        if let Some(on_leave) = on_leave {
            on_leave.run(());
        }
    };
    let options = move || {
        let found = found.get().into_iter().enumerate();
        found.map(|(place, choice)| view! { <FoundOption place choice at option_id on_pick=Callback::new(pick)/> }).collect_view()
    };
    view! {
        <div class="relative w-full">
            <input
                node_ref=input
                class=class
                id=id
                type="text"
                autocomplete="off"
                spellcheck="false"
                placeholder="Type to find"
                role="combobox"
                aria-label=(!label.is_empty()).then_some(label)
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-controls=options_id.clone()
                aria-autocomplete="list"
                aria-activedescendant=move || at.get().map(|place| format!("{}-{place}", option_id.read_value()))
                aria-invalid=move || wrong.get().then_some("true")
                aria-describedby=error_id
                value=picked.get_untracked().1
                on:input=typed
                on:keydown=key
                on:blur=leave
            />
            <ul
                class="options"
                id=options_id
                role="listbox"
                aria-label="Found"
                hidden=move || !open.get() || found.with(Vec::is_empty)
            >
                {options}
            </ul>
            <p
                class="options item faint"
                role="status"
                hidden=move || !open.get() || !is_answered() || !found.with(Vec::is_empty)
            >
                "Nothing found"
            </p>
        </div>
    }
}

#[component]
fn FoundOption(
    place: usize,
    choice: Pick,
    at: RwSignal<Option<usize>>,
    option_id: StoredValue<String>,
    on_pick: Callback<Pick>,
) -> impl IntoView {
    let words = choice.1.clone();
    // Pressing, not clicking: the click would come after the field has lost the focus.
    let press = move |event: ev::MouseEvent| {
        event.prevent_default();
        on_pick.run(choice.clone());
    };
    view! {
        <li
            class="item"
            id=format!("{}-{place}", option_id.read_value())
            role="option"
            aria-selected=move || if at.get() == Some(place) { "true" } else { "false" }
            on:mousedown=press
        >
            <span class="cut">{words}</span>
        </li>
    }
}
