//! What a short text says that comes back: "200, 95 posts", "Array length == 101", "lista de 5 usuarios", "`id` = 2". Such
//! texts stand in the cells of a table of requests, after a label ("Expected: 5 users") and in comments on commands. Only
//! what is understood as a whole counts, since numbers in such texts often are limits, defaults or parts.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::labels;
use super::parts::Part;
use super::status_text;
use super::text::{is_one_of, pattern};

/// Words for records of any resource.
const ITEMS: &str = "result results record records item items element elements entry entries object objects row rows match matches \
     einträge datensätze ergebnisse elemente objekte resultado resultados registro registros elemento elementos objeto objetos \
     résultat résultats élément éléments enregistrement enregistrements objet objets risultati elementi oggetti";

/// Numbers in words, each beside the same in other languages.
const NUMBERS: [&str; 11] = [
    "zero cero null zéro no keine aucun nenhum ningún",
    "one",
    "two dos zwei deux dois duas due",
    "three tres drei trois três tre",
    "four cuatro vier quatre quatro quattro",
    "five cinco fünf cinq cinque",
    "six seis sechs sei",
    "seven siete sieben sept sete sette",
    "eight ocho acht huit oito otto",
    "nine nueve neun neuf nove",
    "ten diez zehn dix dez dieci",
];

/// Which words may stand after the number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// The name of the resource, or a word for records.
    Known,
    /// Any: the text is in another language and surely about the response.
    Any,
}

/// Words in front of what comes back, as a part of a pattern.
const LEADS: &str = r"[\s*_`\x22'(]*(?:(?:[=-]>|→|=)\s*)?
    (?:there\s+(?:are|is|should\s+be)\s+)?(?:(?:should|must|will|to|you|we|it|the|response|body|result|is|has|contains?|returns?|return|shows?|show|prints?|gives?|give|lists?|get|gets|see|found|expects?
        |devuelve|retorna|renvoie|restituisce|liefert|zeigt|enthält|contiene|contém|contient|возвращает)\b[\s:]+)*
    (?:json\s+(?:con|com|with|mit)\s+)?";

/// A list of a number of records, as a whole text.
static COUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?xi)^{LEADS}
        (?:(?:an?|the|eine|una?|uma|une)\s+)?
        (?P<list>(?:json\s+)?(?:array|arreglo|list|lista|liste|collection|colección|coleção|tableau|массив|список)\s+(?:json\s+)?(?:with|of|de|com|con|mit|von|avec|containing|из|с)\s+)?
        (?:(?:all|exactly|only|just|the|los|las|os|as|die|les|alle|todos|todas|tous|toutes|solo|sólo|só|apenas|nur|genau)\s+)*
        (?P<count>\d{{1,5}}|\p{{L}}+)\s+(?:(?P<adjective>\p{{L}}[\p{{L}}-]*)\s+)??(?P<noun>\p{{L}}[\p{{L}}-]*)
        (?:\s+(?:in\s+total|total|returned|are\s+returned|back|found|in\s+(?:the|an?)\s+(?:list|array|response|body)|werden\s+geliefert|insgesamt|en\s+total|no\s+total|in\s+totale
            |de\s+(?:ejemplo|prueba|exemplo|teste)|d['’]exemple))?
        (?P<more>\s+(?:and|e|y|und|et|и)\s+[^\d]*)?
        [\s.!*_`\x22')]*$"
    ))
});

/// The length of a list, as a whole text: "Array length == 101".
static LENGTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?xi)^{LEADS}(?: (?:(?:the\s+)?(?:array|list|response|body|arreglo|lista|liste)\.?\s*)?(?:length|size|count|longitud|tamaño|tamanho|länge|anzahl)
                \s*(?:[=:]{{1,3}}|is|of)\s*
            | (?:an?\s+)?(?:array|list)\s+of\s+ )
        (?P<count>\d{{1,5}})[\s.!`]*$"
    ))
});

/// A text about limits, defaults, parts, or another state.
static OPEN: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: at\s+(?:least|most|once) | up\s+to | min(?:imum|imal)? | max(?:imum|imal)? | more | less | fewer | than | about | around | roughly | approx\w* | each | per | every | first | last | next
            | page | paginated | newest | latest | oldest | recent | cheapest | largest | smallest | highest | lowest | best | top | default | extra | additional | other | limit\w* | tops | after | before | once | later | then | again | without | example | e\.g
            | al\s+menos | como\s+mínimo | máximo | hasta | más | por | mindestens | höchstens | bis | etwa | mehr | pro | nach | standard | au\s+(?:moins|plus) | jusqu | plus | par | pelo\s+menos
            | até | mais | almeno | fino | dopo | depois | después | après | premi\w+ | primer\w*
            | or | oder | o | ou | if | when | not )\b | [<>≥≤≈≠~…?\#%/] | \.\.\. | \d\s*[-–+]\s*\d | \d\+ | \d[.,]\d | !=
        | 以上 | 以下 | まで | 页 | ページ | 字段 | 数组 | 列表 | 配列 | 参数 | 까지 | 이상 | 이하 | 리스트 | 배열"
);

