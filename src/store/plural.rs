//! English singular and plural, as json-server 0.17 forms them for foreign keys: `comments` of `posts` hold `postId`.
//!
//! The rules are those of spelling, with the exceptions and the oddities (`cookies` gives `cooky`) that data files made
//! for json-server depend on. Where a person would write another word, [`singulars`] names it as well.

use std::collections::HashSet;

/// Words that are their own plural.
const UNCOUNTABLE: &str = "\
    advice agenda aid aircraft alcohol ammo analytics anime athletics audio bison blood bream buffalo butter carp \
    cash chassis chess clothing cod commerce cooperation corps debris diabetes digestion elk energy equipment \
    excretion expertise firmware flounder fun gallows garbage graffiti hardware headquarters health herpes \
    highjinks homework housework information jeans justice kudos labour literature machinery mackerel mail manga \
    media mews moose mud music news only personnel pike plankton pliers pokemon police pollution premises rain \
    research rice salmon scissors series sewage shambles shrimp software species staff swine tennis traffic \
    transportation trout tuna wealth welfare whiting wildebeest wildlife you";

/// Endings of words that are their own plural.
const UNCOUNTABLE_ENDINGS: &[&str] = &["deer", "fish", "measles", "ois", "ous", "pox", "sheep"];

/// Whole words with a plural of their own.
const IRREGULAR: &str = "\
    anathema:anathemata axe:axes carve:carves die:dice dingo:dingoes dogma:dogmata eave:eaves echo:echoes \
    foot:feet genus:genera goose:geese groove:grooves has:have human:humans is:are lemma:lemmata looey:looies \
    ox:oxen passerby:passersby pickaxe:pickaxes proof:proofs quiz:quizzes schema:schemata stigma:stigmata \
    stoma:stomata that:those thief:thieves this:these tooth:teeth tornado:tornadoes torpedo:torpedoes valve:valves \
    viscus:viscera volcano:volcanoes was:were whiskey:whiskies yes:yeses";

/// Stems that take `us` and `i`.
const LATIN_US: &[&str] = &[
    "alumn", "bacill", "cact", "foc", "fung", "loc", "nucle", "radi", "stimul", "strat", "syllab", "termin", "uter",
    "vir",
];
/// Stems that take `um` and `a`.
const LATIN_UM: &[&str] = &[
    "addend",
    "agend",
    "bacteri",
    "candelabr",
    "curricul",
    "dat",
    "desiderat",
    "errat",
    "extrem",
    "millenni",
    "ov",
    "quor",
    "strat",
    "symposi",
];
/// Stems that take `on` and `a`.
const GREEK_ON: &[&str] = &[
    "apheli",
    "asyndet",
    "automat",
    "criteri",
    "hedr",
    "hyperbat",
    "noumen",
    "organ",
    "periheli",
    "phenomen",
    "prolegomen",
];
/// Stems that take `a` and `ae`.
const LATIN_A: &[&str] = &["alg", "alumn", "vertebr"];
/// Stems that take `ex` and `ices`.
const LATIN_EX: &[&str] = &["cod", "ind", "mur", "sil", "vert"];
/// Stems that take `ix` and `ices`.
const LATIN_IX: &[&str] = &["append", "matr"];
/// Stems that take `sis` and `ses`.
const GREEK_SIS: &[&str] = &["analy", "cri", "diagno", "empha", "ne", "parenthe", "progno", "synop", "the"];
/// Short words, and words with them behind a hyphen, that take `ie` and `ies`.
const IN_IE: &[&str] = &[
    "coll", "crosst", "cut", "faer", "food", "gen", "goal", "goon", "group", "l", "lass", "neckt", "p", "t", "talk",
    "zomb",
];

/// What a person would call one of these, where the rules of 0.17 say otherwise.
const SENSIBLE: &str = "\
    axis:axis bias:bias biases:bias canvas:canvas canvases:canvas cookies:cookie lens:lens lenses:lens \
    media:medium octopi:octopus skus:sku sms:sms vetoes:veto";

