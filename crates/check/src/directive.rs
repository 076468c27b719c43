//! `<!-- standin: ... -->`: what a page says to the checker.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::text::nearest;

/// `<!-- standin: skip status=404 -->`, split into its words.
#[derive(Debug, Clone)]
pub struct Directive {
    /// Each word, split at its first `=`.
    pub words: Vec<(String, Option<String>)>,
    /// The misspelt form of `standin:`, if it is not exactly that.
    pub misspelt: Option<String>,
    /// Byte range in the page.
    pub range: Range<usize>,
}

impl Directive {
    pub fn parse(words: &str, range: Range<usize>) -> Directive {
        let word = |word: &str| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.trim_matches('"').to_owned())),
            None => (word.to_owned(), None),
        };
        // A list may have spaces: `any=name, floor`.
        static COMMA: LazyLock<Regex> = regex!(r",\s+");
        let words = COMMA.replace_all(words, ",");
        Directive {
            words: words.split_whitespace().map(word).collect(),
            misspelt: None,
            range,
        }
    }

    /// A comment that does not begin with `standin:`, but almost.
    pub fn misspelt(name: &str, range: Range<usize>) -> Directive {
        Directive {
            words: Vec::new(),
            misspelt: Some(name.to_owned()),
            range,
        }
    }

    /// What is wrong with the directive: an unknown word or value.
    pub fn error(&self) -> Option<String> {
        if let Some(name) = &self.misspelt {
            return Some(match name == "standin" {
                true => "a comment for the checker is `standin:` and words such as `status=404`"
                    .to_owned(),
                false => format!(
                    "a comment for the checker begins with `standin:`, this one with `{name}`"
                ),
            });
        }
        const WORDS: &[&str] = &[
            "skip", "reset", "status", "db", "as", "any", "save", "expect", "after",
        ];
        const ROLES: &[&str] = &["request", "response", "none"];
        let saves = self.has("save");
        let near = |word: &str, known: &[&str]| {
            let near = nearest(word, known.iter().copied());
            near.map_or_else(
                || format!("; known are {}", known.join(", ")),
                |near| format!("; did you mean `{near}`?"),
            )
        };
        self.words
            .iter()
            .find_map(|(word, value)| match (word.as_str(), value.as_deref()) {
                ("skip" | "reset" | "save", None) | ("db" | "any" | "after", Some(_)) => None,
                ("status", Some(list)) => {
                    let is_status = |status: &str| {
                        status
                            .parse()
                            .is_ok_and(|code: u16| (100..600).contains(&code))
                    };
                    (!list.split(',').all(is_status))
                        .then(|| format!("`{list}` is not a status or a list of statuses"))
                }
                ("expect", Some("hint")) => None,
                ("as", Some(role)) if ROLES.contains(&role) => None,
                ("as", Some(role)) => {
                    Some(format!("`as={role}` has no meaning{}", near(role, ROLES)))
                }
                (_, Some(path)) if saves && path.starts_with('.') => None,
                (known, _) if WORDS.contains(&known) => {
                    let form = match known {
                        "status" => "status=404",
                        "db" => "db=FILE",
                        "as" => "as=response",
                        "any" => "any=NAME,NAME",
                        "expect" => "expect=hint",
                        "after" => "after=PAGE",
                        alone => alone,
                    };
                    Some(format!(
                        "`{known}` has the wrong form in a standin comment; write `{form}`"
                    ))
                }
                (unknown, _) => Some(format!(
                    "unknown word `{unknown}` in a standin comment{}",
                    near(unknown, WORDS)
                )),
            })
    }

    /// Whether the directive has this word.
    pub fn has(&self, name: &str) -> bool {
        self.words.iter().any(|(word, _)| word == name)
    }

    /// The value of `name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words
            .iter()
            .find(|(word, _)| word == name)
            .and_then(|(_, value)| value.as_deref())
    }
}

/// The `<!-- standin: ... -->` directives above a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// Do not run the example.
    pub skip: bool,
    /// The expected statuses.
    pub statuses: Vec<u16>,
    /// Use fresh data for this example.
    pub reset: bool,
    /// The data file for this and the following examples.
    pub data: Option<String>,
    /// Whether the query is suspicious on purpose, so that the server gives a hint.
    pub expects_hint: bool,
    /// Members of the response whose values are not compared.
    pub any: Vec<String>,
    /// Names and paths of values to save from the response; these directives are below the request.
    pub save: Vec<(String, String)>,
}

impl Directives {
    /// Adds what a comment says about one example.
    pub fn add(&mut self, directive: &Directive) {
        self.skip |= directive.has("skip");
        self.reset |= directive.has("reset");
        self.expects_hint |= directive.value("expect") == Some("hint");
        let list = |name| {
            let list = directive.value(name).into_iter();
            list.flat_map(|list| list.split(','))
        };
        let statuses = list("status").filter_map(|status| status.parse::<u16>().ok());
        self.statuses.extend(statuses);
        self.any.extend(list("any").map(str::to_owned));
    }
}
