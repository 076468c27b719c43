//! Statuses in text: `Response: 404 Not Found`, "returns 404", `### 404`.

use std::sync::LazyLock;

use regex::Regex;

use super::blocks::{Cell, Table};
use super::labels::{self, Announces};
use super::text::{is_one_of, pattern};

/// Words of the label of a status, as a part of a pattern.
static STATUS_WORDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        r"(?:(?:api|server|error|success|successful|failure|the|http|https|response|responses|result|results|return|returns|
            returned|reply|answer|output|status|code|statuscode|body|headers|and|
            antwort|ergebnis|ausgabe|fehler|réponse|reponse|résultat|sortie|erreur|statut|d'état|
            respuesta|resultado|salida|estado|código|codigo|resposta|saída|erro|
            risposta|risultato|stato|codice|errore|der|die|das|la|le|el|de|di|du|da|do|
            odpowiedź|kod|stav|antwoord|svar|yanıt|sonuç|durum|kodu|
            ответ|статус|код|результат|відповідь)\b
          | 响应 | 回應 | 返回 | 状态码 | 狀態碼 | 状态 | 结果 | 結果 | レスポンス | ステータス | コード | 応答 | 응답 | 결과 | 상태 | 코드
          | {})",
        labels::EXPECTED
    )
});
/// A paragraph or line that is a status: `Response: 404 Not Found`, `Status code: 404`, `HTTP/1.1 404`.
static STATUS_LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?xi)^[^\w]* (?:{} [^\w]*)*
        (?:/\d(?:\.\d)?\s+)? (?P<code>[1-5]\d\d)\b [^\w]* (?P<reason>\p{{L}}[\p{{L}}'\ -]*)? [^\w]*
        (?:(?:application|text)/[\w.+-]+)? [^\w]*$",
        *STATUS_WORDS
    ))
});
/// A statement in a sentence: `returns 404`, `The server responds with a 404 error`
static STATEMENT: LazyLock<Regex> = regex!(
    r"(?xi)(?: \b(?:status(?:\s+code)? | http\s+(?:status|code) | response\s+code | returns? | returned |
            respond(?:s|ed)?(?:\s+with)? | repl(?:y|ies|ied)(?:\s+with)? | answer(?:s|ed)?(?:\s+with)? | gives? |
            yields? | gibt | liefert | ergibt | antwortet(?:\s+mit)? | renvoi\w+ | retourn\w+ | répond | devuelv\w+ | devolver\w* |
            responde(?:\s+con)? | retorn\w+ | restituisc\w+ | fails?\s+with | results?\s+in | ends\s+(?:in|with) | gets? | receives? |
            expects? | (?:should|will|['’]ll)\s+(?:see|have) | response\s+is | верн\w+ | возвраща\w+ |
            statuscode | statuskod\w* | estado | statut | stato | stav | kod(?:em|u|om)? | durum(?:\s+kodu)? | статус\w* | код\w* |
            ^\W*(?:an?|une?|una|uno|uma?|eine?n?|see|have) |
            ^\W*(?:(?:vous|sie|du|wir|usted|você|lei)\s+)?(?:obt(?:enir|ener|er|iene[ns]?|enez)|erh(?:ält|alten)|recev\w+|receb\w+|recib\w+|ricev\w+) |
            (?:antwort|ergebnis)\s+(?:ist|lautet) | (?:réponse|résultat)\s+est | (?:respuesta|resultado)\s+es |
            (?:resposta|resultado)\s+é | (?:risposta|risultato)\s+è)\b | 返回) [^\w\n]{0,6}
        (?:(?:an?|the|us|you|me|back|le|la|el|il|o|http(?:/\d\.\d)?|status|code|error|of|with|is|are|be|will|must|response|now|then|ist|est|es|é|è|sein|wird|sera|será|jest|un|une|uno|una|um|ein|eine|einen|dann|danach|
            jetzt|con|com|avec|mit|de|di|erreur|erro|errore|fehler|código|codice|estado|statut|ошибку|код|статус)\s+)*
        (?P<code>[1-5]\d\d)\b [\W]* (?P<next>[a-z]*)"
);
/// The name of a status with its number: `This is forbidden (403)`.
static NAMED: LazyLock<Regex> =
    regex!(r"(?P<name>\p{L}[\p{L} '-]*\p{L})\s*\((?:HTTP\s+)?(?P<code>[1-5]\d\d)\)");
