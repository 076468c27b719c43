//! Parses any page without a panic; all offsets are within the page.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: String| standin_check::fuzz::page(text));
