//! Appointments: booked once, told clearly, taken back.

use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use rapport_domain::{
    access::BuiltInRole,
    appointment::{AppointmentPatch, CalendarQuery, FreeQuery, NewAppointment, Status},
    error::AppError,
    form::Values,
    id::{AppointmentId, CustomerId, UserId},
    journal::{Receipt, Via},
    user::people::Heir,
};
use rapport_service::{Ctx, Result, appointment, journal, seen::Seen, user};

use crate::support::{World, told};

/// The type that every installation starts with.
const MEETING: &str = "01900000-0000-7000-8000-000000000021";

/// Overlapping rows, asked of PostgreSQL past the constraint.
const OVERLAPS: &str = "appointment_staff a JOIN appointment_staff b \
    ON a.staff = b.staff AND a.appointment < b.appointment AND a.during && b.during WHERE a.active AND b.active";

/// A day far enough ahead, a Wednesday.
fn day(ctx: &Ctx) -> NaiveDate {
    let week = (ctx.clock().now() + TimeDelta::days(14))
        .date_naive()
        .week(chrono::Weekday::Mon);
    week.first_day() + TimeDelta::days(2)
}

fn form(ctx: &Ctx, staff: &[UserId], time: &str, minutes: u16) -> Values {
    let staff: Vec<String> = staff.iter().map(ToString::to_string).collect();
    Values::default()
        .with("id", ctx.clock().new_id::<AppointmentId>().to_string())
        .with("type", MEETING)
        .with("title", "Talk")
        .with("staff", staff.join("\n"))
        .with("date", day(ctx).to_string())
        .with("time", time)
        .with("minutes", minutes.to_string())
}

async fn book_form(ctx: &Ctx, values: &Values) -> Result<Receipt> {
    appointment::book(ctx, NewAppointment::parse(values).unwrap()).await
}

async fn book(ctx: &Ctx, staff: &[UserId], time: &str, minutes: u16) -> Result<Receipt> {
    book_form(ctx, &form(ctx, staff, time, minutes)).await
}

async fn booked(ctx: &Ctx, time: &str, minutes: u16) -> Receipt {
    book(ctx, &[ctx.actor().user], time, minutes).await.unwrap()
}

async fn change(ctx: &Ctx, id: AppointmentId, seen: i64, fields: &[(&str, &str)]) -> Result<Receipt> {
    let changed: Values = fields.iter().copied().collect();
    let values = fields.iter().fold(
        Values::default().with("date", day(ctx).to_string()),
        |values, (field, text)| values.with(field, *text),
    );
    appointment::save(ctx, id, seen, AppointmentPatch::parse(&values, &changed).unwrap()).await
}

async fn move_to(ctx: &Ctx, id: AppointmentId, time: &str) -> Result<Receipt> {
    let seen = appointment::get(ctx, id).await?.version;
    change(ctx, id, seen, &[("time", time)]).await
}

/// What is said at a field; what it is instead, if it is something else.
fn sentence(error: AppError, field: &str) -> String {
    match error {
        AppError::Invalid { fields } if fields.get(field).is_some() => {
            fields.get(field).unwrap_or_default().to_owned()
        }
        other => format!("{other:?}"),
    }
}

async fn from(ctx: &Ctx, id: AppointmentId) -> String {
    appointment::get(ctx, id).await.unwrap().from.to_string()
}

#[tokio::test]
async fn one_time_asked_for_by_200_on_two_servers_is_won_by_one_and_the_others_are_told() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let other = world.house.another_server().await;
    let there = other.acting(user::actor(&other, ctx.actor().user).await.unwrap(), Via::Page);
    let began = Instant::now();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let ctx = if number % 2 == 0 {
                ctx.clone()
            } else {
                there.clone()
            };
            tokio::spawn(async move { book(&ctx, &[ctx.actor().user], "10:00", 60).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => {
                let told = sentence(error.tell(), "time");
                assert!(told.contains("has “Talk” from 10:00 to 11:00."), "{told}");
            }
        }
    }
    assert_eq!(won, 1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(world.count("appointment").await, 1);
    assert_eq!(world.count(OVERLAPS).await, 0);
}

