//! Bringing customers in from a file: put up in pieces, mapped, checked, brought in, looked after.

use axum::{
    Extension, Json,
    body::Body,
    extract::{OriginalUri, Request},
    response::IntoResponse,
};
use futures::TryStreamExt;
use http::StatusCode;
use rapport_domain::{
    error::AppError,
    form::Values,
    id::ImportId,
    import::{
        FILE_BYTES_MAX, ImportLine, ImportReport, ImportSettings, ImportState, ImportView, MatchBy, OnMatch,
        Problem as RowProblem, Target, Uploaded,
    },
    job::{JobState, JobView},
};
use rapport_service::{
    Ctx,
    import::{self, NewImport},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::Object},
};
use uuid::Uuid;

use super::{
    Answer, By, ROOT,
    describe::{needing, words},
    input::{self, Id, Input, Parameters, Posted, id, named},
    output::{self, iso},
    tell,
};

fn states() -> Object {
    words(ImportState::EVERY.iter().map(|state| state.word()))
}

fn ways() -> Object {
    words(OnMatch::OFFERED.iter().map(|(_, word, _)| *word))
}

/// How much of a file is here.
#[derive(Serialize, ToSchema)]
struct UploadBody {
    /// The import: an earlier one where that waited for the rest of the same file.
    id: Uuid,
    /// In bytes: the next piece begins here.
    received: u64,
    /// Whether nothing is missing.
    complete: bool,
}

impl UploadBody {
    fn of(uploaded: Uploaded) -> Self {
        Self {
            id: uploaded.id.0,
            received: uploaded.bytes,
            complete: uploaded.complete,
        }
    }
}

/// A file that is to be brought in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct FileFields {
    /// Its name: it ends in .csv, .tsv, .tab or .txt, or in nothing that says what it is.
    #[schema(nullable = false, min_length = 1, example = "customers.csv")]
    file: Option<String>,
    /// How long it is, in bytes.
    #[schema(nullable = false, minimum = 1, maximum = 536_870_912)]
    size: Option<u64>,
}

impl Input for FileFields {}

/// What is needed of it.
struct NewImportInput;

impl PartialSchema for NewImportInput {
    fn schema() -> RefOr<Schema> {
        needing::<FileFields>(&["file", "size"])
    }
}

impl ToSchema for NewImportInput {}

/// Begins an import. Its file is sent next, in pieces.
#[utoipa::path(
    post,
    path = "/imports",
    tag = "Imports",
    request_body = NewImportInput,
    responses((status = 201, body = UploadBody))
)]
pub(super) async fn begin(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let values = posted.fields::<FileFields>()?;
    if values.get("file").trim().is_empty() {
        return Err(AppError::invalid("file", "Please name the file.").into());
    }
    let size = values.get("size").parse().ok().filter(|size| *size > 0);
    let size: u64 = size.ok_or_else(|| AppError::invalid("size", "Please say how many bytes it has."))?;
    if size > FILE_BYTES_MAX {
        let sentence = format!("A file has at most {} MB.", FILE_BYTES_MAX >> 20);
        return Err(AppError::invalid("size", sentence).into());
    }
    let new = NewImport {
        id: posted.id(&by).await?,
        file: values.get("file").to_owned(),
        size,
        stamp: 0,
    };
    let uploaded = UploadBody::of(tell(import::begin(&by.ctx, new).await)?);
    let mut response = (StatusCode::CREATED, Json(&uploaded)).into_response();
    output::place(&mut response, &format!("{ROOT}/imports/{}", uploaded.id));
    Ok(response)
}

/// Where a piece begins.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct PieceParameters {
    /// In bytes: what `received` said.
    #[param(minimum = 0)]
    at: u64,
}

