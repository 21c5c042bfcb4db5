//! What the benches share: a town of generated people to measure in, a way to load a server, and a look at what it and
//! PostgreSQL spend on that.

pub mod far;
pub mod load;
pub mod pgbench;
pub mod process;
pub mod programs;
pub mod scene;
pub mod served;
pub mod town;

use std::{
    error::Error,
    io::{Write, stdout},
    process::ExitCode,
};

/// What a bench could not do.
pub type Failure = Box<dyn Error + Send + Sync>;
/// What a bench did.
pub type Result<T> = std::result::Result<T, Failure>;

/// Says a line at once.
pub fn say(line: &str) {
    // Nobody reads it: then there is nobody to tell that either.
    let _ = writeln!(stdout(), "{line}");
}

/// How a bench ends: with 1 when a budget was passed, or it could not be measured.
#[must_use]
pub fn ended(result: Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("It could not be measured: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The value below which so many of a hundred lie; the list is sorted.
#[must_use]
pub fn percentile(sorted: &[f64], of_hundred: usize) -> f64 {
    let place = (sorted.len() * of_hundred).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}
