//! The timeline of a customer: what happened, told in sentences, each with its Undo.

use kit::{
    door::{DoorForm, Form, use_submit, use_toasts},
    ui::{dom, icon::Icon},
};
use leptos::{ev, prelude::*, task::spawn_local};
use rapport_domain::{
    form::Values,
    id::CustomerId,
    timeline::{Entry, FieldChange, Story, Timeline, Undo},
};

use super::note::{Note, NoteCard, NoteEdits};

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bit {
    Plain(String),
    Strong(String),
    /// An address and its words.
    Link(String, String),
}

fn plain(text: impl Into<String>) -> Bit {
    Bit::Plain(text.into())
}

fn strong(text: impl Into<String>) -> Bit {
    Bit::Strong(text.into())
}

/// A change of one field, to follow the name of who made it.
fn change_bits(change: &FieldChange) -> Vec<Bit> {
    let FieldChange { label, before, after } = change;
    let label = label.to_lowercase();
    match (before.is_empty(), after.is_empty()) {
        (true, _) => vec![plain(format!("set {label} to ")), strong(after)],
        (_, true) => vec![plain(format!("removed {label} ")), strong(before)],
        _ => vec![
            plain(format!("changed {label} from ")),
            strong(before),
            plain(" to "),
            strong(after),
        ],
    }
}

/// What happened, to follow the name of who did it.
fn story_bits(story: &Story) -> Vec<Bit> {
    match story {
        Story::Created => vec![plain("added this customer")],
        Story::Imported { file } => vec![plain("imported this from "), strong(file)],
        Story::Changed(changes) => match changes.as_slice() {
            [one] => change_bits(one),
            many => vec![plain(format!("changed {} fields", many.len()))],
        },
        Story::Note { .. } => vec![plain("wrote a note")],
        Story::NoteGone => vec![plain("wrote a note that was removed since")],
        Story::NoteEdited => vec![plain("changed a note")],
        Story::NoteRemoved => vec![plain("removed a note")],
        Story::NoteRestored => vec![plain("brought a note back")],
        Story::Appointment {
            id,
            did,
            about,
            because,
        } => {
            let mut bits = vec![
                plain(format!("{did} ")),
                Bit::Link(format!("/appointments/{id}"), about.clone()),
            ];
            if !because.is_empty() {
                bits.push(plain(format!(": {because}")));
            }
            bits
        }
        Story::OtherAppointment => vec![plain("did something about an appointment that you may not see")],
        Story::Trashed => vec![plain("moved this customer to the trash")],
        Story::Restored => vec![plain("took this customer out of the trash")],
    }
}

fn icon_of(entry: &Entry) -> icondata::Icon {
    match &entry.story {
        _ if entry.is_undo => icondata::LuUndo2,
        Story::Created => icondata::LuPlus,
        Story::Imported { .. } => icondata::LuFileUp,
        Story::Changed(_) => icondata::LuPencil,
        Story::Note { .. }
        | Story::NoteGone
        | Story::NoteEdited
        | Story::NoteRemoved
        | Story::NoteRestored => icondata::LuStickyNote,
        Story::Appointment { .. } | Story::OtherAppointment => icondata::LuCalendar,
        Story::Trashed => icondata::LuTrash2,
        Story::Restored => icondata::LuRotateCcw,
    }
}

/// The timeline. One form stands for the buttons of all its entries, which name it: entries are many, and a form each
/// would cost; and a note's editor, a form of its own, cannot stand inside another.
#[component]
pub fn StoryList(
    /// Whose.
    id: CustomerId,
    /// What happened.
    timeline: Timeline,
    /// The page to come back to.
    back: String,
    /// The changes of notes, where they may be changed.
    #[prop(optional_no_strip)]
    notes: Option<NoteEdits>,
) -> impl IntoView {
    let submitter = use_submit();
    let toasts = use_toasts();
    let Timeline { entries, before } = timeline;
    // Buttons that post elsewhere than their form does so by themselves without script.
    let press = move |event: ev::MouseEvent| {
        let Some(button) = dom::closest(&event, "button[formaction]") else {
            return;
        };
        let Some(form) = button
            .get_attribute("formaction")
            .and_then(|path| Form::parse(&path))
        else {
            return;
        };
        event.prevent_default();
        // The second press of a double click would take back what the first did.
        if event.detail() > 1 {
            return;
        }
        spawn_local(async move {
            if let Err(fault) = submitter.send(form, Values::default()).await {
                toasts.show_fault(&fault);
            }
        });
    };
    let older = before.map(|before| {
        view! { <a class="btn ghost" href=format!("/customers/{id}?before={before}")>"Earlier"</a> }
    });
    let hidden = Values::default().with("back", back.as_str());
    let entries = entries
        .into_iter()
        .map(move |entry| view! { <Told entry notes back=back.clone()/> });
    view! {
        <DoorForm form=Form::Undo hidden id="story" on_done=Callback::new(|_| ())/>
        <ol class="tl" aria-label="Timeline" on:click=press>
            {entries.collect_view()}
        </ol>
        {older}
    }
    .into_any()
}

