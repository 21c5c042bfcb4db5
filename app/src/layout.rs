//! The frame around the pages of those who are signed in.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use rapport_domain::form::Values;

use crate::door::{DoorForm, Form, use_field, use_toasts};

/// The frame: the way out, the messages, the page.
#[component]
pub fn Frame() -> impl IntoView {
    view! {
        <nav>
            <a href="/customers">"Customers"</a>
            <DoorForm form=Form::SignOut>
                <button>"Sign out"</button>
            </DoorForm>
        </nav>
        <Toasts/>
        <Outlet/>
    }
}

#[component]
fn Toasts() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <div role="status">
            <For each=move || toasts.list().get() key=|toast| toast.key let:toast>
                <p>
                    {toast.said}
                    {toast
                        .undo
                        .map(|batch| {
                            let hidden = Values::default().with("batch", batch.to_string()).with("back", toast.back);
                            view! {
                                <DoorForm form=Form::Undo hidden=hidden id=format!("undo-{}", toast.key)>
                                    <button>"Undo"</button>
                                </DoorForm>
                            }
                        })}
                </p>
            </For>
        </div>
    }
}

/// A labelled control in its plainest form.
#[component]
pub fn PlainField(
    /// The field's name.
    #[prop(into)]
    name: String,
    /// Its name for people.
    #[prop(into)]
    label: String,
    /// The type of the control.
    #[prop(default = "text")]
    kind: &'static str,
) -> impl IntoView {
    let field = use_field(&name);
    let (error, conflict) = (field.error, field.conflict);
    let wrong = move || (error.get().is_some() || conflict.get().is_some()).then_some("true");
    view! {
        <div>
            <label for=field.id.clone()>{label}</label>
            <input
                id=field.id.clone()
                name=field.name.clone()
                type=kind
                value=field.value
                autofocus=field.autofocus
                aria-invalid=wrong
                aria-describedby=format!("{}-error", field.id)
            />
            <span id=format!("{}-error", field.id)>
                {error}
                {move || {
                    conflict
                        .get()
                        .map(|conflict| {
                            let name = format!("pick.{}", conflict.field);
                            view! {
                                <label><input type="radio" name=name.clone() value="mine" checked=true/>"Mine: " {conflict.mine}</label>
                                <label><input type="radio" name=name value="theirs"/>"Theirs: " {conflict.theirs}</label>
                            }
                        })
                }}
            </span>
        </div>
    }
}