/// What one of the many does over and over, with a generator of its own.
struct Busy {
    ctx: Ctx,
    state: u64,
    mine: Vec<(AppointmentId, Receipt)>,
}

impl Busy {
    /// A linear congruence: chance enough to mix, and the same at each run.
    fn any(&mut self, below: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn time(&mut self) -> String {
        format!("{:02}:{:02}", 9 + self.any(6), self.any(4) * 15)
    }

    async fn act(&mut self, staff: &[UserId]) -> Result<()> {
        let one = |chance: u64| staff[usize::try_from(chance).unwrap() % staff.len()];
        let place = usize::try_from(self.any(1_000)).unwrap();
        let known = (!self.mine.is_empty()).then(|| self.mine[place % self.mine.len()]);
        let receipt = match (self.any(6), known) {
            (0, Some((id, _))) => {
                let time = self.time();
                (id, move_to(&self.ctx, id, &time).await?)
            }
            (1, Some((id, _))) => {
                let seen = appointment::get(&self.ctx, id).await?.version;
                let other = one(self.any(9)).to_string();
                (id, change(&self.ctx, id, seen, &[("staff", &other)]).await?)
            }
            (2, Some((id, _))) => (
                id,
                appointment::cancel(&self.ctx, id, Seen::Latest, "Rain".to_owned()).await?,
            ),
            (3, Some((id, _))) => (
                id,
                appointment::set_status(&self.ctx, id, Seen::Latest, Status::Booked).await?,
            ),
            (4, Some((id, receipt))) => match receipt.batch {
                Some(batch) => {
                    let batch = journal::undo(&self.ctx, batch).await?.batch;
                    (id, Receipt { batch, ..receipt })
                }
                None => return Ok(()),
            },
            _ => {
                let two = [one(self.any(9)), one(self.any(9))];
                let (time, minutes) = (self.time(), 15 + 15 * self.any(6));
                let receipt = book(&self.ctx, &two, &time, u16::try_from(minutes).unwrap()).await?;
                (AppointmentId(receipt.record), receipt)
            }
        };
        self.mine.push(receipt);
        Ok(())
    }
}

#[tokio::test]
async fn moves_changes_of_staff_cancels_and_undos_at_random_on_two_servers_never_overlap() {
    const LASTS: Duration = Duration::from_secs(60);
    let world = World::new().await;
    let other = world.house.another_server().await;
    let mut staff = Vec::new();
    let mut all = Vec::new();
    for number in 0_u64..6 {
        let ctx = world.acting(BuiltInRole::Member).await;
        staff.push(ctx.actor().user);
        let actor = ctx.actor().clone();
        let there = other.acting(actor, Via::Page);
        let ctx = if number % 2 == 0 { ctx } else { there };
        all.push(Busy {
            ctx,
            state: number + 1,
            mine: Vec::new(),
        });
    }
    let ends = Instant::now() + LASTS;
    let tasks: Vec<_> = all
        .into_iter()
        .map(|mut busy| {
            let staff = staff.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while Instant::now() < ends {
                    match busy.act(&staff).await {
                        Ok(()) => done += 1,
                        Err(error) => match error.tell() {
                            // Taken, cancelled meanwhile, taken back already, or joined by others at that moment.
                            AppError::Invalid { .. }
                            | AppError::Refused { .. }
                            | AppError::Conflict { .. }
                            | AppError::NotFound
                            | AppError::Unavailable => {}
                            other => panic!("{other:?}"),
                        },
                    }
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    assert!(done > 50, "only {done} commands were done");
    assert_eq!(world.count(OVERLAPS).await, 0);
    let derived = "appointment a WHERE a.deleted_at IS NULL AND a.status <> 'cancelled' AND a.staff <> ARRAY( \
        SELECT s.staff FROM appointment_staff s WHERE s.appointment = a.id AND s.active \
          AND s.during = tstzrange(a.starts_at, a.ends_at) ORDER BY s.staff)";
    assert_eq!(world.count(derived).await, 0);
}

#[tokio::test]
async fn who_is_taken_is_told_with_whom_and_when_as_far_as_the_asker_may_know() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let ada = world.customer(&ctx, &[("name", "Ada")]).await;
    let me = ctx.actor().user;
    let values = form(&ctx, &[me], "10:00", 60).with("customer", ada.to_string());
    book_form(&ctx, &values).await.unwrap();

    let name = ctx.actor().name.clone();
    let near = told(book(&ctx, &[me], "10:30", 60).await);
    assert_eq!(
        sentence(near, "time"),
        format!("{name} has “Ada” from 10:00 to 11:00. Free next: 11:00; 11:15; 11:30.")
    );
    // A manager may book for everybody; what is kept for a customer of another team they see, too.
    let far = world.acting_in(BuiltInRole::Member, "South").await;
    let refused = told(book(&far, &[me], "10:30", 60).await);
    let refused = sentence(refused, "time");
    assert!(
        refused.starts_with(&format!("{name} is taken from 10:00 to 11:00.")),
        "{refused}"
    );
    assert_eq!(
        sentence(told(book(&far, &[me], "12:00", 60).await), "staff"),
        "You may not book for everybody of these."
    );
}

#[tokio::test]
async fn an_appointment_can_follow_the_other_without_a_gap() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    booked(&ctx, "10:00", 60).await;
    booked(&ctx, "11:00", 30).await;
    booked(&ctx, "09:30", 30).await;
}

#[tokio::test]
async fn the_same_form_sent_twice_books_once() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let values = form(&ctx, &[ctx.actor().user], "10:00", 60);
    let first = book_form(&ctx, &values).await.unwrap();
    assert_eq!(book_form(&ctx, &values).await.unwrap(), first);
    assert_eq!(world.count("appointment").await, 1);
}

#[tokio::test]
async fn what_cannot_be_booked_is_said_at_its_field() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let me = ctx.actor().user;
    let good = || form(&ctx, &[me], "10:00", 60);
    let gone: CustomerId = ctx.clock().new_id();
    let trashed = world.customer(&ctx, &[("name", "Bob")]).await;
    rapport_service::customer::command::trash(&ctx, trashed, rapport_service::seen::Seen::Latest)
        .await
        .unwrap();
    let yesterday = (ctx.clock().now() - TimeDelta::days(1)).date_naive().to_string();
    let left = world.acting(BuiltInRole::Member).await.actor().user;
    let leaves = format!("UPDATE app_user SET active = FALSE WHERE id = '{left}' RETURNING '1'");
    world.house.database.read(&leaves).await;
    for (field, value, at, says) in [
        (
            "date",
            yesterday.as_str(),
            "time",
            "This time has passed already.",
        ),
        (
            "customer",
            &gone.to_string(),
            "customer",
            "Please pick one of the list.",
        ),
        (
            "customer",
            &trashed.to_string(),
            "customer",
            "This customer is in the trash. Restore it to book for it.",
        ),
        (
            "type",
            &gone.to_string(),
            "type",
            "Please choose a type of the list.",
        ),
        (
            "staff",
            &left.to_string(),
            "staff",
            "Somebody of these does not work here any more. Please choose anew.",
        ),
    ] {
        let error = told(book_form(&ctx, &good().with(field, value)).await);
        assert_eq!(sentence(error, at), says, "{field} {value}");
    }
    let reader = world.acting(BuiltInRole::ReadOnly).await;
    assert_eq!(told(book_form(&reader, &good()).await), AppError::Forbidden);
    assert_eq!(world.count("appointment").await, 0);
    assert!(book(&admin, &[me], "10:00", 60).await.is_ok());
}

