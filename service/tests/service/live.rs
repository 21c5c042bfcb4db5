//! What others do is told to those who may know, at once, on every server, and with nothing missed.

use std::time::Duration;

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    appointment::NewAppointment,
    error::AppError,
    form::Values,
    id::{CustomerId, UserId},
    live::{Here, Looking, News, Place, Touched},
    user::people::PersonPatch,
};
use rapport_service::{
    Ctx, Service, appointment, import,
    job::Worker,
    live::{self, Hub, Listener},
    user,
};
use rapport_testing::{PASSWORD, eventually};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::support::{World, last_number, sign_in, staged, told, write_late};

const SOON: Duration = Duration::from_secs(10);
/// A page that has all there is.
const BEHIND_ALL: Option<Place> = Some(Place {
    upto: i64::MAX,
    open: None,
});

async fn session(world: &World, ctx: &Ctx) -> String {
    let email = user::me(ctx).await.unwrap().email;
    sign_in(&world.house, &email, PASSWORD).await.unwrap().cookie
}

async fn listening(world: &World, service: &Service, hub: &Hub, ctx: &Ctx, after: Option<Place>) -> Listener {
    let cookie = session(world, ctx).await;
    live::listen(service, hub, ctx.actor().clone(), &cookie, after)
        .await
        .unwrap()
}

/// One whose stream has begun, and who has heard what happened before.
async fn awake(world: &World, hub: &Hub, ctx: &Ctx) -> Listener {
    // Behind all there is.
    let mut listener = listening(world, &world.house.service, hub, ctx, BEHIND_ALL).await;
    assert_eq!(next(&mut listener).await, News::Begun);
    while !silent(&mut listener).await {}
    listener
}

async fn next(listener: &mut Listener) -> News {
    let heard = timeout(SOON, listener.next()).await.expect("nothing is heard");
    heard.expect("the stream is over").1
}

/// What a command did, as somebody hears it.
async fn changed(listener: &mut Listener) -> Vec<Touched> {
    loop {
        if let News::Changed { touched, .. } = next(listener).await {
            return touched;
        }
    }
}

async fn silent(listener: &mut Listener) -> bool {
    timeout(Duration::from_millis(600), listener.next())
        .await
        .is_err()
}

fn here(record: CustomerId, field: Option<&str>, tab: u128, turn: u64) -> Here {
    Here {
        tab: Uuid::from_u128(tab),
        record: Some(record.0),
        field: field.map(str::to_owned),
        turn,
        active: false,
    }
}

fn looking(ctx: &Ctx, name: &str, field: Option<&str>) -> Looking {
    Looking {
        user: ctx.actor().user,
        name: name.to_owned(),
        field: field.map(str::to_owned),
    }
}

#[tokio::test]
async fn who_may_see_a_customer_hears_of_it_on_every_server_without_its_values() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let far = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let other = world.house.another_server().await;
    let (here, there) = (Hub::start(&world.house.service), Hub::start(&other));
    let mut near = awake(&world, &here, &ben).await;
    let mut elsewhere = listening(&world, &other, &there, &anna, BEHIND_ALL).await;
    let mut stranger = awake(&world, &here, &far).await;

    let id = world
        .customer(&anna, &[("name", "Ada"), ("city", "Secretville")])
        .await;
    for listener in [&mut near, &mut elsewhere] {
        let touched = changed(listener).await;
        assert_eq!((touched.len(), touched[0].record), (1, Some(id.0)));
        assert!(touched[0].fields.contains(&"city".to_owned()));
        assert!(!serde_json::to_string(&touched).unwrap().contains("Secretville"));
    }
    let began = Instant::now();
    world.save(&anna, id, &[("city", "Bath")]).await.unwrap();
    let touched = changed(&mut near).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(
        (touched[0].version, &touched[0].fields),
        (2, &vec!["city".to_owned()])
    );
    assert!(silent(&mut stranger).await, "what is out of sight is not told");
}

