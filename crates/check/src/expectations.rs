//! What a short text says that comes back: "200, 95 posts", "Array length == 101", "lista de 5 usuarios", "`id` = 2". Such
//! texts stand in the cells of a table of requests, after a label ("Expected: 5 users") and in comments on commands.

use std::sync::LazyLock;

use regex::Regex;

use super::parts::Part;
use super::status_text;
use super::text::is_one_of;

/// Words for records of any resource.
const ITEMS: &str = "result results record records item items element elements entry entries object objects row rows match matches \
     einträge datensätze ergebnisse elemente objekte resultado resultados registro registros elemento elementos objeto objetos \
     résultat résultats élément éléments enregistrement enregistrements objet objets risultati elementi oggetti";

/// Numbers in words, each beside the same in other languages.
const NUMBERS: [&str; 11] = [
    "zero cero null zéro",
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

/// How far a text is about the response, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// It stands after a label that says so: "Expected:".
    Response,
    /// It is a comment or a cell, which may explain other things.
    Maybe,
}

/// The number of records that a text says a list of a resource has.
pub fn count(text: &str, resource: &str, about: About) -> Option<usize> {
    // "array with 5 users", "lista de 5 usuarios", "Array length == 101"
    static LIST: LazyLock<Regex> = regex!(
        r"(?xi)\b(?:array | arreglo | list | lista | liste | json-?array | collection | colección | coleção | tableau | vetor)\b
            (?:\s+json)?(?:\s+(?:length|size|count|longitud|tamaño|tamanho|with|of|con|com|mit|von|de|avec|contenant|containing))*
            \s*(?:[=:]{0,3}|is)\s*(?:(?:exactly|only|apenas|solo|sólo|só|nur|genau|all|los|las|os|as)\s+)*
            (?P<count>\d{1,5}|\p{L}+)\b(?:\s+(?P<noun>\p{L}[\p{L}-]*))?"
    );
    // "5 seed users", "returns 2 records", "Found 1 book"
    static BEGINS: LazyLock<Regex> = regex!(
        r"(?xi)^\W*(?:2\d\d\W+(?:OK\W+)?)?(?:(?:all|exactly|only|found|returns?|shows?|prints?|gives?|lists?|expects?|should\s+(?:return|show|give|be)|must\s+(?:return|be)
                |devuelve|retorna|renvoie|restituisce|liefert|zeigt|nur|genau|solo|sólo|apenas|the|los|las|os|as|die|les)\W+)*
            (?P<count>\d{1,5}|\p{L}+)\s+(?P<nouns>\p{L}[\p{L}-]*(?:\s+\p{L}[\p{L}-]*){0,2})"
    );
    // "200, 95 posts"
    static WITHIN: LazyLock<Regex> =
        regex!(r"[,;(+]\s*(?P<count>\d{1,5})\s+(?P<noun>\p{L}[\p{L}-]*)");
    static OPEN: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: at\s+(?:least|most) | up\s+to | min(?:imum)? | max(?:imum)? | more | less | fewer | than | about | around | roughly | approx\w* | each | per | every | first | last | page
                | al\s+menos | como\s+mínimo | máximo | hasta | más | mindestens | höchstens | bis\s+zu | etwa | mehr | au\s+(?:moins|plus) | jusqu | plus | pelo\s+menos | até | mais | almeno | fino
                | or | oder | o | ou | if | when )\b | [<>≥≤~…] | \.\.\. | \d\s*[-–+]\s*\d | \d\+"
    );
    const OTHERS: &str = "ms s sec secs second seconds min minute minutes hour hours day days b byte bytes kb mb time times request requests call calls step steps \
         field fields property properties member members key keys column columns error errors warning warnings line lines character characters \
         word words star stars percent header headers page pages segundos minutos campos sekunden felder secondes champs test tests";
    if OPEN.is_match(text) || !status_text::is_promise(text) {
        return None;
    }
    let is_own = |noun: &str| is_one_of(noun, ITEMS) || is_of(noun, resource);
    let is_status = |number: usize| (100..600).contains(&number);
    if let Some(found) = LIST.captures(text)
        && let Some(number) = number(&found["count"])
    {
        let noun = found.name("noun").map_or("", |noun| noun.as_str());
        let is_other = is_one_of(&noun.to_lowercase(), OTHERS);
        return (!is_other).then_some(number);
    }
    if let Some(found) = BEGINS.captures(text)
        && let Some(number) = number(&found["count"])
    {
        let nouns = found["nouns"].to_lowercase();
        let mut nouns = nouns.split_whitespace();
        let is_any = about == About::Response
            && !is_status(number)
            && nouns.clone().all(|noun| !is_one_of(noun, OTHERS));
        if is_any || nouns.any(is_own) {
            return Some(number);
        }
    }
    let found = WITHIN
        .captures_iter(text)
        .find(|found| is_own(&found["noun"].to_lowercase()))?;
    found["count"].parse().ok()
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
    static EMPTY: LazyLock<Regex> = regex!(
        r"(?xi)\b(?: empty\s+(?:json\s+)?(?:array|list|result) | (?:array|arreglo|lista|liste|tableau|list)\s+(?:is\s+)?(?:empty|vac[ií]a?o?|vazi[ao]|vide|vuota) | leere(?:s|r)?\s+(?:array|liste) )\b
            | ^\W*\[\]\W*$"
    );
    EMPTY.is_match(text) && status_text::is_promise(text)
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
    count(text, resource, About::Maybe).is_some() || is_empty_list(text) || !values(text).is_empty()
}

