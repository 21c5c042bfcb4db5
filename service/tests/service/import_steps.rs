//! Importing step by step: the file on its way, the check, the run, what goes wrong, and the way back.

use std::fmt::Write;

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    customer::{ContactKind, CustomerKind},
    error::AppError,
    id::{CustomerId, ImportId},
    import::{FILE_BYTES_MAX, ImportReport, ImportState, MatchBy, OnMatch, OnTrash, Rules},
    job::JobState,
};
use rapport_service::{
    Ctx, Result,
    customer::{command, query},
    import::{self, NewImport, PIECE_MAX, Wishes},
    job::Worker,
    journal,
    seen::Seen,
};

use crate::support::{World, told};

fn new_import(ctx: &Ctx, file: &str, size: usize) -> NewImport {
    NewImport {
        id: ctx.clock().new_id(),
        file: file.to_owned(),
        size: size as u64,
        stamp: 7,
    }
}

async fn staged(ctx: &Ctx, file: &str, text: &str) -> ImportId {
    let new = new_import(ctx, file, text.len());
    import::stage(ctx, new, text.as_bytes(), Wishes::default())
        .await
        .unwrap()
}

/// Brings a text in under rules.
async fn bring(world: &World, ctx: &Ctx, text: &str, rules: Rules) -> (ImportId, ImportReport) {
    let id = staged(ctx, "list.csv", text).await;
    let mapping = import::get(ctx, id).await.unwrap().settings.unwrap().mapping;
    import::set(ctx, id, mapping, rules).await.unwrap();
    import::run(ctx, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    (id, import::outcome(ctx, id).await.unwrap())
}

fn rules(by: &[MatchBy], then: OnMatch) -> Rules {
    Rules {
        by: by.iter().copied().collect(),
        then,
        trash: OnTrash::Restore,
    }
}

/// Rows of people, one a line, with an e-mail address each.
fn people(rows: usize) -> String {
    let mut text = String::from("First name,Last name,E-mail,City\n");
    for row in 0..rows {
        let _ = writeln!(text, "Ada,Number {row},ada{row}@example.org,Bath");
    }
    text
}

async fn found(ctx: &Ctx, name: &str, kind: CustomerKind) -> CustomerId {
    query::suggest(ctx, name, Some(kind)).await.unwrap()[0].id
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let text = people(40_000);
    let bytes = text.as_bytes();
    let new = new_import(&anna, "people.csv", bytes.len());
    let begun = import::begin(&anna, new.clone()).await.unwrap();
    let first = import::receive(&anna, begun.id, 0, &bytes[..PIECE_MAX])
        .await
        .unwrap();
    assert_eq!((first.bytes, first.complete), (PIECE_MAX as u64, false));

    // The same piece again, and one from further on, change nothing.
    for at in [0, 2 * PIECE_MAX as u64] {
        let answer = import::receive(&anna, begun.id, at, &bytes[..PIECE_MAX])
            .await
            .unwrap();
        assert_eq!(answer, first);
    }
    // The same file, chosen again: the rest is enough.
    let again = NewImport {
        id: anna.clock().new_id(),
        ..new
    };
    let standing = import::begin(&anna, again).await.unwrap();
    assert_eq!(standing, first);
    let last = import::receive(&anna, begun.id, standing.bytes, &bytes[PIECE_MAX..])
        .await
        .unwrap();

    assert!(last.complete);
    let view = import::get(&anna, begun.id).await.unwrap();
    assert_eq!((view.state, view.received), (ImportState::Ready, view.size));
    assert_eq!(
        import::sample(&anna, begun.id).await.unwrap()[0].fields[1],
        "Number 0"
    );
}

#[tokio::test]
async fn what_is_no_file_to_read_is_refused_at_its_first_piece() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let sentence = async |bytes: &[u8]| {
        let begun = import::begin(&anna, new_import(&anna, "x.csv", bytes.len()))
            .await
            .unwrap();
        let AppError::Invalid { fields } = told(import::receive(&anna, begun.id, 0, bytes).await) else {
            panic!("refused on the file")
        };
        assert_eq!(told(import::get(&anna, begun.id).await), AppError::NotFound);
        fields.get("file").unwrap().to_owned()
    };
    assert!(
        sentence(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
            .await
            .contains("not a text file")
    );
    assert!(sentence(b"\n\n").await.contains("empty"));
    assert!(sentence("x,".repeat(1_500).as_bytes()).await.contains("columns"));

    for size in [0, FILE_BYTES_MAX + 1] {
        let mut new = new_import(&anna, "x.csv", 1);
        new.size = size;
        assert!(matches!(
            told(import::begin(&anna, new).await),
            AppError::Invalid { .. }
        ));
    }
}

#[tokio::test]
async fn a_check_says_what_a_run_then_does_and_writes_nothing() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    world
        .customer(&anna, &[("name", "Ada Known"), ("emails", "ada3@example.org")])
        .await;
    let before = world.state().await;
    let mut text = people(2_500);
    // The same person again in a later chunk, and a row that is none.
    text.push_str("Ada,Number 4,ADA4@example.org,Bath\nonly one\n");
    let id = staged(&anna, "people.csv", &text).await;

    import::check(&anna, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let forecast = import::get(&anna, id).await.unwrap().forecast.unwrap();
    assert_eq!(world.state().await, before);

    import::run(&anna, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let report = import::get(&anna, id).await.unwrap().report.unwrap();

    for report in [&forecast, &report] {
        assert_eq!(
            (
                report.rows,
                report.created_people,
                report.unchanged_rows,
                report.problem_rows
            ),
            (2_502, 2_499, 2, 1)
        );
    }
    let problems = import::problems(&anna, id, 0).await.unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].line, &*problems[0].fields),
        (2_503, &["only one".to_owned()][..])
    );
}

