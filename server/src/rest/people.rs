//! The people who work here: users, teams, roles, invitations.

use axum::{Extension, Json, extract::Request, response::IntoResponse};
use http::HeaderMap;
use rapport_domain::{
    access::BuiltInRole,
    error::AppError,
    id::{InvitationId, TeamId, UserId},
    user::{
        Me,
        people::{Heir, Invitation, NewInvitation, Person, PersonPatch, RoleView, Team, team_name},
    },
};
use rapport_service::{Ctx, user};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::Object},
};
use uuid::Uuid;

use super::{
    Answer, By, ROOT,
    describe::{needing, words},
    input::{self, Id, Input, Posted, id, named},
    output::{self, Versioned, iso},
    tell,
};

fn roles_known() -> Object {
    words(BuiltInRole::EVERY.iter().map(|role| role.word()))
}

/// Whom a key acts for.
#[derive(Serialize, ToSchema)]
struct MeBody {
    id: Uuid,
    name: String,
    email: String,
    /// The role, in words.
    role: String,
    /// The team, by name.
    team: Option<String>,
    organisation: String,
}

/// Whom the key acts for.
#[utoipa::path(get, path = "/me", tag = "People", responses((status = 200, body = MeBody)))]
pub(super) async fn me(Extension(by): By) -> Answer {
    let Me {
        id,
        name,
        email,
        role,
        team,
        organisation,
        ..
    } = tell(user::me(&by.ctx).await)?;
    let me = MeBody {
        id: id.0,
        name,
        email,
        role,
        team,
        organisation,
    };
    Ok(Json(me).into_response())
}

/// Somebody who works here, by name.
#[derive(Serialize, ToSchema)]
struct UserLine {
    id: Uuid,
    name: String,
}

/// Those who work here, by name.
#[derive(Serialize, ToSchema)]
struct UserLines {
    data: Vec<UserLine>,
}

/// Those who work here, by name: who can own a customer and keep an appointment.
#[utoipa::path(get, path = "/staff", tag = "People", responses((status = 200, body = UserLines)))]
pub(super) async fn staff(Extension(by): By) -> Answer {
    let users = tell(user::options(&by.ctx).await)?.into_iter();
    let data = users.map(|(id, name)| UserLine { id: id.0, name }).collect();
    Ok(Json(UserLines { data }).into_response())
}

/// A user as admins see them.
#[derive(Serialize, ToSchema)]
struct UserBody {
    id: Uuid,
    /// Counts up with every change; the ETag says the same.
    version: i64,
    name: String,
    email: String,
    #[schema(schema_with = roles_known)]
    role: &'static str,
    team_id: Option<Uuid>,
    /// Whether they may sign in.
    active: bool,
}

impl Versioned for UserBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl UserBody {
    fn of(person: Person) -> Self {
        Self {
            id: person.id.0,
            version: person.version,
            name: person.name,
            email: person.email,
            role: person.role.word(),
            team_id: person.team.map(|team| team.0),
            active: person.active,
        }
    }
}

/// All users, also those whose account is closed.
#[derive(Serialize, ToSchema)]
struct UserList {
    data: Vec<UserBody>,
}

/// All users, also those whose account is closed; for admins.
#[utoipa::path(get, path = "/users", tag = "People", responses((status = 200, body = UserList)))]
pub(super) async fn users(Extension(by): By) -> Answer {
    let people = tell(user::people(&by.ctx).await)?.people;
    let data = people.into_iter().map(UserBody::of).collect();
    Ok(Json(UserList { data }).into_response())
}

/// One user; for admins.
#[utoipa::path(get, path = "/users/{id}", tag = "People", responses((status = 200, body = UserBody)))]
pub(super) async fn user(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let person = tell(whole(&by.ctx, id(path)?).await)?;
    Ok(output::record(&headers, &person))
}

async fn whole(ctx: &Ctx, id: UserId) -> rapport_service::Result<UserBody> {
    Ok(UserBody::of(user::person(ctx, id).await?.person))
}

