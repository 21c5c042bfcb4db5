//! The fields of a customer, edited in place. Without script each leads to the form that edits them all.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use rapport_domain::{
    customer::{Customer, CustomerKind, Field, Related, Stage},
    error::FieldConflict,
};

use super::{
    api::owner_options,
    edits::{Draft, Edits, Fate, held, shown},
    find::use_finding,
};
use crate::ui::{
    avatar::Avatar,
    combobox::Finder,
    dom,
    icon::Icon,
    pill::{StagePill, Tag},
    select::{Options, Pick},
};

/// The fields of a person or a company, the most looked for first.
pub fn main_fields(kind: CustomerKind) -> &'static [Field] {
    match kind {
        CustomerKind::Person => &[
            Field::Stage,
            Field::Owner,
            Field::Company,
            Field::JobTitle,
            Field::Emails,
            Field::Phones,
            Field::Links,
            Field::Tags,
        ],
        CustomerKind::Company => &[
            Field::Stage,
            Field::Owner,
            Field::Emails,
            Field::Phones,
            Field::Links,
            Field::Tags,
        ],
    }
}

/// The fields of the address.
pub const ADDRESS: &[Field] = &[
    Field::Street,
    Field::PostalCode,
    Field::City,
    Field::Region,
    Field::Country,
];

/// A list of fields with their values.
#[component]
pub fn Facts(
    /// Whose.
    customer: Arc<Customer>,
    /// Which.
    fields: &'static [Field],
    /// Their edits.
    edits: Edits,
    /// What follows them in the same list.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let facts = fields.iter().zip(std::iter::repeat(customer));
    let facts = facts
        .map(|(&field, customer)| view! { <Fact field customer edits/> })
        .collect_view();
    view! {
        <dl class="kv">
            {facts}
            {children.map(|children| children())}
        </dl>
    }
    .into_any()
}

/// Whether the viewer may change a field.
fn may_edit(customer: &Customer, field: Field) -> bool {
    let allowed = if field == Field::Owner {
        customer.may.assign
    } else {
        customer.may.update
    };
    // A company out of sight is not put aside by mistake: whoever may see it can change it.
    let hidden = field == Field::Company && customer.company == Some(Related::NoAccess);
    allowed && !hidden && !customer.deleted
}

fn cell_id(field: Field) -> String {
    format!("cell-{field}")
}

#[component]
fn Fact(field: Field, customer: Arc<Customer>, edits: Edits) -> impl IntoView {
    let now = held(&customer, field);
    let (before, version, can) = (now.0.clone(), customer.version, may_edit(&customer, field));
    let href = format!("/customers/{}/edit", customer.id);
    let change = Change {
        field,
        edits,
        version,
        before: StoredValue::new(before),
    };
    let cell = move || {
        let draft = edits.draft(field);
        if can && edits.editing.get() == Some(field) {
            // A value that was refused is still what the person wants to put right.
            let start = match draft {
                Some(Draft {
                    value,
                    fate: Fate::Refused(_),
                }) => value,
                draft => shown(now.clone(), version, draft.as_ref()),
            };
            view! { <Editor change start/> }.into_any()
        } else {
            let value = shown(now.clone(), version, draft.as_ref());
            view! { <Cell field value can href=href.clone() edits/> }.into_any()
        }
    };
    view! {
        <dt>{field.label()}</dt>
        <dd>
            {cell}
            <Trouble change/>
        </dd>
    }
    .into_any()
}

/// What is needed to save a field.
#[derive(Clone, Copy)]
struct Change {
    field: Field,
    edits: Edits,
    version: i64,
    before: StoredValue<String>,
}

impl Change {
    fn save(self, value: Pick) {
        self.before
            .with_value(|before| self.edits.save(self.field, self.version, before, value));
    }

    /// Saves, closes the editor and gives the focus back to the cell.
    fn finish(self, value: Pick) {
        if self.edits.close(self.field) {
            self.save(value);
            self.focus_cell();
        }
    }

    /// Saves and closes, the focus having gone elsewhere.
    fn leave(self, value: Pick) {
        if self.edits.close(self.field) {
            self.save(value);
        }
    }

    /// Closes and forgets what was typed.
    fn cancel(self) {
        self.edits.close(self.field);
        self.edits.drop_draft(self.field);
        self.focus_cell();
    }