/// Words after a number that are not for records.
const OTHERS: &str = "ms s sec secs second seconds min minute minutes hour hours day days b byte bytes kb mb gb time times request requests call calls step steps \
     field fields property properties attribute attributes member members key keys column columns error errors warning warnings line lines character characters \
     char chars letter letters digit digits word words star stars percent header headers parameter parameters param params argument arguments \
     array arrays list lists tuple tuples response responses body bodies document documents json query queries sql page pages level levels table tables file files \
     point points puntos retry retries test tests check checks assertion assertions roundtrip roundtrips set sets log logs is are was has of to in with the and a an \
     segundos minutos campos sekunden felder secondes champs";

/// The parts of a text that are separate statements: "200", "95 posts" of "200, 95 posts".
fn statements(text: &str) -> Vec<String> {
    static STATUS: LazyLock<Regex> = regex!(
        r"(?i)\s*\((?:http\s+)?(?:status|código|codigo|code|estado|statut|stato)[^()\d]*\d{3}[^()]*\)\W*$"
    );
    // "2 tasks — IDs 1 and 2"
    static IDS: LazyLock<Regex> = regex!(r"(?i)\s+[–—-]\s+IDs?\b.*$");
    static BRACKETS: LazyLock<Regex> =
        regex!(r"^(?P<before>[^()]*\d\d\d[^()]*)\((?P<inner>[^()]+)\)\W*$");
    // "3 users (Ada, Bob, Eve)"
    static NAMES: LazyLock<Regex> = regex!(r"\s*\([^()]*,[^()]*\)");
    static BETWEEN: LazyLock<Regex> = regex!(r",\s+|;\s*|\s\+\s|,\s*$");
    let text = STATUS.replace(text, "");
    let text = IDS.replace(&text, "");
    let text = BRACKETS.replace(&text, "$before, $inner");
    let text = NAMES.replace_all(&text, "");
    let parts = BETWEEN.split(&text).map(str::trim);
    parts.map(str::to_owned).collect()
}

/// A text without the success that it begins or ends with: "200 with 5 users", "5 users (200)".
fn without_status(text: &str) -> Cow<'_, str> {
    static SUCCESS: LazyLock<Regex> = regex!(
        r"^\W*2\d\d\b(?:\s+OK\b)?\s*(?:[:+,–—-]|with\b|and\b)\s*|\s*\((?:HTTP\s+)?2\d\d(?:\s+OK)?\)\W*$"
    );
    SUCCESS.replace_all(text, "")
}

fn is_status(text: &str) -> bool {
    status_text::in_line(text).is_some() && text.contains(|c: char| c.is_ascii_digit())
}

/// The number of records that a text says a list of a resource has.
pub fn count(text: &str, resource: &str, noun: Noun) -> Option<usize> {
    let text = &*without_status(text);
    if OPEN.is_match(text) || !status_text::is_promise(text) {
        return None;
    }
    let mut statements = statements(text);
    statements.retain(|part| !is_status(part));
    // "5 users with name, email and role"
    static MEMBERS: LazyLock<Regex> = regex!(r"^(?P<count>.*\S)\s+with\s+\p{L}+(?:\s+\p{L}+)?$");
    let has_digits = |part: &String| part.contains(|c: char| c.is_ascii_digit());
    if statements.len() > 2 && !statements[1..].iter().any(has_digits) {
        statements[0] = MEMBERS.replace(&statements[0], "$count").into_owned();
    }
    let mut counts = statements
        .iter()
        .filter_map(|part| count_in(part, resource, noun));
    let first = counts.next()?;
    // "1 cheap song, 1 dear song"
    counts.next().is_none().then_some(first)
}

