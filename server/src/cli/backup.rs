//! `rapport backup` and `rapport restore`: the whole installation as one file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
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
    if archive.is_standard() {
        write_to(io::stdout().lock()).await?;
        return Ok(COMPLETE);
    }
    if archive.file.exists() {
        return Err(format!("{} is there already.", archive.file.display()).into());
    }
    // Under its own name only once it is whole.
    let part = part_of(&archive.file);
    let report = match write_part(&part).await {
        Ok(report) => report,
        Err(failure) => {
            // What is left of it is of no use; why it failed is what counts.
            let _ = fs::remove_file(&part);
            return Err(failure);
        }
    };
    fs::rename(&part, &archive.file)?;
    let folder = archive.file.parent().filter(|folder| folder.is_dir());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
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

/// Writes a new file for its owner only: it holds all that the installation knows.
async fn write_part(part: &Path) -> Result<Report, Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)
        .map_err(|why| format!("{}: {why}", part.display()))?;
    let report = write_to(BufWriter::new(&file)).await?;
    file.sync_all()?;
    Ok(report)
}

async fn write_to(out: impl Write) -> Result<Report, Failure> {
    let stores = Stores::from_env()?;
    let db = database::connect(&stores.database_url, 1).await.map_err(tell)?;
    backup::write(&db, Clock::default().now(), out)
        .await
        .map_err(tell)
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

fn count(report: &Report) -> String {
    let rows: u64 = report.rows.values().sum();
    format!("{rows} rows of {} tables", report.rows.len())
}
