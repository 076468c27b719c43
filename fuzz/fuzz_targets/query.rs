#![no_main]
#[path = "../../tests/it/fuzz/checks.rs"]
#[allow(dead_code)]
mod checks;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::query(bytes));
