//! Notes, and the timeline of a customer.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Request},
    response::IntoResponse,
};
use http::HeaderMap;
use rapport_domain::{
    activity::{NewNote, NoteView, note_body},
    error::AppError,
    id::{ActivityId, CustomerId},
    timeline::{Entry, FieldChange, Story, Timeline},
};
use rapport_service::{Ctx, activity, customer::query};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::{
    Answer, By, ROOT,
    describe::needing,
    input::{self, Id, Input, Parameters, Posted, id},
    output::{self, Versioned, iso},
    tell,
};

/// A note about a customer.
#[derive(Serialize, ToSchema)]
struct NoteBody {
    id: Uuid,
    /// Counts up with every change; the ETag says the same.
    version: i64,
    customer_id: Uuid,
    #[schema(example = "Wants an offer before the fair.")]
    body: String,
    author_id: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl Versioned for NoteBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl NoteBody {
    fn of(note: NoteView) -> Self {
        Self {
            id: note.id.0,
            version: note.version,
            customer_id: note.customer.0,
            body: note.body,
            author_id: note.author.map(|author| author.0),
            created_at: iso(note.created.at),
            updated_at: iso(note.updated.at),
        }
    }
}

/// The text of a note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct NoteInput {
    #[schema(nullable = false, min_length = 1, example = "Wants an offer before the fair.")]
    body: Option<String>,
}

impl Input for NoteInput {}

/// A new note.
struct NewNoteInput;

impl PartialSchema for NewNoteInput {
    fn schema() -> RefOr<Schema> {
        needing::<NoteInput>(&["body"])
    }
}

impl ToSchema for NewNoteInput {}

/// Writes a note about a customer.
#[utoipa::path(
    post,
    path = "/customers/{id}/notes",
    tag = "Notes",
    request_body = NewNoteInput,
    responses((status = 201, body = NoteBody))
)]
pub(super) async fn write(Extension(by): By, path: Id, request: Request) -> Answer {
    let customer: CustomerId = id(path)?;
    let mut posted = Posted::read(request).await?;
    let values = posted.fields::<NoteInput>()?;
    let id: ActivityId = posted.id(&by).await?;
    let new = NewNote::parse(&values.with("id", id.to_string())).map_err(AppError::from)?;
    let receipt = tell(activity::write_note(&by.ctx, customer, new).await)?;
    Ok(output::made(
        &format!("{ROOT}/notes/{id}"),
        receipt,
        whole(&by.ctx, id).await,
    ))
}

/// One note.
#[utoipa::path(get, path = "/notes/{id}", tag = "Notes", responses((status = 200, body = NoteBody)))]
pub(super) async fn get(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let note = tell(whole(&by.ctx, id(path)?).await)?;
    Ok(output::record(&headers, &note))
}

/// Changes the text of a note.
#[utoipa::path(
    patch,
    path = "/notes/{id}",
    tag = "Notes",
    request_body(content(
        (NoteInput = "application/merge-patch+json"),
        (NoteInput = "application/json"),
    )),
    responses((status = 200, body = NoteBody))
)]
pub(super) async fn save(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: ActivityId = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::values::<NoteInput>(&object)?;
    let stands = tell(whole(&by.ctx, id).await)?;
    let (seen, body) = if values.has("body") {
        let body = note_body(values.get("body")).map_err(|why| AppError::invalid("body", why))?;
        (seen, body)
    } else {
        // What was not sent is what stands: that is what was seen.
        (seen.or(stands.version), stands.body)
    };
    let receipt = tell(activity::edit_note(&by.ctx, id, seen, body).await)?;
    Ok(output::written(receipt, whole(&by.ctx, id).await))
}

/// Moves a note to the trash. It comes back by an undo.
#[utoipa::path(
    delete,
    path = "/notes/{id}",
    tag = "Notes",
    responses((status = 204, description = "It lies in the trash."))
)]
pub(super) async fn remove(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let receipt = tell(activity::remove_note(&by.ctx, id(path)?, input::seen(&headers)?).await)?;
    Ok(output::done(receipt.batch))
}

