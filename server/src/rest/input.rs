//! What a program sends: a JSON object whose fields are known by name, the headers of a write, the parameters of a list.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use http::{
    HeaderMap,
    header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH},
};
use rapport_domain::{
    error::{AppError, FieldErrors},
    form::Values,
    text,
};
use rapport_service::customer::command::Seen;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::BODY_MAX;

/// The longest Idempotency-Key.
const KEY_MAX: usize = 200;

/// How a field is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text, or null for nothing.
    Text,
    /// An array of texts.
    Texts,
}

/// Reads the body as a JSON object: `application/json`, or what a merge patch is called (RFC 7396).
pub(super) async fn object(
    headers: &HeaderMap,
    body: Body,
) -> Result<(Map<String, Value>, Vec<u8>), Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind != "application/json" && kind != "application/merge-patch+json" {
        let sentence = "Please send application/json, or application/merge-patch+json to change something.";
        return Err(Problem::of_another_kind(sentence));
    }
    // The body was read, and its size checked, before it came here.
    let bytes = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok((fields, bytes.to_vec())),
        Ok(_) => Err(Problem::unreadable("Please send a JSON object.")),
        Err(error) => Err(Problem::unreadable(format!("This is no JSON: {error}."))),
    }
}

/// The fields as a form has them. What is unknown, or written in another shape, is refused by name.
pub(super) fn fields(
    object: &Map<String, Value>,
    known: impl Fn(&str) -> Option<Shape>,
) -> Result<Values, AppError> {
    let mut errors = FieldErrors::default();
    let mut values = BTreeMap::new();
    for (name, value) in object {
        let read = match known(name) {
            None => Err("There is no such field.".to_owned()),
            Some(Shape::Text) => text_of(value).map_err(|why| why.to_owned()),
            Some(Shape::Texts) => texts_of(name, value, &mut errors),
        };
        if let Some(text) = errors.take(&escaped(name), read) {
            values.insert(name.clone(), text);
        }
    }
    if errors.is_empty() {
        Ok(Values(values))
    } else {
        Err(errors.into())
    }
}

/// A name as a JSON pointer has it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err("Please send a text, or null for nothing."),
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
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, AppError> {
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

/// Says no to parameters of the address that nobody knows.
pub(super) fn known_parameters(query: &str, known: &[&str]) -> Result<(), Problem> {
    let mut errors = FieldErrors::default();
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&name.as_ref()) {
            errors.add(&name, "There is no such parameter.");
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::parameters(errors))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Values, AppError> {
        let Value::Object(object) = value else {
            unreachable!("an object")
        };
        fields(&object, |name| match name {
            "name" => Some(Shape::Text),
            "emails" | "tags" => Some(Shape::Texts),
            _ => None,
        })
    }

    #[test]
    fn what_is_known_is_read_and_what_is_not_is_refused_by_name() {
        let values = read(json!({"name": null, "emails": ["a@x", "b@x"]})).unwrap();
        assert_eq!(
            (values.has("name"), values.get("name"), values.get("emails")),
            (true, "", "a@x\nb@x")
        );
        let Err(AppError::Invalid { fields }) = read(json!({
            "nme": "x", "a/b": 1, "name": 7, "emails": ["a@x", 3, "b\nc"], "tags": ["a,b"]
        })) else {
            unreachable!("it is wrong");
        };
        let wrong: Vec<&String> = fields.0.keys().collect();
        assert_eq!(wrong, ["a~1b", "emails/1", "emails/2", "name", "nme", "tags/0"]);
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
