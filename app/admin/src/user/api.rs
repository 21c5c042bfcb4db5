//! What the pages about people read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::user::people::{Outbox, People, PersonPage, RoleView};

/// All who work here, did, or were asked to.
///
/// # Errors
/// For who may not say who works here.
#[server(prefix = "/api/fn", endpoint = "user/people", input = GetUrl, output = Json)]
pub async fn get_people() -> Answer<People> {
    use kit::api::{answer, context};
    answer(rapport_service::user::people(&context()?).await)
}

/// One user.
///
/// # Errors
/// For who may not say who works here; when there is no such user.
#[server(prefix = "/api/fn", endpoint = "user/person", input = GetUrl, output = Json)]
pub async fn get_person(
    /// The user's id.
    id: String,
) -> Answer<PersonPage> {
    use rapport_domain::{error::AppError, id::UserId};

    use kit::api::{answer, context, respond};
    let ctx = context()?;
    let id = id
        .parse::<UserId>()
        .map_err(|error| respond(AppError::from(error)))?;
    answer(rapport_service::user::person(&ctx, id).await)
}

/// The roles, with what they grant.
///
/// # Errors
/// For who may not say who works here.
#[server(prefix = "/api/fn", endpoint = "user/roles", input = GetUrl, output = Json)]
pub async fn get_roles() -> Answer<Vec<RoleView>> {
    use kit::api::{answer, context};
    answer(rapport_service::user::roles(&context()?).await)
}

/// The newest mails.
///
/// # Errors
/// For who may not say who works here.
#[server(prefix = "/api/fn", endpoint = "user/outbox", input = GetUrl, output = Json)]
pub async fn get_outbox() -> Answer<Outbox> {
    use kit::api::{answer, context};
    answer(rapport_service::mail::outbox(&context()?).await)
}
