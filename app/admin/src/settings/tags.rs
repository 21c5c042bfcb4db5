//! The tags of customers.

use kit::{
    door::{DoorForm, Form, use_door},
    part::{self, Drawn, later},
    ui::{
        button::{Button, LinkButton, Weight},
        empty::Empty,
        field::Field,
        page::{PlainPage, below_admin, loaded},
        rows::rows,
        send::Send,
    },
};
use leptos::prelude::*;
use rapport_domain::{
    form::Values,
    tag::{COUNTED, Tag},
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn TagsPage() -> impl IntoView {
    later(crate::SETTINGS, part::page, draw)
}

/// Draws the page.
#[wasm_split(settings, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    let page = view! {
        <PlainPage title="Tags" above=below_admin()>
            {loaded(api::get_tags, "/admin/tags", |tags| view! { <Tags tags/> }.into_any())}
        </PlainPage>
    };
    Ok(page.into_any())
}

#[component]
fn Tags(tags: Vec<Tag>) -> impl IntoView {
    if tags.is_empty() {
        let text = "Tags are typed on customers. What is in use is listed here, to be called otherwise or taken away everywhere.";
        return view! { <Empty icon=icondata::LuTag title="No customer has a tag" text/> }.into_any();
    }
    let key = |tag: &Tag| format!("{} {}", tag.customers, tag.name);
    let tags = rows(tags, key, |tag| view! { <Edit tag/> }.into_any());
    view! {
        <p class="dim mb-4">
            "What is changed here is changed with all customers that have the tag, as one command that can be undone. A tag
            that gets the name of another one becomes one with it."
        </p>
        <div class="grid gap-2">{tags}</div>
    }
    .into_any()
}

#[component]
fn Edit(tag: Tag) -> impl IntoView {
    let customers = match tag.customers {
        1 => " 1 customer".to_owned(),
        COUNTED.. => format!(" {COUNTED} customers or more"),
        many => format!(" {many} customers"),
    };
    let hidden = Values::default().with("tag", tag.name.clone());
    let values = Values::default().with("name", tag.name.clone());
    let door = use_door();
    let refused = [Form::RenameTag, Form::RemoveTag]
        .iter()
        .any(|form| door.has_failed(*form, &hidden));
    let label = format!("Tag {}", tag.name);
    // By its name, and so that every name makes an id.
    let id: String = tag.name.bytes().map(|byte| format!("{byte:02x}")).collect();
    let search = form_urlencoded::Serializer::new(String::new())
        .append_pair("tag", &tag.name)
        .finish();
    let list = format!("/customers?{search}");
    view! {
        <details class="card" open=refused>
            <summary>{tag.name} <span class="faint num">{customers}</span></summary>
            <DoorForm
                form=Form::RenameTag
                hidden=hidden.clone()
                values
                id=format!("tag-{id}")
                class="form"
                label
                on_done=Callback::new(|_| ())
            >
                <Field name="name" label="Name" required=true/>
                <Send words="Rename it everywhere"/>
            </DoorForm>
            <div class="acts">
                <LinkButton href=list weight=Weight::Quiet>"See the customers"</LinkButton>
                <DoorForm form=Form::RemoveTag hidden id=format!("no-tag-{id}") on_done=Callback::new(|_| ())>
                    <Button kind="submit">"Take it away everywhere"</Button>
                </DoorForm>
            </div>
        </details>
    }
    .into_any()
}
