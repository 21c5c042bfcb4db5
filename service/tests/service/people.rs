//! Who works here: asked in, changed, closed and opened again, and the admin who cannot be lost.

use chrono::TimeDelta;
use rapport_domain::{
    access::{Ability, BuiltInRole, Kind, Reach},
    appointment::NewAppointment,
    error::AppError,
    form::Values,
    id::{AppointmentId, BatchId, InvitationId, TeamId, UserId},
    journal::Receipt,
    organisation::OrganisationPatch,
    user::{
        SignIn,
        people::{HandedOver, Heir, Join, NewInvitation, PersonPatch},
    },
};
use rapport_service::{
    Ctx, Result, appointment, clock::Clock, customer::query, job::Worker, journal, mail, organisation,
    session, user,
};
use rapport_testing::{HERE, House, PASSWORD};

use crate::support::{World, told};

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

async fn sign_in(house: &House, email: &str, password: &str) -> Result<session::NewSession> {
    let form = SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
    };
    session::sign_in(&house.service, form, HERE, None).await
}

async fn save(ctx: &Ctx, id: UserId, fields: &[(&str, &str)]) -> Result<(Receipt, HandedOver)> {
    let seen = user::person(ctx, id).await?.person.version;
    save_seen(ctx, id, seen, fields).await
}

async fn save_seen(
    ctx: &Ctx,
    id: UserId,
    seen: i64,
    fields: &[(&str, &str)],
) -> Result<(Receipt, HandedOver)> {
    let values: Values = fields.iter().copied().collect();
    user::save_person(ctx, id, seen, PersonPatch::parse(&values, &values).unwrap()).await
}

async fn refused(result: Result<impl std::fmt::Debug>) -> String {
    match told(result) {
        AppError::Refused { reason } => reason,
        other => format!("{other:?}"),
    }
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
    assert!(
        refused(join(&world.house, &token).await)
            .await
            .contains("not good any more")
    );
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
            refused(join(&house, forged).await).await.contains("not good"),
            "{forged}"
        );
    }
    let gone = user::withdraw_invitation(&admin, InvitationId(id)).await.unwrap();
    assert!(refused(join(&house, &second).await).await.contains("not good"));
    journal::undo(&admin, gone.batch.unwrap()).await.unwrap();
    assert!(
        refused(join(&house, &second).await).await.contains("not good"),
        "it needs a new link"
    );
    house.clock.advance(TimeDelta::seconds(1));
    user::renew_invitation(&admin, InvitationId(id)).await.unwrap();
    let third = token(&admin, "a@x.example").await;
    house.clock.advance(TimeDelta::days(7));
    assert!(
        refused(join(&house, &third).await).await.contains("not good"),
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
    assert!(
        refused(join(&world.house, &token).await)
            .await
            .contains("Please sign in")
    );
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
    assert!(
        refused(asked("c@x.example").await)
            .await
            .contains("nobody may join")
    );
    assert!(
        refused(join(&world.house, &token).await)
            .await
            .contains("not good")
    );
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
    assert!(
        refused(sign_up("a@x.example").await)
            .await
            .contains("ask an admin")
    );
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
async fn the_last_admin_is_not_lost_to_themselves_to_others_at_once_or_to_an_undo() {
    let world = World::new().await;
    let ada = world.acting(BuiltInRole::Admin).await;
    let me = ada.actor().user;
    let alone = told(save(&ada, me, &[("role", "member")]).await);
    assert!(
        matches!(alone, AppError::Invalid { fields } if fields.get("role").unwrap().contains("has to be an admin"))
    );
    assert!(
        refused(user::deactivate(&ada, me, Heir::Nobody).await)
            .await
            .contains("your own account")
    );

    for _ in 0..5 {
        let bob = world.acting(BuiltInRole::Admin).await;
        let other = bob.actor().user;
        let (one, two) = tokio::join!(
            save(&ada, other, &[("role", "member")]),
            save(&bob, me, &[("role", "member")])
        );
        assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
        assert_eq!(
            world
                .count("app_user u JOIN role r ON r.id = u.role_id WHERE r.key = 'admin' AND u.active")
                .await,
            1
        );
        let (winner, loser) = if one.is_ok() { (&ada, other) } else { (&bob, me) };
        // Both are admins again, and then one is left for the next round.
        save(winner, loser, &[("role", "admin")]).await.unwrap();
        user::deactivate(&ada, other, Heir::Nobody).await.unwrap();
    }

    let cid = world.acting(BuiltInRole::Member).await.actor().user;
    let made = save(&ada, cid, &[("role", "admin")])
        .await
        .unwrap()
        .0
        .batch
        .unwrap();
    let cid = world.house.acting(cid).await;
    save(&cid, me, &[("role", "member")]).await.unwrap();
    let report = journal::undo(&cid, made).await.unwrap();
    assert_eq!(
        (report.undone, report.kept[0].reason.as_str()),
        (0, "There has to be an admin.")
    );
}

#[tokio::test]
async fn what_somebody_may_do_changes_with_their_next_click_and_their_session_goes_on() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let session = sign_in(&world.house, "member1@example.org", PASSWORD)
        .await
        .unwrap();
    let rights = || async {
        let actor = session::resolve(&world.house.service, &session.cookie)
            .await
            .unwrap();
        actor.map(|actor| actor.grants.reach(Kind::Customer, Ability::Create))
    };
    assert_eq!(rights().await, Some(Reach::Own));
    let (receipt, _) = save(&admin, member.actor().user, &[("role", "read_only")])
        .await
        .unwrap();
    assert_eq!(rights().await, Some(Reach::None));
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(rights().await, Some(Reach::Own));
    user::deactivate(&admin, member.actor().user, Heir::Nobody)
        .await
        .unwrap();
    assert_eq!(rights().await, None);
    assert!(matches!(
        told(sign_in(&world.house, "member1@example.org", PASSWORD).await),
        AppError::Invalid { .. }
    ));
    user::reactivate(&admin, member.actor().user).await.unwrap();
    assert_eq!(rights().await, None, "what was ended stays ended");
    sign_in(&world.house, "member1@example.org", PASSWORD)
        .await
        .unwrap();
    assert!(
        refused(user::reactivate(&admin, member.actor().user).await)
            .await
            .contains("open already")
    );
}

