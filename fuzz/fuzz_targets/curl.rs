//! Any command is read, and one that gives a request reads back as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standin::check::{curl, shell};

fuzz_target!(|text: String| {
    let Ok(mut first) = curl::parse(&shell::command(&text, 0)) else { return };
    let written = curl::render(&first);
    let Ok(mut again) = curl::parse(&shell::command(&written, 0)) else { return };
    for request in [&mut first, &mut again] {
        request.url_span = 0..0;
        request.body_span = 0..0;
    }
    assert_eq!(first.url, again.url);
    assert_eq!(first.body, again.body);
});
