//! What a page says in words about the failure of a request whose status it does not document: "You will get an error
//! that says that `title` is required."

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::example::Example;
use super::labels;
use super::mentions;
use super::other_requests;
use super::page::{Block, Fence, Page};
use super::service::Received;
use super::status_text;
use super::transcript;
use super::url;

/// What is wrong with a request, in a heading or label: "Wrong type", "Missing title".
static WRONG: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: invalid | malformed | incorrect | wrong | missing | omit\w* | non-?existent | duplicates?
            | ungültig\w* | falsch\w* | fehl(?:end\w*|t|en) | manquent? | mancano? | faltan? | invalides? | incorrecte?s? | manquant\w* | inexistant\w* | erroné\w*
            | inválid\w+ | errad\w+ | incorret\w+ | incorrect\w+ | erróne\w+ | ausente\w* | faltand\w+ | faltante\w* | inexistente\w* | duplicad\w+
            | do(?:es)?\s+not\s+exist | doesn['’]t\s+exist | não\s+existem? | no\s+existen? | n['’]existent?\s+pas | existier\w+\s+nicht
            | nicht\s+existier\w* | non\s+esist\w+ | не\s+существу\w+
            | negative\s+(?:tests?|cases?) | bad\s+requests? | unhappy\s+path | non\s+valid\w+ | errat\w+ | mancante\w* | невер\w+ | некорректн\w+ )\b
        | 无效 | 非法 | 缺少 | 不存在 | 無効 | 不正 | 잘못된"
);

/// Words that say that there is no error, or what to do about errors.
static NONE: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: (?:no|not|without|any|zero|never|nicht|kein\w*|ohne|aucune?|sans|sem|nenhum|sin|ningún|senza|nessun|без)
            (?:\s+\w+){0,2}\s+ (?:errors?|fail\w*|\w*fehler\w*|erreurs?|erros?|errore|errori|ошиб\w+|reject\w*|abgelehnt)
        | ^\W*(?:fix|correct|repair|report|resolve)(?:s|es|ing)?\b.*
        | ^\W*(?:check|watch|look|inspect|search|see|all)\b.* | \blogs?\b
        | ^\W*(?:errors|fehler|erreurs|erros|errores|errori)\s+(?:are|is|have|werden|haben|sind|sont|ont|são|têm|son|tienen|sono|hanno)
        | (?:handl\w+|fix\w*|avoid\w*|prevent\w*|behandl\w+|behandel\w+|trat\w+|gestion\w*|corr\w+) \s+(?:\w+\s+){0,2}(?:errors?|erros?|fehler|erreurs?|errores))\b"
);

/// That something is needed.
static REQUIRED: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: must | required | mandatory | needs? | cannot | muss | müssen | pflicht\w* | erforderlich | fehlt | fehlen
            | obligat\w+ | obrigat\w+ | obbligat\w+ | requise? | doit | doivent | manque | debe | deben | falta | deve | devem | devono | manca
            | должн\w+ | обязател\w+ )\b
        | 必须 | 必填 | 必須 | 不能为空 | 필수"
);

/// Text about names that are not known.
static MISSPELT: LazyLock<Regex> =
    regex!(r"(?i)\b(?:misspel\w*|typos?|unknown|unexpected|undefined|why)\b");

/// Text about the header that says what a body is.
static MEDIA_TYPE: LazyLock<Regex> = regex!(
    r"(?i)content[ -]type|media\s+type|\bheaders?\b|\bmime\b|\bjson\b.*\bform\b|\bform\b.*\bjson\b"
);

/// The status of an error.
static ERROR: LazyLock<Regex> = regex!(r"\b[45]\d\d\b");

/// The text around an example whose status is not documented.
pub struct Around<'a> {
    pub page: &'a Page,
    pub example: &'a Example,
}

