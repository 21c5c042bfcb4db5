//! A field as it reads, with the way into its editor.

use kit::ui::{
    avatar::Avatar,
    dom,
    icon::Icon,
    pill::{StagePill, Tag},
    select::Pick,
};
use leptos::{ev, prelude::*};
use rapport_domain::customer::{Field, Stage};

use super::cell_id;
use crate::edits::Edits;

/// A field as it reads. Links in it stay links; a pen beside them edits.
#[component]
pub fn Cell(
    /// The field.
    field: Field,
    /// What it holds.
    value: Pick,
    /// Whether it may be changed.
    can: bool,
    /// The page that changes it without script.
    href: String,
    /// The edits it belongs to.
    edits: Edits,
) -> impl IntoView {
    let open = move |event: ev::MouseEvent| {
        event.prevent_default();
        edits.open(field);
    };
    let has_links = matches!(
        field,
        Field::Emails | Field::Phones | Field::Links | Field::Company
    ) && !value.0.is_empty();
    let title = format!("Edit {}", field.label().to_lowercase());
    // Without the field's name the link would be called by its value alone.
    let name = format!("{title}: {}", words(&value));
    let reads = view! { <Reads field value/> };
    match (can, has_links) {
        (false, _) => view! { <div class="cell">{reads}</div> }.into_any(),
        (true, false) => view! {
            <a class="cell can" id=cell_id(field) href=href title=title aria-label=name on:click=open>
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

/// A field as it is said aloud.
fn words((text, words): &Pick) -> &str {
    match (words.as_str(), text.as_str()) {
        ("", "") => "none",
        ("", text) => text,
        (words, _) => words,
    }
}

#[component]
fn Reads(field: Field, value: Pick) -> impl IntoView {
    let (text, words) = value;
    let lines = |link: fn(&str) -> String, outside: bool| {
        let lines = text.lines().map(|line| {
            let rel = outside.then_some("noopener noreferrer external");
            view! {
                <a class="go" href=link(line) title=line.to_owned() rel=rel target=outside.then_some("_blank")>
                    {line.to_owned()}
                </a>
            }
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
        Field::Company => {
            let whole = words.clone();
            view! { <a class="go" href=format!("/customers/{text}") title=whole>{words}</a> }.into_any()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_said_by_its_words_and_an_empty_one_as_none() {
        let pick = |text: &str, words: &str| (text.to_owned(), words.to_owned());
        assert_eq!(words(&pick("lead", "Lead")), "Lead");
        assert_eq!(words(&pick("Kiel", "")), "Kiel");
        assert_eq!(words(&pick("", "")), "none");
    }

    #[test]
    fn links_to_write_and_call_carry_nothing_else() {
        assert_eq!(mail_link("maria@alfreds.de"), "mailto:maria@alfreds.de");
        assert_eq!(mail_link("a?bcc=x@b.c&d%0A"), "mailto:a%3Fbcc=x@b.c%26d%250A");
        assert_eq!(phone_link("+46 (921) 12-34 65"), "tel:+46921123465");
    }
}
