//! Reads Markdown and request files into blocks.

use std::ops::Range;
use std::sync::LazyLock;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use serde_json::{Map, Value};

use super::addresses;
use super::blocks::{Block, Cell, Fence, Heading, Piece, Prose, Table};
use super::captions;
use super::comments;
use super::directive::Directive;
use super::html;
use super::http_message;
use super::implied::imply_requests;
use super::labels::{self, Announces};
use super::lenient_json;
use super::markup::{as_markdown, without_raw_tags};
use super::node::Kind;
use super::sentences;
use super::status_text;
use super::text::{Lines, floor_char_boundary};
use super::transcript::{self, is_schema};
use super::unclosed;
use super::unfenced::{self, Part};
use super::url;

/// `<!-- standin: ... -->`, or `{/* standin: ... */}` in MDX. Without the colon it must begin with a word that is known.
static DIRECTIVE: LazyLock<Regex> = regex!(
    r"(?xi)(?:<!--|\{/\*)\s*standin
        (?: \s*:\s* (?P<words>[^>]*?)
          | \s+ (?P<known> (?: (?:skip|reset|save)\b | (?:status|db|as|any|expect|after)= ) [^>]*?) )
        \s*(?:-->|\*/\})"
);

/// The blocks of a Markdown page whose text begins at an offset.
pub fn markdown(text: &str, body: usize) -> Vec<Block> {
    let text = &without_raw_tags(text);
    let mut blocks = read(&as_markdown(text), body);
    // What replaces a tag has the length of the tag, and not its characters.
    blocks.iter_mut().for_each(|block| block.align(text));
    sentences::find_examples(text, &mut blocks);
    imply_requests(text, &mut blocks);
    addresses::find(text, &mut blocks);
    blocks
}

/// Reads Markdown, with what is below a block that is not closed as its writer means it.
fn read(text: &str, body: usize) -> Vec<Block> {
    const MOST: usize = 20;
    let mut blocks = Reader::new(text, body).read();
    let mut from = 0;
    for _ in 0..MOST {
        let found = blocks[from..].iter().find_map(|block| match block {
            Block::Fence(fence) => Some((fence.range.start, unclosed::end(text, fence)?)),
            _ => None,
        });
        let Some((start, (end, next))) = found else {
            break;
        };
        blocks.truncate(blocks.partition_point(|block| block.range().start < start));
        blocks.extend(Reader::new(&text[..end], start).read());
        let last = blocks.iter_mut().rev().find_map(|block| match block {
            Block::Fence(fence) if fence.fenced => Some(fence),
            _ => None,
        });
        if let Some(fence) = last {
            fence.is_unclosed = true;
        }
        from = blocks.len();
        blocks.extend(Reader::new(text, next).read());
    }
    if let Some(Block::Fence(last)) = blocks.last_mut() {
        last.is_unclosed |= unclosed::is_open_at_end(text, last);
    }
    blocks
}

/// The directives in HTML at an offset of the page.
fn directives(html: &str, start: usize) -> impl Iterator<Item = Block> {
    /// A comment whose name or whose colon is not right: `<!-- stand-in: skip -->`.
    static MISSPELT: LazyLock<Regex> = regex!(
        r"(?xi)(?:<!--|\{/\*)\s*(?P<name>[a-z]+(?:-[a-z]+)?)\s*[:\s]\s*
            (?P<words>(?:skip|reset|save|(?:status|db|as|any|expect|after)\s*[=:])[^>]*?)\s*(?:-->|\*/\})"
    );
    let misspelt = MISSPELT.captures_iter(html).filter_map(move |captures| {
        let whole = captures
            .get(0)
            .filter(|whole| !DIRECTIVE.is_match(whole.as_str()))?;
        let name = captures["name"].to_lowercase();
        let range = start + whole.start()..start + whole.end();
        (strsim::osa_distance(&name, "standin") <= 2)
            .then(|| Block::Directive(Directive::misspelt(&captures["name"], range)))
    });
    let known = DIRECTIVE.captures_iter(html).filter_map(move |captures| {
        let words = captures.name("words").or_else(|| captures.name("known"));
        let (whole, words) = (captures.get(0)?, words?);
        let range = start + whole.start()..start + whole.end();
        Some(Block::Directive(Directive::parse(words.as_str(), range)))
    });
    known.chain(misspelt)
}