/// Takes a piece of the file: 64 KB to 1 MB, the last one less. A piece that does not begin where the last one ended
/// changes nothing; the answer says where to go on.
#[utoipa::path(
    put,
    path = "/imports/{id}/content",
    tag = "Imports",
    params(PieceParameters),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadBody))
)]
pub(super) async fn receive(
    Extension(by): By,
    path: Id,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Answer {
    let id: ImportId = id(path)?;
    let mut asked = Parameters::of::<PieceParameters>(&uri);
    let at = asked.read("at", "Please say where the piece begins, in bytes.");
    asked.need("at", "Please say where the piece begins, in bytes.");
    asked.check()?;
    let bytes = input::bytes(request.into_body()).await;
    let uploaded = tell(import::receive(&by.ctx, id, at.unwrap_or_default(), &bytes).await)?;
    Ok(Json(UploadBody::of(uploaded)).into_response())
}

/// An import in the history.
#[derive(Serialize, ToSchema)]
struct ImportLineBody {
    id: Uuid,
    file: String,
    #[schema(schema_with = states)]
    state: &'static str,
    rows: u64,
    created: u64,
    changed: u64,
    /// Rows that need a person.
    problems: u64,
    /// The command: what an undo takes.
    batch: Option<Uuid>,
    undone: bool,
    /// Who brought it.
    by: String,
    #[schema(format = DateTime)]
    at: String,
}

/// Imports, newest first.
#[derive(Serialize, ToSchema)]
struct ImportList {
    data: Vec<ImportLineBody>,
    /// What `before` is to be for the next page; nothing on the last.
    next: Option<Uuid>,
}

impl ImportLineBody {
    fn of(line: ImportLine) -> Self {
        Self {
            id: line.id.0,
            file: line.file,
            state: line.state.word(),
            rows: line.rows,
            created: line.created,
            changed: line.changed,
            problems: line.problems,
            batch: line.batch.map(|batch| batch.0),
            undone: line.undone,
            by: line.by,
            at: iso(line.at.at),
        }
    }
}

/// Where the list goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct ImportsParameters {
    /// The `next` of the page before.
    before: Option<Uuid>,
}

/// Imports in sight, newest first.
#[utoipa::path(
    get,
    path = "/imports",
    tag = "Imports",
    params(ImportsParameters),
    responses((status = 200, body = ImportList))
)]
pub(super) async fn list(Extension(by): By, OriginalUri(uri): OriginalUri) -> Answer {
    let mut asked = Parameters::of::<ImportsParameters>(&uri);
    let before = asked.read("before", input::NEXT);
    asked.check()?;
    let lines = output::listed(import::list(&by.ctx, before).await)?;
    let is_full = lines.len() == rapport_domain::import::IMPORTS_LISTED;
    let next = lines.last().filter(|_| is_full).map(|line| line.id.0);
    let data = lines.into_iter().map(ImportLineBody::of).collect();
    Ok(Json(ImportList { data, next }).into_response())
}

/// An import, whole.
#[derive(Serialize, ToSchema)]
struct ImportBody {
    id: Uuid,
    file: String,
    /// How long the file is, in bytes.
    size: u64,
    /// How much of it is here.
    received: u64,
    #[schema(schema_with = states)]
    state: &'static str,
    /// How it is read, mapped and matched; nothing before the first piece is here.
    settings: Option<ImportSettingsBody>,
    /// What it would do, from the last check under these settings.
    forecast: Option<ReportBody>,
    /// What it did so far.
    report: Option<ReportBody>,
    /// The command, once something was written: what an undo takes.
    batch: Option<Uuid>,
    undone: bool,
    /// How many rows need a person.
    problems: u64,
    /// What is done about it in the background, or was last.
    progress: Option<ProgressBody>,
}

/// How an import is read, mapped and matched.
#[derive(Serialize, ToSchema)]
struct ImportSettingsBody {
    /// The names of the columns of the file.
    headers: Vec<String>,
    /// What becomes of each, in their order.
    columns: Vec<String>,
    source: String,
    nothing: Vec<String>,
    tags: Vec<String>,
    days: String,
    stage: Option<String>,
    country: Option<String>,
    match_by: Vec<&'static str>,
    #[schema(schema_with = ways)]
    on_match: &'static str,
    restore: bool,
}

/// What came of an import, or would come.
#[derive(Serialize, ToSchema)]
struct ReportBody {
    rows: u64,
    created_companies: u64,
    created_people: u64,
    changed_records: u64,
    restored_records: u64,
    unchanged_rows: u64,
    problem_rows: u64,
    ignored_columns: Vec<String>,
}

/// What is done in the background.
#[derive(Serialize, ToSchema)]
struct ProgressBody {
    /// `check import`, `run import` or `undo`.
    #[schema(example = "run import")]
    work: &'static str,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    state: &'static str,
    percent: u8,
    /// Why it failed.
    error: Option<String>,
}