#[tokio::test]
async fn two_tabs_that_move_one_appointment_conflict_and_other_fields_merge() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let id = AppointmentId(booked(&ada, "10:00", 60).await.record);
    change(&ada, id, 1, &[("time", "11:00")]).await.unwrap();
    let refused = told(change(&bob, id, 1, &[("time", "12:00")]).await);
    let AppError::Conflict { version: 2, fields } = refused else {
        panic!("{refused:?}")
    };
    let day = rapport_domain::appointment::Day::of(day(&ada)).short();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0].field, "time");
    assert_eq!(fields[0].mine, format!("{day}, 12:00 to 13:00"));
    assert_eq!(fields[0].theirs, format!("{day}, 11:00 to 12:00"));
    assert_eq!(fields[0].by.as_deref(), Some(ada.actor().name.as_str()));
    let merged = change(&bob, id, 1, &[("place", "Room 2")]).await.unwrap();
    assert_eq!(merged.version, 3);
    // One's own earlier change is no conflict.
    change(&ada, id, 1, &[("time", "13:00")]).await.unwrap();
}

#[tokio::test]
async fn each_command_is_taken_back_and_done_again() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let made = booked(&ctx, "10:00", 60).await;
    let id = AppointmentId(made.record);
    let start = from(&ctx, id).await;
    let moved = move_to(&ctx, id, "14:00").await.unwrap();
    let later = from(&ctx, id).await;
    assert_ne!(start, later);
    let undone = journal::undo(&ctx, moved.batch.unwrap()).await.unwrap();
    assert_eq!((undone.undone, from(&ctx, id).await), (1, start.clone()));
    journal::undo(&ctx, undone.batch.unwrap()).await.unwrap();
    assert_eq!(from(&ctx, id).await, later);

    let cancelled = appointment::cancel(&ctx, id, Seen::Latest, "Rain".to_owned())
        .await
        .unwrap();
    let told = appointment::get(&ctx, id).await.unwrap();
    assert_eq!(
        (told.status, told.reason.as_deref()),
        (Status::Cancelled, Some("Rain"))
    );
    journal::undo(&ctx, cancelled.batch.unwrap()).await.unwrap();
    let told = appointment::get(&ctx, id).await.unwrap();
    assert_eq!((told.status, told.reason), (Status::Booked, None));

    let confirmed = appointment::set_status(&ctx, id, Seen::Latest, Status::Confirmed)
        .await
        .unwrap();
    journal::undo(&ctx, confirmed.batch.unwrap()).await.unwrap();
    assert_eq!(appointment::get(&ctx, id).await.unwrap().status, Status::Booked);

    let undone = journal::undo(&ctx, made.batch.unwrap()).await.unwrap();
    assert!(appointment::get(&ctx, id).await.unwrap().deleted);
    booked(&ctx, "14:00", 60).await;
    let report = journal::undo(&ctx, undone.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    assert_eq!(report.kept[0].reason, "Its time is taken by now.");
}