/// Words by which a request reads what a write above it has changed: "Fetch it again:", "Verify that it is gone".
static AGAIN: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: again | once\s+more | verify | confirm | afterwards | applied | saved | gone | no\s+longer | remaining | is\s+left | are\s+left
            | (?:has|have|was|were|is|are|been)\s+(?:really\s+)?(?:changed|updated|deleted|removed|added|created)
            | nuevamente | de\s+nuevo | volvemos | ha\s+cambiado | novamente | de\s+novo | depois\s+de | mudou | erneut | nochmals? | wieder | danach
            | gespeichert | geändert | gelöscht\s+wurde | vérifi\w+ | à\s+nouveau | a\s+(?:bien\s+)?changé | снова | ещё\s+раз | изменил\w+ | tekrar
            | kembali | sekarang | ponownie | zmieniła | jeszcze\s+raz | di\s+nuovo | nuovamente | verifichiamo | sia\s+cambiat\w )\b
        | 再次 | 已更新 | もう一度 | 変わって | 다시"
);

impl Around<'_> {
    /// Whether the sentence that leads to the request says that it reads what was just changed.
    pub fn reads_again(&self) -> bool {
        let above = self.example.fence.checked_sub(1);
        let Some(Block::Prose(prose)) = above.and_then(|at| self.page.blocks.get(at)) else {
            return false;
        };
        let sentence = labels::last_sentence(&prose.text);
        AGAIN.is_match(sentence) && labels::leads(sentence)
    }

    /// Whether the request is directly below the one of the block `above`, or the sentence between them says that it
    /// comes next.
    pub fn follows(&self, above: usize) -> bool {
        static NEXT: LazyLock<Regex> = regex!(
            r"(?xi)\b(?: now | then | after | back | updated | new\s+state | persist\w* | result\w* | work(?:s|ed)? | changes? | re-?\w*fetch | finally | check
                | jetzt | nun | ahora | agora | maintenant | adesso | ora | теперь | nu | şimdi | teraz )\b
            | 现在 | 今度 | 이제"
        );
        self.text_since(above).is_some_and(|between| {
            let mut sentences = between.iter().map(|text| labels::last_sentence(text));
            sentences.all(|sentence| NEXT.is_match(sentence))
        })
    }

    /// Whether the sentence between the request and the one of the block `above` says that it is the next step: "Now list
    /// the users:".
    pub fn is_next_step(&self, above: usize) -> bool {
        static STEP: LazyLock<Regex> = regex!(
            r"(?xi)^\W*(?: then | finally | after\s+(?:that|this) | afterwards | dann | danach | luego | después | depois | ensuite | puis | poi
                | затем | потом )\b | \b(?: now | jetzt | nun | ahora | agora | maintenant | adesso | теперь )\b | 现在 | 今度 | 이제"
        );
        let between = self.text_since(above).unwrap_or_default();
        let sentence = between.last().map(|text| labels::last_sentence(text));
        sentence.is_some_and(|sentence| STEP.is_match(sentence) && labels::leads(sentence))
    }

    /// The text between the request and the one of the block `above`, if that and nothing else is between them.
    fn text_since(&self, above: usize) -> Option<Vec<&str>> {
        let is_code = |at: usize| self.page.fence(at).is_some_and(|fence| fence.fenced);
        let between = &self.page.blocks[(above + 1).min(self.example.fence)..self.example.fence];
        let text = between.iter().map(|block| match block {
            Block::Prose(prose) => Some(prose.text.as_str()),
            _ => None,
        });
        (is_code(above) && is_code(self.example.fence)).then(|| text.collect())?
    }

    /// Whether the text mentions this error: it names its status, or says that the request fails.
    pub fn allows(&self, received: &Received) -> bool {
        let status = received.status;
        let text = self.text();
        (400..600).contains(&status)
            && (status == 404 && self.follows_its_deletion()
                || self.shows_only_errors()
                || names(&text, status)
                // Another status that is named is the documented one.
                || status < 500
                    && !ERROR.is_match(&text)
                    && (self.says_that_it_fails(received) || self.names_reason(received)))
            && self.means(received)
    }

    /// Whether it is a GET of the record that the command directly above deletes, and the page shows no response to it.
    fn follows_its_deletion(&self) -> bool {
        let (page, example) = (self.page, self.example);
        let Some(fence) = page.fence(example.fence).filter(|fence| fence.fenced) else {
            return false;
        };
        let before = &fence.content[..example.request.span.start];
        let is_first = !before.contains("curl ");
        let above = (0..example.fence).rev().find_map(|at| page.fence(at));
        let above = above.filter(|above| is_first && above.fenced);
        let text = above.map_or(before, |above| &above.content);
        let command = text.rfind("curl ").map_or("", |at| &text[at..]);
        let target = url::path_of(example.request.target());
        let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '/');
        let names_target = command
            .split_once(target)
            .is_some_and(|(_, rest)| is_whole(rest));
        example.method() == "GET"
            && example.response.is_none()
            && command.contains("DELETE")
            && names_target
    }

    /// Whether the text may mean this error: a misspelt name or a missing header is rarely what it is about.
    pub fn means(&self, received: &Received) -> bool {
        let (is_misspelling, is_wrong_type) =
            (received.is_misspelling(), received.is_wrong_content_type());
        (!is_misspelling && !is_wrong_type) || {
            let text = self.text();
            (!is_misspelling || MISSPELT.is_match(&text))
                && (!is_wrong_type || MEDIA_TYPE.is_match(&text))
        }
    }

    /// Whether labels call all that is shown below the request the response of an error.
    fn shows_only_errors(&self) -> bool {
        let unpaired = &self.example.unpaired;
        let is_json = |fence: &Fence| fence.content.trim_start().starts_with('{');
        let is_error = |at: &usize| {
            let above = at
                .checked_sub(1)
                .and_then(|above| self.page.blocks[above].text());
            above.is_some_and(status_text::names_error) && self.page.fence(*at).is_some_and(is_json)
        };
        self.example.response.is_none() && !unpaired.is_empty() && unpaired.iter().all(is_error)
    }

    /// Whether the heading, the sentence that leads to the request or the one below it names what the server complains
    /// about: "The email is already taken:", `## Create a user without a name`.
    fn names_reason(&self, received: &Received) -> bool {
        // Besides what is wrong or needed.
        static TAKEN: LazyLock<Regex> = regex!(
            r"(?xi)\b(?: already | exist(?:s|ing)? | taken | in\s+use | unique | same | second | twice | without | leav\w*\s+out | lacks? | only | allowed
                | incomplete | unknown | too\s+(?:short|long|small|large) | bereits | doppelt\w* | ohne | déjà | sans | ya | existe | sin | já | sem | già | senza
                | уже | без )\b
            | 重复 | 已存在 | 重複"
        );
        static VALIDATION: LazyLock<Regex> = regex!(
            r"(?i)^\W*(?:validation|incomplete\s+\w+|required\s+\w+|uniqueness|negative\s+tests?)\W*$"
        );
        static MISSING: LazyLock<Regex> = regex!(
            r"(?xi)\b(?: unknown | no\s+such | (?:there\s+is|has)\s+no | not\s+there | (?:does|do)\s*n(?:o|['’])t\s+exist | not\s+found | gone | deleted | missing | never\s+(?:created|existed)
                | is\s*n(?:o|['’])t\s+(?:in|there) | not\s+in\s+the | (?:error|failure)s?\s+looks?\s+like | nothing\s+(?:was|is)\s+found
                | what\s+(?:happens|(?:status|response|answer)\s+(?:do|will|would)\s+you) | unbekannt\w* | inconnu\w*
                | desconocid\w* | desconhecid\w* | sconosciut\w* | nie\s+istniej\w* | neexistuj\w* )\b
            | 存在しない | 不存在 | 없는"
        );
        let (page, example) = (self.page, self.example);
        let heading = page.heading_of(example.fence);
        let heading = heading.and_then(|at| Some(page.blocks[at].heading()?.text.as_str()));
        let near = [example.fence.checked_sub(1), Some(example.fence + 1)];
        let near = near
            .into_iter()
            .flatten()
            .filter_map(|at| page.blocks.get(at)?.prose())
            .map(|prose| status_text::without_lists_of_errors(&prose.text));
        let near: Vec<String> = near.collect();
        let sentences = near.iter().map(|text| labels::last_sentence(text));
        // "# what happens?"
        let comment = page.fence(example.fence).map(|fence| {
            let after = &fence.content[example.request.span.end..];
            after.lines().next().unwrap_or_default()
        });
        let sentences = sentences.chain(comment);
        let names = properties(received);
        let is_named = |text: &str| {
            let text = text.to_lowercase().replace('-', "");
            names.iter().any(|name| text.contains(name.as_str()))
        };
        let is_about = |text: &str| match received.status {
            404 => MISSING.is_match(text),
            _ => {
                VALIDATION.is_match(text)
                    || [&*TAKEN, &*WRONG, &*REQUIRED]
                        .iter()
                        .any(|words| words.is_match(text))
                        && is_named(text)
                        && status_text::is_unconditional(text)
            }
        };
        let is_shown = example.response.is_some() || !example.unpaired.is_empty();
        !is_shown && heading.into_iter().chain(sentences).any(is_about)
    }

    /// Whether the text is about misspelt names.
    pub fn is_about_names(&self) -> bool {
        MISSPELT.is_match(&self.text())
    }

    /// Whether the text says that the request fails, and it does not.
    pub fn contradicts(&self, received: &Received) -> bool {
        // An error that a program reports may be one of the browser.
        self.example.request.program().is_none()
            && received.is_success()
            && self.says_that_it_fails(received)
    }

    /// Whether a text that says that the request fails is surely about a value that it sends: not about users and
    /// permissions, which the server does not have, and not below a heading about errors in general.
    pub fn is_about_values(&self) -> bool {
        static LOGIN: LazyLock<Regex> = regex!(
            r"(?i)token|\bauth(?:\b|entic|ori[sz])|login|log(?:ged)?\s+in|sign(?:ed)?\s+in|permission|forbidden|api[\s-]?key|rate[\s-]+limit|too\s+many"
        );
        static GENERAL: LazyLock<Regex> = regex!(
            r"(?i)^\W*(?:\d+[.)]\s*)?(?:errors?|failures?)(?:\s+(?:handling|codes?|responses?|formats?|messages?|cases?))?\W*$"
        );
        let heading = self.page.heading_of(self.example.fence);
        let heading = heading.and_then(|at| self.page.blocks[at].heading());
        let sends = self.example.request.json_body().is_some();
        sends
            && !LOGIN.is_match(&self.text())
            && !heading.is_some_and(|heading| GENERAL.is_match(&heading.text))
    }

    /// The heading of the example and the text around it, up to its response, in lower case.
    fn text(&self) -> String {
        let (page, example) = (self.page, self.example);
        let mut out = String::new();
        if let Some(Block::Heading(heading)) = page
            .heading_of(example.fence)
            .and_then(|at| page.blocks.get(at))
        {
            out.push_str(&heading.text);
        }
        let response = example.response.as_ref().map(|response| response.fence);
        let until = response.unwrap_or(example.end).max(example.fence);
        let above = page.blocks[..example.fence].iter().rev();
        let below = page.blocks[example.fence..until].iter().skip(1);
        let prose = |block: &Block| match block {
            // The rest is about another request.
            block if mentions::begins_endpoint(block) => None,
            Block::Prose(prose) => {
                let own = other_requests::without(page, prose, &example.request);
                Some(status_text::without_lists_of_errors(&own))
            }
            Block::Directive(_) => Some(String::new()),
            _ => None,
        };
        // The status of an error response that is not compared.
        let shown = |block: &Block| match block {
            Block::Fence(fence) if transcript::shows_response(fence) => {
                Some(fence.content.lines().next().unwrap_or_default().to_owned())
            }
            block => prose(block),
        };
        for text in above.map_while(prose).chain(below.map_while(shown)) {
            out.push('\n');
            out.push_str(&text);
        }
        out.to_lowercase()
    }

    /// Whether the heading, the sentence that leads to the request, a comment above it or the paragraph below it says
    /// that it fails.
    fn says_that_it_fails(&self, received: &Received) -> bool {
        let (page, example) = (self.page, self.example);
        let names = properties(received);
        // "`title` is required", where that is what the server says.
        let requires = |sentence: &str| {
            REQUIRED.is_match(sentence)
                && names.iter().any(|name| labels::has_word(sentence, name))
                && status_text::is_unconditional(sentence)
        };
        let Some(fence) = page.fence(example.fence) else {
            return false;
        };
        let span = &example.request.span;
        let has_request = |text: Option<&str>| {
            let mut lines = text.unwrap_or_default().lines();
            lines.any(|line| line.contains("curl ") || line.trim_start().starts_with("http "))
        };
        let before = fence.content.get(..span.start);
        let is_first = !has_request(before);
        let is_last = !has_request(fence.content.get(span.end..));
        // What fails may be the second of two like it.
        let path = url::path_of(example.request.target());
        let is_repeated = !is_last && fence.content[span.end..].contains(path);
        let heading = page.heading_of(example.fence);
        let in_heading = || match heading.map(|at| &page.blocks[at]) {
            Some(Block::Heading(heading)) => labels_failure(&heading.text),
            _ => false,
        };
        let is_shown = example.response.is_some() || !example.unpaired.is_empty();
        let in_comment = || {
            let above = before.unwrap_or_default().trim_end_matches([' ', '$']);
            let line = above.trim_end_matches('\n').rsplit('\n').next();
            let comment = line.unwrap_or_default().trim().strip_prefix('#');
            comment.is_some_and(|comment| {
                // "fails without the header"
                labels_failure(comment)
                    && status_text::is_unconditional(comment)
                    && !(status_text::says_failure(comment) && labels::has_word(comment, "without"))
            })
        };
        let in_lead = || match example.fence.checked_sub(1).map(|at| &page.blocks[at]) {
            Some(Block::Prose(prose)) => {
                let sentence = labels::last_sentence(&prose.text);
                // A list of cases has the statuses of errors, too.
                let is_case = page.is_list_item(prose.range.start) && ERROR.is_match(sentence);
                !sentence.ends_with('.') && !is_case && labels_failure(sentence)
            }
            _ => false,
        };
        let below = || {
            let blocks = page.blocks.get(example.fence + 1..example.end);
            let mut blocks = blocks.unwrap_or_default().iter();
            let next = blocks.find(|block| block.directive().is_none());
            match next {
                Some(block @ Block::Prose(prose)) if !mentions::begins_endpoint(block) => {
                    let leads_on = labels::leads(labels::last_sentence(&prose.text));
                    let own = other_requests::without(page, prose, &example.request);
                    let own = status_text::without_lists_of_errors(&own);
                    let mut sentences = own.split(['.', '!', '?', '。', '！', '\n']);
                    !(leads_on && blocks.next().is_none())
                        && sentences.any(|sentence| states_failure(sentence) || requires(sentence))
                }
                _ => false,
            }
        };
        // "Members may be left out."
        static ALLOWED: LazyLock<Regex> = regex!(
            r"(?i)\b(?:may|can)\s+be\s+(?:left\s+out|omitted|missing|repeated|empty)\b|\b(?:need\s+not|needn['’]t|optional|not\s+(?:required|needed|necessary|an?\s+error)|is\s+fine|no\s+error)\b"
        );
        !is_shown
            && !ALLOWED.is_match(&self.text())
            && (in_comment()
                || in_output(&fence.content[span.end..])
                || is_first && !is_repeated && (in_heading() || in_lead())
                || is_last && below())
    }
}

