//! The walk: every page, server function, form and transfer as every role. What has no line here fails.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU16, Ordering},
};

use http::StatusCode;
use kit::door::Form;
use leptos_axum::generate_route_list;
use rapport_app::App;
use rapport_domain::{
    access::BuiltInRole,
    activity::NewNote,
    api_key::NewProgram,
    appointment::{Day, NewAppointment},
    customer::Field,
    form::Values,
    id::{ActivityId, AppointmentId, AppointmentTypeId, CustomerId, ImportId, UserId, WebhookId},
    journal::Receipt,
    user::people::{Heir, NewInvitation},
    webhook::WebhookForm,
};
use rapport_service::{
    Ctx, activity, api_key, appointment,
    customer::command,
    import::{self, NewImport, Wishes},
    job::Worker,
    seen::Seen,
    user, webhook,
};
use rapport_testing::PASSWORD;
use uuid::Uuid;

use crate::browser::{Answer, Browser, Site};

/// Admin, manager, member, read-only, nobody.
type Answers = [u16; 5];

/// A type of appointment that every installation starts with.
const MEETING: &str = "01900000-0000-7000-8000-000000000021";

/// What a line acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nothing in particular.
    Any,
    /// A customer of the member; manager and read-only are of the same team.
    Near,
    /// A customer of another team.
    Far,
    /// An import of the member.
    NearImport,
    /// An import of somebody else.
    FarImport,
    /// An appointment that the member keeps.
    NearBooking,
    /// One that somebody of another team keeps.
    FarBooking,
    /// What made a customer of the member.
    NearDeed,
    /// What made one of another team.
    FarDeed,
    /// A user nobody knows yet, or a team of nobody.
    Somebody,
    /// An invitation that is open.
    Invited,
    /// A webhook.
    Hooked,
    /// A key of whoever asks.
    OwnKey,
    /// A key of somebody of another team.
    OthersKey,
}
use Whose::{
    Any, Far, FarBooking, FarDeed, FarImport, Hooked, Invited, Near, NearBooking, NearDeed, NearImport,
    OthersKey, OwnKey, Somebody,
};

/// Server functions that read, by their path under `/api/fn/`, with their query.
const FUNCTIONS: &[(&str, Whose, &str, Answers)] = &[
    ("session/me", Any, "", [200, 200, 200, 200, 401]),
    ("customer/list", Any, "query=", [200, 200, 200, 200, 401]),
    ("customer/get", Near, "id={id}", [200, 200, 200, 200, 401]),
    ("customer/get", Far, "id={id}", [200, 200, 404, 200, 401]),
    ("customer/timeline", Near, "id={id}", [200, 200, 200, 200, 401]),
    ("customer/timeline", Far, "id={id}", [200, 200, 404, 200, 401]),
    ("customer/suggest", Any, "text=a", [200, 200, 200, 200, 401]),
    ("customer/owners", Any, "", [200, 200, 200, 200, 401]),
    ("customer/new-owners", Any, "", [200, 200, 200, 200, 401]),
    ("appointment/calendar", Any, "query=", [200, 200, 200, 200, 401]),
    (
        "appointment/get",
        NearBooking,
        "id={id}",
        [200, 200, 200, 200, 401],
    ),
    (
        "appointment/get",
        FarBooking,
        "id={id}",
        [200, 200, 404, 200, 401],
    ),
    (
        "appointment/of-customer",
        Near,
        "id={id}",
        [200, 200, 200, 200, 401],
    ),
    (
        "appointment/of-customer",
        Far,
        "id={id}",
        [200, 200, 404, 200, 401],
    ),
    ("appointment/options", Any, "", [200, 200, 200, 403, 401]),
    (
        "appointment/free",
        Any,
        "staff={id}&day=2026-11-27&minutes=30&except=",
        [200, 200, 200, 403, 401],
    ),
    ("feed/deeds", Any, "mine=false", [200, 200, 200, 200, 401]),
    ("feed/deed", NearDeed, "batch={id}", [200, 200, 200, 200, 401]),
    ("feed/deed", FarDeed, "batch={id}", [200, 200, 404, 200, 401]),
    ("feed/trash", Any, "", [200, 200, 200, 200, 401]),
    ("settings/profile", Any, "", [200, 200, 200, 200, 401]),
    ("settings/organisation", Any, "", [200, 403, 403, 403, 401]),
    ("settings/types", Any, "", [200, 403, 403, 403, 401]),
    ("settings/keys", Any, "", [200, 200, 200, 200, 401]),
    ("settings/security", Any, "", [200, 200, 200, 200, 401]),
    ("session/second-factor", Any, "", [200, 200, 200, 200, 401]),
    ("settings/all-keys", Any, "", [200, 403, 403, 403, 401]),
    ("settings/tags", Any, "", [200, 403, 403, 403, 401]),
    ("webhooks/all", Any, "", [200, 403, 403, 403, 401]),
    ("webhooks/one", Hooked, "id={id}", [200, 403, 403, 403, 401]),
    ("analytics/get", Any, "days=7", [200, 403, 403, 403, 401]),
    ("health/get", Any, "", [200, 403, 403, 403, 401]),
    ("audit/page", Any, "query=", [200, 403, 403, 403, 401]),
    ("dashboard/get", Any, "query=", [200, 200, 200, 200, 401]),
    ("user/people", Any, "", [200, 403, 403, 403, 401]),
    ("user/person", Somebody, "id={id}", [200, 403, 403, 403, 401]),
    ("user/roles", Any, "", [200, 403, 403, 403, 401]),
    ("user/outbox", Any, "", [200, 403, 403, 403, 401]),
    // For whoever has a link; this is none.
    ("session/invited", Any, "token=x", [409, 409, 409, 409, 409]),
    ("session/resettable", Any, "token=x", [409, 409, 409, 409, 409]),
    ("session/sign-up", Any, "", [200, 200, 200, 200, 200]),
    ("import/list", Any, "", [200, 200, 200, 403, 401]),
    ("import/mappings", Any, "", [200, 200, 200, 403, 401]),
    ("import/get", NearImport, "id={id}", [200, 404, 200, 403, 401]),
    ("import/get", FarImport, "id={id}", [200, 404, 404, 403, 401]),
    ("import/sample", NearImport, "id={id}", [200, 404, 200, 403, 401]),
    ("import/sample", FarImport, "id={id}", [200, 404, 404, 403, 401]),
    (
        "import/problems",
        NearImport,
        "id={id}&behind=0",
        [200, 404, 200, 403, 401],
    ),
    (
        "import/problems",
        FarImport,
        "id={id}&behind=0",
        [200, 404, 404, 403, 401],
    ),
    // The door by script: walked form by form below.
    ("form/submit", Any, "", [0, 0, 0, 0, 0]),
];