/// What can be changed about a user. What is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct UserInput {
    #[schema(nullable = false, min_length = 1)]
    name: Option<String>,
    #[schema(nullable = false, format = Email)]
    email: Option<String>,
    #[schema(schema_with = roles_known)]
    role: Option<String>,
    /// Null for no team.
    team_id: Option<Uuid>,
    /// Whether their customers come along to the new team.
    customers_follow: Option<bool>,
}

impl Input for UserInput {
    const NAMES: &'static [(&'static str, &'static str)] =
        &[("team_id", "team"), ("customers_follow", "follow")];
}

/// Changes what somebody is here; for admins.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "People",
    request_body(content(
        (UserInput = "application/merge-patch+json"),
        (UserInput = "application/json"),
    )),
    responses((status = 200, body = UserBody))
)]
pub(super) async fn save_user(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: UserId = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::values::<UserInput>(&object)?;
    let rename = named::<UserInput>;
    let patch = PersonPatch::parse(&values, &values).map_err(|wrong| rename(wrong.into()))?;
    let (receipt, _) = tell(user::save_person(&by.ctx, id, seen, patch).await).map_err(rename)?;
    Ok(output::written(receipt, whole(&by.ctx, id).await))
}

/// Who takes over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct HeirInput {
    /// Who takes over customers and appointments to come: the id of a user, `nobody` for customers that nobody owns
    /// then, or `keep` for leaving all as it is.
    #[schema(
        example = "keep",
        pattern = "^(keep|nobody|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
    )]
    heir: String,
}

impl Input for HeirInput {}

/// What became of what somebody had.
#[derive(Serialize, ToSchema)]
struct HandedOver {
    /// How many customers went.
    customers: u64,
    /// How many appointments went.
    appointments: u64,
    /// How many appointments stayed, because the heir is taken then.
    stayed: u64,
    /// Whether customers are still on their way.
    in_background: bool,
}

/// Closes an account: they are signed out and their keys are good for nothing. For admins.
#[utoipa::path(
    post,
    path = "/users/{id}/deactivate",
    tag = "People",
    request_body = HeirInput,
    responses((status = 200, body = HandedOver))
)]
pub(super) async fn deactivate(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: UserId = id(path)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let values = input::fresh::<HeirInput>(object)?;
    let heir = Heir::parse(&values).map_err(AppError::from)?;
    let (receipt, handed) = tell(user::deactivate(&by.ctx, id, heir).await)?;
    let handed = HandedOver {
        customers: handed.customers,
        appointments: handed.appointments,
        stayed: handed.stayed,
        in_background: handed.in_background,
    };
    Ok(output::with_batch(Json(handed).into_response(), receipt.batch))
}

/// Opens an account again. For admins.
#[utoipa::path(post, path = "/users/{id}/reactivate", tag = "People", responses((status = 200, body = UserBody)))]
pub(super) async fn reactivate(Extension(by): By, path: Id) -> Answer {
    let id: UserId = id(path)?;
    let receipt = tell(user::reactivate(&by.ctx, id).await)?;
    Ok(output::written(receipt, whole(&by.ctx, id).await))
}

/// Ends all sessions of somebody and revokes their keys. For admins.
#[utoipa::path(
    post,
    path = "/users/{id}/end-sessions",
    tag = "People",
    responses((status = 204, description = "They are signed out everywhere."))
)]
pub(super) async fn end_sessions(Extension(by): By, path: Id) -> Answer {
    tell(user::end_sessions(&by.ctx, id(path)?).await)?;
    Ok(output::done(None))
}

/// A team.
#[derive(Serialize, ToSchema)]
struct TeamBody {
    id: Uuid,
    version: i64,
    name: String,
}

impl Versioned for TeamBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl TeamBody {
    fn of(team: Team) -> Self {
        Self {
            id: team.id.0,
            version: team.version,
            name: team.name,
        }
    }
}

/// All teams, by name.
#[derive(Serialize, ToSchema)]
struct TeamList {
    data: Vec<TeamBody>,
}

/// All teams, by name; for admins.
#[utoipa::path(get, path = "/teams", tag = "People", responses((status = 200, body = TeamList)))]
pub(super) async fn teams(Extension(by): By) -> Answer {
    let teams = tell(user::teams(&by.ctx).await)?;
    let data = teams.into_iter().map(TeamBody::of).collect();
    Ok(Json(TeamList { data }).into_response())
}

