//! The second factor, and the sessions that somebody sees.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    form::Values,
    organisation::OrganisationPatch,
    user::{SignIn, security::FactorRule},
};
use rapport_service::{
    Ctx, Result, Service,
    clock::Clock,
    organisation,
    session::{self, Browser, NewSession},
    user,
};
use rapport_testing::{HERE, House, PASSWORD};
use totp_rs::{Builder, Secret};

use crate::support::{refused, sign_in, told};

const EMAIL: &str = "member0@example.org";

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

/// Turns the factor of somebody on; gives its key, and the recovery codes.
async fn turned_on(house: &House, ctx: &Ctx) -> (String, Vec<String>) {
    let key = user::factor(ctx).await.unwrap().offer.unwrap().key;
    user::turn_on_factor(ctx, PASSWORD, &shown(&key, house))
        .await
        .unwrap();
    (key, user::factor(ctx).await.unwrap().codes)
}

async fn enter(service: &Service, code: &str) -> Result<NewSession> {
    let form = SignIn {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
        code: Some(code.to_owned()),
    };
    session::sign_in(service, form, HERE).await
}

/// The first field that a refusal is about.
fn field<T: std::fmt::Debug>(result: Result<T>) -> String {
    match told(result) {
        AppError::Invalid { fields } => fields.0.into_keys().next().unwrap_or_default(),
        other => format!("{other:?}"),
    }
}

async fn demand(admin: &Ctx, rule: FactorRule) {
    let version = organisation::get(admin).await.unwrap().version;
    let values = Values::default().with("second_factor", rule.word());
    let patch = OrganisationPatch::parse(&values, &values).unwrap();
    organisation::save(admin, version, patch).await.unwrap();
}

