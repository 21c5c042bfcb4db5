//! `rapport export`: customers as CSV on standard output.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use futures::TryStreamExt;
use rapport_domain::{error::AppError, query::ListQuery};
use rapport_service::customer::export;

use super::{COMPLETE, Failure, import::actor, service, tell, told};

#[derive(Debug, Subcommand)]
pub(super) enum ExportOrder {
    /// Customers as CSV.
    Customers(Customers),
}

#[derive(Debug, Args)]
pub(super) struct Customers {
    /// Which: the query of the list's address, such as `filter=1:city.is(Bath)`; all unless given.
    #[arg(default_value = "")]
    query: String,
    /// On whose behalf, by address; the first account that may make customers unless given.
    #[arg(long)]
    owner: Option<String>,
}

pub(super) async fn run(order: ExportOrder) -> Result<u8, Failure> {
    let ExportOrder::Customers(order) = order;
    let query = ListQuery::from_query_string(&order.query).map_err(|fields| told(AppError::from(fields)))?;
    let service = service().await?;
    let ctx = actor(&service, order.owner.as_deref()).await?;
    let mut pieces = std::pin::pin!(export::csv(&ctx, query).await.map_err(tell)?);
    let mut out = io::stdout().lock();
    while let Some(piece) = pieces.try_next().await.map_err(tell)? {
        out.write_all(piece.as_bytes())?;
    }
    out.flush()?;
    Ok(COMPLETE)
}
