//! The first set-up, accounts, and who may what.

use std::time::Duration;

use rapport_domain::{
    access::{Ability, BuiltInRole, Kind, Reach},
    error::AppError,
    form::Values,
    id::TeamId,
    user::{NewUser, SetUp},
};
use rapport_service::{clock::Clock, organisation, session, user};
use rapport_testing::{HERE, House, PASSWORD, eventually};
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::support::told;

fn set_up(token: &str, email: &str) -> SetUp {
    let values = Values::default()
        .with("token", token)
        .with("organisation", "Northwind")
        .with("name", "Ada Admin")
        .with("email", email)
        .with("password", PASSWORD);
    SetUp::parse(&values).unwrap()
}

fn somebody(email: &str) -> NewUser {
    NewUser {
        name: "Somebody".to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        role: BuiltInRole::Member,
    }
}

#[tokio::test]
async fn the_set_up_makes_an_admin_a_team_and_the_organisation_and_then_never_again() {
    let house = House::new().await;
    assert!(user::setup_needed(&house.service).await.unwrap());
    let token = user::issue_setup_token(&house.service).await.unwrap().unwrap();
    assert_eq!(organisation::name(&house.service).await.unwrap(), "Rapport");

    let id = user::set_up(&house.service, set_up(&token, "Ada@Northwind.example"), HERE)
        .await
        .unwrap();

    assert!(!user::setup_needed(&house.service).await.unwrap());
    assert_eq!(user::issue_setup_token(&house.service).await.unwrap(), None);
    let me = user::me(&house.acting(id).await).await.unwrap();
    assert_eq!(
        (me.name.as_str(), me.email.as_str()),
        ("Ada Admin", "Ada@Northwind.example")
    );
    assert_eq!(
        (me.role.as_str(), me.team.as_deref()),
        ("Admin", Some("Northwind"))
    );
    assert_eq!((me.organisation.as_str(), me.may_create), ("Northwind", true));
    let said = "SELECT detail ->> 'organisation' FROM batch WHERE command = 'set up'";
    assert_eq!(
        house.database.read(said).await,
        "Northwind",
        "the journal knows it too"
    );
    let again = user::set_up(&house.service, set_up(&token, "eve@example.org"), HERE).await;
    assert!(matches!(told(again), AppError::Refused { reason } if reason.contains("already")));
    let signed_in = rapport_domain::user::SignIn {
        email: "ada@northwind.example".to_owned(),
        password: PASSWORD.to_owned(),
        code: None,
    };
    assert_eq!(
        session::sign_in(&house.service, signed_in, HERE)
            .await
            .unwrap()
            .user,
        id
    );
}

#[tokio::test]
async fn the_set_up_needs_the_token_and_gives_few_tries() {
    let house = House::with_clock(Clock::stopped()).await;
    let token = user::issue_setup_token(&house.service).await.unwrap().unwrap();
    for wrong in ["ABCDE-ABCDE-ABCDE-ABCDE", "' OR TRUE --", "\u{1F511}", "0"] {
        let refused = told(user::set_up(&house.service, set_up(wrong, "a@example.org"), HERE).await);
        assert!(
            matches!(&refused, AppError::Invalid { fields } if fields.get("token").is_some()),
            "{refused:?}"
        );
    }
    // Without any token issued, no token is right either: not even an empty one.
    let bare = House::new().await;
    assert!(
        user::set_up(&bare.service, set_up("-", "a@example.org"), HERE)
            .await
            .is_err()
    );

    for _ in 0..6 {
        user::set_up(&house.service, set_up("wrong", "a@example.org"), HERE)
            .await
            .unwrap_err();
    }
    let limited = told(user::set_up(&house.service, set_up(&token, "a@example.org"), HERE).await);
    assert!(matches!(limited, AppError::TooManyRequests { .. }), "{limited:?}");
    // Others are not kept out by that; and the token may be typed carelessly.
    let elsewhere = "198.51.100.1".parse().unwrap();
    let typed = token.to_lowercase().replace('-', " ");
    user::set_up(&house.service, set_up(&typed, "a@example.org"), elsewhere)
        .await
        .unwrap();
}

