//! The router of Rapport: pages, forms and server functions, and the guards in front of them.
//!
//! A request passes, from the outside: [`mod@outside`] (its id, where it comes from, the log, safe headers, panics, TLS,
//! the origin of writes, the size of its body), then its route, which finds out who is there ([`guard`]) before it does
//! anything.

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodFilter, get, on},
};
use kit::door::Form;
use leptos_axum::generate_route_list;
use rapport_app::App;
use tower_http::{CompressionLevel, compression::CompressionLayer};

pub mod assets;
pub mod cli;
pub mod client;
pub mod config;
pub mod connection;
pub mod demo;
pub mod door;
pub mod function;
pub mod guard;
pub mod headers;
pub mod health;
pub mod live;
mod log;
pub mod metrics;
pub mod outside;
pub mod page;
pub mod plain;
pub mod rest;
pub mod serve;
pub mod state;
pub mod transfer;

use state::State;

/// The largest body of a request, in bytes: the longest note, and room for what `%XX` makes of it.
pub const BODY_MAX: usize = 256 * 1024;

/// What every key in Redis begins with.
pub const REDIS_PREFIX: &str = "rapport:";

/// Everything the server answers.
pub fn router(state: State) -> Router {
    let mut dynamic = Router::new();
    let pages = generate_route_list(App);
    for listing in &pages {
        dynamic = dynamic.route(listing.path(), get(page::get));
    }
    for pattern in Form::PATTERNS {
        dynamic = dynamic.route(pattern, on(MethodFilter::POST, door::post));
        if !pages.iter().any(|listing| listing.path() == *pattern) {
            dynamic = dynamic.route(pattern, get(page::lead_to_page));
        }
    }
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        if let Ok(filter) = MethodFilter::try_from(method) {
            dynamic = dynamic.route(path, on(filter, function::call));
        }
    }
    live::add(transfer::add(dynamic))
        .merge(rest::router(&state))
        .fallback(page::otherwise)
        .method_not_allowed_fallback(page::wrong_method)
        // What is compressed for every answer anew is compressed lightly.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .layer(from_fn_with_state(state.clone(), outside::check))
        .layer(from_fn_with_state(state.clone(), outside::survive))
        .layer(from_fn_with_state(state.clone(), outside::record))
        .with_state(state)
}
