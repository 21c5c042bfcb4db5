//! Keys of the REST API, from the console.

use clap::Subcommand;
use rapport_domain::{
    api_key::{KeyAccess, NewKey},
    error::AppError,
    form::Values,
    id::ApiKeyId,
};
use rapport_service::{api_key, user};

use super::{COMPLETE, Failure, acting, say, service, tell, told};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyOrder {
    /// Makes a key by which a program acts for somebody, and prints it, this once.
    Create {
        /// The address its owner signs in with.
        #[arg(long)]
        email: String,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// read or write.
        #[arg(long, default_value = "read")]
        access: KeyAccess,
        /// For how many days it is good: 30, 90, 365, or 0 for until it is revoked.
        #[arg(long, default_value = "90")]
        days: String,
    },
}

pub(super) async fn run(order: KeyOrder) -> Result<u8, Failure> {
    let KeyOrder::Create {
        email,
        name,
        access,
        days,
    } = order;
    let service = service().await?;
    let owner = user::find_by_email(&service, &email).await.map_err(tell)?;
    let nobody = || AppError::invalid("email", "Nobody here has this e-mail address.");
    let ctx = acting(&service, owner.ok_or_else(|| told(nobody()))?).await?;
    let id: ApiKeyId = ctx.clock().new_id();
    let values = Values::default()
        .with("id", id.to_string())
        .with("name", name)
        .with("access", access.word())
        .with("days", days);
    let new = NewKey::parse(&values).map_err(|fields| told(fields.into()))?;
    say(&api_key::make(&ctx, new).await.map_err(tell)?)?;
    Ok(COMPLETE)
}
