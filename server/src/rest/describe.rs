//! What holds for every route, added to the description of each.

use http::StatusCode;
use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    path::{Operation, PathItem},
    schema::{SchemaType, Type},
};

/// Gives every answer a description, and every operation the answers that any may give.
pub(super) fn complete(api: &mut OpenApi) {
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            let responses = &mut operation.responses.responses;
            for (status, response) in responses.iter_mut() {
                if let RefOr::T(response) = response {
                    describe(status, response);
                }
            }
            responses
                .entry("default".to_owned())
                .or_insert_with(|| RefOr::T(any_other()));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn describe(status: &str, response: &mut Response) {
    if !response.description.is_empty() {
        return;
    }
    let code = status
        .parse()
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    let reason = code.and_then(|code| code.canonical_reason());
    response.description = reason.unwrap_or("An answer").to_owned();
}

/// What any request may be told: the wrong method, too large, too slow, too often, a part that is away.
fn any_other() -> Response {
    let seconds = HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)),
        ))
        .description(Some(
            "After how many seconds another try is worth it, where waiting helps.",
        ));
    ResponseBuilder::new()
        .description("What any request may be told: the wrong method, too large, too slow, too often, a part that is away.")
        .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
        .header("Retry-After", seconds.build())
        .build()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_answer_of_every_operation_is_described() {
        let api = serde_json::to_value(super::super::description()).unwrap();
        let mut seen = 0;
        for item in api["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("default"), "{operation}");
                for response in responses.values() {
                    assert_ne!(
                        response["description"].as_str().unwrap_or_default(),
                        "",
                        "{response}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
