//! The ways in: invitations, sign-up, new passwords, and the end of sessions.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    form::Values,
    id::{InvitationId, TeamId, UserId},
    journal::Receipt,
    organisation::OrganisationPatch,
    user::people::{Heir, Join, NewInvitation, PersonPatch},
};
use rapport_service::{Ctx, Result, clock::Clock, journal, mail, organisation, session, user};
use rapport_testing::{HERE, House, PASSWORD};

use crate::support::{World, refused, sign_in, told};

async fn invite(ctx: &Ctx, email: &str, role: BuiltInRole, team: Option<TeamId>) -> Result<Receipt> {
    let new = NewInvitation {
        id: ctx.clock().new_id(),
        email: email.to_owned(),
        role,
        team,
    };
    user::invite(ctx, new).await
}

/// The secret of the link in the newest mail to an address.
async fn token(ctx: &Ctx, to: &str) -> String {
    let mails = mail::outbox(ctx).await.unwrap().mails;
    let mail = mails.into_iter().find(|mail| mail.to == to).expect("a mail");
    let body = mail.body.expect("its text");
    let link = body
        .lines()
        .find(|line| line.starts_with("http"))
        .expect("a link");
    link.rsplit('/').next().unwrap().to_owned()
}

async fn join(house: &House, token: &str) -> Result<String> {
    let values = Values::default()
        .with("token", token)
        .with("name", "Nora New")
        .with("password", PASSWORD);
    user::join(&house.service, Join::parse(&values).unwrap(), HERE).await
}

#[tokio::test]
async fn somebody_who_was_asked_joins_once_with_the_role_and_team_they_were_asked_for() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let team = world.house.team("Field").await;
    let asked = invite(&admin, "Nora@x.example", BuiltInRole::Manager, Some(team))
        .await
        .unwrap();

    let shown = user::people(&admin).await.unwrap().invitations;
    let link = shown[0].link.clone().unwrap();
    let token = token(&admin, "Nora@x.example").await;
    assert!(link.ends_with(&format!("/join/{token}")), "{link}");
    let other = world.acting(BuiltInRole::Admin).await;
    assert_eq!(user::people(&other).await.unwrap().invitations[0].link, None);
    let invited = user::invited(&world.house.service, &token, HERE).await.unwrap();
    assert_eq!(
        (invited.email.as_str(), invited.organisation.as_str()),
        ("Nora@x.example", "Rapport")
    );

    assert_eq!(join(&world.house, &token).await.unwrap(), "Nora@x.example");
    let nora = sign_in(&world.house, "nora@x.example", PASSWORD)
        .await
        .unwrap()
        .user;
    let nora = user::person(&admin, nora).await.unwrap().person;
    assert_eq!((nora.role, nora.team), (BuiltInRole::Manager, Some(team)));
    assert!(user::people(&admin).await.unwrap().invitations.is_empty());
    assert!(refused(join(&world.house, &token).await).contains("not good any more"));
    let undone = journal::undo(&admin, asked.batch.unwrap()).await.unwrap();
    assert_eq!((undone.undone, undone.left), (0, 1), "who came stays");
}

#[tokio::test]
async fn a_link_that_is_forged_withdrawn_replaced_or_too_old_lets_nobody_in() {
    let house = House::with_clock(Clock::stopped()).await;
    let admin = house.acting(house.user(BuiltInRole::Admin, None).await).await;
    let id = invite(&admin, "a@x.example", BuiltInRole::Member, None)
        .await
        .unwrap()
        .record;
    let first = token(&admin, "a@x.example").await;
    house.clock.advance(TimeDelta::seconds(1));
    user::renew_invitation(&admin, InvitationId(id)).await.unwrap();
    let second = token(&admin, "a@x.example").await;
    for forged in ["", "x", &first, &"0".repeat(64), &format!("{second}'")] {
        assert!(
            refused(join(&house, forged).await).contains("not good"),
            "{forged}"
        );
    }
    let gone = user::withdraw_invitation(&admin, InvitationId(id)).await.unwrap();
    assert!(refused(join(&house, &second).await).contains("not good"));
    journal::undo(&admin, gone.batch.unwrap()).await.unwrap();
    assert!(
        refused(join(&house, &second).await).contains("not good"),
        "it needs a new link"
    );
    house.clock.advance(TimeDelta::seconds(1));
    user::renew_invitation(&admin, InvitationId(id)).await.unwrap();
    let third = token(&admin, "a@x.example").await;
    house.clock.advance(TimeDelta::days(7));
    assert!(
        refused(join(&house, &third).await).contains("not good"),
        "after a week"
    );
    assert_eq!(
        house.database.read("SELECT count(*)::text FROM app_user").await,
        "1"
    );
}