/// Pages, by the path of their route.
const PAGES: &[(&str, Whose, Answers)] = &[
    ("/", Any, [200, 200, 200, 200, 303]),
    ("/setup", Any, [303, 303, 303, 303, 303]),
    ("/sign-in", Any, [303, 303, 303, 303, 200]),
    ("/sign-up", Any, [303, 303, 303, 303, 200]),
    ("/forgot", Any, [303, 303, 303, 303, 200]),
    ("/join/{token}", Any, [409, 409, 409, 409, 409]),
    ("/reset/{token}", Any, [409, 409, 409, 409, 409]),
    ("/customers", Any, [200, 200, 200, 200, 303]),
    ("/customers/new", Any, [200, 200, 200, 403, 303]),
    ("/customers/{id}", Near, [200, 200, 200, 200, 303]),
    ("/customers/{id}", Far, [200, 200, 404, 200, 303]),
    ("/customers/{id}/edit", Near, [200, 200, 200, 403, 303]),
    ("/customers/{id}/edit", Far, [200, 403, 404, 403, 303]),
    ("/appointments", Any, [200, 200, 200, 200, 303]),
    ("/appointments/new", Any, [200, 200, 200, 403, 303]),
    ("/appointments/{id}", NearBooking, [200, 200, 200, 200, 303]),
    ("/appointments/{id}", FarBooking, [200, 200, 404, 200, 303]),
    ("/appointments/{id}/edit", NearBooking, [200, 200, 200, 403, 303]),
    ("/appointments/{id}/edit", FarBooking, [200, 403, 404, 403, 303]),
    ("/activity", Any, [200, 200, 200, 200, 303]),
    ("/activity/{id}", NearDeed, [200, 200, 200, 200, 303]),
    ("/activity/{id}", FarDeed, [200, 200, 404, 200, 303]),
    ("/trash", Any, [200, 200, 200, 200, 303]),
    ("/settings", Any, [200, 200, 200, 200, 303]),
    ("/settings/keys", Any, [200, 200, 200, 200, 303]),
    ("/settings/security", Any, [200, 200, 200, 200, 303]),
    ("/second-factor", Any, [200, 200, 200, 200, 303]),
    ("/admin", Any, [200, 403, 403, 403, 303]),
    ("/admin/keys", Any, [200, 403, 403, 403, 303]),
    ("/admin/users", Any, [200, 403, 403, 403, 303]),
    ("/admin/users/{id}", Somebody, [200, 403, 403, 403, 303]),
    ("/admin/teams", Any, [200, 403, 403, 403, 303]),
    ("/admin/roles", Any, [200, 403, 403, 403, 303]),
    ("/admin/audit", Any, [200, 403, 403, 403, 303]),
    ("/admin/health", Any, [200, 403, 403, 403, 303]),
    ("/admin/analytics", Any, [200, 403, 403, 403, 303]),
    ("/admin/outbox", Any, [200, 403, 403, 403, 303]),
    ("/admin/settings", Any, [200, 403, 403, 403, 303]),
    ("/admin/appointment-types", Any, [200, 403, 403, 403, 303]),
    ("/admin/tags", Any, [200, 403, 403, 403, 303]),
    ("/admin/webhooks", Any, [200, 403, 403, 403, 303]),
    ("/admin/webhooks/{id}", Hooked, [200, 403, 403, 403, 303]),
    ("/imports", Any, [200, 200, 200, 403, 303]),
    ("/imports/{id}", NearImport, [200, 404, 200, 403, 303]),
    ("/imports/{id}", FarImport, [200, 404, 404, 403, 303]),
];

