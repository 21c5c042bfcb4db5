//! The command palette: finds customers and pages, starts what is often needed. Ctrl K or Cmd K opens it anywhere.

use std::time::Duration;

use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use rapport_domain::customer::{CustomerHit, CustomerKind};

use super::MeResource;
use crate::{
    find::suggest_customers,
    ui::{dialog::Dialog, dom, icon::Icon, list},
};

/// How long a pause in typing asks the server.
const PAUSE: Duration = Duration::from_millis(90);

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offer {
    words: String,
    hint: String,
    to: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Page,
    New,
    Person,
    Company,
}

impl What {
    fn icon(self) -> icondata::Icon {
        match self {
            Self::Page => icondata::LuUsers,
            Self::New => icondata::LuPlus,
            Self::Person => icondata::LuUser,
            Self::Company => icondata::LuBuilding2,
        }
    }
}

/// What the person may start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct May {
    create: bool,
    book: bool,
    admit: bool,
}

/// The fixed offers that fit what is typed: every word of it begins a word of theirs.
fn fixed_offers(text: &str, may: May) -> Vec<Offer> {
    let May { create, book, admit } = may;
    let all = [
        (true, "Dashboard", "Go to", "/", What::Page),
        (true, "Customers", "Go to", "/customers", What::Page),
        (true, "People", "Go to", "/customers?kind=person", What::Page),
        (true, "Companies", "Go to", "/customers?kind=company", What::Page),
        (true, "Appointments", "Go to", "/appointments", What::Page),
        (true, "Activity", "Go to", "/activity", What::Page),
        (true, "Trash", "Go to", "/trash", What::Page),
        (create, "New customer", "Create", "/customers/new", What::New),
        (book, "New appointment", "Create", "/appointments/new", What::New),
        (create, "Import a file", "Go to", "/imports", What::Page),
        (admit, "Admin", "Go to", "/admin", What::Page),
        (admit, "Users", "Go to", "/admin/users", What::Page),
        (admit, "Teams", "Go to", "/admin/teams", What::Page),
        (admit, "Settings", "Go to", "/admin/settings", What::Page),
    ];
    let fits = |words: &str| {
        let words = words.to_lowercase();
        text.to_lowercase()
            .split_whitespace()
            .all(|typed| words.split(' ').any(|word| word.starts_with(typed)))
    };
    let offers = all
        .into_iter()
        .filter(|(offered, words, ..)| *offered && fits(words));
    offers
        .map(|(_, words, hint, to, what)| Offer {
            words: words.to_owned(),
            hint: hint.to_owned(),
            to: to.to_owned(),
            what,
        })
        .collect()
}

fn offer_of(hit: CustomerHit) -> Offer {
    let what = match hit.kind {
        CustomerKind::Person => What::Person,
        CustomerKind::Company => What::Company,
    };
    Offer {
        words: hit.name,
        hint: hit.hint,
        to: format!("/customers/{}", hit.id),
        what,
    }
}