#[tokio::test]
async fn a_move_that_somebody_moved_on_stays_and_so_does_a_booking_that_others_changed() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    let made = booked(&ada, "10:00", 60).await;
    let id = AppointmentId(made.record);
    let moved = move_to(&ada, id, "11:00").await.unwrap();
    move_to(&bob, id, "12:00").await.unwrap();
    let report = journal::undo(&ada, moved.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    assert_eq!(report.kept[0].field.as_deref(), Some("Time"));
    let report = journal::undo(&ada, made.batch.unwrap()).await.unwrap();
    assert_eq!(report.kept[0].reason, "It was added to since; it stays.");
}

#[tokio::test]
async fn nobody_gives_an_appointment_back_to_whom_they_may_not_book_for() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let near = world.acting(BuiltInRole::Member).await;
    let far = world.acting_in(BuiltInRole::Member, "South").await;
    let id = AppointmentId(
        book(&admin, &[far.actor().user], "10:00", 60)
            .await
            .unwrap()
            .record,
    );
    let here = near.actor().user.to_string();
    let given = change(&admin, id, 1, &[("staff", &here)]).await.unwrap();
    let report = journal::undo(&near, given.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (0, 1));
    let report = journal::undo(&admin, given.batch.unwrap()).await.unwrap();
    assert_eq!((report.undone, report.left), (1, 0));
}

