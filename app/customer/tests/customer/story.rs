//! The timeline.

use customer::{note::use_note_edits, story::StoryList};
use leptos::prelude::*;
use rapport_domain::timeline::{Entry, FieldChange, Story, Timeline, Undo};

use crate::{
    render::{HOSTILE, html, html_at},
    support::{customer_id, moment, user_id},
};

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
    html(
        move || view! { <StoryList id timeline=Timeline { entries, before: None } back notes=Some(use_note_edits())/> },
    )
}

fn note(body: &str) -> Story {
    Story::Note {
        id: user_id().0.into(),
        version: 3,
        body: body.to_owned(),
    }
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
    for story in [
        note(HOSTILE),
        change(HOSTILE),
        Story::Imported {
            file: HOSTILE.to_owned(),
        },
    ] {
        let page = told(vec![entry(story, Undo::No)]);
        assert!(page.contains("&lt;img") && !page.contains("<img"), "{page}");
    }
}

#[test]
fn a_note_offers_its_changes_only_where_it_may_be_changed() {
    let entries = vec![entry(note("Ten crates."), Undo::No)];
    let page = told(entries.clone());
    let (edit, remove) = (
        format!("href=\"/customers?note={}\"", user_id()),
        format!("formaction=\"/notes/{}/remove\"", user_id()),
    );
    assert!(page.contains(&edit) && page.contains(&remove), "{page}");
    assert!(!page.contains("<textarea"), "{page}");

    let (id, back) = (customer_id(), "/customers".to_owned());
    let page = html(move || view! { <StoryList id timeline=Timeline { entries, before: None } back/> });
    assert!(page.contains("Ten crates."), "{page}");
    assert!(!page.contains("note=") && !page.contains("formaction"), "{page}");
}

#[test]
fn the_address_that_names_a_note_opens_its_editor() {
    let entries = vec![
        entry(note("Ten crates."), Undo::No),
        entry(Story::Created, Undo::Offered),
    ];
    let (id, back) = (customer_id(), "/customers".to_owned());
    let address = format!("/customers?note={}", user_id());
    let page = html_at(
        &address,
        move || view! { <StoryList id timeline=Timeline { entries, before: None } back notes=Some(use_note_edits())/> },
    );
    for part in [
        &format!("action=\"/notes/{}/edit\"", user_id()),
        "name=\"version\" value=\"3\"",
        "name=\"was.body\" value=\"Ten crates.\"",
        "name=\"back\" value=\"/customers\"",
        ">Ten crates.</textarea>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Forms cannot stand inside each other: the buttons of the other entries name theirs.
    let (before, editor) = page.split_once("/edit\"").unwrap();
    assert_eq!(
        before.matches("<form").count(),
        before.matches("</form").count() + 1,
        "{before}"
    );
    assert!(editor.contains("form=\"story\""), "{editor}");
}
