//! Any page is read, and every place found in it lies in it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin::check::{examples, expect, page::Page};

fuzz_target!(|text: String| {
    let page = Page::parse(Path::new("page.md"), text);
    for example in examples::find(&page) {
        if let Some(fence) = page.fence(example.fence) {
            let place = fence.source_range(&example.span);
            assert!(page.text.get(place).is_some());
        }
        if let Some(response) = &example.response
            && let Some(fence) = page.fence(response.fence)
        {
            let _ = expect::parse(&fence.content[response.range.clone()]);
        }
    }
});
