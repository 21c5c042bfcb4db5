//! What the installation is set to, and its tags.

use axum::{Extension, Json, extract::Request, response::IntoResponse};
use http::HeaderMap;
use rapport_domain::{
    appointment::clock,
    error::AppError,
    form::Values,
    organisation::{Hours, Organisation, OrganisationPatch, WEEKDAYS},
    tag::{Retag, Tag},
    user::{people::SignUp, security::FactorRule},
};
use rapport_service::{Ctx, organisation, tag};
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    Answer, By,
    describe::words,
    input::{self, Input, named},
    output::{self, Versioned},
    tell,
};

fn sign_ups() -> Object {
    words(SignUp::EVERY.iter().map(|sign_up| sign_up.word()))
}

fn factor_rules() -> Object {
    words(FactorRule::EVERY.iter().map(|rule| rule.word()))
}

/// What the installation is set to.
#[derive(Serialize, ToSchema)]
struct SettingsBody {
    /// Counts up with every change; the ETag says the same.
    version: i64,
    /// The organisation's name.
    name: String,
    /// The zone of who has set none of their own, by the IANA database.
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// By ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// The first day of the week: 1 is Monday, 7 is Sunday.
    week_start: u8,
    /// When it is open, from Monday on; nothing where it is closed.
    hours: Vec<Option<String>>,
    #[schema(schema_with = sign_ups)]
    sign_up: &'static str,
    sign_up_domains: Vec<String>,
    /// Whether everybody has to have a second factor.
    #[schema(schema_with = factor_rules)]
    second_factor: &'static str,
}

impl Versioned for SettingsBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl SettingsBody {
    fn of(settings: Organisation) -> Self {
        let Hours(days) = settings.hours;
        let said = |(from, to)| format!("{}-{}", clock(from), clock(to));
        Self {
            version: settings.version,
            name: settings.name,
            zone: settings.zone,
            currency: settings.currency,
            week_start: settings.week_start,
            hours: days.into_iter().map(|open| open.map(said)).collect(),
            sign_up: settings.sign_up.word(),
            sign_up_domains: settings.sign_up_domains,
            second_factor: settings.second_factor.word(),
        }
    }
}

/// The settings that can be changed. What is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct SettingsInput {
    #[schema(nullable = false, min_length = 1)]
    name: Option<String>,
    #[schema(nullable = false, example = "Europe/Berlin")]
    zone: Option<String>,
    #[schema(nullable = false, pattern = "^[A-Za-z]{3}$", example = "EUR")]
    currency: Option<String>,
    #[schema(nullable = false, minimum = 1, maximum = 7)]
    week_start: Option<u8>,
    /// From when up to when on Mondays; null for closed.
    #[schema(example = "09:00-17:00")]
    mon: Option<String>,
    tue: Option<String>,
    wed: Option<String>,
    thu: Option<String>,
    fri: Option<String>,
    sat: Option<String>,
    sun: Option<String>,
    #[schema(schema_with = sign_ups)]
    sign_up: Option<String>,
    /// The domains whose addresses may sign up, where they may.
    #[schema(example = json!(["example.org"]))]
    sign_up_domains: Option<Vec<String>>,
    #[schema(schema_with = factor_rules)]
    second_factor: Option<String>,
}

impl Input for SettingsInput {
    const NAMES: &'static [(&'static str, &'static str)] = &[
        ("mon", "mon.from"),
        ("mon", "mon.to"),
        ("tue", "tue.from"),
        ("tue", "tue.to"),
        ("wed", "wed.from"),
        ("wed", "wed.to"),
        ("thu", "thu.from"),
        ("thu", "thu.to"),
        ("fri", "fri.from"),
        ("fri", "fri.to"),
        ("sat", "sat.from"),
        ("sat", "sat.to"),
        ("sun", "sun.from"),
        ("sun", "sun.to"),
    ];
}

