//! The browser's program and style, and other files as they are.

use std::{collections::HashMap, convert::Infallible, fs, path::Path, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, Uri, header::CACHE_CONTROL, uri::PathAndQuery};
use rapport_app::visit::Assets;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// Where the files of the build are.
const PKG: &str = "/pkg/";
/// A file whose name holds its hash never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Others are asked for again after a while.
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Reads, once, how the files of this build are called: `hash.txt` beside the program holds a hash for each. Leptos
/// itself would read it on every render.
#[must_use]
pub fn names(site: &Path) -> Assets {
    let hashes = hashes(site);
    let manifest = hashes
        .as_deref()
        .and_then(|hashes| hash(hashes, "manifest"))
        .map(|hash| site.join(format!("pkg/__wasm_split_manifest.{hash}.json")))
        .and_then(|file| fs::read_to_string(file).ok());
    names_in(hashes.as_deref(), manifest.as_deref())
}

/// The names that a build's hashes and its list of parts stand for.
fn names_in(hashes: Option<&str>, manifest: Option<&str>) -> Assets {
    let hashes = hashes.unwrap_or_default();
    let name = |kind: &str| {
        hash(hashes, kind).map_or_else(
            || format!("rapport.{kind}"),
            |hash| format!("rapport.{hash}.{kind}"),
        )
    };
    let build = hash(hashes, "split");
    let folder = build.map_or_else(|| PKG.to_owned(), |build| format!("{PKG}{build}/"));
    let parts: HashMap<String, Vec<String>> = manifest
        .and_then(|manifest| serde_json::from_str(manifest).ok())
        .unwrap_or_default();
    let in_folder = |files: Vec<String>| {
        let files = files.into_iter();
        files.map(|file| format!("{folder}{file}.wasm")).collect()
    };
    Assets {
        script: format!("{folder}{}", name("js")),
        program: format!("{folder}{}", name("wasm")),
        style: format!("{PKG}{}", name("css")),
        loader: build.map(|build| format!("{folder}__wasm_split.{build}.js")),
        parts: parts
            .into_iter()
            .map(|(part, files)| (part, in_folder(files)))
            .collect(),
        build: build.map(str::to_owned),
    }
}

/// One hash of `hash.txt`.
fn hash<'a>(hashes: &'a str, kind: &str) -> Option<&'a str> {
    let mut lines = hashes.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(name, _)| name.trim() == kind)
        .map(|(_, hash)| hash.trim())
}

/// The contents of `hash.txt`, if this build has one.
fn hashes(site: &Path) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let beside_program = program.parent().map(|folder| folder.join("hash.txt"));
    let beside_site = site.parent().map(|folder| folder.join("hash.txt"));
    [beside_program, beside_site]
        .into_iter()
        .flatten()
        .find_map(|file| fs::read_to_string(file).ok())
}

/// The files of the site, compressed ones first, which were made when it was built.
///
/// The program's parts name each other, and such a name can change without the hash in the file's own name. So they are
/// asked for in a folder that bears the build, which is not one on the disk: what a browser keeps of one build never
/// meets what another one brought.
#[derive(Clone)]
pub struct Files {
    folder: ServeDir,
    assets: Arc<Assets>,
}

impl Files {
    /// The files of a folder, which holds this build.
    #[must_use]
    pub fn of(site: &Path, assets: Arc<Assets>) -> Self {
        let folder = ServeDir::new(site)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip();
        Self { folder, assets }
    }

    /// Answers with the file of the request's path; nothing when there is none.
    pub async fn serve(&self, mut request: Request) -> Option<Response> {
        if let Some(path) = on_disk(request.uri().path(), self.assets.build.as_deref()) {
            *request.uri_mut() = Uri::from(PathAndQuery::try_from(path).ok()?);
        }
        let hashed = is_hashed(request.uri().path());
        let answer: Result<_, Infallible> = self.folder.clone().oneshot(request).await;
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

/// Where the file lies that is asked for in the folder of this build.
fn on_disk(path: &str, build: Option<&str>) -> Option<String> {
    let file = path.strip_prefix(PKG)?.strip_prefix(build?)?.strip_prefix('/')?;
    Some(format!("{PKG}{file}"))
}

/// Whether it is a file of the build whose name has three parts, as `rapport.0Gf2c.js`.
fn is_hashed(path: &str) -> bool {
    path.starts_with(PKG)
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
        let assets = names_in(Some("js: Ab1\nwasm: Cd2\ncss: Ef3\n"), None);
        assert_eq!(assets.script, "/pkg/rapport.Ab1.js");
        assert_eq!(assets.program, "/pkg/rapport.Cd2.wasm");
        assert_eq!(assets.style, "/pkg/rapport.Ef3.css");
        assert!(is_hashed(&assets.style));
    }

    #[test]
    fn a_program_in_parts_lies_in_a_folder_of_its_build() {
        let hashes = "js: Ab1\nwasm: Cd2\ncss: Ef3\nmanifest: Gh4\nsplit: Ij5\n";
        let assets = names_in(
            Some(hashes),
            Some(r#"{"record":["chunk_1.Kl6","split_record.Mn7"]}"#),
        );
        assert_eq!(assets.script, "/pkg/Ij5/rapport.Ab1.js");
        assert_eq!(assets.style, "/pkg/rapport.Ef3.css");
        assert_eq!(assets.loader.as_deref(), Some("/pkg/Ij5/__wasm_split.Ij5.js"));
        assert_eq!(
            assets.parts["record"],
            ["/pkg/Ij5/chunk_1.Kl6.wasm", "/pkg/Ij5/split_record.Mn7.wasm"]
        );
        let on_disk = |path| on_disk(path, assets.build.as_deref());
        assert_eq!(on_disk(&assets.script).as_deref(), Some("/pkg/rapport.Ab1.js"));
        assert_eq!(on_disk("/pkg/Other/rapport.Ab1.js"), None);
    }

    #[test]
    fn a_build_without_hashes_has_plain_names() {
        assert_eq!(names_in(None, None).script, "/pkg/rapport.js");
        assert!(!is_hashed("/pkg/rapport.js"));
    }
}