#[tokio::test]
async fn a_row_fills_what_is_empty_or_overwrites_what_differs() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = world
        .customer(
            &anna,
            &[
                ("name", "Ada Byron"),
                ("emails", "ada@example.org"),
                ("city", "Bath"),
                ("tags", "vip"),
            ],
        )
        .await;
    let text = "First name,Last name,E-mail,City,Country,Phone,Tags\n\
                Ada,Byron,ADA@example.org,London,England,+44 20 1,new\n";

    let (_, filled) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::FillEmpty)).await;
    let ada = query::get(&anna, id).await.unwrap();
    assert_eq!(
        (ada.city.as_deref(), ada.country.as_deref()),
        (Some("Bath"), Some("England"))
    );
    assert_eq!(ada.tags, ["vip"]);
    assert_eq!((filled.changed_rows, filled.changed_records), (1, 1));
    assert_eq!(
        filled.changed_fields.keys().collect::<Vec<_>>(),
        ["Country", "Phone"]
    );

    let (_, updated) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::Update)).await;
    let ada = query::get(&anna, id).await.unwrap();
    assert_eq!(
        (ada.city.as_deref(), &*ada.tags),
        (Some("London"), &["vip".to_owned(), "new".to_owned()][..])
    );
    assert_eq!(updated.changed_fields.get("City"), Some(&1));
    let mails: Vec<_> = ada
        .contacts(ContactKind::Email)
        .map(|point| &*point.value)
        .collect();
    assert_eq!(
        mails,
        ["ada@example.org"],
        "the same address in other letters is no other address"
    );

    let version = ada.version;
    let (_, again) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::Update)).await;
    assert_eq!((again.unchanged_rows, again.batch), (1, None));
    assert_eq!(query::get(&anna, id).await.unwrap().version, version);

    journal::undo(&anna, updated.batch.unwrap()).await.unwrap();
    assert_eq!(query::get(&anna, id).await.unwrap().city.as_deref(), Some("Bath"));
}

#[tokio::test]
async fn several_rows_about_one_customer_add_up() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let text = "First name,Last name,E-mail,City,Phone\n\
                Ada,Byron,ada@example.org,,+44 1\n\
                Ada,Byron,ada@example.org,Bath,+44 2\n\
                Ada,Byron,ada@example.org,London,+44 1\n";
    let (_, report) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::Update)).await;

    assert_eq!((report.created_people, report.changed_rows), (1, 2));
    let ada = query::get(&anna, found(&anna, "ada byron", CustomerKind::Person).await)
        .await
        .unwrap();
    assert_eq!(ada.city.as_deref(), Some("London"));
    assert_eq!(ada.contacts(ContactKind::Phone).count(), 2);
    journal::undo(&anna, report.batch.unwrap()).await.unwrap();
    assert_eq!(world.list(&anna, "").await.rows, []);
}

