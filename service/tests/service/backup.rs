//! A backup comes back as it was, on its own, and what was done goes on there.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use rapport_domain::{
    access::BuiltInRole,
    customer::Total,
    form::Values,
    id::{CustomerId, UserId},
    live::News,
    webhook::WebhookForm,
};
use rapport_migration::{Migrator, MigratorTrait};
use rapport_service::{
    Ctx, backup,
    customer::query,
    database, journal,
    live::{self, Hub},
    seal, user, webhook,
};
use rapport_testing::{House, PASSWORD, TestDatabase};
use tokio::{runtime::Builder, time::timeout};

use crate::support::{World, book, refused, sign_in, staged};

const SOON: Duration = Duration::from_secs(10);

async fn written(house: &House) -> Vec<u8> {
    let mut archive = Vec::new();
    backup::write(&house.database.pool().await, house.clock.now(), &mut archive)
        .await
        .unwrap();
    archive
}

async fn restored(archive: &[u8]) -> World {
    let house = House::unbuilt().await;
    backup::read(&house.database.pool().await, archive).await.unwrap();
    World::of(house)
}

/// Something of everything.
async fn history(world: &World) -> Ctx {
    let ctx = world.acting(BuiltInRole::Admin).await;
    let id = world
        .customer(
            &ctx,
            &[
                ("name", "Ada \\. \\N"),
                ("emails", "ada@x.example"),
                ("tags", "a, \\N"),
            ],
        )
        .await;
    world
        .save(&ctx, id, &[("city", "Zürich \u{1f3d4}")])
        .await
        .unwrap();
    book(&ctx, &[ctx.actor().user], "10:00").await;
    staged(&ctx, "people.csv", "Name,Note\nBen,\"two\nlines\"\n".as_bytes()).await;
    let values = [
        ("name", "Ours"),
        ("url", "https://x.example/"),
        ("events", "customer.created"),
    ];
    let form = WebhookForm::parse(&values.into_iter().collect::<Values>()).unwrap();
    webhook::create(&ctx, ctx.clock().new_id(), form).await.unwrap();
    seal::head(&world.house.service).await.unwrap();
    // Not sealed yet.
    world.save(&ctx, id, &[("city", "Hull")]).await.unwrap();
    ctx
}

/// All rows of all tables, in short.
async fn digest(database: &TestDatabase) -> String {
    let tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' \
         AND relpersistence = 'p' \
         AND relnamespace = current_schema()::regnamespace AND relname <> 'seaql_migrations'";
    let mut all = String::new();
    for table in database.read(tables).await.split(' ') {
        let rows = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(row, '' ORDER BY row)), '') \
             FROM (SELECT (to_jsonb(t) - 'transaction')::text AS row FROM {table} t) AS rows"
        );
        all.push_str(&format!("{table} {}\n", database.read(&rows).await));
    }
    all
}

async fn last_batch(world: &World) -> rapport_domain::id::BatchId {
    let last = "SELECT id::text FROM batch ORDER BY place DESC LIMIT 1";
    world.house.database.read(last).await.parse().unwrap()
}

#[tokio::test]
async fn what_stood_is_back_in_another_postgresql_and_goes_on() {
    let world = World::new().await;
    let ctx = history(&world).await;
    let email = user::me(&ctx).await.unwrap().email;
    let id: CustomerId = world
        .house
        .database
        .read("SELECT id::text FROM customer")
        .await
        .parse()
        .unwrap();
    // As one that has seen far more than the other one.
    let seen_more = "UPDATE change SET transaction = '9000000000000000'";
    world.house.database.run(seen_more).await;

    let back = restored(&written(&world.house).await).await;
    assert_eq!(
        digest(&back.house.database).await,
        digest(&world.house.database).await
    );
    let counted = [
        "customer",
        "webhook",
        "import_piece",
        "contact_point",
        "change",
        "seal",
    ];
    for table in counted {
        assert!(back.count(table).await > 0, "{table} was empty");
    }

    // Whoever could sign in can; what is sealed holds, and the rest is sealed; the last change can be taken back.
    let session = sign_in(&back.house, &email, PASSWORD).await.unwrap();
    let service = &back.house.service;
    seal::head(service).await.unwrap();
    let report = seal::verify(service, None).await.unwrap();
    assert_eq!(
        (report.broken, report.sealed.1),
        (None, back.count("change").await)
    );
    let there = back.house.acting(ctx.actor().user).await;
    journal::undo(&there, last_batch(&back).await).await.unwrap();
    assert_eq!(
        query::get(&there, id).await.unwrap().city.as_deref(),
        Some("Zürich \u{1f3d4}")
    );

    // And whoever looks hears what happens.
    let hub = Hub::start(service);
    let mut listener = live::listen(service, &hub, there.actor().clone(), &session.cookie, None)
        .await
        .unwrap();
    let heard = async {
        back.save(&there, id, &[("city", "York")]).await.unwrap();
        loop {
            let (_, news) = listener.next().await.expect("the stream is over");
            if matches!(&news, News::Changed { touched, .. } if touched.iter().any(|one| one.fields == ["city"]))
            {
                break;
            }
        }
    };
    timeout(SOON, heard).await.expect("nothing is heard");
}