/// A status that is explained: `404 Not Found – no such user`, `Response (201): the new user`.
static EXPLAINED: LazyLock<Regex> = regex!(
    r"(?s)^(?P<status>(?P<label>.*?)[1-5]\d\d\b[\w' ]*?)(?:\W*\s(?:[–—:;,→-]|[-=]>)|(?P<near>[`)\]）]*[:：,;]|[`\s]*[(（]))\s*\p{L}"
);
/// A status and in brackets what may come as well: `Expected: 204 (or 404 if it is gone)`.
static ALTERNATIVE: LazyLock<Regex> = regex!(
    r"(?xi)^(?P<status>.*?[1-5]\d\d\b[\w'`\ ]*?)\s*[(（,;]\s*(?:or|oder|ou|o|или|otherwise|else|sinon|sonst|sino|senão|altrimenti)\b[^\d]*(?P<other>[1-5]\d\d)\b"
);
/// Words of an expectation before a status: `should 404`, `It must return 404`.
static SHOULD: LazyLock<Regex> = regex!(
    r"(?xi)^\W*(?:(?:it|this|that|we|you|vous|tu|sie|du|wir|você|lei|usted|(?:the|this|both|each)\s+(?:above\s+)?(?:server|api|response|requests?|calls?|commands?))\s+)?
        (?:should|must|shall|will|sollten?|solltest|soll|muss|deberías?|deberia|debes?|deveria|deve|devrai[ts]|devriez|doit|dovrebbe|dovresti|должен|должно)\b\s*(?:be\b)?"
);
/// Words for an error, or for a request that fails.
static FAILS: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: errors? | fails? | failed | failure | reject(?:s|ed)? | refuse[sd]? | forbidden | denied | unauthorized | failing | not\s+(?:allowed|accepted|permitted|valid|found)
            | \w*fehler\w* | fehlgeschlagen | schlägt\s+fehl | abgelehnt | abgewiesen | erreurs? | échou\w+ | échec | refusée?
            | rejetée? | erros? | falha\w* | rejeitad\w+ | recusad\w+ | falla\w* | errores | rechaza\w* | error[ei] | fallisce | rifiutat\w+
            | no\s+encontrad[oa]s? | não\s+(?:foi\s+)?encontrad[oa]s? | non\s+trovat\w | introuvables? | nicht\s+gefunden | не\s+найден\w* | не\s+знайден\w*
            | nie\s+znalezion\w+ | bulunamadı | niet\s+gevonden | hittades\s+inte | ikke\s+fundet | ikke\s+funnet
            | could\s?n(?:o|['’])t\s+(?:be\s+found|find) | unable\s+to | (?:does|did)\s?(?:not|n['’]t)\s+exist
            | (?:does|do|will|did)\s?(?:not|n['’]t)\s+work | won['’]t\s+work | funktioniert\s+(?:so\s+)?nicht | lehnt\b[^.]*\bab
            | (?:ne\s+)?fonctionne\s+pas | não\s+funciona | no\s+funciona | non\s+funziona | fout\w* | błąd\w* | błęd\w* | ошиб(?:ок|к\w+) | помил(?:ок|к\w+) | virhe\w* | chyb[ay] | hata\w* )\b
        | 错误 | 報錯 | 报错 | 失败 | エラー | 失敗 | 오류 | 에러 | 不存在 | 未找到 | 找不到 | 見つかりません | 찾을\s*수\s*없"
);
/// The last part of a heading: `404` of `Missing user (404)`, `Missing user - 404` and `Missing user: 404`.
static LAST_PART: LazyLock<Regex> =
    regex!(r"[(（\[–—:：→>|-]\s*(?P<part>[^()（）\[\]–—:：→>|-]+)[)）\]]?\s*[:：]?\s*$");
