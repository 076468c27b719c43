//! Endpoints: a method and a URL without a command. Some are requests, and some only name one.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use super::addresses;
use super::blocks::Prose;
use super::found::{FoundRequest, Problem};
use super::http_message::METHODS;
use super::labels::{self, Announces};
use super::mentions;
use super::page::{Block, Fence, Heading, Page, Table};
use super::pairing;
use super::requests;
use super::status_text;
use super::text::{is_one_of, line_start, pattern};
use super::url;

static METHOD: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"^\W*(?i:",
        labels::METHOD,
        r"(?:\s+http)?)\W+((?i:GET|POST|PUT|PATCH|DELETE))\b(?:\W*$|\W+(?i:url|uri|endpoint|path|adresse|ruta|rota)\b)",
    ];
    pattern(&parts.concat())
});

static NAMED: LazyLock<Regex> = regex!(r"\b(?:GET|POST|PUT|PATCH|DELETE)\b");

/// Removes the blocks that are not requests to send: lists of endpoints, the name of an endpoint above its example, and
/// the URL of a command again. Returns the entries of lists that can be sent as they are.
pub fn remove_named(
    page: &Page,
    in_fences: &mut Vec<(usize, Vec<FoundRequest>)>,
) -> Vec<(usize, Vec<FoundRequest>)> {
    let endpoint = |(at, found): &(usize, Vec<FoundRequest>)| {
        let is_endpoint = |fence: &Fence| {
            !fence.fenced
                && !addresses::is_address(fence)
                && found.iter().all(|found| found.is_endpoint(fence))
        };
        page.fence(*at).is_some_and(is_endpoint).then_some(*at)
    };
    let listed: Vec<usize> = in_fences.iter().filter_map(endpoint).collect();
    let is_named = |(index, (at, found)): (usize, &(usize, Vec<FoundRequest>))| {
        let next = in_fences.get(index + 1);
        let is_listed = listed.contains(at);
        is_listed && is_of_above(page, *at, &found[0], &in_fences[..index])
            || next.is_some_and(|(next, below)| is_definition(page, *at, found, *next, below))
            || is_sent_below(page, *at, found, &in_fences[index + 1..])
    };
    let is_entry = |(at, found): &(usize, Vec<FoundRequest>)| {
        is_overview(page, *at, found) || listed.contains(at) && is_in_overview(page, *at, &listed)
    };
    let roles: Vec<Role> = in_fences
        .iter()
        .enumerate()
        .map(|(index, block)| match is_entry(block) {
            true => Role::Entry,
            false if is_named((index, block)) => Role::Name,
            false => Role::Request,
        })
        .collect();
    let mut entries = Vec::new();
    let mut kept = Vec::new();
    for ((at, mut found), role) in in_fences.drain(..).zip(roles) {
        match role {
            Role::Request => kept.push((at, found)),
            Role::Entry => {
                found.retain(|found| found.problem.is_none());
                entries.push((at, found));
            }
            Role::Name => {}
        }
    }
    *in_fences = kept;
    entries
}

/// The role of a block with a method and a URL.
enum Role {
    /// A request to send.
    Request,
    /// An entry of a list of endpoints.
    Entry,
    /// The name of an endpoint, or the URL of a command again.
    Name,
}

/// Whether the text lists endpoints around this one. A list of nothing but URLs to open is not an overview.
fn is_in_overview(page: &Page, at: usize, listed: &[usize]) -> bool {
    let is_listed = |at: &usize| listed.contains(at);
    let above = (0..at).rev().take_while(is_listed);
    let below = (at + 1..page.blocks.len()).take_while(is_listed);
    let others: Vec<usize> = above.chain(below).collect();
    let is_opened = |at: usize| is_opened(page, at);
    let is_list_of_reads = is_opened(at) && others.iter().copied().all(is_opened);
    !others.is_empty() && !is_list_of_reads
}

