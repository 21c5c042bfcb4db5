//! What is said of live updates, where there is something to say.

use leptos::prelude::*;

use super::Live;
use crate::ui::icon::Icon;

/// Says that nothing is heard for now, or that the page has changed and waits.
#[component]
pub fn LiveStatus() -> impl IntoView {
    let live = use_context::<Live>();
    let is = move |what: fn(Live) -> RwSignal<bool>| live.is_some_and(|live| what(live).get());
    let show = move |_| {
        if let Some(live) = live {
            live.read_now();
        }
    };
    view! {
        <div role="status" class="live">
            <Show when=move || is(|live| live.paused)>
                <p class="said">
                    <Icon icon=icondata::LuCloudOff/>
                    "Live updates are paused. They go on by themselves."
                </p>
            </Show>
            <Show when=move || is(|live| live.waits)>
                <p class="said">
                    "Somebody changed what is shown here."
                    <button class="btn" type="button" on:click=show>
                        "Show it"
                    </button>
                </p>
            </Show>
        </div>
    }
    .into_any()
}