/// A label in any language, with its markup: "Odpowiedź (`404`):", "**Svar: 404 Not Found**".
static ANY_LABEL: LazyLock<Regex> = regex!(
    r"(?x)^[\W_]* (?:\p{L}[\p{L}\p{M}'’.-]*[\s*_]+|\p{L}+){1,4} [:：]?[\s*_]*
        (?: [(（\[`][*_`]* (?P<code>[1-5]\d\d) (?:\s+(?P<reason>[A-Za-z'\ -]+))? [*_`]*[)）\]`]
          | (?P<plain>[1-5]\d\d)\s+(?P<phrase>[A-Za-z'\ -]+) ) [\W_]*$"
);
static WITH_REASON: LazyLock<Regex> = regex!(r"^[^\d]*\b([1-5]\d\d)\s+([A-Za-z'\ -]+)[^\d]*$");
/// A heading that begins with an error: `404 when the user is missing`.
static ERROR_FIRST: LazyLock<Regex> =
    regex!(r"^\W*(?P<code>[45]\d\d)\W+(?:when|if|for|on|because|as|error)\b");
static IN_HEADING: LazyLock<Regex> = regex!(r"\b([1-5]\d\d)\b(?:\s|\)|$|:|,|-)");

/// The status in brackets that text after a command begins with: "(404)".
pub fn in_brackets(text: &str) -> Option<u16> {
    static BRACKETS: LazyLock<Regex> =
        regex!(r"^\((?:→\s*|HTTP\s+|status\s+)*`?([1-5]\d\d)\b[\w\s`]{0,30}\)");
    BRACKETS.captures(text)?.get(1)?.as_str().parse().ok()
}

/// The status that a paragraph documents.
pub fn in_paragraph(text: &str) -> Option<u16> {
    // "Click Send. You should see 200 OK and this response:"
    let last = || {
        let last = labels::last_sentence(text);
        // The sentences above it may name another request.
        let is_part = last.len() < text.trim().len()
            && labels::leads(last)
            && !names_request(text.trim_end().strip_suffix(last).unwrap_or(text));
        in_sentences(last).filter(|_| is_part)
    };
    in_sentences(text).or_else(last)
}

fn in_sentences(text: &str) -> Option<u16> {
    let is_label = |text: &&str| labels::label(text) == Announces::Response;
    let last = || Some(text).filter(is_label).and_then(last_part);
    if let Some(status) = text.lines().rev().find_map(in_line).or_else(last) {
        return Some(status);
    }
    let named = NAMED.captures(text).and_then(|found| {
        let code = found["code"].parse().ok()?;
        let name = found["name"].to_lowercase();
        (name.ends_with(&reason(code)?.to_lowercase()) && is_statement(text)).then_some(code)
    });
    if named.is_some() {
        return named;
    }
    let text = without_should(text);
    // The verb is behind the object. Nothing else may be in the sentence, as a condition is.
    static BEHIND: LazyLock<Regex> = regex!(
        r"^\W*(?:これは|結果は|レスポンスは|サーバーは|ステータス(?:コード)?[はが]?)?\s*(?P<code>[1-5]\d\d)\s*(?:エラー)?\s*(?:を返します|を返す|が返ります|が返る|となります|になります|になる)\W*$|^\W*(?:你?会|您会|将|应该)?(?:得到|收到)\s*(?P<other>[1-5]\d\d)\W*$"
    );
    let Some(captures) = STATEMENT.captures(text) else {
        let found = BEHIND.captures(text).filter(|_| is_statement(text))?;
        return found
            .name("code")
            .or(found.name("other"))?
            .as_str()
            .parse()
            .ok();
    };
    let code = captures.name("code")?;
    let next = captures.name("next");
    // "Verify: status 204. Take a screenshot."
    let is_next = |next: &regex::Match<'_>| !text[code.end()..next.start()].contains(". ");
    let next = next
        .filter(is_next)
        .map_or("", |next| next.as_str())
        .to_lowercase();
    // An address such as `127.0.0.1`.
    let mut after = text[code.end()..].chars();
    if after.next() == Some('.') && after.next().is_some_and(|next| next.is_ascii_digit()) {
        return None;
    }
    let code = code.as_str().parse().ok()?;
    const AFTER: &str = "error errors status response code with and because since as for in body from here again now too this zurück et und y e и mit con com avec met";
    let is_reason = reason(code).is_some_and(|reason| reason.to_lowercase().starts_with(&next));
    (is_statement(text) && (is_reason || next.is_empty() || is_one_of(&next, AFTER)))
        .then_some(code)
}

/// The statuses of a paragraph whose lines or sentences list a success and a failure: "Success response: 200 OK", "Error
/// response: 404 Not Found". What is called an error is not that of the example. Or those behind an arrow in brackets:
/// "Delete it (DELETE → 204, 404 or 409)".
pub fn of_cases(text: &str) -> Option<Vec<u16>> {
    static IN_BRACKETS: LazyLock<Regex> = regex!(
        r"\((?:[A-Z]+\s*)?(?:→|->|=>)\s*(?P<codes>[1-5]\d\d(?:(?:\s*[,/]\s*|\s+\p{L}{1,4}\s+)[1-5]\d\d)+)\)"
    );
    if let Some(found) = IN_BRACKETS.captures(text) {
        return Some(codes(&found["codes"]));
    }
    let lines = text.lines().flat_map(|line| line.split(". "));
    let lines = lines.filter_map(|line| Some((line, in_line(line)?)));
    let (mut good, bad): (Vec<_>, Vec<_>) = lines.partition(|(_, status)| *status < 400);
    if good.is_empty() || bad.is_empty() {
        return None;
    }
    good.extend(bad.into_iter().filter(|(line, _)| !names_error(line)));
    Some(good.into_iter().map(|(_, status)| status).collect())
}

/// The numbers in a text that may be statuses.
pub fn codes(text: &str) -> Vec<u16> {
    static CODE: LazyLock<Regex> = regex!(r"\b[1-5]\d\d\b");
    let codes = CODE.find_iter(text);
    codes
        .filter_map(|code| code.as_str().parse().ok())
        .collect()
}

/// Whether a text may name a record or a path, apart from the number that it begins with.
pub fn names_request(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c == '*' || c == '.' || c.is_ascii_digit());
    text.contains(|c: char| c == '/' || c.is_ascii_digit())
}

/// A text without the sentences that list the errors of a service: they say nothing about one request.
pub fn without_lists_of_errors(text: &str) -> String {
    // "..., this one is a 404"
    if labels::has_word(text, "this") {
        return text.to_owned();
    }
    let sentences = text.split_inclusive(". ");
    sentences
        .filter(|sentence| !lists_errors(sentence))
        .collect()
}

fn lists_errors(text: &str) -> bool {
    const LISTED: usize = 3;
    let mut errors = codes(text);
    errors.retain(|code| *code >= 400);
    errors.sort_unstable();
    errors.dedup();
    errors.len() >= LISTED
}

/// The statuses of a label and what it says may come, the success first: "Response: `200 OK` with the user, or `404`".
pub fn of_choices(text: &str) -> Option<Vec<u16>> {
    static CHOICES: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?P<label>[^:：.\d]{1,40})[:：]\W*(?:(?:http|status|code|statut|estado|código)\W+){0,3}(?P<code>[2-5])\d\d\b[^.\n]*"
    );
    let found = CHOICES.captures(text)?;
    let label = &found["label"];
    let is_response = labels::label(label) == Announces::Response
        || is_status_label(label)
        || labels::says_expected(label) && labels::words(label).len() <= 3;
    // A failure may be another case, unless it is expected.
    let is_sure = &found["code"] == "2" || labels::says_expected(label);
    (is_response && is_sure).then(|| codes(&found[0]))
}

/// The status of a line that is nothing but a status, or the phrase of an error.
pub fn in_line(line: &str) -> Option<u16> {
    let line = without_should(line);
    let phrase = line.trim_matches(|c: char| !c.is_alphabetic());
    let errors = [400, 404, 405, 409, 415, 422];
    let named =
        |code: &u16| reason(*code).is_some_and(|reason| reason.eq_ignore_ascii_case(phrase));
    if !line.contains(|c: char| c.is_ascii_digit())
        && let Some(code) = errors.into_iter().find(named)
    {
        return Some(code);
    }
    // `Response: 400 Bad Request, {"error": "..."}`
    let json = line
        .find(['{', '['])
        .filter(|at| *at > 0 && line.trim_end().ends_with(['}', ']']));
    let line = json.map_or(line, |at| &line[..at]);
    // "NoContent - 204"
    static PHRASE_FIRST: LazyLock<Regex> =
        regex!(r"^\W*(?P<phrase>[A-Z][A-Za-z ]+?)\s*[-–—:]\s*(?P<code>[1-5]\d\d)\W*$");
    if let Some(found) = PHRASE_FIRST.captures(line) {
        let code = found["code"].parse().ok()?;
        let letters = |text: &str| text.to_lowercase().replace([' ', '-'], "");
        if reason(code).is_some_and(|reason| letters(reason) == letters(&found["phrase"])) {
            return Some(code);
        }
    }
    let captures = STATUS_LINE.captures(line.trim())?;
    let code = captures.name("code")?.as_str().parse().ok()?;
    let given = captures
        .name("reason")
        .map_or("", |reason| reason.as_str().trim())
        .to_lowercase();
    let known = reason(code).map(str::to_lowercase);
    const OTHER: &str = "|nicht gefunden|non trouvé|introuvable|no encontrado|não encontrado|non trovato|ok|error|success|\
         response|status|updated|deleted|geben|liefern|ergeben|sein|status code|with|and|mit|avec|con";
    // "404 User not found". The number counts, also where the phrase is that of another status.
    let known = known.is_some_and(|known| given.ends_with(&known)) || is_phrase(&given);
    (known || OTHER.split('|').any(|other| other == given)).then_some(code)
}

/// Whether words before a colon are the label of a status: `Status code`, `Erwartet`.
pub fn is_status_label(label: &str) -> bool {
    static LABEL: LazyLock<Regex> =
        LazyLock::new(|| pattern(&format!(r"(?xi)^\s* (?:{} [\s-]*)+ $", *STATUS_WORDS)));
    LABEL.is_match(label)
}

/// The status that a heading or label gives to the response below it: `404`, `Error response (404)`.
pub fn of_label(text: &str) -> Option<u16> {
    in_line(text).or_else(|| last_part(text)).or_else(|| {
        let code = in_heading(text)?;
        let named = labels::heading(text) == Announces::Response
            || text.contains(&format!("({code}"))
            || text
                .trim_start_matches(|c: char| !c.is_alphanumeric())
                .starts_with(&code.to_string());
        named.then_some(code)
    })
}

/// The status that a label gives to the response below it; "error" and "success" stand for one.
pub fn of_response_label(label: &str) -> Option<u16> {
    static SUCCESS: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: success(?:ful)? | erfolg(?:reich\w*)? | succès | éxito | exitos[ao] | sucesso | successo | успе[хш]\w* | успіх\w* | успішн\w*
                | sukces\w* | başarılı | succes | suksess | onnistu\w* | úspě[cš]\w* | نجاح | berhasil )\b | 成功 | 성공"
    );
    of_label(label)
        .or_else(|| names_error(label).then_some(400))
        .or_else(|| SUCCESS.is_match(label).then_some(200))
}

/// Whether a label names an error.
pub fn names_error(label: &str) -> bool {
    static ERROR: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: errors? | failure | \w*fehler\w* | erreurs? | erros? | errore | errori | errores | ошибк\w* | помилк\w* | грешк\w* | błąd | błęd\w*
                | hata | fout | fel | feil | fejl | virhe | chyb[ay] | eroare | hiba | σφάλμα | خطأ | خطا | שגיאה | kesalahan )\b
            | エラー | 错误 | 錯誤 | 失败 | 失敗 | 오류 | 에러 | 실패 | lỗi"
    );
    ERROR.is_match(label)
}

/// The status of a label directly above a response, whatever its language.
pub fn of_any_label(label: &str) -> Option<u16> {
    if !is_statement(label) {
        return None;
    }
    // "Sunucu 404 Not Found döndürür:"
    let within = WITH_REASON.captures(label).filter(|_| labels::leads(label));
    if let Some(code) = within.and_then(|found| {
        let code = found[1].parse().ok()?;
        let phrase = found[2].to_lowercase();
        let known = reason(code)?.to_lowercase();
        phrase.starts_with(&known).then_some(code)
    }) {
        return Some(code);
    }
    let Some(found) = ANY_LABEL.captures(label) else {
        // "Solution (status 201)".
        let in_brackets =
            label.trim().ends_with([')', '）', ']']) && labels::words(label).len() <= 6;
        return Some(label).filter(|_| in_brackets).and_then(last_part);
    };
    let code = found.name("code").or(found.name("plain"))?;
    let code = code.as_str().parse().ok()?;
    let phrase = found.name("reason").or(found.name("phrase"));
    let phrase = phrase.map(|phrase| phrase.as_str().trim());
    let known = reason(code)?;
    phrase
        .is_none_or(|phrase| phrase.eq_ignore_ascii_case(known))
        .then_some(code)
}

/// A success in a short text in any language, with its phrase: "→ Attends **204 No Content**.", "If deleted
/// successfully: `204 No Content`".
pub fn of_success(text: &str) -> Option<u16> {
    static SUCCESS: LazyLock<Regex> =
        regex!(r"\b(?P<code>2\d\d)\b[\s`*_(]+(?P<phrase>[A-Za-z -]+)");
    const DONE: &str = "success successful successfully succeeds succeeded deleted removed created updated saved found exists";
    let text = without_should(text);
    let found = SUCCESS.captures(text)?;
    let code = found["code"].parse().ok()?;
    let phrase = found["phrase"].to_lowercase();
    let is_plain = is_statement(text) || labels::has_word(text, DONE);
    // "A 204 response should be returned"
    let is_named =
        phrase.starts_with("response ") && labels::has_word(text, "returned sent received");
    ((phrase.starts_with(&reason(code)?.to_lowercase()) || is_named)
        && codes(text).len() == 1
        && labels::words(text).len() <= 16
        && is_plain)
        .then_some(code)
}

/// The status in a description of what is expected: "Expected: the new user (status 201)", "Esperado: erro 404".
pub fn of_expectation(text: &str) -> Option<u16> {
    static LAST: LazyLock<Regex> = regex!(
        r"(?i)[(,;]\s*(?:http\s+)?(?:status|código|codigo|code|estado|statut|stato|код|статус)(?:\s+(?:code|http|de\s+estado))?\s*[:=]?\s*`?(?P<code>[1-5]\d\d)\b[\w\s`]{0,30}\)?\W*$"
    );
    static ERROR: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:(?:an?|ein|une?|um|uno?)\s+)?(?:error|erro|erreur|errore|fehler|ошибка)\s+(?P<code>[45]\d\d)\b"
    );
    let text = text.lines().next()?;
    let (label, rest) = text.split_once([':', '：'])?;
    let is_label = labels::words(label).len() <= 4
        && (labels::says_expected(label) || labels::label(label) == Announces::Response);
    let found = LAST.captures(rest).or_else(|| ERROR.captures(rest))?;
    (is_label && is_statement(rest)).then(|| found["code"].parse().ok())?
}