/// Whether an endpoint is a read of a URL of this machine.
fn is_opened(page: &Page, at: usize) -> bool {
    let content = page.fence(at).map(|fence| fence.content.as_str());
    content
        .and_then(|content| content.strip_prefix("GET "))
        .is_some_and(|url| url::this_machine(url).is_some() && addresses::is_literal(url))
}

/// Whether an endpoint is that of a request above it in its section, and shows no response of its own.
fn is_of_above(
    page: &Page,
    at: usize,
    found: &FoundRequest,
    above: &[(usize, Vec<FoundRequest>)],
) -> bool {
    let Some(Block::Heading(own)) = page.heading_of(at).map(|index| &page.blocks[index]) else {
        return false;
    };
    let is_outer =
        |block: &Block| matches!(block, Block::Heading(outer) if outer.level < own.level);
    let Some(section) = page.blocks[..at].iter().rposition(is_outer) else {
        return false;
    };
    // One in a section of its own, such as "With Postman", is another way to do it.
    let is_part = labels::names_part(&own.text) || labels::heading(&own.text) == Announces::Request;
    let own_section = page
        .heading_of(at)
        .filter(|_| is_opened(page, at) && !is_part);
    let section = own_section.unwrap_or(section);
    let next = (at + 1..page.blocks.len()).find(|index| page.fence(*index).is_some());
    above
        .iter()
        .filter(|(index, _)| *index > section)
        .any(|(_, above)| above.iter().any(|above| found.repeats(above)))
        && !next.is_some_and(|next| pairing::shows_json(page, next))
}

/// Whether a block is only a URL, without a response, that a command further down sends.
fn is_sent_below(
    page: &Page,
    at: usize,
    found: &[FoundRequest],
    below: &[(usize, Vec<FoundRequest>)],
) -> bool {
    let is_bare = |at: usize| {
        let content = page.fence(at).map_or("", |fence| fence.content.trim());
        let url = match content.split_once(' ') {
            Some((method, url)) if NAMED.is_match(method) => url,
            _ => content,
        };
        !url.contains([' ', '\n', '"', '(']) && url::has_base(url)
    };
    let [own] = found else {
        return false;
    };
    let next = below.first().map_or(page.blocks.len(), |(next, _)| *next);
    is_bare(at)
        && own.writes()
        && pairing::request_body(page, at, next).is_none()
        && below
            .iter()
            .any(|(at, found)| !is_bare(*at) && found.iter().any(|sent| sent.repeats(own)))
}

/// Whether a block lists endpoints, one a line: an overview, and not requests to send.
fn is_overview(page: &Page, at: usize, found: &[FoundRequest]) -> bool {
    let Some(fence) = page.fence(at).filter(|_| found.len() > 1) else {
        return false;
    };
    if addresses::is_address(fence) {
        return false;
    }
    let between = |pair: &[FoundRequest]| {
        let between = fence.content.get(pair[0].span.end..pair[1].span.start);
        between.is_some_and(|text| text.matches('\n').count() <= 1 && text.trim().is_empty())
    };
    let is_endpoint = |found: &FoundRequest| found.is_endpoint(fence);
    // Queries are examples: an overview names the paths alone.
    let has_query = |found: &FoundRequest| {
        let written = found.written.as_ref();
        written.is_some_and(|written| written.request.target.contains('?'))
    };
    found.iter().all(is_endpoint) && found.windows(2).all(between) && !found.iter().all(has_query)
}

