//! What went wrong with an edit, and the ways out.

use leptos::prelude::*;
use rapport_domain::error::FieldConflict;

use super::{Change, cell_id};
use crate::edits::Fate;

/// What became of an edit that did not go through.
#[component]
pub fn Trouble(
    /// The field, and how it is saved.
    change: Change,
) -> impl IntoView {
    let Change { field, edits, .. } = change;
    let told = move || match edits.draft(field)?.fate {
        Fate::Refused(said) => Some(view! { <Refused change said/> }.into_any()),
        Fate::Disputed(conflict, version) => Some(view! { <Disputed change conflict version/> }.into_any()),
        Fate::Sent | Fate::Saved(_) => None,
    };
    view! {
        <div class="w-full" id=format!("{}-error", cell_id(field)) aria-live="polite">
            {told}
        </div>
    }
}

#[component]
fn Refused(change: Change, said: String) -> impl IntoView {
    let Change { field, edits, .. } = change;
    let again = move |_| edits.open(field);
    let editing = move || edits.editing.get() == Some(field);
    view! {
        <p class="wrong">
            {said}
            <Show when=move || !editing()>
                " "
                <button class="go" type="button" on:click=again>"Edit again"</button>
                " · "
                <button class="go" type="button" on:click=move |_| edits.drop_draft(field)>"Leave it"</button>
            </Show>
        </p>
    }
}

/// Two people changed the field: both values, and one press that settles it.
#[component]
fn Disputed(change: Change, conflict: FieldConflict, version: i64) -> impl IntoView {
    let Change { field, edits, .. } = change;
    let nothing = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            text.to_owned()
        }
    };
    let by = conflict.by.clone().unwrap_or_else(|| "Somebody else".to_owned());
    // The server says both in words, an id too.
    let (theirs, mine) = (nothing(&conflict.theirs), nothing(&conflict.mine));
    let use_mine = move |_| {
        if let Some(draft) = edits.draft_now(field) {
            edits.save(field, version, &conflict.theirs, draft.value);
        }
    };
    view! {
        <div class="clash" role="alert">
            <p>{format!("{by} changed this in the meantime.")}</p>
            <dl>
                <dt>"Theirs"</dt>
                <dd><b class="prose">{theirs}</b></dd>
                <dt>"Mine"</dt>
                <dd><b class="prose">{mine}</b></dd>
            </dl>
            <div class="acts">
                <button class="btn" type="button" on:click=move |_| edits.drop_draft(field)>"Keep theirs"</button>
                <button class="btn" type="button" on:click=use_mine>"Use mine"</button>
            </div>
        </div>
    }
}