/// The status that a label calls the response: "Réponse attendue : `201 Created`".
pub fn of_response(text: &str) -> Option<u16> {
    let first = text.lines().next().unwrap_or_default();
    let status = in_paragraph(first).or_else(|| of_any_label(first));
    status.filter(|_| labels::label(first) == Announces::Response || labels::says_expected(first))
}

/// The success of a request in the description of it: "will delete the user and return `204 No Content` if that was
/// successful".
pub fn on_success(text: &str) -> Option<u16> {
    static RETURNS: LazyLock<Regex> = regex!(
        r"(?xi)\b(?:returns?|returning|responds?|answers?|repl(?:y|ies)|sends?|gives?|get|receives?|response\s+is)\b [^\w.;]{0,4}
            (?:(?:back|with|an?|the|http|status|code|of)\b[^\w.;]{0,4})* (?P<code>2\d\d)\b (?P<rest>[^.;\n]*)"
    );
    // The only condition may be that it succeeds.
    static SUCCESS: LazyLock<Regex> = regex!(
        r"(?i)\b(?:if|when|on|upon)\s+(?:[\w-]+\s+){0,5}?(?:well|success\w*|succeeds?|succeeded|deleted|removed|created|updated)\b"
    );
    // "Returns `404` if there is none and `204` on success".
    static WITH_SUCCESS: LazyLock<Regex> = regex!(
        r"(?xi)\b(?P<code>2\d\d)\b (?:\s+[A-Z][a-z]+(?:\ [A-Z][a-z]+)?)? [\s`*_)]{1,4}
            (?:on|upon|if|when|in\s+case\s+of|bei|en\s+cas\s+de|em\s+caso\s+de|in\s+caso\s+di|en\s+caso\s+de)
            \s+(?:\w+\s+){0,2}?(?:success\w*|succeed\w*|erfolg\w*|succès|éxito|sucesso|successo)\b"
    );
    static CODE: LazyLock<Regex> = regex!(r"\b2\d\d\b");
    if text.len() >= 500 {
        return None;
    }
    // Another success may be meant.
    if let Some(found) = WITH_SUCCESS.captures(text)
        && CODE.find_iter(text).count() == 1
    {
        return found["code"].parse().ok();
    }
    let found = RETURNS.captures(text)?;
    let rest = SUCCESS.replace(&found["rest"], "");
    let before = text[..found.get(0)?.start()]
        .rsplit(['.', ';', '\n'])
        .next()?;
    let code = found["code"].parse().ok()?;
    let is_plain = |text: &str| !text.contains(" or ") && is_statement(text);
    (is_plain(&rest) && is_plain(before) && RETURNS.find_iter(text).count() == 1).then_some(code)
}

