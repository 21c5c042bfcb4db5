//! What the installation is set to.

use serde::{Deserialize, Serialize};

/// When the organisation is open: for each day from Monday on, the minutes from which and up to which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hours(pub [Option<(u16, u16)>; 7]);

impl Default for Hours {
    fn default() -> Self {
        let open = Some((9 * 60, 17 * 60));
        Self([open, open, open, open, open, None, None])
    }
}

impl Hours {
    /// The hours of a day: 0 is Monday.
    #[must_use]
    pub fn on(&self, weekday: u8) -> Option<(u16, u16)> {
        self.0.get(usize::from(weekday)).copied().flatten()
    }
}
