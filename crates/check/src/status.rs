//! The status that a page documents for an example, and where it does.

use std::ops::Range;

/// The documented status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The allowed statuses; the first is the one to show.
    pub statuses: Vec<u16>,
    /// Where it is documented.
    pub source: StatusSource,
    /// The range in the page.
    pub place: Option<Range<usize>>,
}

/// Where a status is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// `<!-- standin: status=404 -->`
    Directive,
    /// `testable: [NAME / 200,204]`
    FrontMatter,
    /// `HTTP/1.1 201 Created` in the response.
    StatusLine,
    /// `**Status:** 201` in a paragraph.
    Text,
    /// A heading or label.
    Heading,
    /// The member `status` of an error.
    Body,
    /// The first success row of a table of statuses.
    Table,
    /// Nowhere; this is what the method usually returns.
    Method,
}

impl StatusSource {
    /// The source for messages such as "the heading documents 201".
    pub fn description(self) -> &'static str {
        match self {
            StatusSource::Directive => "the comment above it",
            StatusSource::FrontMatter => "the front matter",
            StatusSource::Text => "the text",
            StatusSource::Heading => "the heading",
            StatusSource::StatusLine | StatusSource::Body => "the response",
            StatusSource::Table => "the table",
            StatusSource::Method => "the method",
        }
    }
}

/// The status of a method on success.
pub fn usual(method: &str) -> u16 {
    match method {
        "POST" => 201,
        "OPTIONS" => 204,
        _ => 200,
    }
}

/// A single allowed status.
pub fn one(status: u16, source: StatusSource, place: Option<Range<usize>>) -> Expected {
    Expected {
        statuses: vec![status],
        source,
        place,
    }
}
