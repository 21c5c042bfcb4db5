//! The page that shows the API and lets people try it. It ships with the program and loads nothing from elsewhere.

use axum::{Router, middleware::map_response, response::Response};
use http::{HeaderValue, header::CONTENT_SECURITY_POLICY};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::description;
use crate::state::State;

/// Where it is.
pub const PAGE: &str = "/api/docs";
/// Where the description is that it shows.
const DESCRIPTION: &str = "/api/openapi.json";

/// What the page may load: its own files, and pictures that it holds itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page and its files.
pub(super) fn router() -> Router<State> {
    let config = Config::from(DESCRIPTION)
        .try_it_out_enabled(true)
        .filter(true)
        .use_base_layout()
        .default_models_expand_depth(-1)
        .doc_expansion("list")
        // It would ask somebody else whether the description is right.
        .validator_url("none");
    let page = SwaggerUi::new(PAGE)
        .url(DESCRIPTION, description())
        .config(config);
    Router::from(page).layer(map_response(protect))
}

async fn protect(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
