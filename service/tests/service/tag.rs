//! Tags: which there are, and what changing one everywhere does.

use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    tag::{Retag, Tag},
};
use rapport_service::{Ctx, customer::command, job::Worker, journal, seen::Seen, tag};

use crate::support::{World, told};

async fn tags(ctx: &Ctx) -> Vec<(String, u64)> {
    let tags = tag::all(ctx).await.unwrap().into_iter();
    tags.map(|Tag { name, customers }| (name, customers)).collect()
}

fn retag(from: &str, to: Option<&str>) -> Retag {
    Retag {
        from: from.to_owned(),
        to: to.map(str::to_owned),
    }
}

fn said(tags: &[(&str, u64)]) -> Vec<(String, u64)> {
    tags.iter()
        .map(|(name, many)| ((*name).to_owned(), *many))
        .collect()
}

#[tokio::test]
async fn a_tag_is_renamed_merged_and_taken_away_everywhere_and_comes_back_with_undo() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    world
        .customer(&member, &[("name", "Ada"), ("tags", "vip, north")])
        .await;
    world
        .customer(&admin, &[("name", "Ben"), ("tags", "Key, vip")])
        .await;
    let gone = world.customer(&admin, &[("name", "Cleo"), ("tags", "vip")]).await;
    command::trash(&admin, gone, Seen::Latest).await.unwrap();
    assert_eq!(tags(&admin).await, said(&[("Key", 1), ("north", 1), ("vip", 2)]));

    let done = tag::change(&admin, retag("vip", Some("key"))).await.unwrap();
    // The one in the trash as well: it may come back.
    assert_eq!((done.customers, done.in_background), (3, false));
    assert_eq!(tags(&admin).await, said(&[("Key", 1), ("key", 1), ("north", 1)]));
    let removed = tag::change(&admin, retag("north", None)).await.unwrap();
    assert_eq!(tags(&admin).await, said(&[("Key", 1), ("key", 1)]));

    // Somebody changes the tags of one: those stay. So does what lies in the trash, as with every undo.
    let ada = "SELECT id::text FROM customer WHERE name = 'Ada'";
    let ada = world.house.database.read(ada).await.parse().unwrap();
    journal::undo(&admin, removed.batch.unwrap()).await.unwrap();
    world.save(&member, ada, &[("tags", "south")]).await.unwrap();
    let report = journal::undo(&admin, done.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (1, 2));
    assert_eq!(tags(&admin).await, said(&[("Key", 1), ("south", 1), ("vip", 1)]));

    for nothing in [retag("unknown", None), retag("", Some("x"))] {
        assert_eq!(told(tag::change(&admin, nothing).await), AppError::NotFound);
    }
    let same = tag::change(&admin, retag("vip", Some("vip"))).await.unwrap();
    assert_eq!(same.batch, None);
    assert_eq!(told(tag::all(&member).await), AppError::Forbidden);
    assert_eq!(
        told(tag::change(&member, retag("vip", None)).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn a_tag_of_many_is_changed_in_the_background_as_one_command() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let many = "INSERT INTO customer (id, kind, stage, name, tags, created_at, updated_at) \
         SELECT md5('c' || n)::uuid, 'person', 'lead', 'Ada ' || n, '{vip}', now(), now() FROM generate_series(1, 2500) AS n";
    world.house.database.run(many).await;
    let done = tag::change(&admin, retag("vip", Some("key"))).await.unwrap();
    assert!(done.in_background);
    assert_eq!(tags(&admin).await, said(&[("vip", 1_000)]));
    let worker = Worker::new(&world.house.service);
    worker.work_off().await.unwrap();
    assert_eq!(world.count("customer WHERE tags = '{key}'").await, 2_500);
    assert_eq!(
        world
            .count("batch WHERE command = 'rename tag' AND state = 'done'")
            .await,
        1
    );

    assert!(
        journal::undo(&admin, done.batch.unwrap())
            .await
            .unwrap()
            .in_background
    );
    worker.work_off().await.unwrap();
    assert_eq!(world.count("customer WHERE tags = '{vip}'").await, 2_500);
}
