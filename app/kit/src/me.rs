//! Who is signed in.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::user::Me;

use crate::api::{Answer, Json};

/// The person who looks at the page.
///
/// # Errors
/// When nobody is signed in.
#[server(name = ReadMe, prefix = "/api/fn", endpoint = "session/me", input = GetUrl, output = Json)]
pub async fn me() -> Answer<Me> {
    use crate::api::{answer, context, visit};
    if let Some((_, me)) = &visit()?.arrival {
        return Ok(me.clone());
    }
    answer(rapport_service::user::me(&context()?).await)
}
