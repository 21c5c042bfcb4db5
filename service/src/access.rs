//! The one place where a scope becomes a condition on rows.

use rapport_domain::{
    access::{Ability, Actor, Kind, Scope},
    error::AppError,
};

use crate::{Ctx, Result, sql::Sql};

/// Says no unless the ability reaches something at all.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn require(actor: &Actor, kind: Kind, ability: Ability) -> Result<Scope> {
    match actor.scope(kind, ability) {
        Scope::Nothing => Err(AppError::Forbidden.into()),
        scope => Ok(scope),
    }
}

/// As [`require`], for who acts here.
pub(crate) fn scope(ctx: &Ctx, kind: Kind, ability: Ability) -> Result<Scope> {
    require(ctx.actor(), kind, ability)
}

/// The scope as conditions on `customer c` that exclude each other, so that each can walk an index of its own.
fn branches(scope: Scope) -> Vec<Branch> {
    match scope {
        Scope::Nothing => Vec::new(),
        Scope::Own(user) => vec![Branch::Owner(user.0)],
        Scope::Team(user, team) => vec![Branch::Team(team.0), Branch::OwnerOutsideTeam(user.0, team.0)],
        Scope::All => vec![Branch::All],
    }
}

/// One part of a scope.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Branch {
    All,
    Owner(uuid::Uuid),
    Team(uuid::Uuid),
    OwnerOutsideTeam(uuid::Uuid, uuid::Uuid),
}

impl Branch {
    /// Adds it for a walk of an index. What is one's own outside the team would be looked for among all that is one's own,
    /// and mostly in vain: whether there is any is asked first, by the first and the last of the teams.
    pub(crate) fn push(self, sql: &mut Sql) {
        self.push_row(sql);
        if let Self::OwnerOutsideTeam(user, team) = self {
            sql.push(" AND (");
            push_end_of_teams(sql, user, "ASC");
            sql.push(" IS DISTINCT FROM ").bind(team).push(" OR ");
            push_end_of_teams(sql, user, "DESC");
            sql.push(" IS DISTINCT FROM ").bind(team).push(")");
        }
    }

    /// Adds it for rows that are known already.
    fn push_row(self, sql: &mut Sql) {
        match self {
            Self::All => sql.push("TRUE"),
            Self::Owner(user) => sql.push("c.owner_id = ").bind(user),
            Self::Team(team) => sql.push("c.team_id = ").bind(team),
            Self::OwnerOutsideTeam(user, team) => sql
                .push("c.owner_id = ")
                .bind(user)
                .push(" AND c.team_id IS DISTINCT FROM ")
                .bind(team),
        };
    }
}

/// Adds the first or the last of the teams in which customers of this person are; none comes last.
fn push_end_of_teams(sql: &mut Sql, user: uuid::Uuid, order: &str) {
    sql.push("(SELECT o.team_id FROM customer o WHERE o.deleted_at IS NULL AND o.owner_id = ")
        .bind(user)
        .push(&format!(" ORDER BY o.team_id {order} LIMIT 1)"));
}

/// Adds one query for each part of the scope, joined by `UNION ALL`; `query` writes it, in brackets, around the branch.
pub(crate) fn push_union(
    sql: &mut Sql,
    scope: Scope,
    mut query: impl FnMut(&mut Sql, Branch) -> Result<()>,
) -> Result<()> {
    for (place, branch) in branches(scope).into_iter().enumerate() {
        if place > 0 {
            sql.push(" UNION ALL ");
        }
        query(sql, branch)?;
    }
    Ok(())
}

/// Adds the whole scope as one condition on `customer c`.
pub(crate) fn push_scope(sql: &mut Sql, scope: Scope) {
    sql.push("(FALSE");
    for branch in branches(scope) {
        sql.push(" OR (");
        branch.push_row(sql);
        sql.push(")");
    }
    sql.push(")");
}

/// Adds the whole scope as one condition on `appointment a`: own means to be on its staff.
pub(crate) fn push_booked(sql: &mut Sql, scope: Scope) {
    let kept = "EXISTS (SELECT 1 FROM appointment_staff k WHERE k.appointment = a.id AND (k.staff = ";
    match scope {
        Scope::Nothing => sql.push("FALSE"),
        Scope::Own(user) => sql.push(kept).bind(user.0).push("))"),
        Scope::Team(user, team) => sql
            .push(kept)
            .bind(user.0)
            .push(" OR k.team = ")
            .bind(team.0)
            .push("))"),
        Scope::All => sql.push("TRUE"),
    };
}
