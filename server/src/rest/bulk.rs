//! Many customers at once: all or none as one command, or each for itself.

use axum::{
    Extension, Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use rapport_domain::{
    customer::{CustomerPatch, NewCustomer},
    error::{AppError, FieldErrors},
    id::{BatchId, CustomerId},
    journal::Receipt,
};
use rapport_service::{
    api_key::{self, Caller},
    customer::many::{self, MANY_MAX, Outcome, Step},
    seen::Seen,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Answer, By,
    customer::CustomerInput,
    describe::words,
    input::{self, Posted},
    output,
    problem::{Problem, refuse},
    tell,
};

fn ops() -> utoipa::openapi::schema::Object {
    words(["create", "update", "delete", "restore"])
}

/// Many customers at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct BulkInput {
    /// All or none, as one command with one undo; otherwise each for itself. True unless said otherwise.
    #[schema(nullable = false)]
    atomic: Option<bool>,
    /// What is done, in this order.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<BulkItem>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct BulkItem {
    #[schema(schema_with = ops)]
    op: String,
    /// Which one; not for one that is made.
    #[schema(nullable = false)]
    id: Option<Uuid>,
    /// Its version as it was read: refused where it was changed since. Not for one that is made.
    #[schema(nullable = false, minimum = 1)]
    version: Option<i64>,
    /// The fields, of one that is made or changed.
    #[schema(nullable = false)]
    values: Option<CustomerInput>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct BulkOutput {
    /// The command of all of them; nothing where each is one, or nothing changed.
    batch: Option<Uuid>,
    /// What came of each, in their order.
    items: Vec<BulkResult>,
}

/// What came of one.
#[derive(Serialize, ToSchema)]
struct BulkResult {
    /// As the status of an answer.
    #[schema(example = 200)]
    status: u16,
    id: Option<Uuid>,
    version: Option<i64>,
    /// Its command, where it is one for itself.
    batch: Option<Uuid>,
    /// Why it was not done.
    problem: Option<Problem>,
}

impl BulkResult {
    fn done(receipt: Receipt, created: bool, own: bool) -> Self {
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Self {
            status: status.as_u16(),
            id: Some(receipt.record),
            version: Some(receipt.version),
            batch: receipt.batch.filter(|_| own).map(|batch| batch.0),
            problem: None,
        }
    }

    fn refused(error: &AppError) -> Self {
        Self {
            status: error.status(),
            id: None,
            version: None,
            batch: None,
            problem: Some(Problem::of(error)),
        }
    }
}

/// Makes, changes, throws away and restores up to 1,000 customers.
///
/// With `atomic`, all of it is one command, or nothing is done and the problem names each item that is wrong; without,
/// each item is a command, and the answer says what came of it.
#[utoipa::path(
    post,
    path = "/customers/bulk",
    tag = "Customers",
    request_body = BulkInput,
    responses((status = 200, body = BulkOutput))
)]
pub(super) async fn bulk(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let (atomic, items) = items(posted.object())?;
    tell(many::may(&by.ctx))?;
    let id: Uuid = posted.id(&by).await?;
    let fresh = |place| api_key::id_within(id, place);
    let steps = items.into_iter().enumerate();
    let steps = steps.map(|(place, item)| (step(item, CustomerId(fresh(place))), fresh(place)));
    if atomic {
        let steps = steps.map(|(step, _)| step).collect();
        return all(&by, BatchId(id), steps).await;
    }
    if let Some(key) = posted.key() {
        tell(api_key::settle(&by, key).await)?;
    }
    let steps = steps.map(|(step, id)| Ok((step?, BatchId(api_key::id_within(id, 0)))));
    Ok(each(&by, steps.collect()).await)
}

/// Whether all of them are one, and what they are.
fn items(mut object: Map<String, Value>) -> Result<(bool, Vec<Value>), AppError> {
    let mut errors = FieldErrors::default();
    let atomic = match object.remove("atomic") {
        None => true,
        Some(Value::Bool(atomic)) => atomic,
        Some(_) => {
            errors.add("atomic", "Please send true or false.");
            true
        }
    };
    let items = match object.remove("items") {
        Some(Value::Array(items)) if (1..=MANY_MAX).contains(&items.len()) => items,
        _ => {
            errors.add("items", format!("Please send an array of 1 to {MANY_MAX} items."));
            Vec::new()
        }
    };
    for name in object.keys() {
        errors.add(&input::escaped(name), "There is no such field.");
    }
    if errors.is_empty() {
        Ok((atomic, items))
    } else {
        Err(errors.into())
    }
}