#[tokio::test]
async fn who_loses_sight_is_told_and_hears_no_more() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (anna, far) = (
        world.acting(BuiltInRole::Member).await,
        world.acting_in(BuiltInRole::Member, "Elsewhere").await,
    );
    let hub = Hub::start(&world.house.service);
    let id = world.customer(&anna, &[("name", "Ada")]).await;
    let (mut before, mut after) = (awake(&world, &hub, &anna).await, awake(&world, &hub, &far).await);
    let heir = far.actor().user.to_string();
    world.save(&admin, id, &[("owner_id", &heir)]).await.unwrap();
    let (gone, came) = (changed(&mut before).await, changed(&mut after).await);
    assert!(gone[0].gone && !came[0].gone);
    world.save(&admin, id, &[("city", "Bath")]).await.unwrap();
    assert_eq!(changed(&mut after).await[0].fields, ["city"]);
    assert!(silent(&mut before).await);
}

#[tokio::test]
async fn a_stream_that_comes_back_hears_what_it_missed_and_one_that_missed_much_is_told_so() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let hub = Hub::start(&world.house.service);
    let mut first = listening(&world, &world.house.service, &hub, &admin, None).await;
    let (place, begun) = first.next().await.unwrap();
    let place = place.map(|upto| Place { upto, open: None });
    assert_eq!(begun, News::Begun);
    drop(first);
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    let mut back = listening(&world, &world.house.service, &hub, &admin, place).await;
    assert_eq!(next(&mut back).await, News::Begun);
    assert_eq!(changed(&mut back).await[0].record, Some(id.0));

    // A page that was read a moment ago may miss it, too.
    let mut fresh = listening(&world, &world.house.service, &hub, &admin, None).await;
    assert_eq!(next(&mut fresh).await, News::Begun);
    assert_eq!(changed(&mut fresh).await[0].record, Some(id.0));

    let mut text = String::from("Name\n");
    for row in 0..700 {
        text.push_str(&format!("Ada {row}\n"));
    }
    let import = staged(&admin, "people.csv", text.as_bytes()).await;
    import::run(&admin, import).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let mut much = listening(&world, &world.house.service, &hub, &admin, place).await;
    assert_eq!(next(&mut much).await, News::Begun);
    assert_eq!(next(&mut much).await, News::Missed);
    // Who was there the whole time is told that it was much.
    loop {
        if changed(&mut back).await.is_empty() {
            break;
        }
    }
}

#[tokio::test]
async fn one_that_is_written_late_is_told_all_the_same() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    let hub = Hub::start(&world.house.service);
    let mut listener = awake(&world, &hub, &admin).await;
    // It draws its number first and ends last.
    let before = last_number(&world).await;
    tokio::join!(write_late(&world, id, 1.5), async {
        eventually("its number is drawn", SOON, async || {
            last_number(&world).await != before
        })
        .await;
        world.customer(&admin, &[("name", "Ben")]).await;
    });
    let mut versions = Vec::new();
    while !versions.contains(&77) {
        versions.extend(changed(&mut listener).await.iter().map(|one| one.version));
    }
    assert_eq!(versions, [1, 77]);
}

#[tokio::test]
async fn a_hub_that_wakes_up_among_writers_misses_none_of_them() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    let hub = Hub::start(&world.house.service);
    let before = last_number(&world).await;
    let ((), mut listener) = tokio::join!(write_late(&world, id, 2.0), async {
        eventually("its number is drawn", SOON, async || {
            last_number(&world).await != before
        })
        .await;
        world.customer(&admin, &[("name", "Ben")]).await;
        listening(&world, &world.house.service, &hub, &admin, None).await
    });
    while changed(&mut listener).await.iter().all(|one| one.version != 77) {}
}