/// Whether a block is only the name of an endpoint, for which the next request of the section is the example.
fn is_definition(
    page: &Page,
    at: usize,
    found: &[FoundRequest],
    next: usize,
    below: &[FoundRequest],
) -> bool {
    let (Some(fence), [own], [example, ..]) = (page.fence(at), found, below) else {
        return false;
    };
    let (Some(path), Some(other)) = (&own.written, &example.written) else {
        return false;
    };
    let is_address = |at: usize| page.fence(at).is_some_and(addresses::is_address);
    if is_address(at) && is_address(next) {
        return false;
    }
    let depth = |block: &Block| block.heading().map(|heading| heading.level);
    let level = page
        .heading_of(at)
        .and_then(|index| depth(&page.blocks[index]));
    let has_body = other.request.body.is_some();
    let ends = |index: usize| {
        pairing::shows_json(page, index) && !(has_body && pairing::is_called_body(page, index))
            || depth(&page.blocks[index]).is_some_and(|depth| Some(depth) <= level)
    };
    let parts = |url: &str| url::segments(url::path_of(url));
    let (path, other) = (&path.request, &other.request);
    let (own_parts, other_parts) = (parts(&path.target), parts(&other.target));
    let same = |(own, other): (&String, &String)| {
        own == other || url::placeholder(&format!("/{own}")).is_some()
    };
    let query = |url: &str| url.split_once('?').map(|(_, query)| query.to_owned());
    let asks_else = query(&path.target).is_some() && query(&path.target) != query(&other.target);
    // A list is read in full, and then with a filter.
    let is_called_example = |index: usize| match &page.blocks[index] {
        Block::Heading(heading) => labels::says_example(&heading.text),
        Block::Prose(prose) => labels::says_example(&prose.text),
        _ => false,
    };
    // Its own status stands below it.
    let is_other = url::path_of(&path.target) != url::path_of(&other.target)
        && url::placeholder(url::path_of(&path.target)).is_none();
    let is_stated = !fence.fenced
        && is_other
        && page.blocks[at + 1..next].iter().any(|block| {
            let prose = block.prose();
            prose.is_some_and(|prose| status_text::of_response(&prose.text).is_some())
        });
    let adds_query = (fence.fenced || page.fence(next).is_some_and(|next| !next.fenced))
        && query(&path.target).is_none()
        && query(&other.target).is_some()
        && url::placeholder(url::path_of(&path.target)).is_none()
        && !(at + 1..next).any(is_called_example);
    let next_fence = page.fence(next);
    let is_endpoint_below = next_fence.is_some_and(|fence| example.is_endpoint(fence));
    // An endpoint in the text may lack the base path, or be the collection of the record.
    let (own_len, other_len) = (own_parts.len(), other_parts.len());
    let same_parts = match own_len.cmp(&other_len) {
        Ordering::Equal => own_parts.iter().zip(&other_parts).all(same),
        Ordering::Less if !fence.fenced && !is_endpoint_below => {
            let is_end = own_parts
                .iter()
                .rev()
                .zip(other_parts.iter().rev())
                .all(same);
            let is_collection = own_len + 1 == other_len && other_parts.starts_with(&own_parts);
            is_end || is_collection
        }
        _ => false,
    };
    own.is_endpoint(fence)
        && !asks_else
        && !is_stated
        && !adds_query
        && path.method == other.method
        && same_parts
        && !(at + 1..next).any(ends)
}

/// The request of a block that is only a URL, whose method the page names beside it or above it.
pub fn bare_url(page: &Page, at: usize) -> Option<FoundRequest> {
    let content = &page.fence(at)?.content;
    let method = method_beside(page, at)
        .or_else(|| method_of_endpoint(page, at))
        .or_else(|| method_of_label(page, at))
        .or_else(|| method_of_heading(page, at))
        .or_else(|| method_of_part(page, at))
        .or_else(|| method_of_title(page, at))
        .or_else(|| method_of_section(page, at))
        .or_else(|| method_of_template(page, at))
        .or_else(|| method_of_form(page, at))
        .or_else(|| method_of_query(page, at))
        .or_else(|| method_of_read(page, at))?;
    let mut bare = requests::bare_url(content, method)?;
    bare.add_query(query_below(page, at).as_deref());
    Some(bare)
}

/// Adds the query that a page enters below the URL of a read that it states in its text.
pub fn add_query(page: &Page, at: usize, found: &mut [FoundRequest]) {
    let is_stated = page
        .fence(at)
        .is_some_and(|fence| !fence.fenced && !fence.is_mention);
    let [request] = found else {
        return;
    };
    let is_read = request.written.as_ref().is_some_and(|written| {
        written.request.method == "GET" && url::has_base(&written.request.target)
    });
    if is_stated && is_read && request.output.is_none() {
        match query_below(page, at) {
            Some(query) => request.add_query(Some(&query)),
            None if enters_query(page, at) && request.problem.is_none() => {
                let reason = "its query parameters are in a step that cannot be parsed";
                request.problem = Some(Problem::Skip(reason.to_owned()));
            }
            None => {}
        }
    }
}

