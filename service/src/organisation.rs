//! What the installation is set to, and what each person sets for themselves.

use chrono_tz::Tz;
use rapport_domain::{
    access::{Ability, Kind},
    appointment::clock,
    error::{AppError, FieldConflict},
    journal::Receipt,
    organisation::{Hours, Organisation, OrganisationPatch, Profile, ProfilePatch, WEEKDAYS},
    user::{people::SignUp, security::FactorRule},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Ctx, Error, Result, Service,
    access::require,
    appointment::feed,
    journal::{self, Change, Fields, RecordKind, changed_since},
    merge::{disputed, refuse, unchanged, update},
    seen::Seen,
    sql::sql,
    zone,
};

/// The settings that stand.
#[derive(FromQueryResult)]
pub(crate) struct Settings {
    pub(crate) id: Uuid,
    version: i64,
    name: String,
    zone: String,
    currency: String,
    week_start: i32,
    hours: Value,
    sign_up: String,
    pub(crate) sign_up_domains: Vec<String>,
    second_factor: String,
}

impl Settings {
    pub(crate) fn week_start(&self) -> u8 {
        u8::try_from(self.week_start).unwrap_or(1)
    }

    pub(crate) fn hours(&self) -> Result<Hours> {
        Ok(serde_json::from_value(self.hours.clone())?)
    }

    /// Who may join; nobody, where a newer program wrote what this one does not know.
    pub(crate) fn sign_up(&self) -> SignUp {
        self.sign_up.parse().unwrap_or(SignUp::Closed)
    }

    /// Whether everybody has to have a second factor; so, where a newer program wrote what this one does not know.
    pub(crate) fn second_factor(&self) -> FactorRule {
        self.second_factor.parse().unwrap_or(FactorRule::Demanded)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn stored(&self) -> Fields {
        journal::fields(json!({
            "name": self.name, "zone": self.zone, "currency": self.currency, "week_start": self.week_start,
            "hours": self.hours, "sign_up": self.sign_up, "sign_up_domains": self.sign_up_domains,
            "second_factor": self.second_factor,
        }))
    }

    /// The change that a patch asks for; none when it says what stands.
    fn change(&self, patch: &OrganisationPatch) -> Result<Option<Change>> {
        let mut wanted = Fields::new();
        let mut set = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                wanted.insert(column.to_owned(), value);
            }
        };
        set("name", patch.name.as_ref().map(|name| json!(name)));
        set("zone", patch.zone.as_ref().map(|zone| json!(zone)));
        set(
            "currency",
            patch.currency.as_ref().map(|currency| json!(currency)),
        );
        set("week_start", patch.week_start.map(|day| json!(day)));
        set("sign_up", patch.sign_up.map(|who| json!(who.word())));
        set(
            "sign_up_domains",
            patch.sign_up_domains.as_ref().map(|domains| json!(domains)),
        );
        set(
            "second_factor",
            patch.second_factor.map(|rule| json!(rule.word())),
        );
        let mut hours = self.hours()?;
        for (day, open) in &patch.days {
            if let Some(stands) = hours.0.get_mut(usize::from(*day)) {
                *stands = *open;
            }
        }
        set("hours", (!patch.days.is_empty()).then(|| json!(hours)));
        Ok(update(RecordKind::Organisation, self.id, &self.stored(), wanted))
    }

    /// The ends of days that a patch would change, each with what it wants and what stands.
    fn disputed_days(&self, patch: &OrganisationPatch) -> Result<Vec<(String, String, String)>> {
        let hours = self.hours()?;
        let said = |open: Option<(u16, u16)>| {
            let (from, to) = open.unzip();
            [from, to].map(|end| end.map(clock).unwrap_or_default())
        };
        let mut ends = Vec::new();
        for (number, open) in &patch.days {
            let Some((day, _)) = WEEKDAYS.get(usize::from(*number)) else {
                continue;
            };
            let sides = said(*open).into_iter().zip(said(hours.on(*number)));
            for (end, (mine, stands)) in ["from", "to"].into_iter().zip(sides) {
                if mine != stands {
                    ends.push((format!("{day}.{end}"), mine, stands));
                }
            }
        }
        Ok(ends)
    }
}

/// The settings as they stand.
pub(crate) async fn settings(db: &impl ConnectionTrait) -> Result<Settings> {
    read(db, "").await
}

async fn read(db: &impl ConnectionTrait, lock: &str) -> Result<Settings> {
    let text = format!(
        "SELECT id, version, name, zone, currency, week_start, hours, sign_up, sign_up_domains, second_factor \
                 FROM organisation {lock}"
    );
    let settings = Settings::find_by_statement(sql(&text, [])).one(db).await?;
    settings.ok_or_else(|| Error::Stored("an installation without settings".to_owned()))
}

/// The change by which the set-up names the organisation, and where it is.
pub(crate) async fn named(
    db: &impl ConnectionTrait,
    name: &str,
    zone: Option<&str>,
) -> Result<Option<Change>> {
    let settings = read(db, "FOR UPDATE").await?;
    let mut wanted = journal::fields(json!({ "name": name }));
    if let Some(zone) = zone.and_then(zone::parse) {
        wanted.insert("zone".to_owned(), json!(zone.name()));
    }
    Ok(update(
        RecordKind::Organisation,
        settings.id,
        &settings.stored(),
        wanted,
    ))
}

