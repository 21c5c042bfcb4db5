//! The seal: what the program writes holds, and whatever is done to the journal by SQL is found out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::StreamExt;
use rapport_domain::{
    access::BuiltInRole,
    audit::{AuditQuery, Seal, SealHead},
    error::AppError,
    journal::Via,
};
use rapport_service::{
    Ctx, Service, Setup, audit, database, journal,
    redis::Redis,
    seal::{self, Key, Report, Sealer},
    user,
};
use rapport_testing::{House, SEAL_KEY};

use crate::support::{World, told};

const OTHER_KEY: &str = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e";

async fn with_key(house: &House, key: Option<&str>) -> Service {
    let db = database::connect(&house.database.url(), 5).await.unwrap();
    let redis = Redis::connect(&std::env::var("TEST_REDIS_URL").unwrap(), &house.prefix).unwrap();
    let setup = Setup {
        key: key.map(|key| Key::parse(key).unwrap()),
        ..Setup::default()
    };
    Service::new(db, redis, house.clock.clone(), setup)
}

async fn verify(world: &World) -> Report {
    seal::verify(&world.house.service, None).await.unwrap()
}

async fn head(world: &World) -> SealHead {
    seal::head(&world.house.service).await.unwrap()
}

/// Ten customers, each edited; one edit taken back, and a command that changes nothing; sealed in several blocks.
async fn history(world: &World) -> Ctx {
    let ctx = world.acting(BuiltInRole::Admin).await;
    for number in 0..10 {
        let id = world
            .customer(
                &ctx,
                &[("name", "Ada"), ("email", &format!("a{number}@x.example"))],
            )
            .await;
        let saved = world
            .save(&ctx, id, &[("city", "Zürich \u{1f3d4}"), ("tags", "a, b")])
            .await
            .unwrap();
        if number == 5 {
            journal::undo(&ctx, saved.batch.unwrap()).await.unwrap();
        }
        if number % 4 == 0 {
            head(world).await;
        }
    }
    user::end_sessions(&ctx, ctx.actor().user).await.unwrap();
    head(world).await;
    ctx
}

#[tokio::test]
async fn what_the_program_writes_holds() {
    let world = World::new().await;
    let ctx = history(&world).await;
    let report = verify(&world).await;
    assert_eq!(report.broken, None);
    assert_eq!(
        report.sealed,
        (world.count("batch").await, world.count("change").await)
    );
    assert_eq!(report.waiting, (0, 0));
    let blocks = world.count("seal").await;
    assert_eq!(report.head.unwrap().number, blocks);
    // A look at what is sealed already seals nothing.
    head(&world).await;
    assert_eq!(world.count("seal").await, blocks);

    world.customer(&ctx, &[("name", "Ben")]).await;
    let report = verify(&world).await;
    assert_eq!((report.broken, report.waiting), (None, (1, 1)));

    let page = audit::page(&ctx, AuditQuery::default()).await.unwrap();
    let Seal::On { blocks, commands, .. } = page.seal else {
        unreachable!("it is sealed: {:?}", page.seal);
    };
    assert_eq!(
        (blocks, commands),
        (world.count("seal").await, world.count("batch").await - 1)
    );
}

