//! Any command is read.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: String| standin_check::fuzz::command(&text));
