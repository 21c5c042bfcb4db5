//! Parts of the program that the browser loads when they are first needed: the program of the first page stays small.
//!
//! The server draws every part at once and names those of a page in its head; the browser has them at hand before it
//! wakes the page up. A part that is needed later is loaded then.

use futures::{FutureExt, try_join};
use leptos::{prelude::*, task::spawn_local};
use wasm_split_helpers::SplitLoaderError;

use crate::{
    admin, analytics,
    api::Fault,
    appointment, audit, customer, dashboard, feed, health, import, session, settings,
    ui::{empty::ErrorState, skeleton::Skeleton},
    user, webhook,
};

/// What a part draws, unless it could not be loaded.
pub type Drawn = Result<AnyView, SplitLoaderError>;

/// A part of the program. Its split points bear its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The pages before anybody is signed in.
    Doorstep,
    /// A customer's page.
    Record,
    /// The forms of a whole customer.
    Forms,
    /// The pages of imports.
    Imports,
    /// The pages of appointments.
    Calendar,
    /// The pages of settings.
    Settings,
    /// What was done, and the trash.
    Feed,
    /// The admin panel.
    Admin,
    /// The dashboard.
    Dashboard,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Doorstep,
        Self::Record,
        Self::Forms,
        Self::Imports,
        Self::Calendar,
        Self::Settings,
        Self::Feed,
        Self::Admin,
        Self::Dashboard,
    ];

    /// How the build calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Doorstep => "doorstep",
            Self::Record => "record",
            Self::Forms => "forms",
            Self::Imports => "imports",
            Self::Calendar => "calendar",
            Self::Settings => "settings",
            Self::Feed => "feed",
            Self::Admin => "admin",
            Self::Dashboard => "dashboard",
        }
    }

    /// The `id` of the element in the page's head that asks for one of its files.
    fn mark(self, file: usize) -> String {
        format!("part-{}-{file}", self.name())
    }

    /// Loads all that it draws: each split point has a loader of its own, also where one file holds them all.
    async fn load(self) -> Result<(), SplitLoaderError> {
        match self {
            Self::Doorstep => try_join!(
                session::page::load_set_up(),
                session::page::load_sign_in(),
                session::link::load_join(),
                session::link::load_reset(),
                session::link::load_sign_up(),
                session::link::load_forgot()
            )
            .map(drop),
            Self::Record => customer::record::load().await,
            Self::Forms => try_join!(
                customer::forms::load_new(),
                customer::forms::load_all(),
                customer::forms::load_in_dialog()
            )
            .map(drop),
            Self::Imports => try_join!(import::history::load(), import::page::load()).map(drop),
            Self::Feed => try_join!(feed::deeds::load(), feed::deed::load(), feed::trash::load()).map(drop),
            Self::Dashboard => dashboard::page::load().await,
            Self::Admin => try_join!(
                admin::load(),
                analytics::page::load(),
                audit::page::load(),
                health::page::load(),
                user::people::load(),
                user::person::load(),
                user::teams::load(),
                user::roles::load(),
                user::outbox::load()
            )
            .map(drop),
            Self::Settings => try_join!(
                settings::organisation::load(),
                settings::profile::load(),
                settings::keys::load(),
                settings::programs::load(),
                settings::tags::load(),
                settings::types::load(),
                webhook::list::load(),
                webhook::page::load()
            )
            .map(drop),
            Self::Calendar => try_join!(
                appointment::calendar::load(),
                appointment::page::load(),
                appointment::form::load_new(),
                appointment::form::load_all()
            )
            .map(drop),
        }?;
        #[cfg(not(feature = "ssr"))]
        LOADED.with(|loaded| loaded.borrow_mut().push(self));
        Ok(())
    }

    /// Whether it can be drawn at once.
    fn is_here(self) -> bool {
        #[cfg(not(feature = "ssr"))]
        return LOADED.with(|loaded| loaded.borrow().contains(&self));
        #[cfg(feature = "ssr")]
        true
    }
}

#[cfg(not(feature = "ssr"))]
thread_local! {
    static LOADED: std::cell::RefCell<Vec<Part>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Loads the parts that the page was drawn with. To be awaited before the page wakes up.
///
/// # Errors
/// When one cannot be loaded: then the page stays as it is, and does what it does without script.
pub async fn load_drawn() -> Result<(), SplitLoaderError> {
    for part in Part::ALL {
        if document().get_element_by_id(&part.mark(0)).is_some() {
            part.load().await?;
        }
    }
    Ok(())
}

/// Draws something of a part, once it is here. Until then, and when it cannot be loaded, the frame holds what is shown
/// in its place.
pub fn later<F>(part: Part, frame: fn(AnyView) -> AnyView, draw: impl Fn() -> F + Send + 'static) -> AnyView
where
    F: Future<Output = Drawn>,
{
    // A part that is here draws without waiting.
    let draw = move || untrack(|| draw().now_or_never().and_then(Result::ok));
    once_here(part, frame, Box::new(draw))
}

/// The same for all that is drawn, so that the program holds it once.
fn once_here(
    part: Part,
    frame: fn(AnyView) -> AnyView,
    draw: Box<dyn Fn() -> Option<AnyView> + Send>,
) -> AnyView {
    #[cfg(feature = "ssr")]
    on_server::announce(part);
    if part.is_here() {
        return draw().into_any();
    }
    let loaded = RwSignal::new(None);
    spawn_local(async move {
        let result = part.load().await;
        if result.is_err() {
            load_page_anew().await;
        }
        // The page may have gone away meanwhile.
        let _ = loaded.try_set(Some(result.is_ok()));
    });
    let view = move || match loaded.get() {
        None => frame(view! { <Skeleton/> }.into_any()),
        Some(true) => draw().into_any(),
        Some(false) => {
            let again = window().location().href().unwrap_or_default();
            frame(view! { <ErrorState fault=Fault::Offline again/> }.into_any())
        }
    };
    view.into_any()
}

/// The frame of a part that is a page.
pub fn page(content: AnyView) -> AnyView {
    view! { <main class="main grow">{content}</main> }.into_any()
}

/// A server that answers but does not have the part is of another build: its page brings its own program.
async fn load_page_anew() {
    if !matches!(session::api::me().await, Err(Fault::Offline)) {
        // It fails only where a page may not leave, and then there is nothing else to do.
        let _ = window().location().reload();
    }
}

#[cfg(feature = "ssr")]
mod on_server {
    use std::sync::Arc;

    use leptos::prelude::*;
    use leptos_meta::Link;

    use super::Part;
    use crate::visit::Visit;

    /// Asks for a part's files in the head of the page.
    pub(super) fn announce(part: Part) {
        let Some(visit) = use_context::<Arc<Visit>>() else {
            return;
        };
        let files = visit.assets.parts.get(part.name()).cloned().unwrap_or_default();
        for (place, file) in files.into_iter().enumerate() {
            let id = part.mark(place);
            // Drawing it registers it; it has no place of its own.
            let _ = view! {
                <Link id rel="preload" href=file as_="fetch" type_="application/wasm" crossorigin="anonymous"/>
            }
            .to_html();
        }
    }
}