/// The 204 of a text that says that nothing is returned, on success or always: "`204 No Content` quando apagar".
pub fn of_no_content(text: &str) -> Option<u16> {
    static NO_CONTENT: LazyLock<Regex> = regex!(r"(?i)\b204\b[\s`*_(]*No\s+Content\b");
    (NO_CONTENT.is_match(text) && codes(text).len() == 1 && !says_failure(text)).then_some(204)
}

/// The only status in a short sentence that says, in whatever language, what the server returns: "Serwer zwraca 204."
pub fn in_short_sentence(text: &str) -> Option<u16> {
    static ANSWERS: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: returns? | returned | answers? | responds? | sent\s+back | statuscode | code\s+de\s+(?:retour|statut) | code | kode | status\w* | retour\w* | renvo\w+ | répond\w* |
                devuelv\w+ | respond\w* | retorn\w+ | devolv\w+ | restituisc\w+ | rispond\w+ | antwortet | liefert | gibt | ergibt |
                zwrac\w+ | odpowiad\w+ | dön(?:er|dürür) | döndürül\w+ | yanıt\w* | memba\w+ | mengembalikan | menghasilkan |
                vrac\w+ | vrát\w+ | palautta\w+ | returnera\w+ | svara\w* | geeft | retourneert | trả\s+về |
                возвраща\w+ | верн\w+ | отвеча\w+ | ответ\w* | поверта\w+ | код\w* | статус\w* )\b
            | 返 | 状态 | 狀態 | ステータス | 応答 | 반환 | 응답 | 상태"
    );
    static CODE: LazyLock<Regex> = regex!(r"[1-5]\d\d");
    static CONDITIONS: LazyLock<Regex> = regex!(
        r"(?i)\b(?:jeśli|gdy|eğer|jika|kalau|als|om|hvis|när|når|pokud|jos|якщо|nếu|nicht|not|pas|nie|não|unless)\b|如|若|もし|場合|なけ|ない|경우|없으면"
    );
    let found = CODE.find(text)?;
    let code = found.as_str().parse().ok()?;
    // "返回 200 条" counts something.
    let is_particle = |c: char| !c.is_alphabetic() || "がをにはと를을가이로".contains(c);
    let rest = text[found.end()..].trim_start_matches(is_particle);
    static IS: LazyLock<Regex> = regex!(r"(?i)^(?:is|will\s+be|wird|est|es|é|è)\s+");
    let said = &rest[IS.find(rest).map_or(0, |is| is.end())..];
    let is_whole = rest.is_empty()
        || ANSWERS
            .find(said)
            .is_some_and(|answers| answers.start() == 0)
        || reason(code).is_some_and(|reason| rest.starts_with(reason));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_short = labels::words(text).len() <= 10 && text.chars().count() <= 80;
    let plain = text.replace("should", "will");
    (digits == 3
        && is_short
        && is_whole
        && reason(code).is_some()
        && ANSWERS.is_match(text)
        && is_statement(&plain)
        && !CONDITIONS.is_match(text))
    .then_some(code)
}

