//! What the page about the installation reads.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::health::Health;

/// How the installation is.
///
/// # Errors
/// For who may not change the settings.
#[server(prefix = "/api/fn", endpoint = "health/get", input = GetUrl, output = Json)]
pub async fn get_health() -> Answer<Health> {
    use kit::api::{answer, context};
    answer(rapport_service::health::get(&context()?).await)
}