async fn team_of(ctx: &Ctx, id: TeamId) -> rapport_service::Result<TeamBody> {
    let teams = user::teams(ctx).await?;
    let team = teams.into_iter().find(|team| team.id == id);
    Ok(TeamBody::of(team.ok_or(AppError::NotFound)?))
}

/// The fields of a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct TeamInput {
    #[schema(min_length = 1)]
    name: String,
}

impl Input for TeamInput {}

/// Makes a team. For admins.
#[utoipa::path(
    post,
    path = "/teams",
    tag = "People",
    request_body = TeamInput,
    responses((status = 201, body = TeamBody))
)]
pub(super) async fn create_team(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let name = team_name(&posted.fields::<TeamInput>()?).map_err(AppError::from)?;
    let id: TeamId = posted.id(&by).await?;
    let receipt = tell(user::new_team(&by.ctx, id, name).await)?;
    Ok(output::made(
        &format!("{ROOT}/teams/{id}"),
        receipt,
        team_of(&by.ctx, id).await,
    ))
}

/// One team; for admins.
#[utoipa::path(get, path = "/teams/{id}", tag = "People", responses((status = 200, body = TeamBody)))]
pub(super) async fn team(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let team = tell(team_of(&by.ctx, id(path)?).await)?;
    Ok(output::record(&headers, &team))
}

/// Gives a team another name. For admins.
#[utoipa::path(
    patch,
    path = "/teams/{id}",
    tag = "People",
    request_body(content(
        (TeamInput = "application/merge-patch+json"),
        (TeamInput = "application/json"),
    )),
    responses((status = 200, body = TeamBody))
)]
pub(super) async fn rename_team(Extension(by): By, path: Id, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let id: TeamId = id(path)?;
    let seen = input::seen(&parts.headers)?;
    let (object, _) = input::object(&parts.headers, body).await?;
    let name = team_name(&input::values::<TeamInput>(&object)?).map_err(AppError::from)?;
    let receipt = tell(user::rename_team(&by.ctx, id, seen, name).await)?;
    Ok(output::written(receipt, team_of(&by.ctx, id).await))
}

/// Removes a team that nobody and nothing belongs to. For admins.
#[utoipa::path(
    delete,
    path = "/teams/{id}",
    tag = "People",
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn remove_team(Extension(by): By, path: Id, headers: HeaderMap) -> Answer {
    let receipt = tell(user::remove_team(&by.ctx, id(path)?, input::seen(&headers)?).await)?;
    Ok(output::done(receipt.batch))
}

/// A role, with what it grants.
#[derive(Serialize, ToSchema)]
struct RoleBody {
    #[schema(schema_with = roles_known)]
    role: &'static str,
    /// How many active users have it.
    members: i64,
    /// What it grants; what is not in it is denied.
    grants: Vec<GrantBody>,
}

/// One line of what a role grants.
#[derive(Serialize, ToSchema)]
struct GrantBody {
    /// Of which kind of record.
    #[schema(example = "customer")]
    kind: &'static str,
    #[schema(example = "update")]
    ability: &'static str,
    /// `own`, `team` or `all`.
    #[schema(example = "team")]
    reach: &'static str,
}

impl RoleBody {
    fn of(view: RoleView) -> Self {
        let grants = view.grants.into_iter().map(|grant| GrantBody {
            kind: grant.kind.word(),
            ability: grant.ability.word(),
            reach: grant.reach.word(),
        });
        Self {
            role: view.role.word(),
            members: view.members,
            grants: grants.collect(),
        }
    }
}

/// The roles.
#[derive(Serialize, ToSchema)]
struct RoleList {
    data: Vec<RoleBody>,
}

/// The roles, with what each grants; for admins.
#[utoipa::path(get, path = "/roles", tag = "People", responses((status = 200, body = RoleList)))]
pub(super) async fn roles(Extension(by): By) -> Answer {
    let roles = tell(user::roles(&by.ctx).await)?;
    let data = roles.into_iter().map(RoleBody::of).collect();
    Ok(Json(RoleList { data }).into_response())
}