/// Endings of plurals, and what the singular has in their place.
const GUESSES: &[(&str, &str)] = &[
    // English, French, Spanish, Portuguese
    ("s", ""),
    ("es", ""),
    ("es", "is"),
    ("ies", "y"),
    ("x", ""),
    ("aux", "al"),
    ("ces", "z"),
    ("ões", "ão"),
    ("ais", "al"),
    ("ns", "m"),
    // German, Dutch, the Scandinavian languages, Turkish
    ("n", ""),
    ("en", ""),
    ("nen", ""),
    ("e", ""),
    ("se", ""),
    ("er", ""),
    ("r", ""),
    ("ar", ""),
    ("or", "a"),
    ("lar", ""),
    ("ler", ""),
    // Latin, Italian, Polish
    ("i", "o"),
    ("i", "e"),
    ("i", "us"),
    ("e", "a"),
    ("a", "um"),
    ("a", "on"),
    ("y", "a"),
    ("y", ""),
];

/// One of what `word` names, as 0.17 calls it: `posts` gives `post`, `people` gives `person`, `post` gives `post`.
pub fn singular(word: &str) -> String {
    with_case(word, |lower| {
        if let Some((one, _)) = pairs(IRREGULAR).find(|(one, many)| *one == lower || *many == lower) {
            return one.to_string();
        }
        if is_uncountable(lower) { lower.to_string() } else { to_singular(lower) }
    })
}

/// Several of what `word` names, as 0.17 calls them: `post` gives `posts`, `person` gives `people`.
pub fn plural(word: &str) -> String {
    with_case(word, |lower| {
        if let Some((_, many)) = pairs(IRREGULAR).find(|(one, many)| *one == lower || *many == lower) {
            return many.to_string();
        }
        if is_uncountable(lower) { lower.to_string() } else { to_plural(lower) }
    })
}