/// Text with spaces around its numbers, which some scripts write without: `404になる`, `返回404`.
fn space_numbers(text: &str) -> String {
    static BEFORE: LazyLock<Regex> = regex!(r"(?P<letter>[ぁ-ヿ㐀-鿿가-힣])(?P<number>[0-9])");
    static AFTER: LazyLock<Regex> = regex!(r"(?P<number>[0-9])(?P<letter>[ぁ-ヿ㐀-鿿가-힣])");
    let text = BEFORE.replace_all(text, "$letter $number");
    AFTER.replace_all(&text, "$number $letter").into_owned()
}

/// The title of a code block in its opening line, as a label: `title="Response"`, `[Response]`, `json 200 OK`.
fn title(page: &str, fence: &Fence) -> Option<Block> {
    static TITLE: LazyLock<Regex> = regex!(
        r#"(?:\b(?:title|caption|label|name)\s*=\s*["'](?P<value>[^"']+)["']|\[(?P<tab>[^\]]+)\]|^\S+\s+(?P<words>\w[^={}\[\]"]*?)(?:\s+\w+=.*)?$)"#
    );
    let found = TITLE.captures(&fence.info)?;
    let words = found
        .name("words")
        .map(|words| words.as_str())
        .filter(|words| {
            let is_response = labels::heading(words) == Announces::Response;
            is_response || status_text::of_label(words).is_some()
        });
    let title = found
        .name("value")
        .or(found.name("tab"))
        .map(|title| title.as_str());
    let text = title.or(words)?.to_owned();
    let info = page[fence.range.clone()].find(&fence.info);
    // It begins with the block, as blocks are sorted by their beginning.
    let start = fence.range.start;
    let range = start..start + info.map_or(0, |info| info + fence.info.len());
    let bold = Some(text.clone());
    Some(Block::Prose(Prose { text, bold, range }))
}

