//! The promise of an import: taken back, it leaves everything as it was; brought back, as it left it.

use std::fmt::Write;

use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestCaseError, TestRunner},
};
use rapport_domain::{
    access::BuiltInRole,
    customer::Field,
    import::{ImportReport, Mapping, MatchBy, OnMatch, OnTrash, Rules, Target, Whose},
};
use rapport_service::{Ctx, customer::command, import, job::Worker, journal, seen::Seen};

use crate::support::{World, staged};

/// By what the rows of a file name their records, beside what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// By nothing.
    Not,
    /// By a reference of another system's.
    Reference,
    /// By our own ids.
    Id,
}

/// One row: what it names (a number), and what it says.
#[derive(Debug, Clone)]
struct Line {
    names: usize,
    values: [&'static str; 8],
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Whole,
    /// With a value too many.
    Broken,
    /// With nothing in it.
    Blank,
}

const COLUMNS: [(&str, Whose, Option<Field>); 8] = [
    ("First name", Whose::Person, None),
    ("Last name", Whose::Person, None),
    ("E-mail", Whose::Person, Some(Field::Emails)),
    ("Phone", Whose::Person, Some(Field::Phones)),
    ("City", Whose::Person, Some(Field::City)),
    ("Tags", Whose::Person, Some(Field::Tags)),
    ("Company", Whose::Company, Some(Field::Name)),
    ("Company city", Whose::Company, Some(Field::City)),
];

/// Few words, so that rows meet each other and what is here.
/// Whether it is a row at all: one without a value is none.
fn says_something(line: &Line) -> bool {
    !matches!(line.shape, Shape::Blank) && line.values.iter().any(|value| !value.is_empty())
}

fn line() -> impl Strategy<Value = Line> {
    let values = (
        select(vec!["Ada", "ADA", "Zoë", ""]),
        select(vec!["Byron", "Müller", ""]),
        select(vec![
            "",
            "ada@example.org",
            "ADA@example.org",
            "zoe@example.org",
            "zoe@example.org\nada@example.org",
            "new@example.org",
            "no address",
        ]),
        select(vec!["", "+49 30 123", "+49-30-123", "+49 40 7"]),
        select(vec!["", "Bath", "Köln"]),
        select(vec!["", "vip", "VIP, new"]),
        select(vec!["", "", "Engines", "ENGINES", "Söhne & Co"]),
        select(vec!["", "York"]),
    );
    let shape = prop_oneof![8 => Just(Shape::Whole), 1 => Just(Shape::Broken), 1 => Just(Shape::Blank)];
    (0..6_usize, values, shape).prop_map(|(names, (a, b, c, d, e, f, g, h), shape)| Line {
        names,
        values: [a, b, c, d, e, f, g, h],
        shape,
    })
}

/// A history: what is here, what of it is in the trash, and the file that comes.
#[derive(Debug, Clone)]
struct Story {
    referenced: Vec<Line>,
    plain: Vec<Line>,
    trashed: Vec<usize>,
    file: Vec<Line>,
    named: Named,
    by: Vec<MatchBy>,
}

fn story() -> impl Strategy<Value = Story> {
    (
        prop::collection::vec(line(), 0..5),
        prop::collection::vec(line(), 0..4),
        prop::collection::vec(any::<usize>(), 0..3),
        prop::collection::vec(line(), 1..12)
            .prop_filter("a file has rows", |lines| lines.iter().any(says_something)),
        select(vec![Named::Not, Named::Reference, Named::Reference, Named::Id]),
        subsequence(MatchBy::EVERY.to_vec(), 0..=MatchBy::EVERY.len()),
    )
        .prop_map(|(referenced, plain, trashed, file, named, by)| Story {
            referenced,
            plain,
            trashed,
            file,
            named,
            by,
        })
}

/// The lines as a file; `ids` are what numbers stand for among our own.
fn text(lines: &[Line], named: Named, ids: &[String]) -> String {
    let mut text = "Key".to_owned();
    for (name, _, _) in COLUMNS {
        let _ = write!(text, ",{name}");
    }
    text.push('\n');
    for line in lines {
        let key = match named {
            Named::Not => String::new(),
            Named::Reference if line.names == 0 => String::new(),
            Named::Reference => format!("K{}", line.names),
            Named::Id => ids.get(line.names).cloned().unwrap_or_default(),
        };
        let _ = write!(text, "{key}");
        for value in line.values {
            let value = if matches!(line.shape, Shape::Blank) {
                ""
            } else {
                value
            };
            let _ = write!(text, ",\"{value}\"");
        }
        text.push_str(if matches!(line.shape, Shape::Broken) {
            ",more\n"
        } else {
            "\n"
        });
    }
    text
}

fn mapping(named: Named) -> Mapping {
    let mut mapping = Mapping {
        source: "elsewhere".to_owned(),
        headers: vec!["Key".to_owned()],
        targets: vec![match named {
            Named::Not => Target::Ignore,
            Named::Reference => Target::Reference(Whose::Person),
            Named::Id => Target::Id,
        }],
        ..Mapping::default()
    };
    for (name, whose, field) in COLUMNS {
        mapping.headers.push(name.to_owned());
        mapping.targets.push(match (name, field) {
            // An export of ours has one record a row.
            _ if named == Named::Id && whose == Whose::Company => Target::Ignore,
            ("First name", _) => Target::FirstName,
            ("Last name", _) => Target::LastName,
            (_, Some(field)) => Target::field(whose, field),
            (_, None) => Target::Ignore,
        });
    }
    mapping
}

async fn bring(world: &World, ctx: &Ctx, text: &str, mapping: Mapping, rules: Rules) -> ImportReport {
    let id = staged(ctx, "list.csv", text.as_bytes()).await;
    import::set(ctx, id, mapping, rules).await.unwrap();
    import::run(ctx, id).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    import::outcome(ctx, id).await.unwrap()
}

/// All customers there are, the trash included.
async fn ids(world: &World) -> Vec<String> {
    let all = "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM customer";
    let all = world.house.database.read(all).await;
    all.split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How customers stand, in the trash or not; without versions and times of change.
async fn stand(world: &World, ids: &[String]) -> String {
    let among = format!("'{{{}}}'::uuid[]", ids.join(","));
    world
        .house
        .database
        .read(&format!(
            "SELECT jsonb_pretty(jsonb_build_array( \
               (SELECT jsonb_agg(to_jsonb(c) - 'version' - 'updated_at' - 'deleted_at' \
                                 || jsonb_build_object('deleted', deleted_at IS NOT NULL) ORDER BY id) \
                FROM customer c WHERE id = ANY({among})), \
               (SELECT jsonb_agg(to_jsonb(p) ORDER BY id) FROM contact_point p WHERE customer_id = ANY({among})), \
               (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM external_ref r WHERE customer_id = ANY({among}))))"
        ))
        .await
}

/// Fills the world, brings a file in, takes it back and brings it forth again.
async fn there_and_back(
    world: &World,
    ctx: &Ctx,
    story: Story,
    then: OnMatch,
    trash: OnTrash,
) -> Result<(), TestCaseError> {
    let empty =
        "TRUNCATE customer, contact_point, external_ref, activity, change, batch, import, job CASCADE";
    world.house.database.run(empty).await;
    let another = Rules {
        then: OnMatch::Create,
        ..Rules::default()
    };
    for (lines, named) in [(&story.referenced, Named::Reference), (&story.plain, Named::Not)] {
        if lines.iter().any(says_something) {
            let text = text(lines, named, &[]);
            bring(world, ctx, &text, mapping(named), another.clone()).await;
        }
    }
    let here = ids(world).await;
    for which in story.trashed.iter().filter(|_| !here.is_empty()) {
        let id = here[which % here.len()].parse().unwrap();
        command::trash(ctx, id, Seen::Latest).await.unwrap();
    }

    let before = (world.state().await, stand(world, &here).await);
    let text = text(&story.file, story.named, &here);
    let rules = Rules {
        by: story.by.iter().copied().collect(),
        then,
        trash,
    };
    let report = bring(world, ctx, &text, mapping(story.named), rules).await;
    let rows = report.created_rows
        + report.changed_rows
        + report.restored_rows
        + report.unchanged_rows
        + report.problem_rows;
    prop_assert_eq!(report.rows, rows, "each row is counted once");
    let everybody = ids(world).await;
    prop_assert_eq!(
        (everybody.len() - here.len()) as u64,
        report.created_companies + report.created_people,
        "who was made is there"
    );
    let after = (world.state().await, stand(world, &everybody).await);
    let Some(batch) = report.batch else {
        prop_assert_eq!(after, before, "nothing is changed without a batch");
        return Ok(());
    };

    let undone = journal::undo(ctx, batch).await.unwrap();
    prop_assert_eq!(undone.left, 0, "left by the undo: {:?}", undone.kept);
    prop_assert_eq!(
        (world.state().await, stand(world, &here).await),
        before,
        "undo of {}",
        text
    );
    let redone = journal::undo(ctx, undone.batch.unwrap()).await.unwrap();
    prop_assert_eq!(redone.left, 0, "left by the redo: {:?}", redone.kept);
    prop_assert_eq!(
        (world.state().await, stand(world, &everybody).await),
        after,
        "redo of {}",
        text
    );
    Ok(())
}

/// Runs stories under one pair of rules.
fn stories(then: OnMatch) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let admin = runtime.block_on(world.acting(BuiltInRole::Admin));
    for trash in [OnTrash::Restore, OnTrash::Skip] {
        let mut runner = TestRunner::new(Config {
            cases: 8,
            max_shrink_iters: 80,
            failure_persistence: None,
            ..Config::default()
        });
        runner
            .run(&story(), |story| {
                runtime.block_on(there_and_back(&world, &admin, story, then, trash))
            })
            .unwrap();
    }
}

#[test]
fn an_import_that_skips_is_taken_back_and_brought_back_whole() {
    stories(OnMatch::Skip);
}

#[test]
fn an_import_that_fills_is_taken_back_and_brought_back_whole() {
    stories(OnMatch::FillEmpty);
}

#[test]
fn an_import_that_updates_is_taken_back_and_brought_back_whole() {
    stories(OnMatch::Update);
}

#[test]
fn an_import_that_makes_others_is_taken_back_and_brought_back_whole() {
    stories(OnMatch::Create);
}

#[tokio::test]
async fn what_several_rows_did_to_one_field_is_brought_back_in_their_order() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let row = |city| Line {
        names: 1,
        values: ["Ada", "Byron", "ada@example.org", "", city, "", "", ""],
        shape: Shape::Whole,
    };
    let rules = Rules {
        then: OnMatch::Update,
        ..Rules::default()
    };
    let file = text(&["Bath", "Köln", "York"].map(row), Named::Reference, &[]);
    let report = bring(&world, &admin, &file, mapping(Named::Reference), rules).await;
    let after = world.state().await;
    assert!(
        after.contains("York") && !after.contains("Bath"),
        "the last row wins: {after}"
    );

