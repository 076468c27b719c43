//! Entry points for the fuzz targets in `fuzz/`.

use std::path::Path;

use super::curl;
use super::examples;
use super::lenient_json;
use super::page::Page;
use super::shell;

/// Finds the examples of a page; every place found must lie in the page.
pub fn page(text: String) {
    let page = Page::parse(Path::new("page.md"), text);
    for example in examples::find(&page) {
        if let Some(fence) = page.fence(example.fence) {
            let place = fence.source_range(&example.request.span);
            assert!(page.text.get(place).is_some());
        }
        if let Some(response) = &example.response
            && let Some(fence) = page.fence(response.fence)
        {
            let _ = lenient_json::parse(&fence.content[response.range.clone()]);
        }
    }
}

/// Reads a command.
pub fn command(text: &str) {
    let _ = curl::parse(&shell::command(text, 0));
}