/// The name of the organisation that runs this installation.
///
/// # Errors
/// When the database does not answer.
pub async fn name(service: &Service) -> Result<String> {
    Ok(settings(service.db()).await?.name)
}

/// The settings, for those who may change them.
///
/// # Errors
/// [`AppError::Forbidden`] for others.
pub async fn get(ctx: &Ctx) -> Result<Organisation> {
    require(ctx.actor(), Kind::Setting, Ability::Read)?;
    let settings = settings(ctx.db()).await?;
    let zones = zones_with(Some(&settings.zone));
    Ok(Organisation {
        version: settings.version,
        week_start: settings.week_start(),
        hours: settings.hours()?,
        sign_up: settings.sign_up(),
        second_factor: settings.second_factor(),
        sign_up_domains: settings.sign_up_domains,
        name: settings.name,
        zone: settings.zone,
        currency: settings.currency,
        zones,
    })
}

/// The zones to choose from, and those that stand: an older name of one stays what it is.
fn zones_with(standing: Option<&str>) -> Vec<String> {
    let names = zone::names();
    let other = standing.filter(|name| !names.contains(name));
    names.iter().copied().chain(other).map(str::to_owned).collect()
}

fn known_zone(name: &str) -> Result<Tz> {
    let sentence = "Please choose a time zone of the list.";
    Ok(zone::parse(name).ok_or_else(|| AppError::invalid("zone", sentence))?)
}

/// Changes the settings, as seen at a version. Fields that somebody else changed since are refused with both values.
///
/// # Errors
/// [`AppError::Forbidden`] without the right, [`AppError::Invalid`] on `zone` for one that there is not,
/// [`AppError::Conflict`].
pub async fn save(ctx: &Ctx, seen: impl Into<Seen>, patch: OrganisationPatch) -> Result<Receipt> {
    require(ctx.actor(), Kind::Setting, Ability::Update)?;
    if let Some(zone) = &patch.zone {
        known_zone(zone)?;
    }
    let tx = ctx.db().begin().await?;
    let settings = read(&tx, "FOR UPDATE").await?;
    let seen = seen.into().of(settings.version)?;
    let (kind, id) = (RecordKind::Organisation, settings.id);
    let Some(change) = settings.change(&patch)? else {
        return Ok(unchanged(id, settings.version));
    };
    let mut theirs = changed_since(&tx, ctx, kind, id, id, seen).await?;
    let of_hours = theirs.remove("hours");
    let mut fields = disputed(&change, &theirs, &settings.stored());
    if let Some(by) = of_hours {
        let days = settings.disputed_days(&patch)?.into_iter();
        fields.extend(days.map(|(field, mine, theirs)| FieldConflict {
            field,
            mine,
            theirs,
            by: by.clone(),
        }));
    }
    refuse(fields, settings.version)?;
    let batch = journal::commit(tx, ctx, "change settings", vec![change]).await?;
    Ok(Receipt {
        record: id,
        version: settings.version + 1,
        batch: Some(batch),
    })
}

#[derive(FromQueryResult)]
struct Account {
    version: i64,
    name: String,
    email: String,
    zone: Option<String>,
}

async fn account(db: &impl ConnectionTrait, ctx: &Ctx, lock: &str) -> Result<Account> {
    let text = format!("SELECT version, name, email, zone FROM app_user WHERE id = $1 {lock}");
    let account = Account::find_by_statement(sql(&text, [ctx.actor().user.0.into()]));
    Ok(account.one(db).await?.ok_or(AppError::Unauthenticated)?)
}

/// What the actor has set for themselves.
///
/// # Errors
/// When the database does not answer.
pub async fn profile(ctx: &Ctx) -> Result<Profile> {
    let (account, settings, (feed_since, feed_link)) =
        futures::try_join!(account(ctx.db(), ctx, ""), settings(ctx.db()), feed::state(ctx))?;
    let zones = zones_with(account.zone.as_deref());
    Ok(Profile {
        version: account.version,
        name: account.name,
        email: account.email,
        zone: account.zone,
        default_zone: settings.zone,
        zones,
        feed_since: feed_since.map(|since| ctx.now().say(since)),
        feed_link,
    })
}

/// Changes what the actor has set for themselves.
///
/// # Errors
/// As [`save`].
pub async fn save_profile(ctx: &Ctx, seen: impl Into<Seen>, patch: ProfilePatch) -> Result<Receipt> {
    if let Some(Some(zone)) = &patch.zone {
        known_zone(zone)?;
    }
    let tx = ctx.db().begin().await?;
    let account = account(&tx, ctx, "FOR UPDATE").await?;
    let seen = seen.into().of(account.version)?;
    let (kind, id) = (RecordKind::User, ctx.actor().user.0);
    let stored = journal::fields(json!({ "name": account.name, "zone": account.zone }));
    let mut wanted = Fields::new();
    if let Some(name) = patch.name {
        wanted.insert("name".to_owned(), json!(name));
    }
    if let Some(zone) = patch.zone {
        wanted.insert("zone".to_owned(), json!(zone));
    }
    let Some(change) = update(kind, id, &stored, wanted) else {
        return Ok(unchanged(id, account.version));
    };
    let theirs = changed_since(&tx, ctx, kind, id, id, seen).await?;
    refuse(disputed(&change, &theirs, &stored), account.version)?;
    let batch = journal::commit(tx, ctx, "change profile", vec![change]).await?;
    Ok(Receipt {
        record: id,
        version: account.version + 1,
        batch: Some(batch),
    })
}
