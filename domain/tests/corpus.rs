//! All that fuzzing has found so far, fed to the readers again: see `script/fuzz`.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::{fs, path::Path};

#[path = "../../fuzz/src/text.rs"]
#[expect(unreachable_pub, reason = "it is public where it is fuzzed")]
mod text;

/// What was kept for a target: an input a line, its bytes in hexadecimal digits.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/corpus/{target}.hex"));
    let all = fs::read_to_string(file).unwrap();
    let byte = |line: &str, at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
    let all: Vec<Vec<u8>> = all
        .lines()
        .map(|line| (0..line.len()).step_by(2).map(|at| byte(line, at)).collect())
        .collect();
    assert!(all.len() > 20, "{} for {target}", all.len());
    all
}

#[test]
fn files_hold_to_what_they_promise() {
    for file in kept("csv") {
        text::csv(&file);
    }
}

#[test]
fn filters_hold_to_what_they_promise() {
    for filter in kept("filter") {
        text::filter(&String::from_utf8_lossy(&filter));
    }
}

#[test]
fn places_in_lists_hold_to_what_they_promise() {
    for place in kept("cursor") {
        text::cursor(&String::from_utf8_lossy(&place));
    }
}
