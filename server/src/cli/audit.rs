//! The journal and its seal, from the console.

use clap::Subcommand;
use rapport_domain::audit::SealHead;
use rapport_service::seal::{self, Report};

use super::{COMPLETE, FAILED, Failure, say, service, tell, unchecked_service};

/// What can be done with the seal.
#[derive(Debug, Subcommand)]
pub(super) enum AuditOrder {
    /// Reads the whole journal and names the first block that is not what was sealed. Needs SEAL_KEY.
    Verify {
        /// A head that was kept before: proves that nothing sealed by then was taken away.
        #[arg(long)]
        head: Option<SealHead>,
    },
    /// Seals what is written by now and prints the head, to be kept where nobody changes it.
    Head,
    /// Begins a new seal with a new SEAL_KEY, for a key that was lost or that somebody else has.
    Renew,
}

pub(super) async fn run(order: AuditOrder) -> Result<u8, Failure> {
    match order {
        AuditOrder::Verify { head } => {
            let report = seal::verify(&unchecked_service().await?, head.as_ref())
                .await
                .map_err(tell)?;
            say_report(&report)
        }
        AuditOrder::Head => {
            let head = seal::head(&service().await?).await.map_err(tell)?;
            say(&head.to_string())?;
            Ok(COMPLETE)
        }
        AuditOrder::Renew => {
            let head = seal::renew(&unchecked_service().await?).await.map_err(tell)?;
            say("A new seal has begun. All servers need the new SEAL_KEY now. Its head:")?;
            say(&head.to_string())?;
            Ok(COMPLETE)
        }
    }
}

fn say_report(report: &Report) -> Result<u8, Failure> {
    let (commands, changes) = report.sealed;
    let block = report.head.as_ref().map_or(0, |head| head.number);
    say(&format!(
        "Blocks that hold: {block}, with {commands} commands and {changes} changes."
    ))?;
    if let Some(why) = &report.broken {
        say(&format!("NOT what was sealed. {why}"))?;
        return Ok(FAILED);
    }
    let (commands, changes) = report.waiting;
    say(&format!(
        "Signed, waiting for their block: {commands} commands and {changes} changes."
    ))?;
    if let Some(head) = &report.head {
        say(&format!("All of it is what was written. Head: {head}"))?;
    }
    Ok(COMPLETE)
}