/// Whether the output below a command in its block is a message about a failure: `user 9 was not found!`.
fn in_output(below: &str) -> bool {
    let line = below.trim_start().lines().next().unwrap_or_default();
    let is_message =
        line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '[' | '<'));
    is_message && below.starts_with(['\n', '\r']) && states_failure(line)
}

/// The properties that an error complains about, in lower case.
fn properties(received: &Received) -> Vec<String> {
    let errors = received
        .json()
        .and_then(|body| body.get("errors")?.as_array());
    let name = |error: &Value| {
        let pointer = error.get("pointer")?.as_str()?;
        Some(pointer.rsplit('/').next()?.to_lowercase())
    };
    errors.into_iter().flatten().filter_map(name).collect()
}

/// Whether a sentence says that a request fails, and not only that it may.
fn states_failure(sentence: &str) -> bool {
    let sentence = sentence.trim_start_matches(|c: char| !c.is_alphanumeric());
    status_text::says_failure(sentence)
        && !NONE.is_match(sentence)
        && status_text::is_unconditional(sentence)
}

/// Whether a heading or label is about a request that fails.
fn labels_failure(text: &str) -> bool {
    labels::words(text).len() <= 12
        && (WRONG.is_match(text) || status_text::says_failure(text))
        && !NONE.is_match(text)
}

