//! What holds for every route, added to the description of each: a handler says what is its own, no more.

use std::collections::BTreeSet;

use http::StatusCode;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, HeaderBuilder, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, SchemaFormat,
        header::Header,
        link::Link,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{AdditionalProperties, Object, SchemaType, Type},
    },
};

const BY_KEY: &str = "Asking again under the same key, within a day, makes nothing twice.";
const IF_MATCH: &str = "The ETag of what was read: 412 when it was changed since. Without it the fields that are sent \
    are set, whatever stands there.";
const IF_NONE_MATCH: &str = "The ETag of what the asker has: 304 while it stands.";
const ETAG: &str = "Its version.";
const BATCH: &str = "The command in the journal, to be taken back by; none when nothing changed.";
const LOCATION: &str = "Where it is.";
const UNSEEN: &str = "It was done, and cannot be read by this key any more.";

/// Completes the description.
pub(super) fn complete(api: &mut OpenApi) {
    let versioned = versioned(api);
    let names = named(api);
    for (path, item) in &mut api.paths.paths {
        let has_version = methods(item).any(|(_, operation)| answers_one_of(operation, &versioned));
        for (method, operation) in methods(item) {
            let answers_version = answers_one_of(operation, &versioned);
            add_parameters(operation, path, method, has_version, answers_version);
            add_links(operation, path, &names);
            add_answers(operation, path, method, has_version, answers_version);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    describe(status, response);
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Names every operation by its method and path; gives the names, each with its path.
fn named(api: &mut OpenApi) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in methods(item) {
            let method = match method {
                Method::Get => "get",
                Method::Post => "post",
                Method::Put => "put",
                Method::Patch => "patch",
                Method::Delete => "delete",
            };
            let parts = path.trim_start_matches(super::ROOT).split('/');
            let parts = parts.map(|part| part.trim_matches(['{', '}']).replace('-', "_"));
            let name = format!("{method}{}", parts.collect::<Vec<_>>().join("_"));
            operation.operation_id = Some(name.clone());
            names.push((path.clone(), name));
        }
    }
    names
}

/// What is made leads to all that can be done with it.
fn add_links(operation: &mut Operation, path: &str, names: &[(String, String)]) {
    let Some(RefOr::T(made)) = operation.responses.responses.get_mut("201") else {
        return;
    };
    // A note is made below its customer, and lies beside it.
    let place = match path.rsplit_once('/') {
        Some((_, last)) => format!("{}/{last}/{{id}}", super::ROOT),
        None => return,
    };
    for (_, name) in names.iter().filter(|(of, _)| of.starts_with(&place)) {
        let link = Link::builder()
            .operation_id(name.clone())
            .parameter("id", "$response.body#/id")
            .build();
        made.links.insert(name.clone(), RefOr::T(link));
    }
}

fn methods(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let methods = [
        (Method::Get, &mut item.get),
        (Method::Post, &mut item.post),
        (Method::Put, &mut item.put),
        (Method::Patch, &mut item.patch),
        (Method::Delete, &mut item.delete),
    ];
    methods
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The schemas of records that have a version.
fn versioned(api: &OpenApi) -> BTreeSet<String> {
    let schemas = api.components.iter().flat_map(|components| &components.schemas);
    let has_version = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => object.properties.contains_key("version"),
        _ => false,
    };
    schemas
        .filter(|(_, schema)| has_version(schema))
        .map(|(name, _)| format!("#/components/schemas/{name}"))
        .collect()
}

fn answers_one_of(operation: &Operation, schemas: &BTreeSet<String>) -> bool {
    let responses = operation.responses.responses.iter();
    let good = responses.filter(|(status, _)| status.starts_with('2'));
    let contents = good.filter_map(|(_, response)| match response {
        RefOr::T(response) => response.content.get("application/json"),
        RefOr::Ref(_) => None,
    });
    contents.into_iter().any(|content| match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schemas.contains(&schema.ref_location),
        _ => false,
    })
}

