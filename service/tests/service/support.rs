//! A team at work: what the tests of customers and of the journal stand on.

use chrono::TimeDelta;
use rapport_domain::{
    access::BuiltInRole,
    appointment::NewAppointment,
    customer::{CustomerPage, CustomerPatch, NewCustomer},
    error::AppError,
    form::Values,
    id::{AppointmentId, BatchId, CustomerId, ImportId, TeamId, UserId},
    journal::Receipt,
    query::ListQuery,
    user::SignIn,
};
use rapport_service::{
    Ctx, Result, appointment,
    customer::{command, query},
    import::{self, NewImport, Wishes},
    session,
};
use rapport_testing::{Faults, HERE, House};
use tokio::sync::OnceCell;

/// A house with one team, to which everybody belongs who is not said to be elsewhere.
pub(crate) struct World {
    pub(crate) house: House,
    team: OnceCell<TeamId>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(House::new().await)
    }

    /// One in this house.
    pub(crate) fn of(house: House) -> Self {
        Self {
            house,
            team: OnceCell::new(),
        }
    }

    /// One whose ways to PostgreSQL and Redis can be broken.
    pub(crate) async fn with_faults() -> (Self, Faults) {
        let (house, faults) = House::with_faults().await;
        (Self::of(house), faults)
    }

    /// Somebody new of the team.
    pub(crate) async fn acting(&self, role: BuiltInRole) -> Ctx {
        let team = *self.team.get_or_init(|| self.house.team("Sales")).await;
        self.house.acting(self.house.user(role, Some(team)).await).await
    }

    /// Somebody new of another team.
    pub(crate) async fn acting_in(&self, role: BuiltInRole, team: &str) -> Ctx {
        let team = self.house.team(team).await;
        self.house.acting(self.house.user(role, Some(team)).await).await
    }

    pub(crate) async fn create(&self, ctx: &Ctx, fields: &[(&str, &str)]) -> (CustomerId, BatchId) {
        let id: CustomerId = ctx.clock().new_id();
        let values = fields
            .iter()
            .fold(Values::default().with("id", id.to_string()), |v, (k, t)| {
                v.with(k, *t)
            });
        let receipt = command::create(ctx, NewCustomer::parse(&values).unwrap())
            .await
            .unwrap();
        (id, receipt.batch.unwrap())
    }

    pub(crate) async fn customer(&self, ctx: &Ctx, fields: &[(&str, &str)]) -> CustomerId {
        self.create(ctx, fields).await.0
    }

    /// A number out of the tables, past the program.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        let text = self
            .house
            .database
            .read(&format!("SELECT count(*)::text FROM {what}"))
            .await;
        text.parse().unwrap()
    }

    /// Saves fields as seen at the version that stands.
    pub(crate) async fn save(&self, ctx: &Ctx, id: CustomerId, fields: &[(&str, &str)]) -> Result<Receipt> {
        let seen = query::get(ctx, id).await?.version;
        self.save_seen(ctx, id, seen, fields).await
    }

    pub(crate) async fn save_seen(
        &self,
        ctx: &Ctx,
        id: CustomerId,
        seen: i64,
        fields: &[(&str, &str)],
    ) -> Result<Receipt> {
        let values: Values = fields.iter().copied().collect();
        command::save(ctx, id, seen, CustomerPatch::parse(&values).unwrap()).await
    }

    /// A list by its query string, not percent-encoded.
    pub(crate) async fn list(&self, ctx: &Ctx, text: &str) -> CustomerPage {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        query::list(ctx, &ListQuery::parse(pairs).unwrap()).await.unwrap()
    }

    /// All that is not in the trash, without versions and times of change.
    pub(crate) async fn state(&self) -> String {
        let alive = "customer_id IN (SELECT id FROM customer WHERE deleted_at IS NULL)";
        self.house
            .database
            .read(&format!(
                "SELECT jsonb_pretty(jsonb_build_array( \
                   (SELECT jsonb_agg(to_jsonb(c) - 'version' - 'updated_at' ORDER BY id) FROM customer c WHERE deleted_at IS NULL), \
                   (SELECT jsonb_agg(to_jsonb(p) ORDER BY id) FROM contact_point p WHERE {alive}), \
                   (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM external_ref r WHERE {alive}), \
                   (SELECT jsonb_agg(to_jsonb(a) - 'version' - 'updated_at' ORDER BY id) FROM activity a \
                    WHERE deleted_at IS NULL AND {alive})))"
            ))
            .await
    }
}

/// Writes a change of a customer, version 77, in a transaction that draws its number at once and ends seconds later.
pub(crate) async fn write_late(world: &World, customer: CustomerId, seconds: f32) {
    let batch = "(SELECT batch FROM change ORDER BY seq DESC LIMIT 1)";
    let late = format!(
        "BEGIN; INSERT INTO change (batch, kind, record, subject, version, op, at, before, after) \
         VALUES ({batch}, 'customer', '{customer}', '{customer}', 77, 'update', now(), '{{\"city\": null}}', \
                 '{{\"city\": \"Ely\"}}'); SELECT pg_sleep({seconds}); COMMIT"
    );
    world.house.database.run(&late).await;
}

/// The number that was drawn last for a change.
pub(crate) async fn last_number(world: &World) -> String {
    let last = "SELECT last_value::text FROM change_seq_seq";
    world.house.database.read(last).await
}

/// Puts a file up, to be read as its columns suggest.
pub(crate) async fn staged(ctx: &Ctx, file: &str, text: &[u8]) -> ImportId {
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: file.to_owned(),
        size: text.len() as u64,
        stamp: 7,
    };
    import::stage(ctx, new, text, Wishes::default()).await.unwrap()
}

/// What a person is told of a refusal.
pub(crate) fn told<T: std::fmt::Debug>(result: Result<T>) -> AppError {
    result.expect_err("a refusal").tell()
}

/// The sentence of a refusal.
pub(crate) fn refused(result: Result<impl std::fmt::Debug>) -> String {
    match told(result) {
        AppError::Refused { reason } => reason,
        other => format!("{other:?}"),
    }
}

/// Books half an hour for people, three days from now.
pub(crate) async fn book(ctx: &Ctx, staff: &[UserId], time: &str) -> AppointmentId {
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

pub(crate) async fn sign_in(house: &House, email: &str, password: &str) -> Result<session::NewSession> {
    let form = SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
        code: None,
    };
    session::sign_in(&house.service, form, HERE).await
}