fn count_in(text: &str, resource: &str, noun: Noun) -> Option<usize> {
    // "返回 6 条记录"
    static COUNTED: LazyLock<Regex> = regex!(
        r"^\W*(?:应该?(?:有|返回)?|会|返回|得到|显示|共|全部|一共|取得|合計)*\s*(?P<count>\d{1,5})\s*(?:个|個|条|條|件|筆|笔|人|개|명|건)\p{L}{0,6}\W*$"
    );
    if let Some(found) = COUNTED.captures(text).or_else(|| LENGTH.captures(text)) {
        return found["count"].parse().ok();
    }
    let found = COUNT.captures(text)?;
    // "A list of 5 users and their roles"
    if found.name("more").is_some() && found.name("list").is_none() {
        return None;
    }
    let number = number(&found["count"])?;
    let word = found["noun"].to_lowercase();
    let adjective = found
        .name("adjective")
        .map(|word| word.as_str().to_lowercase());
    let is_other = |word: &str| is_one_of(word, OTHERS);
    // "200 Band" is a status and what comes.
    let is_status = (100..600).contains(&number) && word.is_ascii() && !word.ends_with('s');
    let is_own = (is_one_of(&word, ITEMS) || is_of(&word, resource)) && !is_status;
    let is_any = (noun == Noun::Any || found.name("list").is_some())
        && !(100..600).contains(&number)
        && !is_other(&word)
        && !adjective.as_deref().is_some_and(is_other);
    (is_own || is_any).then_some(number)
}

/// Whether a word is the name of a resource, in the singular or the plural.
fn is_of(word: &str, resource: &str) -> bool {
    let resource = resource.to_lowercase();
    let stem = |word: &str| {
        let endings = ["ies", "es", "s", "y"];
        let end = endings.iter().find_map(|end| word.strip_suffix(end));
        end.unwrap_or(word).to_owned()
    };
    word == resource || stem(word) == stem(&resource)
}

fn number(text: &str) -> Option<usize> {
    let lower = text.to_lowercase();
    let in_words = || NUMBERS.iter().position(|words| is_one_of(&lower, words));
    text.parse().ok().or_else(in_words)
}