    fn focus_cell(self) {
        request_animation_frame(move || dom::focus(dom::by_id(&cell_id(self.field))));
    }
}

/// A field as it reads. Links in it stay links; a pen beside them edits.
#[component]
fn Cell(field: Field, value: Pick, can: bool, href: String, edits: Edits) -> impl IntoView {
    let open = move |event: ev::MouseEvent| {
        event.prevent_default();
        edits.editing.set(Some(field));
    };
    let has_links = matches!(
        field,
        Field::Emails | Field::Phones | Field::Links | Field::Company
    ) && !value.0.is_empty();
    let reads = view! { <Reads field value/> };
    let title = format!("Edit {}", field.label().to_lowercase());
    match (can, has_links) {
        (false, _) => view! { <div class="cell">{reads}</div> }.into_any(),
        (true, false) => view! {
            <a class="cell can" id=cell_id(field) href=href title=title on:click=open>
                {reads}
            </a>
        }
        .into_any(),
        (true, true) => view! {
            <div class="cell can pen" on:click=move |event| {
                if dom::closest(&event, "a").is_none() {
                    open(event);
                }
            }>
                <div class="lines">{reads}</div>
                <a class="btn ghost only" id=cell_id(field) href=href title=title.clone() aria-label=title on:click=open>
                    <Icon icon=icondata::LuPencil/>
                </a>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Reads(field: Field, value: Pick) -> impl IntoView {
    let (text, words) = value;
    let lines = |link: fn(&str) -> String, outside: bool| {
        let lines = text.lines().map(|line| {
            let rel = outside.then_some("noopener noreferrer external");
            view! { <a class="go" href=link(line) rel=rel target=outside.then_some("_blank")>{line.to_owned()}</a> }
        });
        lines.collect_view().into_any()
    };
    match field {
        _ if text.is_empty() && words.is_empty() => {
            view! { <span class="dash" aria-hidden="true">"–"</span><span class="sr-only">"none"</span> }
                .into_any()
        }
        Field::Stage => text
            .parse::<Stage>()
            .ok()
            .map(|stage| view! { <StagePill stage/> })
            .into_any(),
        Field::Owner => view! { <Avatar name=words.clone()/> <span class="cut">{words}</span> }.into_any(),
        Field::Company if text.is_empty() => view! { <span class="faint">{words}</span> }.into_any(),
        Field::Company => view! { <a class="go" href=format!("/customers/{text}")>{words}</a> }.into_any(),
        Field::Kind => words.into_any(),
        Field::Emails => lines(mail_link, false),
        Field::Phones => lines(phone_link, false),
        Field::Links => lines(str::to_owned, true),
        Field::Tags => text
            .split(", ")
            .map(|word| view! { <Tag word/> })
            .collect_view()
            .into_any(),
        _ => text.into_any(),
    }
}

/// The address that writes an e-mail. What could end the address early or add to it is written out of the way.
pub fn mail_link(address: &str) -> String {
    let mut link = "mailto:".to_owned();
    for c in address.chars() {
        match c {
            '%' | '?' | '&' | '#' => link.push_str(&format!("%{:02X}", u32::from(c))),
            c => link.push(c),
        }
    }
    link
}

/// The address that calls a number: its digits, and the plus before them.
pub fn phone_link(number: &str) -> String {
    let digits = number.chars().filter(|c| c.is_ascii_digit() || *c == '+');
    "tel:".chars().chain(digits).collect()
}

/// What became of an edit that did not go through.
#[component]
fn Trouble(change: Change) -> impl IntoView {
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
    let again = move |_| edits.editing.set(Some(field));
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
    let (theirs, mine) = match edits.draft_now(field) {
        // An id says nothing to a person; its words do.
        Some(draft) if !draft.value.1.is_empty() => ("another one".to_owned(), draft.value.1),
        _ => (nothing(&conflict.theirs), nothing(&conflict.mine)),
    };
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

/// The editor of a field.
#[component]
fn Editor(change: Change, start: Pick) -> impl IntoView {
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
        if let Some(element) = node.get() {
            let element: &web_sys::HtmlElement = element.as_ref();
            if document().active_element().as_deref() != Some(element) {
                dom::focus(Some(element.clone()));
            }
        }
    });
}

#[component]
fn LineEditor(change: Change, start: Pick) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    focus_once(node);
    let typed = move || Some((in_place(node)?.value(), String::new()));
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            if let Some(typed) = typed() {
                change.finish(typed);
            }
        }
        "Escape" => {
            event.stop_propagation();
            change.cancel();
        }
        _ => {}
    };
    view! {
        <input
            node_ref=node
            class="edit"
            type="text"
            autocomplete="off"
            aria-label=change.field.label()
            aria-describedby=format!("{}-error", cell_id(change.field))
            value=start.0
            on:keydown=key
            on:blur=move |_| {
                if let Some(typed) = typed() {
                    change.leave(typed);
                }
            }
        />
    }
}

