//! All cookies that fuzzing has found so far, read again: see `script/fuzz`.

use std::{fs, path::Path};

#[path = "../../../fuzz/src/cookie.rs"]
#[expect(unreachable_pub, reason = "it is public where it is fuzzed")]
mod cookie;

#[test]
fn cookies_hold_to_what_they_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/cookie");
    let mut many = 0;
    for file in fs::read_dir(folder).unwrap() {
        cookie::session(&fs::read(file.unwrap().path()).unwrap());
        many += 1;
    }
    assert!(many > 20, "{many}");
}
