//! Sentences about another request than that of an example, or another case: "Try `/users/9`: you get `404`", "For Bob
//! (id 2):", "An administrator gets:".

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::blocks::Prose;
use super::found::FoundRequest;
use super::page::Page;
use super::url;

/// Whether a text is about another request than an example.
pub fn is_about(text: &str, request: &FoundRequest) -> bool {
    static OTHER: LazyLock<Regex> = regex!(
        r"(?i)\b(?:unlike|no\s+longer)\b|\b(?:instead\s+of|rather\s+than)\s+(?:an?\s+|the\s+)?(?:`?[/\d]|id\b|(?-i:[A-Z]{3,})\b)"
    );
    static NAMED: LazyLock<Regex> = regex!(
        r"\b(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b(?:[`*\s]+(?:https?://[^\s/`]+)?(?P<path>/[^\s`*?]*))?"
    );
    let Some(written) = &request.written else {
        return false;
    };
    let own = url::path_of(&written.request.target);
    let own = own
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    let is_other = |found: Captures<'_>| {
        let path = found.name("path").map(|path| path.as_str());
        let path = path.map(|path| path.trim_end_matches(['.', ',', ':', ';', ')', '/']));
        let is_template = path.is_some_and(|path| url::placeholder(path).is_some());
        found["method"] != written.request.method
            || !is_template && path.is_some_and(|path| !own.ends_with(path))
    };
    OTHER.is_match(text)
        || NAMED.captures_iter(text).any(is_other)
        || names_other_target(text, &written.request.target)
}

/// The sentences of a paragraph that are not about another request.
pub fn without<'a>(page: &Page, prose: &'a Prose, request: &FoundRequest) -> Cow<'a, str> {
    let source = &page.text[prose.range.clone()];
    if !is_about(source, request) {
        return Cow::Borrowed(&prose.text);
    }
    // "Try `/users/99`. You should see 404." The second sentence is about the other request, too.
    static OF_ABOVE: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:(?:you|vous|sie|du|usted|você|it)\s+(?:should|will|devr\w+|sollt\w+|deber\w+|dever\w+)|deber[ií]a\w*|deveria)\b"
    );
    let mut is_other = false;
    let mut is_own = |sentence: &&str| {
        is_other = is_about(sentence, request) || is_other && OF_ABOVE.is_match(sentence);
        !is_other
    };
    let sentences = source.split_inclusive(". ");
    let own: String = sentences.filter(|sentence| is_own(sentence)).collect();
    Cow::Owned(own.replace(['`', '*'], "").trim().to_owned())
}

/// Whether a text names a path, a query or a record other than those of a target: "`/users/9`", "`?name=Zoe`", "user 9".
pub fn names_other_target(text: &str, target: &str) -> bool {
    static CODE: LazyLock<Regex> = regex!(
        r"`(?:https?://[^\s/`]+)?(?P<path>/[\w-]+(?:/[\w.:{}<>-]+)*/?)(?:\?[^\s`]*)?`|`[^\s`]*?[?&]?(?P<query>\w+=[^\s`]+)`"
    );
    static ID: LazyLock<Regex> = regex!(r"(?i)\bids?\s*[:=]?\s*`?(?P<id>\d+)\b");
    let whole = url::path_of(target);
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let path = path.trim_end_matches('/');
    let is_other = |found: Captures<'_>| match (found.name("path"), found.name("query")) {
        (Some(named), _) => {
            let named = named.as_str().trim_end_matches('/');
            url::placeholder(named).is_none() && !path.ends_with(named) && !named.ends_with(path)
        }
        (None, Some(named)) => !query.contains(named.as_str()),
        (None, None) => false,
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_other_id = |found: Captures<'_>| is_number(last) && &found["id"] != last;
    CODE.captures_iter(text).any(is_other) || ID.captures_iter(text).any(is_other_id)
}

/// Whether a sentence that leads to JSON is about a case that the request does not show.
pub fn is_other_case(sentence: &str) -> bool {
    static CASE: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: suppose\w* | imagine | logged\s+in\s+as | an?\s+admin(?:istrator)?\s+(?:would\s+)?(?:gets?|sees?) | with\s+the\s+header
              | last\s+(?:year|week|month) | (?:would|is|are)\s+(?:be\s+)?wrong | (?:might|may)\s+expect | without\s+`?_\w+ )\b
          | ^\W*not\s*:\W*$ | ^\W*(?:change|set|modify|replace)\s+(?:it|this|that|the|\d+)\b"
    );
    // "When Ada has a birthday, you get:", and not "When you send this, ...".
    static WHEN: LazyLock<Regex> =
        regex!(r"(?i)^\W*(?:when|once|after|as\s+soon\s+as)\s(?P<clause>[^,:]+)[,:]");
    static OWN: LazyLock<Regex> = regex!(
        r"(?i)\b(?:you|we|i|this|that|it|call|request|run|send|sent|execut|command|start|success|work|post|patch|put|delet|updat|creat|add|chang|remov|insert|sav|log|done|open|finish|complet|quer|fetch|click|hit|press|submit)"
    );
    let clause = WHEN.captures(sentence);
    CASE.is_match(sentence) || clause.is_some_and(|found| !OWN.is_match(&found["clause"]))
}