impl ImportSettingsBody {
    fn of(settings: ImportSettings) -> Self {
        let values = settings.values();
        let said = |name: &str| Some(values.get(name).to_owned()).filter(|text| !text.is_empty());
        Self {
            columns: settings.mapping.targets.iter().map(column).collect(),
            days: values.get("days").to_owned(),
            stage: said("stage"),
            country: said("country"),
            match_by: settings.rules.by.iter().map(|by| by.word()).collect(),
            on_match: settings.rules.then.word(),
            restore: values.has("restore"),
            headers: settings.mapping.headers,
            source: settings.mapping.source,
            nothing: settings.mapping.nothing,
            tags: settings.mapping.tags,
        }
    }
}

/// A target as a program writes it: its word, with a label behind a colon where it has one.
fn column(target: &Target) -> String {
    match target {
        Target::Field { label, .. } if !label.is_empty() => format!("{}:{label}", target.word()),
        target => target.word(),
    }
}

impl ReportBody {
    fn of(report: ImportReport) -> Self {
        Self {
            rows: report.rows,
            created_companies: report.created_companies,
            created_people: report.created_people,
            changed_records: report.changed_records,
            restored_records: report.restored_records,
            unchanged_rows: report.unchanged_rows,
            problem_rows: report.problem_rows,
            ignored_columns: report.ignored_columns,
        }
    }
}

impl ProgressBody {
    fn of(job: JobView) -> Self {
        let state: JobState = job.state;
        Self {
            work: job.work.word(),
            state: state.word(),
            percent: job.percent(),
            error: job.error,
        }
    }
}

impl ImportBody {
    fn of(view: ImportView) -> Self {
        Self {
            id: view.id.0,
            file: view.file,
            size: view.size,
            received: view.received,
            state: view.state.word(),
            settings: view.settings.map(ImportSettingsBody::of),
            forecast: view.forecast.map(ReportBody::of),
            report: view.report.map(ReportBody::of),
            batch: view.batch.map(|batch| batch.0),
            undone: view.undone,
            problems: view.problems,
            progress: view.job.map(ProgressBody::of),
        }
    }
}

/// One import: how it is mapped, how far it is, what came of it.
#[utoipa::path(get, path = "/imports/{id}", tag = "Imports", responses((status = 200, body = ImportBody)))]
pub(super) async fn get(Extension(by): By, path: Id) -> Answer {
    whole(&by.ctx, id(path)?).await
}

async fn whole(ctx: &Ctx, id: ImportId) -> Answer {
    let view = tell(import::get(ctx, id).await)?;
    Ok(Json(ImportBody::of(view)).into_response())
}

/// How an import that has not begun is mapped and matched. What is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct ImportSettingsInput {
    /// What becomes of each column, in their order: `ignore`, `id`, `first_name`, `last_name`, or `person.` or
    /// `company.` with a field of a customer, `note`, `since` or `reference` behind it; e-mails, phones and links with a
    /// label behind a colon, if wanted: `person.phones:Mobile`.
    #[schema(nullable = false, example = json!(["company.name", "person.emails", "ignore"]))]
    columns: Option<Vec<String>>,
    /// The name of the system that the file comes from.
    source: Option<String>,
    /// Words that stand for nothing.
    nothing: Option<Vec<String>>,
    /// Tags that every record is given.
    tags: Option<Vec<String>>,
    /// `day_first` or `month_first`.
    #[schema(nullable = false, pattern = "^(day|month)_first$")]
    days: Option<String>,
    /// The stage that every record is given.
    stage: Option<String>,
    /// The country that every record is given.
    country: Option<String>,
    /// By what rows find records that are here: `id`, `reference`, `email`, `phone`, `name`.
    #[schema(nullable = false)]
    match_by: Option<Vec<String>>,
    /// What happens to a record that is here.
    #[schema(schema_with = ways)]
    on_match: Option<String>,
    /// Whether one in the trash is brought back.
    #[schema(nullable = false)]
    restore: Option<bool>,
}

impl Input for ImportSettingsInput {
    const NAMES: &'static [(&'static str, &'static str)] = &[("on_match", "then")];
}