#[tokio::test]
async fn every_piece_of_a_large_command_is_told() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let hub = Hub::start(&world.house.service);
    let mut listener = awake(&world, &hub, &admin).await;
    let mut text = String::from("Name\n");
    for row in 0..2_500 {
        text.push_str(&format!("Ada {row}\n"));
    }
    let import = staged(&admin, "people.csv", text.as_bytes()).await;
    import::run(&admin, import).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let last: i64 = world
        .house
        .database
        .read("SELECT max(seq)::text FROM change")
        .await
        .parse()
        .unwrap();
    let mut pieces = Vec::new();
    while pieces.last() != Some(&last) {
        if let News::Changed { upto, touched, .. } = next(&mut listener).await {
            assert!(touched.is_empty(), "too much to be named");
            pieces.push(upto);
        }
    }
    let mut each = pieces.clone();
    each.dedup();
    assert_eq!(each, pieces, "no two pieces are told apart by nothing");
}

#[tokio::test]
async fn of_an_appointment_each_keeper_hears_and_of_its_customer_who_may_see_that() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting_in(BuiltInRole::Member, "Elsewhere").await,
    );
    let admin = world.acting(BuiltInRole::Admin).await;
    let reader = world.acting_in(BuiltInRole::Member, "Nowhere").await;
    let hub = Hub::start(&world.house.service);
    let customer = world.customer(&anna, &[("name", "Ada")]).await;
    let mut of_anna = awake(&world, &hub, &anna).await;
    let mut of_ben = awake(&world, &hub, &ben).await;
    let mut of_reader = awake(&world, &hub, &reader).await;
    let staff = format!("{}\n{}", anna.actor().user, ben.actor().user);
    let day = admin.clock().now().date_naive() + TimeDelta::days(3);
    let values = Values::default()
        .with("id", admin.clock().new_id::<Uuid>().to_string())
        .with("type", "01900000-0000-7000-8000-000000000021")
        .with("customer", customer.to_string())
        .with("staff", staff)
        .with("date", day.to_string())
        .with("time", "10:00")
        .with("minutes", "30");
    let id = appointment::book(&admin, NewAppointment::parse(&values).unwrap())
        .await
        .unwrap()
        .record;
    let (near, far, busy) = (
        changed(&mut of_anna).await,
        changed(&mut of_ben).await,
        changed(&mut of_reader).await,
    );
    assert_eq!((near[0].record, near[0].customer), (Some(id), Some(customer.0)));
    // Whose the customer is Ben may not know.
    assert_eq!((far[0].record, far[0].customer), (Some(id), None));
    assert_eq!(
        (busy[0].record, busy[0].customer, busy[0].fields.len()),
        (None, None, 0)
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_follows_the_rights() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let hub = Hub::start(&world.house.service);
    let mut stays = awake(&world, &hub, &ben).await;
    let mut ends = awake(&world, &hub, &anna).await;
    let person = user::person(&admin, ben.actor().user).await.unwrap().person;
    let values = Values::default().with("role", "read_only");
    let patch = PersonPatch::parse(&values, &values).unwrap();
    user::save_person(&admin, ben.actor().user, person.version, patch)
        .await
        .unwrap();
    assert_eq!(
        next(&mut stays).await,
        News::Missed,
        "what is in sight is another thing now"
    );
    user::end_sessions(&admin, anna.actor().user).await.unwrap();
    assert_eq!(next(&mut ends).await, News::Over);
    assert_eq!(ends.next().await, None);

    hub.end();
    assert_eq!(
        timeout(SOON, stays.next()).await.unwrap(),
        None,
        "a server that stops ends all streams"
    );
    drop(stays);
    assert_eq!(hub.streams(), 1);
    drop(ends);
    assert_eq!(hub.streams(), 0);
}