#[tokio::test]
async fn a_time_that_is_taken_on_the_last_day_of_the_calendar_is_refused_like_any_other() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let last = || form(&ctx, &[ctx.actor().user], "10:00", 60).with("date", "2200-12-31");
    book_form(&ctx, &last()).await.unwrap();
    let refused = sentence(told(book_form(&ctx, &last()).await), "time");
    assert!(refused.contains("has “Talk” from 10:00 to 11:00."), "{refused}");
}

#[tokio::test]
async fn an_outcome_is_said_once_it_began_and_a_cancelled_time_is_free_for_others() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let id = AppointmentId(booked(&ctx, "10:00", 60).await.record);
    let early = told(appointment::set_status(&ctx, id, Seen::Latest, Status::Done).await);
    assert_eq!(early, AppError::refused("It has not begun yet."));
    appointment::cancel(&ctx, id, Seen::Latest, "Rain".to_owned())
        .await
        .unwrap();
    booked(&ctx, "10:00", 60).await;
    let again = told(appointment::set_status(&ctx, id, Seen::Latest, Status::Booked).await);
    assert!(sentence(again, "time").contains("has “Talk”"));
    let edit = told(change(&ctx, id, 2, &[("place", "Room 2")]).await);
    assert!(matches!(edit, AppError::Refused { .. }), "{edit:?}");
}