/// The query of a URL that is named below it: `Query: a=b`, "appending `?a=b`", or a key and its value in lines.
fn query_below(page: &Page, at: usize) -> Option<String> {
    static QUERY: LazyLock<Regex> = regex!(
        r"(?im)^[\W\d]*(?:query|query\s+(?:string|params?|parameters?)|url\s+params?)\s*:\W*([\w.]+=[^\s`]*)|(?:^|[\s(])\?([\w.]+=[\w.%+-]+(?:&[\w.]+=[\w.%+-]+)*)(?:[\s).,]|$)"
    );
    static KEY: LazyLock<Regex> = regex!(r"(?i)^\W*(?:key|name|parameter)\s*[:：]\s*([\w.]+)\W*$");
    static VALUE: LazyLock<Regex> = regex!(r"(?i)^\W*value\s*[:：]\s*([\w.-]+)\W*$");
    // "Key: year, Value: 1965", "add the parameter year with the value 1965"
    static PAIR: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: key\b\W{1,4} | param\w*\b[^.]{0,30}\b(?:add|enter|set|type)\s+ | (?:add|enter|set|type)\b[^.]{0,30}\bparam\w*\s+ )
            (?P<key>[A-Za-z_][\w.]*) \W{1,6}
            (?: value\b\W{1,4} | (?:with|to|and|as)\s+(?:the\s+)?(?:value\s+)?(?:of\s+)? ) (?P<value>[\w.-]*\w)"
    );
    // "Under the Key column of the Query Params section, enter `city`"
    static KEY_STEP: LazyLock<Regex> =
        regex!(r"(?i)\bkey\b[^`]*\b(?:query|param)[^`]*`([A-Za-z_][\w.]*)`\W*$");
    static VALUE_STEP: LazyLock<Regex> = regex!(r"(?i)\bvalue\b[^`]*`([\w.-]+)`[^`]*$");
    let below = page.blocks[at + 1..].iter();
    let below = below.map_while(|block| match block {
        Block::Prose(prose) => Some(prose),
        _ => None,
    });
    let below: Vec<&Prose> = below.take(12).collect();
    let texts: Vec<&str> = below.iter().map(|prose| &*prose.text).collect();
    let sources = below.iter().map(|prose| &page.text[prose.range.clone()]);
    let sources: Vec<&str> = sources.collect();
    let named = texts.iter().find_map(|text| {
        let found = QUERY.captures(text)?;
        let query = found.get(1).or_else(|| found.get(2))?;
        Some(query.as_str().to_owned())
    });
    let keyed = |texts: &[&str], key: &Regex, value: &Regex| {
        texts.windows(2).find_map(|pair| {
            let (key, value) = (key.captures(pair[0])?, value.captures(pair[1])?);
            Some(format!("{}={}", &key[1], &value[1]))
        })
    };
    let paired = texts.iter().find_map(|text| {
        let found = PAIR.captures(text)?;
        Some(format!("{}={}", &found["key"], &found["value"]))
    });
    let table = page.blocks[at + 1..].iter().take(8);
    let mut table = table.take_while(|block| !matches!(block, Block::Fence(_) | Block::Heading(_)));
    let tabled = table.find_map(|block| match block {
        Block::Table(table) => keys_and_values(table),
        _ => None,
    });
    named
        .or(paired)
        .or(tabled)
        .or_else(|| keyed(&texts, &KEY, &VALUE))
        .or_else(|| keyed(&sources, &KEY_STEP, &VALUE_STEP))
}

