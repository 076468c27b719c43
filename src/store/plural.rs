//! Singular and plural as json-server 0.17 forms them for foreign keys: `comments` of `posts` have `postId`.
//!
//! The crate `pluralizer` has the rules of a newer version of `pluralize`, the npm package that 0.17 uses; [`RECORDED`]
//! has the words for which they differ. If people would use another word, [`singulars`] lists it, too.

use std::collections::HashSet;

use pluralizer::pluralize;

use crate::rules::named;

/// Words with their singular and plural in 0.17, where the crate has others.
const RECORDED: &[(&str, &str, &str)] = &[
    ("canvas", "canva", "canvas"),
    ("canvases", "canvase", "canvases"),
    ("cookies", "cooky", "cookies"),
    ("species", "species", "species"),
];

/// Singulars that people would use, where the rules of 0.17 differ.
const SENSIBLE: &[(&str, &str)] = &[
    ("axis", "axis"),
    ("bias", "bias"),
    ("biases", "bias"),
    ("canvas", "canvas"),
    ("canvases", "canvas"),
    ("cookies", "cookie"),
    ("lens", "lens"),
    ("lenses", "lens"),
    ("media", "medium"),
    ("octopi", "octopus"),
    ("skus", "sku"),
    ("sms", "sms"),
    ("vetoes", "veto"),
];

/// Endings of plurals in other languages that no English plural has, and those of their singulars.
const FOREIGN: &[(&str, &str)] = &[
    ("dades", "dad"),
    ("iones", "ion"),
    ("iones", "ión"),
    ("ores", "or"),
    ("eles", "el"),
    ("ões", "ão"),
    ("aux", "al"),
];

/// Guesses: endings of plurals, and possible endings of the singular.
const GUESSES: &[(&str, &str)] = &[
    // English, French, Spanish, Portuguese
    ("s", ""),
    ("es", ""),
    ("es", "is"),
    ("ies", "y"),
    ("x", ""),
    ("ces", "z"),
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

/// The singular of `word` in 0.17: `posts` gives `post`, `people` gives `person`, `post` gives `post`.
pub fn singular(word: &str) -> String {
    match recorded(word) {
        Some((singular, _)) => with_case(word, singular),
        None => pluralize(word, 1, false),
    }
}

/// The plural of `word` in 0.17: `post` gives `posts`, `person` gives `people`.
pub fn plural(word: &str) -> String {
    match recorded(word) {
        Some((_, plural)) => with_case(word, plural),
        None => pluralize(word, 2, false),
    }
}

/// A name for one record of a collection in a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singular {
    /// The name.
    pub name: String,
    /// Whether it is a singular of the collection's name by a rule, not a guess that may be another word: `plan` is a
    /// guess for `planes`.
    pub is_natural: bool,
}

/// All plausible names for one record of the collection `word` in a foreign key, that of 0.17 first: `cookies` gives
/// `cooky`, `cookie` and `cookies`. Guesses come last, for other languages and irregular words: `kunden` gives `kunde`.
pub fn singulars(word: &str) -> Vec<Singular> {
    let of_017 = singular(word);
    let lower = word.to_lowercase();
    // In a path, the last part is the plural.
    let last = word.rsplit('/').next().unwrap_or(word);
    let last_singular = singular(last);
    // A guess is all there is for a word that is not an English plural.
    let is_english = last_singular != last;
    let sensible = named(SENSIBLE, &lower).map(|one| with_case(word, one));
    let mut names: Vec<String> = [of_017].into_iter().chain(sensible).collect();
    names.push(word.to_string());
    if last != word {
        names.extend([last_singular, last.to_string()]);
    }
    let with_ending = |(ending, instead): &(&str, &str)| {
        let stem = last
            .strip_suffix(ending)
            .filter(|stem| stem.chars().nth(1).is_some())?;
        Some(format!("{stem}{instead}"))
    };
    names.extend(FOREIGN.iter().filter_map(with_ending));
    let natural = names.len();
    names.extend(GUESSES.iter().filter_map(with_ending));
    // German plurals change the vowel: `bücher` of `buch`.
    let without_umlaut = |name: &String| {
        name.contains(['ä', 'ö', 'ü'])
            .then(|| name.replace('ä', "a").replace('ö', "o").replace('ü', "u"))
    };
    let plain: Vec<String> = names.iter().filter_map(without_umlaut).collect();
    names.extend(plain);
    let mut seen = HashSet::new();
    let mut place = 0..;
    let with_nature = |name: String| {
        let is_natural =
            place.next() < Some(natural) || !is_english || plural(&name).eq_ignore_ascii_case(last);
        seen.insert(name.clone())
            .then_some(Singular { name, is_natural })
    };
    names.into_iter().filter_map(with_nature).collect()
}

fn recorded(word: &str) -> Option<(&'static str, &'static str)> {
    let found = RECORDED
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(word))?;
    Some((found.1, found.2))
}

/// `form`, which is in lower case, with the case of `word`: that of each letter in their common prefix, and upper case
/// after it if all of `word` is.
fn with_case(word: &str, form: &str) -> String {
    let same = word
        .bytes()
        .zip(form.bytes())
        .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
        .count();
    let rest = if word == word.to_uppercase() {
        form[same..].to_uppercase()
    } else {
        form[same..].to_string()
    };
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
            assert_eq!(
                (singular(word).as_str(), plural(word).as_str()),
                (one, many),
                "{word}"
            );
        }
    }

    /// The recorded words of both lines of json-server, if the recordings are available.
    #[test]
    fn the_recorded_words() {
        let Some(folder) = std::env::var_os("STANDIN_SHARED") else {
            eprintln!("STANDIN_SHARED is not set: the recorded words are not compared");
            return;
        };
        let path = std::path::Path::new(&folder).join("conformance/plurals.json");
        let words: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
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
        let names = |word: &str| {
            singulars(word)
                .into_iter()
                .map(|one| one.name)
                .collect::<Vec<_>>()
        };
        let first = |word: &str, count: usize| names(word)[..count].to_vec();
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
            assert!(
                names(many).contains(&one.to_string()),
                "{many}: {:?}",
                names(many)
            );
        }
    }

    #[test]
    fn a_guess_is_distinguished_from_a_singular() {
        let is_natural = |many: &str, one: &str| {
            let found = singulars(many).into_iter().find(|known| known.name == one);
            found.unwrap_or_else(|| panic!("{many}: {one}")).is_natural
        };
        for (many, one) in [
            ("planes", "plane"),
            ("planes", "planes"),
            ("calories", "calory"),
            ("calories", "calorie"),
            ("persons", "person"),
            ("kunden", "kunde"),
            ("oases", "oasis"),
            ("caches", "cache"),
            ("ciudades", "ciudad"),
            ("canciones", "cancion"),
            ("bücher", "buch"),
            ("api/v1/customers", "customer"),
        ] {
            assert!(is_natural(many, one), "{many}: {one}");
        }
        for (many, one) in [
            ("planes", "plan"),
            ("cares", "car"),
            ("api/planes", "plan"),
            ("Tubes", "Tub"),
        ] {
            assert!(!is_natural(many, one), "{many}: {one}");
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in "\\PC{0,12}") {
            let _ = (singular(&word), plural(&word));
        }
    }
}