#[tokio::test]
async fn what_two_admins_change_of_somebody_merges_or_is_told_with_both_values() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    let id = world.acting(BuiltInRole::Member).await.actor().user;
    save_seen(&ada, id, 1, &[("name", "Mia"), ("role", "manager")])
        .await
        .unwrap();
    save_seen(&bob, id, 1, &[("email", "mia@x.example")])
        .await
        .unwrap();
    let conflict = told(save_seen(&bob, id, 1, &[("role", "read_only")]).await);
    assert!(
        matches!(conflict, AppError::Conflict { fields, .. } if fields.len() == 1 && fields[0].field == "role")
    );
    let person = user::person(&ada, id).await.unwrap().person;
    assert_eq!(
        (person.name.as_str(), person.email.as_str()),
        ("Mia", "mia@x.example")
    );
    let taken = told(save(&ada, id, &[("email", "Admin0@example.org")]).await);
    assert!(matches!(taken, AppError::Invalid { fields } if fields.get("email").is_some()));
    assert_eq!(
        told(save_seen(&ada, ada.clock().new_id(), 1, &[("name", "x")]).await),
        AppError::NotFound
    );
}

#[tokio::test]
async fn customers_follow_to_another_team_only_when_asked_and_come_back_with_undo() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = member.actor().user;
    let customer = world.customer(&member, &[("name", "Ada")]).await;
    let (north, south) = (world.house.team("North").await, world.house.team("South").await);
    let team_of = || world.house.database.read("SELECT team_id::text FROM customer");
    let before = team_of().await;
    let (_, handed) = save(&admin, id, &[("team", &north.to_string())]).await.unwrap();
    assert_eq!((handed.customers, team_of().await), (0, before.clone()));
    let fields = [("team", &*south.to_string()), ("follow", "on")];
    let (receipt, handed) = save(&admin, id, &fields).await.unwrap();
    assert_eq!((handed.customers, team_of().await), (1, south.to_string()));
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(team_of().await, before);
    assert_eq!(user::person(&admin, id).await.unwrap().person.team, Some(north));
    assert!(query::get(&admin, customer).await.is_ok());
}

