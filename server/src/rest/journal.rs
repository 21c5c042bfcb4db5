//! What was done, and taking it back; the audit log; the trash.

use axum::{Extension, Json, extract::OriginalUri, response::IntoResponse};
use http::{StatusCode, Uri};
use rapport_domain::{
    appointment::Day,
    audit::{AuditChange, AuditEntry, AuditQuery},
    error::AppError,
    feed::{Deed, DeedPage, Preview, Trashed},
    id::{BatchId, CustomerId},
    journal::UndoReport,
};
use rapport_service::{audit, feed, journal};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Answer, By,
    input::{Id, NEXT, Parameters, id},
    output::{self, iso},
    tell,
};

/// What was taken back, and what stayed.
#[derive(Serialize, ToSchema)]
struct Undone {
    /// How many records went back.
    undone: u64,
    /// How many stayed as they are.
    left: u64,
    /// The first of those that stayed.
    kept: Vec<Kept>,
    /// Whether it is so large that it is taken back in the background.
    in_background: bool,
}

/// Something that stayed as it is.
#[derive(Serialize, ToSchema)]
struct Kept {
    /// The record.
    record: Uuid,
    /// The field, in words, where only that stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Why.
    reason: String,
}

impl Undone {
    fn of(report: UndoReport) -> Self {
        let kept = report.kept.into_iter().map(|kept| Kept {
            record: kept.subject,
            field: kept.field,
            reason: kept.reason,
        });
        Self {
            undone: report.undone,
            left: report.left,
            kept: kept.collect(),
            in_background: report.in_background,
        }
    }
}

/// Takes a command back.
///
/// What somebody changed since stays, and is named. The answer's `Rapport-Batch` names the undo: taking that back is the
/// redo.
#[utoipa::path(
    post,
    path = "/commands/{id}/undo",
    tag = "Journal",
    params(("id" = Uuid, Path, description = "The `Rapport-Batch` of the answer to what is taken back.")),
    responses(
        (status = 200, body = Undone),
        (status = 202, body = Undone, description = "It is so large that it is taken back in the background."),
    )
)]
pub(super) async fn undo(Extension(by): By, path: Id) -> Answer {
    let report = tell(journal::undo(&by.ctx, id(path)?).await)?;
    let batch = report.batch;
    let status = if report.in_background {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let response = (status, Json(Undone::of(report))).into_response();
    Ok(output::with_batch(response, batch))
}

/// A command as far as it is in sight.
#[derive(Serialize, ToSchema)]
struct CommandBody {
    id: Uuid,
    #[schema(format = DateTime)]
    at: String,
    /// Who, by name.
    by: String,
    /// What, to follow the name.
    #[schema(example = "changed city and stage of")]
    did: String,
    /// The first of the customers that it was about.
    customers: Vec<Named>,
    /// How many more there were.
    more: u64,
    /// Whether it took another command back.
    is_undo: bool,
    /// `offered`, `done` already, or `no`.
    #[schema(example = "offered")]
    undo: &'static str,
}

/// A record by its name.
#[derive(Serialize, ToSchema)]
struct Named {
    id: Uuid,
    name: String,
}

impl CommandBody {
    fn of(deed: Deed) -> Self {
        let customers = deed.about.into_iter();
        Self {
            id: deed.batch.0,
            at: iso(deed.at.at),
            by: deed.by,
            did: deed.did,
            customers: customers.map(|(id, name)| Named { id: id.0, name }).collect(),
            more: deed.more,
            is_undo: deed.is_undo,
            undo: output::undo_word(deed.undo),
        }
    }
}

/// What was done, newest first.
#[derive(Serialize, ToSchema)]
struct CommandList {
    data: Vec<CommandBody>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<Uuid>,
}

/// Whose commands, and where the list goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct CommandParameters {
    /// Only what the key's owner did.
    mine: Option<bool>,
    /// The `next` of the page before.
    before: Option<Uuid>,
}

/// What was done to customers in sight, newest first.
#[utoipa::path(
    get,
    path = "/commands",
    tag = "Journal",
    params(CommandParameters),
    responses((status = 200, body = CommandList))
)]
pub(super) async fn list(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<CommandParameters>(&uri);
    let mine = asked.read("mine", "Please send true or false.").unwrap_or(false);
    let before: Option<BatchId> = asked.read("before", NEXT);
    asked.check()?;
    let feed = tell(feed::feed(&by.ctx, mine, before).await)?;
    let list = CommandList {
        data: feed.deeds.into_iter().map(CommandBody::of).collect(),
        next: feed.before.map(|before| before.0),
    };
    Ok(Json(list).into_response())
}

/// A command, and what taking it back would do now.
#[derive(Serialize, ToSchema)]
struct CommandPreview {
    command: CommandBody,
    /// What taking it back would do; nothing where it is too large to be tried, or cannot be taken back.
    would: Option<Undone>,
    /// Why it cannot be taken back.
    not: Option<String>,
}

/// One command, and what taking it back would do now.
#[utoipa::path(
    get,
    path = "/commands/{id}",
    tag = "Journal",
    responses((status = 200, body = CommandPreview))
)]
pub(super) async fn get(Extension(by): By, path: Id) -> Answer {
    let DeedPage { deed, preview } = tell(feed::deed(&by.ctx, id(path)?).await)?;
    let (would, not) = match preview {
        Preview::Would(report) => (Some(Undone::of(report)), None),
        Preview::Large => (None, None),
        Preview::Not(why) => (None, Some(why)),
    };
    let command = CommandBody::of(deed);
    Ok(Json(CommandPreview { command, would, not }).into_response())
}

