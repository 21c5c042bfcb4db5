//! How a save merges with what others saved since: field by field.

use std::collections::BTreeMap;

use rapport_domain::{
    error::{AppError, FieldConflict},
    journal::Receipt,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Result,
    journal::{Change, Fields, RecordKind},
};

/// The change of a record from what is stored to what is wanted; none where nothing differs.
pub(crate) fn update(kind: RecordKind, id: Uuid, stored: &Fields, wanted: Fields) -> Option<Change> {
    let fields = wanted.into_iter().map(|(column, value)| {
        let was = stored.get(&column).cloned().unwrap_or(Value::Null);
        (column, was, value)
    });
    Change::update(kind, id, id, fields)
}

/// The fields of a change that others changed since.
pub(crate) fn disputed(
    change: &Change,
    theirs: &BTreeMap<String, Option<String>>,
    stored: &Fields,
) -> Vec<FieldConflict> {
    let disputed = change
        .after
        .iter()
        .filter(|(field, _)| theirs.contains_key(*field));
    disputed
        .map(|(field, mine)| FieldConflict {
            field: field.clone(),
            mine: said(mine),
            theirs: stored.get(field).map(said).unwrap_or_default(),
            by: theirs.get(field).cloned().flatten(),
        })
        .collect()
}

/// Refuses fields in dispute, if there are any.
///
/// # Errors
/// [`AppError::Conflict`].
pub(crate) fn refuse(fields: Vec<FieldConflict>, version: i64) -> Result<()> {
    if fields.is_empty() {
        Ok(())
    } else {
        Err(AppError::Conflict { version, fields }.into())
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(list) => list.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The receipt of a save that had nothing to write.
pub(crate) fn unchanged(record: Uuid, version: i64) -> Receipt {
    Receipt {
        record,
        version,
        batch: None,
    }
}