#[tokio::test]
async fn it_is_turned_on_by_password_and_code_and_asked_for_from_then_on() {
    let (house, member, _) = scene().await;
    let offer = user::factor(&member).await.unwrap().offer.unwrap();
    let key = offer.key.clone();
    assert_eq!(
        user::factor(&member).await.unwrap().offer,
        Some(offer),
        "read twice, it is one key"
    );
    sign_in(&house, EMAIL, PASSWORD).await.expect("it is not on yet");

    let code = shown(&key, &house);
    assert_eq!(
        field(user::turn_on_factor(&member, "wrong", &code).await),
        "current"
    );
    assert_eq!(
        field(user::turn_on_factor(&member, PASSWORD, "000000").await),
        "code"
    );
    user::turn_on_factor(&member, PASSWORD, &code).await.unwrap();
    let again = user::turn_on_factor(&member, PASSWORD, &code).await;
    assert!(
        refused(again).contains("not good any more"),
        "its key is offered no more"
    );
    let on = user::factor(&member).await.unwrap();
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
    enter(service, &format!("{} {}", &code[..3], &code[3..]))
        .await
        .unwrap();
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
async fn two_who_bring_one_code_at_once_do_not_both_come_in() {
    let (house, member, _) = scene().await;
    let (key, codes) = turned_on(&house, &member).await;
    house.clock.advance(TimeDelta::seconds(30));
    for code in [shown(&key, &house), codes[0].clone()] {
        let tries = (0..4).map(|_| enter(&house.service, &code));
        let came = futures::future::join_all(tries).await;
        assert_eq!(came.iter().filter(|came| came.is_ok()).count(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_however_it_is_typed_and_the_journal_says_so() {
    let (house, member, _) = scene().await;
    let (_, codes) = turned_on(&house, &member).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    enter(&house.service, &typed).await.unwrap();
    assert_eq!(field(enter(&house.service, &typed).await), "code");
    assert_eq!(user::factor(&member).await.unwrap().codes_left, 7);
    let said = "SELECT count(*)::text FROM batch WHERE command = 'use recovery code' AND actor IS NOT NULL AND NOT undoable";
    assert_eq!(house.database.read(said).await, "1");

    assert_eq!(field(user::new_recovery_codes(&member, "wrong").await), "current");
    user::new_recovery_codes(&member, PASSWORD).await.unwrap();
    assert_eq!(
        field(enter(&house.service, &codes[4]).await),
        "code",
        "those before are good no more"
    );
    let new = user::factor(&member).await.unwrap();
    assert_eq!((new.codes_left, new.codes.len()), (8, 8));
    enter(&house.service, &new.codes[0]).await.unwrap();
}

#[tokio::test]
async fn codes_cannot_be_guessed_for_long() {
    let (house, member, _) = scene().await;
    let (key, _) = turned_on(&house, &member).await;
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
    assert!((10..=12).contains(&tries), "{tries}");
    let late = told(enter(&house.service, &shown(&key, &house)).await);
    assert!(
        matches!(late, AppError::TooManyRequests { .. }),
        "not the right one either: {late:?}"
    );
    house.clock.advance(TimeDelta::seconds(wait.into()));
    enter(&house.service, &shown(&key, &house)).await.unwrap();
}

#[tokio::test]
async fn it_is_turned_off_by_the_password_or_by_an_admin_for_who_lost_it() {
    let (house, member, admin) = scene().await;
    turned_on(&house, &member).await;
    assert_eq!(field(user::turn_off_factor(&member, "wrong").await), "current");
    user::turn_off_factor(&member, PASSWORD).await.unwrap();
    assert!(refused(user::turn_off_factor(&member, PASSWORD).await).contains("no second factor"));
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    let off = user::factor(&member).await.unwrap();
    assert_eq!((off.codes_left, off.codes.len()), (0, 0));

    house.clock.advance(TimeDelta::seconds(60));
    turned_on(&house, &member).await;
    let id = member.actor().user;
    assert!(user::person(&admin, id).await.unwrap().second_factor);
    assert_eq!(told(user::drop_factor(&member, id).await), AppError::Forbidden);
    user::drop_factor(&admin, id).await.unwrap();
    assert!(!user::person(&admin, id).await.unwrap().second_factor);
    assert!(refused(user::drop_factor(&admin, id).await).contains("no second factor"));
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();

    house.clock.advance(TimeDelta::seconds(60));
    turned_on(&house, &member).await;
    assert_eq!(
        field(user::remove_factor(&house.service, "nobody@example.org").await),
        "email"
    );
    user::remove_factor(&house.service, EMAIL).await.unwrap();
    sign_in(&house, EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn where_everybody_has_to_have_one_nobody_is_whole_without() {
    let (house, member, admin) = scene().await;
    let session = sign_in(&house, EMAIL, PASSWORD).await.unwrap();
    let lacks = async |session: &NewSession| {
        let who = session::resolve(&house.service, &session.cookie).await.unwrap();
        who.map(|who| who.lacks_factor)
    };
    assert_eq!(lacks(&session).await, Some(false));
    demand(&admin, FactorRule::Demanded).await;
    assert_eq!(lacks(&session).await, Some(true), "from the next click on");
    let (_, codes) = turned_on(&house, &member).await;
    assert_eq!(lacks(&session).await, None, "it began without");
    let session = enter(&house.service, &codes[0]).await.unwrap();
    assert_eq!(lacks(&session).await, Some(false));
    assert!(refused(user::turn_off_factor(&member, PASSWORD).await).contains("has to have"));
    user::drop_factor(&admin, member.actor().user).await.unwrap();
    assert_eq!(lacks(&session).await, Some(true));
    demand(&admin, FactorRule::Offered).await;
    assert_eq!(lacks(&session).await, Some(false));
}

#[tokio::test]
async fn a_new_password_by_a_link_leaves_the_second_factor_on() {
    let (house, member, admin) = scene().await;
    turned_on(&house, &member).await;
    user::reset_link(&admin, member.actor().user).await.unwrap();
    let link = user::person(&admin, member.actor().user)
        .await
        .unwrap()
        .link
        .unwrap();
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
        session::sign_in(&house.service, form, browser)
            .await
            .unwrap()
            .cookie
    };
    let first = begin("Firefox on Linux").await;
    house.clock.advance(TimeDelta::minutes(5));
    let second = begin("Safari on iPhone").await;
    house.clock.advance(TimeDelta::minutes(5));
    session::resolve(&house.service, &first).await.unwrap();
    let seen = session::open(&member, Some(&second)).await.unwrap();
    let told_of: Vec<_> = seen
        .iter()
        .map(|open| (open.browser.as_str(), open.here))
        .collect();
    assert_eq!(told_of, [("Safari on iPhone", true), ("Firefox on Linux", false)]);
    assert_eq!(seen[1].from, HERE.to_string());
    let used = seen[1].used.at.timestamp_millis();
    assert_eq!(used, house.clock.now().timestamp_millis(), "it was used just now");
    assert!(
        seen.iter()
            .all(|open| !first.contains(&open.id) && !second.contains(&open.id))
    );

    let over = refused(session::end(&admin, &seen[1].id).await);
    assert!(over.contains("over already"), "it is not theirs");
    session::end(&member, &seen[1].id).await.unwrap();
    assert_eq!(session::resolve(&house.service, &first).await.unwrap(), None);
    assert!(session::resolve(&house.service, &second).await.unwrap().is_some());
    assert!(refused(session::end(&member, &seen[1].id).await).contains("over already"));
    assert_eq!(session::open(&member, None).await.unwrap().len(), 1);

    user::change_password(&member, PASSWORD, "another horse battery staple")
        .await
        .unwrap();
    assert_eq!(
        session::open(&member, None).await.unwrap(),
        [],
        "a new password ends all"
    );
}