/// What is looked for in the audit log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct AuditParameters {
    /// Who did it: the id of a user.
    who: Option<Uuid>,
    /// Which record it was about.
    record: Option<Uuid>,
    /// What was done: the name of a command.
    #[param(
        example = "edit customer",
        min_length = 1,
        max_length = 60,
        pattern = "^[ -~]+$"
    )]
    action: Option<String>,
    /// From this day on, by the clock of the key's owner.
    #[param(format = Date)]
    from: Option<String>,
    /// Up to this day, itself included.
    #[param(format = Date)]
    to: Option<String>,
    /// The `next` of the page before.
    before: Option<Uuid>,
}

fn audit_query(uri: &Uri) -> Result<AuditQuery, super::Refusal> {
    let mut asked = Parameters::of::<AuditParameters>(uri);
    let day = "Please send a day such as 2026-12-01.";
    let an_id = "Please send an id.";
    let query = AuditQuery {
        who: asked.read("who", an_id),
        record: asked.read("record", an_id),
        action: asked.take("action", |text| {
            let fits = (1..=60).contains(&text.chars().count()) && !text.contains(char::is_control);
            fits.then(|| text.to_owned())
                .ok_or("Please send the name of a command.")
        }),
        from: asked.read::<Day>("from", day),
        to: asked.read::<Day>("to", day),
        before: asked.read("before", NEXT),
    };
    asked.check()?;
    Ok(query)
}

/// The audit log, newest first.
#[derive(Serialize, ToSchema)]
struct AuditList {
    data: Vec<AuditBody>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<Uuid>,
}

/// A command with all that it changed.
#[derive(Serialize, ToSchema)]
struct AuditBody {
    id: Uuid,
    #[schema(format = DateTime)]
    at: String,
    /// Who, by name.
    by: String,
    /// Through which door: `page`, `key`, `import`, `automation`, `console`.
    via: String,
    /// The name of the command.
    #[schema(example = "edit customer")]
    action: String,
    /// Whom or what it was about as far as no change says it.
    about: Option<String>,
    is_undo: bool,
    /// The first of its changes.
    changes: Vec<AuditChangeBody>,
    /// How many more there are, counted up to a thousand.
    more: u32,
}

/// A change of a record.
#[derive(Serialize, ToSchema)]
struct AuditChangeBody {
    /// What happened to it.
    op: String,
    /// What kind of record it is.
    kind: String,
    /// Its name, if it has one still.
    name: Option<String>,
    record: Uuid,
    fields: Vec<AuditFieldBody>,
}

/// A field of it, in words.
#[derive(Serialize, ToSchema)]
struct AuditFieldBody {
    field: String,
    old: Option<String>,
    new: Option<String>,
}

impl AuditBody {
    fn of(entry: AuditEntry) -> Self {
        Self {
            id: entry.batch.0,
            at: iso(entry.at.at),
            by: entry.by,
            via: entry.via,
            action: entry.action,
            about: entry.about,
            is_undo: entry.is_undo,
            changes: entry.changes.into_iter().map(AuditChangeBody::of).collect(),
            more: entry.more,
        }
    }
}

impl AuditChangeBody {
    fn of(change: AuditChange) -> Self {
        let fields = change.fields.into_iter().map(|field| AuditFieldBody {
            field: field.field,
            old: field.old,
            new: field.new,
        });
        Self {
            op: change.op,
            kind: change.kind,
            name: change.name,
            record: change.record,
            fields: fields.collect(),
        }
    }
}

/// The audit log: every command with all that it changed, for admins.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "Journal",
    params(AuditParameters),
    responses((status = 200, body = AuditList))
)]
pub(super) async fn audit(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let query = audit_query(&uri)?;
    let behind = query.before;
    let page = match tell(audit::page(&by.ctx, query).await) {
        // A page behind a command that there is not.
        Err(AppError::NotFound) if behind.is_some() => {
            return Err(super::problem::Problem::parameter("before", NEXT).into());
        }
        page => page?,
    };
    let list = AuditList {
        data: page.entries.into_iter().map(AuditBody::of).collect(),
        next: page.before.map(|before| before.0),
    };
    Ok(Json(list).into_response())
}

/// What lies in the trash, newest first.
#[derive(Serialize, ToSchema)]
struct TrashList {
    data: Vec<TrashBody>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<Uuid>,
}

/// A customer in the trash.
#[derive(Serialize, ToSchema)]
struct TrashBody {
    id: Uuid,
    name: String,
    /// `person` or `company`.
    kind: &'static str,
    /// When it was put there.
    #[schema(format = DateTime)]
    at: String,
    /// By whom, if it is known.
    by: Option<String>,
    /// Whether the key's owner may take it out.
    may_restore: bool,
}

impl TrashBody {
    fn of(trashed: Trashed) -> Self {
        Self {
            id: trashed.id.0,
            name: trashed.name,
            kind: trashed.kind.word(),
            at: iso(trashed.at.at),
            by: trashed.by,
            may_restore: trashed.may_restore,
        }
    }
}

/// Where the trash goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct TrashParameters {
    /// The `next` of the page before.
    before: Option<Uuid>,
}

/// The customers in the trash, newest first.
#[utoipa::path(
    get,
    path = "/trash",
    tag = "Customers",
    params(TrashParameters),
    responses((status = 200, body = TrashList))
)]
pub(super) async fn trash(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<TrashParameters>(&uri);
    let before: Option<CustomerId> = asked.read("before", NEXT);
    asked.check()?;
    let trash = output::listed(feed::trash(&by.ctx, before).await)?;
    let list = TrashList {
        data: trash.customers.into_iter().map(TrashBody::of).collect(),
        next: trash.before.map(|before| before.0),
    };
    Ok(Json(list).into_response())
}
