//! Brings a file of customers in: one batch, chunk by chunk, each chunk a transaction.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use rapport_domain::{
    access::{Ability, Kind},
    customer::{Field, FieldValue},
    error::AppError,
    id::{CustomerId, TeamId, UserId},
    import::{Dialect, Draft, FileError, ImportReport, Mapped, Mapping, Reader, source_of},
    journal::Op,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Result,
    access::scope,
    customer::contact::{self, Wanted},
    journal::{self, Batch, Change, Command, Fields, RecordKind, State},
    sql::sql,
};

/// Rows in one transaction.
const CHUNK: usize = 1_000;

/// Imports customers from a CSV file. The actor owns what is made.
///
/// A row that the source's reference knows already is left alone; one whose record lies in the trash is brought back.
/// Rows that cannot be read are in the report, by line; the rest is in.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to make customers; [`AppError::Invalid`] on `file` when it cannot be read
/// at all. What was written before an error stays, under a batch that can be taken back.
pub async fn customers(
    ctx: &Ctx,
    file: &str,
    source: Option<&str>,
    bytes: impl Read,
) -> Result<ImportReport> {
    let creates = scope(ctx, Kind::Customer, Ability::Create)?;
    if !creates.holds(Some(ctx.actor().user), ctx.actor().team) {
        return Err(AppError::Forbidden.into());
    }
    let source = source.map_or_else(|| source_of(file), str::to_owned);
    let reader = Reader::new(bytes, Dialect::default()).map_err(|error| unreadable(&error))?;
    let mapping = Mapping::guess(reader.headers(), &source);
    mapping
        .check()
        .map_err(|sentence| AppError::invalid("file", sentence))?;
    let mut run = Run {
        ctx,
        command: Command::of(ctx, "import customers").with_detail(json!({ "file": file })),
        source,
        batch: None,
        report: ImportReport {
            file: file.to_owned(),
            ignored_columns: mapping.ignored(),
            ..ImportReport::default()
        },
    };
    let done = run.all(reader, &mapping).await;
    run.close(done).await
}

fn unreadable(error: &FileError) -> AppError {
    AppError::invalid("file", error.to_string())
}

struct Run<'a> {
    ctx: &'a Ctx,
    command: Command,
    source: String,
    batch: Option<Batch>,
    report: ImportReport,
}

/// A record that the source knows.
#[derive(FromQueryResult)]
struct Known {
    key: String,
    id: Uuid,
    deleted: bool,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

impl Run<'_> {
    async fn all(&mut self, mut reader: Reader<impl Read>, mapping: &Mapping) -> Result<()> {
        loop {
            let mut chunk = Vec::new();
            while chunk.len() < CHUNK {
                let Some(row) = reader.read().map_err(|error| unreadable(&error))? else {
                    break;
                };
                self.report.rows += 1;
                match row.and_then(|row| mapping.map(row)) {
                    Ok(mapped) => chunk.push(mapped),
                    Err(row) => self.report.add_unreadable(&row),
                }
            }
            if chunk.is_empty() {
                return Ok(());
            }
            self.chunk(chunk).await?;
        }
    }

    async fn chunk(&mut self, rows: Vec<Mapped>) -> Result<()> {
        let tx = self.ctx.db().begin().await?;
        // The same file twice at once: the second waits for each chunk and then finds its rows known.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))";
        tx.execute_raw(sql(lock, [self.source.as_str().into()])).await?;
        let known = self.known(&tx, &rows).await?;
        let mut counts = Counts::default();
        let mut changes = Vec::new();
        let mut taken = HashSet::new();
        for row in rows {
            let key = row.reference.as_ref().map(|reference| reference.key.clone());
            let again = key.as_ref().is_some_and(|key| !taken.insert(key.clone()));
            match key.as_ref().and_then(|key| known.get(key)) {
                Some(record) if record.deleted && !again && self.may_restore(record) => {
                    counts.restored += 1;
                    let person = key.as_deref().map(person_key).and_then(|key| known.get(&key));
                    let lost = [Some(record), person]
                        .into_iter()
                        .flatten()
                        .filter(|record| record.deleted);
                    changes.extend(
                        lost.map(|lost| Change::bare(RecordKind::Customer, lost.id, lost.id, Op::Restore)),
                    );
                }
                Some(_) => counts.unchanged += 1,
                None if again => counts.unchanged += 1,
                None => self.make(row, &mut counts, &mut changes),
            }
        }
        let opened = if changes.is_empty() {
            None
        } else {
            self.write(&tx, changes).await?
        };
        tx.commit().await?;
        // Only now: a chunk that failed was not taken, and a batch that it opened does not exist.
        self.batch = opened.or(self.batch.take());
        self.report.created_companies += counts.companies;
        self.report.created_people += counts.people;
        self.report.unchanged += counts.unchanged;
        self.report.restored += counts.restored;
        Ok(())
    }