/// The query in a table of parameters: `| Key | Value |`.
fn keys_and_values(table: &Table) -> Option<String> {
    let column = |names: &str| {
        let mut cells = table.header.iter();
        cells.position(|cell| is_one_of(&cell.text.to_lowercase(), names))
    };
    let (key, value) = (column("key parameter param name")?, column("value")?);
    let pairs = table.rows.iter().map(|row| {
        let (key, value) = (&row.get(key)?.text, &row.get(value)?.text);
        let is_plain = |text: &str| !text.is_empty() && !text.contains([' ', '<', '{', '&', '-']);
        (is_plain(key) && is_plain(value)).then(|| format!("{key}={value}"))
    });
    let pairs: Option<Vec<String>> = pairs.collect();
    pairs.map(|pairs| pairs.join("&"))
}

/// Whether a step below the URL of a request has the reader enter parameters.
fn enters_query(page: &Page, at: usize) -> bool {
    static STEP: LazyLock<Regex> = regex!(
        r"(?xi)\b(?:under|open|in|select|click|go\s+to)\b[^.]{0,30}\b(?:query\s+)?params?\b
            | \b(?:enter|add|set|type)\b[^.]{0,40}\b(?:query\s+)?param(?:s|eter|eters)?\b"
    );
    let below = page.blocks[at + 1..].iter();
    let mut below = below.map_while(|block| match block {
        Block::Prose(prose) => Some(&prose.text),
        _ => None,
    });
    below.any(|text| STEP.is_match(text))
}

/// The method that is named beside a block, above it or else below it: `**Method**: GET`.
fn method_beside(page: &Page, at: usize) -> Option<&'static str> {
    // Of several in a paragraph, each is above its URL.
    let fence = page.fence(at)?;
    let start = line_start(&page.text, fence.range.start);
    let line = page.text[..start]
        .trim_end_matches('\n')
        .rsplit('\n')
        .next();
    let in_line_above = line.and_then(|line| known_method(&METHOD.captures(line)?[1]));
    if !fence.fenced && in_line_above.is_some() {
        return in_line_above;
    }
    let named = |index: usize| match page.blocks.get(index)? {
        Block::Prose(prose) => {
            // The source of a label in HTML has tags.
            let source = &page.text[prose.range.clone()];
            let mut lines = source.lines().chain(prose.text.lines());
            lines.find_map(|line| known_method(&METHOD.captures(line)?[1]))
        }
        _ => None,
    };
    // The labels may be headings.
    let is_text = |index: &usize| match &page.blocks[*index] {
        Block::Prose(_) | Block::Directive(_) => true,
        Block::Heading(heading) => {
            labels::is_url_label(&heading.text) || labels::is_method_label(&heading.text)
        }
        _ => false,
    };
    // A label such as `URL:` and its value are a paragraph and a block.
    let is_value = |index: usize| page.fence(index).is_some_and(|fence| !fence.fenced);
    let above = (0..at).rev().take_while(is_text).take(4);
    let above = above
        .filter_map(|index| Some((index, named(index)?)))
        .next();
    let below = (at + 1..page.blocks.len())
        .take_while(is_text)
        .take(2)
        .find_map(named);
    match above {
        // This method belongs to the URL above it, unless it is in the paragraph of the URL in this block.
        Some((index, _))
            if index > 0
                && is_value(index - 1)
                && page.blocks[index].range().end < page.blocks[at].range().start =>
        {
            below.or(above.map(|(_, method)| method))
        }
        Some((_, method)) => Some(method),
        None => below,
    }
}

