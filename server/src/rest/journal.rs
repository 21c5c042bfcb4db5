//! Taking back what was done.

use axum::{
    Extension, Json,
    extract::{Path, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use rapport_domain::{error::AppError, id::BatchId, journal::UndoReport};
use rapport_service::journal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{By, problem::Problem, tell, told, with_batch};

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
    /// The field, where only that stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Why.
    reason: String,
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
        (status = 200, body = Undone, headers(("Rapport-Batch" = Uuid, description = "The undo, to be taken back by; none when everything stayed."))),
        (status = 202, body = Undone, description = "It is so large that it is taken back in the background."),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or nothing of it is in sight."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It cannot be taken back, or was already."),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn undo(Extension(by): By, id: Result<Path<Uuid>, PathRejection>) -> Response {
    let answer = async {
        let Path(id) = id.map_err(|_| AppError::NotFound)?;
        let report = tell(journal::undo(&by.ctx, BatchId(id)).await)?;
        let batch = report.batch;
        let status = if report.in_background {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        };
        Ok(with_batch(
            (status, Json(Undone::of(report))).into_response(),
            batch,
        ))
    };
    told(answer.await)
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
