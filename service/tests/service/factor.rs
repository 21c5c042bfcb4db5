//! The second factor, and the sessions that somebody sees.

use std::time::Duration;

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    form::Values,
    journal::Receipt,
    organisation::OrganisationPatch,
    user::{
        SignIn,
        security::{FactorRule, Proof},
    },
};
use rapport_service::{
    Ctx, Result, Service,
    clock::Clock,
    journal, organisation,
    session::{self, Browser, NewSession},
    user,
};
use rapport_testing::{HERE, House, PASSWORD};
use totp_rs::{Builder, Secret};

use crate::{
    session::stored,
    support::{refused, sign_in, told},
};

const EMAIL: &str = "member0@example.org";
/// The cookie of the session in which somebody turns it on.
const COOKIE: &str = "the cookie of a session";

/// A member on a clock that stands still, and an admin.
async fn scene() -> (House, Ctx, Ctx) {
    let house = House::with_clock(Clock::stopped()).await;
    let member = house.acting(house.user(BuiltInRole::Member, None).await).await;
    let admin = house.acting(house.user(BuiltInRole::Admin, None).await).await;
    (house, member, admin)
}

/// What an app shows that took a key over.
fn shown(key: &str, house: &House) -> String {
    let secret = Secret::try_from_base32(key.replace(' ', "")).unwrap();
    let app = Builder::new().with_secret(secret).with_account_name("app");
    let now = house.clock.now().timestamp().unsigned_abs();
    app.build().unwrap().generate(now).to_string()
}

fn proof(current: &str, code: &str) -> Proof {
    Proof {
        current: current.to_owned(),
        code: code.to_owned(),
    }
}

/// A browser, whose session until now has this cookie.
fn browser(cookie: &str) -> Browser<'_> {
    Browser {
        earlier: Some(cookie),
        ..HERE.into()
    }
}

async fn offered(ctx: &Ctx, cookie: &str) -> String {
    user::factor(ctx, cookie).await.unwrap().offer.unwrap().key
}

/// Turns the factor of somebody on; gives its key, the recovery codes, and the session that began.
async fn turned_on(house: &House, ctx: &Ctx) -> (String, Vec<String>, NewSession) {
    let key = offered(ctx, COOKIE).await;
    let session = user::turn_on_factor(ctx, proof(PASSWORD, &shown(&key, house)), browser(COOKIE));
    let session = session.await.unwrap();
    let codes = user::factor(ctx, &session.cookie).await.unwrap().codes;
    (key, codes, session)
}

async fn enter(service: &Service, code: &str) -> Result<NewSession> {
    let form = SignIn {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
        code: Some(code.to_owned()),
    };
    session::sign_in(service, form, HERE).await
}

async fn stands(house: &House, session: &NewSession) -> Option<bool> {
    let who = session::resolve(&house.service, &session.cookie).await.unwrap();
    who.map(|who| !who.lacks_factor)
}

/// The first field that a refusal is about.
fn field<T: std::fmt::Debug>(result: Result<T>) -> String {
    match told(result) {
        AppError::Invalid { fields } => fields.0.into_keys().next().unwrap_or_default(),
        other => format!("{other:?}"),
    }
}

async fn demand(admin: &Ctx, rule: FactorRule) -> Receipt {
    let version = organisation::get(admin).await.unwrap().version;
    let values = Values::default().with("second_factor", rule.word());
    let patch = OrganisationPatch::parse(&values, &values).unwrap();
    organisation::save(admin, version, patch).await.unwrap()
}

#[tokio::test]
async fn it_is_turned_on_by_password_and_code_and_asked_for_from_then_on() {
    let (house, member, _) = scene().await;
    let key = offered(&member, COOKIE).await;
    assert_eq!(offered(&member, COOKIE).await, key, "read twice, it is one key");
    sign_in(&house, EMAIL, PASSWORD).await.expect("it is not on yet");

    let code = shown(&key, &house);
    let turn_on = |current: &str, code: &str| {
        let (member, proof) = (member.clone(), proof(current, code));
        async move { user::turn_on_factor(&member, proof, browser(COOKIE)).await }
    };
    assert_eq!(field(turn_on("wrong", &code).await), "current");
    assert_eq!(field(turn_on(PASSWORD, "000000").await), "code");
    let session = turn_on(PASSWORD, &code).await.unwrap();
    assert!(
        refused(turn_on(PASSWORD, &code).await).contains("not good any more"),
        "its key is offered no more"
    );
    let on = user::factor(&member, &session.cookie).await.unwrap();
    assert!(on.since.is_some() && on.offer.is_none());
    assert_eq!((on.codes_left, on.codes.len()), (8, 8));

    let service = &house.service;
    assert_eq!(field(sign_in(&house, EMAIL, PASSWORD).await), "code");
    assert_eq!(
        field(sign_in(&house, EMAIL, "wrong").await),
        "form",
        "a wrong password is not told of a code"
    );
    assert_eq!(field(enter(service, "000000").await), "code");
    assert_eq!(
        field(enter(service, &code).await),
        "code",
        "it was used to turn it on"
    );
    house.clock.advance(TimeDelta::seconds(30));
    let code = shown(&key, &house);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    enter(service, &spaced).await.unwrap();
    assert_eq!(field(enter(service, &code).await), "code", "each is good once");
    house.clock.advance(TimeDelta::seconds(30));
    assert_eq!(field(enter(service, &code).await), "code", "also a step later");

    let secret = key.replace(' ', "");
    for table in ["batch", "change"] {
        let found = format!("SELECT count(*)::text FROM {table} t WHERE t::text ILIKE '%{secret}%'");
        assert_eq!(house.database.read(&found).await, "0", "the journal holds no key");
    }
}

