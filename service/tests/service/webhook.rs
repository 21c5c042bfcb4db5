//! Webhooks: what happens is told, signed, in order and at least once; and nothing that answers badly gets far.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    error::AppError,
    event::EventType,
    form::Values,
    id::{CustomerId, WebhookId},
    webhook::{DeliveryState, WebhookForm, WebhookState},
};
use rapport_service::{
    Ctx, Service, Setup, activity,
    customer::command,
    database, import,
    job::Worker,
    journal,
    redis::Redis,
    seen::Seen,
    user,
    webhook::{self, Teller},
};
use rapport_testing::{House, eventually};
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use crate::support::{World, last_number, refused, staged, told, write_late};

const SOON: Duration = Duration::from_secs(60);

/// How the receiver answers.
#[derive(Clone)]
enum Mode {
    Takes,
    Says(&'static str),
    /// Refuses every tenth.
    Moody,
    Never,
    Endless,
}

/// A message as it was received.
#[derive(Clone)]
struct Received {
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    fn read(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// As much of a web server as receives messages.
#[derive(Clone)]
struct Receiver {
    url: String,
    mode: Arc<Mutex<Mode>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            mode: Arc::new(Mutex::new(Mode::Takes)),
            received: Arc::default(),
        };
        let accepting = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = accepting.clone();
                // Whoever hangs up in the middle is of no interest.
                tokio::spawn(async move { receiver.serve(stream).await.ok() });
            }
        });
        receiver
    }

    fn now(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut headers = Vec::new();
            let mut line = String::new();
            while stream.read_line(&mut line).await? > 0 && line != "\r\n" {
                if let Some((name, value)) = line.trim_end().split_once(": ") {
                    headers.push((name.to_lowercase(), value.to_owned()));
                }
                line.clear();
            }
            let mut message = Received {
                headers,
                body: String::new(),
            };
            let Ok(length) = message.header("content-length").parse() else {
                return Ok(());
            };
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            message.body = String::from_utf8(body).unwrap();
            let mode = self.mode.lock().unwrap().clone();
            let many = {
                let mut received = self.received.lock().unwrap();
                received.push(message);
                received.len()
            };
            let head = match mode {
                Mode::Takes => "204 No Content",
                Mode::Moody if !many.is_multiple_of(10) => "204 No Content",
                Mode::Moody => "503 Service Unavailable",
                Mode::Says(head) => head,
                Mode::Never => std::future::pending().await,
                Mode::Endless => {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
                        .await?;
                    loop {
                        stream.write_all(&[b'x'; 65_536]).await?;
                    }
                }
            };
            stream
                .write_all(format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").as_bytes())
                .await?;
        }
    }
}

/// A server that tells, until it is dropped.
struct Telling(JoinHandle<()>);

