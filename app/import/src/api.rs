//! What the pages of imports read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::import::{ImportLine, ImportView, Problem, Row, SavedMapping};

/// The imports there were, the newest first; those before another one if it is named.
///
/// # Errors
/// Without the right to make customers.
#[server(prefix = "/api/fn", endpoint = "import/list", input = GetUrl, output = Json)]
pub async fn list_imports(
    /// The last import of the page before, as the address names it.
    before: Option<String>,
) -> Answer<Vec<ImportLine>> {
    use kit::api::{answer, context};
    let before = before.map(|id| id_of(&id)).transpose()?;
    answer(rapport_service::import::list(&context()?, before).await)
}

/// An import with what it is at.
///
/// # Errors
/// When there is none, or not for this person.
#[server(prefix = "/api/fn", endpoint = "import/get", input = GetUrl, output = Json)]
pub async fn get_import(
    /// The import, as the address names it.
    id: String,
) -> Answer<ImportView> {
    use kit::api::{answer, context};
    answer(rapport_service::import::get(&context()?, id_of(&id)?).await)
}

/// The first rows of a file that has not been brought in.
///
/// # Errors
/// As [`get_import`].
#[server(prefix = "/api/fn", endpoint = "import/sample", input = GetUrl, output = Json)]
pub async fn import_sample(
    /// The import, as the address names it.
    id: String,
) -> Answer<Vec<Row>> {
    use kit::api::{answer, context};
    answer(rapport_service::import::sample(&context()?, id_of(&id)?).await)
}

/// A page of the rows that need a person, behind a line.
///
/// # Errors
/// As [`get_import`].
#[server(prefix = "/api/fn", endpoint = "import/problems", input = GetUrl, output = Json)]
pub async fn import_problems(
    /// The import, as the address names it.
    id: String,
    /// The line of the last row of the page before.
    behind: u64,
) -> Answer<Vec<Problem>> {
    use kit::api::{answer, context};
    answer(rapport_service::import::problems(&context()?, id_of(&id)?, behind).await)
}

/// The mappings that people keep.
///
/// # Errors
/// Without the right to make customers.
#[server(prefix = "/api/fn", endpoint = "import/mappings", input = GetUrl, output = Json)]
pub async fn kept_mappings() -> Answer<Vec<SavedMapping>> {
    use kit::api::{answer, context};
    answer(rapport_service::import::mappings(&context()?).await)
}

#[cfg(feature = "ssr")]
fn id_of(id: &str) -> Answer<rapport_domain::id::ImportId> {
    id.parse()
        .map_err(|_| kit::api::respond(rapport_domain::error::AppError::NotFound))
}