#[tokio::test]
async fn whoever_else_is_in_the_account_learns_neither_key_nor_codes_and_is_out_once_it_is_on() {
    let (house, member, _) = scene().await;
    let thief = sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    let theirs = offered(&member, &thief.cookie).await;
    let (key, codes, session) = turned_on(&house, &member).await;
    assert_ne!(key, theirs);
    assert_eq!(codes.len(), 8);
    assert_eq!(stands(&house, &thief).await, None);
    assert_eq!(stands(&house, &session).await, Some(true));
    let seen = user::factor(&member, &thief.cookie).await.unwrap();
    assert_eq!(seen.codes, Vec::<String>::new());
    // As Redis would have it if ending them had failed, or a server that knows of no factor had begun it.
    house.clock.advance(TimeDelta::seconds(30));
    let old = enter(&house.service, &shown(&key, &house)).await.unwrap();
    let (redis, key) = stored(&house, &old.cookie);
    let without = redis.get(&key).await.unwrap().unwrap();
    let mut without: serde_json::Value = serde_json::from_str(&without).unwrap();
    for late in ["factor", "from", "browser"] {
        without.as_object_mut().unwrap().remove(late).unwrap();
    }
    let hour = Duration::from_secs(3_600);
    redis.set(&key, &without.to_string(), hour).await.unwrap();
    assert_eq!(stands(&house, &old).await, None);
}

#[tokio::test]
async fn it_is_offered_whatever_the_names_are() {
    let (house, member, _) = scene().await;
    for name in [
        "\u{1d11e}".repeat(200),
        "北".repeat(200),
        "a:b%c&d=e".to_owned(),
        ":".to_owned(),
    ] {
        let named = format!("UPDATE organisation SET name = '{name}'; UPDATE app_user SET email = '{name}'");
        house.database.run(&named).await;
        let offer = user::factor(&member, COOKIE).await.unwrap().offer.unwrap();
        assert!(offer.link.starts_with("otpauth://totp/Rapport"), "{}", offer.link);
        assert!(
            offer.picture.size <= 73,
            "it can be read off a screen: {}",
            offer.picture.size
        );
    }
}

#[tokio::test]
async fn two_who_bring_one_code_at_once_do_not_both_come_in() {
    let (house, member, _) = scene().await;
    let (key, codes, _) = turned_on(&house, &member).await;
    house.clock.advance(TimeDelta::seconds(30));
    for code in [shown(&key, &house), codes[0].clone()] {
        let tries = (0..4).map(|_| enter(&house.service, &code));
        let came = futures::future::join_all(tries).await;
        assert_eq!(came.iter().filter(|came| came.is_ok()).count(), 1, "{code}");
    }
}