#[tokio::test]
async fn of_two_who_use_a_link_at_once_one_comes_in() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    invite(&admin, "a@x.example", BuiltInRole::Member, None)
        .await
        .unwrap();
    let token = token(&admin, "a@x.example").await;
    let (one, two) = tokio::join!(join(&world.house, &token), join(&world.house, &token));
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    for lost in [one, two].into_iter().filter(Result::is_err) {
        assert!(matches!(told(lost), AppError::Refused { .. }));
    }
    assert_eq!(world.count("app_user WHERE email = 'a@x.example'").await, 1);
}

#[tokio::test]
async fn whose_address_came_in_by_another_door_is_told_to_sign_in() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    invite(&admin, "Member1@example.org", BuiltInRole::Member, None)
        .await
        .unwrap();
    let token = token(&admin, "Member1@example.org").await;
    world.acting(BuiltInRole::Member).await;
    assert!(refused(join(&world.house, &token).await).contains("Please sign in"));
}

#[tokio::test]
async fn an_address_that_signs_up_many_times_at_once_is_asked_once() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    set_sign_up(&admin, "domains", "x.example").await;
    let tries = (0..3).map(|_| user::sign_up(&world.house.service, "a@x.example", HERE));
    for tried in futures::future::join_all(tries).await {
        tried.unwrap();
    }
    assert_eq!(user::people(&admin).await.unwrap().invitations.len(), 1);
    join(&world.house, &token(&admin, "a@x.example").await)
        .await
        .unwrap();
}

#[tokio::test]
async fn nobody_is_asked_twice_or_while_nobody_may_join_and_no_secret_is_journalled() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let asked = |email: &'static str| invite(&admin, email, BuiltInRole::Member, None);
    asked("a@x.example").await.unwrap();
    let told_on_email = |error: AppError| match error {
        AppError::Invalid { fields } => fields.get("email").unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    };
    assert!(told_on_email(told(asked("A@x.example").await)).contains("asked already"));
    assert!(told_on_email(told(asked("admin0@example.org").await)).contains("has this e-mail"));
    let wrong_team = invite(
        &admin,
        "b@x.example",
        BuiltInRole::Member,
        Some(admin.clock().new_id()),
    )
    .await;
    assert!(matches!(told(wrong_team), AppError::Invalid { fields } if fields.get("team").is_some()));
    let token = token(&admin, "a@x.example").await;
    set_sign_up(&admin, "closed", "").await;
    assert!(refused(asked("c@x.example").await).contains("nobody may join"));
    assert!(refused(join(&world.house, &token).await).contains("not good"));
    for role in [BuiltInRole::Manager, BuiltInRole::Member] {
        let ctx = world.acting(role).await;
        assert_eq!(
            told(invite(&ctx, "d@x.example", role, None).await),
            AppError::Forbidden
        );
        assert_eq!(told(user::people(&ctx).await), AppError::Forbidden);
        assert_eq!(told(mail::outbox(&ctx).await), AppError::Forbidden);
    }
    let leaks = "change WHERE after::text LIKE '%token%' OR after::text LIKE '%join/%'";
    assert_eq!(world.count(leaks).await, 0);
}

async fn set_sign_up(admin: &Ctx, who: &str, domains: &str) {
    let changed = Values::default()
        .with("sign_up", who)
        .with("sign_up_domains", domains);
    let seen = organisation::get(admin).await.unwrap().version;
    let patch = OrganisationPatch::parse(&changed, &changed).unwrap();
    organisation::save(admin, seen, patch).await.unwrap();
}