#[tokio::test]
async fn people_of_one_new_company_share_it() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let text = "First name,Last name,Company,E-mail\n\
                Ada,One,Engines & Söhne,a@example.org\nBen,Two,engines & soehne,b@example.org\n\
                Cleo,Three,ENGINES & SÖHNE,c@example.org\n";
    for then in [OnMatch::Skip, OnMatch::Update] {
        let (_, report) = bring(&world, &anna, text, rules(&[MatchBy::Email], then)).await;
        let made = if then == OnMatch::Skip { (2, 3) } else { (0, 0) };
        assert_eq!(
            (report.created_companies, report.created_people),
            made,
            "{then:?}"
        );
    }
}

#[tokio::test]
async fn an_ambiguous_row_waits_for_a_person_who_mends_it() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    for name in ["Ada One", "Ada Two"] {
        world
            .customer(&anna, &[("name", name), ("emails", "ada@example.org")])
            .await;
    }
    let text = "Name,E-mail,City\nAda,ada@example.org,Bath\nBen,ben@example.org,Bath\n";
    let (id, report) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::Update)).await;
    assert_eq!((report.created_people, report.problem_rows), (1, 1));
    let problem = import::problems(&anna, id, 0).await.unwrap().remove(0);
    assert!(problem.reason.contains("ada@example.org"), "{}", problem.reason);

    let mended = |mail: &str| vec!["Ada".to_owned(), mail.to_owned(), "Bath".to_owned()];
    let still = told(import::mend(&anna, id, problem.line, mended("no address")).await);
    assert!(matches!(&still, AppError::Invalid { fields } if fields.get("row").is_some()));
    assert_eq!(
        import::problems(&anna, id, 0).await.unwrap()[0].fields[1],
        "no address"
    );
    import::mend(&anna, id, problem.line, mended("ada3@example.org"))
        .await
        .unwrap();

    let view = import::get(&anna, id).await.unwrap();
    let report = view.report.unwrap();
    assert_eq!(
        (
            report.rows,
            report.created_people,
            report.problem_rows,
            view.problems
        ),
        (2, 2, 0, 0)
    );
    let undone = journal::undo(&anna, report.batch.unwrap()).await.unwrap();
    assert_eq!(undone.undone, 2, "a mended row joins the batch of its import");
    assert!(matches!(
        told(import::mend(&anna, id, problem.line, mended("x@example.org")).await),
        AppError::Refused { .. }
    ));
}

#[tokio::test]
async fn two_addresses_that_lead_to_two_people_are_never_guessed() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    world
        .customer(&anna, &[("name", "Ada One"), ("emails", "one@example.org")])
        .await;
    world
        .customer(&anna, &[("name", "Ada Two"), ("emails", "two@example.org")])
        .await;
    let before = world.state().await;
    let text = "Name,E-mail\nAda,\"one@example.org\ntwo@example.org\"\n";

    let (_, report) = bring(&world, &anna, text, rules(&[MatchBy::Email], OnMatch::Update)).await;

    assert_eq!((report.problem_rows, report.batch), (1, None));
    assert_eq!(world.state().await, before);
}

#[tokio::test]
async fn what_the_actor_may_not_touch_is_named_and_left_alone() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let far = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let text = "Customer ID,Company name,City\n7,Engines,Bath\n";
    bring(&world, &far, text, Rules::default()).await;
    let before = world.state().await;

    let (_, report) = bring(&world, &anna, text, rules(&[MatchBy::Reference], OnMatch::Update)).await;

    assert_eq!((report.created_companies, report.problem_rows), (0, 1));
    assert_eq!(world.state().await, before);
    for refused in [
        import::get(&far, staged(&anna, "a.csv", text).await)
            .await
            .map(drop),
        import::list(&world.acting(BuiltInRole::ReadOnly).await, None)
            .await
            .map(drop),
    ] {
        assert!(matches!(
            told::<()>(refused),
            AppError::NotFound | AppError::Forbidden
        ));
    }
}