/// GET for a URL below a label such as "Endpoint:" without a method, if a response follows and the text mentions no
/// write.
fn method_of_endpoint(page: &Page, at: usize) -> Option<&'static str> {
    static ENDPOINT: LazyLock<Regex> =
        regex!(r"(?i)\b(?:endpoint|url|uri|address|request|command|open|visit)\b");
    let Block::Prose(above) = page.blocks.get(at.checked_sub(1)?)? else {
        return None;
    };
    // Swagger UI shows the URL of a command again, below it.
    let is_heading = |index: &usize| matches!(page.blocks[*index], Block::Heading(_));
    let mut before = (0..at).rev().take_while(|index| !is_heading(index));
    let command = before.find_map(|index| page.fence(index));
    let url = page.fence(at)?.content.trim();
    if command.is_some_and(|command| command.content.contains(url)) {
        return None;
    }
    let label = labels::last_sentence(&above.text);
    let heading = page.heading_of(at).map(|heading| &page.blocks[heading]);
    let writes =
        matches!(heading, Some(Block::Heading(heading)) if labels::says_write(&heading.text));
    let next = (at + 1..page.blocks.len())
        .take_while(|index| !matches!(page.blocks[*index], Block::Heading(_)))
        .find(|index| page.fence(*index).is_some())?;
    let answered = pairing::is_called_response(page, next);
    let is_get = ENDPOINT.is_match(label) && !labels::says_write(label) && !writes && answered;
    is_get.then_some("GET")
}

/// The method of an endpoint with placeholders that is named above its URL with values: "PUT /users/:id", "URL: /users/1".
fn method_of_template(page: &Page, at: usize) -> Option<&'static str> {
    let own = page.fence(at)?.content.trim();
    let above = page.blocks[..at].iter().rev().take(6);
    let mut above = above.take_while(|block| !matches!(block, Block::Fence(fence) if fence.fenced));
    let named = above.find_map(mentions::named_in)?;
    let is_template = url::placeholder(url::path_of(&named.url)).is_some();
    (is_template && url::is_form_of(&named.url, own)).then(|| known_method(&named.method))?
}

/// The method of a URL with placeholders in the block above, if a label calls this URL an example of it.
fn method_of_form(page: &Page, at: usize) -> Option<&'static str> {
    let own = page.fence(at)?.content.trim();
    let form = (0..at).rev().find(|index| page.fence(*index).is_some())?;
    let url = page.fence(form)?.content.trim();
    let mut between = page.blocks[form + 1..at].iter();
    let is_example = between.any(|block| block.text().is_some_and(labels::says_example));
    let is_form = url::placeholder(url).is_some() && url::is_form_of(url, own);
    (is_example && is_form).then(|| method_beside(page, form))?
}

/// GET for a URL with a query whose response is below it.
fn method_of_query(page: &Page, at: usize) -> Option<&'static str> {
    let url = page.fence(at)?.content.trim();
    let next = (at + 1..page.blocks.len()).find(|index| page.fence(*index).is_some())?;
    let is_read =
        url::has_base(url) && addresses::has_values(url) && pairing::is_called_response(page, next);
    is_read.then_some("GET")
}

/// GET, if the heading above a URL mentions reading and JSON is below it: "Step 2: Retrieve the packs".
fn method_of_read(page: &Page, at: usize) -> Option<&'static str> {
    static VERB: LazyLock<Regex> = regex!(r"(?i)^\W*(?:step\s*)?(?:\d+[.:)]?\s*)*(\p{L}+)");
    let fence = page.fence(at)?;
    let url = fence.content.trim();
    if addresses::repeats_command(&page.blocks[..at], fence) {
        return None;
    }
    let heading = page.headings_above(at).next()?;
    let verb = VERB.captures(&heading.text)?[1].to_lowercase();
    let mut below = at + 1..page.blocks.len();
    let next = below.find(|index| page.fence(*index).is_some())?;
    let is_own =
        page.heading_of(next) == page.heading_of(at) || pairing::is_called_response(page, next);
    let reads = is_one_of(&verb, READS) && url::has_base(url) && addresses::is_literal(url);
    (reads && is_own && pairing::shows_json(page, next)).then_some("GET")
}

/// Verbs of headings about reads.
const READS: &str = "get read list retrieve find fetch show view search query";

/// The only method in the bold label above a URL: "**Call 2 – POST city**".
fn method_of_label(page: &Page, at: usize) -> Option<&str> {
    let above = page.blocks[..at].iter().rev().take(3);
    let mut above = above.take_while(|block| !matches!(block, Block::Fence(_) | Block::Heading(_)));
    let is_named = |label: &&str| NAMED.is_match(label);
    let label = above.find_map(|block| block.prose()?.bold.as_deref().filter(is_named))?;
    let mut methods = NAMED.find_iter(label);
    let method = methods.next()?.as_str();
    methods.next().is_none().then_some(method)
}

