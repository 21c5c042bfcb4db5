//! The REST API: every route as every role, what is sent and answered, and the keys it takes.

mod appointment;
mod bulk;
mod customer;
mod import;
mod key;
mod people;
mod routes;
mod webhook;

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use http::{HeaderMap, Method, Request, StatusCode};
use rapport_domain::{access::BuiltInRole, api_key::NewKey, form::Values, id::ApiKeyId};
use rapport_server::{rest, router, state::State};
use rapport_service::{Ctx, Service, api_key};
use rapport_testing::House;
use serde_json::Value;
use tower::ServiceExt;

use crate::browser::{Site, patient};

/// A program with a key.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) router: Router,
    pub(super) key: String,
    pub(super) from: SocketAddr,
}

/// Where programs ask from.
pub(super) fn here() -> SocketAddr {
    "127.0.0.1:4711".parse().unwrap()
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The pointers and parameters that a problem names, in order.
    pub(super) fn wrong(&self) -> Vec<String> {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.body
        );
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let named = |error: &Value| {
            error["pointer"]
                .as_str()
                .or(error["parameter"].as_str())
                .map(str::to_owned)
        };
        errors.iter().filter_map(named).collect()
    }
}

impl Program {
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.key))
            .extension(ConnectInfo(self.from));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub(super) async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, &all, Body::from(body.to_string())).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, &[], body).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, &[], body).await
    }

    /// Makes a customer; gives its path.
    pub(super) async fn customer(&self, body: Value) -> String {
        let made = self.post("/api/v1/customers", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.header("location").to_owned()
    }
}

/// A new key of somebody.
pub(super) async fn key(ctx: &Ctx, access: &str, days: &str) -> (ApiKeyId, String) {
    let id: ApiKeyId = ctx.clock().new_id();
    let values = Values::default()
        .with("id", id.to_string())
        .with("name", "Sync")
        .with("access", access)
        .with("days", days);
    api_key::make(ctx, NewKey::parse(&values).unwrap()).await.unwrap();
    let keys = api_key::list(ctx).await.unwrap();
    let made = keys.into_iter().find(|key| key.id == id).unwrap();
    (id, made.secret.unwrap())
}

pub(super) async fn program(site: &Site, ctx: &Ctx, access: &str) -> Program {
    Program {
        router: site.router.clone(),
        key: key(ctx, access, "90").await.1,
        from: here(),
    }
}

/// A site with an admin's program.
pub(super) async fn with_program() -> (Site, Ctx, Program) {
    let site = Site::empty().await;
    let admin = site.ctx(BuiltInRole::Admin, None).await;
    let program = program(&site, &admin, "write").await;
    (site, admin, program)
}

pub(super) async fn another(house: &House) -> Router {
    let service: Service = house.another_server().await;
    router(State::new(
        service,
        rapport_server::assets::Site::none(),
        Vec::new(),
        patient(),
    ))
}

#[test]
fn the_description_is_the_one_in_the_repository() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let now = rest::description().to_pretty_json().unwrap();
    assert!(
        kept.trim_end() == now,
        "please write it anew: rapport openapi > docs/openapi.json"
    );
}