/// The form of the settings as they stand, with what was sent over it.
fn over(stands: &ImportSettings, sent: Values) -> Result<Values, AppError> {
    let mut values = stands.values();
    for (name, text) in sent.0 {
        match name.as_str() {
            "columns" => set_columns(&mut values, stands, &text)?,
            "match_by" => set_ways(&mut values, &text)?,
            "restore" if text.is_empty() => {
                values.0.remove("restore");
            }
            name => values.set(name, text),
        }
    }
    Ok(values)
}

fn set_columns(values: &mut Values, stands: &ImportSettings, text: &str) -> Result<(), AppError> {
    let columns: Vec<&str> = text.lines().collect();
    let count = stands.mapping.targets.len();
    if columns.len() != count {
        let sentence = format!("The file has {count} columns; please say what becomes of each.");
        return Err(AppError::invalid("columns", sentence));
    }
    for (place, column) in columns.into_iter().enumerate() {
        let (word, label) = column.split_once(':').unwrap_or((column, ""));
        values.set(&format!("target.{place}"), word.trim());
        values.set(&format!("label.{place}"), label.trim());
    }
    Ok(())
}

fn set_ways(values: &mut Values, text: &str) -> Result<(), AppError> {
    values.0.retain(|name, _| !name.starts_with("by."));
    for (place, word) in text.lines().enumerate() {
        if !MatchBy::EVERY.iter().any(|by| by.word() == word) {
            let sentence = "Please send id, reference, email, phone or name.";
            return Err(AppError::invalid(&format!("match_by/{place}"), sentence));
        }
        values.set(&format!("by.{word}"), "on");
    }
    Ok(())
}

/// Says how an import that has not begun is mapped and matched. What a check found before is forgotten.
#[utoipa::path(
    patch,
    path = "/imports/{id}",
    tag = "Imports",
    request_body(content(
        (ImportSettingsInput = "application/merge-patch+json"),
        (ImportSettingsInput = "application/json"),
    )),
    responses((status = 200, body = ImportBody))
)]
pub(super) async fn set(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: ImportId = id(path)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let sent = input::values::<ImportSettingsInput>(&object)?;
    let stands = tell(import::get(&by.ctx, id).await)?.settings;
    let stands = stands.ok_or_else(|| AppError::refused("The file of this import is not here yet."))?;
    let values = over(&stands, sent)?;
    let settings = stands
        .with_values(&values)
        .map_err(|wrong| named::<ImportSettingsInput>(by_column(wrong)))?;
    let set = import::set(&by.ctx, id, settings.mapping, settings.rules).await;
    tell(set).map_err(named::<ImportSettingsInput>)?;
    whole(&by.ctx, id).await
}

/// An error of the form, where a program wrote it: `target.3` is `columns/3`.
fn by_column(errors: rapport_domain::error::FieldErrors) -> AppError {
    let named = errors
        .0
        .into_iter()
        .map(|(field, why)| match field.strip_prefix("target.") {
            Some(place) => (format!("columns/{place}"), why),
            None => (field, why),
        });
    rapport_domain::error::FieldErrors(named.collect()).into()
}

/// Works out what an import would do, in the background; nothing is written.
#[utoipa::path(
    post,
    path = "/imports/{id}/check",
    tag = "Imports",
    responses((status = 202, body = ImportBody, description = "It is under way; the import says how far."))
)]
pub(super) async fn check(Extension(by): By, path: Id) -> Answer {
    let id: ImportId = id(path)?;
    tell(import::check(&by.ctx, id).await)?;
    accepted(&by.ctx, id).await
}

/// Brings the file in, in the background, as one command.
#[utoipa::path(
    post,
    path = "/imports/{id}/run",
    tag = "Imports",
    responses((status = 202, body = ImportBody, description = "It is under way; the import says how far."))
)]
pub(super) async fn run(Extension(by): By, path: Id) -> Answer {
    let id: ImportId = id(path)?;
    tell(import::run(&by.ctx, id).await)?;
    accepted(&by.ctx, id).await
}

async fn accepted(ctx: &Ctx, id: ImportId) -> Answer {
    let mut response = whole(ctx, id).await?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// How an import is stopped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct StopInput {
    /// Whether what was written is taken back.
    #[schema(nullable = false)]
    take_back: Option<bool>,
}

impl Input for StopInput {}

