//! What others changed about a record since somebody saw it.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::RecordKind;
use crate::{Ctx, Result, sql::sql};

#[derive(FromQueryResult)]
struct Since {
    fields: Vec<String>,
    by: Option<String>,
}

/// The fields of a record that somebody else changed since a version of it, each with who did it last, by name. An
/// appointment that was handed over by an older program stands under itself there, not under its customer.
pub(crate) async fn changed_since(
    db: &impl ConnectionTrait,
    ctx: &Ctx,
    kind: RecordKind,
    record: Uuid,
    subject: Uuid,
    seen: i64,
) -> Result<BTreeMap<String, Option<String>>> {
    let statement = sql(
        "SELECT u.name AS by, ARRAY(SELECT jsonb_object_keys(c.after)) AS fields \
         FROM change c JOIN batch b ON b.id = c.batch LEFT JOIN app_user u ON u.id = b.actor \
         WHERE c.subject IN ($1, $2) AND c.record = $2 AND c.kind = $3 AND c.version > $4 AND c.op = 'update' \
           AND b.actor IS DISTINCT FROM $5 ORDER BY c.seq",
        [
            subject.into(),
            record.into(),
            kind.word().into(),
            seen.into(),
            ctx.actor().user.0.into(),
        ],
    );
    let since = Since::find_by_statement(statement).all(db).await?;
    let changed = since.into_iter().flat_map(|since| {
        let by = since.by;
        let fields = since.fields.into_iter();
        fields.map(move |field| (kind.field_of(&field).to_owned(), by.clone()))
    });
    Ok(changed.collect())
}