/// Says when the first rows are written, and waits until it may go on.
struct Slow {
    archive: Vec<u8>,
    begun: Sender<()>,
    go_on: Receiver<()>,
    waited: bool,
}

impl Write for Slow {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if !self.waited {
            self.waited = true;
            self.begun.send(()).unwrap();
            self.go_on.recv().unwrap();
        }
        self.archive.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn all_of_it_is_of_one_moment() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Admin).await;
    for number in 0..3 {
        world.customer(&ctx, &[("name", &format!("Ada {number}"))]).await;
    }
    let (begun, has_begun) = channel();
    let (may_go_on, go_on) = channel();
    let (url, now) = (world.house.database.url(), world.house.clock.now());
    // On a thread of its own, which it holds while it waits.
    let write = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut slow = Slow {
            archive: Vec::new(),
            begun,
            go_on,
            waited: false,
        };
        runtime.block_on(async {
            let pool = database::connect(&url, 1).await.unwrap();
            backup::write(&pool, now, &mut slow).await.unwrap();
        });
        slow.archive
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
        .await
        .unwrap();
    world.customer(&ctx, &[("name", "Too late")]).await;
    may_go_on.send(()).unwrap();
    let back = restored(&write.join().unwrap()).await;
    assert_eq!(back.count("customer").await, 3);
    assert_eq!(back.count("batch WHERE command = 'create customer'").await, 3);
    assert_eq!(world.count("customer").await, 4);
}

#[tokio::test]
async fn a_table_that_is_written_anew_while_a_backup_begins_is_in_it() {
    let world = World::new().await;
    history(&world).await;
    let before = digest(&world.house.database).await;
    let anew = "BEGIN; LOCK TABLE customer; \
         ALTER TABLE customer ALTER COLUMN postal_code TYPE varchar(500); \
         ALTER TABLE customer ALTER COLUMN postal_code TYPE text; SELECT pg_sleep(1.5); COMMIT";
    let (archive, ()) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            written(&world.house).await
        },
        world.house.database.run(anew)
    );
    let there = restored(&archive).await;
    assert_eq!(digest(&there.house.database).await, before);
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut archive = GzEncoder::new(Vec::new(), Compression::fast());
    archive.write_all(text).unwrap();
    archive.finish().unwrap()
}

fn unpacked(archive: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_is_not_whole_or_no_backup_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    history(&world).await;
    let good = written(&world.house).await;
    let text = unpacked(&good);
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |line: usize| packed(&[&lines[..line], &lines[line + 1..]].concat().concat());
    let row = lines
        .iter()
        .position(|line| line.starts_with(b"{\"table\":\"customer\""))
        .unwrap()
        + 1;
    let mut turned = good.clone();
    // In the checksum behind the last row.
    turned[good.len() - 6] ^= 0x55;
    let mut broken = text.clone();
    let first: usize = lines[..row].iter().map(|line| line.len()).sum();
    broken[first] = b'x';
    let newer = String::from_utf8(text.clone())
        .unwrap()
        .replacen("m0016_", "m9999_", 1);
    let other =
        String::from_utf8(text.clone())
            .unwrap()
            .replacen("\"table\":\"team\"", "\"table\":\"pg_class\"", 1);
    let column =
        String::from_utf8(text.clone())
            .unwrap()
            .replacen("\"postal_code\"", "\"city) FROM STDIN; --\"", 1);
    let house = House::unbuilt().await;
    let pool = house.database.pool().await;
    for (bad, said) in [
        (Vec::new(), "This is no backup"),
        (b"Name,City\nAda,Hull\n".to_vec(), "This is no backup"),
        (packed(b"{\"format\":\"tar\"}\n"), "This is no backup"),
        (packed(newer.as_bytes()), "newer than this program"),
        (good[..good.len() / 2].to_vec(), "not whole"),
        (good[..good.len() - 1].to_vec(), "not whole"),
        (packed(&text[..text.len() - 1]), "not whole"),
        (without(lines.len() - 1), "not whole"),
        (without(row), "not whole"),
        (turned, "not whole"),
        (packed(&broken), "PostgreSQL refuses rows of customer"),
        (packed(column.as_bytes()), "not whole"),
        (packed(other.as_bytes()), "not whole"),
        (packed(&[&text[..], b"more\n"].concat()), "not whole"),
    ] {
        let result = backup::read(&pool, &*bad).await;
        assert!(result.is_err(), "{} bytes that are {said}", bad.len());
        let refusal = refused(result);
        assert!(refusal.contains(said), "{refusal}, not {said}");
        let people = "SELECT CASE WHEN to_regclass('app_user') IS NULL THEN '0' \
             ELSE (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM app_user', false, true, '')))[1]::text END";
        assert_eq!(house.database.read(people).await, "0", "after “{said}”");
    }
    // The place is as good as new.
    backup::read(&pool, &*good).await.unwrap();
    assert_eq!(digest(&house.database).await, digest(&world.house.database).await);
    let refusal = refused(backup::read(&pool, &*good).await);
    assert!(refusal.contains("not empty"), "{refusal}");

    // What somebody else has in the database stays.
    let others = TestDatabase::empty().await;
    others.run("CREATE TABLE theirs AS SELECT 1 AS one").await;
    let refusal = refused(backup::read(&others.pool().await, &*good).await);
    assert!(refusal.contains("not empty"), "{refusal}");
    assert_eq!(others.read("SELECT count(*)::text FROM theirs").await, "1");
}