async fn book(ctx: &Ctx, staff: &[UserId], time: &str) -> AppointmentId {
    let staff: Vec<String> = staff.iter().map(ToString::to_string).collect();
    let day = ctx.clock().now().date_naive() + TimeDelta::days(3);
    let values = Values::default()
        .with("id", ctx.clock().new_id::<AppointmentId>().to_string())
        .with("type", "01900000-0000-7000-8000-000000000021")
        .with("title", "Talk")
        .with("staff", staff.join("\n"))
        .with("date", day.to_string())
        .with("time", time)
        .with("minutes", "30");
    let new = NewAppointment::parse(&values).unwrap();
    AppointmentId(appointment::book(ctx, new).await.unwrap().record)
}

#[tokio::test(flavor = "multi_thread")]
async fn appointments_follow_who_keeps_them_into_another_team_also_what_is_booked_meanwhile() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = member.actor().user;
    let (north, south) = (world.house.team("North").await, world.house.team("South").await);
    let of_team = async |team: TeamId| {
        world
            .count(&format!("appointment_staff WHERE team = '{team}'"))
            .await
    };
    book(&admin, &[id], "08:00").await;
    let (receipt, _) = save(&admin, id, &[("team", &north.to_string())]).await.unwrap();
    assert_eq!(of_team(north).await, 1);
    journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!(of_team(north).await, 0);

    let second = world.house.another_server().await;
    let second = second.acting(admin.actor().clone(), admin.via());
    let bookings = async {
        for half_hour in 18..46 {
            let time = format!("{:02}:{:02}", half_hour / 2, half_hour % 2 * 30);
            book(&second, &[id], &time).await;
        }
    };
    let moves = async {
        for number in 0..15 {
            let team = if number % 2 == 0 { north } else { south };
            save(&admin, id, &[("team", &team.to_string())]).await.unwrap();
        }
    };
    futures::join!(bookings, moves);
    assert_eq!(
        (of_team(north).await, world.count("appointment_staff").await),
        (29, 29)
    );
}

#[tokio::test]
async fn who_leaves_hands_over_and_gets_all_of_it_back_when_it_is_taken_back() {
    let world = World::new().await;
    let (admin, leaver, heir) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting_in(BuiltInRole::Member, "South").await,
    );
    let (from, to) = (leaver.actor().user, heir.actor().user);
    world.customer(&leaver, &[("name", "Ada")]).await;
    world.customer(&leaver, &[("name", "Ben")]).await;
    book(&admin, &[from], "10:00").await;
    book(&admin, &[from, to], "11:00").await;
    book(&admin, &[from], "12:00").await;
    book(&admin, &[to], "12:15").await;
    let stands = || {
        world.house.database.read(
            "SELECT jsonb_build_array((SELECT jsonb_agg(jsonb_build_array(name, owner_id, team_id) ORDER BY name) FROM customer), \
                    (SELECT jsonb_agg(jsonb_build_array(starts_at, staff) ORDER BY starts_at) FROM appointment), \
                    (SELECT jsonb_agg(jsonb_build_array(s.appointment, s.staff, s.team) ORDER BY s.appointment, s.staff) FROM appointment_staff s))::text",
        )
    };
    let before = stands().await;
    let page = user::person(&admin, from).await.unwrap();
    assert_eq!((page.customers, page.appointments), (2, 3));

    let (receipt, handed) = user::deactivate(&admin, from, Heir::User(to)).await.unwrap();
    let expected = HandedOver {
        customers: 2,
        appointments: 2,
        stayed: 1,
        in_background: false,
    };
    assert_eq!(handed, expected);
    assert_eq!(world.count(&format!("customer c JOIN app_user u ON u.id = '{to}' WHERE c.owner_id = u.id AND c.team_id = u.team_id")).await, 2);
    assert_eq!(
        world
            .count(&format!("appointment_staff WHERE staff = '{from}'"))
            .await,
        1
    );
    assert_eq!(
        world
            .count(&format!("appointment_staff WHERE staff = '{to}'"))
            .await,
        3
    );
    assert!(
        refused(user::deactivate(&admin, from, Heir::Nobody).await)
            .await
            .contains("closed already")
    );

    let report = journal::undo(&admin, receipt.batch.unwrap()).await.unwrap();
    assert_eq!((report.left, stands().await), (0, before));
    assert!(user::person(&admin, from).await.unwrap().person.active);
    let again = journal::undo(&admin, report.batch.unwrap()).await.unwrap();
    assert_eq!(again.left, 0, "and forth again");
    assert!(!user::person(&admin, from).await.unwrap().person.active);
}

