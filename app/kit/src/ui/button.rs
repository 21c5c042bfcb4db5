//! Buttons, and links that look like buttons.

use leptos::prelude::*;

use super::icon::Icon;

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// One of several.
    #[default]
    Plain,
    /// The one main action of the page.
    Main,
    /// Tools that should not shout.
    Quiet,
}

impl Weight {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "btn",
            Self::Main => "btn pri",
            Self::Quiet => "btn ghost",
        }
    }

    fn class_only(self) -> &'static str {
        match self {
            Self::Plain => "btn only",
            Self::Main => "btn pri only",
            Self::Quiet => "btn ghost only",
        }
    }
}

/// A button with words. While busy it turns a small wheel and takes no second press.
#[component]
pub fn Button(
    /// How much it asks to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// `submit` or `button`.
    #[prop(default = "button")]
    kind: &'static str,
    /// True while what it started is under way.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Whether it is as tall as the fields of a form.
    #[prop(optional)]
    tall: bool,
    /// An icon before the words.
    #[prop(optional)]
    icon: Option<icondata::Icon>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <button class=weight.class() class:tall=tall type=kind aria-disabled=move || busy.get().then_some("true")>
            {move || if busy.get() { Some(view! { <i class="spin"></i> }) } else { None }}
            {icon.map(|icon| view! { <Icon icon/> })}
            {children()}
        </button>
    }
}

/// A button that is an icon alone; its name is spoken and shown on hover.
#[component]
pub fn IconButton(
    /// What it does, in words.
    #[prop(into)]
    name: Signal<String>,
    /// The icon.
    icon: icondata::Icon,
) -> impl IntoView {
    view! {
        <button class=Weight::Quiet.class_only() type="button" aria-label=name title=name>
            <Icon icon/>
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    /// Where it leads.
    #[prop(into)]
    href: Signal<String>,
    /// How much it asks to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// An icon before the words.
    #[prop(optional)]
    icon: Option<icondata::Icon>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <a class=weight.class() href=href>
            {icon.map(|icon| view! { <Icon icon/> })}
            {children()}
        </a>
    }
}

/// A link that is an icon alone.
#[component]
pub fn IconLink(
    /// Where it leads, in words.
    name: &'static str,
    /// The icon.
    icon: icondata::Icon,
    /// Where it leads.
    #[prop(into)]
    href: Signal<String>,
    /// Its id, where it has to be told from others.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    view! {
        <a class=Weight::Quiet.class_only() id=id href=href aria-label=name title=name>
            <Icon icon/>
        </a>
    }
}