/// Whether a text says that a list is empty.
pub fn is_empty_list(text: &str) -> bool {
    static EMPTY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r"(?xi)^{LEADS}(?:(?:an?|the|una?|uma|une|eine?)\s+)?
            (?: empty\s+(?:json\s+)?(?:array|list) | (?:array|list)\s+is\s+empty | (?:array|arreglo|lista|liste|tableau)\s+(?:vac[ií]a?o?|vazi[ao]|vide|vuota)
              | leere(?:s|r)?\s+(?:array|liste) | \[\] )[\s.!`)]*$"
        ))
    });
    let mut statements = statements(text).into_iter();
    status_text::is_promise(text)
        && !OPEN.is_match(text)
        && statements.any(|part| EMPTY.is_match(&part))
}

/// Whether a label or header for what comes back is in English.
pub fn is_english_label(label: &str) -> bool {
    const ENGLISH: &str = "expected expect expects expectation result results output outcome response responses body status code \
         prints returns answer the you should see get is description notes note what to verify check checks assertions";
    let mut words = labels::words(label).into_iter();
    words.all(|word| is_one_of(&word, ENGLISH))
}

/// Whether a text begins with a word for what comes back: "Returns 5 users".
pub fn returns(text: &str) -> bool {
    static RETURNS: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:returns?|retorna|devuelve|renvoie|restituisce|liefert|возвращает|返回)\b"
    );
    RETURNS.is_match(text)
}

/// Whether a text says something of the response that can be compared.
pub fn says_something(text: &str, resource: &str) -> bool {
    count(text, resource, Noun::Known).is_some()
        || id(text).is_some()
        || is_empty_list(text)
        || !values(text).is_empty()
        || !limits(text, resource).is_empty()
}

/// The id that a text gives to a new record: "the new user with id 5", "gets the id `5`", "201, id 5".
pub fn id(text: &str) -> Option<&str> {
    static ID: LazyLock<Regex> = regex!(
        r"(?xi)(?: \b(?:with|has|have|gets?|receives?|assigns?|con|tiene|com|tem|recebe|mit|hat|erhält|bekommt|die|avec|a|reçoit|ha|riceve)\s+
                (?:the\s+|an?\s+|el\s+|o\s+|der\s+|die\s+|l['’]\s?|un\s+)?(?:new\s+)?id
            | (?:^|,\s+)(?:its\s+|the\s+)?(?:new\s+)?id(?:\s+of\s+the\s+new\s+\w+)? )
            \s*(?:is|:|=)*\s*[`*]*(?P<id>\d+)\b(?P<next>(?:[`*]*\s+\w+)?)"
    );
    static OTHER: LazyLock<Regex> = regex!(
        r"(?i)\b(?:second|twice|again|repeat\w*|next|later|first|existing|old|another|other|below|above|header|e\.g|for\s+example|examples?|z\.\s?B)\b|^\W*(?:with|if|when)\s+(?:\w+\s+)?\w+s\b"
    );
    let is_sure = !OTHER.is_match(text) && status_text::is_promise(text);
    let mut all = ID.captures_iter(text).filter(|_| is_sure);
    let found = all.next()?;
    // "An id of 8 digits"
    const GOES_ON: &str =
        "digits characters chars letters bytes is was are has of for if when with in on after";
    let next = found["next"]
        .trim_start_matches(['`', '*', ' '])
        .to_lowercase();
    let is_only = all.next().is_none() && !is_one_of(&next, GOES_ON);
    is_only.then(|| found.name("id").map(|id| id.as_str()))?
}

/// Whether a number is as a text states: `>= 6`.
pub fn holds(number: f64, stated: &str) -> bool {
    let Some((operator, limit)) = stated.split_once(' ') else {
        return true;
    };
    let Ok(limit) = limit.parse::<f64>() else {
        return true;
    };
    match operator {
        ">=" | "≥" => number >= limit,
        "<=" | "≤" => number <= limit,
        ">" => number > limit,
        "<" => number < limit,
        _ => true,
    }
}

/// The path of a member, as a part of a pattern.
const PATH: &str = r"`?\$?\.?(?P<path>(?:\[\d+\]\.)?[A-Za-z_]\w*(?:\.\w+|\[\d+\])*)`?";

/// The members that a text compares with a number, or the length of the list, and how: "stock >= 6", "at least 3 users".
pub fn limits(text: &str, resource: &str) -> Vec<(Part, String)> {
    static LIMIT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r"^\W*{PATH}\s*(?P<operator>>=|<=|≥|≤|>|<)\s*`?(?P<limit>-?\d+(?:\.\d+)?)`?\W*$"
        ))
    });
    // "at least 3 users"
    static AT_LEAST: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r"(?xi)^{LEADS}(?:(?:an?\s+)?(?:array|list|lista|liste|colección|coleção|collection)\s+(?:with|of|de|con|com|mit|von)\s+)?
            (?:at\s+least|al\s+menos|mindestens|au\s+moins|pelo\s+menos|almeno)\s+(?P<limit>\d{{1,5}}|\p{{L}}+)\s+(?P<noun>\p{{L}}[\p{{L}}-]*)[\s.!]*$"
        ))
    });
    let limit = |part: String| {
        if let Some(found) = AT_LEAST.captures(&part) {
            let noun = found["noun"].to_lowercase();
            let is_own = is_one_of(&noun, ITEMS) || is_of(&noun, resource);
            let stated = format!(">= {}", number(&found["limit"])?);
            return is_own.then(|| (Part::Length(Vec::new()), stated));
        }
        let found = LIMIT.captures(&part)?;
        let stated = format!("{} {}", &found["operator"], &found["limit"]);
        Some((part_at(&found["path"])?, stated))
    };
    statements(text).into_iter().filter_map(limit).collect()
}

/// The members that a text states, and their values as it has them: "`id` = 2", `[0].title == "Ada"`.
pub fn values(text: &str) -> Vec<(Part, String)> {
    static PAIR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r#"^\W*?(?:\p{{L}}+\s+(?:with|con|com|avec|mit)\s+)?{PATH}\s*(?:={{1,3}}|:)\s*`?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>-?\d+(?:\.\d+)?|true|false|[\p{{L}}\d_]+@[\w.-]+|\p{{Lu}}\w*))`?[.\s]*$"#
        ))
    });
    let value = |part: String| {
        let found = PAIR.captures(&part)?;
        let value = ["double", "single", "bare"];
        let value = value.iter().find_map(|name| found.name(name))?;
        Some((part_at(&found["path"])?, value.as_str().to_owned()))
    };
    let values = statements(text).into_iter().filter_map(value);
    let is_promise = status_text::is_promise(text);
    values.filter(|_| is_promise).collect()
}