/// The id that a text gives to a record: "the new user with id 5", "gets the id `5`".
pub fn id(text: &str) -> Option<&str> {
    static ID: LazyLock<Regex> = regex!(
        r"(?i)\b(?:with|has|have|gets?|receives?|assigns?|con|tiene|com|tem|recebe|mit|hat|erhält|bekommt|die|avec|a|reçoit|ha|riceve)\s+(?:the\s+|an?\s+|el\s+|o\s+|der\s+|die\s+|l['’]\s?|un\s+)?(?:new\s+|next\s+)?id\s*(?:is|of|:|=)*\s*[`*]*(?P<id>\d+)\b"
    );
    let is_sure = !text.contains("e.g") && !text.contains("z.B") && status_text::is_promise(text);
    let found = ID.captures(text).filter(|_| is_sure)?;
    Some(found.name("id")?.as_str())
}

/// The members that a text states, and their values as it has them: "`id` = 2", `[0].title == "Ada"`.
pub fn values(text: &str) -> Vec<(Part, String)> {
    static PAIR: LazyLock<Regex> = regex!(
        r#"(?:^|[\s,;(`+])\$?\.?(?P<path>(?:\[\d+\]\.)?[A-Za-z_]\w*(?:\.\w+|\[\d+\])*)`?\s*={1,3}\s*`?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w.@-]+))"#
    );
    static STEP: LazyLock<Regex> = regex!(r"\[(?P<index>\d+)\]|(?P<key>\w+)");
    let pairs = PAIR.captures_iter(text);
    pairs
        .filter_map(|found| {
            let value = ["double", "single", "bare"];
            let value = value.iter().find_map(|name| found.name(name))?;
            let mut part = Part::Body(Vec::new());
            for step in STEP.captures_iter(&found["path"]) {
                part = match step.name("index") {
                    Some(index) => part.item(index.as_str().parse().ok()?)?,
                    None => part.member(&step["key"])?,
                };
            }
            Some((part, value.as_str().trim_end_matches('.').to_owned()))
        })
        .collect()
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
            assert_eq!(count(text, "posts", About::Maybe), expected, "{text}");
        }
        let rows = [
            ("6 transacciones de ejemplo", Some(6)),
            ("vier Fahrzeuge", Some(4)),
            ("2 warnings in the log", None),
            ("201 Created", None),
            ("30 ms", None),
        ];
        for (text, expected) in rows {
            assert_eq!(count(text, "posts", About::Response), expected, "{text}");
        }
    }

    #[test]
    fn empty_lists_and_values_are_read() {
        for text in ["200, empty array", "lista vacía", "[]", "an empty list"] {
            assert!(is_empty_list(text), "{text}");
        }
        for text in [
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
        ] {
            assert_eq!(described(text), expected, "{text}");
        }
    }
}
