//! Tabs that are links: the URL says which one is on.

use leptos::prelude::*;

/// One tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its word.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// Whether it is on.
    pub on: bool,
}

/// A row of tabs; what stands at its end comes as children.
#[component]
pub fn Tabs(
    /// What they choose between, for screen readers.
    label: &'static str,
    /// The tabs.
    #[prop(into)]
    tabs: Signal<Vec<Tab>>,
    /// Tools at the end of the row.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="tabs">
            <nav class="flex gap-0.5" aria-label=label>
                {move || {
                    tabs.get()
                        .into_iter()
                        .map(|tab| {
                            view! {
                                <a class="tab" href=tab.href aria-current=tab.on.then_some("page")>
                                    {tab.label}
                                </a>
                            }
                        })
                        .collect_view()
                }}
            </nav>
            <span class="grow"></span>
            {children()}
        </div>
    }
    .into_any()
}
