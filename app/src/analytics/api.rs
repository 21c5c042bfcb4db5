//! What the page of analytics reads.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::analytics::Analytics;

use crate::api::{Answer, Json};

/// The figures of a period.
///
/// # Errors
/// For who may not say who works here.
#[server(name = ReadAnalytics, prefix = "/api/fn", endpoint = "analytics/get", input = GetUrl, output = Json)]
pub async fn get_analytics(
    /// How many days it has.
    days: String,
) -> Answer<Analytics> {
    use crate::api::{answer, context};
    answer(rapport_service::analytics::get(&context()?, days.parse().unwrap_or_default()).await)
}