#[tokio::test]
async fn who_looks_at_a_record_is_told_to_the_others_who_do() {
    let world = World::new().await;
    let (anna, ben) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let far = world.acting_in(BuiltInRole::Member, "Elsewhere").await;
    let other = world.house.another_server().await;
    let (hub, there) = (Hub::start(&world.house.service), Hub::start(&other));
    let id = world.customer(&anna, &[("name", "Ada")]).await;
    let mut of_anna = awake(&world, &hub, &anna).await;
    let mut of_ben = listening(&world, &other, &there, &ben, BEHIND_ALL).await;
    assert_eq!(next(&mut of_ben).await, News::Begun);
    let mut of_far = awake(&world, &hub, &far).await;
    let names: [String; 2] = [
        user::me(&anna).await.unwrap().name,
        user::me(&ben).await.unwrap().name,
    ];

    live::here(&anna, here(id, None, 1, 1)).await.unwrap();
    live::here(&ben, here(id, Some("city"), 2, 2)).await.unwrap();
    live::here(&ben, here(id, None, 3, 1)).await.unwrap();
    let refused = live::here(&far, here(id, None, 4, 1)).await;
    assert!(matches!(told(refused), AppError::NotFound));
    let heard = async |listener: &mut Listener, wanted: Vec<Looking>| loop {
        if let News::Looking { record, people } = next(listener).await
            && people == wanted
        {
            return record;
        }
    };
    assert_eq!(
        heard(&mut of_anna, vec![looking(&ben, &names[1], Some("city"))]).await,
        id.0
    );
    assert_eq!(
        heard(&mut of_ben, vec![looking(&anna, &names[0], None)]).await,
        id.0
    );
    assert!(silent(&mut of_far).await);

    // One tab goes, the other one stays; then nobody says anything any more.
    let nowhere = Here {
        tab: Uuid::from_u128(2),
        record: None,
        field: None,
        turn: 3,
        active: false,
    };
    live::here(&ben, nowhere).await.unwrap();
    // What arrives late says nothing any more.
    live::here(&ben, here(id, Some("name"), 2, 2)).await.unwrap();
    heard(&mut of_anna, vec![looking(&ben, &names[1], None)]).await;
    world.house.clock.advance(TimeDelta::seconds(80));
    live::here(&anna, here(id, None, 1, 2)).await.unwrap();
    heard(&mut of_anna, vec![]).await;
    let wrong = live::here(&anna, here(id, Some("<b>"), 1, 3)).await;
    assert!(matches!(told(wrong), AppError::Invalid { .. }));
}

#[tokio::test]
async fn when_redis_is_away_it_is_said_and_what_was_missed_when_it_is_back() {
    let (world, faults) = World::with_faults().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let hub = Hub::start(&world.house.service);
    let mut listener = awake(&world, &hub, &admin).await;
    faults.redis.break_off();
    while next(&mut listener).await != News::Paused {}
    // For as long as it is away nothing is told, and nobody reads anything anew.
    assert!(silent(&mut listener).await && silent(&mut listener).await);
    faults.redis.restore();
    assert_eq!(next(&mut listener).await, News::Missed);
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    assert_eq!(changed(&mut listener).await[0].record, Some(id.0));
}

#[tokio::test]
async fn a_thousand_streams_hear_at_once_and_one_that_does_not_listen_holds_nobody_up() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let hub = Hub::start(&world.house.service);
    let cookie = session(&world, &admin).await;
    let mut listeners = Vec::new();
    for number in 0..1_000_u128 {
        // Each of somebody else; nobody has more than their share.
        let mut actor = admin.actor().clone();
        actor.user = UserId(Uuid::from_u128(number));
        let listener = live::listen(&world.house.service, &hub, actor, &cookie, BEHIND_ALL)
            .await
            .unwrap();
        listeners.push(listener);
    }
    assert_eq!(hub.streams(), 1_000);
    let mut deaf = awake(&world, &hub, &admin).await;
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    let began = Instant::now();
    let heard = futures::future::join_all(listeners.iter_mut().map(changed)).await;
    assert!(heard.iter().all(|touched| touched[0].record == Some(id.0)));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(listeners);

    for number in 0..90 {
        let city = if number % 2 == 0 { "Bath" } else { "York" };
        world.save(&admin, id, &[("city", city)]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(110)).await;
    }
    let mut heard = 0;
    while next(&mut deaf).await != News::Missed {
        heard += 1;
        assert!(
            heard < 90,
            "one that is far behind is told that it missed something"
        );
    }
    let mine =
        (0..40).map(|_| live::listen(&world.house.service, &hub, admin.actor().clone(), &cookie, None));
    let begun = futures::future::join_all(mine).await;
    assert!(begun.iter().any(Result::is_err), "nobody has streams without end");
}
