//! What sentences promise about a response apart from its status: that a list is empty, a number of records, headers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::blocks::Prose;
use super::claims::Claim;
use super::documented_response::Shown;
use super::failures::Around;
use super::labels;
use super::other_requests;
use super::page::{Block, Fence};
use super::programs;
use super::result_text::{self, Noun};
use super::status_below;
use super::status_text;
use super::text::is_one_of;
use super::transcript;
use super::url;

impl Around<'_> {
    /// Whether a sentence says that the response is an empty list.
    pub fn says_empty_list(&self) -> bool {
        static EMPTY: LazyLock<Regex> = regex!(
            r"(?xi)^\W*(?: (?: this | it | which | (?:the|this)\s+(?:\w+\s+){0,2}(?:request|command|query|call|response|server|api|search|filter) )\s+
                        (?:(?:will|should|now|then|therefore|so)\s+)* (?: returns? | gives? | gets? | yields? | responds?\s+with | results?\s+in | is )
                    | (?:\w+\s+){0,2}(?:you|we)\s+(?:(?:will|should|now|then)\s+)*(?:get|see|receive)
                    | returns? | gives? | the\s+result\s+is )\b
                [^.:;,]{0,20} (?: \bempty\s+(?:list|array|result)\b | `\[\]` )"
        );
        static FRESH: LazyLock<Regex> = regex!(
            r"(?i)\b(?:without|fresh|empty\s+(?:database|db|store|file)|no\s+(?:records|data))\b"
        );
        let says_so = |text: &str| {
            EMPTY.is_match(text) && status_text::is_promise(text) && !FRESH.is_match(text)
        };
        self.sentences().iter().any(|(text, _)| says_so(text))
    }

    /// The number of records that a sentence promises, unless the page shows them.
    pub fn promised_count(&self) -> Option<Claim> {
        static PROMISE: LazyLock<Regex> = regex!(
            r"(?xi)
            ^\W*(?:(?:this|it|the\s+(?:following\s+)?(?:request|command|response|result|server|list|array|output|answer|call))\s+
                (?:(?:will|should|now|then)\s+)?(?:returns?|contains?|has|have|includes?|lists?|gives?|shows?|prints?)
              | (?:now\s+)?(?:you|we)\s+(?:(?:will|should|now|then)\s+)?(?:get|see|receive|have)|returns?|result:|response:
              | there\s+are | the\s+(?:response|result|body|output)\s+(?:is|will\s+be) | expect
              | (?:die\s+antwort|es|das\s+ergebnis|die\s+liste)\s+(?:enthält|hat|liefert) | (?:la\s+(?:respuesta|réponse|risposta)|a\s+resposta)\s+(?:contiene|tiene|contient|contém|tem|ha)
              | devuelve | renvoie | retorna | restituisce | liefert)
            \s+(?:back\s+)?"
        );
        // "All five users are listed."
        static LISTED: LazyLock<Regex> =
            regex!(r"(?i)^(?P<what>.*\S)\s+are\s+(?:returned|listed|shown|sent)(?:\s+back)?\W*$");
        let is_filtered = self.example.request.printed.is_filtered();
        if self.example.response.is_some() || is_filtered {
            return None;
        }
        let resource = url::resource(self.example.request.target());
        self.sentences().into_iter().find_map(|(sentence, range)| {
            let promise = PROMISE.find(sentence);
            let promised = promise.map(|found| &sentence[found.end()..]);
            let listed = || Some(LISTED.captures(sentence)?.name("what")?.as_str());
            let text = promised.or_else(listed)?.trim_end_matches([':', ' ']);
            let number = result_text::count(text, resource, Noun::Known)?;
            status_text::is_promise(sentence).then(|| Claim::count(number, range))
        })
    }

    /// The headers that the paragraph directly below the request or its response names with their values: "The response
    /// has the header `Location: /users/3`".
    pub fn named_headers(&self) -> Vec<(String, Shown)> {
        static HEADER: LazyLock<Regex> = regex!(
            r"(?i)`(?P<name>location|x-total-count)(?:`\s*(?:header\s+)?(?:is|with|=|of)\s*|\s*:\s*)`?(?P<value>/[^\s`]+|https?://[^\s`]+|\d+)"
        );
        static OTHERS: LazyLock<Regex> = regex!(
            r"(?i)\b(?:for\s+lists?|only|second|next|another|identical|would|e\.g|for\s+example)\b"
        );
        let response = self.example.response.as_ref().map(|own| own.fence);
        let below = match response {
            Some(fence) => self.prose_at(fence + 1),
            None => self.prose_below(),
        };
        let Some(prose) = below else {
            return Vec::new();
        };
        let text = &self.page.text[prose.range.clone()];
        let is_own = status_text::is_promise(text)
            && !OTHERS.is_match(text)
            && !other_requests::is_about(text, &self.example.request);
        let header = |found: Captures<'_>| {
            let value = found.name("value")?;
            let at = |offset: usize| prose.range.start + offset;
            let shown = Shown {
                text: value.as_str().trim_end_matches(['.', ',']).to_owned(),
                range: at(value.start())..at(value.end()),
            };
            Some((found["name"].to_lowercase(), shown))
        };
        let named = HEADER.captures_iter(text).filter(|_| is_own);
        named
            .filter_map(header)
            .chain(self.headers_below())
            .collect()
    }

    /// The headers in a block of their own below the response, with the label "Headers".
    fn headers_below(&self) -> Vec<(String, Shown)> {
        let response = self.example.response.as_ref().map(|own| own.fence);
        let label = response.and_then(|at| Some((at, self.prose_at(at + 1)?)));
        let is_label = |prose: &Prose| {
            let words = labels::words(&prose.text);
            let is_plain = |word: &String| is_one_of(word, "the response header headers http");
            !words.is_empty() && words.iter().all(is_plain)
        };
        let label = label.filter(|(_, prose)| is_label(prose));
        let Some(fence) = label.and_then(|(at, _)| self.page.fence(at + 2)) else {
            return Vec::new();
        };
        let headers = transcript::compared_headers(&fence.content);
        let compared = headers.filter(|(name, _)| is_one_of(name, "location x-total-count"));
        compared
            .map(|(name, span)| {
                let text = fence.content[span.clone()].to_owned();
                let range = fence.source_range(&span);
                (name, Shown { text, range })
            })
            .filter(|(_, shown)| !shown.text.contains("..") && !shown.text.contains('…'))
            .collect()
    }

    /// What the first sentence below a command says that it prints: "It prints `7`."
    pub fn stated_output(&self) -> Option<Shown> {
        static OUTPUT: LazyLock<Regex> = regex!(
            r#"(?xi)^\W*(?: (?:this|it|which|the\s+(?:command|request|filter|query))\s+(?:(?:will|should|then|now)\s+)*
                    (?:prints?|outputs?|displays?|shows?|returns?|gives?|writes?|yields?)
                | (?:prints?|outputs?|displays?|returns?|gives?) | (?:you|we)\s+(?:(?:will|should|then|now)\s+)*(?:see|get)
                | (?:the\s+)?(?:expected\s+)?(?:output|result)\s*(?:is|will\s+be|should\s+be|:) | expected: | ausgabe: | salida: | sortie\s*: | saída: | вывод: | 输出[:：] )
            [\s*_:]*(?:`(?P<code>[^`\n]+)`|["“„](?P<quoted>[^"“”\n]+)["”“]|(?P<bare>-?\d+(?:\.\d+)?|true|false|null)\b)\s*(?:[.,;!。]|$)"#
        );
        let prose = self.prose_below()?;
        let source = &self.page.text[prose.range.clone()];
        let found = OUTPUT.captures(source.lines().next()?)?;
        let shown = ["code", "quoted", "bare"]
            .iter()
            .find_map(|name| found.name(name))?;
        let is_own = status_text::is_promise(&source[..shown.end()])
            && self.example.response.is_none()
            && !other_requests::is_about(source, &self.example.request);
        is_own.then(|| Shown {
            text: shown.as_str().to_owned(),
            range: prose.range.start + shown.start()..prose.range.start + shown.end(),
        })
    }

    /// Whether the label above the output is missing or calls it the output, and nothing more: not "Output (truncated):".
    pub fn names_no_other_output(&self) -> bool {
        let response = self.example.response.as_ref().map(|own| own.fence);
        let label = response.filter(|at| *at != self.example.fence);
        let label = label.and_then(|at| self.page.blocks.get(at.checked_sub(1)?)?.text());
        const RESPONSE: &str = "the response antwort respuesta resposta réponse risposta ответ відповідь odpowiedź svar antwoord yanıt vastaus";
        label.is_none_or(|label| {
            let mut words = labels::words(label).into_iter();
            words.all(|word| is_one_of(&word, RESPONSE)) || programs::is_plain_output_label(label)
        })
    }

    /// The sentence that leads to the request and the first one below it, each with the range of its paragraph, unless
    /// that is about another request.
    fn sentences(&self) -> Vec<(&str, Range<usize>)> {
        let is_first = |fence: &Fence| status_below::is_first_in_block(fence, self.example);
        let is_first = self.page.fence(self.example.fence).is_some_and(is_first);
        let above = self.example.fence.checked_sub(1).filter(|_| is_first);
        let above = above.and_then(|at| self.prose_at(at));
        let above = above.filter(|prose| labels::leads(&prose.text));
        let above = above.map(|prose| (labels::last_sentence(&prose.text), prose));
        // "Click **Send**." stands between an editor's request and what comes back.
        static CLICK: LazyLock<Regex> =
            regex!(r"(?i)^\W*(?:now\s+|then\s+)?(?:click|press|hit|run|execute|submit)\b");
        let below = self.prose_below();
        let clicks = below.filter(|prose| CLICK.is_match(&prose.text));
        let next = clicks.and_then(|_| self.prose_at(self.example.fence + 2));
        let below = below.into_iter().chain(next);
        let below = below.map(|prose| (prose.text.split(". ").next().unwrap_or_default(), prose));
        let is_own = |(_, prose): &(&str, &Prose)| {
            let source = &self.page.text[prose.range.clone()];
            !other_requests::is_about(source, &self.example.request)
        };
        let sentences = above.into_iter().chain(below).filter(is_own);
        sentences
            .map(|(text, prose)| (text, prose.range.clone()))
            .collect()
    }

    pub fn prose_at(&self, block: usize) -> Option<&Prose> {
        self.page.blocks.get(block).and_then(Block::prose)
    }

    /// The paragraph directly below the request, if no other request is above that.
    pub fn prose_below(&self) -> Option<&Prose> {
        let is_last = |fence: &Fence| status_below::is_last_in_block(fence, self.example);
        let is_last = self.page.fence(self.example.fence).is_some_and(is_last);
        self.prose_at(self.example.fence + 1).filter(|_| is_last)
    }
}
