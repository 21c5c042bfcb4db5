#![no_main]

libfuzzer_sys::fuzz_target!(|data: &str| rapport_fuzz::text::cursor(data));
