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
            assert!(
                page.text.get(place.clone()).is_some(),
                "{place:?} in {}",
                page.text
            );
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages that are cut off, or lack a line, are read without a panic.
    #[test]
    fn damaged_pages_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/pages");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            // Every fourth line, and another one of each page.
            for at in (text.len() % 4..lines.len()).step_by(4) {
                let (above, below) = (lines[..at].concat(), lines[at + 1..].concat());
                page(format!("{above}{below}"));
                page(format!("{above}> {}{below}", lines[at]));
                page(format!("{above}{}{below}", lines[at].trim_end()));
                page(above);
                page(below);
            }
        }
    }
}
