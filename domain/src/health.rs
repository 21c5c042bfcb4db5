//! How the installation is, for admins.

use serde::{Deserialize, Serialize};

/// One of the stores that the program stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// Its version, as it says it itself.
    pub version: String,
    /// How long a question and its answer took, in microseconds.
    pub micros: u64,
    /// How much it holds, in bytes.
    pub bytes: u64,
}

/// How the installation is at this moment, as one of its servers sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// PostgreSQL; what it holds is this database.
    pub postgres: Store,
    /// Redis; what it holds is all of its memory.
    pub redis: Store,
    /// Connections to PostgreSQL: open ones, those without work, and the most there may be.
    pub connections: (u32, u32, u32),
    /// How many steps the schema has taken, and the name of the last.
    pub schema: (u32, String),
    /// Work in the background: waiting or under way, and failed in the last week.
    pub jobs: (u32, u32),
    /// Mail: waiting, and given up.
    pub mails: (u32, u32),
}

/// A number of bytes for people: "3.4 MB".
#[must_use]
pub fn bytes_said(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut unit = 0;
    // In tenths.
    let mut size = u128::from(bytes) * 10;
    while size >= 10_240 && unit + 1 < UNITS.len() {
        size /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        format!("{bytes} {name}")
    } else {
        format!("{}.{} {name}", size / 10, size % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::bytes_said;

    #[test]
    fn bytes_are_said_in_a_unit_that_fits() {
        assert_eq!(bytes_said(0), "0 B");
        assert_eq!(bytes_said(1023), "1023 B");
        assert_eq!(bytes_said(1024), "1.0 KB");
        assert_eq!(bytes_said(3_565_158), "3.3 MB");
        assert_eq!(bytes_said(u64::MAX), "16777215.9 TB");
    }
}