impl Telling {
    fn at(service: &Service) -> Self {
        let teller = Teller::new(service).unwrap();
        Self(tokio::spawn(async move { teller.work().await }))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn form(url: &str, fields: &[(&str, &str)]) -> WebhookForm {
    let events: Vec<String> = EventType::every().map(|one| one.to_string()).collect();
    let values = Values::default()
        .with("name", "Sync")
        .with("url", url)
        .with("events", events.join("\n"));
    let values = fields
        .iter()
        .fold(values, |values, (name, text)| values.with(name, *text));
    WebhookForm::parse(&values).unwrap()
}

async fn hook(ctx: &Ctx, url: &str, fields: &[(&str, &str)]) -> (WebhookId, String) {
    let id = ctx.clock().new_id();
    let made = webhook::create(ctx, id, form(url, fields)).await.unwrap();
    (id, made.secret.unwrap())
}

async fn note(ctx: &Ctx, customer: CustomerId) {
    let values = Values::default()
        .with("id", ctx.clock().new_id::<uuid::Uuid>().to_string())
        .with("body", "Called");
    activity::write_note(ctx, customer, NewNote::parse(&values).unwrap())
        .await
        .unwrap();
}

async fn arrive(receiver: &Receiver, many: usize) -> Vec<Received> {
    eventually("all messages arrive", SOON, async || {
        receiver.received().len() >= many
    })
    .await;
    receiver.received()
}

fn types(received: &[Received]) -> Vec<String> {
    let read = received.iter().map(Received::read);
    read.map(|body| body["type"].as_str().unwrap().to_owned())
        .collect()
}

fn verified(secret: &str, message: &Received) -> bool {
    let hook = standardwebhooks::Webhook::new(secret).unwrap();
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names.map(|name| (name.parse().unwrap(), message.header(name).parse().unwrap()));
    let headers: reqwest::header::HeaderMap = headers.into_iter().collect();
    hook.verify(message.body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn what_happens_is_told_in_order_and_signed() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    world.customer(&admin, &[("name", "Before")]).await;
    let receiver = Receiver::new().await;
    let (_, secret) = hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&world.house.service);

    let (id, batch) = world
        .create(&admin, &[("name", "Ada"), ("email", "ada@x.example")])
        .await;
    let saved = world
        .save(&admin, id, &[("city", "Bath"), ("phones", "+41 44 668 18 00")])
        .await
        .unwrap();
    note(&admin, id).await;
    command::trash(&admin, id, Seen::Latest).await.unwrap();
    command::restore(&admin, id, Seen::Latest).await.unwrap();
    journal::undo(&admin, saved.batch.unwrap()).await.unwrap();

    let received = arrive(&receiver, 6).await;
    assert_eq!(
        types(&received),
        [
            "customer.created",
            "customer.updated",
            "note.created",
            "customer.trashed",
            "customer.restored",
            "customer.updated"
        ]
    );
    let made = received[0].read();
    assert_eq!(made["data"]["customer_id"], id.to_string());
    assert_eq!(made["data"]["command"], batch.to_string());
    assert_eq!(made["data"]["user_id"], admin.actor().user.to_string());
    assert_eq!(made["data"]["via"], "page");
    assert!(
        made["data"]["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/api/v1/customers/{id}"))
    );
    let changed = received[1].read();
    assert_eq!(changed["data"]["fields"], serde_json::json!(["city", "phones"]));
    assert_eq!(changed["data"]["version"], 2);
    assert!(!received[1].body.contains("Bath"), "no values are told");
    for message in &received {
        assert!(verified(&secret, message));
        assert!(!verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message));
        assert_eq!(message.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn only_what_was_chosen_is_told_about_customers_that_the_filter_finds() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    let fields = [
        ("events", "customer.updated\nnote.created"),
        ("filter", "1:and(city.is(Bath),not(stage.is(former)))"),
    ];
    hook(&admin, &receiver.url, &fields).await;
    let ours = world.customer(&admin, &[("name", "Ada"), ("city", "Bath")]).await;
    let other = world.customer(&admin, &[("name", "Ben"), ("city", "York")]).await;
    for id in [other, ours] {
        note(&admin, id).await;
        world.save(&admin, id, &[("street", "Main St 1")]).await.unwrap();
    }
    // It is told of a change by what the customer is by then.
    world.save(&admin, other, &[("city", "Bath")]).await.unwrap();
    world.save(&admin, ours, &[("stage", "former")]).await.unwrap();

    let _telling = Telling::at(&world.house.service);
    let received = arrive(&receiver, 3).await;
    let about: Vec<Value> = received
        .iter()
        .map(|message| message.read()["data"]["customer_id"].clone())
        .collect();
    assert_eq!(
        types(&received),
        ["note.created", "customer.updated", "customer.updated"]
    );
    assert!(about.iter().all(|id| *id == other.to_string()), "{about:?}");
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_for_a_day_and_then_the_webhook_waits_for_somebody() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    receiver.now(Mode::Says("500 Oh no"));
    let (id, _) = hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&world.house.service);
    let customer = world.customer(&admin, &[("name", "Ada")]).await;
    arrive(&receiver, 1).await;
    eventually("it is noted", SOON, async || {
        matches!(
            webhook::get(&admin, id).await.unwrap().state,
            WebhookState::Failing { .. }
        )
    })
    .await;
    let page = webhook::page(&admin, id, None).await.unwrap();
    assert_eq!(
        (page.log[0].state, page.log[0].status),
        (DeliveryState::Waiting, Some(500))
    );

    // Hours go by; the same message is sent again and again, later each time.
    for sent in 1..11 {
        let noted = async || webhook::page(&admin, id, None).await.unwrap().log[0].attempts >= sent;
        eventually("what was answered is noted", SOON, noted).await;
        world.house.clock.advance(TimeDelta::hours(3));
    }
    eventually("it is given up", SOON, async || {
        webhook::get(&admin, id).await.unwrap().state == WebhookState::GivenUp
    })
    .await;
    let ids: Vec<String> = receiver
        .received()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert!(ids.iter().all(|one| *one == ids[0]), "{ids:?}");
    assert_eq!(
        world
            .count("mail WHERE subject LIKE 'The webhook % was paused'")
            .await,
        1
    );
    assert_eq!(
        world
            .count("batch WHERE command = 'pause webhook' AND via = 'automation'")
            .await,
        1
    );

    // What happened meanwhile is told when it goes on.
    world.save(&admin, customer, &[("city", "Bath")]).await.unwrap();
    receiver.now(Mode::Takes);
    let before = receiver.received().len();
    webhook::resume(&admin, id, false).await.unwrap();
    let received = arrive(&receiver, before + 2).await;
    assert_eq!(
        types(&received[before..]),
        ["customer.created", "customer.updated"]
    );
    eventually("all is well", SOON, async || {
        webhook::get(&admin, id).await.unwrap().state == WebhookState::Well
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_asked_once() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    receiver.now(Mode::Says("410 Gone"));
    let (id, _) = hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&world.house.service);
    world.customer(&admin, &[("name", "Ada")]).await;
    eventually("it is given up", SOON, async || {
        webhook::get(&admin, id).await.unwrap().state == WebhookState::GivenUp
    })
    .await;
    assert_eq!(receiver.received().len(), 1);
    assert!(refused(webhook::ping(&admin, id).await).contains("paused"));

    // From the present on: what was missed is left out.
    receiver.now(Mode::Takes);
    let resumed = webhook::resume(&admin, id, true).await.unwrap();
    assert!(refused(journal::undo(&admin, resumed.batch.unwrap()).await).contains("left out"));
    world.customer(&admin, &[("name", "Ben")]).await;
    arrive(&receiver, 2).await;
    let states: Vec<DeliveryState> = webhook::page(&admin, id, None)
        .await
        .unwrap()
        .log
        .iter()
        .map(|one| one.state)
        .collect();
    assert_eq!(states.last(), Some(&DeliveryState::Skipped));
    assert_eq!(states.len(), 2);
}

#[tokio::test]
async fn one_that_never_answers_or_answers_without_end_holds_up_nobody_else() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (silent, endless, good) = (
        Receiver::new().await,
        Receiver::new().await,
        Receiver::new().await,
    );
    silent.now(Mode::Never);
    endless.now(Mode::Endless);
    let (never, _) = hook(&admin, &silent.url, &[("name", "Never")]).await;
    let (gigabyte, _) = hook(&admin, &endless.url, &[("name", "Endless")]).await;
    hook(&admin, &good.url, &[]).await;
    let _telling = Telling::at(&world.house.service);
    for number in 0..5 {
        world
            .customer(&admin, &[("name", &format!("Ada {number}"))])
            .await;
    }
    // None waits for the one that does not answer.
    eventually("the good one hears", Duration::from_secs(8), async || {
        good.received().len() == 5
    })
    .await;
    // What never ends counts by how it began; its rest is not waited for.
    eventually("the endless one too", Duration::from_secs(8), async || {
        webhook::page(&admin, gigabyte, None)
            .await
            .unwrap()
            .log
            .iter()
            .filter(|one| one.state == DeliveryState::Delivered)
            .count()
            == 5
    })
    .await;
    let kept = webhook::page(&admin, gigabyte, None).await.unwrap();
    assert!(
        kept.log
            .iter()
            .all(|one| one.said.as_ref().is_some_and(|said| said.len() == 1_000))
    );
    eventually("it is said that nothing was answered", SOON, async || {
        let page = webhook::page(&admin, never, None).await.unwrap();
        page.log.iter().any(|one| {
            one.said
                .as_ref()
                .is_some_and(|said| said.contains("no answer within"))
        })
    })
    .await;
}

/// The same house with nothing allowed besides public addresses.
async fn strict(house: &House) -> Service {
    let db = database::connect(&house.database.url(), 5).await.unwrap();
    let redis = Redis::connect(&std::env::var("TEST_REDIS_URL").unwrap(), &house.prefix).unwrap();
    Service::new(db, redis, house.clock.clone(), Setup::default())
}

#[tokio::test]
async fn nothing_is_sent_to_addresses_that_are_not_public() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let strict = strict(&world.house).await;
    let actor = user::actor(&strict, admin.actor().user).await.unwrap();
    let strictly = strict.acting(actor, admin.via());
    let receiver = Receiver::new().await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    // Written as a number, in whatever way.
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
    ] {
        let made = webhook::create(
            &strictly,
            admin.clock().new_id(),
            form(&format!("http://{host}:{port}"), &[]),
        )
        .await;
        let AppError::Invalid { fields } = told(made.map(|made| made.receipt)) else {
            panic!("{host} is no wrong address");
        };
        assert!(fields.get("url").unwrap().contains("not a public"), "{host}");
    }
    // As a name, which leads there when it is looked up; and what was allowed before.
    let (named, _) = hook(&strictly, &format!("http://localhost:{port}"), &[]).await;
    let (before, _) = hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&strict);
    world.customer(&admin, &[("name", "Ada")]).await;
    for id in [named, before] {
        eventually("it is refused", SOON, async || {
            let page = webhook::page(&admin, id, None).await.unwrap();
            page.log.first().is_some_and(|one| {
                one.said
                    .as_ref()
                    .is_some_and(|said| said.contains("not a public"))
            })
        })
        .await;
    }
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn an_answer_that_leads_elsewhere_is_not_followed() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let (first, inner) = (Receiver::new().await, Receiver::new().await);
    let leads: &'static str =
        Box::leak(format!("307 Temporary Redirect\r\nLocation: {}", inner.url).into_boxed_str());
    first.now(Mode::Says(leads));
    let (id, _) = hook(&admin, &first.url, &[]).await;
    let _telling = Telling::at(&world.house.service);
    world.customer(&admin, &[("name", "Ada")]).await;
    eventually("it is said", SOON, async || {
        let page = webhook::page(&admin, id, None).await.unwrap();
        page.log.first().is_some_and(|one| {
            one.status == Some(307) && one.said.as_ref().unwrap().contains("another address")
        })
    })
    .await;
    assert_eq!(inner.received().len(), 0);
}