async fn whole(ctx: &Ctx, id: ActivityId) -> rapport_service::Result<NoteBody> {
    Ok(NoteBody::of(activity::note(ctx, id).await?))
}

/// What happened to a customer, newest first.
#[derive(Serialize, ToSchema)]
struct TimelineBody {
    data: Vec<TimelineEntry>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<i64>,
}

/// One command, as far as it was about the customer.
#[derive(Serialize, ToSchema)]
struct TimelineEntry {
    /// The command: what an undo takes.
    batch: Uuid,
    #[schema(format = DateTime)]
    at: String,
    /// Who, by name.
    by: String,
    /// What: `created`, `imported`, `changed`, `note_written`, `note_removed`, `appointment` …
    #[schema(example = "changed")]
    what: &'static str,
    /// The fields that changed, in words.
    changes: Vec<Changed>,
    /// The note, the text where it stands still, the file of an import, or what was done about an appointment.
    text: Option<String>,
    /// The note or the appointment.
    record: Option<Uuid>,
    /// Whether it took another command back.
    is_undo: bool,
    /// `offered`, `done` already, or `no`.
    #[schema(example = "offered")]
    undo: &'static str,
}

/// A field before and after, in words.
#[derive(Serialize, ToSchema)]
struct Changed {
    field: String,
    before: String,
    after: String,
}

impl Changed {
    fn of(change: FieldChange) -> Self {
        Self {
            field: change.label,
            before: change.before,
            after: change.after,
        }
    }
}

impl TimelineEntry {
    fn of(entry: Entry) -> Self {
        let (what, changes, text, record) = told(entry.story);
        Self {
            batch: entry.batch.0,
            at: iso(entry.at.at),
            by: entry.by,
            what,
            changes: changes.into_iter().map(Changed::of).collect(),
            text,
            record,
            is_undo: entry.is_undo,
            undo: output::undo_word(entry.undo),
        }
    }
}

type Told = (&'static str, Vec<FieldChange>, Option<String>, Option<Uuid>);

fn told(story: Story) -> Told {
    let plain = |what| (what, Vec::new(), None, None);
    match story {
        Story::Created => plain("created"),
        Story::Imported { file } => ("imported", Vec::new(), Some(file), None),
        Story::Changed(changes) => ("changed", changes, None, None),
        Story::Note { id, body, .. } => ("note_written", Vec::new(), Some(body), Some(id.0)),
        Story::NoteGone => plain("note_gone"),
        Story::NoteEdited => plain("note_edited"),
        Story::NoteRemoved => plain("note_removed"),
        Story::NoteRestored => plain("note_restored"),
        Story::Appointment {
            id,
            did,
            about,
            because,
        } => {
            let why = if because.is_empty() {
                because
            } else {
                format!(": {because}")
            };
            (
                "appointment",
                Vec::new(),
                Some(format!("{did} {about}{why}")),
                Some(id.0),
            )
        }
        Story::OtherAppointment => plain("other_appointment"),
        Story::Trashed => plain("trashed"),
        Story::Restored => plain("restored"),
    }
}

/// Where the timeline goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct TimelineParameters {
    /// The `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
}

/// What happened to a customer: the journal, told to the key's owner, newest first.
#[utoipa::path(
    get,
    path = "/customers/{id}/timeline",
    tag = "Customers",
    params(TimelineParameters),
    responses((status = 200, body = TimelineBody))
)]
pub(super) async fn timeline(Extension(by): By, path: Id, OriginalUri(uri): OriginalUri) -> Answer {
    let customer: CustomerId = id(path)?;
    let mut asked = Parameters::of::<TimelineParameters>(&uri);
    let before = asked.take("before", |text| {
        let place = text.parse().ok().filter(|place: &i64| *place > 0);
        place.ok_or(input::NEXT)
    });
    asked.check()?;
    let Timeline { entries, before } = tell(query::timeline(&by.ctx, customer, before).await)?;
    let data = entries.into_iter().map(TimelineEntry::of).collect();
    Ok(Json(TimelineBody { data, next: before }).into_response())
}
