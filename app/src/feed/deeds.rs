//! What was done, by day, each with its Revert.

use kit::{
    door::{DoorForm, Form, query_value, use_changes},
    live::follow,
    load::Loaded,
    part::{self, Drawn, later},
    ui::{
        avatar::Avatar,
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton, Weight},
        empty::{Empty, ErrorState},
        tabs::{Tab, Tabs},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use rapport_domain::{
    feed::{Deed, Feed},
    form::Values,
    timeline::Undo,
};
use wasm_split_helpers::wasm_split;

use super::api;

/// The page.
#[component]
pub fn ActivityPage() -> impl IntoView {
    later(crate::FEED, part::page, draw)
}

/// Draws the page.
#[wasm_split(feed, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

/// What the address asks for: whether only one's own, and from where on.
fn asked(search: &str) -> (bool, Option<String>) {
    let mine = query_value(search, "who").as_deref() == Some("me");
    (mine, query_value(search, "before"))
}

/// The address that asks for it.
fn address(mine: bool, before: Option<&str>) -> String {
    let parts = [
        mine.then(|| "who=me".to_owned()),
        before.map(|before| format!("before={before}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "/activity".to_owned()
    } else {
        format!("/activity?{}", parts.join("&"))
    }
}

#[component]
fn Page() -> impl IntoView {
    let search = use_location().search;
    let asked = Memo::new(move |_| asked(&search.get()));
    let changes = use_changes();
    follow(|_| true);
    let feed = Loaded::new(
        move || (asked.get(), changes.get()),
        |((mine, before), _)| api::get_deeds(mine, before),
    );
    let tabs = Signal::derive(move || {
        let (mine, _) = asked.get();
        let tab = |label, of| Tab {
            label,
            href: address(of, None),
            on: of == mine,
        };
        vec![tab("Everybody", false), tab("Mine", true)]
    });
    let list = move || async move {
        let (mine, before) = asked.get_untracked();
        let back = address(mine, before.as_deref());
        match awaited(feed).await {
            Ok(feed) => view! { <Deeds feed mine back/> }.into_any(),
            Err(fault) => view! { <ErrorState fault again=back/> }.into_any(),
        }
    };
    view! {
        <Title text="Activity"/>
        <main class="main grow">
            <div class="bar">
                <h1>"Activity"</h1>
            </div>
            <Tabs label="Whose changes" tabs>
                <LinkButton href="/trash".to_owned() weight=Weight::Quiet icon=icondata::LuTrash2>
                    <span class="sr-sm">"Trash"</span>
                </LinkButton>
                <DoorForm form=Form::UndoLast id="undo-last" label="Undo my last change" on_done=Callback::new(|_| ())>
                    <Button kind="submit" icon=icondata::LuUndo2>
                        <span class="sr-sm">"Undo my last change"</span>
                        <kbd class="wide-only">"Ctrl Z"</kbd>
                    </Button>
                </DoorForm>
            </Tabs>
            <div class="scroll">
                {waiting(bones::<12>, list)}
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn Deeds(feed: Feed, mine: bool, back: String) -> impl IntoView {
    let earlier = feed.before.map(|before| {
        let href = address(mine, Some(&before.to_string()));
        view! { <LinkButton href weight=Weight::Quiet>"Earlier"</LinkButton> }
    });
    if feed.deeds.is_empty() {
        return view! {
            <Empty
                icon=icondata::LuHistory
                title="Nothing here"
                text="What somebody does is listed here, as far as you may see it, and can be taken back."
            >
                {earlier}
            </Empty>
        }
        .into_any();
    }
    let mut day = String::new();
    let lines = feed.deeds.into_iter().map(|deed| {
        let new_day = (deed.day != day).then(|| {
            day.clone_from(&deed.day);
            view! { <li class="day"><h2>{day.clone()}</h2></li> }
        });
        view! {
            {new_day}
            <Line deed/>
        }
    });
    let lines = lines.collect_view();
    // One form stands for the buttons of all lines.
    view! {
        <DoorForm
            form=Form::Undo
            hidden=Values::default().with("back", back)
            id="feed"
            class="agenda pb-0"
            label="Take something back"
            on_done=Callback::new(|_| ())
        />
        <ol class="agenda pt-0" aria-label="What was done">
            {lines}
        </ol>
        <div class="agenda">{earlier}</div>
    }
    .into_any()
}

#[component]
fn Line(deed: Deed) -> impl IntoView {
    let about: Vec<AnyView> = deed
        .about
        .iter()
        .enumerate()
        .map(|(place, (id, name))| {
            let href = format!("/customers/{id}");
            let comma = if place > 0 { ", " } else { " " };
            view! { {comma} <a class="go" href=href>{name.clone()}</a> }.into_any()
        })
        .collect();
    let more = (deed.more > 0).then(|| format!(" and {} more", deed.more));
    let name = if deed.is_undo { "Redo" } else { "Revert" };
    let undo = match deed.undo {
        Undo::Offered => {
            let label = format!("{name}: {} {}", deed.by, deed.did);
            view! {
                <button class="btn" type="submit" form="feed" name="batch" value=deed.batch.to_string() aria-label=label>
                    {name}
                </button>
            }
            .into_any()
        }
        Undo::Done => view! { <span class="faint sm">"Taken back"</span> }.into_any(),
        Undo::No => ().into_any(),
    };
    view! {
        <li class="deed">
            <Avatar name=deed.by.clone()/>
            <p class="grow min-w-0">
                <b>{deed.by}</b>
                " "
                {deed.did}
                {about}
                {more}
                <a class="when num sm" href=format!("/activity/{}", deed.batch) title="What it did, and what would go back">
                    {deed.at.said}
                </a>
            </p>
            {undo}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_what_it_asks_for() {
        for (mine, before) in [(false, None), (true, None), (false, Some("a")), (true, Some("b"))] {
            let address = address(mine, before);
            let search = address.split_once('?').map_or("", |(_, search)| search);
            assert_eq!(asked(search), (mine, before.map(str::to_owned)), "{address}");
        }
    }
}
