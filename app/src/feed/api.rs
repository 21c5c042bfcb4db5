//! What the pages of the feed read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::feed::{DeedPage, Feed, Trash};

/// A page of what was done.
///
/// # Errors
/// Without the right to see customers; when there is no such place to go on from.
#[server(prefix = "/api/fn", endpoint = "feed/deeds", input = GetUrl, output = Json)]
pub async fn get_deeds(
    /// Whether only the person's own are told.
    mine: bool,
    /// The last command of the page before, as the address names it.
    before: Option<String>,
) -> Answer<Feed> {
    use kit::api::{answer, context};
    answer(rapport_service::feed::feed(&context()?, mine, place(before)?).await)
}

/// One command, and what taking it back would do.
///
/// # Errors
/// As [`get_deeds`]; when there is no such command in sight.
#[server(prefix = "/api/fn", endpoint = "feed/deed", input = GetUrl, output = Json)]
pub async fn get_deed(
    /// The command, as the address names it.
    batch: String,
) -> Answer<DeedPage> {
    use rapport_domain::error::AppError;

    use kit::api::{answer, context, respond};
    let batch = batch.parse().map_err(|_| respond(AppError::NotFound))?;
    answer(rapport_service::feed::deed(&context()?, batch).await)
}

/// A page of the trash.
///
/// # Errors
/// As [`get_deeds`].
#[server(prefix = "/api/fn", endpoint = "feed/trash", input = GetUrl, output = Json)]
pub async fn get_trash(
    /// The last customer of the page before, as the address names it.
    before: Option<String>,
) -> Answer<Trash> {
    use kit::api::{answer, context};
    answer(rapport_service::feed::trash(&context()?, place(before)?).await)
}

#[cfg(feature = "ssr")]
fn place<Id: std::str::FromStr>(before: Option<String>) -> Answer<Option<Id>> {
    let parse = |id: String| {
        id.parse()
            .map_err(|_| kit::api::respond(rapport_domain::error::AppError::NotFound))
    };
    before.filter(|id| !id.is_empty()).map(parse).transpose()
}
