//! Which batches stand taken back.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{Result, sql::sql};

#[derive(FromQueryResult)]
struct Link {
    id: Uuid,
    undo_of: Uuid,
}

/// Which batches were taken back, and not brought back since.
pub(crate) struct Undone(HashMap<Uuid, Vec<Uuid>>);

impl Undone {
    /// Asks it of these batches.
    pub(crate) async fn load(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<Self> {
        let links = Link::find_by_statement(sql(
            "WITH RECURSIVE chain AS ( \
                 SELECT id, undo_of FROM batch WHERE undo_of = ANY($1) AND state <> 'failed' \
                 UNION SELECT b.id, b.undo_of FROM batch b JOIN chain ON b.undo_of = chain.id \
                   WHERE b.state <> 'failed') \
             SELECT id, undo_of FROM chain",
            [ids.into()],
        ))
        .all(db)
        .await?;
        let mut undoers = HashMap::<Uuid, Vec<Uuid>>::new();
        for link in links {
            undoers.entry(link.undo_of).or_default().push(link.id);
        }
        Ok(Self(undoers))
    }

    /// Whether a batch was.
    pub(crate) fn is(&self, batch: Uuid) -> bool {
        self.0
            .get(&batch)
            .is_some_and(|undoers| undoers.iter().any(|undoer| !self.is(*undoer)))
    }
}