#[tokio::test]
async fn a_page_that_was_left_open_does_not_bring_back_what_was_cancelled_meanwhile() {
    let world = World::new().await;
    let (ctx, other) = (
        world.acting(BuiltInRole::Manager).await,
        world.acting(BuiltInRole::Manager).await,
    );
    let receipt = booked(&ctx, "10:00", 60).await;
    let id = AppointmentId(receipt.record);
    appointment::cancel(&other, id, receipt.version, "Rain".to_owned())
        .await
        .unwrap();
    for status in [Status::Confirmed, Status::Booked] {
        let stale = told(appointment::set_status(&ctx, id, receipt.version, status).await);
        let AppError::Conflict { version, fields } = stale else {
            panic!("{stale:?}");
        };
        assert_eq!((version, fields[0].field.as_str()), (2, "status"));
        assert_eq!(fields[0].theirs, "Cancelled");
        assert_eq!(fields[0].by.as_deref(), Some(other.actor().name.as_str()));
    }
    let stale = told(appointment::cancel(&ctx, id, receipt.version, "Snow".to_owned()).await);
    assert!(matches!(stale, AppError::Conflict { .. }), "{stale:?}");
    let confirmed = told(appointment::set_status(&ctx, id, Seen::Latest, Status::Confirmed).await);
    assert_eq!(
        confirmed,
        AppError::refused("This appointment was cancelled. Book it again first.")
    );
    let stands = appointment::get(&ctx, id).await.unwrap();
    assert_eq!(
        (stands.status, stands.reason.as_deref()),
        (Status::Cancelled, Some("Rain"))
    );
    appointment::set_status(&ctx, id, 2, Status::Booked)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_undo_books_nobody_who_left_meanwhile() {
    let world = World::new().await;
    let admin = world.acting(BuiltInRole::Admin).await;
    let leaver = world.acting(BuiltInRole::Member).await.actor().user;
    let (first, second) = (
        book(&admin, &[leaver], "10:00", 60).await.unwrap(),
        book(&admin, &[leaver], "12:00", 60).await.unwrap(),
    );
    let id = AppointmentId(first.record);
    let cancelled = appointment::cancel(&admin, id, Seen::Latest, "Rain".to_owned()).await;
    let unbooked = journal::undo(&admin, second.batch.unwrap()).await.unwrap();
    user::deactivate(&admin, leaver, Heir::Nobody).await.unwrap();
    for batch in [cancelled.unwrap().batch, unbooked.batch] {
        let report = journal::undo(&admin, batch.unwrap()).await.unwrap();
        assert_eq!(report.undone, 0);
        assert!(
            report
                .kept
                .iter()
                .all(|kept| kept.reason.contains("do not work here"))
                && report.left > 0,
            "{report:?}"
        );
    }
    assert_eq!(world.count("appointment_staff WHERE active").await, 0);
}

#[tokio::test]
async fn the_calendar_tells_others_only_that_a_time_is_taken() {
    let world = World::new().await;
    let ctx = world.acting(BuiltInRole::Member).await;
    let ada = world.customer(&ctx, &[("name", "Ada")]).await;
    let me = ctx.actor().user;
    let values = form(&ctx, &[me], "10:00", 60).with("customer", ada.to_string());
    let id = AppointmentId(book_form(&ctx, &values).await.unwrap().record);
    let week = CalendarQuery::parse(&format!("view=week&day={}&staff={me}", day(&ctx)));

    let seen = appointment::calendar(&ctx, week.clone()).await.unwrap();
    assert_eq!(seen.days.len(), 7);
    assert_eq!(seen.slots.len(), 1);
    assert_eq!(seen.slots[0].title, "Ada: Talk");
    assert_eq!((seen.slots[0].from.minute, seen.slots[0].to.minute), (600, 660));
    assert_eq!(appointment::of_customer(&ctx, ada).await.unwrap().len(), 1);

    let stranger = world.acting_in(BuiltInRole::Member, "South").await;
    let seen = appointment::calendar(&stranger, week.clone()).await.unwrap();
    let slot = &seen.slots[0];
    assert_eq!(
        (slot.title.as_str(), slot.customer, slot.may_update),
        ("Busy", None, false)
    );
    assert_eq!(told(appointment::get(&stranger, id).await), AppError::NotFound);
    // Neither how it stands, nor who else is there, nor what was cancelled.
    appointment::set_status(&ctx, id, Seen::Latest, Status::Confirmed)
        .await
        .unwrap();
    let colleague = world.acting(BuiltInRole::Member).await.actor().user;
    let manager = world.acting(BuiltInRole::Manager).await;
    change(&manager, id, 2, &[("staff", &format!("{me}\n{colleague}"))])
        .await
        .unwrap();
    let all = |query: &CalendarQuery| CalendarQuery {
        cancelled: true,
        ..query.clone()
    };
    let seen = appointment::calendar(&stranger, all(&week)).await.unwrap();
    let slot = &seen.slots[0];
    assert_eq!((slot.status, &slot.staff[..]), (Status::Booked, &[me][..]));
    let own = appointment::calendar(&ctx, all(&week)).await.unwrap();
    assert_eq!(
        (own.slots[0].status, own.slots[0].staff.len()),
        (Status::Confirmed, 2)
    );
    appointment::cancel(&manager, id, Seen::Latest, "Rain".to_owned())
        .await
        .unwrap();
    let seen = appointment::calendar(&stranger, all(&week)).await.unwrap();
    assert!(seen.slots.is_empty(), "{:?}", seen.slots);
    let own = appointment::calendar(&ctx, all(&week)).await.unwrap();
    assert_eq!(own.slots[0].status, Status::Cancelled);
    assert_eq!(
        told(appointment::cancel(&stranger, id, Seen::Latest, "x".to_owned()).await),
        AppError::NotFound
    );
    let reader = world.acting(BuiltInRole::ReadOnly).await;
    assert_eq!(
        told(appointment::cancel(&reader, id, Seen::Latest, "x".to_owned()).await),
        AppError::Forbidden
    );
}

#[tokio::test]
async fn free_times_are_those_at_which_all_are_free() {
    let world = World::new().await;
    let (ada, bob) = (
        world.acting(BuiltInRole::Member).await,
        world.acting(BuiltInRole::Member).await,
    );
    booked(&ada, "09:00", 60).await;
    booked(&bob, "10:30", 330).await;
    let both = [ada.actor().user, bob.actor().user]
        .map(|id| id.to_string())
        .join(",");
    let day = rapport_domain::appointment::Day::of(day(&ada));
    let asked = FreeQuery::parse(&both, &day.to_string(), "30", "").unwrap();
    let free = appointment::free_times(&ada, asked).await.unwrap();
    let said: Vec<String> = free.iter().take(4).map(|free| free.from.to_string()).collect();
    let at = |time: &str| format!("{}, {time}", day.short());
    assert_eq!(said, [at("10:00"), at("16:00"), at("16:15"), at("16:30")]);
}
