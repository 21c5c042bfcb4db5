//! `rapport backup` and `rapport restore`: the whole installation as one file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use rapport_service::{
    backup::{self, Report},
    clock::Clock,
    database,
};

use super::{COMPLETE, Failure, say, tell};
use crate::config::Stores;

/// The name for standard output, or input.
const STANDARD: &str = "-";

#[derive(Debug, Args)]
pub(super) struct Archive {
    /// The file; - is standard output, or input.
    file: PathBuf,
}

impl Archive {
    fn is_standard(&self) -> bool {
        self.file.as_os_str() == STANDARD
    }
}

pub(super) async fn write(archive: Archive) -> Result<u8, Failure> {
    let stores = Stores::from_env()?;
    let db = database::connect(&stores.database_url, 1).await.map_err(tell)?;
    let now = Clock::default().now();
    if archive.is_standard() {
        backup::write(&db, now, io::stdout().lock()).await.map_err(tell)?;
        return Ok(COMPLETE);
    }
    if archive.file.exists() {
        return Err(format!("{} is there already.", archive.file.display()).into());
    }
    // Under its own name only once it is whole.
    let part = part_of(&archive.file);
    let written = backup::write(&db, now, BufWriter::new(begin(&part)?)).await;
    let report = match written {
        Ok(report) => report,
        Err(error) => {
            fs::remove_file(&part)?;
            return Err(tell(error));
        }
    };
    File::open(&part)?.sync_all()?;
    fs::rename(&part, &archive.file)?;
    let size = fs::metadata(&archive.file)?.len();
    say(&format!(
        "{} holds {}, in {} MB. Keep SEAL_KEY, too, and not beside it.",
        archive.file.display(),
        count(&report),
        size.div_ceil(1 << 20)
    ))?;
    Ok(COMPLETE)
}

pub(super) async fn read(archive: Archive) -> Result<u8, Failure> {
    let stores = Stores::from_env()?;
    let db = database::connect(&stores.database_url, 2).await.map_err(tell)?;
    let report = if archive.is_standard() {
        backup::read(&db, io::stdin().lock()).await
    } else {
        let file = File::open(&archive.file).map_err(|why| format!("{}: {why}", archive.file.display()))?;
        backup::read(&db, file).await
    };
    let report = report.map_err(tell)?;
    say(&format!(
        "What stood at {} (Rapport {}) is back: {}.",
        report.head.at.format("%Y-%m-%d %H:%M UTC"),
        report.head.version,
        count(&report)
    ))?;
    Ok(COMPLETE)
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// A new file for its owner only: it holds all that the installation knows.
fn begin(part: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part);
    file.map_err(|why| format!("{}: {why}", part.display()).into())
}

fn count(report: &Report) -> String {
    let rows: u64 = report.rows.values().sum();
    format!("{rows} rows of {} tables", report.rows.len())
}
