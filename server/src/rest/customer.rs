//! Customers.

mod body;

use axum::{
    Extension,
    body::Body,
    extract::{OriginalUri, Request},
};
use futures::TryStreamExt;
use http::{HeaderMap, Uri};
use rapport_domain::{
    customer::{CustomerPage, CustomerPatch, NewCustomer},
    error::AppError,
    id::CustomerId,
    journal::Receipt,
    query::ListQuery,
};
use rapport_service::{
    Ctx,
    customer::{command, export, query},
    seen::Seen,
};
use utoipa::IntoParams;

pub(super) use body::CustomerInput;
use body::{CustomerBody, CustomerList, NewCustomerInput};

use super::{
    Answer, By, ROOT, Refusal,
    input::{self, Id, Parameters, Posted, id},
    output,
    problem::Problem,
    tell,
};

/// What a list is asked for: the same words as in the address of the page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what the list itself reads")]
pub(super) struct ListParameters {
    /// Words to find: name, e-mail, phone, company. The best matches come first.
    q: Option<String>,
    /// A filter, as the address of the page has it: `1:and(stage.is(lead),tag.is(vip))`.
    filter: Option<String>,
    /// `name`, `created` or `updated`; with a minus, last first.
    #[param(pattern = "^(-?(name|created|updated))?$")]
    sort: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// The `previous` of the page behind.
    before: Option<String>,
    /// How many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    size: Option<u16>,
}

fn list_query(uri: &Uri) -> Result<ListQuery, Refusal> {
    Parameters::of::<ListParameters>(uri).check()?;
    Ok(ListQuery::from_query_string(uri.query().unwrap_or_default()).map_err(Problem::parameters)?)
}

/// Customers in sight, a page at a time.
#[utoipa::path(
    get,
    path = "/customers",
    tag = "Customers",
    params(ListParameters),
    responses((
        status = 200,
        body = CustomerList,
        headers(("Link" = String, description = "The pages beside this one (RFC 8288)."))
    ))
)]
pub(super) async fn list(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let query = list_query(&uri)?;
    let page = output::listed(query::list(&by.ctx, &query).await)?;
    let links = links(&query, &page);
    Ok(output::page(&CustomerList::of(page), links))
}

fn links(query: &ListQuery, page: &CustomerPage) -> Vec<(&'static str, String)> {
    let place = |query: ListQuery| query.href(&format!("{ROOT}/customers"));
    let next = page
        .next
        .as_ref()
        .map(|token| ("next", place(query.after(token))));
    let previous = page.previous.as_ref();
    let previous = previous.map(|token| ("prev", place(query.before(token))));
    next.into_iter().chain(previous).collect()
}

/// The customers of a list as CSV, all of them.
///
/// Companies come before people, so that an import has a person's company when it comes to the person.
#[utoipa::path(
    get,
    path = "/customers/export",
    tag = "Customers",
    params(ListParameters),
    responses((status = 200, body = String, content_type = "text/csv"))
)]
pub(super) async fn export(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let pieces = output::listed(export::csv(&by.ctx, list_query(&uri)?).await)?;
    Ok(output::csv(Body::from_stream(
        pieces.map_err(rapport_service::Error::tell),
    )))
}

/// Makes a customer.
#[utoipa::path(
    post,
    path = "/customers",
    tag = "Customers",
    request_body = NewCustomerInput,
    responses((status = 201, body = CustomerBody))
)]
pub(super) async fn create(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let values = posted.fields::<CustomerInput>()?;
    let id: CustomerId = posted.id(&by).await?;
    let new = NewCustomer::parse(&values.with("id", id.to_string())).map_err(AppError::from)?;
    let receipt = tell(command::create(&by.ctx, new).await)?;
    let place = format!("{ROOT}/customers/{id}");
    Ok(output::made(&place, receipt, whole(&by.ctx, id).await))
}

/// One customer, also when it lies in the trash.
#[utoipa::path(
    get,
    path = "/customers/{id}",
    tag = "Customers",
    responses((status = 200, body = CustomerBody))
)]
pub(super) async fn get(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let customer = tell(whole(&by.ctx, id(path)?).await)?;
    Ok(output::record(&headers, &customer))
}

/// Changes fields of a customer: a JSON Merge Patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/customers/{id}",
    tag = "Customers",
    request_body(content(
        (CustomerInput = "application/merge-patch+json"),
        (CustomerInput = "application/json"),
    )),
    responses((status = 200, body = CustomerBody))
)]
pub(super) async fn save(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::values::<CustomerInput>(&object)?;
    let patch = CustomerPatch::parse(&values).map_err(AppError::from)?;
    written(&by.ctx, id, command::save(&by.ctx, id, seen, patch).await).await
}

/// Moves a customer to the trash, where it can be restored from.
#[utoipa::path(
    delete,
    path = "/customers/{id}",
    tag = "Customers",
    responses((status = 204, description = "It lies in the trash."))
)]
pub(super) async fn trash(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let receipt = tell(command::trash(&by.ctx, id(path)?, input::seen(&headers)?).await)?;
    Ok(output::done(receipt.batch))
}

/// Takes a customer out of the trash.
#[utoipa::path(
    post,
    path = "/customers/{id}/restore",
    tag = "Customers",
    responses((status = 200, body = CustomerBody))
)]
pub(super) async fn restore(Extension(by): By, path: Id) -> Answer {
    let id = id(path)?;
    written(&by.ctx, id, command::restore(&by.ctx, id, Seen::Latest).await).await
}

async fn written(ctx: &Ctx, id: CustomerId, receipt: rapport_service::Result<Receipt>) -> Answer {
    let receipt = tell(receipt)?;
    Ok(output::written(receipt, whole(ctx, id).await))
}

async fn whole(ctx: &Ctx, id: CustomerId) -> rapport_service::Result<CustomerBody> {
    Ok(CustomerBody::of(query::get(ctx, id).await?))
}