/// Every name that one of the collection `word` may plausibly go by in a foreign key, the one of 0.17 first: `cookies`
/// gives `cooky`, `cookie` and `cookies`. Behind these come guesses, since words may be in any language or be formed by
/// another rule: `kunden` gives `kunde`.
pub fn singulars(word: &str) -> Vec<String> {
    let mut names = vec![singular(word)];
    let lower = word.to_lowercase();
    let sensible =
        pairs(SENSIBLE).find(|(many, _)| *many == lower).map(|(_, one)| with_case(word, |_| one.to_string()));
    names.extend(sensible);
    names.push(word.to_string());
    // Of a path it is the last part that has a plural.
    let last = word.rsplit('/').next().unwrap_or(word);
    if last != word {
        names.extend([singular(last), last.to_string()]);
    }
    for (ending, instead) in GUESSES {
        if let Some(stem) = last.strip_suffix(ending).filter(|stem| stem.chars().nth(1).is_some()) {
            names.push(format!("{stem}{instead}"));
        }
    }
    // German plurals change the vowel: `bücher` of `buch`.
    let plain: Vec<String> = names
        .iter()
        .filter(|name| name.contains(['ä', 'ö', 'ü']))
        .map(|name| name.replace('ä', "a").replace('ö', "o").replace('ü', "u"))
        .collect();
    names.extend(plain);
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The two sides of each `one:other` in a list of words.
fn pairs(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    list.split(' ').filter_map(|pair| pair.split_once(':'))
}

fn is_uncountable(lower: &str) -> bool {
    let is_people =
        lower.strip_suffix("ese").and_then(|stem| stem.chars().last()).is_some_and(|letter| !is_vowel(letter));
    UNCOUNTABLE.split(' ').any(|word| word == lower) || is_people || ends_with_any(lower, UNCOUNTABLE_ENDINGS)
}

fn to_singular(word: &str) -> String {
    let cut = |ending: &str, instead: &str| word.strip_suffix(ending).map(|stem| format!("{stem}{instead}"));
    let stem_in =
        |ending: &str, stems: &[&str]| word.strip_suffix(ending).is_some_and(|stem| ends_with_any(stem, stems));
    if let Some(found) = cut("men", "man")
        .or_else(|| cut("eaux", "eau"))
        .or_else(|| cut("children", "child"))
        .or_else(|| cut("people", "person"))
    {
        return found;
    }
    let latin = [
        ("ices", LATIN_IX, "ix"),
        ("ices", LATIN_EX, "ex"),
        ("ae", LATIN_A, "a"),
        ("a", GREEK_ON, "on"),
        ("a", LATIN_UM, "um"),
        ("i", LATIN_US, "us"),
        ("ses", GREEK_SIS, "sis"),
        ("im", &["cherub", "seraph"], ""),
        ("ice", &["m", "l"], "ouse"),
    ];
    for (ending, stems, instead) in latin {
        let is_whole = ending == "ice" && !matches!(word, "mice" | "lice" | "titmice");
        if !is_whole && stem_in(ending, stems) {
            return cut(ending, instead).unwrap_or_default();
        }
    }
    if stem_in("sis", GREEK_SIS) || stem_in("is", &["test"]) || stem_in("us", LATIN_US) {
        return word.to_string();
    }
    if stem_in("es", &["test"]) && word == "testes" {
        return "testis".into();
    }
    if ends_with_any(word, &["movies", "twelves", "abuses", "emus", "enus"]) {
        return cut("s", "").unwrap_or_default();
    }
    let bare = word.strip_suffix("es").unwrap_or(word);
    if takes_es(bare) || ends_with_any(bare, &["tto", "go", "cho", "hero", "ato", "gro"]) {
        return bare.to_string();
    }
    if let Some(stem) = word.strip_suffix("ies") {
        let last = stem.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or(stem);
        return match last {
            "mon" | "smil" => format!("{stem}ey"),
            _ if IN_IE.contains(&last) => format!("{stem}ie"),
            _ => format!("{stem}y"),
        };
    }
    if let Some(stem) = word.strip_suffix("ves") {
        let is_life = ["li", "afterli", "halfli", "highli", "lowli", "midli", "nonli", "nightli"]
            .iter()
            .any(|life| stem == *life || (stem.ends_with(life) && (*life != "li" || stem.ends_with("-li"))));
        if is_life || ends_with_any(stem, &["wi", "kni"]) {
            return format!("{stem}fe");
        }
        if ends_with_any(stem, &["ar", "wol", "al", "el", "eo", "ea", "oo", "oa"]) {
            return format!("{stem}f");
        }
    }
    if word.ends_with("ss") { word.to_string() } else { cut("s", "").unwrap_or_else(|| word.to_string()) }
}

fn to_plural(word: &str) -> String {
    let cut = |ending: &str, instead: &str| word.strip_suffix(ending).map(|stem| format!("{stem}{instead}"));
    let stem_in =
        |ending: &str, stems: &[&str]| word.strip_suffix(ending).is_some_and(|stem| ends_with_any(stem, stems));
    if ends_with_any(word, &["men", "eaux", "children", "people"]) {
        return word.to_string();
    }
    if let Some(found) = cut("man", "men").or_else(|| cut("child", "children")).or_else(|| cut("person", "people")) {
        return found;
    }
    if matches!(word, "mouse" | "louse" | "titmouse" | "mice" | "lice" | "titmice") {
        return cut("ouse", "ice").unwrap_or_else(|| word.to_string());
    }
    let latin: [(&str, &[&str], &str); 11] = [
        ("ix", LATIN_IX, "ices"),
        ("ex", LATIN_IX, "ices"),
        ("ix", LATIN_EX, "ices"),
        ("ex", LATIN_EX, "ices"),
        ("on", GREEK_ON, "a"),
        ("um", LATIN_UM, "a"),
        ("a", LATIN_A, "ae"),
        ("us", LATIN_US, "i"),
        ("", &["cherub", "seraph"], "im"),
        ("fe", &["kni", "wi", "li"], "ves"),
        ("f", &["ar", "l", "ea", "eo", "oa", "hoo"], "ves"),
    ];
    for (ending, stems, instead) in latin {
        if stem_in(ending, stems) {
            return cut(ending, instead).unwrap_or_default();
        }
    }
    let already = [("a", GREEK_ON), ("a", LATIN_UM), ("ae", LATIN_A), ("i", LATIN_US), ("im", &["cherub", "seraph"])];
    if already.iter().any(|(ending, stems)| stem_in(ending, stems)) {
        return word.to_string();
    }
    let mut letters = word.chars().rev();
    let (last, before, third) = (letters.next(), letters.next(), letters.next());
    if word.ends_with(['x']) || ends_with_any(word, &["ch", "ss", "sh", "zz"]) {
        return format!("{word}es");
    }
    if let Some(stem) = word.strip_suffix("ey").filter(|stem| stem.ends_with(['l', 'n'])) {
        let mut letters = stem.chars().rev().skip(1);
        let vowel = letters.next().is_some_and(|letter| matches!(letter, 'i' | 'e' | 'o'));
        if vowel && letters.next().is_some_and(|letter| !matches!(letter, 'c' | 'h')) {
            return format!("{stem}ies");
        }
    }
    if last == Some('y') && (before.is_some_and(|letter| !is_vowel(letter) && letter != 'y') || word.ends_with("quy")) {
        return cut("y", "ies").unwrap_or_default();
    }
    if word.ends_with("sis") {
        return cut("sis", "ses").unwrap_or_default();
    }
    if ends_with_any(word, &["hero", "ato", "gro"]) {
        return format!("{word}es");
    }
    if ends_with_any(word, &["axis", "testis"]) {
        return cut("is", "es").unwrap_or_default();
    }
    let in_as = (word.ends_with("ias") && third_is_not(word, 'l'))
        || (word.ends_with("las") && letter_before(word, 3).is_some_and(is_vowel))
        || ends_with_any(word, &["eas", "jas", "zas", "ras", "iam", "uam"]);
    if in_as {
        return word.to_string();
    }
    if ends_with_any(word, &["emu", "enu", "emus", "enus"]) {
        return format!("{}s", word.strip_suffix('s').unwrap_or(word));
    }
    let in_us =
        last == Some('s') && before == Some('u') && third.is_some_and(|letter| !matches!(letter, 'a' | 'o' | 'u'));
    if in_us || ends_with_any(word, &["alias", "tlas", "tmas", "gas", "ris"]) {
        return format!("{word}es");
    }
    match last {
        Some(letter) if !letter.is_ascii() => word.to_string(),
        Some('s') | None => word.to_string(),
        Some(_) => format!("{word}s"),
    }
}

/// Whether the singular `word` ends so that `es` is added to it.
fn takes_es(word: &str) -> bool {
    let in_us = word.ends_with("us") && letter_before(word, 2).is_some_and(|letter| !matches!(letter, 'a' | 'o' | 'u'));
    let in_ris = word.ends_with("ris") && letter_before(word, 3).is_some_and(is_vowel);
    in_us || in_ris || ends_with_any(word, &["x", "ch", "ss", "sh", "zz", "alias", "tlas", "tmas", "gas"])
}

fn third_is_not(word: &str, letter: char) -> bool {
    letter_before(word, 3).is_some_and(|found| found != letter)
}

/// The letter before the last `count` ones.
fn letter_before(word: &str, count: usize) -> Option<char> {
    word.chars().rev().nth(count)
}

fn ends_with_any(word: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| word.ends_with(ending))
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

/// `change` of `word` in lower case, in the case of `word` as far as the two agree: `orderItems` keeps its `I`.
fn with_case(word: &str, change: impl Fn(&str) -> String) -> String {
    let lower = word.to_lowercase();
    let changed = change(&lower);
    if lower == word || lower.len() != word.len() {
        return changed;
    }
    let is_capital = word.len() > 1 && word == word.to_uppercase();
    let same = lower.bytes().zip(changed.bytes()).take_while(|(one, other)| one == other).count();
    let same = (0..=same).rev().find(|at| word.is_char_boundary(*at) && changed.is_char_boundary(*at)).unwrap_or(0);
    let rest = if is_capital { changed[same..].to_uppercase() } else { changed[same..].to_string() };
    format!("{}{rest}", &word[..same])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_formed_as_0_17_forms_them() {
        let cases = [
            ("recipe", "recipe", "recipes"),
            ("enterprises", "enterprise", "enterprises"),
            ("iris", "iris", "irises"),
            ("lorries", "lorry", "lorries"),
            ("boys", "boy", "boys"),
            ("churches", "church", "churches"),
            ("foxes", "fox", "foxes"),
            ("salesmen", "salesman", "salesmen"),
            ("grandchildren", "grandchild", "grandchildren"),
            ("salesPeople", "salesPerson", "salesPeople"),
            ("houseWives", "houseWife", "houseWives"),
            ("halves", "half", "halves"),
            ("olives", "olive", "olives"),
            ("gloves", "glove", "gloves"),
            ("menus", "menu", "menus"),
            ("caches", "cach", "caches"),
            ("UserProfiles", "UserProfile", "UserProfiles"),
            ("USERS", "USER", "USERS"),
            ("Person", "Person", "People"),
            ("blog-posts", "blog-post", "blog-posts"),
            ("curriculum", "curriculum", "curricula"),
            ("nucleus", "nucleus", "nuclei"),
            ("goldfish", "goldfish", "goldfish"),
            ("appendix", "appendix", "appendices"),
            ("journey", "journey", "journeys"),
            ("zombies", "zombie", "zombies"),
            ("schemas", "schema", "schemas"),
            ("", "", ""),
            ("s", "", "s"),
        ];
        for (word, one, many) in cases {
            assert_eq!((singular(word).as_str(), plural(word).as_str()), (one, many), "{word}");
        }
    }

    /// The words that both lines of json-server were asked for, where the recordings are at hand.
    #[test]
    fn the_recorded_words() {
        let Some(folder) = std::env::var_os("STANDIN_SHARED") else {
            eprintln!("STANDIN_SHARED is not set: the recorded words are not compared");
            return;
        };
        let path = std::path::Path::new(&folder).join("conformance/plurals.json");
        let words: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut wrong = Vec::new();
        for (word, forms) in words.as_object().unwrap() {
            let forms = &forms["pluralize"];
            let ours = (singular(word), plural(word));
            if forms["singular"] != ours.0 || forms["plural"] != ours.1 {
                wrong.push(format!("{word}: {ours:?} instead of {forms}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_plausible_singular_is_named() {
        let first = |word: &str, count: usize| singulars(word).into_iter().take(count).collect::<Vec<_>>();
        assert_eq!(first("posts", 2), ["post", "posts"]);
        assert_eq!(first("cookies", 3), ["cooky", "cookie", "cookies"]);
        assert_eq!(first("Media", 2), ["Media", "Medium"]);
        assert_eq!(first("news", 1), ["news"]);
        for (many, one) in [
            ("calories", "calorie"),
            ("caches", "cache"),
            ("headaches", "headache"),
            ("hoodies", "hoodie"),
            ("oases", "oasis"),
            ("milieus", "milieu"),
            ("milieux", "milieu"),
            ("kunden", "kunde"),
            ("bücher", "buch"),
            ("produkte", "produkt"),
            ("ciudades", "ciudad"),
            ("libri", "libro"),
            ("klanten", "klant"),
            ("api/v1/customers", "customer"),
        ] {
            assert!(singulars(many).contains(&one.to_string()), "{many}: {:?}", singulars(many));
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in "\\PC{0,12}") {
            let _ = (singular(&word), plural(&word));
        }
    }
}