/// Forms, by pattern. A post that succeeds answers 303, by script 200.
const FORMS: &[(&str, Whose, Answers)] = &[
    // Before anybody but the admin, who made what is acted on, has done anything.
    ("/undo/last", Any, [303, 409, 409, 409, 401]),
    ("/setup", Any, [409, 409, 409, 409, 409]),
    ("/sign-in", Any, [303, 303, 303, 303, 303]),
    ("/sign-out", Any, [303, 303, 303, 303, 303]),
    ("/theme", Any, [303, 303, 303, 303, 303]),
    ("/customers/new", Any, [303, 303, 303, 403, 401]),
    ("/customers/{id}/edit", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/edit", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/trash", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/trash", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/restore", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/restore", Far, [303, 403, 404, 403, 401]),
    ("/customers/{id}/notes", Near, [303, 303, 303, 403, 401]),
    ("/customers/{id}/notes", Far, [303, 403, 404, 403, 401]),
    ("/notes/{id}/edit", Near, [303, 303, 303, 403, 401]),
    ("/notes/{id}/edit", Far, [303, 403, 404, 403, 401]),
    ("/notes/{id}/remove", Near, [303, 303, 303, 403, 401]),
    ("/notes/{id}/remove", Far, [303, 403, 404, 403, 401]),
    ("/appointments/new", Any, [303, 303, 303, 403, 401]),
    ("/appointments/{id}/edit", NearBooking, [303, 303, 303, 403, 401]),
    ("/appointments/{id}/edit", FarBooking, [303, 403, 404, 403, 401]),
    (
        "/appointments/{id}/status",
        NearBooking,
        [303, 303, 303, 403, 401],
    ),
    ("/appointments/{id}/status", FarBooking, [303, 403, 404, 403, 401]),
    (
        "/appointments/{id}/cancel",
        NearBooking,
        [303, 303, 303, 403, 401],
    ),
    ("/appointments/{id}/cancel", FarBooking, [303, 403, 404, 403, 401]),
    ("/settings", Any, [303, 303, 303, 303, 401]),
    // The password that is given is wrong.
    ("/settings/password", Any, [422, 422, 422, 422, 401]),
    ("/second-factor", Any, [422, 422, 422, 422, 401]),
    ("/settings/security/off", Any, [422, 422, 422, 422, 401]),
    ("/settings/security/codes", Any, [422, 422, 422, 422, 401]),
    // There is no such session.
    ("/settings/security/end", Any, [409, 409, 409, 409, 401]),
    ("/settings/security/end-others", Any, [422, 422, 422, 422, 401]),
    ("/settings/keys", Any, [303, 303, 303, 303, 401]),
    ("/settings/keys/{id}/revoke", OwnKey, [303, 303, 303, 303, 401]),
    ("/settings/keys/{id}/revoke", OthersKey, [404, 404, 404, 404, 401]),
    ("/admin/keys", Any, [303, 403, 403, 403, 401]),
    ("/admin/keys/{id}/new", Somebody, [303, 403, 403, 403, 401]),
    ("/admin/keys/{id}/close", Somebody, [303, 403, 403, 403, 401]),
    ("/admin/keys/{id}/revoke", Somebody, [303, 403, 403, 403, 401]),
    ("/settings/calendar", Any, [303, 303, 303, 303, 401]),
    ("/settings/calendar/revoke", Any, [303, 303, 303, 303, 401]),
    ("/join", Any, [409, 409, 409, 409, 409]),
    ("/reset", Any, [409, 409, 409, 409, 409]),
    ("/sign-up", Any, [409, 409, 409, 409, 409]),
    ("/forgot", Any, [303, 303, 303, 303, 303]),
    ("/admin/users", Any, [303, 403, 403, 403, 401]),
    ("/admin/invitations/{id}/link", Invited, [303, 403, 403, 403, 401]),
    (
        "/admin/invitations/{id}/withdraw",
        Invited,
        [303, 403, 403, 403, 401],
    ),
    ("/admin/users/{id}", Somebody, [303, 403, 403, 403, 401]),
    (
        "/admin/users/{id}/deactivate",
        Somebody,
        [303, 403, 403, 403, 401],
    ),
    (
        "/admin/users/{id}/reactivate",
        Somebody,
        [303, 403, 403, 403, 401],
    ),
    (
        "/admin/users/{id}/reset-link",
        Somebody,
        [303, 403, 403, 403, 401],
    ),
    (
        "/admin/users/{id}/end-sessions",
        Somebody,
        [303, 403, 403, 403, 401],
    ),
    // They have none.
    (
        "/admin/users/{id}/drop-factor",
        Somebody,
        [409, 403, 403, 403, 401],
    ),
    ("/admin/teams", Any, [303, 403, 403, 403, 401]),
    ("/admin/teams/{id}/edit", Somebody, [303, 403, 403, 403, 401]),
    ("/admin/teams/{id}/remove", Somebody, [303, 403, 403, 403, 401]),
    ("/admin/settings", Any, [303, 403, 403, 403, 401]),
    ("/admin/webhooks", Any, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}/pause", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}/resume", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}/remove", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}/secret", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/webhooks/{id}/ping", Hooked, [303, 403, 403, 403, 401]),
    ("/admin/deliveries/{id}/again", Any, [303, 403, 403, 403, 401]),
    ("/admin/tags/rename", Any, [303, 403, 403, 403, 401]),
    ("/admin/tags/remove", Any, [303, 403, 403, 403, 401]),
    ("/admin/appointment-types", Any, [303, 403, 403, 403, 401]),
    (
        "/admin/appointment-types/{id}/edit",
        Any,
        [303, 403, 403, 403, 401],
    ),
    ("/imports/{id}/check", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/check", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/dialect", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/dialect", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/map", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/map", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/mapping", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/mapping", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/run", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/run", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/stop", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/stop", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/forget", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/forget", FarImport, [303, 404, 404, 403, 401]),
    ("/imports/{id}/mend", NearImport, [303, 404, 303, 403, 401]),
    ("/imports/{id}/mend", FarImport, [303, 404, 404, 403, 401]),
    // What the rights do not reach is left as it is, and said so.
    ("/undo", Near, [303, 303, 303, 409, 401]),
    ("/undo", Far, [303, 409, 404, 409, 401]),
];

/// A site with two teams, and a browser for everybody.
struct Scene {
    site: Site,
    admin: Ctx,
    near: String,
    far: String,
    browsers: Vec<Browser>,
    booked: AtomicU16,
}

impl Scene {
    async fn new() -> Self {
        let site = Site::empty().await;
        let (north, south) = (site.house.team("North").await, site.house.team("South").await);
        let admin = site.house.user(BuiltInRole::Admin, None).await;
        let manager = site.house.user(BuiltInRole::Manager, Some(north)).await;
        let member = site.house.user(BuiltInRole::Member, Some(north)).await;
        let read_only = site.house.user(BuiltInRole::ReadOnly, Some(north)).await;
        let stranger = site.house.user(BuiltInRole::Member, Some(south)).await;
        let mut browsers = Vec::new();
        for user in [admin, manager, member, read_only] {
            browsers.push(site.signed_in(user).await);
        }
        browsers.push(site.browser());
        let admin = site.house.acting(admin).await;
        Self {
            site,
            admin,
            near: member.to_string(),
            far: stranger.to_string(),
            browsers,
            booked: AtomicU16::new(0),
        }
    }

    async fn customer(&self, whose: Whose) -> CustomerId {
        let owner = if whose == Far { &self.far } else { &self.near };
        self.site
            .customer(&self.admin, &[("name", "Ada"), ("owner_id", owner)])
            .await
    }

    /// The fields of an appointment that the member or the stranger keeps, at a time of its own.
    fn booking(&self, whose: Whose) -> Vec<(&'static str, String)> {
        let keeper = if whose == FarBooking {
            &self.far
        } else {
            &self.near
        };
        let number = self.booked.fetch_add(1, Ordering::Relaxed);
        let today = Day::of(self.admin.clock().now().date_naive());
        let day = today.plus(30 + i32::from(number) / 20);
        let minute = u32::from(number) % 20 * 60;
        vec![
            ("id", self.admin.clock().new_id::<AppointmentId>().to_string()),
            ("type", MEETING.to_owned()),
            ("title", "Talk".to_owned()),
            ("staff", keeper.clone()),
            ("date", day.to_string()),
            ("time", format!("{:02}:00", minute / 60)),
            ("minutes", "30".to_owned()),
        ]
    }

    async fn appointment(&self, whose: Whose) -> AppointmentId {
        let values: Values = self.booking(whose).into_iter().collect();
        let new = NewAppointment::parse(&values).unwrap();
        let id = new.id;
        appointment::book(&self.admin, new).await.unwrap();
        id
    }

    /// The id that a line is about.
    async fn id(&self, whose: Whose) -> String {
        match whose {
            NearImport | FarImport => self.import(whose).await.to_string(),
            NearBooking | FarBooking => self.appointment(whose).await.to_string(),
            NearDeed | FarDeed => {
                let whose = if whose == FarDeed { Far } else { Near };
                let made = format!(
                    "SELECT batch::text FROM change WHERE subject = '{}' AND op = 'create'",
                    self.customer(whose).await
                );
                self.site.house.database.read(&made).await
            }
            Somebody => {
                let user = self.site.house.user(BuiltInRole::Member, None).await;
                user.to_string()
            }
            Invited => self.invitation().await,
            Hooked => self.webhook().await.to_string(),
            _ => self.customer(whose).await.to_string(),
        }
    }

    /// An import whose file is here, of the member or of the stranger.
    async fn import(&self, whose: Whose) -> ImportId {
        let by = if whose == FarImport { &self.far } else { &self.near };
        let ctx = self.site.house.acting(by.parse().unwrap()).await;
        let file = "Name,E-mail\nAda,ada@example.org\nonly one\n";
        let new = NewImport {
            id: ctx.clock().new_id(),
            file: "list.csv".to_owned(),
            size: file.len() as u64,
            stamp: 0,
        };
        import::stage(&ctx, new, file.as_bytes(), Wishes::default())
            .await
            .unwrap()
    }

    /// The same once it is in, with a row to mend.
    async fn import_that_ran(&self, whose: Whose) -> ImportId {
        let id = self.import(whose).await;
        import::run(&self.admin, id).await.unwrap();
        Worker::new(&self.site.house.service).work_off().await.unwrap();
        id
    }

    async fn note(&self, about: CustomerId) -> Receipt {
        let note = NewNote {
            id: self.admin.clock().new_id::<ActivityId>(),
            body: "A note".to_owned(),
        };
        activity::write_note(&self.admin, about, note).await.unwrap()
    }

    /// A form's path and fields, right in everything but perhaps who sends it.
    async fn form(&self, pattern: &str, whose: Whose, place: usize) -> (String, Vec<(&'static str, String)>) {
        if pattern.starts_with("/imports/") {
            return self.import_form(pattern, whose).await;
        }
        if pattern.starts_with("/appointments/") {
            return self.appointment_form(pattern, whose).await;
        }
        if let Some(form) = self.people_form(pattern).await {
            return form;
        }
        if let Some(form) = self.webhook_form(pattern).await {
            return form;
        }
        if let Some(fields) = settings_form(pattern) {
            let id = self.admin.clock().new_id::<AppointmentTypeId>().to_string();
            let fields = fields.iter().map(|(name, text)| (*name, (*text).to_owned()));
            let fields = fields.chain([("id", id)]).collect();
            return (pattern.replace("{id}", MEETING), fields);
        }
        let customer = self.customer(whose).await;
        let new_id = self.admin.clock().new_id::<ActivityId>().to_string();
        let (id, fields) = match pattern {
            "/setup" => {
                let texts = [
                    ("token", "A"),
                    ("organisation", "A"),
                    ("name", "A"),
                    ("email", "a@b"),
                    ("password", PASSWORD),
                ];
                (
                    String::new(),
                    texts.map(|(name, text)| (name, text.to_owned())).to_vec(),
                )
            }
            "/sign-in" => (
                String::new(),
                vec![("email", email(place)), ("password", PASSWORD.to_owned())],
            ),
            "/theme" => (String::new(), vec![("theme", "dark".to_owned())]),
            "/customers/new" => (String::new(), vec![("id", new_id), ("name", "Ada".to_owned())]),
            "/settings/keys" => (String::new(), key_fields().chain([("id", new_id)]).collect()),
            "/admin/keys" => {
                let fields = key_fields().chain([("id", new_id)]).collect();
                (String::new(), fields)
            }
            "/admin/keys/{id}/new" | "/admin/keys/{id}/close" => {
                let id: UserId = new_id.parse().unwrap();
                let values: Values = key_fields().chain([("id", new_id)]).collect();
                let program = NewProgram::parse(&values).unwrap();
                api_key::new_program(&self.admin, program).await.unwrap();
                let another = self.admin.clock().new_id::<ActivityId>().to_string();
                let fields = key_fields().chain([("id", another)]).collect();
                (id.to_string(), fields)
            }
            "/settings/keys/{id}/revoke" | "/admin/keys/{id}/revoke" => {
                let owner = match whose {
                    OthersKey | Somebody => format!("'{}'", self.far),
                    _ => format!("(SELECT id FROM app_user WHERE email_key = '{}')", email(place)),
                };
                let key = format!(
                    "INSERT INTO api_key (id, user_id, name, hint, token_hash, access, created_at) \
                     VALUES ('{new_id}', {owner}, 'Sync', '', '{new_id}', 'read', now())"
                );
                self.site.house.database.run(&key).await;
                (new_id, vec![])
            }
            "/admin/tags/rename" | "/admin/tags/remove" => {
                let fields = [("name", "Ada"), ("tags", new_id.as_str())];
                self.site.customer(&self.admin, &fields).await;
                (String::new(), vec![("tag", new_id), ("name", "key".to_owned())])
            }
            "/customers/{id}/edit" => (
                customer.to_string(),
                vec![("version", "1".to_owned()), ("city", "Bath".to_owned())],
            ),
            "/customers/{id}/restore" => {
                command::trash(&self.admin, customer, Seen::Latest).await.unwrap();
                (customer.to_string(), vec![])
            }
            "/customers/{id}/notes" => (
                customer.to_string(),
                vec![("id", new_id), ("body", "Hello".to_owned())],
            ),
            "/notes/{id}/edit" => (
                self.note(customer).await.record.to_string(),
                vec![("version", "1".to_owned()), ("body", "Another".to_owned())],
            ),
            "/notes/{id}/remove" => (self.note(customer).await.record.to_string(), vec![]),
            "/undo" => {
                let batch = self.note(customer).await.batch.unwrap();
                (String::new(), vec![("batch", batch.to_string())])
            }
            _ => (customer.to_string(), vec![]),
        };
        (pattern.replace("{id}", &id), fields)
    }
}

/// The fields of a key, and of a program.
fn key_fields() -> impl Iterator<Item = (&'static str, String)> {
    let fields = [
        ("name", "Sync"),
        ("access", "read"),
        ("days", "30"),
        ("role", "member"),
        ("team", ""),
    ];
    fields.into_iter().map(|(name, text)| (name, text.to_owned()))
}

/// The fields of a webhook.
fn webhook_fields() -> impl Iterator<Item = (&'static str, String)> {
    let fields = [
        ("name", "Till"),
        ("url", "https://shop.example.org/hook"),
        ("events", "customer.created"),
    ];
    fields.into_iter().map(|(name, text)| (name, text.to_owned()))
}

impl Scene {
    /// A digest of all that forms write, where this answer is a refusal: it must leave everything as it was.
    async fn stands(&self, answer: u16) -> Option<String> {
        if answer < 400 {
            return None;
        }
        let tables = [
            "app_user",
            "api_key",
            "customer",
            "contact_point",
            "external_ref",
            "activity",
            "batch",
            "change",
            "import",
            "import_problem",
            "job",
            "appointment",
            "appointment_staff",
            "appointment_type",
            "organisation",
            "team",
            "invitation",
            "password_reset",
            "mail",
            "webhook",
            "webhook_delivery",
        ];
        let digests = tables.map(|table| {
            format!("(SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {table} t)")
        });
        let sql = format!("SELECT concat({})", digests.join(", "));
        Some(self.site.house.database.read(&sql).await)
    }

    async fn webhook(&self) -> WebhookId {
        let id = self.admin.clock().new_id();
        let values: Values = webhook_fields().collect();
        let form = WebhookForm::parse(&values).unwrap();
        webhook::create(&self.admin, id, form).await.unwrap();
        id
    }

    async fn webhook_form(&self, pattern: &str) -> Option<(String, Vec<(&'static str, String)>)> {
        if pattern == "/admin/webhooks" {
            let new_id = self.admin.clock().new_id::<WebhookId>().to_string();
            return Some((
                pattern.to_owned(),
                webhook_fields().chain([("id", new_id)]).collect(),
            ));
        }
        if !pattern.starts_with("/admin/webhooks/") && !pattern.starts_with("/admin/deliveries/") {
            return None;
        }
        let webhook = self.webhook().await;
        let id = match pattern {
            "/admin/deliveries/{id}/again" => webhook::ping(&self.admin, webhook).await.unwrap().to_string(),
            "/admin/webhooks/{id}/resume" => {
                webhook::pause(&self.admin, webhook).await.unwrap();
                webhook.to_string()
            }
            _ => webhook.to_string(),
        };
        let version = ("version", "1".to_owned());
        Some((
            pattern.replace("{id}", &id),
            webhook_fields().chain([version]).collect(),
        ))
    }

    async fn invitation(&self) -> String {
        let new = NewInvitation {
            id: self.admin.clock().new_id(),
            email: format!("{}@x.example", self.admin.clock().new_id::<Uuid>().simple()),
            role: BuiltInRole::Member,
            team: None,
        };
        let receipt = user::invite(&self.admin, new).await.unwrap();
        receipt.record.to_string()
    }

    async fn people_form(&self, pattern: &str) -> Option<(String, Vec<(&'static str, String)>)> {
        let house = &self.site.house;
        let new_id = self.admin.clock().new_id::<Uuid>().to_string();
        let text = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, text)| (*name, (*text).to_owned()));
            pairs.collect::<Vec<_>>()
        };
        let (id, fields) = match pattern {
            "/settings/password" => (
                String::new(),
                text(&[("current", "not it at all"), ("password", PASSWORD)]),
            ),
            "/second-factor" | "/settings/security/off" | "/settings/security/codes" => (
                String::new(),
                text(&[("current", "not it at all"), ("code", "000000")]),
            ),
            "/settings/security/end" => (String::new(), text(&[("session", "x"), ("current", PASSWORD)])),
            "/settings/security/end-others" => (String::new(), text(&[("current", "")])),
            "/settings/calendar" => (String::new(), vec![]),
            "/settings/calendar/revoke" => {
                // Whoever sends it has one to revoke.
                let open = "INSERT INTO calendar_feed (user_id, token_hash, created_at) \
                     SELECT id, id::text, now() FROM app_user ON CONFLICT DO NOTHING";
                house.database.run(open).await;
                (String::new(), vec![])
            }
            "/join" | "/reset" => (
                String::new(),
                text(&[("token", "x"), ("name", "Ada"), ("password", PASSWORD)]),
            ),
            "/sign-up" | "/forgot" => {
                let email = format!("{new_id}@x.example");
                (String::new(), vec![("email", email)])
            }
            "/admin/users" => {
                let email = format!("{new_id}@x.example");
                let mut fields = text(&[("role", "member"), ("team", "")]);
                fields.extend([("id", new_id), ("email", email)]);
                (String::new(), fields)
            }
            "/admin/teams" => (String::new(), vec![("id", new_id), ("name", "West".to_owned())]),
            "/admin/teams/{id}/edit" | "/admin/teams/{id}/remove" => (
                house.team("Nobody's").await.to_string(),
                text(&[("version", "1"), ("name", "East")]),
            ),
            pattern if pattern.starts_with("/admin/invitations/") => (self.invitation().await, vec![]),
            pattern if pattern.starts_with("/admin/users/") => {
                let id = house.user(BuiltInRole::Member, None).await;
                if pattern.ends_with("/reactivate") {
                    user::deactivate(&self.admin, id, Heir::Nobody).await.unwrap();
                }
                (
                    id.to_string(),
                    text(&[("version", "1"), ("name", "Ada"), ("heir", "keep")]),
                )
            }
            _ => return None,
        };
        Some((pattern.replace("{id}", &id), fields))
    }

    async fn appointment_form(&self, pattern: &str, whose: Whose) -> (String, Vec<(&'static str, String)>) {
        if pattern == "/appointments/new" {
            return (pattern.to_owned(), self.booking(NearBooking));
        }
        let id = self.appointment(whose).await.to_string();
        let fields = match pattern {
            "/appointments/{id}/edit" => vec![("version", "1".to_owned()), ("place", "Room 2".to_owned())],
            "/appointments/{id}/status" => vec![("status", "confirmed".to_owned())],
            _ => vec![("reason", "Rain".to_owned())],
        };
        (pattern.replace("{id}", &id), fields)
    }

    async fn import_form(&self, pattern: &str, whose: Whose) -> (String, Vec<(&'static str, String)>) {
        let id = match pattern {
            "/imports/{id}/mend" => self.import_that_ran(whose).await,
            _ => self.import(whose).await,
        };
        let text = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .map(|(name, text)| (*name, (*text).to_owned()))
                .collect::<Vec<_>>()
        };
        let fields = match pattern {
            "/imports/{id}/check" => text(&[("source", "list"), ("by.email", "on")]),
            "/imports/{id}/dialect" => text(&[("encoding", "utf-8"), ("delimiter", "comma")]),
            "/imports/{id}/mapping" => text(&[("name", "Kept")]),
            "/imports/{id}/mend" => text(&[("line", "3"), ("value.0", "Ben"), ("value.1", "")]),
            "/imports/{id}/map" => {
                import::save_mapping(&self.admin, id, "Kept").await.unwrap();
                let kept = import::mappings(&self.admin).await.unwrap();
                vec![("mapping", kept[0].id.to_string())]
            }
            "/imports/{id}/stop" => {
                import::run(&self.admin, id).await.unwrap();
                vec![]
            }
            _ => vec![],
        };
        (pattern.replace("{id}", &id.to_string()), fields)
    }
}

/// The fields of the forms of settings, but for an id.
fn settings_form(pattern: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match pattern {
        "/settings" => Some(&[("version", "1"), ("name", "Ada"), ("zone", "Europe/Berlin")]),
        "/admin/settings" => Some(&[
            ("version", "1"),
            ("name", "Acme"),
            ("zone", "Europe/Berlin"),
            ("currency", "EUR"),
            ("week_start", "1"),
            ("mon.from", "09:00"),
            ("mon.to", "17:00"),
        ]),
        "/admin/appointment-types" => Some(&[("name", "Tasting"), ("minutes", "45"), ("colour", "2")]),
        "/admin/appointment-types/{id}/edit" => Some(&[
            ("version", "1"),
            ("name", "Meeting"),
            ("minutes", "60"),
            ("colour", "1"),
            ("active", "on"),
        ]),
        _ => None,
    }
}

/// What is no page and no form: files in and out. The file of these imports is all here.
const TRANSFERS: &[(&str, &str, Answers)] = &[
    // For whoever has the link; this is none.
    ("GET", "/calendar/{file}", [404, 404, 404, 404, 404]),
    ("GET", "/admin/analytics/{file}?table", [200, 403, 403, 403, 401]),
    (
        "POST",
        "/imports/upload?id={new}&file=a.csv&size=4",
        [200, 200, 200, 403, 401],
    ),
    ("PUT", "/imports/{near}/file?at=0", [404, 404, 200, 403, 401]),
    ("PUT", "/imports/{far}/file?at=0", [404, 404, 404, 403, 401]),
    ("GET", "/imports/{near}/problems.csv", [200, 404, 200, 403, 401]),
    ("GET", "/imports/{far}/problems.csv", [200, 404, 404, 403, 401]),
    // Nothing is no file.
    ("PUT", "/imports/{near}/mended", [422, 404, 422, 403, 401]),
    ("PUT", "/imports/{far}/mended", [422, 404, 404, 403, 401]),
    ("GET", "/customers/export.csv", [200, 200, 403, 403, 401]),
    (
        "GET",
        "/appointments/{near}/calendar.ics",
        [200, 200, 200, 200, 401],
    ),
    (
        "GET",
        "/appointments/{far}/calendar.ics",
        [200, 200, 404, 200, 401],
    ),
];

#[test]
fn every_transfer_has_a_line() {
    let here: BTreeSet<String> = TRANSFERS
        .iter()
        .map(|(_, path, _)| path.split('?').next().unwrap_or_default())
        .map(|path| path.replace("{near}", "{id}").replace("{far}", "{id}"))
        .collect();
    let there: BTreeSet<String> = rapport_server::transfer::paths().map(str::to_owned).collect();
    assert_eq!(here, there, "each transfer has its answers in this table");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transfer_answers_every_role_as_the_table_says() {
    let scene = Scene::new().await;
    for (method, path, answers) in TRANSFERS {
        let mut given = Answers::default();
        for (browser, given) in scene.browsers.iter().zip(&mut given) {
            let (near, far) = match path.split('/').nth(1) {
                Some("appointments") => (NearBooking, FarBooking),
                _ => (NearImport, FarImport),
            };
            let path = path
                .replace("{new}", &scene.admin.clock().new_id::<ImportId>().to_string())
                .replace("{file}?table", "staff.csv?days=7")
                .replace("{near}", &scene.id(near).await)
                .replace("{far}", &scene.id(far).await);
            let answer = browser.clone().transfer(method, &path, b"").await;
            *given = answer.status.as_u16();
        }
        assert_eq!(given, *answers, "{method} {path}");
    }
}

#[test]
fn every_page_has_a_line() {
    let here: BTreeSet<&str> = PAGES.iter().map(|(path, ..)| *path).collect();
    let routes = generate_route_list(App);
    let there: BTreeSet<&str> = routes.iter().map(|listing| listing.path()).collect();
    assert_eq!(here, there, "each page has its answers in this table");
    for path in there.iter().filter(|path| path.contains("{id}")) {
        let lines = PAGES.iter().filter(|(of, ..)| of == path).count();
        // Who works here is the same for all who may see it.
        let expected = if path.starts_with("/admin/") { 1 } else { 2 };
        assert_eq!(lines, expected, "{path}, near and far");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_answers_every_role_as_the_table_says() {
    let scene = Scene::new().await;
    for (path, whose, answers) in PAGES {
        let id = scene.id(*whose).await;
        let path = path.replace("{id}", &id);
        let mut given = Answers::default();
        for (browser, given) in scene.browsers.iter().zip(&mut given) {
            *given = browser.clone().get(&path).await.status.as_u16();
        }
        assert_eq!(given, *answers, "{path} {whose:?}");
    }
}

/// What shows many customers at once, and to whom those of another team.
const LISTS: &[(&str, [bool; 4])] = &[
    ("/customers", [true, true, false, true]),
    ("/customers?q=lovelace", [true, true, false, true]),
    ("/api/fn/customer/list?query=", [true, true, false, true]),
    (
        "/api/fn/customer/list?query=q%3Dlovelace",
        [true, true, false, true],
    ),
    ("/activity", [true, true, false, true]),
    (
        "/api/fn/customer/suggest?text=lovelace",
        [true, true, false, true],
    ),
    ("/customers/export.csv", [true, false, false, false]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_many_shows_nothing_out_of_reach() {
    let scene = Scene::new().await;
    for (name, owner) in [("Near Lovelace", &scene.near), ("Far Lovelace", &scene.far)] {
        let fields = [("name", name), ("owner_id", owner.as_str())];
        scene.site.customer(&scene.admin, &fields).await;
    }
    for (path, far) in LISTS {
        for (place, (browser, far)) in scene.browsers.iter().zip(far).enumerate() {
            let answer = browser.clone().get(path).await;
            assert_eq!(answer.body.contains("Far Lovelace"), *far, "{path} {place}");
            let near = answer.status == StatusCode::OK;
            assert_eq!(answer.body.contains("Near Lovelace"), near, "{path} {place}");
        }
    }
}

/// Names that forms look for, besides those that a line of the table fills in.
const FIELDS: &[&str] = &[
    "next",
    "id",
    "version",
    "back",
    "was.name",
    "pick.name",
    "token",
    "organisation",
    "name",
    "email",
    "password",
    "body",
    "batch",
    "theme",
    "mapping",
    "encoding",
    "delimiter",
    "source",
    "line",
    "value.0",
    "take_back",
    "by.email",
    "to.0",
    "constant.0",
    "nothing",
    "tags",
    "customer",
    "fold",
    "notes",
    "pick.time",
    "zone",
    "sun.to",
    "current",
    "heir",
    "role",
    "team",
    "follow",
    "sign_up",
    "sign_up_domains",
    "second_factor",
    "code",
    "session",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_any_field_of_any_form_is_never_a_defect() {
    let scene = Scene::new().await;
    for (pattern, whose, _) in FORMS
        .iter()
        .filter(|(_, whose, _)| !matches!(whose, Far | FarImport | FarBooking))
    {
        // Whoever sends these two is not signed in afterwards as before.
        let browser = match *pattern {
            "/sign-in" | "/sign-out" => scene.site.browser(),
            _ => scene.browsers[0].clone(),
        };
        let (path, fields) = scene.form(pattern, *whose, 0).await;
        // The form's own come first: a limit may stop what comes later.
        let own = fields.iter().map(|(name, _)| *name);
        let names = own
            .chain(FIELDS.iter().copied())
            .chain(Field::EVERY.iter().map(|field| field.word()));
        for name in names {
            let mut sent: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .filter(|(other, _)| *other != name)
                .collect();
            sent.push((name, "a\0b"));
            let posted = browser.clone().post(&path, &sent).await;
            assert!(is_no_defect(&posted), "{pattern} {name}: {}", posted.body);
            let submitted = browser.clone().submit(&path, &sent).await;
            assert!(is_no_defect(&submitted), "{pattern} {name}: {}", submitted.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_any_argument_of_any_function_is_never_a_defect() {
    let scene = Scene::new().await;
    let queries = [
        ("customer/list", "query=%00"),
        ("customer/list", "query=q%3D%2500"),
        ("customer/list", "query=filter%3D1:city.is(%2500)"),
        ("customer/list", "query=after%3D%2500"),
        ("audit/page", "query=action%3D%2500"),
        ("customer/timeline", "id=%00&before=%00"),
        ("customer/suggest", "text=a%00b&kind=%00"),
        ("import/problems", "id=%00&behind=%00"),
    ];
    let lines = FUNCTIONS
        .iter()
        .filter_map(|(path, _, query, _)| Some((*path, query.split_once('=')?.0)))
        .map(|(path, name)| (path, format!("{name}=a%00b")));
    let queries = queries.map(|(path, query)| (path, query.to_owned()));
    for (path, query) in lines.chain(queries) {
        let answer = scene.browsers[0].clone().read(path, &query).await;
        assert!(is_no_defect(&answer), "{path}?{query}: {}", answer.body);
    }
}

fn is_no_defect(answer: &Answer) -> bool {
    !answer.status.is_server_error()
}

#[test]
fn every_server_function_has_a_line() {
    let here: BTreeSet<String> = FUNCTIONS
        .iter()
        .map(|(path, ..)| format!("/api/fn/{path}"))
        .collect();
    let there: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert!(!there.is_empty());
    assert_eq!(here, there, "each server function has its answers in this table");
}

#[test]
fn every_form_has_a_line() {
    let here: BTreeSet<&str> = FORMS.iter().map(|(pattern, ..)| *pattern).collect();
    let there: BTreeSet<&str> = Form::PATTERNS.iter().copied().collect();
    assert_eq!(here, there, "each form has its answers in this table");
    for pattern in there.iter().filter(|pattern| pattern.contains("{id}")) {
        let whose: Vec<Whose> = FORMS
            .iter()
            .filter(|(of, ..)| of == pattern)
            .map(|(_, whose, _)| *whose)
            .collect();
        let both: &[Whose] = match pattern.split('/').nth(1) {
            Some("imports") => &[NearImport, FarImport],
            Some("appointments") => &[NearBooking, FarBooking],
            // What is set up for all is nobody's.
            Some("admin") if pattern.contains("appointment-types") => &[Any],
            Some("admin") if pattern.contains("invitations") => &[Invited],
            Some("admin") if pattern.contains("webhooks") => &[Hooked],
            Some("admin") if pattern.contains("deliveries") => &[Any],
            Some("admin") => &[Somebody],
            Some("settings") => &[OwnKey, OthersKey],
            _ => &[Near, Far],
        };
        assert_eq!(whose, both, "{pattern}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_function_answers_every_role_as_the_table_says() {
    let scene = Scene::new().await;
    for (path, whose, query, answers) in FUNCTIONS.iter().filter(|(path, ..)| *path != "form/submit") {
        let id = scene.id(*whose).await;
        let query = query.replace("{id}", &id);
        let mut given = Answers::default();
        for (browser, given) in scene.browsers.iter().zip(&mut given) {
            *given = browser.clone().read(path, &query).await.status.as_u16();
        }
        assert_eq!(given, *answers, "{path} {whose:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_answers_every_role_as_the_table_says_with_script_and_without() {
    let scene = Scene::new().await;
    for (pattern, whose, answers) in FORMS {
        let (mut posted, mut submitted) = (Answers::default(), Answers::default());
        for (place, browser) in scene.browsers.iter().enumerate() {
            // A session of its own where the form ends it: that must not reach the next line.
            let mut browser = match (*pattern, place) {
                ("/sign-out" | "/sign-in", 0..4) => fresh(&scene, place).await,
                _ => browser.clone(),
            };
            let (path, fields) = scene.form(pattern, *whose, place).await;
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let before = scene.stands(answers[place]).await;
            posted[place] = browser.clone().post(&path, &fields).await.status.as_u16();
            assert_eq!(
                scene.stands(answers[place]).await,
                before,
                "{pattern} {whose:?} {place}"
            );
            let (path, fields) = scene.form(pattern, *whose, place).await;
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let before = scene.stands(answers[place]).await;
            let answer = browser.submit(&path, &fields).await;
            assert_eq!(
                scene.stands(answers[place]).await,
                before,
                "{pattern} {whose:?} {place}"
            );
            submitted[place] = if answer.status == StatusCode::OK {
                303
            } else {
                answer.status.as_u16()
            };
        }
        assert_eq!(posted, *answers, "{pattern} {whose:?}, without script");
        assert_eq!(submitted, *answers, "{pattern} {whose:?}, with script");
    }
}

/// The address of the user in this column; for nobody, any.
fn email(place: usize) -> String {
    let name = ["admin0", "manager1", "member2", "read_only3"]
        .get(place)
        .unwrap_or(&"read_only3");
    format!("{name}@example.org")
}

async fn fresh(scene: &Scene, place: usize) -> Browser {
    let mut browser = scene.site.browser();
    let fields = [("email", &*email(place)), ("password", PASSWORD)];
    assert_eq!(
        browser.post("/sign-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    browser
}