/// Collects blocks from Markdown events. Inline text is buffered until its block ends.
#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    base: usize,
    blocks: Vec<Block>,
    words: String,
    words_range: Option<Range<usize>>,
    /// The places of words in the page, with those in `words`.
    places: Vec<(usize, usize)>,
    /// Bold text, as ranges of `words`.
    bold: Vec<Range<usize>>,
    /// Inline code of the paragraph.
    code: Vec<Range<usize>>,
    /// How many quotations are open.
    quotes: usize,
    /// Where code that goes on below its paragraph ends.
    code_end: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, base: usize) -> Self {
        Reader {
            text,
            base,
            ..Reader::default()
        }
    }

    fn read(mut self) -> Vec<Block> {
        let base = self.base;
        let options =
            Options::ENABLE_TABLES | Options::ENABLE_DEFINITION_LIST | Options::ENABLE_TASKLISTS;
        let events = Parser::new_ext(&self.text[base..], options).into_offset_iter();
        let mut events = events.map(|(event, at)| (event, base + at.start..base + at.end));
        while let Some((event, range)) = events.next() {
            match event {
                Event::Start(Tag::BlockQuote(_)) => {
                    self.flush();
                    self.quotes += 1;
                }
                Event::End(TagEnd::BlockQuote(_)) => {
                    self.flush();
                    self.quotes -= 1;
                }
                _ if range.start < self.code_end => {}
                Event::Start(Tag::CodeBlock(kind)) => {
                    self.flush();
                    let is_indented = matches!(kind, CodeBlockKind::Indented);
                    let fence = fence(kind, range, until(&mut events, TagEnd::CodeBlock));
                    self.code_block(fence, is_indented);
                }
                Event::Start(Tag::Table(_)) => {
                    self.flush();
                    let table = table(range, until(&mut events, TagEnd::Table));
                    self.blocks.push(Block::Table(table));
                }
                Event::Start(Tag::Heading { level, .. }) => {
                    self.flush();
                    let heading = Heading {
                        level: level as u8,
                        text: heading(until(&mut events, TagEnd::Heading(level))),
                        range,
                    };
                    let block = self.output(&heading).unwrap_or(Block::Heading(heading));
                    self.blocks.push(block);
                }
                Event::Start(Tag::Strong) => self.bold.push(self.words.len()..self.words.len()),
                Event::End(TagEnd::Strong) => {
                    if let Some(bold) = self.bold.last_mut() {
                        bold.end = self.words.len();
                    }
                }
                Event::Text(words) => self.push_text(&words, range),
                Event::Code(words) => {
                    self.push_text(&words, range.clone());
                    self.code.push(range);
                }
                Event::SoftBreak => self.push_text(" ", range),
                Event::HardBreak => self.push_text("\n", range),
                Event::TaskListMarker(_)
                | Event::Start(Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
                | Event::End(TagEnd::Emphasis | TagEnd::Link | TagEnd::Image) => {}
                Event::InlineHtml(html) if html.starts_with("<br") => self.push_text("\n", range),
                Event::InlineHtml(html) => {
                    self.blocks.extend(directives(&html, range.start));
                    // `/users/<id>` at the end of a paragraph.
                    if let Some(whole) = &mut self.words_range
                        && !html.starts_with("<!")
                        && !html.starts_with("</")
                        && whole.end == range.start
                    {
                        whole.end = range.end;
                    }
                }
                Event::Start(Tag::HtmlBlock) => {
                    self.flush();
                    let html = &self.text[range.clone()];
                    self.blocks.extend(directives(html, range.start));
                    self.blocks.extend(html::titles(html, range.start));
                    self.blocks.extend(html::code(self.text, range));
                }
                _ => self.flush(),
            }
        }
        self.flush();
        // A directive inside a paragraph is found before the paragraph ends.
        self.blocks.sort_by_key(|block| block.range().start);
        self.blocks
    }

    /// Adds a code block and its title. The code of an indented one may go on below where Markdown ends it.
    fn code_block(&mut self, mut fence: Fence, is_indented: bool) {
        if is_indented && let Some(end) = unfenced::continued(self.text, &fence) {
            fence.extend(self.text, end);
            self.code_end = end;
        }
        self.blocks.extend(title(self.text, &fence));
        let parts = captions::split(&fence);
        self.blocks
            .extend(parts.unwrap_or_else(|| vec![Block::Fence(fence)]));
    }

    /// The output of a command without a code block, in a comment that looks like a heading: `# => {"id": 1}`.
    fn output(&self, heading: &Heading) -> Option<Block> {
        let source = self.text[heading.range.clone()].trim_end();
        let Some(Block::Fence(command)) = self.blocks.last().filter(|_| source.starts_with('#'))
        else {
            return None;
        };
        if command.fenced || comments::comment_output(source) < source.len() {
            return None;
        }
        let shown = comments::uncomment(source).trim_start().len();
        let end = heading.range.start + source.len();
        Some(Block::Fence(Fence::unfenced(self.text, end - shown..end)))
    }

    fn push_text(&mut self, words: &str, range: Range<usize>) {
        self.places.push((range.start, self.words.len()));
        self.words.push_str(words);
        match &mut self.words_range {
            Some(whole) => whole.end = range.end,
            None => self.words_range = Some(range),
        }
    }

    fn flush(&mut self) {
        if let Some(range) = self.words_range.take() {
            self.paragraph(range);
        }
        self.words.clear();
        self.places.clear();
        self.bold.clear();
        self.code.clear();
    }

    fn paragraph(&mut self, range: Range<usize>) {
        let source = &self.text[range.clone()];
        // A comment in MDX.
        if source.starts_with("{/*") && DIRECTIVE.is_match(source) {
            return self.blocks.extend(directives(source, range.start));
        }
        let mut at = range.start;
        let is_in_code = |at: usize| {
            let holds = |code: &&Range<usize>| code.start < at && at < code.end;
            let code = self.code.iter().find(holds);
            code.is_some_and(|code| self.text[code.clone()].contains('\n'))
        };
        let mut parts = unfenced::parts(self.text, &range, self.quotes > 0);
        parts.retain(|part| !is_in_code(part.range().start));
        for part in parts {
            let place = part.range();
            self.prose(at..place.start);
            match part {
                Part::Code(fence) => self.blocks.push(Block::Fence(fence)),
                Part::Endpoint(line) => self.prose(line),
            }
            at = place.end;
        }
        self.code_end = at;
        if at < range.end {
            self.prose(at..range.end);
        }
    }

    /// Adds a part of the paragraph as text, and the blocks that are named in it. Of several labelled responses each is
    /// a part of its own.
    fn prose(&mut self, range: Range<usize>) {
        let is_json = |code: &&Range<usize>| {
            range.start <= code.start
                && code.end <= range.end
                && self.text[(*code).clone()]
                    .trim_matches(['`', ' '])
                    .starts_with(['{', '['])
        };
        let cuts = match self.code.iter().any(|code| is_json(&code)) {
            true => response_lines(self.text, &range),
            false => Vec::new(),
        };
        let mut start = range.start;
        for cut in cuts {
            self.push_prose(start..cut);
            start = cut;
        }
        self.push_prose(start..range.end);
    }

    fn push_prose(&mut self, range: Range<usize>) {
        let source = &self.text[range.clone()];
        let start = range.end - source.trim_start().len();
        let mut end = start + source.trim().len();
        while let Some(line) = self.text[start..end].lines().next_back()
            && labels::is_leftover(line)
        {
            end -= line.len();
            end = start + self.text[start..end].trim_end().len();
        }
        let range = start..end;
        // The source of some words is longer than they are.
        let place = |source: usize| {
            let next = self.places.partition_point(|(start, _)| *start <= source);
            let (start, words) = self.places[next.saturating_sub(1)];
            let end = self
                .places
                .get(next)
                .map_or(self.words.len(), |(_, words)| *words);
            floor_char_boundary(&self.words, (words + source.saturating_sub(start)).min(end))
        };
        let (start, end) = (place(range.start), place(range.end));
        // A request in the text may end within code.
        let is_in_part = |code: &&Range<usize>| range.start <= code.start && code.end <= range.end;
        let code = self.code.iter().filter(is_in_part);
        let inline: Vec<Fence> = code
            .filter_map(|code| inline(self.text, &range, code))
            .collect();
        // A value after its label is not text.
        let text = &self.words[start..end];
        let text = match inline.as_slice() {
            [shown]
                if (is_json(&shown.content) || transcript::is_message(&shown.content))
                    && text.ends_with(&shown.content) =>
            {
                text[..text.len() - shown.content.len()].trim_end()
            }
            _ => text,
        };
        // Attributes of the block above, as kramdown has them: `{: .request}`.
        let is_attributes = text.starts_with("{:") && text.ends_with('}') && !text.contains('\n');
        let text = if is_attributes { "" } else { text }.to_owned();
        if text.trim().is_empty() {
            return self.blocks.extend(inline.into_iter().map(Block::Fence));
        }
        let before = |bold: &&Range<usize>| {
            bold.start >= start
                && bold.end <= end
                && self.words[start..bold.start].trim().is_empty()
        };
        let bold = self
            .bold
            .iter()
            .find(before)
            .map(|bold| self.words[bold.clone()].to_owned());
        let bold = bold.filter(|bold| !bold.trim().is_empty());
        let text = space_numbers(&text);
        self.blocks.push(Block::Prose(Prose { text, bold, range }));
        self.blocks.extend(inline.into_iter().map(Block::Fence));
    }
}