/// One of them, read; `fresh` is the id of one that is made.
fn step(item: Value, fresh: CustomerId) -> Result<Step, AppError> {
    let Value::Object(mut item) = item else {
        return Err(AppError::invalid("form", "Please send an object."));
    };
    let mut errors = FieldErrors::default();
    let op = item.remove("op");
    let op = op.as_ref().and_then(Value::as_str).unwrap_or_default();
    let makes = op == "create";
    let is_known = ["create", "update", "delete", "restore"].contains(&op);
    let id = item.remove("id");
    let id = id.map(|id| id.as_str().and_then(|id| id.parse::<CustomerId>().ok()));
    let version = item.remove("version");
    let version = version.map(|version| version.as_i64().filter(|version| *version > 0));
    let values = item.remove("values");
    if !is_known {
        errors.add("op", "Please send create, update, delete or restore.");
    }
    match id {
        Some(_) if makes => errors.add("id", "One that is made has no id yet."),
        Some(None) => errors.add("id", "Please send the id of a customer."),
        None if is_known && !makes => errors.add("id", "Please say which one."),
        _ => {}
    }
    match version {
        Some(_) if makes => errors.add("version", "One that is made has no version yet."),
        Some(None) => errors.add("version", "Please send the version as it was read."),
        _ => {}
    }
    for name in item.keys() {
        errors.add(&input::escaped(name), "There is no such field.");
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let id = id.flatten().unwrap_or(fresh);
    let seen = version.flatten().map_or(Seen::Latest, Seen::Exactly);
    match (op, values) {
        ("create", Some(Value::Object(values))) => {
            let values = input::fresh::<CustomerInput>(values).map_err(within_values)?;
            let new = NewCustomer::parse(&values.with("id", id.to_string()));
            Ok(Step::Create(new.map_err(|wrong| within_values(wrong.into()))?))
        }
        ("update", Some(Value::Object(values))) => {
            let values = input::values::<CustomerInput>(&values).map_err(within_values)?;
            let patch = CustomerPatch::parse(&values).map_err(|wrong| within_values(wrong.into()))?;
            Ok(Step::Save(id, seen, patch))
        }
        ("delete", None) => Ok(Step::Trash(id, seen)),
        ("restore", None) => Ok(Step::Restore(id, seen)),
        ("create" | "update", _) => Err(AppError::invalid(
            "values",
            "Please send the fields as an object.",
        )),
        _ => Err(AppError::invalid(
            "values",
            "There are no fields to be sent here.",
        )),
    }
}

/// An error of fields, where they stand in an item.
fn within_values(error: AppError) -> AppError {
    within(error, "values")
}

/// An error one step further down in what was sent.
fn within(error: AppError, place: &str) -> AppError {
    let AppError::Invalid { fields } = error else {
        return error;
    };
    let moved = fields.0.into_iter().map(|(field, why)| match field.as_str() {
        "form" => (place.to_owned(), why),
        field => (format!("{place}/{field}"), why),
    });
    FieldErrors(moved.collect()).into()
}

/// Each as a command of its own, by an id of its own: asked again under the same key, it is found and not done again.
async fn each(by: &Caller, steps: Vec<Result<(Step, BatchId), AppError>>) -> Response {
    let mut items = Vec::new();
    for step in steps {
        items.push(match step {
            Ok(step) => one(by, step).await,
            Err(error) => BulkResult::refused(&error),
        });
    }
    Json(BulkOutput { batch: None, items }).into_response()
}

async fn one(by: &Caller, step: (Step, BatchId)) -> BulkResult {
    let (step, id) = step;
    let created = matches!(step, Step::Create(_));
    match tell(many::all(&by.ctx, id, vec![step]).await) {
        Ok(Outcome::Done(_, receipts)) => {
            let receipt = receipts.into_iter().next();
            receipt.map_or_else(
                || BulkResult::refused(&AppError::internal()),
                |receipt| BulkResult::done(receipt, created, true),
            )
        }
        Ok(Outcome::Refused(wrong)) => {
            let error = wrong
                .into_iter()
                .next()
                .map_or(AppError::internal(), |(_, error)| error);
            BulkResult::refused(&within_values(error))
        }
        Err(error) => BulkResult::refused(&error),
    }
}

async fn all(by: &Caller, id: BatchId, steps: Vec<Result<Step, AppError>>) -> Answer {
    let mut ready = Vec::new();
    let mut wrong = Vec::new();
    for (place, step) in steps.into_iter().enumerate() {
        match step {
            Ok(step) => ready.push(step),
            Err(error) => wrong.push((place, error)),
        }
    }
    if !wrong.is_empty() {
        return Ok(refused(wrong));
    }
    let created: Vec<bool> = ready.iter().map(|step| matches!(step, Step::Create(_))).collect();
    match tell(many::all(&by.ctx, id, ready).await)? {
        Outcome::Refused(wrong) => {
            let wrong = wrong.into_iter();
            Ok(refused(
                wrong
                    .map(|(place, error)| (place, within_values(error)))
                    .collect(),
            ))
        }
        Outcome::Done(batch, receipts) => {
            let items = receipts.into_iter().zip(created);
            let output = BulkOutput {
                batch: batch.map(|batch| batch.0),
                items: items
                    .map(|(receipt, created)| BulkResult::done(receipt, created, false))
                    .collect(),
            };
            Ok(output::with_batch(Json(output).into_response(), batch))
        }
    }
}

/// Nothing was done: what is wrong with which item.
fn refused(wrong: Vec<(usize, AppError)>) -> Response {
    let mut errors = FieldErrors::default();
    for (place, error) in wrong {
        let place = format!("items/{place}");
        match within(error, &place) {
            AppError::Invalid { fields } => fields
                .0
                .into_iter()
                .for_each(|(field, why)| errors.add(&field, why)),
            error => errors.add(&place, error.to_string()),
        }
    }
    refuse(&errors.into())
}
