//! The path in front of the resources on pages about a service that has one, such as `/api/v1`.

use std::sync::LazyLock;

use regex::Regex;

use super::example::Example;
use super::text::{is_misspelt, is_one_of};
use super::url;

/// The version in the prefix of an API.
static VERSION: LazyLock<Regex> = regex!(r"^v\d");

/// Whether a part of a path is a usual one in front of the resources of an API.
pub fn is_of_api(segment: &str) -> bool {
    is_one_of(segment, "api rest") || VERSION.is_match(segment)
}

/// The most frequent prefix of the requests of a page, if none of those that name this machine is without one.
pub fn of_page(examples: &[Example], resources: &[&str]) -> Option<String> {
    let mut prefixes: Vec<String> = Vec::new();
    for example in examples {
        let Some(written) = &example.request.written else {
            continue;
        };
        let target = &written.request.target;
        if !target.starts_with('/') && !url::has_base(target) {
            continue;
        }
        let segments = url::segments(url::path_of(target));
        let at = segments
            .iter()
            .position(|name| resources.contains(&&**name));
        match at {
            // A path alone may be below the prefix, too.
            Some(0) if url::this_machine(target).is_some() => return None,
            Some(at) if at > 0 && is_prefix(&segments[..at], resources) => {
                prefixes.push(format!("/{}", segments[..at].join("/")));
            }
            _ => {}
        }
    }
    let count = |prefix: &&String| prefixes.iter().filter(|other| other == prefix).count();
    prefixes.iter().rev().max_by_key(count).cloned()
}

/// Whether segments in front of a resource are a prefix, and not the path of a resource that is missing.
fn is_prefix(segments: &[String], resources: &[&str]) -> bool {
    let is_word = |name: &String| {
        let mut letters = name.chars();
        letters.all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !name.bytes().all(|byte| byte.is_ascii_digit())
            && !is_misspelt(name, resources)
    };
    segments.len() <= 3
        && segments.iter().all(is_word)
        && segments.iter().any(|name| is_of_api(name))
}
