//! Any page is read, and every place found in it lies in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: String| standin_check::fuzz::page(text));
