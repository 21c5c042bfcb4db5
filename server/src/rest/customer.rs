//! Customers.

mod body;

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, Request, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ETAG, LINK, LOCATION},
};
use rapport_domain::{
    access::{Ability, Kind},
    customer::{Customer, CustomerPage, CustomerPatch, NewCustomer},
    error::AppError,
    id::CustomerId,
    journal::Receipt,
    query::ListQuery,
};
use rapport_service::{
    access::require,
    api_key::{self, Caller},
    customer::{command, query},
};
use utoipa::IntoParams;
use uuid::Uuid;

use body::{CustomerBody, CustomerInput, CustomerList, as_form, named, shape};

use super::{By, ROOT, input, problem::Problem, tell, told, with_batch};

/// What a list is asked for: the same words as in the address of the page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what the list itself reads")]
pub struct ListParameters {
    /// Words to find: name, e-mail, phone, company. The best matches come first.
    q: Option<String>,
    /// A filter, as the address of the page has it: `1:and(stage.is(lead),tag.is(vip))`.
    filter: Option<String>,
    /// `name`, `created` or `updated`; with a minus, last first.
    sort: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// The `previous` of the page behind.
    before: Option<String>,
    /// How many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    size: Option<u16>,
}

const PARAMETERS: [&str; 6] = ["q", "filter", "sort", "after", "before", "size"];