/// Somebody who was asked to join and has not yet.
#[derive(Serialize, ToSchema)]
struct InvitationBody {
    id: Uuid,
    email: String,
    #[schema(schema_with = roles_known)]
    role: &'static str,
    /// The team they will join, by name.
    team: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Whether its link is still good.
    open: bool,
}

impl InvitationBody {
    fn of(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.0,
            email: invitation.email,
            role: invitation.role.word(),
            team: invitation.team,
            created_at: iso(invitation.at.at),
            open: invitation.until.is_some(),
        }
    }
}

/// Open invitations, newest first.
#[derive(Serialize, ToSchema)]
struct InvitationList {
    data: Vec<InvitationBody>,
}

/// Open invitations, newest first; for admins.
#[utoipa::path(get, path = "/invitations", tag = "People", responses((status = 200, body = InvitationList)))]
pub(super) async fn invitations(Extension(by): By) -> Answer {
    let invitations = tell(user::people(&by.ctx).await)?.invitations;
    let data = invitations.into_iter().map(InvitationBody::of).collect();
    Ok(Json(InvitationList { data }).into_response())
}

async fn invitation_of(ctx: &Ctx, id: InvitationId) -> Result<InvitationBody, AppError> {
    let open = tell(user::people(ctx).await)?.invitations;
    let found = open.into_iter().find(|invitation| invitation.id == id);
    Ok(InvitationBody::of(found.ok_or(AppError::NotFound)?))
}

/// Somebody to be asked in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct InvitationFields {
    #[schema(format = Email, nullable = false)]
    email: Option<String>,
    #[schema(schema_with = roles_known)]
    role: Option<String>,
    /// The team they will join.
    team_id: Option<Uuid>,
}

impl Input for InvitationFields {
    const NAMES: &'static [(&'static str, &'static str)] = &[("team_id", "team")];
}

/// What is needed of them.
struct NewInvitationInput;

impl PartialSchema for NewInvitationInput {
    fn schema() -> RefOr<Schema> {
        needing::<InvitationFields>(&["email", "role"])
    }
}

impl ToSchema for NewInvitationInput {}

/// Asks somebody in by a mail. Its link is for people: an admin sees it in the panel. For admins.
#[utoipa::path(
    post,
    path = "/invitations",
    tag = "People",
    request_body = NewInvitationInput,
    responses((status = 201, body = InvitationBody))
)]
pub(super) async fn invite(Extension(by): By, request: Request) -> Answer {
    let mut posted = Posted::read(request).await?;
    let values = posted.fields::<InvitationFields>()?;
    let rename = named::<InvitationFields>;
    let id: InvitationId = posted.id(&by).await?;
    let new =
        NewInvitation::parse(&values.with("id", id.to_string())).map_err(|wrong| rename(wrong.into()))?;
    let receipt = tell(user::invite(&by.ctx, new).await).map_err(rename)?;
    let response = match invitation_of(&by.ctx, id).await {
        Ok(invitation) => (http::StatusCode::CREATED, Json(invitation)).into_response(),
        // It was taken up, or withdrawn, in the same moment.
        Err(_) => output::done(None),
    };
    Ok(output::with_batch(response, receipt.batch))
}

/// Makes a new link for an invitation, and mails it; the one before is not good any more. For admins.
#[utoipa::path(
    post,
    path = "/invitations/{id}/renew",
    tag = "People",
    responses((status = 200, body = InvitationBody))
)]
pub(super) async fn renew_invitation(Extension(by): By, path: Id) -> Answer {
    let id: InvitationId = id(path)?;
    tell(user::renew_invitation(&by.ctx, id).await)?;
    Ok(Json(invitation_of(&by.ctx, id).await?).into_response())
}

/// Takes an invitation back: its link leads nowhere from then on. For admins.
#[utoipa::path(
    delete,
    path = "/invitations/{id}",
    tag = "People",
    responses((status = 204, description = "It is withdrawn."))
)]
pub(super) async fn withdraw_invitation(Extension(by): By, path: Id) -> Answer {
    let receipt = tell(user::withdraw_invitation(&by.ctx, id(path)?).await)?;
    Ok(output::done(receipt.batch))
}
