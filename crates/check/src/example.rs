//! An example of a page: a request and what is documented for it.

use std::ops::Range;

use serde_json::{Map, Value};

use super::directive::Directives;
use super::found::{FoundRequest, Problem};
use super::http_message::METHODS;
use super::lenient_json;
use super::node::{Item, Kind};
use super::page::Page;

/// A request of a page with what is documented for it.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The block of the request, as an index into the page's blocks.
    pub fence: usize,
    /// The request.
    pub request: FoundRequest,
    /// The block with the body of a request that names none itself.
    pub body: Option<usize>,
    /// Whether nothing says that this is what is sent.
    pub is_body_assumed: bool,
    /// Whether an empty object is sent, since the page shows no body.
    pub is_sent_empty: bool,
    /// The documented response.
    pub response: Option<ResponseBlock>,
    /// Whether the page says that there is no response body.
    pub no_body: bool,
    /// Blocks below the request that look like responses, but are not the one to it.
    pub unpaired: Vec<usize>,
    /// The block at which the example ends: the next request, or the end of the page.
    pub end: usize,
    /// The directives above the request.
    pub directives: Directives,
    /// The index of the front matter's `testable` entry for this example.
    pub testable: Option<usize>,
    /// The block that describes the endpoint of which this is a sample call.
    pub described_at: Option<usize>,
    /// Where the same request for another client ends that is below it in its block and shows the response to both.
    pub shares_with: Option<usize>,
    /// Whether this is the request of the example above, for another client: what it writes is written once.
    pub is_repeated: bool,
    /// Whether it creates for a program what a request further up creates: it is sent, and then taken back.
    pub is_variant: bool,
    /// Whether the id in its path is that of its response: the page shows a placeholder.
    pub has_sample_id: bool,
    /// Whether the page only mentions it, within a sentence or in a list of endpoints: it is sent, and nothing is known of
    /// its response.
    pub is_mention: bool,
}

/// A documented response: a code block, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseBlock {
    /// The block, as an index into the page's blocks.
    pub fence: usize,
    /// The range in the block's content.
    pub range: Range<usize>,
    /// Whether the page may mean the body of the request.
    pub doubtful: bool,
    /// The block above it that shows its status, and where.
    pub head: Option<(usize, Range<usize>)>,
}

impl Example {
    /// The page range of the request.
    pub fn request_range(&self, page: &Page) -> Range<usize> {
        page.fence(self.fence)
            .map_or(0..0, |fence| fence.source_range(&self.request.span))
    }

    /// The range of its URL in the page, if it has one.
    pub fn url_range(&self, page: &Page) -> Range<usize> {
        match (page.fence(self.fence), &self.request.written) {
            (Some(fence), Some(written)) => fence.source_range(&written.url_span),
            _ => 0..0,
        }
    }

    /// The line of the request.
    pub fn request_line(&self, page: &Page) -> usize {
        page.line(self.request_range(page).start)
    }

    /// Gives an endpoint whose body and response the page does not show an empty object: it tells whether the path and the
    /// status are right.
    pub fn send_empty(&mut self, page: &Page) {
        let is_endpoint = matches!(self.request.problem, Some(Problem::NoBody));
        let shown = self.response.as_ref();
        let shown =
            shown.and_then(|shown| Some(&page.fence(shown.fence)?.content[shown.range.clone()]));
        // JSON that cannot be read may be the body.
        let mut below = (self.fence + 1..self.end).filter_map(|at| page.fence(at));
        let shows_json = shown.is_some_and(|text| text.contains(['{', '[']))
            || below.any(|fence| fence.content.trim_start().starts_with(['{', '[']));
        if is_endpoint && !shows_json && !self.request.has_placeholder_in_path() {
            self.request.add_body("{}");
            self.is_sent_empty = true;
        }
    }

    /// Whether the page surely shows what it returns or a part of it, or it is not part of a program.
    pub fn is_shown(&self) -> bool {
        let is_sure = |response: &ResponseBlock| !response.doubtful;
        self.request.program().is_none()
            || self.no_body
            || !self.request.claims.is_empty()
            || self.response.as_ref().is_some_and(is_sure)
    }

    /// Whether its response has no body.
    pub fn is_of_headers(&self) -> bool {
        matches!(self.method(), "HEAD" | "OPTIONS")
    }

    /// The method that the server carries out; empty if the command could not be parsed.
    pub fn method(&self) -> &str {
        let Some(written) = &self.request.written else {
            return "";
        };
        let request = &written.request;
        let overridden = request.header("x-http-method-override");
        let known = |name: &&str| METHODS.contains(name) && request.method == "POST";
        overridden.filter(known).unwrap_or(&request.method)
    }
}

impl ResponseBlock {
    /// The object that it shows.
    pub fn record(&self, page: &Page) -> Option<Map<String, Value>> {
        let shown = page.fence(self.fence)?.content.get(self.range.clone())?;
        let read = lenient_json::parse_literals(shown, true).ok()?.body?;
        match read.to_value() {
            Value::Object(record) => Some(record),
            _ => None,
        }
    }

    /// Each of its JSON values, as several commands print them; empty if there is only one, or something else.
    pub fn values(&self, page: &Page) -> Vec<ResponseBlock> {
        let content = page
            .fence(self.fence)
            .map_or("", |fence| &fence.content[..self.range.end]);
        let read = lenient_json::values(content, self.range.start).ok();
        let body = read.and_then(|(read, is_one)| read.body.filter(|_| !is_one));
        let Some(Kind::Array(items)) = body.map(|body| body.kind) else {
            return Vec::new();
        };
        let value = |item: &Item| {
            let range = item.node()?.span.clone();
            Some(ResponseBlock {
                range,
                ..self.clone()
            })
        };
        items
            .iter()
            .map(value)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// A code block as a response.
    pub fn whole(page: &Page, fence: usize) -> ResponseBlock {
        let length = page.fence(fence).map_or(0, |fence| fence.content.len());
        ResponseBlock {
            fence,
            range: 0..length,
            doubtful: false,
            head: None,
        }
    }
}
