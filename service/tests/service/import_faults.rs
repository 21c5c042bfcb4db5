//! Faults in the middle of an import, and of its way back: nothing is lost, nothing is there twice.

use std::{fmt::Write, time::Duration};

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    id::{BatchId, ImportId},
    import::{ImportReport, ImportState},
    job::JobState,
};
use rapport_service::{
    Ctx, Service,
    import::{self, NewImport, PIECE_MAX},
    job::Worker,
    journal,
};
use rapport_testing::{Faults, eventually};

use crate::support::{World, staged, told};

const ROWS: u64 = 3_000;
/// A person and their e-mail address.
const RECORDS: u64 = 2;
/// Within this time of the end of a fault everything is through.
const THROUGH: Duration = Duration::from_secs(40);

/// Rows of people, one a line, with an e-mail address each.
fn people(rows: u64) -> String {
    let mut text = String::from("First name,Last name,E-mail,City\n");
    for row in 0..rows {
        let _ = writeln!(text, "Ada,Number {row},ada{row}@example.org,Bath");
    }
    text
}

/// A server's worker, until this is dropped.
struct AtWork(tokio::task::JoinHandle<()>);

impl AtWork {
    fn at(service: &Service) -> Self {
        let worker = Worker::new(service);
        Self(tokio::spawn(async move { worker.work().await }))
    }