/// The events up to the end of a block.
fn until<'a>(
    events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>,
    end: TagEnd,
) -> impl Iterator<Item = (Event<'a>, Range<usize>)> {
    events
        .by_ref()
        .take_while(move |(event, _)| *event != Event::End(end))
}

/// The text of a heading.
fn heading<'a>(inside: impl Iterator<Item = (Event<'a>, Range<usize>)>) -> String {
    let mut text = String::new();
    for (event, _) in inside {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            // A placeholder in a path is HTML for Markdown: `/users/<id>`.
            Event::InlineHtml(tag) if text.ends_with('/') => text.push_str(&tag),
            _ => {}
        }
    }
    text
}

/// Where the lines of a paragraph begin that have a label of a response, unless it is the first.
fn response_lines(text: &str, range: &Range<usize>) -> Vec<usize> {
    let lines = Lines::new(&text[..range.end], range.start);
    let is_labelled = |line: &str| {
        let Some((label, _)) = line.split_once([':', '：']) else {
            return false;
        };
        let label = label.trim_matches(|c: char| !c.is_alphanumeric() && c != ')');
        let says_so = || labels::label(label) == Announces::Response;
        labels::words(label).len() <= 6
            && (says_so() || status_text::of_response_label(label).is_some())
    };
    lines
        .filter(|(line, at)| *at > range.start && is_labelled(line))
        .map(|(_, at)| at)
        .collect()
}