#[tokio::test]
async fn who_cannot_take_over_is_refused_and_customers_can_be_left_to_nobody() {
    let world = World::new().await;
    let (admin, leaver, gone) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let (from, gone) = (leaver.actor().user, gone.actor().user);
    world.customer(&leaver, &[("name", "Ada")]).await;
    user::deactivate(&admin, gone, Heir::Nobody).await.unwrap();
    for heir in [gone, from, admin.clock().new_id()] {
        let error = told(user::deactivate(&admin, from, Heir::User(heir)).await);
        assert!(matches!(error, AppError::Invalid { fields } if fields.get("heir").is_some()));
    }
    let (receipt, handed) = user::deactivate(&admin, from, Heir::Unowned).await.unwrap();
    assert_eq!(
        (
            handed.customers,
            world
                .count("customer WHERE owner_id IS NULL AND team_id IS NULL")
                .await
        ),
        (1, 1)
    );
    // Whoever may not open the account gives nothing back to it.
    let manager = world.acting(BuiltInRole::Manager).await;
    let report = journal::undo(&manager, receipt.batch.unwrap()).await;
    assert!(report.is_ok_and(|report| report.undone == 0));
    assert_eq!(world.count("customer WHERE owner_id IS NULL").await, 1);
}

#[tokio::test]
async fn thousands_of_customers_are_handed_over_in_the_background_as_one_command() {
    let world = World::new().await;
    let (admin, leaver, heir) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let (from, to) = (leaver.actor().user, heir.actor().user);
    let many = format!(
        "INSERT INTO customer (id, kind, stage, name, owner_id, team_id, created_at, updated_at) \
         SELECT md5('c' || n)::uuid, 'person', 'lead', 'C ' || n, u.id, u.team_id, now(), now() \
         FROM generate_series(1, 2500) AS n, app_user u WHERE u.id = '{from}'"
    );
    world.house.database.run(&many).await;
    let (receipt, handed) = user::deactivate(&admin, from, Heir::User(to)).await.unwrap();
    let batch = receipt.batch.unwrap();
    assert!(handed.in_background);
    assert!(
        !user::person(&admin, from).await.unwrap().person.active,
        "the account is closed at once"
    );
    assert!(
        refused(journal::undo(&admin, batch).await)
            .await
            .contains("still running")
    );
    work_off(&world).await;
    let owned = |user: UserId| world.count_of(user);
    assert_eq!((owned(from).await, owned(to).await), (0, 2500));
    assert_eq!(counted(&world, batch).await, "2501");
    assert!(journal::undo(&admin, batch).await.unwrap().in_background);
    work_off(&world).await;
    assert_eq!((owned(from).await, owned(to).await), (2500, 0));
    assert!(user::person(&admin, from).await.unwrap().person.active);
}

impl World {
    async fn count_of(&self, owner: UserId) -> u64 {
        self.count(&format!("customer WHERE owner_id = '{owner}'")).await
    }
}

async fn work_off(world: &World) {
    Worker::new(&world.house.service).work_off().await.unwrap();
}

async fn counted(world: &World, batch: BatchId) -> String {
    let counts = format!("SELECT counts ->> 'changes' FROM batch WHERE id = '{batch}' AND state = 'done'");
    world.house.database.read(&counts).await
}