#[tokio::test]
async fn of_two_set_ups_at_once_one_wins_and_the_other_is_told() {
    let house = House::new().await;
    let other = house.another_server().await;
    // Each server printed a token of its own, and both are good.
    let first = user::issue_setup_token(&house.service).await.unwrap().unwrap();
    let second = user::issue_setup_token(&other).await.unwrap().unwrap();
    // Nobody gets as far as writing until both have begun and looked whether anybody is here.
    let pool = house.database.pool().await;
    let barrier = pool.begin().await.unwrap();
    barrier
        .execute_unprepared("LOCK TABLE setting IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let both_wait = async {
        let waiting = "SELECT count(*)::text FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let wait = async || house.database.read(waiting).await == "2";
        eventually("both wait", Duration::from_secs(5), wait).await;
        barrier.commit().await.unwrap();
    };
    let (one, two, ()) = tokio::join!(
        user::set_up(&house.service, set_up(&first, "one@example.org"), HERE),
        user::set_up(&other, set_up(&second, "two@example.org"), HERE),
        both_wait,
    );
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    won.unwrap();
    assert!(matches!(told(lost), AppError::Refused { .. }));
    assert_eq!(
        house.database.read("SELECT count(*)::text FROM app_user").await,
        "1"
    );
    assert_eq!(house.database.read("SELECT count(*)::text FROM team").await, "1");
}