/// Whether a paragraph is JSON without a code block around it, or an object as a program writes it.
fn is_json(source: &str) -> bool {
    source.starts_with(['{', '['])
        && source.ends_with(['}', ']'])
        && source.contains(['"', '\n'])
        && {
            let parsed = lenient_json::parse(source)
                .or_else(|_| lenient_json::parse_literals(source, true))
                .ok()
                .and_then(|documented| documented.body);
            parsed.is_some_and(|node| matches!(node.kind, Kind::Array(_) | Kind::Object { .. }))
        }
}

/// Labels of a URL.
const ADDRESS: &str = "url uri endpoint address adresse path route ruta rota pfad chemin адрес путь 接口地址 请求地址 地址 路径 \
     エンドポイント";

/// Marks between a request and its response.
const ARROWS: [&str; 3] = ["->", "=>", "→"];

/// The label before inline code: that of its line, without the status before a body ("Response: `200` + `{...}`").
fn label_before(text: &str) -> &str {
    static STATUS: LazyLock<Regex> = regex!(
        r"(?i)(?P<label>[:：]|->|=>|→|^\W*(?:(?:it|this|which|the\s+(?:server|api|request|command|call|response))\s+)?(?:returns?|answers?|gives?|responds?\s+with)\b)[\s*]*`?[1-5]\d\d(?:\ [a-z]+){0,3}`?[\s*]*(?:[+,·:;–—-]|and|with|et|avec|y|con|e|com|und|mit)?$"
    );
    let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
    let status = STATUS.captures(line);
    let label = status.and_then(|found| Some(found.name("label")?.end()));
    line[..label.unwrap_or(line.len())].trim_end_matches(['*', '_', ' ', '"', '\u{a0}'])
}

/// The rest of the line behind inline code, without attributes of the code, as kramdown and interactive courses write
/// them (`{: .sh}`, `{{execute}}`), and without a line break.
fn words_behind(text: &str) -> &str {
    static ATTRIBUTES: LazyLock<Regex> = regex!(r"^\{[{:][^}\n]*\}+");
    let line = text.lines().next().unwrap_or_default();
    let attributes = ATTRIBUTES.find(line).map_or(0, |found| found.end());
    let words = line[attributes..].trim_matches([' ', '\\', '\t', '\r']);
    let is_break = words.starts_with("<br") && words.ends_with('>') && words.len() < 8;
    if is_break { "" } else { words }
}

/// Whether inline code is a command that sends a request to this machine.
fn is_command(code: &str) -> bool {
    const COMMANDS: [&str; 3] = ["curl ", "Invoke-RestMethod ", "Invoke-WebRequest "];
    let command = code.trim_start_matches("$ ");
    // The body of HTTPie may come from another command, and its URL may be a port.
    let is_httpie =
        command.starts_with("http ") || command.starts_with("echo ") && command.contains("| http ");
    let is_other = COMMANDS.iter().any(|name| command.starts_with(name));
    let is_here = url::names_this_machine(code);
    is_httpie && (is_here || code.contains(" :")) || is_other && is_here
}

