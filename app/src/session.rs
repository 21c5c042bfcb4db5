//! Signing in, and the first set-up.

pub mod api;
pub mod page;

pub use page::{SetUpPage, SignInPage};