/// The status of another case that a sentence is about: "If there is no such user, it returns `404`:".
pub fn of_other_case(text: &str) -> Option<u16> {
    let code = STATEMENT
        .captures(text)?
        .name("code")?
        .as_str()
        .parse()
        .ok()?;
    (!is_statement(text)).then_some(code)
}

/// The status in the heading of a request: `Get a missing user (404)`, `A missing user gives 404`.
pub fn of_heading(text: &str) -> Option<u16> {
    let first = || ERROR_FIRST.captures(text)?["code"].parse().ok();
    // "GET /users/abc → 400 Bad Request (not an id)"
    let without_note = || {
        let (before, note) = text.trim_end().strip_suffix(')')?.rsplit_once('(')?;
        (!note.contains(|c: char| c.is_ascii_digit())).then_some(before)
    };
    in_line(text)
        .or_else(|| last_part(text))
        .or_else(|| last_part(without_note()?))
        .or_else(first)
        .or_else(|| in_paragraph(text))
        .or_else(|| of_case(text))
}

/// The status in the title of a case: `Test 404 Not Found`, `401 Unauthorized (no token)`, `Test a 404`.
fn of_case(text: &str) -> Option<u16> {
    static CASE: LazyLock<Regex> = regex!(
        r"(?xi)^\W*(?:\d+[.)]\s+)? (?: (?P<test>(?:test(?:ing|s|e)?|verify|check|trigger|expect|case|try|provoke|force|testa\w*|prueba|probar|essai|tester|prova)
                \W+(?:(?:an?|the|for|http|error|status|code|erreur|erro|errore)\s+)*) | (?:\p{L}[\p{L}'’-]*\W+){1,5} )?
            (?P<code>[1-5]\d\d)\b (?: \W+(?P<phrase>[A-Za-z][A-Za-z'\ -]*) )?"
    );
    if !is_statement(text) || codes(text).len() != 1 {
        return None;
    }
    let found = CASE.captures(text)?;
    let code: u16 = found["code"].parse().ok()?;
    let known = reason(code)?.to_lowercase();
    let phrase = found.name("phrase").map_or("", |phrase| phrase.as_str());
    let phrase = phrase.to_lowercase();
    const AFTER: &str = "error errors response status case test with without for on because as";
    let named = phrase.strip_prefix(&known).is_some_and(|rest| {
        let next = rest.split_whitespace().next();
        next.is_none_or(|next| is_one_of(next, AFTER))
    });
    (named || found.name("test").is_some() && code >= 400).then_some(code)
}

/// Whether a statement is about requests in general: "Duplicate names return 409." instead of "The server returns 409."
pub fn is_general(text: &str) -> bool {
    const SUBJECTS: &str = "it this that which the a an server api service mock response request call command result answer body postman insomnia curl client browser terminal \
         successful deletion creation update updating deleting status code http has have comes carries with you ll we i now then again so and here will should would must can also already expected get post put patch \
         delete above both each requests calls commands vous tu sie du ihr usted você lei noi nosotros devriez devrais devrait sollten solltest sollte deberías debería debes \
         deveria deve dovresti das der die dies le la el il lo o ce cela esto isso questo on nous wir man sie serveur servidor \
         anfrage aufruf befehl antwort requête réponse commande petición respuesta requisição resposta richiesta \
         risposta tiene tem ha hat avec con com mit сервер ответ имеет запрос 服务器 服务 请求 会 将";
    let Some(found) = STATEMENT.find(text) else {
        return false;
    };
    if let Some(is_sure) = is_sure_check(text) {
        return !is_sure;
    }
    let before = text[..found.start()]
        .rsplit(['.', ':', ';', ',', '\n'])
        .next();
    let words = labels::words(before.unwrap_or_default());
    !words.iter().all(|word| is_one_of(word, SUBJECTS))
}

/// What a sentence asks to check: "the status code is 404" of "Step 2: Check that the status code is 404".
pub fn checked(text: &str) -> Option<&str> {
    static CHECK: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:\[[ x]\]\s*)?(?:step\s+\d+\W+)?(?:check|verify|ensure|confirm|assert|validate|make\s+sure|prüfe|überprüfe|vérifiez?|verifi(?:ca|que|car)|compr(?:ueba|uebe|obar))\b(?:\s+(?:that|dass|que|che)\b)?"
    );
    Some(&text[CHECK.find(text)?.end()..])
}

/// Whether a sentence that asks to check a status is about this response and nothing else: "Check that the status code is
/// 404." An error with further words, as in "returns 404 for a wrong id", may be that of another request.
fn is_sure_check(text: &str) -> Option<bool> {
    static PLAIN: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:(?:you\s+get|it|the|response|server|api|http|status|code|returned|returns?|responds?|with|is|equals|be|should|of|a|an)\b[\s:`*=]*)*(?P<code>[1-5]\d\d)\b(?P<rest>.*)$"
    );
    let found = PLAIN.captures(checked(text)?.lines().next()?);
    Some(found.is_some_and(|found| {
        let reason = found["code"]
            .parse()
            .ok()
            .and_then(reason)
            .unwrap_or_default();
        let further = found["rest"].trim_matches(|c: char| !c.is_alphanumeric());
        further.is_empty()
            || further.eq_ignore_ascii_case(reason)
            || found["code"].starts_with('2') && is_unconditional(further)
    }))
}

fn last_part(text: &str) -> Option<u16> {
    in_line(LAST_PART.captures(text)?.name("part")?.as_str())
}

/// The status of a line that explains it: `404 Not Found – no such user`, `Response (201): the new user`.
pub fn explained(line: &str) -> Option<u16> {
    // "Response 404 (application/json)" has a media type, and no explanation.
    let found = EXPLAINED
        .captures(line)
        .filter(|_| in_line(line).is_none())?;
    let named = || {
        let is_label = labels::label(&found["label"]) == Announces::Response;
        Some(format!("{})", &found["status"])).filter(|_| is_label)
    };
    let status = in_line(&found["status"]).or_else(|| of_any_label(&named()?));
    let status = status.filter(|_| is_statement(line))?;
    // "404: the user is missing" may be about another case.
    let is_sure = status < 400
        || found.name("near").is_none()
        || labels::label(&found["label"]) == Announces::Response;
    is_sure.then_some(status)
}

/// The status of a line, and the other one that may come as well: `Expected: 204 (or 404 if it is gone)`.
pub fn with_alternative(line: &str) -> Option<[u16; 2]> {
    let found = ALTERNATIVE.captures(line)?;
    Some([in_line(&found["status"])?, found["other"].parse().ok()?])
}

/// Whether text mentions an error, or a request that fails.
pub fn says_failure(text: &str) -> bool {
    FAILS.is_match(text)
}

/// The errors that a comment that only says "fails" may mean.
pub const ANY_ERROR: &[u16] = &[400, 401, 403, 404, 405, 409, 415, 422];

/// The statuses in a comment on a command, of which one must come: `should 404 (no such user)`. With `usual` in doubt.
pub fn of_comment(comment: &str, usual: u16) -> Option<Vec<u16>> {
    static CODE: LazyLock<Regex> = regex!(r"(?:^|\s|[(>:=])(?P<code>[45]\d\d)(?:$|[\s).,:;!])");
    // "400 or 409"
    static SEVERAL: LazyLock<Regex> = regex!(
        r"\b(?P<first>[45]\d\d)(?P<others>(?:(?:\s*[/,]\s*|\s+(?:or|oder|ou|o|или)\s+)[45]\d\d)+)\b"
    );
    if let Some(found) = SEVERAL.captures(comment).filter(|_| comment.len() < 200) {
        let mut single = comment.to_owned();
        single.replace_range(found.name("others")?.range(), "");
        let is_sure = |statuses: &Vec<u16>| statuses.len() == 1;
        let mut statuses = of_comment(&single, usual).filter(is_sure)?;
        let others = found["others"].split(|c: char| !c.is_ascii_digit());
        statuses.extend(others.filter_map(|code| code.parse::<u16>().ok()));
        return Some(statuses);
    }
    // `Expected: 400 - "Name is required"`
    static NOTED: LazyLock<Regex> =
        regex!(r#"^\W*(?P<label>\w+)\s*:\s*(?P<code>[1-5]\d\d)\s+[-–—]\s+["'“][^"'”]*["'”]\s*$"#);
    if let Some(found) = NOTED.captures(comment)
        && labels::says_expected(&found["label"])
    {
        return Some(vec![found["code"].parse().ok()?]);
    }
    // `404 ProblemDetail`
    static NAMED_ERROR: LazyLock<Regex> =
        regex!(r"^\W*(?P<code>[45]\d\d)\s+\p{Lu}\w*(?:\s+\w+)?\W*$");
    if let Some(found) = NAMED_ERROR
        .captures(comment)
        .filter(|_| is_statement(comment))
    {
        return Some(vec![found["code"].parse().ok()?]);
    }
    // `code=1001` is the number of an error.
    static ERROR_NUMBER: LazyLock<Regex> =
        regex!(r"^\W*(?:error\s*)?code\s*[:=]\s*[1-9]\d{3,}\W*$");
    if ERROR_NUMBER.is_match(comment) {
        return Some([&[usual], ANY_ERROR].concat());
    }
    // `200 + the new user`, `DELETE - 204, no body`
    static BEGINS: LazyLock<Regex> = regex!(
        r"^\W*(?:\w+\s+[–—-]\s+)?(?:HTTP\s+)?(?P<code>[1-5]\d\d)(?:\s*[+,]\s|\s+(?:and|with|no|empty|new|updated)\b)"
    );
    if let Some(found) = BEGINS.captures(comment)
        && is_statement(comment)
        && codes(comment).len() == 1
    {
        return Some(vec![found["code"].parse().ok()?]);
    }
    let text = without_should(comment);
    let with_others = |status: u16, note: &str| {
        let others = CODE.captures_iter(note);
        let others = others.filter_map(|found| found["code"].parse().ok());
        Some(std::iter::once(status).chain(others).collect())
    };
    // "204 No Content — 404 if there is none"
    if let Some((first, note)) = text.split_once(" — ").or_else(|| text.split_once(" - "))
        && let Some(status) = in_line(first).filter(|_| !is_unconditional(note))
    {
        return with_others(status, note);
    }
    // "-> 204 (or 404 if there is none)" in any language.
    let (sentence, note) = text.split_once('(').unwrap_or((text, ""));
    if CODE.is_match(note)
        && let Some(status) = of_heading(sentence).or_else(|| in_short_sentence(sentence))
    {
        return with_others(status, note);
    }
    let mut codes = CODE.captures_iter(text);
    let code = codes.next().and_then(|found| found["code"].parse().ok());
    let is_only = codes.next().is_none();
    // "404 if it was deleted".
    if let (Some(code), true, false) = (code, is_only, is_statement(text)) {
        return Some(vec![usual, code]);
    }
    let own = || {
        let before = EXPLAINED.captures(text)?;
        in_line(&before["status"]).filter(|_| is_statement(text))
    };
    // "Deve retornar 400 (duplicada)"
    let sure = in_paragraph(text)
        .or_else(|| of_heading(text))
        .or_else(own)
        .or_else(|| in_short_sentence(sentence));
    if let Some(status) = sure {
        return Some(vec![status]);
    }
    let fails = code.is_none() && says_failure(comment);
    fails.then(|| [&[usual], ANY_ERROR].concat())
}

fn without_should(text: &str) -> &str {
    SHOULD.find(text).map_or(text, |found| &text[found.end()..])
}

fn reason(code: u16) -> Option<&'static str> {
    ureq::http::StatusCode::from_u16(code)
        .ok()?
        .canonical_reason()
}

/// Whether words are the reason phrase of a status, as RFC 9110 or an earlier one calls it.
fn is_phrase(words: &str) -> bool {
    const OTHERS: [&str; 4] = [
        "unprocessable content",
        "content too large",
        "moved temporarily",
        "request timed out",
    ];
    let is_reason = |code| reason(code).is_some_and(|known| known.eq_ignore_ascii_case(words));
    OTHERS.contains(&words) || (100..600).any(is_reason)
}

/// Whether a sentence is about the example, and not about other cases: "Returns 404 if ...".
pub fn is_statement(text: &str) -> bool {
    is_unconditional(text) && !labels::has_word(text, "unknown invalid")
}

/// Whether a sentence promises something; "You should get" is a promise, too.
pub fn is_promise(text: &str) -> bool {
    is_unconditional(&text.replace("should", "will"))
}

/// Whether a sentence is not about what may happen: "It may fail".
pub fn is_unconditional(text: &str) -> bool {
    const CONDITIONS: &str = "if when whenever unless otherwise or should could may might else wenn falls \
         sonst oder si ou cuando quando se caso если means";
    // "Se" is reflexive in Spanish ("Se crea"), and "Could not find user 9" states a fact.
    static NO_CONDITION: LazyLock<Regex> = regex!(
        r"(?i)\bcould\s?n(?:o|['’])t\b|^\W*se\s+(?:crea|devuelve|retorna|obtiene|elimina|actualiza|muestra)\w?\b"
    );
    let rest = NO_CONDITION.replace_all(text, "");
    !labels::has_word(&rest, CONDITIONS)
        && !text.contains("如果")
        && !labels::is_about_another(text)
        && text.len() < 200
}

fn in_heading(text: &str) -> Option<u16> {
    IN_HEADING.captures(text)?.get(1)?.as_str().parse().ok()
}

/// The column with status codes, if it is a table of statuses.
pub fn status_column(table: &Table) -> Option<usize> {
    let named = table.header.iter().position(|cell| {
        const NAMES: &str = "status code statuscode código codigo codice estado stato statut статус код 状态 状态码 ステータス";
        labels::has_word(&cell.text, NAMES) && !labels::has_word(&cell.text, "description")
    })?;
    let codes = table
        .rows
        .iter()
        .filter(|row| row.get(named).and_then(code).is_some())
        .count();
    (codes > 0).then_some(named)
}

/// The status code at the beginning of a cell: `200`, `200 OK`, `HTTP 200`.
pub fn code(cell: &Cell) -> Option<u16> {
    let text = cell.text.trim();
    let digits = text
        .split_whitespace()
        .find(|word| !word.eq_ignore_ascii_case("http"))?;
    digits
        .trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()
        .filter(|code| (100..600).contains(code))
}