/// Inline code of a paragraph that is a block by its meaning: what stands alone after a label (`**URL**: ...`,
/// `Response: ...`), and a command within a sentence.
fn inline(text: &str, paragraph: &Range<usize>, code: &Range<usize>) -> Option<Fence> {
    let quoted = &text[code.clone()];
    let ticks = quoted.len() - quoted.trim_start_matches('`').len();
    let range = code.start + ticks..code.end - ticks;
    let above = &text[paragraph.start..code.start];
    let below = &text[code.end..paragraph.end];
    let (label, after) = (label_before(above), words_behind(below));
    let is_arrow = ARROWS.iter().any(|arrow| label.ends_with(arrow));
    let is_label = is_arrow || (labels::leads(label) && !label.contains('.'));
    // Only what is plainly about the response may have another sentence behind it.
    static PLAINLY: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:(?:the|this|your|die|das|la|le|el|il|a|o)\s+)?(?:response|answer|result|output|body|this|it|antwort|ergebnis|respuesta|réponse|risposta|resposta|resultado|résultat|risultato)\s+(?:(?:will|should)\s+)?(?:is|be|looks?\s+like(?:\s+this)?|returns?|ist|lautet|es|est|è|é)\W*$"
    );
    let ends_sentence = after == "." || after.starts_with(". ") && PLAINLY.is_match(label);
    let alone = is_label && !after.contains(char::is_alphanumeric);
    let words = labels::words(label);
    let named = |names: &str| alone && labels::has_word(label, names);
    let content = &text[range.clone()];
    // "The response is `{...}`."
    let is_said = || {
        static SAYS: LazyLock<Regex> = regex!(
            r"(?i)\b(?:is|be|are|returns?|answers?|gives?|prints?|shows?|with|get|see|ist|lautet|es|est|è|é)$"
        );
        SAYS.is_match(label)
            && words.len() <= 12
            && (after.is_empty() || ends_sentence)
            && labels::label(label) == Announces::Response
            && status_text::is_unconditional(label)
            && !labels::is_elsewhere(label)
    };
    let is_block = if is_command(content) {
        let mut fence = Fence::unfenced(text, range);
        let line = above.rsplit('\n').next();
        let is_line = line.unwrap_or_default().trim().is_empty();
        // A line of its own, or one with the response: `curl ...` -> `{...}`.
        let arrow = ARROWS.iter().find_map(|arrow| after.strip_prefix(arrow));
        let shows = arrow.is_some_and(|rest| rest.trim().starts_with('`'));
        fence.is_mention = !(is_line && (after.is_empty() || shows) || alone && words.len() <= 10);
        return Some(fence);
    } else if is_json(content) || matches!(content, "[]" | "{}") {
        let is_status = || status_text::of_response_label(label).is_some() && words.len() <= 6;
        (alone || is_label && ends_sentence)
            && (is_arrow
                || match labels::label(label) {
                    Announces::Response => true,
                    Announces::RequestBody | Announces::Body => is_literal_body(content),
                    // "Add: `{...}`", a step.
                    _ if labels::has_word(label, "add enter paste type insert") => {
                        is_literal_body(content)
                    }
                    _ => is_status(),
                })
            || label.is_empty() && after.is_empty()
            || named("expected content")
            || is_said()
            || sentences::is_output(above)
    } else if transcript::is_message(content) {
        let is_whole = above.trim().is_empty() && below.trim().is_empty();
        let is_labelled =
            labels::label(label) == Announces::Response || labels::is_body_label(label);
        is_whole || alone && words.len() <= 4 && is_labelled || words.len() <= 4 && is_said()
    } else if http_message::begins_message(content) {
        // With its response: "`GET /users/1` → `{...}`".
        static SHOWS: LazyLock<Regex> =
            regex!(r"^(?:->|=>|→|⇒|returns|answers|gives)\s*`+\s*[{\[]");
        // Clients encode the spaces of a query.
        static SPACED: LazyLock<Regex> = regex!(r"^[A-Z]+ \S+\?\S+=\S*(?: [^\s=]+)+$");
        if named("request") && SPACED.is_match(content) {
            let (method, url) = content.split_once(' ')?;
            let content = format!("{method} {}", url.replace(' ', "%20"));
            return Some(Fence::synthetic(text, range, content));
        }
        named("request") || label.is_empty() && SHOWS.is_match(after)
    } else {
        // Clients encode the spaces of a query.
        let path = content.split('?').next().unwrap_or_default();
        named(ADDRESS) && path.contains('/') && !path.contains(' ') && !content.contains('\n')
    };
    is_block.then(|| Fence::unfenced(text, range))
}

/// Whether JSON has the values of a body, and not words for them.
fn is_literal_body(json: &str) -> bool {
    !json.contains(['<', '…'])
        && !json.contains("...")
        && !is_schema(json)
        && serde_json::from_str::<Map<_, Value>>(json).is_ok()
}

/// A file of requests: each `###` begins a section, and its comments may address the checker.
pub fn requests_file(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fence: Option<Range<usize>> = None;
    for (line, at) in Lines::new(text, 0) {
        let range = at..at + line.len();
        if let Some(title) = line.strip_prefix("###") {
            blocks.extend(
                fence
                    .take()
                    .map(|range| Block::Fence(Fence::unfenced(text, range))),
            );
            blocks.push(Block::Heading(Heading {
                level: 2,
                text: title.trim().to_owned(),
                range,
            }));
            continue;
        }
        if let Some((_, words)) = line
            .split_once("standin:")
            .filter(|(mark, _)| matches!(mark.trim(), "#" | "//"))
        {
            blocks.push(Block::Directive(Directive::parse(words, range.clone())));
        }
        fence.get_or_insert(range.clone()).end = range.end;
    }
    blocks.extend(fence.map(|range| Block::Fence(Fence::unfenced(text, range))));
    blocks
}