/// A customer in the schema as it first was, with what was done.
const FIRST: &str = "INSERT INTO app_user (id, name, email, email_key, password_hash, role_id, created_at, updated_at) \
       SELECT '01933d3e-0000-7000-8000-0000000000a1', 'Ada', 'a@x.example', 'a@x.example', '', id, now(), now() \
       FROM role WHERE key = 'admin'; \
     INSERT INTO customer (id, kind, stage, name, owner_id, tags, created_at, updated_at) \
       SELECT gen_random_uuid(), 'company', 'lead', 'Nordlicht', id, '{fair}', now(), now() FROM app_user; \
     INSERT INTO contact_point (id, customer_id, kind, value, normalised, position) \
       SELECT gen_random_uuid(), id, 'email', 'n@x.example', 'n@x.example', 0 FROM customer; \
     INSERT INTO batch (id, actor, via, command, at, state, undoable) \
       SELECT gen_random_uuid(), id, 'page', 'create customer', now(), 'done', true FROM app_user; \
     INSERT INTO change (batch, kind, record, subject, version, op, at, after) \
       SELECT batch.id, 'customer', customer.id, customer.id, 1, 'create', now(), '{\"name\": \"Nordlicht\"}' \
       FROM batch, customer";

#[tokio::test]
async fn a_backup_of_each_schema_there_ever_was_becomes_one_of_today() {
    for steps in 1..=Migrator::migrations().len() {
        let old = House::unbuilt().await;
        let pool = old.database.pool().await;
        Migrator::up(&pool, Some(1)).await.unwrap();
        old.database.run(FIRST).await;
        Migrator::up(&pool, Some(u32::try_from(steps).unwrap() - 1))
            .await
            .unwrap();
        let back = restored(&written(&old).await).await;
        database::check_schema(&back.house.database.pool().await)
            .await
            .unwrap();
        let ada: UserId = "01933d3e-0000-7000-8000-0000000000a1".parse().unwrap();
        let ctx = back.house.acting(ada).await;
        let found = back.list(&ctx, "filter=1:tag.is(fair)").await;
        assert_eq!(
            found.rows[0].email.as_deref(),
            Some("n@x.example"),
            "{steps} steps"
        );
        journal::undo(&ctx, last_batch(&back).await).await.unwrap();
        assert_eq!(back.list(&ctx, "").await.rows.len(), 0);
    }
}

/// Backups of their demo data that releases wrote, each when this was the newest step of the schema.
const RELEASED: &[(&str, &[u8])] = &[
    ("m0016_webhook", include_bytes!("../data/m0016_webhook.backup")),
    (
        "m0017_owner_team",
        include_bytes!("../data/m0017_owner_team.backup"),
    ),
    (
        "m0018_second_factor",
        include_bytes!("../data/m0018_second_factor.backup"),
    ),
];

#[tokio::test]
async fn a_backup_that_a_release_wrote_becomes_one_of_today() {
    for (step, archive) in RELEASED {
        let back = restored(archive).await;
        let pool = back.house.database.pool().await;
        database::check_schema(&pool).await.unwrap();
        let session = sign_in(&back.house, "admin@demo.example", "demo-demo-demo-42").await;
        let ctx = back.house.acting(session.unwrap().user).await;
        let all = back.list(&ctx, "").await;
        assert_eq!(all.total, Total::Exactly(134), "{step}");
        let report = seal::verify(&back.house.service, None).await.unwrap();
        assert_eq!(report.broken, None, "{step}");
        assert!(report.sealed.0 + report.waiting.0 > 0, "{step}");
        let first = all.rows[0].id;
        let receipt = back.save(&ctx, first, &[("city", "Hull")]).await.unwrap();
        journal::undo(&ctx, receipt.batch.unwrap()).await.unwrap();
        let city = query::get(&ctx, first).await.unwrap().city;
        assert_eq!(city, all.rows[0].city, "{step}");
    }
}
