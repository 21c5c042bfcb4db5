//! A menu in a native popover: opens without script, closes on Esc or a click elsewhere, gives the focus back.

use leptos::{html, prelude::*};

use super::{dom, list};

/// Where a menu opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// Under its button.
    Below,
    /// Over its button.
    Above,
}

/// What a menu offers. Its button is any `<button popovertarget=id>`.
#[component]
pub fn Menu(
    /// The id that its button names.
    id: &'static str,
    /// Its name for screen readers.
    label: &'static str,
    /// Where it opens.
    #[prop(default = Opens::Below)]
    opens: Opens,
    /// Items: links and buttons of the class `item`.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let class = match opens {
        Opens::Below => "pop below",
        Opens::Above => "pop above",
    };
    let close_on_choice = move |event: leptos::ev::MouseEvent| {
        if dom::closest(&event, "a, button").is_some()
            && let Some(menu) = node.get_untracked()
        {
            // It fails only when it is closed already.
            let _ = menu.hide_popover();
        }
    };
    let walk = move |event: leptos::ev::KeyboardEvent| {
        let items = dom::all(&format!("#{id} .item"));
        let here = items
            .iter()
            .position(|item| Some((**item).clone()) == document().active_element());
        if let Some(place) = list::step(here, items.len(), &event.key())
            && dom::closest(&event, "input, select").is_none()
        {
            event.prevent_default();
            dom::focus(items.get(place).cloned());
        }
    };
    view! {
        <div node_ref=node id=id class=class popover="auto" role="group" aria-label=label on:click=close_on_choice on:keydown=walk>
            {children()}
        </div>
    }
    .into_any()
}
