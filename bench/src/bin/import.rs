//! Brings a generated file in, and beside it the same rows by set-based SQL, in databases of their own:
//!
//! `script/bench import 100000`
//!
//! Ends with 1 when a count is off or the budget is passed.

use std::{process::ExitCode, time::Instant};

use rapport_bench::{Result, ended, process, say};
use rapport_domain::access::BuiltInRole;
use rapport_service::{
    import::{self, NewImport, Wishes},
    job::Worker,
};
use rapport_testing::{House, Sheet};
use sea_orm::sqlx::{self, Connection, PgConnection};
use uuid::Uuid;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// At most so many times as long as by SQL.
const BUDGET: f64 = 2.0;
/// Rows that are handed to PostgreSQL at once by the SQL.
const HANDED: usize = 10_000;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let rows = match std::env::args().nth(1) {
        Some(rows) => rows
            .parse()
            .map_err(|_| "please say how many rows, such as 100000")?,
        None => 100_000,
    };
    let sheet = Sheet::new(rows);
    say(&format!(
        "{rows} rows, {} MB: {} people, {} rows twice, {} broken.",
        sheet.size() >> 20,
        sheet.people(),
        sheet.again(),
        sheet.broken()
    ));
    let (ours, right) = by_import(&sheet).await?;
    let (sql, same) = by_sql(&sheet).await?;
    let ratio = ours / sql;
    say(&format!("import / SQL: {ratio:.2} (budget {BUDGET})"));
    Ok(right && same && ratio <= BUDGET)
}

/// Brings the file in as everybody does. Gives the seconds, and whether all counts are right.
async fn by_import(sheet: &Sheet) -> Result<(f64, bool)> {
    let house = House::new().await;
    let team = house.team("Sales").await;
    let ctx = house
        .acting(house.user(BuiltInRole::Admin, Some(team)).await)
        .await;
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: "people.csv".to_owned(),
        size: sheet.size(),
        stamp: 0,
    };
    let before = process::resident(std::process::id())?.1;
    let began = Instant::now();
    let id = import::stage(&ctx, new, sheet.clone(), Wishes::default()).await?;
    let staged = began.elapsed().as_secs_f64();
    import::run(&ctx, id).await?;
    Worker::new(&house.service).work_off().await?;
    let seconds = began.elapsed().as_secs_f64();
    let after = process::resident(std::process::id())?.1;
    let report = import::outcome(&ctx, id).await?;
    say(&format!(
        "import: {seconds:.1} s ({staged:.1} s of it to put the file up), {:.0} rows/s, peak memory {before} MB before, \
         {after} MB after",
        rate(report.rows, seconds)
    ));
    let people = sheet.people();
    let counted = [
        ("rows", report.rows, people + sheet.again() + sheet.broken()),
        ("people made", report.created_people, people),
        ("rows unchanged", report.unchanged_rows, sheet.again()),
        ("rows with problems", report.problem_rows, sheet.broken()),
    ];
    let mut right = true;
    for (what, is, should) in counted {
        right &= is_right(what, is, should);
    }
    Ok((seconds, right & stands(&house, people).await?))
}

/// Brings the same people in by SQL, without looking for anybody who is here. Gives the seconds, and whether all counts
/// are right.
async fn by_sql(sheet: &Sheet) -> Result<(f64, bool)> {
    let house = House::new().await;
    let team = house.team("Sales").await;
    let user = house.user(BuiltInRole::Admin, Some(team)).await;
    let mut connection = PgConnection::connect(&house.database.url()).await?;
    sqlx::raw_sql(STAGE).execute(&mut connection).await?;
    let began = Instant::now();
    hand_over(&house, &mut connection, sheet).await?;
    let staged = began.elapsed().as_secs_f64();
    let mut tx = connection.begin().await?;
    let batch: Uuid = house.clock.new_id();
    sqlx::query(WHO)
        .bind(user.0)
        .bind(team.0)
        .bind(batch)
        .execute(&mut *tx)
        .await?;
    for statement in WRITE {
        sqlx::raw_sql(statement).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!(
        "SQL: {seconds:.1} s ({staged:.1} s of it to hand the rows over), {:.0} people/s",
        rate(sheet.people(), seconds)
    ));
    Ok((seconds, stands(&house, sheet.people()).await?))
}

