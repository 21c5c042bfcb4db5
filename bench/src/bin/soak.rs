//! Two servers behind HAProxy, and programs that work for long at a pace that leaves room.
//!
//! `script/bench soak 30`
//!
//! works for so many minutes and says every minute what the servers hold. Ends with 1 when anybody was told anything but
//! what they asked for, anything acknowledged is not there once, or memory does not stay flat: the last third of the
//! time may hold at most a twentieth more than the third before.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use rapport_bench::{Result, ended, programs::Work, say, scene::Scene, served::Release};
use rapport_service::seal;
use tokio::time::sleep;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each program rests after an answer: so that about half of what the machine can do is done.
const REST: Duration = Duration::from_millis(20);
const MINUTE: Duration = Duration::from_secs(60);
/// How much more the last third may hold.
const GROWTH: f64 = 1.05;

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure().await)
}

async fn measure() -> Result<bool> {
    let minutes: usize = std::env::args()
        .nth(1)
        .map_or(Ok(30), |minutes| minutes.parse())?;
    if minutes < 3 {
        return Err("three minutes at least: thirds are compared".into());
    }
    let scene = Scene::begin(Release::named()?).await?;
    let work = Work::begin(&scene.employer, REST);
    say(&format!(
        "{:>6} {:>8} {:>8} {:>7} {:>9} {:>5} {:>4}",
        "minute", "asked", "not now", "broken", "slowest s", "conn", "MB"
    ));
    let mut held = Vec::new();
    let began = Instant::now();
    for minute in 1..=minutes {
        let next = MINUTE * u32::try_from(minute)?;
        sleep(next.saturating_sub(began.elapsed())).await;
        let (asked, refused, broken) = work.log.counts();
        let memory = scene.memory()?;
        held.push(memory);
        say(&format!(
            "{minute:>6} {asked:>8} {refused:>8} {broken:>7} {:>9.2} {:>5} {memory:>4}",
            work.log.slowest().as_secs_f64(),
            scene.connections().await?,
        ));
    }
    let log = work.end().await?;
    let kept = scene.kept(&log.made()).await?;
    let (_, refused, broken) = log.counts();
    let third = held.len() / 3;
    let (before, last) = (
        most(&held[third..held.len() - third]),
        most(&held[held.len() - third..]),
    );
    let report = seal::verify(&scene.house.service, None).await?;
    say(&format!(
        "{} written, {} lost, {} twice, {} unasked, {} overlap; memory at most {before} MB in the second third, {last} in the last; {}",
        log.made().len(),
        kept.lost,
        kept.twice,
        kept.unasked,
        kept.overlaps,
        report
            .broken
            .clone()
            .unwrap_or_else(|| "the seal holds".to_owned())
    ));
    let flat = last as f64 <= before as f64 * GROWTH;
    let kept = kept.lost + kept.twice + kept.unasked == 0 && kept.overlaps == 0;
    Ok(flat && kept && refused + broken == 0 && report.broken.is_none())
}

fn most(held: &[u64]) -> u64 {
    held.iter().copied().max().unwrap_or_default()
}