/// The part of a body at a path: `[0].title`.
fn part_at(path: &str) -> Option<Part> {
    static STEP: LazyLock<Regex> = regex!(r"\[(?P<index>\d+)\]|(?P<key>\w+)");
    STEP.captures_iter(path)
        .try_fold(Part::Body(Vec::new()), |part, step| {
            match step.name("index") {
                Some(index) => part.item(index.as_str().parse().ok()?),
                None => part.member(&step["key"]),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_in_several_languages() {
        let rows = [
            ("200, 95 posts", Some(95)),
            ("200 OK (Found 2 posts)", Some(2)),
            ("200 + array of 5 seed posts", Some(5)),
            ("Array length == 101", Some(101)),
            ("Response is a JSON array with 12 objects", Some(12)),
            ("JSON con lista de 5 usuarios", Some(5)),
            ("Array com apenas 1 tarefa", Some(1)),
            ("three records", Some(3)),
            ("2 new posts", Some(2)),
            ("expect 5 entries, by name", Some(5)),
            ("one post", Some(1)),
            ("200 + 5 posts", Some(5)),
            ("200: 5 posts", Some(5)),
            ("200 with 5 posts", Some(5)),
            ("5 posts (200)", Some(5)),
            ("5 posts in total", Some(5)),
            ("there are 5 posts", Some(5)),
            ("array of 5", Some(5)),
            ("no posts", Some(0)),
            ("length == 4", Some(4)),
            ("3 posts (Ada, Bob, Eve)", Some(3)),
            ("返回 6 条记录", Some(6)),
            ("200, list (20 items by default)", None),
            ("1 cheap post, 1 dear post", None),
            ("1 post with tags, 1 without", None),
            ("only 1 post has tags", None),
            ("1 post is new", None),
            ("1 to 10 posts", None),
            ("5,000 posts limit", None),
            ("10 posts at a time", None),
            ("5 posts (example)", None),
            ("5 posts for admins", None),
            ("1 post with `_limit=1`", None),
            ("#1 post, #2 post", None),
            ("!= 3 posts", None),
            ("3 posts?", None),
            ("10 posts pro Seite", None),
            ("1 array of posts", None),
            ("200 OK", None),
            ("404 Not Found", None),
            ("at least 5 posts", None),
            ("5 posts each", None),
            ("page 2 of posts", None),
            ("array of posts", None),
            ("list of comments for post 1", None),
            ("the post", None),
            ("a post with 3 fields", None),
            ("3 songs", None),
            ("10 if there are 10 posts", None),
        ];
        for (text, expected) in rows {
            assert_eq!(count(text, "posts", Noun::Known), expected, "{text}");
        }
        let rows = [
            ("6 transacciones de ejemplo", Some(6)),
            ("vier Fahrzeuge", Some(4)),
            ("one JSON array", None),
            ("3 query parameters", None),
            ("5 attributes", None),
            ("les 5 premières chansons", None),
            ("2 warnings in the log", None),
            ("201 Created", None),
            ("30 ms", None),
        ];
        for (text, expected) in rows {
            assert_eq!(count(text, "posts", Noun::Any), expected, "{text}");
        }
    }

    #[test]
    fn ids_of_new_records_are_read() {
        for (text, expected) in [
            ("The new user has the id 9.", Some("9")),
            ("201, id 9", Some("9")),
            ("Its id is 9.", Some("9")),
            ("created with an ID of 24 characters", None),
            ("created with ID 8 digits", None),
            ("The next user has the id 4", None),
            ("with ID 4 the second time", None),
            ("The new song has the id 9, the new user has the id 3", None),
        ] {
            assert_eq!(id(text), expected, "{text}");
        }
    }

    #[test]
    fn empty_lists_and_values_are_read() {
        for text in ["200, empty array", "lista vacía", "[]", "an empty list"] {
            assert!(is_empty_list(text), "{text}");
        }
        for text in [
            "tags: empty array",
            "page 2: empty array",
            "array not empty",
            "an empty list if there are none",
            "object",
        ] {
            assert!(!is_empty_list(text), "{text}");
        }
        let described = |text| {
            let values = values(text);
            let shown = values.iter().map(|(part, value)| match part {
                Part::Body(path) => format!("{} {value}", crate::compare::show_path(path)),
                part => format!("{part:?}"),
            });
            shown.collect::<Vec<_>>().join(", ")
        };
        for (text, expected) in [
            ("`id`==\"1\", has `title`", "id 1"),
            ("not empty, `[0].postId`==\"2\"", "[0].postId 2"),
            ("200, id=2, title", "id 2"),
            ("company.name = 'Blue Ltd'", "company.name Blue Ltd"),
            ("a >= 2, b != 3", ""),
            ("title = string, id = unchanged", ""),
            ("id = 9 → 404, price = 7 after the PUT", ""),
            ("price = 4,5", ""),
        ] {
            assert_eq!(described(text), expected, "{text}");
        }
    }
}