    /// Dies as a server does that is killed: at whatever it is at.
    async fn die(self) {
        self.0.abort();
        eventually("it is dead", THROUGH, async || self.0.is_finished()).await;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn begun(ctx: &Ctx, text: &str) -> ImportId {
    let id = staged(ctx, "people.csv", text.as_bytes()).await;
    import::run(ctx, id).await.unwrap();
    id
}

/// Waits until some, but not all, of what is to come is in the tables.
async fn in_the_middle(world: &World, what: &str) {
    eventually("the first chunk is in", THROUGH, async || {
        world.count(what).await > 0
    })
    .await;
}

/// Lets time pass, so that leases and pauses are over, until nothing is left to do.
async fn through(world: &World) {
    let open = "job WHERE state IN ('waiting', 'running')";
    eventually("all work is through", THROUGH, async || {
        world.house.clock.advance(TimeDelta::seconds(2));
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.count(open).await == 0
    })
    .await;
}

/// Every row is in, once, in the tables and in the journal.
async fn all_are_in(world: &World, ctx: &Ctx, id: ImportId) {
    let view = import::get(ctx, id).await.unwrap();
    let report = view.report.unwrap();
    assert_eq!(view.state, ImportState::Done);
    assert_eq!(
        (report.rows, report.created_people, report.problem_rows),
        (ROWS, ROWS, 0)
    );
    assert_eq!(world.count("customer WHERE deleted_at IS NULL").await, ROWS);
    assert_eq!(world.count("contact_point").await, ROWS);
    let batch = report.batch.unwrap();
    assert_eq!(
        world.count(&format!("change WHERE batch = '{batch}'")).await,
        RECORDS * ROWS
    );
    assert_eq!(world.count("batch WHERE command = 'import customers'").await, 1);
    assert_eq!(world.count("import_piece").await, 0);
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Stopped,
    Frozen,
    RedisStopped,
}

impl Fault {
    const EVERY: [Self; 3] = [Self::Stopped, Self::Frozen, Self::RedisStopped];

    /// Strikes, and is over after a while.
    async fn strike(self, faults: &Faults) {
        match self {
            Self::Stopped => faults.postgres.break_off(),
            Self::Frozen => faults.postgres.freeze(),
            Self::RedisStopped => faults.redis.break_off(),
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        faults.postgres.restore();
    }
}

#[tokio::test]
async fn an_import_goes_on_after_a_fault_in_its_middle_and_makes_every_row_once() {
    for fault in Fault::EVERY {
        let (world, faults) = World::with_faults().await;
        let anna = world.acting(BuiltInRole::Member).await;
        let id = begun(&anna, &people(ROWS)).await;
        let _worker = AtWork::at(&world.house.service);
        in_the_middle(&world, "customer").await;
        assert!(world.count("customer").await < ROWS, "{fault:?} comes too late");

        fault.strike(&faults).await;

        through(&world).await;
        all_are_in(&world, &anna, id).await;
    }
}

#[tokio::test]
async fn an_import_whose_connection_was_lost_on_its_way_is_begun_again_by_the_same_server() {
    let (world, faults) = World::with_faults().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = begun(&anna, &people(ROWS)).await;
    let _worker = AtWork::at(&world.house.service);
    in_the_middle(&world, "customer").await;

    // Nobody is told, so the worker waits for an answer that never comes.
    faults.postgres.lose_connections();
    world.house.clock.advance(TimeDelta::seconds(80));

    through(&world).await;
    all_are_in(&world, &anna, id).await;
}

#[tokio::test]
async fn a_large_undo_goes_on_after_a_fault_in_its_middle_and_takes_back_every_row_once() {
    for fault in Fault::EVERY {
        let (world, faults) = World::with_faults().await;
        let anna = world.acting(BuiltInRole::Admin).await;
        let batch = brought_in(&world, &anna).await;
        assert!(journal::undo(&anna, batch).await.unwrap().in_background);
        let _worker = AtWork::at(&world.house.service);
        in_the_middle(&world, "customer WHERE deleted_at IS NOT NULL").await;
        assert!(
            world.count("customer WHERE deleted_at IS NULL").await > 0,
            "{fault:?}"
        );

        fault.strike(&faults).await;

        through(&world).await;
        all_are_back(&world, batch).await;
    }
}

#[tokio::test]
async fn a_large_undo_whose_server_died_is_taken_over_and_takes_back_every_row_once() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let batch = brought_in(&world, &anna).await;
    journal::undo(&anna, batch).await.unwrap();
    let first = AtWork::at(&world.house.service);
    in_the_middle(&world, "customer WHERE deleted_at IS NOT NULL").await;
    first.die().await;
    let second = world.house.another_server().await;
    Worker::new(&second).work_off().await.unwrap();
    assert!(
        world.count("customer WHERE deleted_at IS NULL").await > 0,
        "the lease of the dead is not over"
    );

    world.house.clock.advance(TimeDelta::seconds(16));
    Worker::new(&second).work_off().await.unwrap();

    all_are_back(&world, batch).await;
}

async fn brought_in(world: &World, ctx: &Ctx) -> BatchId {
    let id = begun(ctx, &people(ROWS)).await;
    Worker::new(&world.house.service).work_off().await.unwrap();
    import::outcome(ctx, id).await.unwrap().batch.unwrap()
}

/// Every row of the batch is taken back, once.
async fn all_are_back(world: &World, batch: BatchId) {
    assert_eq!(world.count("customer WHERE deleted_at IS NULL").await, 0);
    let undo = format!("SELECT state || counts::text FROM batch WHERE undo_of = '{batch}'");
    assert_eq!(
        world.house.database.read(&undo).await,
        format!(r#"done{{"left": 0, "undone": {ROWS}}}"#)
    );
    let of_undo = format!("change c JOIN batch b ON b.id = c.batch WHERE b.undo_of = '{batch}'");
    assert_eq!(world.count(&of_undo).await, ROWS);
}

#[tokio::test]
async fn an_upload_goes_on_after_postgresql_was_stopped() {
    let (world, faults) = World::with_faults().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let mut text = people(ROWS);
    // Blank lines make no rows, and fill the pieces.
    text.push_str(&"\n".repeat(2 * PIECE_MAX));
    let bytes = text.as_bytes();
    let new = NewImport {
        id: anna.clock().new_id(),
        file: "people.csv".to_owned(),
        size: bytes.len() as u64,
        stamp: 7,
    };
    let begun = import::begin(&anna, new.clone()).await.unwrap();
    import::receive(&anna, begun.id, 0, &bytes[..PIECE_MAX])
        .await
        .unwrap();

    faults.postgres.break_off();
    let second = &bytes[PIECE_MAX..2 * PIECE_MAX];
    let lost = import::receive(&anna, begun.id, PIECE_MAX as u64, second).await;
    assert_eq!(told(lost), AppError::Unavailable);
    faults.postgres.restore();

    eventually("PostgreSQL works again", THROUGH, async || {
        import::begin(&anna, new.clone()).await.is_ok()
    })
    .await;
    let mut standing = import::begin(&anna, new).await.unwrap();
    assert_eq!((standing.id, standing.bytes), (begun.id, PIECE_MAX as u64));
    while !standing.complete {
        let at = usize::try_from(standing.bytes).unwrap();
        let end = bytes.len().min(at + PIECE_MAX);
        standing = import::receive(&anna, begun.id, standing.bytes, &bytes[at..end])
            .await
            .unwrap();
    }
    import::run(&anna, begun.id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    all_are_in(&world, &anna, begun.id).await;
}

/// Makes a table refuse new rows as a full disk does, for as long as there is a row in `full_disk`.
async fn fill_disk_under(world: &World, table: &str) {
    let trigger = format!(
        "CREATE TABLE full_disk (since timestamptz NOT NULL DEFAULT now()); \
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF EXISTS (SELECT 1 FROM full_disk) THEN \
             RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; \
           END IF; RETURN NULL; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse(); \
         INSERT INTO full_disk DEFAULT VALUES"
    );
    world.house.database.run(&trigger).await;
}

#[tokio::test]
async fn an_import_waits_while_the_disk_is_full_and_goes_on_when_there_is_space() {
    for table in ["change", "customer", "contact_point", "batch"] {
        let world = World::new().await;
        let anna = world.acting(BuiltInRole::Member).await;
        let id = begun(&anna, &people(ROWS)).await;
        fill_disk_under(&world, table).await;
        let worker = Worker::new(&world.house.service);
        for _ in 0..3 {
            worker.work_off().await.unwrap();
            let job = import::get(&anna, id).await.unwrap().job.unwrap();
            assert_eq!((job.state, job.error), (JobState::Running, None), "{table}");
            assert_eq!(world.count("customer").await, 0, "half a chunk is none");
            world.house.clock.advance(TimeDelta::seconds(60));
        }

        world.house.database.run("DELETE FROM full_disk").await;
        worker.work_off().await.unwrap();

        all_are_in(&world, &anna, id).await;
    }
}

#[tokio::test]
async fn who_puts_a_file_up_while_the_disk_is_full_is_told_to_try_again() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    fill_disk_under(&world, "import_piece").await;
    let text = people(ROWS);
    let new = NewImport {
        id: anna.clock().new_id(),
        file: "people.csv".to_owned(),
        size: text.len() as u64,
        stamp: 7,
    };
    let begun = import::begin(&anna, new).await.unwrap();
    let full = import::receive(&anna, begun.id, 0, text.as_bytes()).await;
    assert_eq!(told(full), AppError::Unavailable);

    world.house.database.run("DELETE FROM full_disk").await;
    let done = import::receive(&anna, begun.id, 0, text.as_bytes())
        .await
        .unwrap();
    assert!(done.complete);
}

#[tokio::test]
async fn the_same_file_brought_in_by_two_at_once_on_two_servers_doubles_nobody() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let text = people(ROWS);
    let ids = [begun(&anna, &text).await, begun(&ben, &text).await];
    let other = world.house.another_server().await;
    let (one, two) = (Worker::new(&world.house.service), Worker::new(&other));

    let (one, two) = tokio::join!(one.work_off(), two.work_off());
    one.and(two).unwrap();

    let reports = [
        import::outcome(&anna, ids[0]).await.unwrap(),
        import::outcome(&ben, ids[1]).await.unwrap(),
    ];
    let sum = |count: fn(&ImportReport) -> u64| reports.iter().map(count).sum::<u64>();
    assert_eq!(sum(|report| report.created_people), ROWS);
    assert_eq!(sum(|report| report.unchanged_rows), ROWS);
    assert_eq!(world.count("customer").await, ROWS);
    assert_eq!(world.count("contact_point").await, ROWS);
}

#[tokio::test]
async fn a_reference_that_somebody_takes_in_between_costs_its_row_and_no_other() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let mut text = String::from("Customer ID,Company name,City\n");
    for row in 0..ROWS {
        let _ = writeln!(text, "C{row},Company {row},Bath");
    }
    let id = begun(&anna, &text).await;
    // Holds the reference of row 1,500 while the import comes by, and keeps it. The customer is nobody's.
    let meanwhile = "BEGIN; \
        INSERT INTO customer (id, kind, stage, name, created_at, updated_at) \
          VALUES ('01900000-0000-7000-8000-0000000000aa', 'company', 'lead', 'Taken', now(), now()); \
        INSERT INTO external_ref (id, customer_id, source, key) \
          VALUES ('01900000-0000-7000-8000-0000000000ab', '01900000-0000-7000-8000-0000000000aa', 'people', 'C1499'); \
        SELECT pg_sleep(3); COMMIT";
    let worker = AtWork::at(&world.house.service);
    tokio::join!(world.house.database.run(meanwhile), async {
        in_the_middle(&world, "customer").await;
    });
    through(&world).await;
    drop(worker);

    let report = import::outcome(&anna, id).await.unwrap();
    assert_eq!(
        (report.rows, report.created_companies, report.problem_rows),
        (ROWS, ROWS - 1, 1)
    );
    let problem = &report.problems[0];
    assert_eq!(problem.line, 1_501);
    assert!(problem.reason.contains("C1499"), "{}", problem.reason);
    assert_eq!(world.count("customer").await, ROWS);
    assert_eq!(world.count("external_ref").await, ROWS);
}

#[tokio::test]
async fn two_rows_with_one_reference_and_two_names_make_one_customer() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let text = "Customer ID,Company name,City\n1,Engines,Bath\n2,Boilers,York\n1,Pumps,Köln\n3,Valves,Ely\n";
    let id = begun(&anna, text).await;
    Worker::new(&world.house.service).work_off().await.unwrap();

    let report = import::outcome(&anna, id).await.unwrap();
    assert_eq!(
        (report.rows, report.created_companies, report.unchanged_rows),
        (4, 3, 1)
    );
    assert_eq!(world.count("external_ref").await, 3);
}
