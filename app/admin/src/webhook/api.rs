//! What the pages of webhooks read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::webhook::{Webhook, WebhookPage};

/// All webhooks.
///
/// # Errors
/// For who may not see the settings.
#[server(prefix = "/api/fn", endpoint = "webhooks/all", input = GetUrl, output = Json)]
pub async fn get_webhooks() -> Answer<Vec<Webhook>> {
    use kit::api::{answer, context};
    answer(rapport_service::webhook::list(&context()?).await)
}

/// A webhook and a page of its messages.
///
/// # Errors
/// As [`get_webhooks`]; when there is none such.
#[server(prefix = "/api/fn", endpoint = "webhooks/one", input = GetUrl, output = Json)]
pub async fn get_webhook(
    /// The webhook, as the address names it.
    id: String,
    /// The place of the last message of the page before, as the address names it.
    before: Option<String>,
) -> Answer<WebhookPage> {
    use rapport_domain::error::AppError;

    use kit::api::{answer, context, respond};
    let id = id.parse().map_err(|_| respond(AppError::NotFound))?;
    let before = before.and_then(|place| place.parse().ok());
    answer(rapport_service::webhook::page(&context()?, id, before).await)
}
