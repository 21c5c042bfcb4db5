//! Settings: merged, refused where two disagree, taken back; and the clock of each person.

use rapport_domain::{
    access::BuiltInRole,
    appointment::{AppointmentTypeForm, CalendarQuery},
    error::{AppError, FieldConflict},
    form::Values,
    id::AppointmentTypeId,
    journal::Receipt,
    organisation::{OrganisationPatch, ProfilePatch},
};
use rapport_service::{Ctx, Result, appointment, journal, organisation, user};

use crate::support::{World, told};

async fn save(ctx: &Ctx, seen: i64, fields: &[(&str, &str)]) -> Result<Receipt> {
    let changed: Values = fields.iter().copied().collect();
    let mut values = organisation::get(ctx).await?.hours.values();
    values.0.extend(changed.0.clone());
    organisation::save(ctx, seen, OrganisationPatch::parse(&values, &changed).unwrap()).await
}

async fn set_zone(ctx: &Ctx, zone: &str) -> Result<Receipt> {
    let patch = ProfilePatch::parse(&Values::default().with("zone", zone)).unwrap();
    let seen = organisation::profile(ctx).await?.version;
    organisation::save_profile(ctx, seen, patch).await
}

fn conflicts(error: AppError) -> Vec<FieldConflict> {
    match error {
        AppError::Conflict { fields, .. } => fields,
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn two_admins_who_change_different_settings_both_keep_theirs() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    save(&ada, 1, &[("currency", "SEK"), ("mon.from", "07:00")])
        .await
        .unwrap();
    save(&bob, 1, &[("name", "Acme")]).await.unwrap();
    let stands = organisation::get(&ada).await.unwrap();
    assert_eq!((stands.name.as_str(), stands.currency.as_str()), ("Acme", "SEK"));
    assert_eq!(stands.hours.on(0), Some((7 * 60, 17 * 60)));
}

#[tokio::test]
async fn what_both_changed_is_told_with_both_values_also_the_hours_of_a_day() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Admin).await,
        world.acting(BuiltInRole::Admin).await,
    );
    save(&ada, 1, &[("currency", "SEK"), ("mon.from", "07:00")])
        .await
        .unwrap();
    let refused = told(save(&bob, 1, &[("currency", "NOK"), ("mon.from", "10:00")]).await);
    let told = conflicts(refused);
    let said: Vec<_> = told
        .iter()
        .map(|one| (one.field.as_str(), one.mine.as_str(), one.theirs.as_str()))
        .collect();
    assert_eq!(said, [("currency", "NOK", "SEK"), ("mon.from", "10:00", "07:00")]);
    assert_eq!(told[0].by.as_deref(), Some(ada.actor().name.as_str()));
    save(&bob, 2, &[("currency", "NOK")]).await.unwrap();
}

#[tokio::test]
async fn settings_are_for_admins_checked_and_taken_back() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    for role in [BuiltInRole::Manager, BuiltInRole::Member, BuiltInRole::ReadOnly] {
        let ctx = world.acting(role).await;
        assert_eq!(told(organisation::get(&ctx).await), AppError::Forbidden);
        let patch = OrganisationPatch::default();
        assert_eq!(
            told(organisation::save(&ctx, 1, patch).await),
            AppError::Forbidden
        );
    }
    let wrong = told(save(&admin, 1, &[("zone", "Mars/Olympus")]).await);
    assert_eq!(
        wrong,
        AppError::invalid("zone", "Please choose a time zone of the list.")
    );
    let saved = save(&admin, 1, &[("name", "Acme")]).await.unwrap();
    let again = save(&admin, 2, &[("name", "Acme")]).await.unwrap();
    assert_eq!((saved.version, again.batch), (2, None));
    journal::undo(&admin, saved.batch.unwrap()).await.unwrap();
    assert_eq!(organisation::name(&world.house.service).await.unwrap(), "Rapport");
    let member = world.acting(BuiltInRole::Member).await;
    let saved = save(&admin, 3, &[("name", "Acme")]).await.unwrap();
    assert_eq!(
        told(journal::undo(&member, saved.batch.unwrap()).await),
        AppError::NotFound
    );
}