#[tokio::test]
async fn a_new_secret_is_good_at_once_and_the_one_before_for_a_day() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    let (id, old) = hook(&admin, &receiver.url, &[]).await;
    let new = webhook::renew_secret(&admin, id).await.unwrap();
    assert_ne!(old, new);
    // A second one leaves the one that the receiver knows.
    let new = webhook::renew_secret(&admin, id).await.unwrap();
    assert_eq!(
        webhook::get(&admin, id).await.unwrap().secret.as_deref(),
        Some(new.as_str())
    );
    let other = world.acting(BuiltInRole::Admin).await;
    assert_eq!(
        webhook::get(&other, id).await.unwrap().secret,
        None,
        "only who made it sees it"
    );
    let _telling = Telling::at(&world.house.service);
    webhook::ping(&admin, id).await.unwrap();
    let received = arrive(&receiver, 1).await;
    assert!(verified(&new, &received[0]) && verified(&old, &received[0]));

    world.house.clock.advance(TimeDelta::hours(25));
    webhook::ping(&admin, id).await.unwrap();
    let received = arrive(&receiver, 2).await;
    assert_eq!(received[0].header("webhook-signature").split(' ').count(), 2);
    assert_eq!(received[1].header("webhook-signature").split(' ').count(), 1);
    let secrets = world.house.database.read("SELECT coalesce(string_agg(c::text || b::text, ''), '') FROM batch b LEFT JOIN change c ON c.batch = b.id").await;
    assert!(
        !secrets.contains(&old) && !secrets.contains(&new),
        "no secret is journalled"
    );
}

