//! Links that let people in. Their secrets are stored as hashes; who makes one sees it for a moment, and can copy it.

use std::{fmt::Display, time::Duration};

use crate::{Ctx, Result, Service, secret};

/// For how long the one who made a link sees it.
const SEEN_FOR: Duration = Duration::from_secs(10 * 60);

/// A new link: the path that holds its secret, and the hash that is stored.
pub(crate) struct Link {
    path: String,
    pub(crate) hash: String,
}

impl Link {
    /// A link under a page: `/join` or `/reset`.
    pub(super) fn new(page: &str) -> Self {
        let token = secret::token();
        Self {
            path: format!("{page}/{token}"),
            hash: secret::digest(&token),
        }
    }

    /// A link to a calendar.
    pub(crate) fn to_calendar() -> Self {
        let link = Self::new("/calendar");
        Self {
            path: format!("{}.ics", link.path),
            ..link
        }
    }

    /// As it stands in a mail.
    pub(super) fn address(&self, service: &Service) -> String {
        service.post().link(&self.path)
    }

    /// Lets the one who made it see it for a while. When Redis is away it is not seen, and has to be made anew.
    pub(crate) async fn show(&self, ctx: &Ctx, of: impl Display) -> Result<()> {
        show(ctx, of, &self.address(ctx.service())).await
    }
}

/// Lets the actor see a secret that they made for a while: once it is gone, nobody knows it.
pub(crate) async fn show(ctx: &Ctx, of: impl Display, secret: &str) -> Result<()> {
    let redis = ctx.service().redis();
    Ok(redis.set(&key(ctx, of), secret, SEEN_FOR).await?)
}

fn key(ctx: &Ctx, of: impl Display) -> String {
    format!("link:{}:{of}", ctx.actor().user)
}

/// What the actor made a moment ago: the link of an invitation, a user, their calendar; a key.
pub(crate) async fn seen(ctx: &Ctx, of: impl Display) -> Result<Option<String>> {
    Ok(ctx.service().redis().get(&key(ctx, of)).await?)
}
