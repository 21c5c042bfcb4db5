//! The fields of a customer, edited in place. Without script each leads to the form that edits them all.

use std::sync::Arc;

use kit::ui::{dom, select::Pick};
use leptos::prelude::*;
use rapport_domain::customer::{Customer, CustomerKind, Field, Related};

use super::edits::{Draft, Edits, Fate, held, shown};

pub mod cell;
pub mod editor;
pub mod trouble;

use cell::Cell;
pub use cell::{mail_link, phone_link};
use editor::Editor;
use trouble::Trouble;

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
    edits.see(field, version, &before);
    let change = Change { field, edits };
    Effect::new(move || {
        if edits.takes_back(field) {
            dom::focus_soon(cell_id(field), "body");
        }
    });
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
            let start = match edits.typed() {
                Some(typed) => (typed, start.1),
                None => start,
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

/// What is needed to save a field. All of it outlives the view: that may be drawn anew while it is in use.
#[derive(Clone, Copy)]
pub struct Change {
    field: Field,
    edits: Edits,
}

impl Change {
    /// True if it is on its way.
    fn save(self, value: Pick) -> bool {
        self.edits.save_over_seen(self.field, value)
    }

    /// Saves, closes the editor and gives the focus back to the cell.
    fn finish(self, value: Pick) {
        if self.edits.close(self.field) {
            if self.save(value) {
                self.edits.give_back(self.field);
            }
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