#[tokio::test]
async fn a_run_whose_server_died_is_taken_over_and_makes_every_row_once() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = staged(&anna, "people.csv", &people(5_000)).await;
    import::run(&anna, id).await.unwrap();
    // It dies in the middle: dropped once the first rows are in.
    {
        let first = Worker::new(&world.house.service);
        let watch = async {
            while world.list(&anna, "").await.rows.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = first.work() => unreachable!("it works for ever"),
            () = watch => {}
        }
    }
    let second = world.house.another_server().await;
    Worker::new(&second).work_off().await.unwrap();
    let view = import::get(&anna, id).await.unwrap();
    assert_eq!(
        view.job.unwrap().state,
        JobState::Running,
        "its lease is not over"
    );

    world.house.clock.advance(TimeDelta::seconds(16));
    Worker::new(&second).work_off().await.unwrap();

    let view = import::get(&anna, id).await.unwrap();
    let report = view.report.unwrap();
    assert_eq!(
        (view.state, report.rows, report.created_people),
        (ImportState::Done, 5_000, 5_000)
    );
    assert_eq!(
        world
            .house
            .database
            .read("SELECT count(*)::text FROM customer")
            .await,
        "5000"
    );
    assert_eq!(
        world
            .house
            .database
            .read("SELECT count(*)::text FROM import_piece")
            .await,
        "0"
    );
}

#[tokio::test]
async fn a_large_import_is_taken_back_in_the_background_and_what_was_edited_since_stays() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let (_, report) = bring(&world, &anna, &people(3_000), Rules::default()).await;
    let kept = found(&ben, "number 77", CustomerKind::Person).await;
    world.save(&ben, kept, &[("city", "York")]).await.unwrap();
    let batch = report.batch.unwrap();

    let queued = journal::undo(&anna, batch).await.unwrap();
    assert!(queued.in_background);
    assert!(
        matches!(told(journal::undo(&anna, batch).await), AppError::Refused { .. }),
        "once is enough"
    );
    let stranger = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    assert_eq!(told(journal::undo(&stranger, batch).await), AppError::NotFound);
    Worker::new(&world.house.service).work_off().await.unwrap();

    let left = world.list(&anna, "").await.rows;
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [kept]);
    let undo = "SELECT counts::text FROM batch WHERE undo_of IS NOT NULL";
    assert_eq!(
        world.house.database.read(undo).await,
        r#"{"left": 1, "undone": 2999}"#
    );
}

#[tokio::test]
async fn an_import_that_is_stopped_keeps_what_it_wrote_or_takes_it_back() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    for take_back in [false, true] {
        let before = world.list(&anna, "").await.rows.len();
        let id = staged(&anna, "people.csv", &people(3_000)).await;
        import::run(&anna, id).await.unwrap();
        import::cancel(&anna, id, take_back).await.unwrap();
        Worker::new(&world.house.service).work_off().await.unwrap();
        let view = import::get(&anna, id).await.unwrap();
        assert_eq!(view.state, ImportState::Cancelled);
        assert_eq!(world.list(&anna, "").await.rows.len(), before);
        assert!(matches!(
            told(import::cancel(&anna, id, false).await),
            AppError::Refused { .. }
        ));
    }
}

#[tokio::test]
async fn a_mapping_is_kept_for_the_next_file_of_its_kind() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Member).await;
    let id = staged(&anna, "people.csv", &people(2)).await;
    let settings = import::get(&anna, id).await.unwrap().settings.unwrap();

    import::save_mapping(&anna, id, "People").await.unwrap();
    import::save_mapping(&anna, id, "People").await.unwrap();

    let kept = import::mappings(&anna).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&*kept[0].name, &kept[0].mapping), ("People", &settings.mapping));
    let other = staged(&anna, "other.csv", "Name\nAda\n").await;
    let refused: Result<()> = import::set(&anna, other, settings.mapping, Rules::default()).await;
    assert!(matches!(told(refused), AppError::Invalid { .. }));
}

#[tokio::test]
async fn who_lies_in_the_trash_is_brought_back_or_left_there() {
    let world = World::new().await;
    let anna = world.acting(BuiltInRole::Admin).await;
    let id = world
        .customer(&anna, &[("name", "Ada"), ("emails", "ada@example.org")])
        .await;
    command::trash(&anna, id, Seen::Latest).await.unwrap();
    let text = "Name,E-mail\nAda,ada@example.org\n";
    let skip = Rules {
        trash: OnTrash::Skip,
        ..Rules::default()
    };

    let (_, left) = bring(&world, &anna, text, skip).await;
    assert_eq!((left.unchanged_rows, left.batch), (1, None));
    let (_, restored) = bring(&world, &anna, text, Rules::default()).await;

    assert_eq!((restored.restored_rows, restored.created_people), (1, 0));
    assert_eq!(world.list(&anna, "").await.rows[0].id, id);
}