    let undone = journal::undo(&admin, report.batch.unwrap()).await.unwrap();
    journal::undo(&admin, undone.batch.unwrap()).await.unwrap();

    assert_eq!(world.state().await, after);
}

#[tokio::test]
async fn an_import_too_large_for_one_transaction_is_taken_back_and_brought_back_whole() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let worker = Worker::new(&world.house.service);
    let people = |from: usize, to: usize, city: &str| {
        let mut text = "Customer ID,First name,Last name,E-mail,City\n".to_owned();
        for row in from..to {
            let _ = writeln!(text, "{row},Ada,Number {row},ada{row}@example.org,{city}");
        }
        text
    };
    let guessed = async |text: &str| {
        let id = staged(&admin, "people.csv", text.as_bytes()).await;
        let mapping = import::get(&admin, id).await.unwrap().settings.unwrap().mapping;
        import::forget(&admin, id).await.unwrap();
        mapping
    };
    let (first, second) = (people(0, 800, "Bath"), people(400, 1_200, "York"));
    let rules = Rules {
        then: OnMatch::Update,
        ..Rules::default()
    };
    bring(&world, &admin, &first, guessed(&first).await, rules.clone()).await;
    let here = ids(&world).await;
    // Some of those that the second file is about lie in the trash.
    for id in here.iter().rev().step_by(50).take(4) {
        command::trash(&admin, id.parse().unwrap(), Seen::Latest)
            .await
            .unwrap();
    }
    let before = (world.state().await, stand(&world, &here).await);
    let report = bring(&world, &admin, &second, guessed(&second).await, rules).await;
    assert_eq!(
        (report.created_people, report.changed_rows + report.restored_rows),
        (400, 400)
    );
    let everybody = ids(&world).await;
    let after = (world.state().await, stand(&world, &everybody).await);
    assert_ne!(after.0, before.0);

    let undo_of = async |batch: &str| {
        let undo = format!("SELECT id::text FROM batch WHERE undo_of = '{batch}'");
        world.house.database.read(&undo).await
    };
    let batch = report.batch.unwrap();
    assert!(journal::undo(&admin, batch).await.unwrap().in_background);
    worker.work_off().await.unwrap();
    assert_eq!((world.state().await, stand(&world, &here).await), before);

    let undo = undo_of(&batch.to_string()).await;
    let redone = journal::undo(&admin, undo.parse().unwrap()).await.unwrap();
    worker.work_off().await.unwrap();
    assert_eq!(redone.left, 0);
    assert_eq!((world.state().await, stand(&world, &everybody).await), after);
}
