//! What the page of analytics reads.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::analytics::Analytics;

/// The figures of a period.
///
/// # Errors
/// For who may not say who works here.
#[server(name = ReadAnalytics, prefix = "/api/fn", endpoint = "analytics/get", input = GetUrl, output = Json)]
pub async fn get_analytics(
    /// How many days it has.
    days: String,
) -> Answer<Analytics> {
    use kit::api::{answer, context};
    answer(rapport_service::analytics::get(&context()?, days.parse().unwrap_or_default()).await)
}
