//! What the router works with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::HeaderValue;
use kit::{door::Form, visit::Assets};
use rapport_service::{Hold, Result, Service, live::Hub, network::Network, user};

use crate::assets::{Files, Site};

/// How long a request may take before it is told so, by class of route.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// A page, or a server function that reads.
    pub page: Duration,
    /// A form.
    pub form: Duration,
    /// A form with a password: long enough for a hash that had to wait for its turn.
    pub hash: Duration,
    /// A file on its way in or out, up to where it begins to flow.
    pub file: Duration,
    /// Reading the body of a request.
    pub body: Duration,
    /// A stream of news, at the least: nobody can tell from here whether its other end still reads. One that does comes
    /// back at once to where it was.
    pub stream: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            page: Duration::from_secs(1),
            form: Duration::from_secs(2),
            hash: Duration::from_secs(10),
            file: Duration::from_secs(10),
            body: Duration::from_secs(10),
            stream: Duration::from_secs(300),
        }
    }
}

impl Deadlines {
    /// How long a form may take.
    #[must_use]
    pub fn of(self, form: Form) -> Duration {
        match form {
            Form::SetUp
            | Form::SignIn
            | Form::Join
            | Form::ResetPassword
            | Form::ChangePassword
            | Form::TurnOnFactor
            | Form::TurnOffFactor
            | Form::NewRecoveryCodes
            | Form::EndSession
            | Form::EndOtherSessions => self.hash,
            _ => self.form,
        }
    }
}

/// What the router works with. Cheap to clone.
#[derive(Clone)]
pub struct State {
    parts: Arc<Parts>,
    service: Service,
    hsts_subdomains: bool,
}

struct Parts {
    live: Hub,
    assets: Arc<Assets>,
    files: Files,
    trusted_proxies: Vec<Network>,
    deadlines: Deadlines,
    /// Set once somebody works here; it never goes back.
    inhabited: AtomicBool,
}

impl State {
    /// Puts the parts together. Belongs into a tokio runtime.
    #[must_use]
    pub fn new(service: Service, site: Site, trusted_proxies: Vec<Network>, deadlines: Deadlines) -> Self {
        let assets = Arc::new(site.names());
        let parts = Parts {
            live: Hub::start(&service),
            files: Files::of(site, Arc::clone(&assets)),
            assets,
            trusted_proxies,
            deadlines,
            inhabited: AtomicBool::new(false),
        };
        Self {
            parts: Arc::new(parts),
            service,
            hsts_subdomains: false,
        }
    }

    /// Tells browsers to use TLS for all names below this one, too.
    #[must_use]
    pub fn with_subdomains(mut self) -> Self {
        self.hsts_subdomains = true;
        self
    }

    /// The same for one request, whose service asks on one connection until the second part is dropped.
    pub(crate) fn for_request(&self) -> (Self, Hold) {
        let (service, hold) = self.service.for_request();
        let state = Self {
            service,
            ..self.clone()
        };
        (state, hold)
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Who looks at the journal for all streams.
    #[must_use]
    pub fn live(&self) -> &Hub {
        &self.parts.live
    }

    pub(crate) fn assets(&self) -> &Arc<Assets> {
        &self.parts.assets
    }

    pub(crate) fn files(&self) -> &Files {
        &self.parts.files
    }

    pub(crate) fn trusted_proxies(&self) -> &[Network] {
        &self.parts.trusted_proxies
    }

    /// What browsers that come by TLS are told.
    pub(crate) fn hsts(&self) -> HeaderValue {
        HeaderValue::from_static(match self.hsts_subdomains {
            true => "max-age=31536000; includeSubDomains",
            false => "max-age=31536000",
        })
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        self.parts.deadlines
    }

    /// Whether nobody works here yet. Asks the database only until somebody does.
    pub(crate) async fn setup_needed(&self) -> Result<bool> {
        if self.parts.inhabited.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let needed = user::setup_needed(&self.service).await?;
        self.parts.inhabited.store(!needed, Ordering::Relaxed);
        Ok(needed)
    }
}