/// The people as a table, with an id for each of their records.
const STAGE: &str = "CREATE UNLOGGED TABLE staged (id uuid, mail_id uuid, phone_id uuid, ref_id uuid, \
    key text, name text, mail text, phone text, street text, city text)";

/// Who makes them, and under which batch.
const WHO: &str =
    "CREATE TEMPORARY TABLE who AS SELECT $1::uuid AS owner, $2::uuid AS team, $3::uuid AS batch";

/// What the journal writes for an import, each time for all rows at once.
const WRITE: [&str; 6] = [
    "INSERT INTO contact_point (id, customer_id, kind, value, normalised, position) \
     SELECT mail_id, id, 'email', mail, mail, 0 FROM staged UNION ALL \
     SELECT phone_id, id, 'phone', phone, replace(phone, ' ', ''), 0 FROM staged",
    "INSERT INTO customer (id, kind, stage, name, owner_id, team_id, street, city, created_at, updated_at) \
     SELECT id, 'person', 'customer', name, owner, team, street, city, now(), now() FROM staged, who",
    "INSERT INTO external_ref (id, customer_id, source, key) SELECT ref_id, id, 'people', key FROM staged",
    "INSERT INTO batch (id, actor, via, command, at, state, undoable) \
     SELECT batch, owner, 'import', 'import customers', now(), 'done', true FROM who",
    "INSERT INTO change (batch, kind, record, subject, version, op, owner, team, at, after, line) \
     SELECT batch, w.kind, w.record, id, 1, 'create', owner, team, now(), w.after, 1 FROM who, staged, LATERAL (VALUES \
       ('contact_point', mail_id, jsonb_build_object('customer_id', id, 'kind', 'email', 'value', mail, \
          'normalised', mail, 'label', '', 'position', 0)), \
       ('contact_point', phone_id, jsonb_build_object('customer_id', id, 'kind', 'phone', 'value', phone, \
          'normalised', replace(phone, ' ', ''), 'label', '', 'position', 0)), \
       ('customer', id, jsonb_build_object('kind', 'person', 'stage', 'customer', 'name', name, 'street', street, \
          'city', city, 'owner_id', owner, 'team_id', team)), \
       ('external_ref', ref_id, jsonb_build_object('customer_id', id, 'source', 'people', 'key', key))) \
       AS w (kind, record, after)",
    "DROP TABLE staged",
];

/// Fills the staged table.
async fn hand_over(house: &House, connection: &mut PgConnection, sheet: &Sheet) -> Result<()> {
    let insert = "INSERT INTO staged SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], \
        $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])";
    let mut persons = sheet.persons();
    loop {
        let some: Vec<[String; 6]> = persons.by_ref().take(HANDED).collect();
        if some.is_empty() {
            return Ok(());
        }
        let mut query = sqlx::query(insert);
        for _ in 0..4 {
            let ids: Vec<Uuid> = some.iter().map(|_| house.clock.new_id()).collect();
            query = query.bind(ids);
        }
        for column in 0..6 {
            let values: Vec<String> = some
                .iter()
                .filter_map(|person| person.get(column).cloned())
                .collect();
            query = query.bind(values);
        }
        query.execute(&mut *connection).await?;
    }
}

/// Whether the tables hold what so many people are.
async fn stands(house: &House, people: u64) -> Result<bool> {
    let mut right = true;
    for (table, should) in [
        ("customer", people),
        ("contact_point", 2 * people),
        ("external_ref", people),
        ("change WHERE line IS NOT NULL", 4 * people),
    ] {
        let is = house
            .database
            .read(&format!("SELECT count(*)::text FROM {table}"))
            .await;
        right &= is_right(table, is.parse()?, should);
    }
    Ok(right)
}

fn is_right(what: &str, is: u64, should: u64) -> bool {
    if is != should {
        say(&format!("WRONG: {what}: {is} instead of {should}"));
    }
    is == should
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(rows: u64, seconds: f64) -> f64 {
    rows as f64 / seconds
}
