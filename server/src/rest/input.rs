//! What a program sends: a JSON object whose fields are known by name, the headers of a write, the parameters of an
//! address. What is known is what the description says: there is no second list of names.

use std::collections::BTreeMap;

use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, rejection::PathRejection},
};
use http::{
    HeaderMap, Uri,
    header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH},
};
use rapport_domain::{
    error::{AppError, FieldErrors},
    form::Values,
    text,
};
use rapport_service::{
    api_key::{self, Caller},
    seen::Seen,
};
use serde_json::{Map, Value};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        path::ParameterIn,
        schema::{SchemaType, Type},
    },
};
use uuid::Uuid;

use super::{Refusal, problem::Problem, tell};

/// The longest Idempotency-Key.
const KEY_MAX: usize = 200;

/// What is said of a place in a list that is none.
pub(super) const NEXT: &str = "Please send the next of the page before.";

/// The id in a path.
pub(super) type Id = Result<Path<Uuid>, PathRejection>;

/// Who is no UUID does not exist.
pub(super) fn id<T: From<Uuid>>(path: Id) -> Result<T, AppError> {
    let Path(id) = path.map_err(|_| AppError::NotFound)?;
    Ok(T::from(id))
}

/// The object that a route takes. Its fields are read as the fields of a form, by the rules of the form.
pub(super) trait Input: ToSchema {
    /// What is called otherwise in the form: by its name in JSON, and there.
    const NAMES: &'static [(&'static str, &'static str)] = &[];

    /// A field's name in JSON, by the form's.
    fn name_of(field: &str) -> &str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, form)| *form == field)
            .map_or(field, |(json, _)| json)
    }
}

/// How a field is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A text, or null for nothing.
    Text,
    /// An array of texts.
    Texts,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
}

impl Shape {
    fn of(schema: &RefOr<Schema>) -> Self {
        let described = match schema {
            RefOr::T(Schema::Array(_)) => return Self::Texts,
            RefOr::T(Schema::Object(object)) => &object.schema_type,
            _ => return Self::Text,
        };
        let is = |wanted: &Type| match described {
            SchemaType::Type(only) => only == wanted,
            SchemaType::Array(several) => several.contains(wanted),
            SchemaType::AnyValue => false,
        };
        if is(&Type::Integer) {
            Self::Number
        } else if is(&Type::Boolean) {
            Self::Flag
        } else {
            Self::Text
        }
    }
}

fn shapes<T: ToSchema>() -> BTreeMap<String, Shape> {
    let RefOr::T(Schema::Object(object)) = <T as PartialSchema>::schema() else {
        return BTreeMap::new();
    };
    let described = object.properties.iter();
    described
        .map(|(name, schema)| (name.clone(), Shape::of(schema)))
        .collect()
}

/// Reads a body as a JSON object: `application/json`, or what a merge patch is called (RFC 7396).
pub(super) async fn object(
    headers: &HeaderMap,
    body: Body,
) -> Result<(Map<String, Value>, Vec<u8>), Problem> {
    let kind = media_type(headers);
    if kind != "application/json" && kind != "application/merge-patch+json" {
        let sentence = "Please send application/json, or application/merge-patch+json to change something.";
        return Err(Problem::of_another_kind(sentence));
    }
    let bytes = bytes(body).await;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok((fields, bytes)),
        Ok(_) => Err(Problem::unreadable("Please send a JSON object.")),
        Err(error) => Err(Problem::unreadable(format!("This is no JSON: {error}."))),
    }
}

/// A body. It was read, and its size checked, before it came here.
pub(super) async fn bytes(body: Body) -> Vec<u8> {
    to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec()
}

fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// The fields as a form has them. What is unknown, or written in another shape, is refused by name.
pub(super) fn values<T: Input>(object: &Map<String, Value>) -> Result<Values, AppError> {
    by_shape::<T>(object, &shapes::<T>())
}

fn by_shape<T: Input>(
    object: &Map<String, Value>,
    shapes: &BTreeMap<String, Shape>,
) -> Result<Values, AppError> {
    let mut errors = FieldErrors::default();
    let mut values = Values::default();
    for (name, value) in object {
        let read = match shapes.get(name) {
            None => Err("There is no such field.".to_owned()),
            Some(Shape::Text) => text_of(value),
            Some(Shape::Texts) => texts_of(name, value, &mut errors),
            Some(Shape::Number) => number_of(value),
            Some(Shape::Flag) => flag_of(value),
        };
        if let Some(text) = errors.take(&escaped(name), read) {
            let named = T::NAMES.iter().find(|(json, _)| json == name);
            values.set(named.map_or(name.as_str(), |(_, form)| form), text);
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors.into())
    }
}

/// The fields of a new record: null says no more than silence (RFC 7396).
pub(super) fn fresh<T: Input>(mut object: Map<String, Value>) -> Result<Values, AppError> {
    let shapes = shapes::<T>();
    object.retain(|name, value| !value.is_null() || !shapes.contains_key(name));
    by_shape::<T>(&object, &shapes)
}