#[tokio::test]
async fn a_message_can_be_sent_again_under_its_id() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&world.house.service);
    world.customer(&admin, &[("name", "Ada")]).await;
    world.customer(&admin, &[("name", "Ben")]).await;
    arrive(&receiver, 2).await;
    eventually("both are noted", SOON, async || {
        webhook::page(&admin, id, None)
            .await
            .unwrap()
            .log
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    })
    .await;
    let first = webhook::page(&admin, id, None).await.unwrap().log.pop().unwrap();
    assert_eq!(webhook::send_again(&admin, first.id).await.unwrap(), id);
    let received = arrive(&receiver, 3).await;
    assert_eq!(received[2].header("webhook-id"), received[0].header("webhook-id"));
    assert_eq!(received[2].body, received[0].body);
    assert_eq!(webhook::page(&admin, id, None).await.unwrap().log[0].id, first.id);

    // A month later it is forgotten; what waits never is.
    receiver.now(Mode::Says("500 Oh no"));
    webhook::ping(&admin, id).await.unwrap();
    arrive(&receiver, 4).await;
    world.house.clock.advance(TimeDelta::days(31));
    let worker = Worker::new(&world.house.service);
    let sweeping = tokio::spawn(async move { worker.work().await });
    eventually("the log is swept", SOON, async || {
        world.count("webhook_delivery").await == 1
    })
    .await;
    sweeping.abort();
}

