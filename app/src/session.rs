//! Signing in, and the first set-up.

pub mod api;
pub mod factor;
pub mod link;
pub mod page;

pub use factor::FactorPage;
pub use link::{ForgotPage, JoinPage, ResetPage, SignUpPage};
pub use page::{SetUpPage, SignInPage};