/// What somebody does to the journal by SQL, and what is said of it.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "UPDATE change SET after = after || '{\"city\": \"Bern\"}' WHERE seq = 20",
        "change 20 is not what was written",
    ),
    (
        "UPDATE change SET at = at + interval '1 microsecond' WHERE seq = 20",
        "change 20 is not what was written",
    ),
    (
        "UPDATE change SET subject = md5('x')::uuid WHERE seq = 20",
        "change 20 is not what was written",
    ),
    (
        "UPDATE change SET salt = NULL, digest = NULL WHERE seq = 20",
        "change 20 was written without the key",
    ),
    ("DELETE FROM change WHERE seq = 20", "changes are missing"),
    (
        // Two of one block in each other's place: as many as before, all of them signed.
        "UPDATE kept_change SET seq = 41 - seq WHERE seq IN (20, 21); DELETE FROM change WHERE seq IN (20, 21); \
         INSERT INTO change OVERRIDING SYSTEM VALUE SELECT * FROM kept_change WHERE seq IN (20, 21); \
         UPDATE kept_change SET seq = 41 - seq WHERE seq IN (20, 21)",
        "what it covers is not what was sealed",
    ),
    (
        "INSERT INTO change (batch, kind, record, subject, version, op, at) \
         SELECT batch, kind, record, subject, version, op, at FROM change WHERE seq = 20",
        "was written without the key",
    ),
    (
        "INSERT INTO change (batch, kind, record, subject, version, op, owner, team, at, before, after, salt, digest) \
         SELECT batch, kind, record, subject, version, op, owner, team, at, before, after, salt, digest \
         FROM change WHERE seq = 20",
        "holds a copy of 20",
    ),
    (
        "INSERT INTO change (seq, batch, kind, record, subject, version, op, at) OVERRIDING SYSTEM VALUE \
         SELECT -5, batch, kind, record, subject, version, op, at FROM change WHERE seq = 20",
        "more changes than were sealed",
    ),
    (
        "UPDATE batch SET command = 'note' WHERE place = 12",
        "command 12 is not what was written",
    ),
    (
        "UPDATE batch SET actor = NULL WHERE place = 12",
        "command 12 is not what was written",
    ),
    (
        "UPDATE batch SET undoable = false, why_not = 'No.' WHERE place = 12",
        "command 12 is not what was written",
    ),
    (
        // It changed nothing, so that no change misses it.
        "DELETE FROM batch WHERE command = 'end sessions'",
        "commands are missing",
    ),
    (
        "INSERT INTO batch (id, via, command, at, state, undoable, place) \
         VALUES (md5('x')::uuid, 'page', 'note', now(), 'done', true, NULL)",
        "has no place",
    ),
    (
        "INSERT INTO batch (id, via, command, at, state, undoable, place) \
         VALUES (md5('x')::uuid, 'page', 'note', now(), 'done', true, -9223372036854775808)",
        "has no place",
    ),
    (
        "UPDATE change SET at = 'infinity' WHERE seq = 20",
        "change 20 is not what was written",
    ),
    (
        "UPDATE seal SET changes = changes + 1 WHERE number = 2",
        "Block 2, sealed",
    ),
    (
        "UPDATE seal SET adopted = NOT adopted WHERE number = 3",
        "Block 3, sealed",
    ),
    (
        "UPDATE seal SET key = md5(key) WHERE number = 2",
        "block 2, which belongs before it, is missing",
    ),
];

/// Puts the journal back as it was kept, past its constraints.
const MEND: &str = "SET session_replication_role = replica; DELETE FROM change; DELETE FROM batch; DELETE FROM seal; \
     INSERT INTO batch SELECT * FROM kept_batch; INSERT INTO seal SELECT * FROM kept_seal; \
     INSERT INTO change OVERRIDING SYSTEM VALUE SELECT * FROM kept_change";

#[tokio::test]
async fn what_is_altered_deleted_or_inserted_by_sql_is_found_and_its_block_named() {
    let world = World::new().await;
    history(&world).await;
    let keep = "CREATE TABLE kept_batch AS SELECT * FROM batch; CREATE TABLE kept_change AS SELECT * FROM change; \
         CREATE TABLE kept_seal AS SELECT * FROM seal";
    world.house.database.run(keep).await;
    for (tamper, said) in TAMPERINGS {
        world.house.database.run(tamper).await;
        let broken = verify(&world).await.broken.unwrap_or_default();
        assert!(broken.contains(said), "{tamper}: {broken:?}");
        world.house.database.run(MEND).await;
        assert_eq!(verify(&world).await.broken, None, "mended after {tamper}");
    }
}

#[tokio::test]
async fn what_is_cut_off_at_the_end_is_found_by_a_head_that_was_kept() {
    let world = World::new().await;
    history(&world).await;
    let kept = head(&world).await;
    let cut = "DELETE FROM change WHERE seq > (SELECT max(change_last) FROM seal \
                                               WHERE number < (SELECT max(number) FROM seal)); \
         DELETE FROM batch WHERE place > (SELECT max(batch_last) FROM seal \
                                          WHERE number < (SELECT max(number) FROM seal)); \
         DELETE FROM seal WHERE number = (SELECT max(number) FROM seal)";
    world.house.database.run(cut).await;
    assert_eq!(verify(&world).await.broken, None);
    let report = seal::verify(&world.house.service, Some(&kept)).await.unwrap();
    assert!(report.broken.unwrap().contains("The head that was kept"));
}

