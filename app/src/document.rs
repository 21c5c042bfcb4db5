//! The HTML document around the application. Server only: the browser never draws it.

use std::sync::Arc;

use kit::visit::{Assets, Visit};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::App;

/// The document of the request that is being answered.
///
/// The addresses of script, program and style were read once when the server started: Leptos' own `HydrationScripts`
/// and `HashedStylesheet` read them from the disk on every render.
#[must_use]
pub fn document() -> impl IntoView {
    let visit = use_context::<Arc<Visit>>();
    let theme = visit.as_ref().and_then(|visit| visit.theme.attribute());
    let Assets {
        script,
        program,
        style,
        loader,
        ..
    } = visit
        .as_ref()
        .map(|visit| (*visit.assets).clone())
        .unwrap_or_default();
    let wake = format!(
        "import({script:?}).then(rapport=>rapport.default({{module_or_path:{program:?}}}).then(()=>rapport.hydrate()))"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                // Asked for at once, it is there before the first paint and nothing moves.
                <link rel="preload" href="/font/inter-latin.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="modulepreload" href=script/>
                {loader.map(|loader| view! { <link rel="modulepreload" href=loader/> })}
                <link rel="preload" href=program r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                {visit.as_ref().and_then(|visit| visit.arrival.as_ref()).map(|(place, _)| view! { <meta name="live" content=place.to_string()/> })}
                {visit.and_then(|visit| place_of_failed_form(&visit))}
                <script type="module" nonce=use_nonce()>{wake}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// A form that failed without script is answered under the form's own path with the page that holds it. The page's
/// address is put right before the program wakes up, or its router would look for another page.
fn place_of_failed_form(visit: &Visit) -> Option<impl IntoView + use<>> {
    let failed = visit.failed.as_ref()?;
    let page = kit::door::Form::parse(&failed.path)?.page(&failed.values);
    // A local path holds ASCII without blanks and backslashes; quotes and angle brackets are written out of the way.
    let page = page.replace('\'', "%27").replace('<', "%3C");
    Some(view! { <script nonce=use_nonce()>{format!("history.replaceState(null,'','{page}')")}</script> })
}
