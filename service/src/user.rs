//! The people who work here: the first set-up, accounts, what each may do, and what admins do about them.

mod account;
mod factor;
mod invitation;
mod link;
mod people;
mod present;
mod reassign;
mod reset;
mod setup;
mod team;

pub use account::{create, create_team, find_by_email, reset_by_link, reset_password};
pub use factor::{
    drop_factor, factor, new_recovery_codes, remove_factor, security, turn_off_factor, turn_on_factor,
};
pub use invitation::{
    invite, invited, join, renew_invitation, sign_up, sign_up_domains, withdraw_invitation,
};
pub use people::{deactivate, end_sessions, people, person, reactivate, roles, save_person};
pub use present::{actor, me, new_owner_options, options};
pub use reset::{change_password, console_link, forgot, new_password, reset_link, resettable};
pub use setup::{issue_setup_token, set_up, setup_needed};
pub use team::{new_team, remove_team, rename_team, teams};

pub(crate) use team::within as teams_within;

pub(crate) use account::{account, admit_program};
pub(crate) use factor::pass;
pub(crate) use link::{Link, seen as seen_secret, show as show_secret};
pub(crate) use present::{MYSELF, MYSELF_FROM, Myself, Present, STANDING, Standing, bookable, present};
pub(crate) use reassign::Move;
pub(crate) use reset::prove;
