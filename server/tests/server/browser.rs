//! A browser without script: it keeps cookies, says where its writes come from, and asks the router in-process.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use rapport_domain::{
    access::BuiltInRole,
    customer::NewCustomer,
    form::Values,
    id::{CustomerId, TeamId, UserId},
};
use rapport_server::{
    router,
    state::{Deadlines, State},
};
use rapport_service::{Ctx, customer, user};
use rapport_testing::{House, PASSWORD};
use tower::ServiceExt;

/// Many tests share this machine: only those of faults ask how long an answer takes.
pub(crate) fn patient() -> Deadlines {
    let long = Duration::from_secs(60);
    Deadlines {
        page: long,
        form: long,
        hash: long,
        file: long,
        body: long,
        stream: long,
    }
}

/// A site on a database of its own.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) router: Router,
}

impl Site {
    /// A site where nobody works yet.
    pub(crate) async fn empty() -> Self {
        Self::within(House::new().await, patient())
    }

    /// A site that answers as fast as people may expect, or says why not.
    pub(crate) fn of(house: House) -> Self {
        Self::within(house, Deadlines::default())
    }

    pub(crate) fn within(house: House, deadlines: Deadlines) -> Self {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let state = State::new(
            house.service.clone(),
            rapport_server::assets::Site::none(),
            proxies,
            deadlines,
        );
        Self {
            router: router(state),
            house,
        }
    }

    /// A site with an admin, whose browser is signed in.
    pub(crate) async fn with_admin() -> (Self, Browser) {
        let site = Self::empty().await;
        let admin = site.house.user(BuiltInRole::Admin, None).await;
        let browser = site.signed_in(admin).await;
        (site, browser)
    }

    /// A browser on this machine with nobody signed in.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            from: "127.0.0.1:4711".parse().unwrap(),
            headers: vec![
                ("host", "localhost"),
                ("origin", "http://localhost"),
                ("accept", "text/html"),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
            cookies: BTreeMap::new(),
        }
    }

    /// A browser in which this user is signed in.
    pub(crate) async fn signed_in(&self, user: UserId) -> Browser {
        let ctx = self.house.acting(user).await;
        let email = user::me(&ctx).await.unwrap().email;
        let mut browser = self.browser();
        let answer = browser
            .post("/sign-in", &[("email", &email), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    pub(crate) async fn ctx(&self, role: BuiltInRole, team: Option<TeamId>) -> Ctx {
        self.house.acting(self.house.user(role, team).await).await
    }

    /// A customer that somebody made.
    pub(crate) async fn customer(&self, by: &Ctx, fields: &[(&str, &str)]) -> CustomerId {
        let id = by.clock().new_id::<CustomerId>();
        let values: Values = fields.iter().copied().collect();
        let new = NewCustomer::parse(&values.with("id", id.to_string())).unwrap();
        customer::command::create(by, new).await.unwrap();
        id
    }
}

/// A browser without script.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) from: SocketAddr,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Where it leads.
    pub(crate) fn to(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the control with this name.
    pub(crate) fn value_of(&self, name: &str) -> Option<String> {
        let mut tags = self
            .body
            .split('<')
            .filter(|tag| tag.contains(&format!("name=\"{name}\"")));
        let tag = tags.next()?;
        let (_, rest) = tag
            .split_once("value=\"")
            .or_else(|| tag.split_once('>').filter(|_| tag.starts_with("textarea")))?;
        let end = if tag.starts_with("textarea") {
            rest.len()
        } else {
            rest.find('"')?
        };
        let value = rest.get(..end)?;
        Some(
            value
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&"),
        )
    }
}

impl Browser {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None, String::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.send(
            Method::POST,
            path,
            Some("application/x-www-form-urlencoded"),
            body,
        )
        .await
    }

    /// Calls a server function that reads, with its query string.
    pub(crate) async fn read(&mut self, function: &str, query: &str) -> Answer {
        self.get(&format!("/api/fn/{function}?{query}")).await
    }

    /// Sends a form as script does.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let values: BTreeMap<_, _> = fields.iter().copied().collect();
        let body = serde_json::json!({ "path": path, "values": values }).to_string();
        self.send(
            Method::POST,
            "/api/fn/form/submit",
            Some("application/json"),
            body,
        )
        .await
    }

    /// Sends or fetches a file.
    pub(crate) async fn transfer(&mut self, method: &str, path: &str, bytes: &[u8]) -> Answer {
        let method = method.parse().unwrap();
        self.send(method, path, None, bytes.to_vec()).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.begin(method, path, kind, body).await;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Sends a request, and gives the answer before it has been read.
    pub(crate) async fn begin(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: impl Into<Body>,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let request = request
            .extension(ConnectInfo(self.from))
            .body(body.into())
            .unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}
