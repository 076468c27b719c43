//! Markup of documentation systems, written as the Markdown that means the same. Every text keeps its place in the page.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::text::Lines;

/// A line that is a tag of Liquid, a shortcode of Hugo or a container: `{% tab title="Response" %}`,
/// `{{< highlight bash >}}`, `:::tip Response`.
static TAG: LazyLock<Regex> = regex!(
    r#"(?x)^[\ \t]*(?:\{%-?\s*(?P<liquid>/?[\w-]+)(?P<words>.*?)-?%\} |
            \{\{[<%]\s*(?P<hugo>/?\s*[\w-]+)(?P<values>.*?)/?[%>]\}\} |
            :{3,}\s*(?P<container>\{[\w-]+\}|[\w-]*)(?P<title>[^:`]*) ) \s*$"#
);
/// A component of MDX alone in a line, as `<Tab title="Response">` or `</Tab>`.
static COMPONENT: LazyLock<Regex> = regex!(
    r"^[ \t]*<(?:/[A-Z][\w.]*|(?P<name>[A-Z][\w.]*?)(?:Example)?(?P<words>(?:\s[^<>]*)?))>\s*$"
);
static STATUS: LazyLock<Regex> = regex!(r#"\bstatus(?:Code)?\s*=\s*[{"]+(\d{3})"#);
/// The request of a component: `<Endpoint method="GET" path="/users" />`.
static METHOD: LazyLock<Regex> = regex!(r#"(?i)\b(?:method|verb)="(get|post|put|patch|delete)""#);
static PATH: LazyLock<Regex> = regex!(r#"\b(?:path|url|uri|endpoint|route)="(/[^"\s]*)""#);
static TITLE: LazyLock<Regex> =
    regex!(r#"(?:\b(?:title|header|name|label|summary)\s*=\s*|^\s*)"([^"]+)""#);

/// `text` with spaces for Liquid's tags around what it does not read, `{% raw %}{{base_url}}{% endraw %}`, outside of the
/// backticks around them.
pub fn without_raw_tags(text: &str) -> Cow<'_, str> {
    static RAW: LazyLock<Regex> =
        regex!(r"(?P<before>`*)\{%-?\s*raw\s*-?%\}|\{%-?\s*endraw\s*-?%\}(?P<after>`*)");
    RAW.replace_all(text, |found: &regex::Captures<'_>| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        let (before, after) = (part("before"), part("after"));
        let blank = " ".repeat(found[0].len() - before.len() - after.len());
        format!("{after}{blank}{before}")
    })
}

/// `text` with tags as labels or code fences, and with the markers of MkDocs tabs as those of lists.
pub fn as_markdown(text: &str) -> Cow<'_, str> {
    let has_tags = ["{%", "{{<", "{{%", ":::"];
    if !has_tags.iter().any(|mark| text.contains(mark))
        && !text.lines().any(|line| COMPONENT.is_match(line))
    {
        return containers_as_lists(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut code: Option<&str> = None;
    let mut lines = Lines::new(text, 0);
    while let Some((line, _)) = lines.next() {
        let start = line.trim_start();
        let marks = &start[..start.len() - start.trim_start_matches(['`', '~']).len()];
        match code {
            Some(open) if marks.starts_with(open) && start.trim() == marks => code = None,
            None if marks.len() >= 3 => code = Some(marks),
            _ => {}
        }
        let tag = TAG.captures(line).filter(|_| code.is_none());
        let written = tag.and_then(|tag| {
            let part = |name| tag.name(name).map(|part| part.as_str().trim());
            let name = part("liquid").or(part("hugo")).or(part("container"))?;
            let words = part("words").or(part("values")).or(part("title"))?;
            let is_container = tag.name("container").is_some();
            markdown_of(name, words, is_container)
        });
        let indent = line.len() - start.len();
        let component = COMPONENT.captures(line).filter(|_| code.is_none());
        let component = component.map(|tag| {
            let words = tag.name("words").map_or("", |words| words.as_str());
            let is_open = tag.name("words").is_some();
            let mut below = text[lines.at..].lines();
            let next = below
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default();
            let is_deeper = next.len() - next.trim_start().len() > indent;
            let title = TITLE.captures(words).or_else(|| STATUS.captures(words));
            let title = title.map(|title| format!("**{}**", &title[1]));
            let name = tag.name("name").map(|name| name.as_str());
            let name = name.filter(|name| matches!(*name, "Request" | "Response"));
            let request = METHOD.captures(words).zip(PATH.captures(words));
            let request =
                request.map(|(method, path)| format!("{} {}", method[1].to_uppercase(), &path[1]));
            let title = request
                .or(title)
                .or(name.map(|name| format!("{name}:")))
                .unwrap_or_default();
            // Indented text is the content of an item.
            let mark = if is_open && is_deeper { "- " } else { "" };
            format!("{mark}{title}")
        });
        let Some(written) = written.or(component) else {
            out.push_str(line);
            continue;
        };
        let kept = line.trim_end().len().checked_sub(indent + written.len());
        match kept {
            Some(rest) => {
                out.extend([&line[..indent], &written, &" ".repeat(rest)]);
                out.push_str(&line[line.trim_end().len()..]);
            }
            None => out.push_str(line),
        }
    }
    Cow::Owned(containers_as_lists(&out).into_owned())
}

/// What a tag means: a fence, a heading, a label, or nothing.
fn markdown_of(name: &str, words: &str, is_container: bool) -> Option<String> {
    let value = |name: &str| {
        let (_, rest) = words.split_once(&format!("{name}=\""))?;
        rest.split('"').next()
    };
    let title = || TITLE.captures(words)?.get(1).map(|title| title.as_str());
    Some(match name {
        "highlight" => format!("```{}", words.split([' ', ',']).next().unwrap_or_default()),
        "endhighlight" | "/highlight" => "```".to_owned(),
        // Pages of GitBook.
        "swagger" | "api-method" => {
            let method = value("method")?.to_uppercase();
            let base = value("baseUrl").or(value("host")).unwrap_or_default();
            format!("#### {method} {base}{}", value("path")?)
        }
        "swagger-response" => format!("**{}**", value("status")?.replace(':', "")),
        "code-group" => String::new(),
        _ if is_container && !words.is_empty() && !words.starts_with(['{', '"']) => {
            format!("**{}**", words.trim_matches(['[', ']']))
        }
        _ => title().map_or_else(String::new, |title| format!("**{title}**")),
    })
}

/// Replaces the markers of MkDocs tabs and admonitions, whose content is indented, by those of list items of the same
/// width, so that Markdown parses what is inside.
fn containers_as_lists(text: &str) -> Cow<'_, str> {
    const MARKERS: [(&str, &str); 5] = [
        ("=== ", "*   "),
        ("!!! ", "*   "),
        ("??? ", "*   "),
        ("???+ ", "*   +"),
        ("===+ ", "*   +"),
    ];
    if !MARKERS.iter().any(|(marker, _)| text.contains(marker)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut lines = Lines::new(text, 0);
    while let Some((line, _)) = lines.next() {
        let content = line.trim_start_matches(' ');
        let indent = &line[..line.len() - content.len()];
        let inside = text[lines.at..]
            .lines()
            .find(|line| !line.trim().is_empty());
        let is_container =
            inside.is_some_and(|inside| inside.starts_with(&format!("{indent}    ")));
        match MARKERS
            .iter()
            .find_map(|(marker, list)| Some((content.strip_prefix(marker)?, list)))
        {
            Some((rest, list)) if is_container => out.extend([indent, list, rest]),
            _ => out.push_str(line),
        }
    }
    Cow::Owned(out)
}