/// Customers in sight, a page at a time.
#[utoipa::path(
    get,
    path = "/customers",
    tag = "Customers",
    params(ListParameters),
    responses(
        (status = 200, body = CustomerList, headers(("Link" = String, description = "The pages beside this one (RFC 8288)."))),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(Extension(by): By, OriginalUri(uri): OriginalUri) -> Response {
    let answer = async {
        let asked = uri.query().unwrap_or_default();
        input::known_parameters(asked, &PARAMETERS)?;
        let query = ListQuery::from_query_string(asked).map_err(Problem::parameters)?;
        let page = match tell(query::list(&by.ctx, &query).await) {
            Err(AppError::Invalid { fields }) => return Err(Problem::parameters(fields).into()),
            page => page?,
        };
        let links = links(&query, &page);
        let mut response = Json(CustomerList::of(page)).into_response();
        if let Ok(links) = HeaderValue::try_from(links.join(", "))
            && !links.is_empty()
        {
            response.headers_mut().insert(LINK, links);
        }
        Ok(response)
    };
    told(answer.await)
}

fn links(query: &ListQuery, page: &CustomerPage) -> Vec<String> {
    let link = |query: ListQuery, rel: &str| {
        let path = format!("{ROOT}/customers");
        format!("<{}>; rel=\"{rel}\"", query.href(&path))
    };
    let next = page.next.as_ref().map(|token| link(query.after(token), "next"));
    let previous = page
        .previous
        .as_ref()
        .map(|token| link(query.before(token), "prev"));
    next.into_iter().chain(previous).collect()
}

/// Makes a customer.
#[utoipa::path(
    post,
    path = "/customers",
    tag = "Customers",
    params(("Idempotency-Key" = Option<String>, Header, description = "Asking again under the same key, within a day, makes nothing twice.")),
    request_body = CustomerInput,
    responses(
        (status = 201, body = CustomerBody, headers(
            ("Location" = String, description = "Where it is."),
            ("ETag" = String, description = "Its version."),
            ("Rapport-Batch" = Uuid, description = "The command, to be taken back by."))),
        (status = 204, description = "It was done, and cannot be read by this key any more."),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(Extension(by): By, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let key = input::idempotency_key(&parts.headers)?;
        let (mut object, bytes) = input::object(&parts.headers, body).await?;
        // Of a new one null says no more than silence (RFC 7396).
        object.retain(|_, value| !value.is_null());
        let values = as_form(input::fields(&object, shape)?);
        let fresh = by.ctx.clock().new_id::<CustomerId>();
        let mut new = NewCustomer::parse(&values.with("id", fresh.to_string()))
            .map_err(|fields| named(fields.into()))?;
        tell(require(by.ctx.actor(), Kind::Customer, Ability::Create))?;
        // Only what can be asked for takes a key.
        if let Some(key) = key {
            new.id = CustomerId(tell(api_key::record_for(&by, &key, &bytes).await)?);
        }
        let id = new.id;
        let receipt = tell(command::create(&by.ctx, new).await).map_err(named)?;
        let mut response = whole(&by, id, StatusCode::CREATED, receipt).await;
        if let Ok(place) = HeaderValue::try_from(format!("{ROOT}/customers/{id}")) {
            response.headers_mut().insert(LOCATION, place);
        }
        Ok(response)
    };
    told(answer.await)
}

type Id = Result<Path<Uuid>, PathRejection>;

/// Who is no UUID does not exist.
fn id(path: Id) -> Result<CustomerId, AppError> {
    let Path(id) = path.map_err(|_| AppError::NotFound)?;
    Ok(CustomerId(id))
}

/// One customer, also when it lies in the trash.
#[utoipa::path(
    get,
    path = "/customers/{id}",
    tag = "Customers",
    params(
        ("id" = Uuid, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the asker has: 304 while it stands."),
    ),
    responses(
        (status = 200, body = CustomerBody, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "The asker has it already."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get(Extension(by): By, path: Id, headers: HeaderMap) -> Response {
    let answer = async {
        let customer = tell(query::get(&by.ctx, id(path)?).await)?;
        if input::has(&headers, customer.version) {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            set(&mut response, ETAG, &input::tag(customer.version));
            return Ok(response);
        }
        Ok(tagged(customer, StatusCode::OK))
    };
    told(answer.await)
}

/// Changes fields of a customer: a JSON Merge Patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/customers/{id}",
    tag = "Customers",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of what was read: 412 when it was changed since. Without it the fields that are sent are set, whatever stands there."),
    ),
    request_body(content(
        (CustomerInput = "application/merge-patch+json"),
        (CustomerInput = "application/json"),
    )),
    responses(
        (status = 200, body = CustomerBody, headers(
            ("ETag" = String, description = "Its version."),
            ("Rapport-Batch" = Uuid, description = "The command, to be taken back by; none when nothing changed."))),
        (status = 204, description = "It was done, and cannot be read by this key any more."),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 412, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn save(Extension(by): By, path: Id, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let id = id(path)?;
        let seen = input::seen(&parts.headers)?;
        let (object, _) = input::object(&parts.headers, body).await?;
        let values = as_form(input::fields(&object, shape)?);
        let patch = CustomerPatch::parse(&values).map_err(|fields| named(fields.into()))?;
        let receipt = tell(command::save_seen(&by.ctx, id, seen, patch).await).map_err(named)?;
        Ok(whole(&by, id, StatusCode::OK, receipt).await)
    };
    told(answer.await)
}

/// Moves a customer to the trash, where it can be restored from.
#[utoipa::path(
    delete,
    path = "/customers/{id}",
    tag = "Customers",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "As with a change."),
    ),
    responses(
        (status = 204, description = "It lies in the trash.", headers(
            ("Rapport-Batch" = Uuid, description = "The command, to be taken back by."))),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 412, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn trash(Extension(by): By, path: Id, headers: HeaderMap) -> Response {
    let answer = async {
        let Receipt { batch, .. } =
            tell(command::trash_seen(&by.ctx, id(path)?, input::seen(&headers)?).await)?;
        Ok(with_batch(StatusCode::NO_CONTENT.into_response(), batch))
    };
    told(answer.await)
}

/// Takes a customer out of the trash.
#[utoipa::path(
    post,
    path = "/customers/{id}/restore",
    tag = "Customers",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = CustomerBody, headers(
            ("ETag" = String, description = "Its version."),
            ("Rapport-Batch" = Uuid, description = "The command, to be taken back by."))),
        (status = 204, description = "It was done, and cannot be read by this key any more."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn restore(Extension(by): By, path: Id) -> Response {
    let answer = async {
        let id = id(path)?;
        let receipt = tell(command::restore(&by.ctx, id).await)?;
        Ok(whole(&by, id, StatusCode::OK, receipt).await)
    };
    told(answer.await)
}

/// The customer as it stands after a write. What was done is done: where it cannot be read any more, because it went out
/// of sight or a part is away by now, the answer has no body.
async fn whole(by: &Caller, id: CustomerId, status: StatusCode, receipt: Receipt) -> Response {
    let response = match query::get(&by.ctx, id)
        .await
        .map_err(rapport_service::Error::tell)
    {
        Ok(customer) => tagged(customer, status),
        Err(_) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            set(&mut response, ETAG, &input::tag(receipt.version));
            response
        }
    };
    with_batch(response, receipt.batch)
}

fn tagged(customer: Customer, status: StatusCode) -> Response {
    let tag = input::tag(customer.version);
    let mut response = (status, Json(CustomerBody::of(customer))).into_response();
    set(&mut response, ETAG, &tag);
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