#[tokio::test]
async fn what_was_there_before_the_seal_is_sealed_as_it_is_found() {
    let world = World::new().await;
    let unsealed = with_key(&world.house, None).await;
    let admin = world.house.user(BuiltInRole::Admin, None).await;
    let actor = user::actor(&unsealed, admin).await.unwrap();
    let before = unsealed.acting(actor, Via::Page);
    for _ in 0..5 {
        world
            .customer(&before, &[("name", "Ada"), ("city", "Hull")])
            .await;
    }
    // As commands from before the schema knew of places.
    world.house.database.run("UPDATE batch SET place = NULL").await;
    assert!(matches!(
        told(seal::verify(&unsealed, None).await),
        AppError::Refused { .. }
    ));
    let page = audit::page(&before, AuditQuery::default()).await.unwrap();
    assert_eq!(page.seal, Seal::Off);

    let kept = head(&world).await;
    let report = verify(&world).await;
    assert_eq!(
        (report.broken, report.sealed.0),
        (None, world.count("batch").await)
    );
    world
        .house
        .database
        .run("UPDATE change SET after = after || '{\"city\": \"York\"}' WHERE after ->> 'city' = 'Hull'")
        .await;
    let broken = verify(&world).await.broken.unwrap();
    assert!(broken.starts_with("Block 1, sealed"), "{broken}");

    // Who would write without the key, or with another one, is not let in.
    for (key, said) in [
        (None, "SEAL_KEY is not set"),
        (Some(OTHER_KEY), "SEAL_KEY is not the key"),
    ] {
        let service = with_key(&world.house, key).await;
        let refusal = told(seal::check(&service).await).to_string();
        assert!(refusal.contains(said), "{refusal}");
    }
    let other = with_key(&world.house, Some(OTHER_KEY)).await;
    let renewed = seal::renew(&other).await.unwrap();
    assert_ne!(renewed.key, kept.key);
    seal::check(&other).await.unwrap();
    assert!(matches!(
        told(seal::renew(&other).await),
        AppError::Refused { .. }
    ));
    // What stood there by then is what the new seal is about; the old one says what it said.
    assert_eq!(seal::verify(&other, None).await.unwrap().broken, None);
    assert_eq!(verify(&world).await.broken.unwrap(), broken);
    assert!(seal::check(&world.house.service).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_seal_behind_writers_of_whom_some_give_up() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Admin).await;
    let second = world.house.another_server().await;
    let done = Arc::new(AtomicBool::new(false));
    let sealers: Vec<_> = [world.house.service.clone(), second.clone()]
        .into_iter()
        .map(|service| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                let mut sealer = Sealer::new(&service, Key::parse(SEAL_KEY).unwrap());
                while !done.load(Ordering::Relaxed) {
                    sealer.step().await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let id = world.customer(&ctx, &[("name", "Ada")]).await;
    let actor = ctx.actor().clone();
    let write = async |number: usize| {
        let ctx = [&world.house.service, &second][number % 2].acting(actor.clone(), Via::Page);
        world.customer(&ctx, &[("name", "Ben")]).await;
        // Places are drawn here and then given back: gaps, in the middle of what is sealed.
        let id = id.0;
        let rolled_back = format!(
            "BEGIN; INSERT INTO batch (id, via, command, at, state, undoable) \
                VALUES (md5('{number}')::uuid, 'page', 'note', now(), 'done', true); \
             INSERT INTO change (batch, kind, record, subject, version, op, at) \
                VALUES (md5('{number}')::uuid, 'customer', '{id}', '{id}', 1, 'update', now()); \
             SELECT pg_sleep(0.02); ROLLBACK"
        );
        world.house.database.run(&rolled_back).await;
    };
    // Until there are some blocks.
    let mut number = 0;
    while world.count("seal").await < 6 {
        // No more at once than there are connections.
        futures::stream::iter(number..number + 30)
            .map(&write)
            .buffer_unordered(6)
            .collect::<Vec<()>>()
            .await;
        number += 30;
        assert!(number < 6_000, "nothing is sealed while somebody writes");
    }
    done.store(true, Ordering::Relaxed);
    for sealer in sealers {
        sealer.await.unwrap();
    }
    head(&world).await;
    let report = verify(&world).await;
    assert_eq!(report.broken, None);
    assert_eq!(
        report.sealed,
        (world.count("batch").await, world.count("change").await)
    );
}

#[tokio::test]
async fn who_changes_the_seal_itself_does_not_get_forgeries_sealed() {
    let world = World::new().await;
    history(&world).await;
    let service = &world.house.service;
    let mut sealer = Sealer::new(service, Key::parse(SEAL_KEY).unwrap());
    sealer.step().await.unwrap();
    let forge = "INSERT INTO batch (id, via, command, at, state, undoable) \
         VALUES (md5('forged')::uuid, 'page', 'note', now(), 'done', true)";
    let newest = "number = (SELECT max(number) FROM seal)";
    // The newest block says that all that follows is taken as it is found.
    let flip = format!("UPDATE seal SET adopted = NOT adopted WHERE {newest}");
    world.house.database.run(&flip).await;
    world.house.database.run(forge).await;
    let blocks = world.count("seal").await;
    assert!(seal::head(service).await.is_err());
    assert_eq!(world.count("seal").await, blocks);
    world.house.database.run(&flip).await;
    let broken = verify(&world).await.broken.unwrap();
    assert!(broken.contains("was written without the key"), "{broken}");
    // The seal is gone: who saw it begins no other one, and nobody calls that whole.
    world.house.database.run("DELETE FROM seal").await;
    assert!(sealer.step().await.is_err());
    assert!(verify(&world).await.broken.unwrap().contains("There is no block"));
}
