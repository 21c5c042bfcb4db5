//! A large file: every row counted, every change in the journal with its line, and nothing left when it is taken back.

use rapport_domain::{access::BuiltInRole, id::ImportId, import::ImportReport};
use rapport_service::{
    Ctx,
    import::{self, NewImport, Wishes},
    job::Worker,
    journal,
};
use rapport_testing::Sheet;

use crate::support::World;

const ROWS: u64 = 20_000;
/// A person, an e-mail address, a phone number, a reference.
const RECORDS: u64 = 4;

async fn bring(world: &World, ctx: &Ctx) -> (ImportId, ImportReport) {
    let sheet = Sheet::new(ROWS);
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: "people.csv".to_owned(),
        size: sheet.size(),
        stamp: 0,
    };
    let id = import::stage(ctx, new, sheet, Wishes::default()).await.unwrap();
    import::run(ctx, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    (id, import::outcome(ctx, id).await.unwrap())
}

#[tokio::test]
async fn a_large_file_is_counted_to_the_row_journalled_to_the_line_and_taken_back_to_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let sheet = Sheet::new(ROWS);
    let people = sheet.people();
    assert_eq!((people, sheet.again(), sheet.broken()), (18_800, 1_000, 200));

    let (id, report) = bring(&world, &anna).await;

    assert_eq!(
        (report.rows, report.created_people, report.created_companies),
        (ROWS, people, 0)
    );
    assert_eq!(
        (report.unchanged_rows, report.problem_rows, report.changed_rows),
        (1_000, 200, 0)
    );
    assert_eq!(world.count("customer WHERE deleted_at IS NULL").await, people);
    assert_eq!(world.count("contact_point").await, 2 * people);
    assert_eq!(world.count("external_ref").await, people);
    let batch = report.batch.unwrap();
    let of_batch = format!("change WHERE batch = '{batch}'");
    assert_eq!(world.count(&of_batch).await, RECORDS * people);

    // The journal names the file and, of each change, the line.
    let file = format!("SELECT detail ->> 'file' FROM batch WHERE id = '{batch}'");
    assert_eq!(world.house.database.read(&file).await, "people.csv");
    for row in [1, 11, 6_666, ROWS - 1] {
        let line = Sheet::line_of(row);
        let of_row = format!(
            "{of_batch} AND line = {line} AND subject = \
               (SELECT customer_id FROM external_ref WHERE key = 'C-{}')",
            row - 1
        );
        assert_eq!(world.count(&of_row).await, RECORDS, "row {row}, line {line}");
    }
    let lines = format!("(SELECT DISTINCT line FROM {of_batch}) AS lines");
    assert_eq!(world.count(&lines).await, people);
    let problems = import::problems(&anna, id, 0).await.unwrap();
    let named: Vec<_> = problems.iter().take(3).map(|problem| problem.line).collect();
    assert_eq!(named, [100, 200, 300].map(Sheet::line_of));

    // Back to nothing, and in again.
    assert!(journal::undo(&anna, batch).await.unwrap().in_background);
    Worker::new(&world.house.service).work_off().await.unwrap();
    let undo = format!("SELECT counts::text FROM batch WHERE undo_of = '{batch}'");
    let counts = format!(r#"{{"left": 0, "undone": {people}}}"#);
    assert_eq!(world.house.database.read(&undo).await, counts);
    assert_eq!(world.count("customer WHERE deleted_at IS NULL").await, 0);

    let (_, again) = bring(&world, &anna).await;
    assert_eq!(
        (again.restored_rows, again.created_people, again.problem_rows),
        (people, 0, 200)
    );
    assert_eq!(world.count("customer WHERE deleted_at IS NULL").await, people);
    assert_eq!(world.count("contact_point").await, 2 * people);
}
