//! What headings and bold labels say about the fence below them.

/// The part a heading or label announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A request, or the command that makes it.
    Request,
    /// A response.
    Response,
    /// JSON that is neither: the body to send, a record as it was before.
    Other,
    /// Nothing in particular.
    Plain,
}

const REQUEST: &[&str] = &["request", "requests", "command", "commands", "call", "input"];
const RESPONSE: &[&str] =
    &["response", "responses", "result", "results", "output", "return", "returns", "returned", "reply", "answer"];
/// Words that make JSON something else than an answer, unless a response is named too.
const OTHER: &[&str] = &[
    "body",
    "original",
    "before",
    "database",
    "schema",
    "model",
    "resource",
    "properties",
    "payload",
    "parameters",
    "headers",
    "syntax",
    "format",
    "data",
    "template",
    "object",
];
const FILLER: &[&str] =
    &["example", "examples", "sample", "the", "a", "an", "of", "for", "in", "using", "with", "to", "your", "expected"];

/// Tools other than curl whose requests a page may show beside it.
const TOOLS: &[&str] = &["postman", "insomnia", "httpie", "powershell", "python", "javascript", "fetch"];

/// Lower-case words of a label, without markup and punctuation.
#[must_use]
pub fn words(label: &str) -> Vec<String> {
    label.split(|c: char| !(c.is_alphanumeric())).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Words that describe an answer rather than show one.
const DESCRIBES: &[&str] = &["format", "schema", "syntax", "properties", "headers", "parameters"];

/// What a heading announces.
#[must_use]
pub fn part(heading: &str) -> Part {
    announced(heading, DESCRIBES, OTHER)
}

/// What a label in running text announces: a sentence says more words than a
/// heading, and fewer of them decide.
#[must_use]
pub fn label_part(label: &str) -> Part {
    const DECIDE: &[&str] = &["body", "payload", "original", "before", "database", "schema", "parameters", "headers"];
    announced(label, &["properties", "headers", "parameters"], DECIDE)
}

fn announced(label: &str, describes: &[&str], other: &[&str]) -> Part {
    let words = words(label);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let response = has(RESPONSE);
    let request = has(REQUEST) || words.first().is_some_and(|word| word == "curl");
    match (response, request) {
        (true, false) if has(describes) => Part::Other,
        (true, _) => Part::Response,
        (false, true) if has(other) => Part::Other,
        (false, true) => Part::Request,
        (false, false) if has(other) => Part::Other,
        (false, false) => Part::Plain,
    }
}

/// The tool a label names, other than curl.
#[must_use]
pub fn other_tool(label: &str) -> Option<&'static str> {
    let words = words(label);
    if words.iter().any(|word| word == "curl") {
        return None;
    }
    TOOLS.iter().find(|tool| words.iter().any(|word| word == *tool)).copied()
}

/// A label without its request or response word and without filler, sorted:
/// equal for the two halves of one example. Nothing if it names neither half.
#[must_use]
pub fn stem(label: &str, wanted: Part) -> Option<Vec<String>> {
    let list = if wanted == Part::Request { REQUEST } else { RESPONSE };
    let words = words(label);
    if !words.iter().any(|word| list.contains(&word.as_str())) {
        return None;
    }
    let mut rest: Vec<String> =
        words.into_iter().filter(|word| !list.contains(&word.as_str()) && !FILLER.contains(&word.as_str())).collect();
    rest.sort();
    Some(rest)
}

/// Whether running text says that there is no body.
#[must_use]
pub fn says_no_body(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "no response body",
        "no body",
        "empty body",
        "empty response",
        "no content",
        "body is empty",
        "returns nothing",
        "no response is returned",
        "response body: none",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// A name as front matter and headings share it: no markup, one case, single spaces.
#[must_use]
pub fn plain_name(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !matches!(c, '`' | '*' | '_' | '"' | ':')).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let rows = [
            ("`POST` user request example", Part::Request),
            ("`POST` user response example", Part::Response),
            ("cURL command", Part::Request),
            ("cURL response", Part::Response),
            ("Response:", Part::Response),
            ("Response body", Part::Response),
            ("Response format", Part::Other),
            ("Request body", Part::Other),
            ("Original Resource:", Part::Other),
            ("Who uses it?", Part::Plain),
            ("Sample response:", Part::Response),
            ("Expected output", Part::Response),
            ("Return body", Part::Response),
            ("Return body properties", Part::Other),
        ];
        for (label, expected) in rows {
            assert_eq!(part(label), expected, "{label}");
        }
        let rows = [
            ("You should see the following data:", Part::Plain),
            ("The response has this format:", Part::Response),
            ("with this request body:", Part::Other),
            ("Original record:", Part::Other),
        ];
        for (label, expected) in rows {
            assert_eq!(label_part(label), expected, "{label}");
        }
    }

    #[test]
    fn the_halves_of_an_example_share_a_stem() {
        let rows = [
            ("`GET` user request (example)", "`GET` user response (example)", true),
            ("cURL command", "cURL response", true),
            ("cURL command", "Postman response", false),
            ("Request example", "Response example", true),
            ("Request example", "Response format", false),
            ("`GET` example request (curl)", "`GET` example response (curl)", true),
        ];
        for (request, response, same) in rows {
            let halves = (stem(request, Part::Request), stem(response, Part::Response));
            assert_eq!(halves.0.is_some() && halves.0 == halves.1, same, "{request} / {response}");
        }
    }
}
