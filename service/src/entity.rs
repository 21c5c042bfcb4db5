//! The tables, as SeaORM reads them. No entity leaves this crate.
#![expect(unreachable_pub, reason = "what the derives expect")]

pub(crate) mod role;
pub(crate) mod setting;
pub(crate) mod team;
pub(crate) mod user;
