//! All cookies that the fuzzer begins with, and that taught it something, read again: see `script/fuzz`.

use std::{fs, path::Path};

#[path = "../../../../fuzz/src/cookie.rs"]
#[expect(unreachable_pub, reason = "it is public where it is fuzzed")]
mod cookie;

#[test]
fn cookies_hold_to_what_they_promise() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/cookie.hex");
    let all = fs::read_to_string(file).unwrap();
    assert!(all.lines().count() > 20, "{all}");
    for line in all.lines() {
        let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
        let header: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
        cookie::session(&header);
    }
}
