//! Giving all of somebody's customers to another owner or team: part of the command that asks for it, in one batch.

use rapport_domain::{
    id::{TeamId, UserId},
    journal::Op,
};
use sea_orm::{DatabaseTransaction, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Result,
    bulk::Taken,
    journal::{Change, RecordKind},
    sql::{Sql, sql},
};

/// Whose customers go where. It stands in the batch's detail, so that any server can go on with it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Move {
    user: Uuid,
    /// Whether they get another owner, not only another team.
    owned_anew: bool,
    owner: Option<Uuid>,
    team: Option<Uuid>,
}

impl Move {
    /// To another team, with their owner.
    pub(super) fn to_team(user: UserId, team: Option<TeamId>) -> Self {
        Self {
            user: user.0,
            owned_anew: false,
            owner: None,
            team: team.map(|team| team.0),
        }
    }

    /// To another owner and the team of that one; or to nobody.
    pub(super) fn to_owner(user: UserId, heir: Option<(Uuid, Option<Uuid>)>) -> Self {
        Self {
            user: user.0,
            owned_anew: true,
            owner: heir.map(|(owner, _)| owner),
            team: heir.and_then(|(_, team)| team),
        }
    }

    /// Asks for the customers that have not gone yet, those in the trash among them.
    pub(crate) fn left(&self, most: i64) -> Statement {
        let mut sql = Sql::new("SELECT id FROM customer WHERE owner_id = ");
        sql.bind(self.user).push(" AND (").bind(self.owned_anew);
        sql.push(" OR team_id IS DISTINCT FROM ")
            .bind(self.team)
            .push(")");
        sql.limit(most);
        sql.done()
    }

    /// The changes of those among these customers that have not gone yet, which are held still.
    pub(crate) async fn of_these(
        &self,
        tx: &DatabaseTransaction,
        customers: Vec<Uuid>,
        taken: Taken,
    ) -> Result<Vec<Change>> {
        let text = format!(
            "SELECT id, team_id AS team FROM customer WHERE id = ANY($4) AND owner_id = $1 \
             AND ($2 OR team_id IS DISTINCT FROM $3) ORDER BY id {}",
            taken.lock()
        );
        let values = [
            self.user.into(),
            self.owned_anew.into(),
            self.team.into(),
            customers.into(),
        ];
        let owned = Owned::find_by_statement(sql(&text, values)).all(tx).await?;
        Ok(owned.into_iter().map(|customer| self.change(&customer)).collect())
    }

    fn change(&self, customer: &Owned) -> Change {
        let mut change = Change::bare(RecordKind::Customer, customer.id, customer.id, Op::Update);
        let mut set = |column: &str, was: Option<Uuid>, becomes: Option<Uuid>| {
            if was != becomes {
                change.before.insert(column.to_owned(), json!(was));
                change.after.insert(column.to_owned(), json!(becomes));
            }
        };
        set("team_id", customer.team, self.team);
        if self.owned_anew {
            set("owner_id", Some(self.user), self.owner);
        }
        change
    }
}

#[derive(FromQueryResult)]
struct Owned {
    id: Uuid,
    team: Option<Uuid>,
}