/// Asks an import, or a check, to stop.
#[utoipa::path(
    post,
    path = "/imports/{id}/stop",
    tag = "Imports",
    request_body = StopInput,
    responses((status = 202, body = ImportBody, description = "It stops behind the rows that it is at."))
)]
pub(super) async fn stop(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: ImportId = id(path)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::fresh::<StopInput>(object)?;
    tell(import::cancel(&by.ctx, id, values.get("take_back") == "on").await)?;
    accepted(&by.ctx, id).await
}

/// Throws an import away that has written nothing, with its file.
#[utoipa::path(
    delete,
    path = "/imports/{id}",
    tag = "Imports",
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn forget(Extension(by): By, path: Id) -> Answer {
    tell(import::forget(&by.ctx, id(path)?).await)?;
    Ok(output::done(None))
}

/// Rows that need a person.
#[derive(Serialize, ToSchema)]
struct RowList {
    data: Vec<RowBody>,
    /// What `behind` is to be for the next page; nothing on the last.
    next: Option<u64>,
}

/// A row that was not taken.
#[derive(Serialize, ToSchema)]
struct RowBody {
    /// Its line in the file; the header is line 1.
    line: u64,
    /// Why, in whole sentences.
    reason: String,
    /// Its values as far as they could be read.
    values: Vec<String>,
}

impl RowBody {
    fn of(row: RowProblem) -> Self {
        Self {
            line: row.line,
            reason: row.reason,
            values: row.fields,
        }
    }
}

/// Behind which line.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by name")]
pub(super) struct RowParameters {
    /// The `next` of the page before.
    #[param(minimum = 0)]
    behind: Option<u64>,
}

/// The rows of an import that need a person, with the reason of each.
#[utoipa::path(
    get,
    path = "/imports/{id}/problems",
    tag = "Imports",
    params(RowParameters),
    responses((status = 200, body = RowList))
)]
pub(super) async fn problems(Extension(by): By, path: Id, OriginalUri(uri): OriginalUri) -> Answer {
    let id: ImportId = id(path)?;
    let mut asked = Parameters::of::<RowParameters>(&uri);
    let behind = asked.read("behind", input::NEXT);
    asked.check()?;
    let rows = tell(import::problems(&by.ctx, id, behind.unwrap_or_default()).await)?;
    let is_full = rows.len() as u64 == rapport_domain::import::PROBLEMS_LISTED;
    let next = rows.last().filter(|_| is_full).map(|row| row.line);
    let data = rows.into_iter().map(RowBody::of).collect();
    Ok(Json(RowList { data, next }).into_response())
}

/// The same rows as CSV, all of them: mended there, they are taken by `mended`.
#[utoipa::path(
    get,
    path = "/imports/{id}/problems/export",
    tag = "Imports",
    responses((status = 200, body = String, content_type = "text/csv"))
)]
pub(super) async fn problems_csv(Extension(by): By, path: Id) -> Answer {
    let pieces = tell(import::problems_csv(&by.ctx, id(path)?).await)?;
    Ok(output::csv(Body::from_stream(
        pieces.map_err(rapport_service::Error::tell),
    )))
}

/// What came of mended rows.
#[derive(Serialize, ToSchema)]
struct MendedBody {
    /// Rows that are in now.
    taken: u64,
    /// Rows that still need a person.
    still: u64,
    /// Rows whose line waits for nobody.
    unknown: u64,
}

/// Takes mended rows from a file like the one of `problems/export`: each is known by its line.
#[utoipa::path(
    put,
    path = "/imports/{id}/mended",
    tag = "Imports",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = MendedBody))
)]
pub(super) async fn mended(Extension(by): By, path: Id, request: Request) -> Answer {
    let file = input::bytes(request.into_body()).await;
    let mended = tell(import::mend_file(&by.ctx, id(path)?, &file).await)?;
    let body = MendedBody {
        taken: mended.taken,
        still: mended.still,
        unknown: mended.unknown,
    };
    Ok(Json(body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_the_limit_of_a_file() {
        let api = serde_json::to_value(crate::rest::description()).unwrap();
        let size = &api["components"]["schemas"]["NewImportInput"]["properties"]["size"]["maximum"];
        assert_eq!(size.as_u64(), Some(FILE_BYTES_MAX));
    }
}