/// A form as it stands, with what was sent over it.
pub(super) fn over(mut stands: Values, sent: Values) -> Values {
    stands.0.extend(sent.0);
    stands
}

/// What a program posts to have something made.
pub(super) struct Posted {
    key: Option<String>,
    object: Map<String, Value>,
    bytes: Vec<u8>,
}

impl Posted {
    /// Reads it.
    pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let key = idempotency_key(&parts.headers)?;
        let (object, bytes) = object(&parts.headers, body).await?;
        Ok(Self { key, object, bytes })
    }

    /// The fields, as those of a new record.
    pub(super) fn fields<T: Input>(&mut self) -> Result<Values, AppError> {
        fresh::<T>(self.object())
    }

    /// The object that was sent.
    pub(super) fn object(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.object)
    }

    /// The Idempotency-Key, if one was sent.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The id of what is made: the same whenever it is asked for under one Idempotency-Key.
    pub(super) async fn id<T: From<Uuid>>(&self, by: &Caller) -> Result<T, AppError> {
        match &self.key {
            Some(key) => Ok(T::from(tell(api_key::record_for(by, key, &self.bytes).await)?)),
            None => Ok(by.ctx.clock().new_id()),
        }
    }
}

/// An error of a form under the names of the API.
pub(super) fn named<T: Input>(error: AppError) -> AppError {
    match error {
        AppError::Invalid { fields } => {
            let mut errors = FieldErrors::default();
            for (field, why) in fields.0 {
                errors.add(T::name_of(&field), why);
            }
            errors.into()
        }
        AppError::Conflict { version, mut fields } => {
            for field in &mut fields {
                field.field = T::name_of(&field.field).to_owned();
            }
            AppError::Conflict { version, fields }
        }
        error => error,
    }
}

/// A name as a JSON pointer has it (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err("Please send a text, or null for nothing.".to_owned()),
    }
}

fn number_of(value: &Value) -> Result<String, String> {
    match value.as_i64() {
        Some(number) => Ok(number.to_string()),
        None => Err("Please send a whole number.".to_owned()),
    }
}

fn flag_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(true) => Ok("on".to_owned()),
        Value::Bool(false) | Value::Null => Ok(String::new()),
        _ => Err("Please send true or false.".to_owned()),
    }
}

/// An array of lines, one below the other: an entry that has several is refused where it stands.
fn texts_of(name: &str, value: &Value, errors: &mut FieldErrors) -> Result<String, String> {
    let sentence = "Please send an array of texts.";
    let entries = match value {
        Value::Null => return Ok(String::new()),
        Value::Array(entries) => entries,
        _ => return Err(sentence.to_owned()),
    };
    let mut lines = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let line = match entry {
            Value::String(line) if name == "tags" && line.contains(',') => {
                Err("A tag has no comma in it.".to_owned())
            }
            Value::String(line) => text::line(line),
            _ => Err("Please send a text.".to_owned()),
        };
        lines.extend(errors.take(&format!("{name}/{place}"), line));
    }
    Ok(lines.join("\n"))
}

/// As which version a write saw what it changes: what If-Match says (RFC 9110).
pub(super) fn seen(headers: &HeaderMap) -> Result<Seen, AppError> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(Seen::Latest);
    };
    let wrong = || AppError::invalid("If-Match", "Please send one ETag as it was received, or *.");
    let value = value.to_str().map_err(|_| wrong())?.trim();
    if value == "*" {
        return Ok(Seen::Latest);
    }
    // A weak tag matches nothing: no version is 0.
    let version = match value.strip_prefix("W/") {
        Some(weak) => version_of(weak).map(|_| 0),
        None => version_of(value),
    };
    Ok(Seen::Exactly(version.ok_or_else(wrong)?))
}

/// Whether the asker has this version already (If-None-Match).
pub(super) fn has(headers: &HeaderMap, version: i64) -> bool {
    let given = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        given
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || version_of(tag) == Some(version))
    })
}

/// The tag of a version.
pub(super) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

fn version_of(tag: &str) -> Option<i64> {
    let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    (version > 0).then_some(version)
}

/// The Idempotency-Key, if one was sent.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, AppError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim().trim_matches('"');
    let printable = key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if key.is_empty() || key.len() > KEY_MAX || !printable {
        let sentence = format!("Please send 1 to {KEY_MAX} printable characters.");
        return Err(AppError::invalid("Idempotency-Key", sentence));
    }
    Ok(Some(key.to_owned()))
}

/// The parameters of an address, those that the description knows.
pub(super) struct Parameters {
    given: BTreeMap<String, String>,
    errors: FieldErrors,
}

