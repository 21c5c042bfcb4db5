//! What the server knows of the request that it answers. The guard fills it before anything is rendered.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use rapport_domain::{live::Place, user::Me};
use rapport_service::{Ctx, Service, session::Browser};

use crate::{
    door::{Flash, FormState},
    theme::Theme,
};

/// One request, as pages and server functions see it.
#[derive(Clone)]
pub struct Visit {
    /// The service, for the few things that need nobody signed in.
    pub service: Service,
    /// Who is signed in.
    pub ctx: Option<Ctx>,
    /// Who is signed in without the second factor that everybody has to have: they may bring one, and nothing else.
    pub lacking: Option<Ctx>,
    /// The session's secret, to end it.
    pub session: Option<String>,
    /// Where the request comes from, as far as trusted proxies tell.
    pub address: IpAddr,
    /// The browser and its system, in words.
    pub browser: String,
    /// The id of the request in the log.
    pub request: Option<String>,
    /// Whether the browser speaks TLS, which decides the names of cookies.
    pub secure: bool,
    /// The colours the person chose.
    pub theme: Theme,
    /// Where the browser's program and style are.
    pub assets: Arc<Assets>,
    /// What the last form that succeeded has to say.
    pub flash: Option<Flash>,
    /// Of a page that is rendered for somebody: where it stands in the journal, and what it shows of who that is.
    pub arrival: Option<(Place, Me)>,
    /// The form that just failed without script, to be shown again.
    pub failed: Option<FormState>,
}

impl Visit {
    /// Who is signed in, also without the second factor that everybody has to have.
    #[must_use]
    pub fn someone(&self) -> Option<&Ctx> {
        self.ctx.as_ref().or(self.lacking.as_ref())
    }

    /// The cookie of the session; empty where nobody is signed in.
    #[must_use]
    pub fn cookie(&self) -> &str {
        self.session.as_deref().unwrap_or_default()
    }

    /// What a new session remembers of the browser, whose session until now ends.
    #[must_use]
    pub fn browser(&self) -> Browser<'_> {
        Browser {
            address: self.address,
            name: &self.browser,
            earlier: self.session.as_deref(),
        }
    }
}

/// The addresses of the browser's program, read once when the server starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// The script that loads the program.
    pub script: String,
    /// The program.
    pub program: String,
    /// The style.
    pub style: String,
    /// The script that loads parts of the program, if it is built in parts.
    pub loader: Option<String>,
    /// The files of each part of the program, by its name.
    pub parts: HashMap<String, Vec<String>>,
    /// What tells this build of the program from others, if it is built in parts.
    pub build: Option<String>,
}