#[tokio::test]
async fn of_two_who_turn_it_on_at_once_one_does() {
    let (house, member, _) = scene().await;
    let keys = [offered(&member, "one").await, offered(&member, "two").await];
    let [one, two] = ["one", "two"];
    let (one, two) = tokio::join!(
        user::turn_on_factor(&member, proof(PASSWORD, &shown(&keys[0], &house)), browser(one)),
        user::turn_on_factor(&member, proof(PASSWORD, &shown(&keys[1], &house)), browser(two)),
    );
    assert_eq!([&one, &two].iter().filter(|on| on.is_ok()).count(), 1);
    let late = if one.is_ok() { two } else { one };
    assert!(refused(late).contains("on already"));
    assert_eq!(
        house
            .database
            .read("SELECT count(*)::text FROM recovery_code")
            .await,
        "8"
    );
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_however_it_is_typed_and_the_journal_says_so() {
    let (house, member, _) = scene().await;
    let (key, codes, session) = turned_on(&house, &member).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    enter(&house.service, &typed).await.unwrap();
    assert_eq!(field(enter(&house.service, &typed).await), "code");
    let left = user::factor(&member, COOKIE).await.unwrap().codes_left;
    assert_eq!(left, 7);
    let said = "SELECT count(*)::text FROM batch WHERE command = 'use recovery code' AND actor IS NOT NULL AND NOT undoable";
    assert_eq!(house.database.read(said).await, "1");

    house.clock.advance(TimeDelta::seconds(30));
    let code = shown(&key, &house);
    let renew = |current: &str, code: &str| {
        let (member, proof, cookie) = (member.clone(), proof(current, code), session.cookie.clone());
        async move { user::new_recovery_codes(&member, proof, &cookie).await }
    };
    assert_eq!(field(renew("wrong", &code).await), "current");
    assert_eq!(field(renew(PASSWORD, "000000").await), "code");
    renew(PASSWORD, &code).await.unwrap();
    assert_eq!(
        field(enter(&house.service, &codes[4]).await),
        "code",
        "those before are good no more"
    );
    let new = user::factor(&member, &session.cookie).await.unwrap();
    assert_eq!((new.codes_left, new.codes.len()), (8, 8));
    enter(&house.service, &new.codes[0]).await.unwrap();
}

#[tokio::test]
async fn codes_cannot_be_guessed_for_long() {
    let (house, member, _) = scene().await;
    let (key, codes, _) = turned_on(&house, &member).await;
    house.clock.advance(TimeDelta::seconds(30));
    let mut tries = 0;
    let wait = loop {
        // So that the wider limit, of sign-ins, is not what refuses.
        house.clock.advance(TimeDelta::seconds(7));
        match told(enter(&house.service, "000000").await) {
            AppError::TooManyRequests { retry_after } => break retry_after,
            _ => tries += 1,
        }
    };
    assert_eq!(tries, 10);
    house.clock.advance(TimeDelta::seconds(7));
    let late = told(enter(&house.service, &shown(&key, &house)).await);
    assert!(
        matches!(late, AppError::TooManyRequests { .. }),
        "not the right one either: {late:?}"
    );
    enter(&house.service, &codes[0])
        .await
        .expect("a recovery code is not guessed");
    house.clock.advance(TimeDelta::seconds(wait.into()));
    enter(&house.service, &shown(&key, &house)).await.unwrap();
}

#[tokio::test]
async fn it_is_turned_off_by_password_and_code_or_by_an_admin_for_who_lost_it() {
    let (house, member, admin) = scene().await;
    let (_, codes, before) = turned_on(&house, &member).await;
    let turn_off = |current: &str, code: &str| {
        let (member, proof) = (member.clone(), proof(current, code));
        async move { user::turn_off_factor(&member, proof, browser(COOKIE)).await }
    };
    assert_eq!(field(turn_off("wrong", &codes[0]).await), "current");
    assert_eq!(field(turn_off(PASSWORD, "000000").await), "code");
    let session = turn_off(PASSWORD, &codes[0]).await.unwrap();
    assert_eq!(stands(&house, &before).await, None);
    assert_eq!(stands(&house, &session).await, Some(true));
    assert!(refused(turn_off(PASSWORD, &codes[1]).await).contains("no second factor"));
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    let off = user::factor(&member, &session.cookie).await.unwrap();
    assert_eq!((off.codes_left, off.codes.len()), (0, 0));

    house.clock.advance(TimeDelta::seconds(60));
    let (_, _, session) = turned_on(&house, &member).await;
    let id = member.actor().user;
    assert!(user::person(&admin, id).await.unwrap().second_factor);
    assert_eq!(told(user::drop_factor(&member, id).await), AppError::Forbidden);
    let nobody = admin.clock().new_id();
    assert_eq!(told(user::drop_factor(&admin, nobody).await), AppError::NotFound);
    user::drop_factor(&admin, id).await.unwrap();
    assert_eq!(stands(&house, &session).await, None);
    assert!(!user::person(&admin, id).await.unwrap().second_factor);
    assert!(refused(user::drop_factor(&admin, id).await).contains("no second factor"));
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    let own = refused(user::drop_factor(&admin, admin.actor().user).await);
    assert!(own.contains("in your settings"), "{own}");

    house.clock.advance(TimeDelta::seconds(60));
    turned_on(&house, &member).await;
    let nobody = user::remove_factor(&house.service, "nobody@example.org").await;
    assert_eq!(field(nobody), "email");
    user::remove_factor(&house.service, EMAIL).await.unwrap();
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn where_everybody_has_to_have_one_nobody_is_whole_without() {
    let (house, member, admin) = scene().await;
    let session = sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    assert_eq!(stands(&house, &session).await, Some(true));
    let demanded = demand(&admin, FactorRule::Demanded).await;
    assert_eq!(
        stands(&house, &session).await,
        Some(false),
        "from the next click on"
    );
    let (_, codes, session) = turned_on(&house, &member).await;
    assert_eq!(stands(&house, &session).await, Some(true));
    let off = user::turn_off_factor(&member, proof(PASSWORD, &codes[0]), browser(COOKIE)).await;
    assert!(refused(off).contains("has to have"));
    user::drop_factor(&admin, member.actor().user).await.unwrap();
    let session = sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    assert_eq!(stands(&house, &session).await, Some(false));
    journal::undo(&admin, demanded.batch.unwrap()).await.unwrap();
    assert_eq!(stands(&house, &session).await, Some(true));
}

#[tokio::test]
async fn a_new_password_by_a_link_leaves_the_second_factor_on() {
    let (house, member, admin) = scene().await;
    turned_on(&house, &member).await;
    user::reset_link(&admin, member.actor().user).await.unwrap();
    let link = user::person(&admin, member.actor().user).await.unwrap().link;
    let link = link.unwrap();
    let token = link.rsplit('/').next().unwrap();
    let new = "another horse battery staple";
    user::new_password(&house.service, token, new, HERE)
        .await
        .unwrap();
    assert_eq!(field(sign_in(&house, EMAIL, new).await), "code");
}

#[tokio::test]
async fn sessions_are_seen_and_ended_one_by_one_by_their_owner_alone() {
    let (house, member, admin) = scene().await;
    let begin = async |name: &str| {
        let form = SignIn {
            email: EMAIL.to_owned(),
            password: PASSWORD.to_owned(),
            code: None,
        };
        let browser = Browser { name, ..HERE.into() };
        let session = session::sign_in(&house.service, form, browser).await;
        session.unwrap().cookie
    };
    let first = begin("Firefox on Linux").await;
    house.clock.advance(TimeDelta::minutes(5));
    let second = begin("Safari on iPhone").await;
    house.clock.advance(TimeDelta::minutes(5));
    session::resolve(&house.service, &first).await.unwrap();
    let seen = session::open(&member, &second).await.unwrap();
    let told_of: Vec<_> = seen
        .iter()
        .map(|open| (open.browser.as_str(), open.here))
        .collect();
    assert_eq!(told_of, [("Safari on iPhone", true), ("Firefox on Linux", false)]);
    assert_eq!(seen[1].from, HERE.to_string());
    let used = seen[1].used.at.timestamp_millis();
    assert_eq!(used, house.clock.now().timestamp_millis(), "it was used just now");
    assert!(seen.iter().all(|open| open.id != first && open.id != second));

    let over = refused(session::end(&admin, &seen[1].id, PASSWORD).await);
    assert!(over.contains("over already"), "it is not theirs");
    let unproved = session::end(&member, &seen[1].id, "not it at all").await;
    assert_eq!(field(unproved), "current");
    let unproved = session::end_others(&member, &second, "not it at all").await;
    assert_eq!(field(unproved), "current");
    assert!(session::resolve(&house.service, &first).await.unwrap().is_some());
    session::end(&member, &seen[1].id, PASSWORD).await.unwrap();
    assert_eq!(session::resolve(&house.service, &first).await.unwrap(), None);
    assert!(session::resolve(&house.service, &second).await.unwrap().is_some());
    assert!(refused(session::end(&member, &seen[1].id, PASSWORD).await).contains("over already"));
    assert_eq!(session::open(&member, "").await.unwrap().len(), 1);

    let others = [begin("Edge on Windows").await, begin("Chrome on Android").await];
    let ended = session::end_others(&member, &second, PASSWORD).await.unwrap();
    assert_eq!(ended, others.len());
    for other in others {
        assert_eq!(session::resolve(&house.service, &other).await.unwrap(), None);
    }
    assert!(session::resolve(&house.service, &second).await.unwrap().is_some());
    assert_eq!(session::end_others(&member, &second, PASSWORD).await.unwrap(), 0);

    let new = "another horse battery staple";
    let changed = user::change_password(&member, PASSWORD, new, browser(&second)).await;
    let left = session::open(&member, &changed.unwrap().cookie).await.unwrap();
    assert!(
        matches!(&left[..], [one] if one.here),
        "a new password ends all others"
    );
}
