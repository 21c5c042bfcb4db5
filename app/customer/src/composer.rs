//! Where a note is written. Ctrl Enter sends it.

use kit::door::{DoorForm, Form};
use leptos::prelude::*;
use rapport_domain::id::CustomerId;

use super::note::{NoteField, Save};

/// The composer of a customer's page.
#[component]
pub fn Composer(
    /// Whose page.
    id: CustomerId,
) -> impl IntoView {
    view! {
        <DoorForm
            form=Form::WriteNote(id)
            mint=true
            id="note"
            class="card composer noted"
            label="Write a note"
            on_done=Callback::new(|_| ())
        >
            <NoteField label="Note" placeholder="Write a note"/>
            <Save/>
        </DoorForm>
    }
    .into_any()
}