#[tokio::test]
async fn teams_are_made_renamed_and_removed_while_nobody_belongs_to_them() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id: TeamId = admin.clock().new_id();
    let made = user::new_team(&admin, id, "West".to_owned()).await.unwrap();
    assert_eq!(user::new_team(&admin, id, "West".to_owned()).await.unwrap(), made);
    let renamed = user::rename_team(&admin, id, 1, "Far West".to_owned())
        .await
        .unwrap();
    journal::undo(&admin, renamed.batch.unwrap()).await.unwrap();
    let member = world.acting(BuiltInRole::Member).await.actor().user;
    save(&admin, member, &[("team", &id.to_string())]).await.unwrap();
    assert!(
        refused(user::remove_team(&admin, id).await)
            .await
            .contains("so it stays")
    );
    save(&admin, member, &[("team", "")]).await.unwrap();
    let gone = user::remove_team(&admin, id).await.unwrap();
    assert_eq!(
        told(user::rename_team(&admin, id, 1, "x".to_owned()).await),
        AppError::NotFound
    );
    journal::undo(&admin, gone.batch.unwrap()).await.unwrap();
    let teams = user::people(&admin).await.unwrap().teams;
    assert!(teams.iter().any(|team| team.id == id && team.name == "West"));
    let manager = world.acting(BuiltInRole::Manager).await;
    assert_eq!(
        told(user::new_team(&manager, admin.clock().new_id(), "x".to_owned()).await),
        AppError::Forbidden
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
        refused(set(first, NEW).await).await.contains("not good"),
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
        refused(set(second, NEW).await).await.contains("not good"),
        "it is good once"
    );

    house.clock.advance(TimeDelta::seconds(1));
    user::forgot(&house.service, "member1@example.org", HERE)
        .await
        .unwrap();
    let late = token(&admin, "member1@example.org").await;
    house.clock.advance(TimeDelta::hours(1));
    assert!(
        refused(set(late, NEW).await).await.contains("not good"),
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
    let wrong = told(user::change_password(&member, "not it at all", NEW).await);
    assert!(matches!(wrong, AppError::Invalid { fields } if fields.get("current").is_some()));
    user::change_password(&member, PASSWORD, NEW).await.unwrap();
    sign_in(&world.house, "member0@example.org", NEW).await.unwrap();
    let journalled = "batch WHERE command = 'change password' AND NOT undoable";
    assert_eq!(world.count(journalled).await, 1);
}

#[tokio::test]
async fn roles_are_told_with_what_they_grant() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    world.acting(BuiltInRole::Member).await;
    let roles = user::roles(&admin).await.unwrap();
    let told: Vec<_> = roles.iter().map(|role| (role.role, role.members)).collect();
    assert_eq!(
        told,
        [
            (BuiltInRole::Admin, 1),
            (BuiltInRole::Manager, 0),
            (BuiltInRole::Member, 1),
            (BuiltInRole::ReadOnly, 0)
        ]
    );
    let export = |place: usize| {
        let grants = roles[place].grants.iter();
        let mut of_kind =
            grants.filter(|grant| (grant.kind, grant.ability) == (Kind::Customer, Ability::Export));
        of_kind.next().map(|grant| grant.reach)
    };
    assert_eq!(
        (export(0), export(1), export(2)),
        (Some(Reach::All), Some(Reach::Team), None)
    );
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

#[tokio::test]
async fn a_calendar_is_read_by_its_link_until_it_is_revoked_or_its_owner_leaves() {
    let world = World::new().await;
    let (admin, member) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Member).await,
    );
    let me = member.actor().user;
    book(&admin, &[me], "10:00").await;
    book(&admin, &[admin.actor().user], "11:00").await;
    let profile = || async { organisation::profile(&member).await.unwrap() };
    let read = |link: String| {
        let service = world.house.service.clone();
        async move {
            let token = link
                .rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".ics")
                .to_owned();
            appointment::feed_ics(&service, &token).await
        }
    };
    assert_eq!(profile().await.feed_since, None);
    assert!(
        refused(appointment::revoke_feed(&member).await)
            .await
            .contains("not open")
    );
    appointment::open_feed(&member).await.unwrap();
    let first = profile().await.feed_link.unwrap();
    assert_eq!(organisation::profile(&admin).await.unwrap().feed_link, None);
    let calendar = read(first.clone()).await.unwrap();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1, "{calendar}");
    assert!(calendar.contains("SUMMARY:Talk"));
    appointment::open_feed(&member).await.unwrap();
    let second = profile().await.feed_link.unwrap();
    assert_eq!(told(read(first).await), AppError::NotFound);
    read(second.clone()).await.unwrap();
    user::deactivate(&admin, me, Heir::Nobody).await.unwrap();
    assert_eq!(told(read(second.clone()).await), AppError::NotFound);
    user::reactivate(&admin, me).await.unwrap();
    read(second.clone()).await.unwrap();
    appointment::revoke_feed(&member).await.unwrap();
    assert_eq!(told(read(second).await), AppError::NotFound);
    for forged in ["", "x", "'", &"0".repeat(64)] {
        let answer = appointment::feed_ics(&world.house.service, forged).await;
        assert_eq!(told(answer), AppError::NotFound);
    }
}
