//! Webhooks: where other programs are told of changes.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Request},
    response::IntoResponse,
};
use http::{HeaderMap, StatusCode};
use rapport_domain::{
    error::AppError,
    event::EventType,
    id::{DeliveryId, WebhookId},
    webhook::{Delivery, DeliveryState, Webhook, WebhookForm, WebhookState},
};
use rapport_service::{Ctx, webhook};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{Array, ArrayBuilder, Object},
    },
};
use uuid::Uuid;

use super::{
    Answer, By, ROOT,
    describe::{needing, words},
    input::{self, Id, Input, NEXT, Parameters, Posted, id},
    output::{self, Versioned, iso},
    tell,
};

fn events() -> Array {
    let every = EventType::every().map(|one| one.to_string());
    ArrayBuilder::new().items(words(every)).build()
}

fn states() -> Object {
    words(["active", "failing", "given_up", "paused"])
}

fn delivery_states() -> Object {
    words(DeliveryState::EVERY.iter().map(|state| state.word()))
}

/// A webhook.
#[derive(Serialize, ToSchema)]
struct WebhookBody {
    id: Uuid,
    /// Counts up with every change of what is set; the ETag says the same.
    version: i64,
    name: String,
    /// Where it is told.
    url: String,
    /// What it is told of.
    #[schema(schema_with = events)]
    events: Vec<String>,
    /// Of which customers, in the language of lists; null for all.
    #[schema(example = "1:and(stage.is(customer),country.is(CH))")]
    filter: Option<String>,
    /// `failing` while nothing arrives and it is tried again, `given_up` once it was paused for that.
    #[schema(schema_with = states)]
    state: &'static str,
    /// Since when nothing arrives.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When something last arrived.
    #[schema(format = DateTime)]
    arrived_at: Option<String>,
    /// What its messages are signed with: in the answer that makes it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Versioned for WebhookBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl WebhookBody {
    fn of(webhook: Webhook) -> Self {
        let (state, since) = match webhook.state {
            WebhookState::Well => ("active", None),
            WebhookState::Failing { since } => ("failing", Some(iso(since.at))),
            WebhookState::GivenUp => ("given_up", None),
            WebhookState::Paused => ("paused", None),
        };
        Self {
            id: webhook.id.0,
            version: webhook.version,
            name: webhook.name,
            url: webhook.url,
            events: webhook.events,
            filter: Some(webhook.filter).filter(|filter| !filter.is_empty()),
            state,
            failing_since: since,
            created_at: iso(webhook.created.at),
            arrived_at: webhook.arrived.map(|arrived| iso(arrived.at)),
            secret: None,
        }
    }
}

/// The fields of a webhook that can be set. What is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct WebhookInput {
    #[schema(nullable = false, min_length = 1)]
    name: Option<String>,
    /// A public address of the web, without a name or password in it.
    #[schema(
        nullable = false,
        pattern = "^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^ #]*)?$",
        example = "https://shop.example.org/rapport"
    )]
    url: Option<String>,
    #[schema(schema_with = events)]
    events: Option<Vec<String>>,
    /// Of which customers, in the language of lists; null for all.
    filter: Option<String>,
}

impl Input for WebhookInput {}

/// What a new one needs.
struct NewWebhookInput;

impl PartialSchema for NewWebhookInput {
    fn schema() -> RefOr<Schema> {
        needing::<WebhookInput>(&["name", "url", "events"])
    }
}

impl ToSchema for NewWebhookInput {}

async fn webhook_of(ctx: &Ctx, id: WebhookId) -> rapport_service::Result<WebhookBody> {
    Ok(WebhookBody::of(webhook::get(ctx, id).await?))
}

/// Webhooks, by name.
#[derive(Serialize, ToSchema)]
struct WebhookList {
    data: Vec<WebhookBody>,
}

/// Webhooks, by name; for admins.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", responses((status = 200, body = WebhookList)))]
pub(super) async fn list(Extension(by): By) -> Answer {
    let webhooks = tell(webhook::list(&by.ctx).await)?;
    let data = webhooks.into_iter().map(WebhookBody::of).collect();
    Ok(Json(WebhookList { data }).into_response())
}

/// Makes a webhook: it is told of what happens from then on. The answer tells its secret, once. For admins.
#[utoipa::path(
    post,
    path = "/webhooks",
    tag = "Webhooks",
    request_body = NewWebhookInput,
    responses((status = 201, body = WebhookBody))
)]
pub(super) async fn create(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let form = WebhookForm::parse(&posted.fields::<WebhookInput>()?).map_err(AppError::from)?;
    let id: WebhookId = posted.id(&by).await?;
    let made = tell(webhook::create(&by.ctx, id, form).await)?;
    let body = webhook_of(&by.ctx, id).await.map(|body| WebhookBody {
        secret: made.secret,
        ..body
    });
    Ok(output::made(&format!("{ROOT}/webhooks/{id}"), made.receipt, body))
}

/// One webhook; for admins.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "Webhooks", responses((status = 200, body = WebhookBody)))]
pub(super) async fn get(Extension(by): By, path: Id) -> Answer {
    let body = tell(webhook_of(&by.ctx, id(path)?).await)?;
    // How it fares changes without its version: whoever watches it is always told.
    Ok(output::record(&HeaderMap::new(), &body))
}

