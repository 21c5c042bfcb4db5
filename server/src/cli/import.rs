//! `rapport import`: a file of customers from the command line, by the same way as from the page.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant, UNIX_EPOCH},
};

use clap::{Args, Subcommand};
use rapport_domain::{
    access::{Ability, Actor, Grants, Kind, Reach},
    id::{ImportId, JobId, RoleId, UserId},
    import::{ImportReport, ImportView, Mapping, OnMatch},
    journal::Via,
};
use rapport_service::{
    Ctx, Service,
    import::{self, NewImport, Wishes},
    job::Worker,
    journal, user,
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{COMPLETE, Failure, INCOMPLETE, acting, say, service, tell};

/// How often the progress is looked up.
const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub(super) enum ImportOrder {
    /// Customers from a CSV file. Ends with 0 when all rows are in, with 2 when some need a person.
    Customers(Customers),
    /// Takes an import back: the newest one that stands, unless another is named. Ends with 0 when all of it went back,
    /// with 2 when something stayed because it was changed since.
    Revert {
        /// Its id, the last part of its page's address.
        import: Option<ImportId>,
        /// On whose behalf, by address; the first account that may make customers unless given.
        #[arg(long)]
        owner: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Customers {
    /// The file.
    file: PathBuf,
    /// Who owns what is made, by address; the first account that may make customers unless given.
    #[arg(long)]
    owner: Option<String>,
    /// The name of the system that the rows come from; from the file's name unless given. Rows that came from the same
    /// source before are known again.
    #[arg(long)]
    source: Option<String>,
    /// A file with the mapping of the columns as JSON, as `--show-map` prints it; guessed unless given.
    #[arg(long)]
    map: Option<PathBuf>,
    /// Prints the mapping that would be used, as JSON, and does nothing else.
    #[arg(long, conflicts_with_all = ["dry_run", "json"])]
    show_map: bool,
    /// What happens to customers that are here already.
    #[arg(long, value_enum, default_value = "skip")]
    on_match: Match,
    /// Works out what would happen, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Match {
    /// They stay as they are.
    Skip,
    /// What is empty is filled.
    FillEmpty,
    /// What differs is overwritten; contact points and tags are added.
    Update,
    /// Another record is made.
    Create,
}

impl From<Match> for OnMatch {
    fn from(wanted: Match) -> Self {
        match wanted {
            Match::Skip => Self::Skip,
            Match::FillEmpty => Self::FillEmpty,
            Match::Update => Self::Update,
            Match::Create => Self::Create,
        }
    }
}

pub(super) async fn run(order: ImportOrder) -> Result<u8, Failure> {
    match order {
        ImportOrder::Customers(order) => customers(order).await,
        ImportOrder::Revert { import, owner } => revert(import, owner.as_deref()).await,
    }
}

async fn revert(import: Option<ImportId>, owner: Option<&str>) -> Result<u8, Failure> {
    let service = service().await?;
    let ctx = actor(&service, owner).await?;
    let (id, batch) = match import {
        Some(id) => (id, import::get(&ctx, id).await.map_err(tell)?.batch),
        None => {
            let lines = import::list(&ctx, None).await.map_err(tell)?;
            let newest = lines
                .into_iter()
                .find(|line| line.batch.is_some() && !line.undone);
            let newest = newest.ok_or("There is no import to take back.")?;
            (newest.id, newest.batch)
        }
    };
    let batch = batch.ok_or("This import has written nothing.")?;
    let mut report = journal::undo(&ctx, batch).await.map_err(tell)?;
    if report.in_background {
        Worker::new(&service).work_off().await.map_err(tell)?;
        report = import::get(&ctx, id)
            .await
            .map_err(tell)?
            .taken_back
            .unwrap_or_default();
    }
    say(&format!(
        "{} customers taken back, {} left as they are.",
        report.undone, report.left
    ))?;
    for kept in &report.kept {
        let field = kept
            .field
            .as_ref()
            .map(|field| format!(", {field}"))
            .unwrap_or_default();
        say(&format!("  {}{field}: {}", kept.name, kept.reason))?;
    }
    Ok(if report.left == 0 { COMPLETE } else { INCOMPLETE })
}

async fn customers(order: Customers) -> Result<u8, Failure> {
    let bytes = File::open(&order.file).map_err(|why| of_file(&order.file, &why))?;
    let about = bytes.metadata().map_err(|why| of_file(&order.file, &why))?;
    if !about.is_file() {
        return Err(format!("{}: this is no file.", order.file.display()).into());
    }
    let mapping = order.map.as_deref().map(read_mapping).transpose()?;
    let service = service().await?;
    let ctx = actor(&service, order.owner.as_deref()).await?;
    let changed = about
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let new = NewImport {
        id: ctx.clock().new_id(),
        file: name(&order.file),
        size: about.len(),
        stamp: changed.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or_default()),
    };
    let wishes = Wishes {
        source: order.source,
        mapping,
        then: Some(order.on_match.into()),
    };
    let id = import::stage(&ctx, new, bytes, wishes).await.map_err(tell)?;
    if order.show_map {
        let settings = import::get(&ctx, id).await.map_err(tell)?.settings;
        import::forget(&ctx, id).await.map_err(tell)?;
        say(&serde_json::to_string_pretty(
            &settings.map(|settings| settings.mapping),
        )?)?;
        return Ok(COMPLETE);
    }
    let report = perform(&service, &ctx, id, order.dry_run).await?;
    say(&if order.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.to_string()
    })?;
    Ok(if report.is_complete() {
        COMPLETE
    } else {
        INCOMPLETE
    })
}

async fn perform(service: &Service, ctx: &Ctx, id: ImportId, dry_run: bool) -> Result<ImportReport, Failure> {
    let job = if dry_run {
        import::check(ctx, id).await
    } else {
        import::run(ctx, id).await
    };
    wait(service, ctx, id, job.map_err(tell)?).await?;
    let report = import::outcome(ctx, id).await.map_err(tell);
    if dry_run {
        import::forget(ctx, id).await.map_err(tell)?;
    }
    report
}

/// Does the job here, or follows another server that does it, and tells a terminal how far it is.
async fn wait(service: &Service, ctx: &Ctx, id: ImportId, job: JobId) -> Result<(), Failure> {
    let worker = Worker::new(service);
    let done = worker.wait_for(job);
    if !io::stderr().is_terminal() {
        return done.await.map_err(tell);
    }
    let began = Instant::now();
    let show = async {
        loop {
            sleep(LOOK_EVERY).await;
            if let Ok(view) = import::get(ctx, id).await {
                // Where even that cannot be written, nobody reads it.
                let _ = write!(io::stderr(), "\r\x1b[K{}", progress(&view, began.elapsed()));
            }
        }
    };
    let done = tokio::select! {
        done = done => done,
        () = show => Ok(()),
    };
    let _ = write!(io::stderr(), "\r\x1b[K");
    done.map_err(tell)
}

/// "45 %, 45,000 rows, 9,000 a second, 6 s left"
fn progress(view: &ImportView, elapsed: Duration) -> String {
    let Some(job) = &view.job else {
        return String::new();
    };
    let rows = view.report.as_ref().map_or(0, |report| report.rows);
    let seconds = elapsed.as_secs().max(1);
    let left = match job.done {
        0 => String::new(),
        done => format!(", {} s left", seconds * job.of.saturating_sub(done) / done),
    };
    format!(
        "{} %, {rows} rows, {} a second{left}",
        job.percent(),
        rows / seconds
    )
}

fn of_file(file: &Path, why: &io::Error) -> Failure {
    format!("{}: {why}", file.display()).into()
}

fn name(file: &Path) -> String {
    file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn read_mapping(file: &Path) -> Result<Mapping, Failure> {
    let text = std::fs::read_to_string(file).map_err(|why| of_file(file, &why))?;
    serde_json::from_str(&text).map_err(|why| format!("{}: this is no mapping: {why}", file.display()).into())
}

/// Who acts: the account of an address, or the oldest one that may make customers.
pub(super) async fn actor(service: &Service, owner: Option<&str>) -> Result<Ctx, Failure> {
    match owner {
        Some(email) => {
            let id = user::find_by_email(service, email).await.map_err(tell)?;
            let id = id.ok_or_else(|| format!("Nobody here signs in as {email}."))?;
            acting(service, id).await
        }
        None => first_maker_of_customers(service).await,
    }
}

/// The oldest account that may make customers anywhere: on most installations, whoever set it up.
async fn first_maker_of_customers(service: &Service) -> Result<Ctx, Failure> {
    // Whoever has the console may see who works here.
    let grants: Grants = [(Kind::User, Ability::Read, Reach::All)].into_iter().collect();
    let console = Actor {
        user: UserId(Uuid::nil()),
        name: "Console".to_owned(),
        team: None,
        role: RoleId(Uuid::nil()),
        grants,
        zone: "UTC".to_owned(),
    };
    let mut people = user::options(&service.acting(console, Via::Console))
        .await
        .map_err(tell)?;
    people.sort_by_key(|(id, _)| *id);
    for (id, _) in people {
        let ctx = acting(service, id).await?;
        if ctx.actor().grants.reach(Kind::Customer, Ability::Create) == Reach::All {
            return Ok(ctx);
        }
    }
    Err("Nobody here may make customers yet. Make the first account on the set-up page, or name one with --owner.".into())
}