/// Whether text names an error: its status or its reason phrase.
fn names(text: &str, status: u16) -> bool {
    // "404ではありません": it does not come.
    static NEGATED: LazyLock<Regex> =
        regex!(r"[1-5]\d\d\s*(?:では|には|を返し)(?:あり|なり)?ませ|不会(?:得到|返回)\s*[1-5]\d\d");
    if NEGATED.is_match(text) {
        return false;
    }
    let reason = ureq::http::StatusCode::from_u16(status).ok();
    let reason = reason
        .and_then(|status| status.canonical_reason())
        .map(str::to_lowercase);
    labels::has_word(text, &status.to_string())
        || reason.is_some_and(|reason| text.contains(&reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_say_that_a_request_fails() {
        let rows = [
            ("Erro: `descricao` é obrigatório", true),
            ("You will get an error that names the field", true),
            ("The server rejects it", true),
            ("Das wird abgelehnt, weil der Titel fehlt", true),
            ("Du erhältst eine Fehlermeldung", true),
            ("Vous recevez une erreur de validation", true),
            ("La petición falla", true),
            ("Вернётся ошибка", true),
            ("会返回错误", true),
            ("エラーになります", true),
            ("It fails if the title is missing", false),
            ("There should be no error", false),
            ("Es gibt keine Fehler", false),
            ("See how to handle such errors", false),
            ("Note that this does not work", true),
            ("Der Server lehnt das ab", true),
            ("Check the logs for errors", false),
            ("Errors are returned as JSON", false),
            ("It returns the record", false),
        ];
        for (sentence, fails) in rows {
            assert_eq!(states_failure(sentence), fails, "{sentence}");
        }
    }

    #[test]
    fn headings_about_requests_that_fail() {
        let rows = [
            ("1. Enviar dados inválidos", true),
            ("Wrong type", true),
            ("Missing title", true),
            ("Fehlender Titel", true),
            ("Der Titel fehlt", true),
            ("Falta el título", true),
            ("Validation errors", true),
            ("缺少标题", true),
            ("Create a song", false),
            ("Without errors", false),
        ];
        for (heading, fails) in rows {
            assert_eq!(labels_failure(heading), fails, "{heading}");
        }
    }
}
