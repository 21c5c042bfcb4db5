//! The browser's program and style, and other files as they are: in the program itself once it is a release.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use axum::{body::Body, extract::Request, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use kit::visit::Assets;
use rust_embed::{EmbeddedFile, RustEmbed};

/// Where the files of the build are.
const PKG: &str = "/pkg/";
/// A file whose name holds its hash never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// One of the build without a hash may be another one a moment later.
const FOR_NOW: HeaderValue = HeaderValue::from_static("no-cache");
/// Others are asked for again after a while.
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// What the build left. A debug build has it on the disk, or not at all.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Own;

/// The files of a build, by their paths without a slash in front.
#[derive(Clone, Copy)]
pub struct Site {
    get: fn(&str) -> Option<EmbeddedFile>,
    all: fn() -> Vec<String>,
}

impl Site {
    /// That of a program.
    fn of<T: RustEmbed>() -> Self {
        Self {
            get: T::get,
            all: || T::iter().map(Cow::into_owned).collect(),
        }
    }

    /// That of this program.
    #[must_use]
    pub fn own() -> Self {
        Self::of::<Own>()
    }

    /// None: pages without a program.
    #[must_use]
    pub fn none() -> Self {
        Self {
            get: |_| None,
            all: Vec::new,
        }
    }

    /// Whether it has a program for the browser.
    #[must_use]
    pub fn is_there(self) -> bool {
        (self.all)().iter().any(|name| name.starts_with("pkg/"))
    }

    /// Finds out, once, how the files of this build are called: most bear a hash of what they hold. Leptos itself would
    /// look on every render.
    #[must_use]
    pub fn names(self) -> Assets {
        let all = (self.all)();
        let manifest = hash(&all, "__wasm_split_manifest", "json")
            .and_then(|hash| (self.get)(&format!("pkg/__wasm_split_manifest.{hash}.json")));
        let parts = manifest.and_then(|file| serde_json::from_slice(&file.data).ok());
        names_in(&all, parts.unwrap_or_default())
    }
}

/// The names that stand for a build, and the files of its parts.
fn names_in(all: &[String], parts: HashMap<String, Vec<String>>) -> Assets {
    let name = |kind: &str| match hash(all, "rapport", kind) {
        Some(hash) => format!("rapport.{hash}.{kind}"),
        None => format!("rapport.{kind}"),
    };
    let build = hash(all, "__wasm_split", "js");
    let folder = build.map_or_else(|| PKG.to_owned(), |build| format!("{PKG}{build}/"));
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

/// The hash in the name of a file of the build.
fn hash<'a>(all: &'a [String], name: &str, kind: &str) -> Option<&'a str> {
    all.iter().find_map(|file| {
        let rest = file.strip_prefix("pkg/")?.strip_prefix(name)?.strip_prefix('.')?;
        let hash = rest.strip_suffix(kind)?.strip_suffix('.')?;
        (!hash.contains('.')).then_some(hash)
    })
}

/// The files of the site, compressed ones first, which were made when it was built.
///
/// The program's parts name each other, and such a name can change without the hash in the file's own name. So they are
/// asked for in a folder that bears the build, which is not one of the site: what a browser keeps of one build never
/// meets what another one brought.
#[derive(Clone)]
pub struct Files {
    site: Site,
    assets: Arc<Assets>,
}

impl Files {
    /// The files of a site, whose names these are.
    #[must_use]
    pub fn of(site: Site, assets: Arc<Assets>) -> Self {
        Self { site, assets }
    }

    /// Answers with the file of the request's path; nothing when there is none.
    #[must_use]
    pub fn serve(&self, request: &Request) -> Option<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let asked = request.uri().path();
        let path = in_site(asked, self.assets.build.as_deref());
        let path = path.as_deref().unwrap_or(asked);
        // On the disk, such a name would lead out of the site.
        let name = path
            .strip_prefix('/')
            .filter(|name| !name.starts_with('/') && !name.contains(".."))?;
        let plain = (self.site.get)(name)?;
        let mut headers = HeaderMap::new();
        let mut kind = plain.metadata.mimetype().to_owned();
        if kind.starts_with("text/") {
            kind.push_str("; charset=utf-8");
        }
        let kind = HeaderValue::from_str(&kind).ok()?;
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CACHE_CONTROL, kept(path));
        let (file, coding) = self.best(name, plain, request.headers());
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        let tag = tag(&file)?;
        let known = knows(request.headers(), &tag);
        headers.insert(ETAG, tag);
        let mut response = Response::new(if known {
            Body::empty()
        } else {
            Body::from(file.data)
        });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        response.headers_mut().extend(headers);
        Some(response)
    }

    /// The file in the shortest form that is there and that the browser takes.
    fn best(
        &self,
        name: &str,
        plain: EmbeddedFile,
        headers: &HeaderMap,
    ) -> (EmbeddedFile, Option<&'static str>) {
        for (coding, ending) in [("br", "br"), ("gzip", "gz")] {
            if takes(headers, coding)
                && let Some(file) = (self.site.get)(&format!("{name}.{ending}"))
            {
                return (file, Some(coding));
            }
        }
        (plain, None)
    }
}

/// Whether a browser takes a coding (RFC 9110, 12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

