//! What the router works with.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rapport_app::visit::Assets;
use rapport_service::{Result, Service, user};

use crate::{
    assets::{self, Files},
    config::Network,
};

/// How long a request may take before it is told so, by class of route.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// A page, or a server function that reads.
    pub page: Duration,
    /// A form: long enough for the hash of a sign-in that had to wait for its turn.
    pub form: Duration,
    /// Reading the body of a request.
    pub body: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            page: Duration::from_secs(1),
            form: Duration::from_secs(10),
            body: Duration::from_secs(10),
        }
    }
}

/// What the router works with. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

struct Parts {
    service: Service,
    assets: Arc<Assets>,
    files: Files,
    trusted_proxies: Vec<Network>,
    deadlines: Deadlines,
    /// Set once somebody works here; it never goes back.
    inhabited: AtomicBool,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(service: Service, site: &Path, trusted_proxies: Vec<Network>, deadlines: Deadlines) -> Self {
        Self(Arc::new(Parts {
            service,
            assets: Arc::new(assets::names(assets::hashes(site).as_deref())),
            files: Files::of(site),
            trusted_proxies,
            deadlines,
            inhabited: AtomicBool::new(false),
        }))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
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
