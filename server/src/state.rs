//! What the router works with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rapport_app::{door::Form, visit::Assets};
use rapport_service::{Result, Service, live::Hub, network::Network, user};

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
            Form::SetUp | Form::SignIn | Form::Join | Form::ResetPassword | Form::ChangePassword => self.hash,
            _ => self.form,
        }
    }
}

/// What the router works with. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

struct Parts {
    service: Service,
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
        Self(Arc::new(Parts {
            live: Hub::start(&service),
            service,
            files: Files::of(site, Arc::clone(&assets)),
            assets,
            trusted_proxies,
            deadlines,
            inhabited: AtomicBool::new(false),
        }))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    /// Who looks at the journal for all streams.
    #[must_use]
    pub fn live(&self) -> &Hub {
        &self.0.live
    }

    pub(crate) fn assets(&self) -> &Arc<Assets> {
        &self.0.assets
    }

    pub(crate) fn files(&self) -> &Files {
        &self.0.files
    }

    pub(crate) fn trusted_proxies(&self) -> &[Network] {
        &self.0.trusted_proxies
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        self.0.deadlines
    }

    /// Whether nobody works here yet. Asks the database only until somebody does.
    pub(crate) async fn setup_needed(&self) -> Result<bool> {
        if self.0.inhabited.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let needed = user::setup_needed(&self.0.service).await?;
        self.0.inhabited.store(!needed, Ordering::Relaxed);
        Ok(needed)
    }
}
