//! Which endpoints exist, which are documented, and which are tested.

use std::collections::HashSet;
use std::fmt;

use super::Checked;
use super::run::{Judged, Verdict};
use super::url;

/// An endpoint and what the pages have of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The verb.
    pub method: &'static str,
    /// The resource.
    pub resource: String,
    /// Whether it is about one record of a collection.
    pub item: bool,
    /// Whether an example or a syntax template shows it.
    pub documented: bool,
    /// Whether an example of it was run and is as documented.
    pub tested: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}{}", self.method, self.resource, if self.item { "/{id}" } else { "" })
    }
}

/// Every endpoint of the databases that the pages use.
#[must_use]
pub fn of(checked: &Checked) -> Vec<Endpoint> {
    let mut out: Vec<Endpoint> = Vec::new();
    let mut seen = HashSet::new();
    for page in &checked.pages {
        let Some(source) = &page.source else { continue };
        if !seen.insert(source.database.path.clone()) {
            continue;
        }
        for resource in source.resources() {
            let verbs: &[(&'static str, bool)] = match source.records(resource) {
                Some(_) => {
                    &[("GET", false), ("POST", false), ("GET", true), ("PUT", true), ("PATCH", true), ("DELETE", true)]
                }
                None => &[("GET", false), ("POST", false), ("PUT", false), ("PATCH", false)],
            };
            for (method, item) in verbs {
                out.push(Endpoint {
                    method,
                    resource: resource.to_owned(),
                    item: *item,
                    documented: false,
                    tested: false,
                });
            }
        }
    }
    for judged in checked.pages.iter().flat_map(|page| &page.judged) {
        let Some(endpoint) = out.iter_mut().find(|endpoint| shows(judged, endpoint)) else { continue };
        let foreign = judged.verdict == Verdict::Skipped && judged.reason.starts_with("goes to ");
        endpoint.documented |= !foreign;
        endpoint.tested |= judged.verdict == Verdict::Pass;
    }
    out
}

fn shows(judged: &Judged, endpoint: &Endpoint) -> bool {
    let parts = url::segments(url::path_of(&judged.target));
    let at = parts.iter().position(|part| *part == endpoint.resource);
    judged.method == endpoint.method && at.is_some_and(|at| (parts.len() > at + 1) == endpoint.item)
}
