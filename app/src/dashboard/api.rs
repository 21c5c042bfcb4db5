//! What the dashboard reads.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::dashboard::Dashboard;

/// All that the dashboard shows.
///
/// # Errors
/// For who may not see customers.
#[server(prefix = "/api/fn", endpoint = "dashboard/get", input = GetUrl, output = Json)]
pub async fn get_dashboard(
    /// The query of its address.
    query: String,
) -> Answer<Dashboard> {
    use rapport_domain::dashboard::DashboardQuery;

    use kit::api::{answer, context};
    answer(rapport_service::dashboard::get(&context()?, DashboardQuery::parse(&query)).await)
}
