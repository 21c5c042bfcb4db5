//! What the pages of links read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::user::{people::Invited, security::SecondFactor};

/// What an invitation says to the one who has its link.
///
/// # Errors
/// When it is not good any more.
#[server(name = ReadInvitation, prefix = "/api/fn", endpoint = "session/invited", input = GetUrl, output = Json)]
pub async fn invited(
    /// The secret of the link.
    token: String,
) -> Answer<Invited> {
    use kit::api::{answer, visit};
    let visit = visit()?;
    answer(rapport_service::user::invited(&visit.service, &token, visit.address).await)
}

/// The address whose password a link sets.
///
/// # Errors
/// When it is not good any more.
#[server(prefix = "/api/fn", endpoint = "session/resettable", input = GetUrl, output = Json)]
pub async fn resettable(
    /// The secret of the link.
    token: String,
) -> Answer<String> {
    use kit::api::{answer, visit};
    let visit = visit()?;
    answer(rapport_service::user::resettable(&visit.service, &token, visit.address).await)
}

/// The domains whose addresses may sign up by themselves.
///
/// # Errors
/// When the database does not answer.
#[server(prefix = "/api/fn", endpoint = "session/sign-up", input = GetUrl, output = Json)]
pub async fn sign_up_domains() -> Answer<Vec<String>> {
    use kit::api::{answer, visit};
    answer(rapport_service::user::sign_up_domains(&visit()?.service).await)
}

/// The person's second factor, or what turns it on.
///
/// # Errors
/// When nobody is signed in.
#[server(name = ReadFactor, prefix = "/api/fn", endpoint = "session/second-factor", input = GetUrl, output = Json)]
pub async fn second_factor() -> Answer<SecondFactor> {
    use kit::api::{answer, respond, visit};
    use rapport_domain::error::AppError;
    let visit = visit()?;
    let ctx = visit
        .someone()
        .ok_or_else(|| respond(AppError::Unauthenticated))?;
    answer(rapport_service::user::factor(ctx, visit.cookie()).await)
}
