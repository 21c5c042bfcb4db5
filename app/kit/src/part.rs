//! Parts of the program that the browser loads when they are first needed: the program of the first page stays small.
//!
//! The server draws every part at once and names those of a page in its head; the browser has them at hand before it
//! wakes the page up. A part that is needed later is loaded then.

use std::pin::Pin;

use futures::FutureExt;
use leptos::{prelude::*, task::spawn_local};
use wasm_split_helpers::SplitLoaderError;

use crate::{
    api::Fault,
    me::me,
    ui::{empty::ErrorState, skeleton::Skeleton},
};

/// What a part draws, unless it could not be loaded.
pub type Drawn = Result<AnyView, SplitLoaderError>;

/// A part that is being loaded.
pub type Loading = Pin<Box<dyn Future<Output = Result<(), SplitLoaderError>>>>;

/// A part of the program.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    name: &'static str,
    load: fn() -> Loading,
}

impl Part {
    /// A part by the name that its split points bear, and what loads all that it draws: each split point has a loader of
    /// its own, also where one file holds them all.
    #[must_use]
    pub const fn new(name: &'static str, load: fn() -> Loading) -> Self {
        Self { name, load }
    }

    /// The `id` of the element in the page's head that asks for one of its files.
    fn mark(self, file: usize) -> String {
        format!("part-{}-{file}", self.name)
    }

    async fn load(self) -> Result<(), SplitLoaderError> {
        (self.load)().await?;
        #[cfg(not(feature = "ssr"))]
        LOADED.with(|loaded| loaded.borrow_mut().push(self.name));
        Ok(())
    }

    /// Whether it can be drawn at once.
    fn is_here(self) -> bool {
        #[cfg(not(feature = "ssr"))]
        return LOADED.with(|loaded| loaded.borrow().contains(&self.name));
        #[cfg(feature = "ssr")]
        true
    }
}

#[cfg(not(feature = "ssr"))]
thread_local! {
    static LOADED: std::cell::RefCell<Vec<&'static str>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Loads those of all parts that the page was drawn with. To be awaited before the page wakes up.
///
/// # Errors
/// When one cannot be loaded: then the page stays as it is, and does what it does without script.
pub async fn load_drawn(all: &[Part]) -> Result<(), SplitLoaderError> {
    for part in all {
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

/// Loads a part that will be drawn soon, as where the pointer is tells. Where that fails, drawing it says so.
pub fn ahead(part: Part) {
    if !part.is_here() {
        spawn_local(async move {
            let _ = part.load().await;
        });
    }
}

/// `later` for all that is drawn, so that the program holds it once.
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
    if !matches!(me().await, Err(Fault::Offline)) {
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
        let files = visit.assets.parts.get(part.name).cloned().unwrap_or_default();
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
