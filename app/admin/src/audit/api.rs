//! What the audit log reads.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::audit::AuditPage;

/// A page of the audit log.
///
/// # Errors
/// For who may not say who works here.
#[server(prefix = "/api/fn", endpoint = "audit/page", input = GetUrl, output = Json)]
pub async fn get_audit(
    /// The query of its address.
    query: String,
) -> Answer<AuditPage> {
    use rapport_domain::audit::AuditQuery;

    use kit::api::{answer, context};
    let pairs: Vec<_> = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).collect();
    let pairs = pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
    answer(rapport_service::audit::page(&context()?, AuditQuery::parse(pairs)).await)
}