impl Parameters {
    /// Reads them. What is not known, and what is sent twice, is wrong.
    pub(super) fn of<T: IntoParams>(uri: &Uri) -> Self {
        let known = T::into_params(|| Some(ParameterIn::Query));
        let mut parameters = Self {
            given: BTreeMap::new(),
            errors: FieldErrors::default(),
        };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !known.iter().any(|parameter| parameter.name == name) {
                parameters.errors.add(&name, "There is no such parameter.");
            } else if parameters.given.contains_key(name.as_ref()) {
                parameters.errors.add(&name, "Please send it once.");
            } else {
                parameters.given.insert(name.into_owned(), value.into_owned());
            }
        }
        parameters
    }

    /// What was sent for one; what cannot be read is wrong.
    pub(super) fn take<T, E: Into<String>>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let given = self.given.get(name)?;
        self.errors.take(name, read(given))
    }

    /// What was sent for one that can be read from a text.
    pub(super) fn read<T: std::str::FromStr>(&mut self, name: &str, sentence: &str) -> Option<T> {
        self.take(name, |given| given.parse().map_err(|_| sentence))
    }

    /// One without which the question makes no sense.
    pub(super) fn need(&mut self, name: &str, sentence: &str) {
        if !self.given.contains_key(name) {
            self.errors.add(name, sentence);
        }
    }

    /// As it was sent; empty when it was not.
    pub(super) fn text(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    /// Notes what is wrong.
    pub(super) fn wrong(&mut self, errors: FieldErrors) {
        for (name, why) in errors.0 {
            self.errors.add(&name, why);
        }
    }

    /// Says no unless all of them are right.
    pub(super) fn check(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::parameters(self.errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "it describes what is read field by field")]
    struct Sample {
        name: Option<String>,
        company_id: Option<Uuid>,
        emails: Option<Vec<String>>,
        tags: Option<Vec<String>>,
        minutes: Option<u16>,
        atomic: Option<bool>,
    }

    impl Input for Sample {
        const NAMES: &'static [(&'static str, &'static str)] = &[("company_id", "company")];
    }

    fn read(value: Value) -> Result<Values, AppError> {
        let Value::Object(object) = value else {
            unreachable!("an object")
        };
        values::<Sample>(&object)
    }

    #[test]
    fn what_is_known_is_read_and_what_is_not_is_refused_by_name() {
        let values = read(json!({
            "name": null, "company_id": "x", "emails": ["a@x", "b@x"], "minutes": 30, "atomic": true
        }))
        .unwrap();
        let expected = [
            ("atomic", "on"),
            ("company", "x"),
            ("emails", "a@x\nb@x"),
            ("minutes", "30"),
            ("name", ""),
        ];
        assert_eq!(values, expected.into_iter().collect());
        let Err(AppError::Invalid { fields }) = read(json!({
            "nme": "x", "a/b": 1, "name": 7, "emails": ["a@x", 3, "b\nc"], "tags": ["a,b"], "minutes": "30",
            "atomic": 1, "company": "x"
        })) else {
            unreachable!("it is wrong");
        };
        let wrong: Vec<&String> = fields.0.keys().collect();
        assert_eq!(
            wrong,
            [
                "atomic", "a~1b", "company", "emails/1", "emails/2", "minutes", "name", "nme", "tags/0"
            ]
        );
    }

    #[test]
    fn an_error_of_the_form_names_the_field_as_it_was_sent() {
        let error = AppError::invalid("company", "Please pick one.");
        assert_eq!(
            named::<Sample>(error),
            AppError::invalid("company_id", "Please pick one.")
        );
    }

    #[derive(IntoParams)]
    #[expect(dead_code, reason = "it describes what is read by name")]
    struct Asked {
        size: Option<u16>,
        before: Option<String>,
    }

    #[test]
    fn parameters_are_those_that_are_described_each_once() {
        let asked = |query: &str| {
            let uri: Uri = format!("/?{query}").parse().unwrap();
            let mut parameters = Parameters::of::<Asked>(&uri);
            let size: Option<u16> = parameters.read("size", "Please send a number.");
            (size, parameters.check().is_ok())
        };
        assert_eq!(asked("size=7&before=x"), (Some(7), true));
        assert_eq!(asked(""), (None, true));
        for wrong in ["size=x", "size=", "size=1&size=1", "after=1"] {
            assert!(!asked(wrong).1, "{wrong}");
        }
    }

    #[test]
    fn a_version_is_read_from_its_tag_and_from_nothing_else() {
        let seen_by = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, HeaderValue::from_static(value));
            seen(&headers)
        };
        assert_eq!(seen_by("\"7\""), Ok(Seen::Exactly(7)));
        assert_eq!(seen_by("*"), Ok(Seen::Latest));
        assert_eq!(seen(&HeaderMap::new()), Ok(Seen::Latest));
        assert_eq!(seen_by("W/\"7\""), Ok(Seen::Exactly(0)));
        for wrong in ["7", "\"0\"", "\"x\"", "\"1\", \"2\"", "W/7"] {
            assert!(seen_by(wrong).is_err(), "{wrong}");
        }
    }
}