fn add_parameters(
    operation: &mut Operation,
    path: &str,
    method: Method,
    has_version: bool,
    answers_version: bool,
) {
    let creates = operation.responses.responses.contains_key("201") || path.ends_with("/bulk");
    let all = operation.parameters.get_or_insert_default();
    let ids = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for id in ids {
        let described = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) => parameter.name == id,
            RefOr::Ref(_) => false,
        };
        if !all.iter().any(described) {
            all.push(in_path(id).into());
        }
    }
    match method {
        Method::Get if answers_version => {
            all.push(in_header("If-None-Match", IF_NONE_MATCH).into());
        }
        Method::Patch | Method::Put | Method::Delete if has_version => {
            all.push(in_header("If-Match", IF_MATCH).into());
        }
        Method::Post if creates => all.push(in_header("Idempotency-Key", BY_KEY).into()),
        _ => {}
    }
}

fn in_path(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(uuid()))
        .build()
}

fn in_header(name: &str, description: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let text = match name {
        "Idempotency-Key" => text.pattern(Some("^[!-~]{1,200}$")),
        "If-Match" => text.pattern(Some("^\"[1-9][0-9]{0,17}\"$")),
        _ => text,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text))
        .build()
}

/// An id.
pub(super) fn uuid() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .build()
}

fn add_answers(
    operation: &mut Operation,
    path: &str,
    method: Method,
    has_version: bool,
    answers_version: bool,
) {
    let writes = method != Method::Get;
    let takes_body = operation.request_body.is_some();
    let mut parameters = operation.parameters.iter().flatten();
    let asks = parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    });
    let guarded = has_version && matches!(method, Method::Patch | Method::Put | Method::Delete);
    let creates = operation.responses.responses.contains_key("201");
    let answers = &mut operation.responses.responses;
    // What is made can be read there.
    let leads = answers.get("201").is_some_and(|made| match made {
        RefOr::T(made) => made.links.keys().any(|name| name.starts_with("get_")),
        RefOr::Ref(_) => false,
    });
    for (status, response) in answers.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if !status.starts_with('2') {
            continue;
        }
        let headers = &mut response.headers;
        if answers_version {
            headers.insert("ETag".to_owned(), text_header(ETAG).into());
        }
        if writes {
            headers.insert("Rapport-Batch".to_owned(), text_header(BATCH).into());
        }
        if status == "201" && leads {
            headers.insert("Location".to_owned(), text_header(LOCATION).into());
        }
    }
    if writes && answers_version {
        let unseen = ResponseBuilder::new().description(UNSEEN).build();
        answers.entry("204".to_owned()).or_insert(RefOr::T(unseen));
    }
    if answers_version && !writes {
        let same = ResponseBuilder::new()
            .description("The asker has it already.")
            .build();
        answers.insert("304".to_owned(), RefOr::T(same));
    }
    let problems = [
        (401, true),
        (403, true),
        (429, true),
        (404, path.contains('{')),
        (400, asks || takes_body),
        (409, writes),
        (412, guarded),
        (413, takes_body),
        (415, takes_body),
        (422, takes_body || guarded || creates),
    ];
    for (status, _) in problems.into_iter().filter(|(_, may)| *may) {
        answers
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(problem("").build()));
    }
    answers
        .entry("default".to_owned())
        .or_insert_with(|| RefOr::T(any_other()));
}

fn text_header(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)),
        ))
        .description(Some(description))
        .build()
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

fn problem(description: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(description).content(
        "application/problem+json",
        Content::new(Some(Ref::from_schema_name("Problem"))),
    )
}

/// What any request may be told: the wrong method, too large, too slow, a part that is away.
fn any_other() -> Response {
    let seconds = HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)),
        ))
        .description(Some(
            "After how many seconds another try is worth it, where waiting helps.",
        ));
    problem("What any request may be told: the wrong method, too large, too slow, a part that is away.")
        .header("Retry-After", seconds.build())
        .build()
}

