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
        let address = self.address(ctx.service());
        Ok(ctx
            .service()
            .redis()
            .set(&key(ctx, of), &address, SEEN_FOR)
            .await?)
    }
}

fn key(ctx: &Ctx, of: impl Display) -> String {
    format!("link:{}:{of}", ctx.actor().user)
}

/// The link that the actor made a moment ago, for an invitation, a user, their calendar.
pub(crate) async fn seen(ctx: &Ctx, of: impl Display) -> Result<Option<String>> {
    Ok(ctx.service().redis().get(&key(ctx, of)).await?)
}