#[tokio::test]
async fn an_address_of_a_listed_domain_signs_up_by_the_link_that_is_mailed_to_it() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let sign_up = |email: &'static str| user::sign_up(&world.house.service, email, HERE);
    assert!(refused(sign_up("a@x.example").await).contains("ask an admin"));
    set_sign_up(&admin, "domains", "x.example").await;
    for email in [
        "a@evil.example",
        "admin0@example.org",
        "a@sub.x.example",
        "a@x.example",
    ] {
        sign_up(email).await.unwrap();
    }
    let mails = mail::outbox(&admin).await.unwrap().mails;
    assert_eq!(
        mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        ["a@x.example"]
    );
    sign_up("A@X.example").await.unwrap();
    let token = token(&admin, "A@X.example").await;
    assert_eq!(
        user::people(&admin).await.unwrap().invitations.len(),
        1,
        "asked again is asked once"
    );
    join(&world.house, &token).await.unwrap();
    let person = sign_in(&world.house, "a@x.example", PASSWORD).await.unwrap().user;
    assert_eq!(
        user::person(&admin, person).await.unwrap().person.role,
        BuiltInRole::Member
    );
}

#[tokio::test]
async fn a_new_password_is_set_by_a_link_once_and_ends_all_sessions() {
    const NEW: &str = "another horse battery staple";
    let house = House::with_clock(Clock::stopped()).await;
    let admin = house.acting(house.user(BuiltInRole::Admin, None).await).await;
    let member = house.user(BuiltInRole::Member, None).await;
    let session = sign_in(&house, "member1@example.org", PASSWORD).await.unwrap();
    user::reset_link(&admin, member).await.unwrap();
    let first = token(&admin, "member1@example.org").await;
    let shown = user::person(&admin, member).await.unwrap().link.unwrap();
    assert!(shown.ends_with(&format!("/reset/{first}")));
    house.clock.advance(TimeDelta::seconds(1));
    user::forgot(&house.service, "MEMBER1@example.org", HERE)
        .await
        .unwrap();
    user::forgot(&house.service, "nobody@example.org", HERE)
        .await
        .unwrap();
    assert_eq!(mail::outbox(&admin).await.unwrap().mails.len(), 2);
    let second = token(&admin, "member1@example.org").await;
    let set = |token: String, new: &'static str| {
        let service = house.service.clone();
        async move { user::new_password(&service, &token, new, HERE).await }
    };
    assert!(
        refused(set(first, NEW).await).contains("not good"),
        "a newer one took its place"
    );
    let weak = told(set(second.clone(), "member1@example.org").await);
    assert!(matches!(weak, AppError::Invalid { fields } if fields.get("password").is_some()));
    assert_eq!(
        user::resettable(&house.service, &second, HERE).await.unwrap(),
        "member1@example.org"
    );
    assert!(
        session::resolve(&house.service, &session.cookie)
            .await
            .unwrap()
            .is_some()
    );
    set(second.clone(), NEW).await.unwrap();
    assert_eq!(
        session::resolve(&house.service, &session.cookie).await.unwrap(),
        None
    );
    sign_in(&house, "member1@example.org", NEW).await.unwrap();
    assert!(
        refused(set(second, NEW).await).contains("not good"),
        "it is good once"
    );

    house.clock.advance(TimeDelta::seconds(1));
    user::forgot(&house.service, "member1@example.org", HERE)
        .await
        .unwrap();
    let late = token(&admin, "member1@example.org").await;
    house.clock.advance(TimeDelta::hours(1));
    assert!(
        refused(set(late, NEW).await).contains("not good"),
        "after an hour"
    );
    user::deactivate(&admin, member, Heir::Nobody).await.unwrap();
    assert_eq!(told(user::reset_link(&admin, member).await), AppError::NotFound);
}

#[tokio::test]
async fn ones_own_password_is_changed_by_the_old_one() {
    const NEW: &str = "another horse battery staple";
    let world = World::new().await;
    let member = world.acting(BuiltInRole::Member).await;
    let wrong = told(user::change_password(&member, "not it at all", NEW, HERE.into()).await);
    assert!(matches!(wrong, AppError::Invalid { fields } if fields.get("current").is_some()));
    user::change_password(&member, PASSWORD, NEW, HERE.into())
        .await
        .unwrap();
    sign_in(&world.house, "member0@example.org", NEW).await.unwrap();
    let journalled = "batch WHERE command = 'change password' AND NOT undoable";
    assert_eq!(world.count(journalled).await, 1);
}

