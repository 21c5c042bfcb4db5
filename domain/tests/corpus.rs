//! All that fuzzing has found so far, fed to the readers again: see `script/fuzz`.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::{fs, path::Path};

#[path = "../../fuzz/src/text.rs"]
#[expect(unreachable_pub, reason = "it is public where it is fuzzed")]
mod text;

/// What was kept for a target.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let all: Vec<Vec<u8>> = fs::read_dir(folder)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
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