/// The only method that a heading above a URL of this machine names: "GET Method Example".
fn method_of_heading(page: &Page, at: usize) -> Option<&str> {
    let url = page.fence(at)?.content.trim();
    if !url::has_base(url) {
        return None;
    }
    let named = |heading: &'_ Heading| NAMED.find(&heading.text).map(|found| found.range());
    let heading = page
        .headings_above(at)
        .find(|heading| named(heading).is_some())?;
    let only = NAMED.find_iter(&heading.text).count() == 1;
    named(heading)
        .filter(|_| only)
        .map(|method| &heading.text[method])
}

/// The method in the headings above a URL without a block between them: "Method: Post", "Postman delete request".
fn method_of_part(page: &Page, at: usize) -> Option<&'static str> {
    static REQUEST: LazyLock<Regex> =
        regex!(r"(?i)\b(GET|POST|PUT|PATCH|DELETE)\s+(?:request|method)\b");
    if !url::has_base(page.fence(at)?.content.trim()) {
        return None;
    }
    let above = page.blocks[..at].iter().rev();
    let above = above.take_while(|block| !matches!(block, Block::Fence(_)));
    above.filter_map(heading_text).find_map(|text| {
        let found = METHOD.captures(text).or_else(|| REQUEST.captures(text))?;
        known_method(&found[1])
    })
}

fn heading_text(block: &Block) -> Option<&str> {
    block.heading().map(|heading| heading.text.as_str())
}

fn known_method(name: &str) -> Option<&'static str> {
    METHODS
        .iter()
        .find(|method| method.eq_ignore_ascii_case(name))
        .copied()
}

/// The only method that the text above a URL in a block names, in its section or above a heading such as "Request":
/// "retrieves the genres by a `GET` request".
fn method_of_section(page: &Page, at: usize) -> Option<&str> {
    let fence = page.fence(at).filter(|fence| fence.fenced)?;
    if !url::has_base(fence.content.trim()) {
        return None;
    }
    let nearest = page.headings_above(at).next();
    let is_part = nearest.is_some_and(|heading| labels::names_part(&heading.text));
    let mut headings = usize::from(!is_part);
    let above = page.blocks[..at].iter().rev().take(12);
    let near = above.take_while(|block| {
        headings += usize::from(matches!(block, Block::Heading(_)));
        headings < 2 && !matches!(block, Block::Fence(_))
    });
    let mut methods = near
        .filter_map(Block::prose)
        .flat_map(|prose| NAMED.find_iter(&prose.text));
    let first = methods.next()?.as_str();
    methods
        .all(|other| other.as_str() == first)
        .then_some(first)
}

/// The method that the title above a URL means, if the URL is below a label or heading such as "URL": "Get all users" or
/// "Delete a user".
fn method_of_title(page: &Page, at: usize) -> Option<&'static str> {
    const WRITES: [(&str, &str); 2] = [("delete remove", "DELETE"), ("add create post", "POST")];
    let is_url = |text: &str| matches!(labels::words(text).as_slice(), [only] if is_one_of(only, "url uri endpoint route"));
    let is_labelled = page.blocks[at.checked_sub(1)?].text().is_some_and(is_url);
    if !is_labelled || !url::has_base(page.fence(at)?.content.trim()) {
        return None;
    }
    let mut titles = page.headings_above(at).map(|heading| &heading.text);
    let title = titles.find(|title| !is_url(title))?;
    let first = labels::words(title).into_iter().next()?;
    let writes = WRITES.iter().find(|(verbs, _)| is_one_of(&first, verbs));
    let path = url::path_of(page.fence(at)?.content.trim()).to_owned();
    match writes {
        // The endpoint of all records is not the request that deletes one.
        Some((_, "DELETE")) if url::segments(&path).len() < 2 => None,
        Some((_, method)) => Some(method),
        None => is_one_of(&first, READS).then_some("GET"),
    }
}