#[tokio::test]
async fn a_password_that_is_taken_away_is_not_changed_by_who_had_it() {
    const THIEFS: &str = "seven quiet herons over a lake";
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let service = &world.house.service;
    for round in 0..8 {
        let thief = world.acting(BuiltInRole::Member).await;
        let email = user::me(&thief).await.unwrap().email;
        let changes = user::change_password(&thief, PASSWORD, THIEFS, HERE.into());
        let (changed, link) = futures::join!(changes, user::reset_by_link(service, &email));
        link.unwrap();
        let id = thief.actor().user;
        let links = format!("password_reset WHERE user_id = '{id}'");
        assert_eq!(world.count(&links).await, 1, "round {round}: {changed:?}");
        assert!(
            sign_in(&world.house, &email, THIEFS).await.is_err(),
            "round {round}"
        );
        if let Ok(session) = changed {
            let session = session::resolve(service, &session.cookie).await.unwrap();
            assert_eq!(session, None, "round {round}");
        }
    }
    // Nor does a link go to an address that is theirs no more.
    for round in 0..3 {
        let member = world.acting(BuiltInRole::Member).await;
        let (id, email) = (member.actor().user, user::me(&member).await.unwrap().email);
        let moved = Values::default().with("email", format!("moved{round}@x.example"));
        let moved = PersonPatch::parse(&moved, &moved).unwrap();
        let version = user::person(&admin, id).await.unwrap().person.version;
        let (saved, asked) = futures::join!(
            user::save_person(&admin, id, version, moved),
            user::forgot(service, &email, HERE)
        );
        saved.unwrap();
        asked.unwrap();
        let links = format!("password_reset WHERE user_id = '{id}'");
        assert_eq!(world.count(&links).await, 0, "round {round}");
    }
}

#[tokio::test]
async fn somebody_is_signed_out_everywhere() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let session = sign_in(&world.house, "member1@example.org", PASSWORD)
        .await
        .unwrap();
    user::end_sessions(&admin, member.actor().user).await.unwrap();
    assert_eq!(
        session::resolve(&world.house.service, &session.cookie)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        told(user::end_sessions(&member, admin.actor().user).await),
        AppError::Forbidden
    );
    assert_eq!(
        told(user::end_sessions(&admin, admin.clock().new_id()).await),
        AppError::NotFound
    );
}

/// Gives somebody a key, a link to their calendar and a link for a new password.
async fn open_ways(world: &World, user: UserId) {
    let ways = format!(
        "INSERT INTO api_key (id, user_id, name, hint, token_hash, access, created_at) \
           VALUES (gen_random_uuid(), '{user}', 'Theirs', '', gen_random_uuid()::text, 'write', now()); \
         INSERT INTO calendar_feed VALUES ('{user}', gen_random_uuid()::text, now()) ON CONFLICT DO NOTHING; \
         INSERT INTO password_reset VALUES ('{user}', gen_random_uuid()::text, now() + interval '1 day') \
           ON CONFLICT DO NOTHING"
    );
    world.house.database.run(&ways).await;
}

async fn ways(world: &World) -> [u64; 3] {
    [
        world.count("api_key WHERE revoked_at IS NULL").await,
        world.count("calendar_feed").await,
        world.count("password_reset").await,
    ]
}

#[tokio::test]
async fn whoever_had_an_account_has_no_way_back_into_it() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let member = world.acting(BuiltInRole::Member).await;
    let (service, id) = (&world.house.service, member.actor().user);
    let email = user::me(&member).await.unwrap().email;

    open_ways(&world, id).await;
    assert_eq!(ways(&world).await, [1, 1, 1]);
    user::end_sessions(&admin, id).await.unwrap();
    assert_eq!(ways(&world).await, [0, 0, 0], "signed out everywhere");

    open_ways(&world, id).await;
    user::reset_password(service, &email, "another long password")
        .await
        .unwrap();
    assert_eq!(ways(&world).await, [0, 0, 0], "a new password from the console");

    user::reset_link(&admin, id).await.unwrap();
    open_ways(&world, id).await;
    let link = token(&admin, &email).await;
    user::new_password(service, &link, "yet another long password", HERE)
        .await
        .unwrap();
    assert_eq!(ways(&world).await, [0, 0, 0], "a new password by a link");

    // A link that went to an address that is theirs no more.
    open_ways(&world, id).await;
    let moved = Values::default().with("email", "elsewhere@x.example");
    let moved = PersonPatch::parse(&moved, &moved).unwrap();
    let version = user::person(&admin, id).await.unwrap().person.version;
    let (receipt, _) = user::save_person(&admin, id, version, moved).await.unwrap();
    assert_eq!(ways(&world).await, [1, 1, 0], "another address");

    user::reset_link(&admin, id).await.unwrap();
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(ways(&world).await, [1, 1, 0], "the one before, by an undo");
}
