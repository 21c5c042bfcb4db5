//! The timeline.

use leptos::prelude::*;
use rapport_app::customer::story::StoryList;
use rapport_domain::timeline::{Entry, FieldChange, Story, Timeline, Undo};

use crate::support::{HOSTILE, customer_id, html, moment, user_id};

fn entry(story: Story, undo: Undo) -> Entry {
    Entry {
        batch: user_id().0.into(),
        seq: 1,
        at: moment("Yesterday, 16:12"),
        by: "Nadia Kovač".to_owned(),
        story,
        is_undo: false,
        undo,
    }
}

fn told(entries: Vec<Entry>) -> String {
    let (id, back) = (customer_id(), "/customers".to_owned());
    html(move || view! { <StoryList id timeline=Timeline { entries, before: None } back may_note=true/> })
}

fn change(text: &str) -> Story {
    let change = FieldChange {
        label: "City".to_owned(),
        before: text.to_owned(),
        after: text.to_owned(),
    };
    Story::Changed(vec![change.clone(), change])
}

#[test]
fn undo_is_offered_where_it_can_be_done() {
    let undo = "name=\"batch\"";
    assert!(told(vec![entry(Story::Created, Undo::Offered)]).contains(undo));
    assert!(!told(vec![entry(Story::Created, Undo::No)]).contains(undo));
    let done = told(vec![entry(Story::Created, Undo::Done)]);
    assert!(!done.contains(undo) && done.contains("taken back"));
}

#[test]
fn one_form_holds_all_entries() {
    let entries = vec![entry(Story::Created, Undo::Offered); 3];
    assert_eq!(told(entries).matches("<form").count(), 1);
}

#[test]
fn html_in_a_note_or_a_value_stays_text() {
    let note = Story::Note {
        id: user_id().0.into(),
        body: HOSTILE.to_owned(),
    };
    for story in [
        note,
        change(HOSTILE),
        Story::Imported {
            file: HOSTILE.to_owned(),
        },
    ] {
        let page = told(vec![entry(story, Undo::No)]);
        assert!(page.contains("&lt;img") && !page.contains("<img"), "{page}");
    }
}
