//! Webhooks: other programs are told of changes as they happen, by the Standard Webhooks specification.
//!
//! A webhook follows the journal: how far it was told stands with it, so that nothing is missed, whatever happens to the
//! servers. Its messages are written before they are sent, and sent in order until they arrive.

mod keep;
mod log;
mod message;
mod post;
mod teller;
mod ways;

pub use keep::{change, create, get, list, pause, remove, renew_secret, resume};
pub(crate) use log::sweep;
pub use log::{page, ping, send_again};
pub use teller::Teller;
pub use ways::{Host, Ways};