#[tokio::test]
async fn each_is_told_the_time_by_their_own_clock_and_may_take_their_choice_back() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let chosen = set_zone(&admin, "Asia/Kolkata").await.unwrap();
    let now = || async {
        let actor = user::actor(&world.house.service, admin.actor().user)
            .await
            .unwrap();
        let ctx = world.house.service.acting(actor, admin.via());
        appointment::calendar(&ctx, CalendarQuery::default())
            .await
            .unwrap()
    };
    let there = now().await;
    assert_eq!(there.zone, "Asia/Kolkata");
    journal::undo(&admin, chosen.batch.unwrap()).await.unwrap();
    let here = now().await;
    assert_eq!(here.zone, "UTC");
    let minutes = |calendar: &rapport_domain::appointment::Calendar| {
        calendar.today.since(here.today) * 24 * 60 + i32::from(calendar.now)
    };
    let ahead = minutes(&there) - minutes(&here);
    assert!((5 * 60 + 28..=5 * 60 + 30).contains(&ahead), "{ahead}");
    // Somebody's own choice is theirs: others cannot take it back.
    let member = world.acting(BuiltInRole::Member).await;
    let chosen = set_zone(&member, "Europe/Berlin").await.unwrap().batch.unwrap();
    let other = world.acting(BuiltInRole::Member).await;
    let report = journal::undo(&other, chosen).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    journal::undo(&member, chosen).await.unwrap();
}

fn kind(fields: &[(&str, &str)]) -> AppointmentTypeForm {
    let values = Values::default()
        .with("name", "Tasting")
        .with("minutes", "45")
        .with("colour", "2")
        .with("active", "on");
    let values = fields
        .iter()
        .fold(values, |values, (field, text)| values.with(field, *text));
    AppointmentTypeForm::parse(&values).unwrap()
}

#[tokio::test]
async fn a_type_is_made_once_changed_put_out_of_use_and_taken_back() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let id: AppointmentTypeId = admin.clock().new_id();
    let made = appointment::create_type(&admin, id, kind(&[])).await.unwrap();
    assert_eq!(
        appointment::create_type(&admin, id, kind(&[])).await.unwrap(),
        made
    );
    let off = appointment::save_type(&admin, id, 1, kind(&[("active", "off")]))
        .await
        .unwrap();
    let stale = told(appointment::save_type(&admin, id, 1, kind(&[("minutes", "60")])).await);
    assert!(matches!(stale, AppError::Refused { .. }), "{stale:?}");
    let offered = appointment::booking_options(&admin, None).await.unwrap().types;
    assert!(offered.iter().all(|kind| kind.id != id));
    journal::undo(&admin, off.batch.unwrap()).await.unwrap();
    let offered = appointment::booking_options(&admin, None).await.unwrap().types;
    assert!(offered.iter().any(|kind| kind.id == id));

    for kind in appointment::types(&admin)
        .await
        .unwrap()
        .into_iter()
        .filter(|kind| kind.id != id)
    {
        let off = AppointmentTypeForm {
            name: kind.name,
            minutes: kind.minutes,
            colour: kind.colour,
            active: false,
        };
        appointment::save_type(&admin, kind.id, kind.version, off)
            .await
            .unwrap();
    }
    let last = told(appointment::save_type(&admin, id, 3, kind(&[("active", "off")])).await);
    assert!(matches!(last, AppError::Invalid { .. }), "{last:?}");
    let report = journal::undo(&admin, made.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    assert!(report.kept[0].reason.contains("stay in use"), "{report:?}");
    let member = world.acting(BuiltInRole::Member).await;
    assert_eq!(told(appointment::types(&member).await), AppError::Forbidden);
}
