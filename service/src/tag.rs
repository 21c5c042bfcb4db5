//! The tags of customers: which there are, and what is changed about one everywhere.

use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::BatchId,
    journal::Op,
    tag::{COUNTED, Retag, Tag},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::require,
    bulk::{self, Plan, Taken},
    database::{Lock, lock},
    journal::{Change, Command, RecordKind},
    sql::{Sql, sql},
};

/// Tags that are told.
const TOLD: i64 = 500;
/// Names that are looked at for them: some may be in use no more.
const LOOKED: i64 = 2_000;

#[derive(FromQueryResult)]
struct Row {
    name: String,
    customers: i64,
}

/// The tags that customers have, by name.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not change the settings.
pub async fn all(ctx: &Ctx) -> Result<Vec<Tag>> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let statement = sql(
        "SELECT t.name, k.customers FROM (SELECT DISTINCT name FROM tag ORDER BY name LIMIT $3) AS t CROSS JOIN LATERAL \
            (SELECT count(*) AS customers FROM (SELECT 1 FROM customer c \
             WHERE c.tags @> ARRAY[t.name] AND c.deleted_at IS NULL LIMIT $1) AS found) AS k \
         WHERE k.customers > 0 ORDER BY lower(t.name), t.name LIMIT $2",
        [
            i64::try_from(COUNTED).unwrap_or(i64::MAX).into(),
            TOLD.into(),
            LOOKED.into(),
        ],
    );
    let rows = Row::find_by_statement(statement).all(ctx.db()).await?;
    let tags = rows.into_iter().map(|row| Tag {
        name: row.name,
        customers: row.customers.unsigned_abs(),
    });
    Ok(tags.collect())
}

/// What changing a tag came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retagged {
    /// The command; nothing when the name stays.
    pub batch: Option<BatchId>,
    /// How many customers were changed, those in the trash among them.
    pub customers: u64,
    /// Whether they are so many that they are changed in the background.
    pub in_background: bool,
}

/// Calls a tag otherwise, or takes it away, with all customers that have it.
///
/// # Errors
/// [`AppError::Forbidden`] for who may not change the settings; [`AppError::NotFound`] when no customer has it;
/// [`AppError::Refused`] while another one is changed in the background.
pub async fn change(ctx: &Ctx, retag: Retag) -> Result<Retagged> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    if retag.to.as_ref() == Some(&retag.from) {
        return Ok(Retagged {
            batch: None,
            customers: 0,
            in_background: false,
        });
    }
    let name = if retag.to.is_some() {
        "rename tag"
    } else {
        "remove tag"
    };
    let command = Command::of(ctx, name).with_detail(json!({ "tag": retag.from, "to": retag.to }));
    let tx = ctx.db().begin().await?;
    lock(&tx, Lock::Tags).await?;
    // Two that turn a tag to and fro would never end.
    let open = sql(
        "SELECT 1 FROM job WHERE kind = 'retag' AND state IN ('waiting', 'running')",
        [],
    );
    if tx.query_one_raw(open).await?.is_some() {
        let reason = "Another tag is just being changed. Please try again when that is through.";
        return Err(AppError::refused(reason).into());
    }
    let written = bulk::write(&tx, ctx, command, Vec::new(), Some(Plan::Retag(retag))).await?;
    if written.customers == 0 && !written.in_background {
        return Err(AppError::NotFound.into());
    }
    tx.commit().await?;
    Ok(Retagged {
        batch: Some(written.batch),
        customers: written.customers,
        in_background: written.in_background,
    })
}

#[derive(FromQueryResult)]
struct Tagged {
    id: Uuid,
    tags: Vec<String>,
}

/// Asks for the customers that have the tag still, those in the trash among them.
pub(crate) fn left(retag: &Retag, most: i64) -> Statement {
    let mut sql = Sql::new("SELECT id FROM customer WHERE tags @> ARRAY[");
    sql.bind(retag.from.clone()).push("::text]").limit(most);
    sql.done()
}

/// The changes of those among these customers that have the tag still, which are held still.
pub(crate) async fn of_these(
    retag: &Retag,
    tx: &DatabaseTransaction,
    customers: Vec<Uuid>,
    taken: Taken,
) -> Result<Vec<Change>> {
    let text = format!(
        "SELECT id, tags FROM customer WHERE id = ANY($2) AND tags @> ARRAY[$1::text] ORDER BY id {}",
        taken.lock()
    );
    let statement = sql(&text, [retag.from.clone().into(), customers.into()]);
    let tagged = Tagged::find_by_statement(statement).all(tx).await?;
    let changes = tagged.into_iter().map(|customer| {
        let mut change = Change::bare(RecordKind::Customer, customer.id, customer.id, Op::Update);
        change
            .after
            .insert("tags".to_owned(), json!(retag.of(&customer.tags)));
        change.before.insert("tags".to_owned(), json!(customer.tags));
        change
    });
    Ok(changes.collect())
}