#[tokio::test]
async fn webhooks_are_for_admins_and_their_changes_can_be_taken_back() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver.url, &[]).await;
    for role in [BuiltInRole::Manager, BuiltInRole::Member, BuiltInRole::ReadOnly] {
        let other = world.acting(role).await;
        assert_eq!(told(webhook::list(&other).await), AppError::Forbidden);
        assert_eq!(told(webhook::page(&other, id, None).await), AppError::Forbidden);
        assert_eq!(told(webhook::ping(&other, id).await), AppError::Forbidden);
        assert_eq!(told(webhook::pause(&other, id).await), AppError::Forbidden);
        assert_eq!(
            told(webhook::resume(&other, id, false).await),
            AppError::Forbidden
        );
        assert_eq!(
            told(webhook::remove(&other, id, Seen::Latest).await),
            AppError::Forbidden
        );
        assert_eq!(told(webhook::renew_secret(&other, id).await), AppError::Forbidden);
        assert_eq!(
            told(webhook::change(&other, id, 1, form(&receiver.url, &[])).await),
            AppError::Forbidden
        );
        let made = webhook::create(&other, other.clock().new_id(), form(&receiver.url, &[])).await;
        assert_eq!(told(made.map(|made| made.receipt)), AppError::Forbidden);
    }
    let changed = webhook::change(&admin, id, 1, form(&receiver.url, &[("name", "Shop")]))
        .await
        .unwrap();
    assert!(
        refused(webhook::change(&admin, id, 1, form(&receiver.url, &[("name", "Till")])).await)
            .contains("Somebody")
    );
    journal::undo(&admin, changed.batch.unwrap()).await.unwrap();
    assert_eq!(webhook::get(&admin, id).await.unwrap().name, "Sync");

    // One that was removed comes back with its secret, and hears what it missed.
    let removed = webhook::remove(&admin, id, Seen::Latest).await.unwrap();
    assert_eq!(told(webhook::get(&admin, id).await), AppError::NotFound);
    world.customer(&admin, &[("name", "Ada")]).await;
    journal::undo(&admin, removed.batch.unwrap()).await.unwrap();
    let _telling = Telling::at(&world.house.service);
    arrive(&receiver, 1).await;

    // The same form twice makes one.
    let again: WebhookId = admin.clock().new_id();
    let twice = tokio::join!(
        webhook::create(&admin, again, form(&receiver.url, &[])),
        webhook::create(&admin, again, form(&receiver.url, &[]))
    );
    assert_eq!(twice.0.unwrap().receipt.record, twice.1.unwrap().receipt.record);
    assert_eq!(webhook::list(&admin).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_webhook_is_told_of_what_was_being_written_when_it_was_made() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id = world.customer(&admin, &[("name", "Ada")]).await;
    let receiver = Receiver::new().await;
    let before = last_number(&world).await;
    tokio::join!(write_late(&world, id, 0.6), async {
        eventually("its number is drawn", SOON, async || {
            last_number(&world).await != before
        })
        .await;
        hook(&admin, &receiver.url, &[]).await;
    });
    let _telling = Telling::at(&world.house.service);
    let received = arrive(&receiver, 1).await;
    assert_eq!(received[0].read()["data"]["version"], 77);
}

/// A transaction that writes something, and stays open.
async fn open(world: &World) -> DatabaseTransaction {
    let db = world.house.database.pool().await;
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("SELECT pg_current_xact_id()")
        .await
        .unwrap();
    tx
}

#[tokio::test]
async fn what_stays_open_is_waited_for_in_this_database_and_in_no_other() {
    let (world, other) = (World::new().await, World::new().await);
    let admin = world.acting(BuiltInRole::Admin).await;
    let customer = world.customer(&admin, &[("name", "Ada")]).await;
    let receiver = Receiver::new().await;
    let _elsewhere = open(&other).await;
    hook(&admin, &receiver.url, &[]).await;
    let _telling = Telling::at(&world.house.service);

    let here = open(&world).await;
    let made = webhook::create(&admin, admin.clock().new_id(), form(&receiver.url, &[])).await;
    assert!(refused(made.map(|made| made.receipt)).contains("has been open for long"));
    note(&admin, customer).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.received().len(), 0);

    here.commit().await.unwrap();
    arrive(&receiver, 1).await;
}