    /// Writes a chunk; gives the batch if this chunk opened it.
    async fn write(&self, tx: &DatabaseTransaction, changes: Vec<Change>) -> Result<Option<Batch>> {
        if let Some(batch) = &self.batch {
            journal::append(tx, batch, changes).await?;
            return Ok(None);
        }
        let batch = journal::open(tx, self.ctx.clock().new_id(), &self.command, State::Running).await?;
        journal::append(tx, &batch, changes).await?;
        Ok(Some(batch))
    }

    async fn known(&self, tx: &DatabaseTransaction, rows: &[Mapped]) -> Result<HashMap<String, Known>> {
        let keys: Vec<String> = rows
            .iter()
            .filter_map(|row| row.reference.as_ref())
            .flat_map(|reference| [reference.key.clone(), person_key(&reference.key)])
            .collect();
        let known = Known::find_by_statement(sql(
            "SELECT r.key, c.id, c.deleted_at IS NOT NULL AS deleted, c.owner_id AS owner, c.team_id AS team \
             FROM external_ref r JOIN customer c ON c.id = r.customer_id WHERE r.source = $1 AND r.key = ANY($2)",
            [self.source.as_str().into(), keys.into()],
        ))
        .all(tx)
        .await?;
        Ok(known
            .into_iter()
            .map(|record| (record.key.clone(), record))
            .collect())
    }

    fn may_restore(&self, record: &Known) -> bool {
        let reach = self.ctx.actor().scope(Kind::Customer, Ability::Delete);
        reach.holds(record.owner.map(UserId), record.team.map(TeamId))
    }

    fn make(&self, row: Mapped, counts: &mut Counts, changes: &mut Vec<Change>) {
        let key = row.reference.map(|reference| reference.key);
        let mut company = None;
        if let Some(draft) = row.company {
            counts.companies += 1;
            company = Some(self.record(&draft, key.as_deref(), None, changes));
        }
        if let Some(draft) = row.person {
            counts.people += 1;
            // The row's reference is the company's; its contact person is known by a name derived from it.
            let key = key.map(|key| if company.is_some() { person_key(&key) } else { key });
            self.record(&draft, key.as_deref(), company, changes);
        }
    }

    fn record(
        &self,
        draft: &Draft,
        key: Option<&str>,
        company: Option<CustomerId>,
        changes: &mut Vec<Change>,
    ) -> CustomerId {
        let actor = self.ctx.actor();
        let id: CustomerId = self.ctx.clock().new_id();
        let mut after = Fields::new();
        for (field, value) in &draft.fields.0 {
            match (field.contact_kind(), value) {
                (Some(kind), FieldValue::List(values)) => {
                    let wanted = values.iter().map(|value| wanted(draft, *field, value)).collect();
                    changes.extend(contact::creations(self.ctx.clock(), id.0, kind, wanted));
                }
                (_, FieldValue::Id(id)) => drop(after.insert(field.word().to_owned(), json!(id))),
                (_, FieldValue::Text(text)) => drop(after.insert(field.word().to_owned(), json!(text))),
                (_, FieldValue::List(list)) => drop(after.insert(field.word().to_owned(), json!(list))),
                (_, FieldValue::Nothing) => {}
            }
        }
        after.insert("owner_id".to_owned(), json!(actor.user));
        after.insert("team_id".to_owned(), json!(actor.team));
        after.insert("company_id".to_owned(), json!(company));
        changes.push(Change::create(RecordKind::Customer, id.0, id.0, after));
        if let Some(key) = key {
            let reference = json!({ "customer_id": id, "source": self.source, "key": key });
            let fields = journal::fields(reference);
            changes.push(Change::create(
                RecordKind::ExternalRef,
                self.ctx.clock().new_id(),
                id.0,
                fields,
            ));
        }
        id
    }

    async fn close(mut self, done: Result<()>) -> Result<ImportReport> {
        if let Some(batch) = self.batch.take() {
            let state = if done.is_ok() { State::Done } else { State::Failed };
            journal::close(self.ctx.db(), &batch, state, self.counts()).await?;
            self.report.batch = Some(batch.id);
        }
        done.map(|()| self.report)
    }

    fn counts(&self) -> Value {
        json!({
            "rows": self.report.rows, "companies": self.report.created_companies,
            "people": self.report.created_people, "unchanged": self.report.unchanged,
            "restored": self.report.restored, "unreadable": self.report.unreadable_rows,
        })
    }
}

#[derive(Default)]
struct Counts {
    companies: u64,
    people: u64,
    unchanged: u64,
    restored: u64,
}

fn wanted(draft: &Draft, field: Field, value: &str) -> Wanted {
    Wanted {
        value: value.to_owned(),
        label: draft.label(field, value).to_owned(),
    }
}

/// The reference of a company's contact person, who has none of their own in the file.
fn person_key(company: &str) -> String {
    format!("{company}/contact")
}
