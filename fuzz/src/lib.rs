//! What readers of strangers' texts hold to, whatever comes. `script/fuzz` looks for what breaks it; the tests of the
//! crates feed all that was found so far, in `corpus/`, to the same functions.

#[cfg(feature = "cookie")]
pub mod cookie;
pub mod text;