#[tokio::test]
async fn each_customer_of_a_large_import_is_told_of_once_and_as_new() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    hook(&admin, &receiver.url, &[]).await;
    let mut text = String::from("Name,E-mail,Phone\n");
    for row in 0..600 {
        text.push_str(&format!("Ada {row},a{row}@x.example,+41 44 668 {row:04}\n"));
    }
    let import = staged(&admin, "people.csv", text.as_bytes()).await;
    import::run(&admin, import).await.unwrap();
    Worker::new(&world.house.service).work_off().await.unwrap();
    let _telling = Telling::at(&world.house.service);
    let received = arrive(&receiver, 600).await;
    assert!(types(&received).iter().all(|kind| kind == "customer.created"));
    let fields = |message: &Received| message.read()["data"]["fields"].to_string();
    assert!(
        received
            .iter()
            .all(|message| fields(message).contains("emails") && fields(message).contains("name"))
    );
}

#[tokio::test]
async fn many_webhooks_take_turns() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let mut receivers = Vec::new();
    for number in 0..20 {
        let receiver = Receiver::new().await;
        hook(&admin, &receiver.url, &[("name", &format!("Sync {number}"))]).await;
        receivers.push(receiver);
    }
    let _telling = Telling::at(&world.house.service);
    let (world_, admin_) = (&world, &admin);
    let writing = async move {
        loop {
            world_.customer(admin_, &[("name", "Ada")]).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let all = eventually("all of them hear", SOON, async || {
        receivers.iter().all(|receiver| receiver.received().len() > 2)
    });
    tokio::select! {
        () = writing => {}
        () = all => {}
    }
}

#[tokio::test]
async fn servers_that_die_at_any_moment_miss_nothing_and_keep_the_order() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 30;
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let receiver = Receiver::new().await;
    receiver.now(Mode::Moody);
    let (hook, _) = hook(
        &admin,
        &receiver.url,
        &[("events", "customer.created\ncustomer.updated")],
    )
    .await;
    let other = world.house.another_server().await;
    let servers = [world.house.service.clone(), other];

    let writing = async {
        let writers = (0..WRITERS).map(|writer| {
            let (world, admin) = (&world, &admin);
            async move {
                for number in 0..EACH {
                    let id = world
                        .customer(admin, &[("name", &format!("Ada {writer} {number}"))])
                        .await;
                    world
                        .save(admin, id, &[("city", "Bath"), ("email", "a@x.example")])
                        .await
                        .unwrap();
                }
            }
        });
        futures::future::join_all(writers).await;
    };
    let all = usize::try_from(WRITERS * EACH * 2).unwrap();
    let kinds = |received: &[Received]| {
        let ids: std::collections::HashSet<String> = received
            .iter()
            .map(|one| one.header("webhook-id").to_owned())
            .collect();
        ids.len()
    };
    let killing = async {
        let mut round = 0_u64;
        while kinds(&receiver.received()) < all {
            let _telling = servers.each_ref().map(Telling::at);
            // Some of the lives are too short for anything.
            let life = u64::from(rand::random::<u8>()) * 3;
            tokio::time::sleep(Duration::from_millis(life)).await;
            // The leases of the dead run out.
            world.house.clock.advance(TimeDelta::minutes(1));
            round += 1;
            assert!(
                round < 600,
                "{} of {all} after {round} deaths",
                kinds(&receiver.received())
            );
        }
        round
    };
    let ((), rounds) = tokio::join!(writing, killing);
    assert!(rounds > 3, "it has to die to prove anything");

    // In the order of the journal, whatever was sent twice.
    let mut first = Vec::<String>::new();
    for message in receiver.received() {
        let id = message.header("webhook-id").to_owned();
        if !first.contains(&id) {
            first.push(id);
        }
    }
    let order = format!(
        "SELECT string_agg(id::text, ',' ORDER BY place) FROM webhook_delivery WHERE webhook = '{hook}'"
    );
    let order = world.house.database.read(&order);
    assert_eq!(first.join(","), order.await);
    // And nothing else than what happened, each once.
    let versions = world.house.database.read(
        "SELECT count(DISTINCT (body::jsonb -> 'data' ->> 'id', body::jsonb -> 'data' ->> 'version'))::text FROM webhook_delivery",
    );
    assert_eq!(versions.await, all.to_string());
    assert_eq!(world.count("webhook_delivery").await, u64::try_from(all).unwrap());
}