/// The palette's dialog and its key.
#[component]
pub fn Palette(
    /// Who is signed in: what they may make.
    who: MeResource,
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    Effect::new(move || {
        let key = window_event_listener(ev::keydown, move |event| {
            if event.key().eq_ignore_ascii_case("k")
                && (event.ctrl_key() || event.meta_key())
                && !event.shift_key()
                && !event.repeat()
            {
                event.prevent_default();
                open.update(|open| *open = !*open);
            }
        });
        on_cleanup(move || key.remove());
    });
    view! {
        <Dialog open label="Search and commands" class="dialog palette">
            <Search who open/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Search(who: MeResource, open: RwSignal<bool>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Offer>::new());
    let said = RwSignal::new(None::<String>);
    // What the hits answer, and whether Enter was pressed before they did.
    let answers = RwSignal::new(String::new());
    let waits = StoredValue::new(false);
    let at = RwSignal::new(0_usize);
    let may = RwSignal::new(May::default());
    Effect::new(move || {
        if let Some(Ok(me)) = who.get() {
            may.set(May {
                create: me.may_create,
                book: me.may_book,
                admit: me.may_admit,
            });
        }
    });
    let offers = Memo::new(move |_| {
        let mut offers = found.get();
        offers.extend(fixed_offers(&text.get(), may.get()));
        offers
    });
    let navigate = use_navigate();
    let go = Callback::new(move |place: usize| {
        if let Some(offer) = offers.with_untracked(|offers| offers.get(place).cloned()) {
            open.set(false);
            navigate(&offer.to, NavigateOptions::default());
        }
    });
    let ask = move |event| {
        let typed = event_target_value(&event);
        at.set(0);
        waits.set_value(false);
        text.set(typed.clone());
        look_up(typed, text, found, said, answers);
    };
    let is_answered = move || answers.with(|answers| text.with(|text| answers == text));
    Effect::new(move || {
        if is_answered() && waits.get_value() {
            waits.set_value(false);
            go.run(at.get_untracked());
        }
    });
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        // The key belongs to the word that is being composed.
        _ if event.is_composing() => {}
        "Enter" => {
            event.prevent_default();
            if untrack(is_answered) {
                go.run(at.get_untracked());
            } else {
                waits.set_value(true);
            }
        }
        key @ ("ArrowDown" | "ArrowUp") => {
            event.prevent_default();
            if let Some(place) = list::step(Some(at.get_untracked()), offers.with_untracked(Vec::len), key) {
                at.set(place);
                if let Some(line) = dom::by_id(&format!("hit-{place}")) {
                    line.scroll_into_view_with_bool(false);
                }
            }
        }
        _ => {}
    };
    let input = NodeRef::<html::Input>::new();
    Effect::new(move || dom::focus(input.get().map(|input| (*input).clone())));
    let lines = move || {
        let offers = offers.get().into_iter().enumerate();
        offers
            .map(|(place, offer)| view! { <Line place offer at go/> })
            .collect_view()
    };
    let status = move || match (said.get(), offers.with(Vec::is_empty)) {
        (Some(said), _) => said,
        (None, true) => "Nothing found. Try fewer letters, or a phone number.".to_owned(),
        (None, false) => String::new(),
    };
    view! {
        <div class="ask">
            <Icon icon=icondata::LuSearch/>
            <input
                node_ref=input
                type="text"
                placeholder="Find a customer, go to a page"
                aria-label="Find a customer or a page"
                autocomplete="off"
                spellcheck="false"
                role="combobox"
                aria-expanded="true"
                aria-controls="hits"
                aria-autocomplete="list"
                aria-activedescendant=move || offers.with(|offers| !offers.is_empty()).then(|| format!("hit-{}", at.get()))
                on:input=ask
                on:keydown=key
            />
            <kbd>"Esc"</kbd>
        </div>
        <ul class="hits" id="hits" role="listbox" aria-label="Found">
            {lines}
        </ul>
        <p class="cap px-4 pb-3" role="status">
            {status}
        </p>
    }
    .into_any()
}

#[component]
fn Line(place: usize, offer: Offer, at: RwSignal<usize>, go: Callback<usize>) -> impl IntoView {
    view! {
        <li
            class="item"
            id=format!("hit-{place}")
            role="option"
            aria-selected=move || if at.get() == place { "true" } else { "false" }
            on:click=move |_| go.run(place)
            on:mousemove=move |_| {
                if at.get_untracked() != place {
                    at.set(place);
                }
            }
        >
            <Icon icon=offer.what.icon()/>
            <span class="cut">{offer.words}</span>
            <span class="grow"></span>
            <span class="cut faint sm">{offer.hint}</span>
        </li>
    }
}

/// Asks the server once the typing pauses, and drops the answer when something else was typed meanwhile.
fn look_up(
    typed: String,
    text: RwSignal<String>,
    found: RwSignal<Vec<Offer>>,
    said: RwSignal<Option<String>>,
    answers: RwSignal<String>,
) {
    if typed.trim().is_empty() {
        found.set(Vec::new());
        said.set(None);
        return answers.set(typed);
    }
    set_timeout(
        move || {
            let still = move |typed: &String| text.try_with_untracked(|now| now == typed) == Some(true);
            if !still(&typed) {
                return;
            }
            spawn_local(async move {
                let answer = suggest_customers(typed.clone(), None).await;
                if !still(&typed) {
                    return;
                }
                match answer {
                    Ok(hits) => {
                        said.set(None);
                        found.set(hits.into_iter().map(offer_of).collect());
                    }
                    Err(fault) => {
                        found.set(Vec::new());
                        said.set(Some(fault.to_string()));
                    }
                }
                answers.set(typed);
            });
        },
        PAUSE,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, may_create: bool) -> Vec<String> {
        let may = May {
            create: may_create,
            book: may_create,
            admit: false,
        };
        fixed_offers(text, may)
            .into_iter()
            .map(|offer| offer.words)
            .collect()
    }

    #[test]
    fn every_typed_word_begins_a_word_of_the_offer() {
        assert_eq!(
            words("", true),
            [
                "Dashboard",
                "Customers",
                "People",
                "Companies",
                "Appointments",
                "Activity",
                "Trash",
                "New customer",
                "New appointment",
                "Import a file"
            ]
        );
        assert_eq!(words("cus", true), ["Customers", "New customer"]);
        assert_eq!(words("NEW c", true), ["New customer"]);
        assert_eq!(words("omers", true), Vec::<String>::new());
    }

    #[test]
    fn a_person_who_may_not_create_is_not_offered_to() {
        assert_eq!(words("new", false), Vec::<String>::new());
        assert_eq!(words("import", false), Vec::<String>::new());
    }
}