/// The form's two fields for the hours of a day.
fn hours(mut values: Values) -> Result<Values, AppError> {
    for (day, _) in WEEKDAYS {
        let (first, last) = (format!("{day}.from"), format!("{day}.to"));
        let Some(open) = values.0.remove(&first) else {
            continue;
        };
        let (from, to) = match open.trim() {
            "" => ("", ""),
            open => open
                .split_once('-')
                .ok_or_else(|| AppError::invalid(day, "Please send hours such as 09:00-17:00."))?,
        };
        values.set(&first, from.trim());
        values.set(&last, to.trim());
    }
    Ok(values)
}

/// What the installation is set to; for admins.
#[utoipa::path(get, path = "/settings", tag = "Settings", responses((status = 200, body = SettingsBody)))]
pub(super) async fn get(Extension(by): By, headers: HeaderMap) -> Answer {
    let settings = tell(whole(&by.ctx).await)?;
    Ok(output::record(&headers, &settings))
}

async fn whole(ctx: &Ctx) -> rapport_service::Result<SettingsBody> {
    Ok(SettingsBody::of(organisation::get(ctx).await?))
}

/// Changes settings; for admins.
#[utoipa::path(
    patch,
    path = "/settings",
    tag = "Settings",
    request_body(content(
        (SettingsInput = "application/merge-patch+json"),
        (SettingsInput = "application/json"),
    )),
    responses((status = 200, body = SettingsBody))
)]
pub(super) async fn save(Extension(by): By, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = hours(input::values::<SettingsInput>(&object)?)?;
    let rename = named::<SettingsInput>;
    // Who may sign up is said by two fields: what was not sent is what stands.
    let stands = tell(whole(&by.ctx).await)?;
    let mut settled = values.clone();
    if values.has("sign_up") && !values.has("sign_up_domains") {
        settled.set("sign_up_domains", stands.sign_up_domains.join("\n"));
    }
    if values.has("sign_up_domains") && !values.has("sign_up") {
        settled.set("sign_up", stands.sign_up);
    }
    let patch = OrganisationPatch::parse(&settled, &values).map_err(|wrong| rename(wrong.into()))?;
    let seen = seen.or(stands.version);
    let receipt = tell(organisation::save(&by.ctx, seen, patch).await).map_err(rename)?;
    Ok(output::written(receipt, whole(&by.ctx).await))
}

/// A tag that customers have.
#[derive(Serialize, ToSchema)]
struct TagBody {
    name: String,
    /// How many customers have it, outside the trash, counted up to a thousand.
    customers: u64,
}

impl TagBody {
    fn of(tag: Tag) -> Self {
        Self {
            name: tag.name,
            customers: tag.customers,
        }
    }
}

/// The tags that customers have, by name.
#[derive(Serialize, ToSchema)]
struct TagList {
    data: Vec<TagBody>,
}

/// The tags that customers have, by name; for admins.
#[utoipa::path(get, path = "/tags", tag = "Settings", responses((status = 200, body = TagList)))]
pub(super) async fn tags(Extension(by): By) -> Answer {
    let tags = tell(tag::all(&by.ctx).await)?;
    let data = tags.into_iter().map(TagBody::of).collect();
    Ok(Json(TagList { data }).into_response())
}

/// A tag that is to be called otherwise, or to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct RetagInput {
    #[schema(min_length = 1)]
    tag: String,
    /// What it is called from now on; null where it goes.
    name: Option<String>,
}

impl Input for RetagInput {}

/// What changing a tag came to.
#[derive(Serialize, ToSchema)]
struct Retagged {
    /// How many customers were changed, those in the trash among them.
    customers: u64,
    /// Whether they are so many that they are changed in the background.
    in_background: bool,
}

/// Calls a tag otherwise, joins it with another, or takes it away, with all customers that have it; for admins.
#[utoipa::path(
    post,
    path = "/tags/change",
    tag = "Settings",
    request_body = RetagInput,
    responses((status = 200, body = Retagged))
)]
pub(super) async fn retag(Extension(by): By, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::fresh::<RetagInput>(object)?;
    let retag = if values.has("name") {
        Retag::renaming(&values)
    } else {
        Retag::removing(&values)
    };
    let done = tell(tag::change(&by.ctx, retag.map_err(AppError::from)?).await)?;
    let told = Retagged {
        customers: done.customers,
        in_background: done.in_background,
    };
    Ok(output::with_batch(Json(told).into_response(), done.batch))
}
