//! A native `<dialog>`: the browser keeps the focus inside, closes it on Esc and gives the focus back.

use leptos::{html, prelude::*};

/// A dialog that opens and closes with a signal.
#[component]
pub fn Dialog(
    /// Whether it is open; set to false when the browser closes it.
    open: RwSignal<bool>,
    /// Its name for screen readers.
    label: &'static str,
    /// Further classes.
    #[prop(default = "dialog")]
    class: &'static str,
    /// Whether a press beside it leaves it open, and Esc leaves what is typed in it for when it is opened again.
    #[prop(optional)]
    keeps: bool,
    /// Its content, made anew with every opening but for what is kept.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let kept = RwSignal::new(false);
    Effect::new(move || {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                kept.set(keeps);
                // It fails only when it is open already or gone from the page; either way there is nothing to do.
                drop(dialog.show_modal());
            }
            // Somebody said that it is over; else the browser has closed it.
            (false, true) => {
                kept.set(false);
                dialog.close();
            }
            _ => {}
        }
    });
    let close_on_backdrop = move |event: leptos::ev::MouseEvent| {
        if !keeps && event.target() == node.get_untracked().map(|dialog| (*dialog).clone().into()) {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node class=class aria-label=label on:close=move |_| open.set(false) on:click=close_on_backdrop>
            <Show when=move || open.get() || kept.get()>{children()}</Show>
        </dialog>
    }
    .into_any()
}
