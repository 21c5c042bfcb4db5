//! The browser's program and style, and other files as they are.

use std::{convert::Infallible, fs, path::Path};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use rapport_app::visit::Assets;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// A file whose name holds its hash never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Others are asked for again after a while.
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Reads, once, how the files of this build are called: `hash.txt` beside the program holds a hash for each. Leptos
/// itself would read it on every render.
#[must_use]
pub fn names(hashes: Option<&str>) -> Assets {
    let hash = |kind: &str| {
        let lines = hashes
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(':'));
        let found = lines
            .into_iter()
            .find(|(name, _)| name.trim() == kind)
            .map(|(_, hash)| hash.trim());
        found.map_or_else(String::new, |hash| format!(".{hash}"))
    };
    Assets {
        script: format!("/pkg/rapport{}.js", hash("js")),
        program: format!("/pkg/rapport{}.wasm", hash("wasm")),
        style: format!("/pkg/rapport{}.css", hash("css")),
    }
}

/// The contents of `hash.txt`, if this build has one.
#[must_use]
pub fn hashes(site: &Path) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let beside_program = program.parent().map(|folder| folder.join("hash.txt"));
    let beside_site = site.parent().map(|folder| folder.join("hash.txt"));
    [beside_program, beside_site]
        .into_iter()
        .flatten()
        .find_map(|file| fs::read_to_string(file).ok())
}

/// The files of the site, compressed ones first, which were made when it was built.
#[derive(Clone)]
pub struct Files(ServeDir);

impl Files {
    /// The files of a folder.
    #[must_use]
    pub fn of(site: &Path) -> Self {
        Self(
            ServeDir::new(site)
                .append_index_html_on_directories(false)
                .precompressed_br()
                .precompressed_gzip(),
        )
    }

    /// Answers with the file of the request's path; nothing when there is none.
    pub async fn serve(&self, request: Request) -> Option<Response> {
        let hashed = is_hashed(request.uri().path());
        let answer: Result<_, Infallible> = self.0.clone().oneshot(request).await;
        let mut response = answer.into_response();
        if matches!(
            response.status(),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        ) {
            return None;
        }
        response
            .headers_mut()
            .insert(CACHE_CONTROL, if hashed { FOR_EVER } else { FOR_AN_HOUR });
        Some(response)
    }
}

/// The same request without its body, to be asked of the files first.
#[must_use]
pub fn bare(request: &Request) -> Request {
    let mut bare = Request::new(Body::empty());
    bare.method_mut().clone_from(request.method());
    bare.uri_mut().clone_from(request.uri());
    bare.headers_mut().clone_from(request.headers());
    bare
}

/// Whether it is a file of the build whose name has three parts, as `rapport.0Gf2c.js`.
fn is_hashed(path: &str) -> bool {
    path.starts_with("/pkg/")
        && path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.split('.').count() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_bear_the_hashes_of_the_build() {
        let assets = names(Some("js: Ab1\nwasm: Cd2\ncss: Ef3\n"));
        assert_eq!(assets.script, "/pkg/rapport.Ab1.js");
        assert_eq!(assets.program, "/pkg/rapport.Cd2.wasm");
        assert_eq!(assets.style, "/pkg/rapport.Ef3.css");
        assert!(is_hashed(&assets.style));
    }

    #[test]
    fn a_build_without_hashes_has_plain_names() {
        assert_eq!(names(None).script, "/pkg/rapport.js");
        assert!(!is_hashed("/pkg/rapport.js"));
    }
}