/// A word of several.
pub(super) fn words(words: impl IntoIterator<Item = impl Into<serde_json::Value>>) -> Object {
    let words: Vec<serde_json::Value> = words.into_iter().map(Into::into).collect();
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(words))
        .build()
}

/// Of a new record null says no more than silence.
pub(super) fn allow_null(schema: &mut RefOr<Schema>) {
    let (kind, words) = match schema {
        RefOr::T(Schema::Object(object)) => (&mut object.schema_type, object.enum_values.as_mut()),
        RefOr::T(Schema::Array(array)) => (&mut array.schema_type, None),
        _ => return,
    };
    if let SchemaType::Type(only) = kind {
        *kind = SchemaType::Array(vec![only.clone(), Type::Null]);
    }
    if let Some(words) = words {
        words.push(serde_json::Value::Null);
    }
}

/// The fields of an input, of which a new record needs some.
pub(super) fn needing<T: ToSchema>(needed: &[&str]) -> RefOr<Schema> {
    match <T as PartialSchema>::schema() {
        RefOr::T(Schema::Object(mut object)) => {
            object.required = needed.iter().map(|name| (*name).to_owned()).collect();
            let others = object.properties.iter_mut();
            others
                .filter(|(name, _)| !needed.contains(&name.as_str()))
                .for_each(|(_, schema)| allow_null(schema));
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            RefOr::T(Schema::Object(object))
        }
        schema => schema,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn operations() -> Vec<(String, String, Value)> {
        let api = serde_json::to_value(super::super::description()).unwrap();
        let mut all = Vec::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push((method.clone(), path.clone(), operation.clone()));
            }
        }
        all
    }

    #[test]
    fn every_answer_of_every_operation_is_described() {
        let mut seen = 0;
        for (_, _, operation) in operations() {
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
        assert!(seen > 200, "{seen}");
    }

    fn headers_of(operation: &Value) -> Vec<&str> {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        parameters
            .filter(|parameter| parameter["in"] == "header")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn what_has_a_version_takes_it_and_what_is_made_takes_a_key() {
        let expected = [
            ("get", "/api/v1/customers/{id}", &["If-None-Match"][..]),
            ("patch", "/api/v1/customers/{id}", &["If-Match"]),
            ("delete", "/api/v1/customers/{id}", &["If-Match"]),
            ("patch", "/api/v1/settings", &["If-Match"]),
            ("post", "/api/v1/customers", &["Idempotency-Key"]),
            ("post", "/api/v1/customers/bulk", &["Idempotency-Key"]),
            ("post", "/api/v1/imports", &["Idempotency-Key"]),
            ("get", "/api/v1/customers", &[]),
            ("post", "/api/v1/customers/{id}/restore", &[]),
        ];
        let all = operations();
        for (method, path, headers) in expected {
            let found = all.iter().find(|(m, p, _)| m == method && p == path);
            assert_eq!(headers_of(&found.unwrap().2), headers, "{method} {path}");
        }
    }

    #[test]
    fn what_is_made_leads_to_what_can_be_done_with_it() {
        for (method, path, operation) in operations() {
            let made = &operation["responses"]["201"];
            if method != "post" || made.is_null() {
                continue;
            }
            assert!(made["links"].is_object(), "{path}");
            let is_read = path != "/api/v1/invitations" && path != "/api/v1/appointment-types";
            assert_eq!(made["headers"]["Location"].is_object(), is_read, "{path}");
        }
    }

    #[test]
    fn the_description_names_how_many_are_done_at_once() {
        let api = serde_json::to_value(super::super::description()).unwrap();
        let items = &api["components"]["schemas"]["BulkInput"]["properties"]["items"];
        assert_eq!(items["maxItems"], rapport_service::customer::many::MANY_MAX);
    }
}