#[component]
fn Told(entry: Entry, notes: Option<NoteEdits>, back: String) -> impl IntoView {
    let icon = icon_of(&entry);
    let Entry {
        batch,
        at,
        by,
        story,
        is_undo,
        undo,
        ..
    } = entry;
    let undo_name = match &story {
        _ if is_undo => "Redo",
        // It takes back the whole file, not this customer alone.
        Story::Imported { .. } => "Revert import",
        _ => "Undo",
    };
    let undo = match undo {
        Undo::Offered => view! {
            <span aria-hidden="true">"·"</span>
            <button class="go" type="submit" form="story" name="batch" value=batch.to_string()>{undo_name}</button>
        }
        .into_any(),
        Undo::Done => view! { <span>"· taken back"</span> }.into_any(),
        Undo::No => ().into_any(),
    };
    let what = match story {
        Story::Note { id, version, body } => {
            let (note, said) = (Note { id, version, body }, format!("{} · {by}", at.said));
            view! { <NoteCard note said undo edits=notes back/> }.into_any()
        }
        story => {
            let bits = story_bits(&story).into_iter().map(bit).collect_view();
            let head = if is_undo {
                format!("{by} undid: ")
            } else {
                format!("{by} ")
            };
            view! {
                <div class="what">
                    {head} {bits} {details(&story)}
                    <div class="when num">{at.said} {undo}</div>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <li>
            <span class="i">
                <Icon icon/>
            </span>
            {what}
        </li>
    }
}

fn bit(bit: Bit) -> AnyView {
    match bit {
        Bit::Plain(text) => text.into_any(),
        Bit::Strong(text) => view! { <b>{text}</b> }.into_any(),
        Bit::Link(href, text) => view! { <a class="go" href=href>{text}</a> }.into_any(),
    }
}

/// The single changes, where there are several.
fn details(story: &Story) -> Option<impl IntoView + use<>> {
    let Story::Changed(changes) = story else {
        return None;
    };
    let line = |change: &FieldChange| {
        let nothing = |text: &str| {
            if text.is_empty() {
                "nothing".to_owned()
            } else {
                text.to_owned()
            }
        };
        view! { <li>{change.label.clone()} ": " {nothing(&change.before)} " → " <b>{nothing(&change.after)}</b></li> }
    };
    (changes.len() > 1).then(|| view! { <ul class="dim">{changes.iter().map(line).collect_view()}</ul> })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(story: &Story) -> String {
        let text = |bit| match bit {
            Bit::Plain(text) => text,
            Bit::Strong(text) | Bit::Link(_, text) => format!("*{text}*"),
        };
        story_bits(story).into_iter().map(text).collect()
    }

    fn change(before: &str, after: &str) -> FieldChange {
        FieldChange {
            label: "Stage".to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn changes_are_told_as_sentences() {
        for (story, sentence) in [
            (
                Story::Changed(vec![change("Lead", "Prospect")]),
                "changed stage from *Lead* to *Prospect*",
            ),
            (Story::Changed(vec![change("", "Lead")]), "set stage to *Lead*"),
            (Story::Changed(vec![change("Lead", "")]), "removed stage *Lead*"),
            (
                Story::Changed(vec![change("a", "b"), change("c", "d")]),
                "changed 2 fields",
            ),
            (
                Story::Imported {
                    file: "a.csv".to_owned(),
                },
                "imported this from *a.csv*",
            ),
        ] {
            assert_eq!(said(&story), sentence);
        }
    }
}
