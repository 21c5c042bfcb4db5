//! What the pages of settings read.

use kit::api::{Answer, Json};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use rapport_domain::{
    api_key::{AllKeys, KeyView},
    appointment::AppointmentType,
    organisation::{Organisation, Profile},
    tag::Tag,
    user::security::Security,
};

/// What the installation is set to.
///
/// # Errors
/// For those who may not change it.
#[server(prefix = "/api/fn", endpoint = "settings/organisation", input = GetUrl, output = Json)]
pub async fn get_organisation() -> Answer<Organisation> {
    use kit::api::{answer, context};
    answer(rapport_service::organisation::get(&context()?).await)
}

/// What the person has set for themselves.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "settings/profile", input = GetUrl, output = Json)]
pub async fn get_profile() -> Answer<Profile> {
    use kit::api::{answer, context};
    answer(rapport_service::organisation::profile(&context()?).await)
}

/// The types of appointments.
///
/// # Errors
/// For those who may not change them.
#[server(prefix = "/api/fn", endpoint = "settings/types", input = GetUrl, output = Json)]
pub async fn get_types() -> Answer<Vec<AppointmentType>> {
    use kit::api::{answer, context};
    answer(rapport_service::appointment::types(&context()?).await)
}

/// The tags that customers have.
///
/// # Errors
/// For those who may not change them.
#[server(prefix = "/api/fn", endpoint = "settings/tags", input = GetUrl, output = Json)]
pub async fn get_tags() -> Answer<Vec<Tag>> {
    use kit::api::{answer, context};
    answer(rapport_service::tag::all(&context()?).await)
}

/// All keys there are.
///
/// # Errors
/// For who may not see the settings.
#[server(prefix = "/api/fn", endpoint = "settings/all-keys", input = GetUrl, output = Json)]
pub async fn get_all_keys() -> Answer<AllKeys> {
    use kit::api::{answer, context};
    answer(rapport_service::api_key::all(&context()?).await)
}

/// The person's own keys.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "settings/keys", input = GetUrl, output = Json)]
pub async fn get_keys() -> Answer<Vec<KeyView>> {
    use kit::api::{answer, context};
    answer(rapport_service::api_key::list(&context()?).await)
}

/// What guards the person's account.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/api/fn", endpoint = "settings/security", input = GetUrl, output = Json)]
pub async fn get_security() -> Answer<Security> {
    use kit::api::{answer, context, visit};
    answer(rapport_service::user::security(&context()?, visit()?.cookie()).await)
}
