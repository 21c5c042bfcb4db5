//! Who comes in. Everything here runs before a page renders or a server function is called.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use http::{
    HeaderMap, Method, StatusCode,
    header::{ORIGIN, USER_AGENT},
    request::Parts,
};
use kit::{cookie, door::local_path, visit::Visit};
use rapport_domain::{error::AppError, journal::Via, user::security::browser_in_words};
use rapport_service::session;
use tokio::time::timeout;

use crate::{
    client::Client,
    outside::{self, RequestId},
    page, plain,
    rest::{self, problem::Problem},
    state::State,
};

/// The pages for those who are not signed in.
const OPEN_PAGES: [&str; 4] = ["/setup", "/sign-in", "/sign-up", "/forgot"];

/// The pages of links, for whoever has one, signed in or not.
const LINK_PAGES: [&str; 2] = ["/join/", "/reset/"];

/// The page for those who have to bring a second factor first.
const FACTOR_PAGE: &str = "/second-factor";

/// Finds out who is at the other end, with the rights they have now. What they ask for may take longer than a page;
/// finding out who asks may not.
///
/// # Errors
/// [`AppError::Unavailable`] when that cannot be found out: then nobody is let in.
pub async fn admit(state: &State, parts: &Parts) -> Result<Visit, AppError> {
    visit(state, parts, true)
        .await
        .map_err(|error| told(error, parts))
}

/// As [`admit`], for what a page asks by itself: that keeps no session from ending.
///
/// # Errors
/// As [`admit`].
pub async fn admit_page(state: &State, parts: &Parts) -> Result<Visit, AppError> {
    visit(state, parts, false)
        .await
        .map_err(|error| told(error, parts))
}

/// An error as it is told to who sent this request.
fn told(error: AppError, parts: &Parts) -> AppError {
    error.of_request(RequestId::of(&parts.extensions).as_deref())
}

async fn visit(state: &State, parts: &Parts, acts: bool) -> Result<Visit, AppError> {
    let (client, headers) = (page::client(parts), &parts.headers);
    let session =
        cookie::read(headers, cookie::session_name(client.secure)).filter(|secret| !secret.is_empty());
    let who = match session {
        Some(secret) => {
            let service = state.service();
            let resolved = async {
                match acts {
                    true => session::resolve(service, secret).await,
                    false => session::peek(service, secret).await,
                }
            };
            timeout(state.deadlines().page, resolved)
                .await
                .map_err(|_| AppError::Unavailable)?
                .map_err(rapport_service::Error::tell)?
        }
        None => None,
    };
    if let Some(who) = &who {
        outside::note_who(who.actor.user);
    }
    let (lacking, whole) = match who {
        Some(who) => {
            let ctx = Some(state.service().acting(who.actor, Via::Page));
            if who.lacks_factor {
                (ctx, None)
            } else {
                (None, ctx)
            }
        }
        None => (None, None),
    };
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Ok(Visit {
        service: state.service().clone(),
        ctx: whole,
        lacking,
        browser: browser_in_words(agent.unwrap_or_default()),
        session: session.map(str::to_owned),
        address: client.address,
        secure: client.secure,
        request: RequestId::of(&parts.extensions),
        theme: cookie::read_theme(headers, client.secure),
        assets: Arc::clone(state.assets()),
        flash: cookie::read_flash(headers, client.secure),
        arrival: None,
        failed: None,
    })
}

/// Sends those who may not see a page to the one that they need first; nothing when they may.
///
/// # Errors
/// When it cannot be found out.
pub async fn way(state: &State, visit: &Visit, parts: &Parts) -> Result<Option<Response>, AppError> {
    let path = parts.uri.path();
    let open = OPEN_PAGES.contains(&path);
    if LINK_PAGES.iter().any(|page| path.starts_with(page)) {
        return Ok(None);
    }
    if visit.lacking.is_some() {
        return Ok((path != FACTOR_PAGE).then(|| see(FACTOR_PAGE)));
    }
    if visit.ctx.is_some() {
        return Ok(open.then(|| see("/")));
    }
    let needed = state
        .setup_needed()
        .await
        .map_err(|error| told(error.tell(), parts))?;
    Ok(match (needed, path) {
        (true, "/setup") | (false, "/sign-in" | "/sign-up" | "/forgot") => None,
        (true, _) => Some(see("/setup")),
        (false, "/setup") => Some(see("/sign-in")),
        (false, _) => Some(see(&sign_in_for(parts))),
    })
}

/// The sign-in page that leads back to where the person wanted to go.
fn sign_in_for(parts: &Parts) -> String {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    match local_path(wanted) {
        Some("/") | None => "/sign-in".to_owned(),
        Some(wanted) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", wanted)
                .finish();
            format!("/sign-in?{query}")
        }
    }
}

/// A redirect that is always asked for with GET.
pub fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// Refuses a write that another site started. Browsers say where a write comes from, in `Sec-Fetch-Site`, in `Origin`
/// or in both; what says neither is no browser, and has no business with cookies.
///
/// # Errors
/// A sentence for the page.
pub fn check_origin(method: &Method, headers: &HeaderMap, client: &Client) -> Result<(), &'static str> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("unreadable"))
    };
    let site = text("sec-fetch-site");
    let origin = text(ORIGIN.as_str());
    let foreign_site = site.is_some_and(|site| site != "same-origin" && site != "none");
    let foreign_origin = origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(&client.origin()));
    if foreign_site || foreign_origin || (site.is_none() && origin.is_none()) {
        return Err("This request did not come from a page of Rapport, so it was not carried out.");
    }
    Ok(())
}

/// Plain HTTP is for this machine only: elsewhere everybody on the way could read along.
///
/// # Errors
/// The page that says what to do.
pub fn check_tls(state: &State, client: &Client, path: &str) -> Result<(), Box<Response>> {
    if client.secure || client.loopback || path.starts_with("/health/") || path.starts_with("/pkg/") {
        return Ok(());
    }
    if rest::holds(path) {
        let detail = "Keys are taken over TLS only, or on the machine that Rapport runs on.";
        let problem = Problem::of_transport(StatusCode::FORBIDDEN, "Rapport needs TLS", detail);
        return Err(Box::new(problem.into_response()));
    }
    let text = "This page was asked for over plain HTTP, where everybody on the way can read along. Put a proxy that \
                speaks TLS (Caddy, nginx, Traefik) in front of Rapport and name its address in TRUSTED_PROXIES; it must \
                send X-Forwarded-For, X-Forwarded-Proto and the Host header. On the machine that Rapport runs on, \
                http://localhost works as it is.";
    Err(Box::new(plain::page(
        StatusCode::FORBIDDEN,
        "Rapport needs TLS",
        text,
        &state.assets().style,
    )))
}
