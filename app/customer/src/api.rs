//! What the pages of customers read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::{
    customer::{Customer, CustomerPage},
    id::UserId,
    timeline::Timeline,
};

/// A page of the list. What is not the list's business in the query is ignored.
///
/// # Errors
/// When the query cannot be read, with a sentence under `form`.
#[server(prefix = "/api/fn", endpoint = "customer/list", input = GetUrl, output = Json)]
pub async fn list_customers(
    /// The query string of the list's address.
    query: String,
) -> Answer<CustomerPage> {
    use kit::api::{answer, context, respond};
    let ctx = context()?;
    let query =
        rapport_domain::query::ListQuery::from_query_string(&query).map_err(|error| respond(error.into()))?;
    answer(rapport_service::customer::query::list(&ctx, &query).await)
}

/// A customer, whole.
///
/// # Errors
/// When there is none, or not for this person.
#[server(prefix = "/api/fn", endpoint = "customer/get", input = GetUrl, output = Json)]
pub async fn get_customer(
    /// The customer, as the address names it.
    id: String,
) -> Answer<Customer> {
    use kit::api::{answer, context, respond};
    let ctx = context()?;
    let id = id
        .parse()
        .map_err(|_| respond(rapport_domain::error::AppError::NotFound))?;
    answer(rapport_service::customer::query::get(&ctx, id).await)
}

/// A page of a customer's timeline, newest first, from before a place in the journal.
///
/// # Errors
/// When there is no such customer, or not for this person.
#[server(name = ReadTimeline, prefix = "/api/fn", endpoint = "customer/timeline", input = GetUrl, output = Json)]
pub async fn timeline(
    /// The customer, as the address names it.
    id: String,
    /// The place in the journal where the page before ended.
    before: Option<i64>,
) -> Answer<Timeline> {
    use kit::api::{answer, context, respond};
    let ctx = context()?;
    let id = id
        .parse()
        .map_err(|_| respond(rapport_domain::error::AppError::NotFound))?;
    answer(rapport_service::customer::query::timeline(&ctx, id, before).await)
}

/// The people that a customer can be given to.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "customer/owners", input = GetUrl, output = Json)]
pub async fn owner_options() -> Answer<Vec<(UserId, String)>> {
    use kit::api::{answer, context};
    answer(rapport_service::user::options(&context()?).await)
}

/// The people that a new customer can be given to, and nobody where that is allowed.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "customer/new-owners", input = GetUrl, output = Json)]
pub async fn new_owner_options() -> Answer<Vec<(Option<UserId>, String)>> {
    use kit::api::{answer, context};
    answer(rapport_service::user::new_owner_options(&context()?).await)
}
