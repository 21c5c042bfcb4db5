//! What processes of this machine spend, as Linux counts it.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{Failure, Result};

/// Ticks of `/proc` in a second: what every Linux that Rust runs on says.
const TICKS: f64 = 100.0;

/// What processes have spent so far.
#[derive(Debug, Clone)]
pub enum Spender {
    /// One process, with all its threads.
    One(u32),
    /// A process, all it has started, and all those that are gone already.
    Family(u32),
}

impl Spender {
    /// CPU in milliseconds since it began.
    ///
    /// # Errors
    /// When it is gone.
    pub fn milliseconds(&self) -> Result<f64> {
        match self {
            Self::One(id) => Ok(Stat::of(*id)?.own),
            Self::Family(id) => {
                let parent = Stat::of(*id)?;
                // One that is gone meanwhile is among those that its parent counts.
                let children = children(*id)?
                    .into_iter()
                    .filter_map(|child| Stat::of(child).ok());
                Ok(parent.own + parent.gone + children.map(|stat| stat.own).sum::<f64>())
            }
        }
    }
}

/// The memory that a process holds, in MB, and the most that it ever did.
///
/// # Errors
/// When it is gone.
pub fn resident(id: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let megabytes = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes: u64 = line
            .ok_or("no memory in /proc")?
            .trim()
            .trim_end_matches(" kB")
            .parse()?;
        Ok(kilobytes >> 10)
    };
    Ok((megabytes("VmRSS:")?, megabytes("VmHWM:")?))
}

/// The processes that a process has started.
///
/// # Errors
/// Where there is no `/proc`.
pub fn children(id: u32) -> Result<Vec<u32>> {
    let all = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(all
        .filter(|child| parent(*child).is_ok_and(|parent| parent == id))
        .collect())
}

/// The process that started another one.
///
/// # Errors
/// When it is gone.
pub fn parent(id: u32) -> Result<u32> {
    Ok(Stat::of(id)?.parent)
}

/// Tells a process something by a signal, such as `TERM`. One that is gone needs nothing.
///
/// # Errors
/// Where there is no `kill`.
pub fn signal(id: u32, name: &str) -> Result<()> {
    Command::new("kill")
        .arg(format!("-{name}"))
        .arg(id.to_string())
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}

/// Keeps processes from running for a while.
///
/// # Errors
/// Where there is no `kill`.
pub async fn freeze(processes: &[u32], time: Duration) -> Result<()> {
    let _frozen = Frozen(processes);
    for id in processes {
        signal(*id, "STOP")?;
    }
    sleep(time).await;
    Ok(())
}

/// Lets processes run a tenth of the time only, in short turns, for a while.
///
/// # Errors
/// Where there is no `kill`.
pub async fn slow(processes: &[u32], time: Duration) -> Result<()> {
    let over = Instant::now() + time;
    while Instant::now() < over {
        freeze(processes, Duration::from_millis(90)).await?;
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Processes that stand still until this is dropped, whatever happens.
struct Frozen<'a>(&'a [u32]);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        for id in self.0 {
            // Without a `kill` they could not have been stopped.
            let _ = signal(*id, "CONT");
        }
    }
}

/// What `/proc` says of a process.
struct Stat {
    parent: u32,
    /// CPU of its own and of its children that are gone, in milliseconds.
    own: f64,
    gone: f64,
}

impl Stat {
    fn of(id: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Its name may hold anything, up to the last bracket.
        let (_, rest) = stat.rsplit_once(") ").ok_or("no process")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |place: usize| -> Result<f64> {
            let field = fields.get(place).ok_or("a short line in /proc")?;
            Ok(field.parse::<f64>()?)
        };
        let milliseconds =
            |first: usize| Ok::<_, Failure>((number(first)? + number(first + 1)?) / TICKS * 1_000.0);
        Ok(Self {
            parent: fields.get(1).ok_or("a short line in /proc")?.parse()?,
            own: milliseconds(11)?,
            gone: milliseconds(13)?,
        })
    }
}