#[tokio::test]
async fn an_address_belongs_to_one_person_however_it_is_written() {
    let house = House::new().await;
    user::create(&house.service, somebody("Anna@Example.org"), None)
        .await
        .unwrap();
    for same in ["Anna@Example.org", "anna@example.org", "ANNA@EXAMPLE.ORG"] {
        let refused = told(user::create(&house.service, somebody(same), None).await);
        assert!(
            matches!(&refused, AppError::Invalid { fields } if fields.get("email").is_some()),
            "{refused:?}"
        );
    }
    let (one, two) = tokio::join!(
        user::create(&house.service, somebody("ben@example.org"), None),
        user::create(&house.service, somebody("Ben@example.org"), None),
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    assert_eq!(
        house.database.read("SELECT count(*)::text FROM app_user").await,
        "2"
    );
}

#[tokio::test]
async fn a_newcomer_joins_the_team_that_was_said_or_else_the_first() {
    let house = House::new().await;
    let nowhere = user::create(&house.service, somebody("a@example.org"), None)
        .await
        .unwrap();
    let (first, second) = (house.team("First").await, house.team("Second").await);
    let joins = async |email, team| {
        let id = user::create(&house.service, somebody(email), team).await.unwrap();
        user::actor(&house.service, id).await.unwrap().team
    };
    assert_eq!(user::actor(&house.service, nowhere).await.unwrap().team, None);
    assert_eq!(joins("b@example.org", None).await, Some(first));
    assert_eq!(joins("c@example.org", Some(second)).await, Some(second));

    let unknown: TeamId = house.clock.new_id();
    let refused = told(user::create(&house.service, somebody("d@example.org"), Some(unknown)).await);
    assert!(
        matches!(&refused, AppError::Invalid { fields } if fields.get("team").is_some()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn accounts_are_journalled_without_their_secrets() {
    let house = House::new().await;
    let token = user::issue_setup_token(&house.service).await.unwrap().unwrap();
    let id = user::set_up(&house.service, set_up(&token, "ada@example.org"), HERE)
        .await
        .unwrap();
    user::reset_password(&house.service, "ada@example.org", "another long password")
        .await
        .unwrap();

    let commands = "SELECT string_agg(command, ', ' ORDER BY at, id) FROM batch";
    assert_eq!(house.database.read(commands).await, "set up, reset password");
    let made =
        format!("SELECT string_agg(kind || ' ' || op, ', ' ORDER BY seq) FROM change WHERE record = '{id}'");
    assert_eq!(house.database.read(&made).await, "user create");
    let journal = "SELECT (SELECT string_agg(to_jsonb(c)::text, '') FROM change c) \
                   || (SELECT string_agg(to_jsonb(b)::text, '') FROM batch b)";
    let journal = house.database.read(journal).await;
    assert!(journal.contains("ada@example.org") && journal.contains(&id.to_string()));
    for secret in [
        "argon2",
        "password_hash",
        PASSWORD,
        "another long password",
        &token,
    ] {
        assert!(!journal.contains(secret), "the journal has {secret:?}");
    }
    let settings = house
        .database
        .read("SELECT coalesce(string_agg(to_jsonb(s)::text, ''), '') FROM setting s")
        .await;
    assert!(!settings.contains("set_up_tokens"), "{settings}");
}

#[tokio::test]
async fn a_set_up_token_is_stored_as_a_hash_only() {
    let house = House::new().await;
    let token = user::issue_setup_token(&house.service).await.unwrap().unwrap();
    let settings = house
        .database
        .read("SELECT string_agg(value::text, '') FROM setting")
        .await;
    assert!(settings.len() > 60 && !settings.contains(&token), "{settings}");
}

#[tokio::test]
async fn a_password_is_reset_for_those_who_are_here_and_by_the_rules() {
    let house = House::new().await;
    house.user(BuiltInRole::Member, None).await;
    for (email, password, field) in [
        ("nobody@example.org", "long enough it is", "email"),
        ("member0@example.org", "short", "password"),
    ] {
        let refused = told(user::reset_password(&house.service, email, password).await);
        assert!(
            matches!(&refused, AppError::Invalid { fields } if fields.get(field).is_some()),
            "{refused:?}"
        );
    }
    user::reset_password(&house.service, "MEMBER0@example.org", "long enough it is")
        .await
        .unwrap();
}

#[tokio::test]
async fn owners_to_pick_from_are_those_who_are_active_and_within_the_persons_reach() {
    let house = House::new().await;
    let (north, south) = (house.team("North").await, house.team("South").await);
    let anna = house.user(BuiltInRole::Member, Some(north)).await;
    let ben = house.user(BuiltInRole::Member, Some(north)).await;
    let cleo = house.user(BuiltInRole::Member, Some(south)).await;
    let dan = house.user(BuiltInRole::Member, Some(north)).await;
    house
        .database
        .run(&format!("UPDATE app_user SET active = false WHERE id = '{dan}'"))
        .await;
    for (reach, seen) in [
        ("all", vec![anna, ben, cleo]),
        ("team", vec![anna, ben]),
        ("own", vec![anna]),
    ] {
        house
            .database
            .run(&format!(
                "UPDATE role_grant SET reach = '{reach}' WHERE kind = 'user'"
            ))
            .await;
        let options = user::options(&house.acting(anna).await).await.unwrap();
        assert_eq!(
            options.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            seen,
            "{reach}"
        );
    }
    house
        .database
        .run("DELETE FROM role_grant WHERE kind = 'user'")
        .await;
    assert_eq!(
        told(user::options(&house.acting(anna).await).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn rights_are_those_in_the_database_and_unknown_words_grant_nothing() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::ReadOnly, None).await;
    let grants = user::actor(&house.service, id).await.unwrap().grants;
    assert_eq!(grants.reach(Kind::Customer, Ability::Read), Reach::All);
    for ability in [
        Ability::Create,
        Ability::Update,
        Ability::Delete,
        Ability::Export,
        Ability::Assign,
    ] {
        assert_eq!(grants.reach(Kind::Customer, ability), Reach::None);
    }
    house
        .database
        .run("INSERT INTO role_grant SELECT id, 'spaceship', 'read', 'all' FROM role WHERE key = 'read_only'")
        .await;
    assert_eq!(user::actor(&house.service, id).await.unwrap().grants, grants);
    house.database.run("DELETE FROM role_grant").await;
    let bare = user::actor(&house.service, id).await.unwrap();
    assert!(
        Kind::EVERY
            .iter()
            .all(|kind| Ability::EVERY.iter().all(|ability| !bare.may(*kind, *ability)))
    );
}

#[tokio::test]
async fn who_is_not_active_or_not_there_cannot_act() {
    let house = House::new().await;
    let id = house.user(BuiltInRole::Member, None).await;
    house.database.run("UPDATE app_user SET active = false").await;
    assert_eq!(told(user::actor(&house.service, id).await), AppError::NotFound);
    assert_eq!(
        told(user::actor(&house.service, house.clock.new_id()).await),
        AppError::NotFound
    );
    // The console still finds the account by its address.
    assert_eq!(
        user::find_by_email(&house.service, "Member0@example.org")
            .await
            .unwrap(),
        Some(id)
    );
}