/// Changes a webhook; for admins.
#[utoipa::path(
    patch,
    path = "/webhooks/{id}",
    tag = "Webhooks",
    request_body(content(
        (WebhookInput = "application/merge-patch+json"),
        (WebhookInput = "application/json"),
    )),
    responses((status = 200, body = WebhookBody))
)]
pub(super) async fn save(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: WebhookId = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let sent = input::values::<WebhookInput>(&object)?;
    let stands = tell(webhook::get(&by.ctx, id).await)?;
    let form = WebhookForm::parse(&input::over(stands.values(), sent)).map_err(AppError::from)?;
    // What was not sent is taken from what stands: that is what was seen.
    let seen = seen.or(stands.version);
    let receipt = tell(webhook::change(&by.ctx, id, seen, form).await)?;
    Ok(output::written(receipt, webhook_of(&by.ctx, id).await))
}

/// Removes a webhook. An undo brings it back, and it is told of what it missed. For admins.
#[utoipa::path(
    delete,
    path = "/webhooks/{id}",
    tag = "Webhooks",
    responses((status = 204, description = "It is told nothing any more."))
)]
pub(super) async fn remove(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let seen = input::seen(&headers)?;
    let receipt = tell(webhook::remove(&by.ctx, id(path)?, seen).await)?;
    Ok(output::done(receipt.batch))
}

/// Pauses a webhook: what happens meanwhile is told when it goes on. For admins.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/pause",
    tag = "Webhooks",
    responses((status = 200, body = WebhookBody))
)]
pub(super) async fn pause(Extension(by): By, path: Id) -> Answer {
    let id: WebhookId = id(path)?;
    let receipt = tell(webhook::pause(&by.ctx, id).await)?;
    Ok(output::written(receipt, webhook_of(&by.ctx, id).await))
}

/// How a webhook goes on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct ResumeInput {
    /// Whether what happened meanwhile is left out.
    #[schema(nullable = false)]
    skip: Option<bool>,
}

impl Input for ResumeInput {}

/// Lets a webhook go on where it was paused. For admins.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/resume",
    tag = "Webhooks",
    request_body = ResumeInput,
    responses((status = 200, body = WebhookBody))
)]
pub(super) async fn resume(Extension(by): By, path: Id, request: Request) -> Answer {
    let id: WebhookId = id(path)?;
    let (parts, body) = request.into_parts();
    let (object, _) = input::object(&parts.headers, body).await?;
    let skip = input::fresh::<ResumeInput>(object)?.get("skip") == "on";
    let receipt = tell(webhook::resume(&by.ctx, id, skip).await)?;
    Ok(output::written(receipt, webhook_of(&by.ctx, id).await))
}

/// What messages are signed with from now on.
#[derive(Serialize, ToSchema)]
struct SecretBody {
    /// `whsec_` and base64: what the libraries of Standard Webhooks take.
    secret: String,
}

/// Gives a webhook a new secret. For a day its messages are signed with the one before, too. For admins.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/secret",
    tag = "Webhooks",
    responses((status = 200, body = SecretBody))
)]
pub(super) async fn renew_secret(Extension(by): By, path: Id) -> Answer {
    let secret = tell(webhook::renew_secret(&by.ctx, id(path)?).await)?;
    Ok(Json(SecretBody { secret }).into_response())
}

/// Sends a test message, in its turn. For admins.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/ping",
    tag = "Webhooks",
    responses((status = 204, description = "It is on its way."))
)]
pub(super) async fn ping(Extension(by): By, path: Id) -> Answer {
    tell(webhook::ping(&by.ctx, id(path)?).await)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A message to a webhook.
#[derive(Serialize, ToSchema)]
struct DeliveryBody {
    /// The `webhook-id` that it is sent under, however often.
    id: Uuid,
    /// The type of its event; `ping` for a test message.
    #[schema(example = "customer.updated")]
    event: String,
    #[schema(schema_with = delivery_states)]
    state: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// How often it was sent.
    attempts: u32,
    /// When last.
    #[schema(format = DateTime)]
    tried_at: Option<String>,
    /// What was answered last.
    status: Option<u16>,
    /// How long that took, in milliseconds.
    millis: Option<u32>,
    /// The beginning of the answer, or why there was none.
    said: Option<String>,
    /// What is sent, to the letter.
    body: String,
}

impl DeliveryBody {
    fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.0,
            event: delivery.event,
            state: delivery.state.word(),
            created_at: iso(delivery.at.at),
            attempts: delivery.attempts,
            tried_at: delivery.tried.map(|tried| iso(tried.at)),
            status: delivery.status,
            millis: delivery.millis,
            said: delivery.said,
            body: delivery.body,
        }
    }
}

/// Messages to a webhook, newest first.
#[derive(Serialize, ToSchema)]
struct DeliveryList {
    data: Vec<DeliveryBody>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<i64>,
}

/// Where the list goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
struct DeliveryParameters {
    /// The `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
}

/// Messages to a webhook, newest first; for admins.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries",
    tag = "Webhooks",
    params(DeliveryParameters),
    responses((status = 200, body = DeliveryList))
)]
pub(super) async fn deliveries(Extension(by): By, path: Id, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<DeliveryParameters>(&uri);
    let before: Option<i64> = asked.read("before", NEXT);
    asked.check()?;
    let page = tell(webhook::page(&by.ctx, id(path)?, before).await)?;
    let list = DeliveryList {
        data: page.log.into_iter().map(DeliveryBody::of).collect(),
        next: page.before,
    };
    Ok(Json(list).into_response())
}

/// Sends a message again under the same id, behind those that wait. For admins.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/send",
    tag = "Webhooks",
    responses((status = 204, description = "It is on its way."))
)]
pub(super) async fn send_again(Extension(by): By, path: Id) -> Answer {
    let id: DeliveryId = id(path)?;
    tell(webhook::send_again(&by.ctx, id).await)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