fn fence<'a>(
    kind: CodeBlockKind<'a>,
    range: Range<usize>,
    inside: impl Iterator<Item = (Event<'a>, Range<usize>)>,
) -> Fence {
    let (info, fenced) = match kind {
        CodeBlockKind::Indented => (String::new(), false),
        CodeBlockKind::Fenced(info) => (info.to_string(), true),
    };
    // `{code-block} json` is a directive of MyST.
    let is_directive = info.starts_with("{code");
    let language = info
        .split([' ', ',', '{', '\t'])
        .nth(if is_directive { 2 } else { 0 })
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut content = String::new();
    let mut pieces = Vec::new();
    for (event, piece) in inside {
        if let Event::Text(words) = event {
            pieces.push(Piece {
                content: content.len(),
                source: piece.start,
                length: words.len(),
            });
            content.push_str(&words);
        }
    }
    if is_directive && content.starts_with(':') {
        let lines = content.split_inclusive('\n');
        let options = lines.take_while(|line| line.starts_with(':') || line.trim().is_empty());
        let length = options.map(str::len).sum::<usize>();
        content.drain(..length);
        pieces.retain_mut(|piece: &mut Piece| {
            let cut = length.saturating_sub(piece.content).min(piece.length);
            piece.source += cut;
            piece.length -= cut;
            piece.content = (piece.content + cut).saturating_sub(length);
            piece.length > 0
        });
    }
    let mut fence = Fence {
        language,
        info,
        range,
        content,
        fenced,
        pieces,
        ..Fence::default()
    };
    strip_inner_fence(&mut fence);
    // JSON may begin in the opening line.
    if matches!(fence.info.as_str(), "{" | "[") {
        let begin = fence.info.clone() + "\n";
        fence.language.clear();
        fence.content.insert_str(0, &begin);
        for piece in &mut fence.pieces {
            piece.content += begin.len();
        }
        let source = fence
            .pieces
            .first()
            .map_or(fence.range.start, |first| first.source);
        fence.pieces.insert(
            0,
            Piece {
                content: 0,
                source: source.saturating_sub(begin.len()),
                length: begin.len(),
            },
        );
    }
    // The labels, marks and buttons of some publishers, which readers do not see as text.
    static MARKS: LazyLock<Regex> = regex!(
        r"(?xm)\A(?:\[(?:secondary_label|label|environment)[^\]\n]*\]\n)+ | <\^> | Copy\ to\ clipboardErrorCopied
                | \A\s*\[source[^\]\n]*\]\s*\n\s*-{4,}[\ \t]*\n | ^[\ \t]*-{4,}\s*\z"
    );
    let marks: Vec<_> = MARKS
        .find_iter(&fence.content)
        .map(|mark| mark.range())
        .collect();
    marks.into_iter().rev().for_each(|mark| fence.cut(mark));
    fence
}

/// A fence that is indented too far is part of the code for Markdown, but not for its writer.
fn strip_inner_fence(fence: &mut Fence) {
    let content = fence.content.as_str();
    let Some((first, rest)) = content.split_once('\n').filter(|_| !fence.fenced) else {
        return;
    };
    let end = rest.trim_end();
    let (Some(info), Some(inside)) = (first.trim().strip_prefix("```"), end.strip_suffix("```"))
    else {
        return;
    };
    if info.contains('`') || inside.contains("```") {
        return;
    }
    let (info, inner) = (
        info.trim().to_owned(),
        first.len() + 1..first.len() + 1 + inside.len(),
    );
    fence.cut(inner.end..content.len());
    fence.cut(0..inner.start);
    fence.language = info
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    fence.info = info;
    fence.fenced = true;
}

fn table<'a>(
    range: Range<usize>,
    inside: impl Iterator<Item = (Event<'a>, Range<usize>)>,
) -> Table {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (event, range) in inside {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    let text = String::new();
                    row.push(Cell { text, range });
                }
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.text.push_str(&words);
                }
            }
            _ => {}
        }
    }
    for cell in rows.iter_mut().flatten() {
        cell.text = cell.text.trim().to_owned();
    }
    let mut rows = rows.into_iter();
    Table {
        header: rows.next().unwrap_or_default(),
        rows: rows.collect(),
        range,
    }
}
