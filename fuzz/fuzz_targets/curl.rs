//! Parses any command without a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: String| standin_check::fuzz::command(&text));