#[component]
fn LinesEditor(change: Change, start: Pick) -> impl IntoView {
    let node = NodeRef::<html::Textarea>::new();
    focus_once(node);
    let typed = move || Some((in_place(node)?.value(), String::new()));
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" if !event.shift_key() => {
            event.prevent_default();
            if let Some(typed) = typed() {
                change.finish(typed);
            }
        }
        "Escape" => {
            event.stop_propagation();
            change.cancel();
        }
        _ => {}
    };
    view! {
        <textarea
            node_ref=node
            class="edit"
            rows="1"
            autocomplete="off"
            aria-label=change.field.label()
            aria-describedby=format!("{}-error", cell_id(change.field))
            on:keydown=key
            on:blur=move |_| {
                if let Some(typed) = typed() {
                    change.leave(typed);
                }
            }
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
    let finish = move || {
        if let Some(picked) = picked() {
            change.finish(picked);
        }
    };
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            finish();
        }
        "Escape" => {
            event.stop_propagation();
            change.cancel();
        }
        _ => by_key.set_value(true),
    };
    view! {
        <select
            node_ref=node
            class="edit"
            aria-label=change.field.label()
            aria-describedby=format!("{}-error", cell_id(change.field))
            on:keydown=key
            on:pointerdown=move |_| by_key.set_value(false)
            on:change=move |_| {
                if !by_key.get_value() {
                    finish();
                }
            }
            on:blur=move |_| {
                if let Some(picked) = picked() {
                    change.leave(picked);
                }
            }
        >
            <Options options picked=start.0/>
        </select>
    }
}

#[component]
fn OwnerEditor(change: Change, start: Pick) -> impl IntoView {
    let owners = LocalResource::new(owner_options);
    let none = (String::new(), "Nobody".to_owned());
    let editor = move || {
        owners.get().map(|owners| {
            let owners = owners
                .unwrap_or_default()
                .into_iter()
                .map(|(id, name)| (id.to_string(), name));
            let options: Vec<Pick> = std::iter::once(none.clone()).chain(owners).collect();
            view! { <PickEditor change start=start.clone() options/> }
        })
    };
    view! { <Transition fallback=|| view! { <span class="cell faint">"Loading the team"</span> }>{editor}</Transition> }
}

#[component]
fn CompanyEditor(change: Change, start: Pick) -> impl IntoView {
    let picked = RwSignal::new(start);
    let finding = use_finding(CustomerKind::Company);
    let id = format!("edit-{}", change.field);
    let input = id.clone();
    Effect::new(move || dom::focus(dom::by_id(&input)));
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => change.finish(picked.get_untracked()),
        "Escape" => {
            event.stop_propagation();
            change.cancel();
        }
        _ => {}
    };
    view! {
        <div class="w-full" on:keydown=key>
            <Finder
                id
                picked
                finding
                label=change.field.label()
                class="edit"
                on_pick=Callback::new(move |()| change.finish(picked.get_untracked()))
                on_leave=Callback::new(move |()| {
                    if let Some(picked) = picked.try_get_untracked() {
                        change.leave(picked);
                    }
                })
            />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_write_and_call_carry_nothing_else() {
        assert_eq!(mail_link("maria@alfreds.de"), "mailto:maria@alfreds.de");
        assert_eq!(mail_link("a?bcc=x@b.c&d%0A"), "mailto:a%3Fbcc=x@b.c%26d%250A");
        assert_eq!(phone_link("+46 (921) 12-34 65"), "tel:+46921123465");
    }
}
