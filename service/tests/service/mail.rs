//! Mail leaves by SMTP, is tried again when the server is away, and stays readable until it left.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    user::people::{MailState, NewInvitation},
};
use rapport_service::{
    Ctx, Service, Setup,
    clock::Clock,
    database,
    mail::{self, Post},
    redis::Redis,
    user,
};
use rapport_testing::House;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

/// As much of a mail server as takes mail (RFC 5321, section 4.5.1), and gives each to the test.
async fn mail_server() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 here\r\n").await?;
                let mut line = String::new();
                while stream.read_line(&mut line).await? > 0 {
                    let verb = line.get(..4).unwrap_or_default().to_uppercase();
                    line.clear();
                    if verb != "DATA" {
                        let code = if verb == "QUIT" {
                            "221 bye\r\n"
                        } else {
                            "250 ok\r\n"
                        };
                        stream.write_all(code.as_bytes()).await?;
                        continue;
                    }
                    stream.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") && stream.read_line(&mut mail).await? > 0 {}
                    let _ = sender.send(mail);
                    stream.write_all(b"250 taken\r\n").await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    (port, mails)
}

/// The same house with a way for mail.
async fn with_post(house: &House, port: u16) -> Service {
    let post = Post::at("https://crm.example.org/")
        .by(&format!("smtp://127.0.0.1:{port}"), "Rapport <crm@example.org>")
        .unwrap();
    let db = database::connect(&house.database.url(), 5).await.unwrap();
    let redis = Redis::connect(&std::env::var("TEST_REDIS_URL").unwrap(), &house.prefix).unwrap();
    let setup = Setup {
        post,
        ..Setup::default()
    };
    Service::new(db, redis, house.clock.clone(), setup)
}

async fn acting(house: &House, service: &Service) -> Ctx {
    let admin = house.user(BuiltInRole::Admin, None).await;
    let actor = user::actor(service, admin).await.unwrap();
    service.acting(actor, rapport_domain::journal::Via::Page)
}

async fn invite(ctx: &Ctx) {
    let new = NewInvitation {
        id: ctx.clock().new_id(),
        email: "nora@x.example".to_owned(),
        role: BuiltInRole::Member,
        team: None,
    };
    user::invite(ctx, new).await.unwrap();
}

async fn state(ctx: &Ctx) -> (MailState, Option<String>) {
    let mail = mail::outbox(ctx).await.unwrap().mails.remove(0);
    (mail.state, mail.body)
}

#[tokio::test]
async fn a_mail_leaves_once_and_its_text_is_forgotten_then() {
    let house = House::new().await;
    let (port, mut mails) = mail_server().await;
    let service = with_post(&house, port).await;
    let admin = acting(&house, &service).await;
    invite(&admin).await;
    assert_eq!(state(&admin).await.0, MailState::Waiting(None));
    assert!(mail::send_next(&service).await.unwrap());
    assert!(!mail::send_next(&service).await.unwrap(), "there is one");
    let mail = mails.recv().await.unwrap();
    for part in [
        "To: nora@x.example",
        "From: Rapport <crm@example.org>",
        "Subject: Join Rapport",
        "https://crm.example.org/join/",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert_eq!(state(&admin).await, (MailState::Sent, None));
}

#[tokio::test]
async fn what_cannot_be_sent_is_tried_again_for_a_day_and_stays_readable() {
    let house = House::with_clock(Clock::stopped()).await;
    let (port, mut mails) = mail_server().await;
    // A port at which nobody listens any more.
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let service = with_post(&house, closed).await;
    let admin = acting(&house, &service).await;
    invite(&admin).await;
    assert!(mail::send_next(&service).await.unwrap());
    let (failed, body) = state(&admin).await;
    assert!(
        matches!(failed, MailState::Waiting(Some(_))) && body.is_some(),
        "{failed:?}"
    );
    assert!(!mail::send_next(&service).await.unwrap(), "not at once");

    house.clock.advance(TimeDelta::hours(1));
    let mended = with_post(&house, port).await;
    assert!(mail::send_next(&mended).await.unwrap());
    assert!(mails.recv().await.unwrap().contains("nora@x.example"));
    assert_eq!(state(&admin).await, (MailState::Sent, None));

    house
        .database
        .run("UPDATE mail SET sent_at = NULL, body = 'x', next_at = created_at")
        .await;
    house.clock.advance(TimeDelta::hours(24));
    assert!(mail::send_next(&service).await.unwrap());
    assert!(matches!(state(&admin).await.0, MailState::Failed(_)));
    house.clock.advance(TimeDelta::hours(24));
    assert!(!mail::send_next(&service).await.unwrap(), "given up");
}

#[tokio::test]
async fn without_a_server_mail_stays_in_the_outbox() {
    let house = House::new().await;
    let admin = acting(&house, &house.service).await;
    invite(&admin).await;
    assert!(!mail::send_next(&house.service).await.unwrap());
    assert!(matches!(state(&admin).await, (MailState::Kept, Some(_))));
    assert!(
        Post::at("https://x.example")
            .by("not a url", "a@x.example")
            .is_err()
    );
    assert!(
        Post::at("https://x.example")
            .by("smtp://x.example", "nobody")
            .is_err()
    );
}