/// Whether a browser has the file of this name (RFC 9110, 13.1.2: compared weakly).
fn knows(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || tag == one.strip_prefix("W/").unwrap_or(one)
    })
}

/// What a browser names a file by that it has.
fn tag(file: &EmbeddedFile) -> Option<HeaderValue> {
    let hash = file.metadata.sha256_hash();
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hash}\"")).ok()
}

/// Where the file lies that is asked for in the folder of this build.
fn in_site(path: &str, build: Option<&str>) -> Option<String> {
    let file = path.strip_prefix(PKG)?.strip_prefix(build?)?.strip_prefix('/')?;
    Some(format!("{PKG}{file}"))
}

/// For how long browsers keep a file.
fn kept(path: &str) -> HeaderValue {
    match (is_hashed(path), path.starts_with(PKG)) {
        (true, _) => FOR_EVER,
        (false, true) => FOR_NOW,
        (false, false) => FOR_AN_HOUR,
    }
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

    const BUILD: [&str; 7] = [
        "favicon.svg",
        "pkg/rapport.Ab1.js",
        "pkg/rapport.Ab1.js.br",
        "pkg/rapport.Cd2.wasm",
        "pkg/rapport.d.Xx9.ts",
        "pkg/rapport.Ef3.css",
        "pkg/__wasm_split.Ij5.js",
    ];

    fn build(files: &[&str]) -> Vec<String> {
        files.iter().map(|file| (*file).to_owned()).collect()
    }

    #[test]
    fn names_bear_the_hashes_of_the_build() {
        let assets = names_in(&build(&BUILD[..6]), HashMap::new());
        assert_eq!(assets.script, "/pkg/rapport.Ab1.js");
        assert_eq!(assets.program, "/pkg/rapport.Cd2.wasm");
        assert_eq!(assets.style, "/pkg/rapport.Ef3.css");
        assert!(is_hashed(&assets.style));
    }

    #[test]
    fn a_program_in_parts_lies_in_a_folder_of_its_build() {
        let parts = [("record".to_owned(), build(&["chunk_1.Kl6", "split_record.Mn7"]))];
        let assets = names_in(&build(&BUILD), parts.into());
        assert_eq!(assets.script, "/pkg/Ij5/rapport.Ab1.js");
        assert_eq!(assets.style, "/pkg/rapport.Ef3.css");
        assert_eq!(assets.loader.as_deref(), Some("/pkg/Ij5/__wasm_split.Ij5.js"));
        assert_eq!(
            assets.parts["record"],
            ["/pkg/Ij5/chunk_1.Kl6.wasm", "/pkg/Ij5/split_record.Mn7.wasm"]
        );
        let in_site = |path| in_site(path, assets.build.as_deref());
        assert_eq!(in_site(&assets.script).as_deref(), Some("/pkg/rapport.Ab1.js"));
        assert_eq!(in_site("/pkg/Other/rapport.Ab1.js"), None);
    }

    #[test]
    fn a_build_without_hashes_has_plain_names() {
        assert_eq!(Site::none().names().script, "/pkg/rapport.js");
        assert!(!is_hashed("/pkg/rapport.js"));
        assert_eq!(kept("/pkg/rapport.js"), FOR_NOW);
    }

    #[derive(RustEmbed)]
    #[folder = "tests/site"]
    struct Sample;

    fn ask(path: &str, headers: &[(&str, &str)]) -> Option<Response> {
        let site = Site::of::<Sample>();
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Files::of(site, Arc::new(site.names())).serve(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn a_file_comes_in_the_shortest_form_that_is_taken() {
        for (accepts, coding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, GZIP;q=0.5", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            let answer = ask("/pkg/Ij5/rapport.Ab1.js", &[("accept-encoding", accepts)]).unwrap();
            let headers = answer.headers();
            let said = headers
                .get(CONTENT_ENCODING)
                .map(|coding| coding.to_str().unwrap());
            assert_eq!(said, coding, "{accepts}");
            assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(headers[VARY], "accept-encoding");
            assert_eq!(headers[CACHE_CONTROL], FOR_EVER);
        }
        // Without a shorter one.
        let mark = ask("/mark.svg", &[("accept-encoding", "br, gzip")]).unwrap();
        assert!(mark.headers().get(CONTENT_ENCODING).is_none());
        assert_eq!(mark.headers()[CACHE_CONTROL], FOR_AN_HOUR);
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let tag = ask("/mark.svg", &[]).unwrap().headers()[ETAG].clone();
        let tag = tag.to_str().unwrap();
        for known in [tag, &format!("\"other\", {tag}"), &format!("W/{tag}"), "*"] {
            let answer = ask("/mark.svg", &[("if-none-match", known)]).unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let other = ask("/mark.svg", &[("if-none-match", "\"other\"")]).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn nothing_is_served_but_the_files_of_the_site() {
        for path in [
            "/",
            "/pkg",
            "/none.js",
            "/../Cargo.toml",
            "/pkg/../../Cargo.toml",
            "//etc/os-release",
            "/%2e%2e/Cargo.toml",
            "/pkg/Other/rapport.Ab1.js",
        ] {
            assert!(ask(path, &[]).is_none(), "{path}");
        }
    }
}
