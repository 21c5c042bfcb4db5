//! What others do, told to those who look, as it happens.
//!
//! Each server follows the journal for all its streams together, as long as it has any: what is written is found whoever
//! wrote it, on whichever server, and a writer announces nothing. A [`Listener`] passes on what its person may know.

mod hub;
mod listener;
mod looking;

pub use hub::Hub;
pub use listener::{Listener, Placed, arrive, listen};
pub use looking::here;
