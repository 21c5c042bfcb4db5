//! What the page about the installation reads.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::health::Health;

use crate::api::{Answer, Json};

/// How the installation is.
///
/// # Errors
/// For who may not change the settings.
#[server(prefix = "/api/fn", endpoint = "health/get", input = GetUrl, output = Json)]
pub async fn get_health() -> Answer<Health> {
    use crate::api::{answer, context};
    answer(rapport_service::health::get(&context()?).await)
}
