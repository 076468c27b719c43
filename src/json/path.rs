//! Paths of fields: `author.name`, `tags[0]`.

use memchr::memmem::Finder;

use super::members::child;
use super::{Kind, get_member, items};

/// Where a field is found in a record, prepared for many records.
#[derive(Debug, Clone)]
pub struct FieldPath {
    /// The path as it was written.
    pub text: String,
    /// The names on the way; a single one is the whole path.
    steps: Vec<String>,
    /// Finds the first name in quotes, as a record holds it where nothing in it is escaped; `None` for a name that may
    /// be.
    quoted: Option<Finder<'static>>,
    /// Finds the whole path where that is more than one name, as it may be a name too.
    whole: Option<Finder<'static>>,
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &FieldPath) -> bool {
        self.text == other.text
    }
}

impl FieldPath {
    /// The path that `text` spells.
    pub fn new(text: &str) -> FieldPath {
        let steps: Vec<String> = match text.contains(['.', '[']) {
            true => (text.split(['.', '[']))
                .map(|step| step.strip_suffix(']').unwrap_or(step))
                .filter(|step| !step.is_empty())
                .map(str::to_string)
                .collect(),
            false => vec![text.to_string()],
        };
        let first = steps.first().map_or("", String::as_str);
        // A name that begins with a letter cannot be what stands between the strings of a record: `":1,"`.
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_word = first.bytes().next().is_some_and(is_letter)
            && first
                .bytes()
                .all(|byte| is_letter(byte) || matches!(byte, b'-' | b':' | b' '));
        let quoted = is_word.then(|| Finder::new(&format!("\"{first}\"")).into_owned());
        let is_plain = steps.first().is_some_and(|first| first == text);
        let whole = (!is_plain).then(|| Finder::new(text).into_owned());
        FieldPath {
            text: text.to_string(),
            quoted,
            whole,
            steps,
        }
    }

    /// The value that `record` has there.
    pub fn of<'a>(&self, record: &'a str) -> Option<&'a str> {
        let bytes = record.as_bytes();
        let is_escaped = memchr::memchr(b'\\', bytes).is_some();
        let Some(quoted) = self.quoted.as_ref().filter(|_| !is_escaped) else {
            return self.read(record);
        };
        // Nothing is escaped, so that the name in its quotes can only be a name or a whole string.
        let (first, rest) = self.steps.split_first()?;
        if self.has_whole(bytes) {
            return self.read(record);
        }
        let start = quoted.find(bytes)?;
        let end = start + quoted.needle().len();
        // There once only, with no object begun before it but the record: it is the record's own member.
        let is_own = memchr::memchr(b'{', &bytes[..start]) == Some(0)
            && memchr::memchr(b'{', &bytes[1..start]).is_none()
            && quoted.find(&bytes[end..]).is_none();
        let short_cut = is_own.then(|| scalar_after(record, end)).flatten();
        let found = short_cut.or_else(|| get_member(record, first))?;
        rest.iter().try_fold(found, |at, step| child(at, step))
    }

    /// The same as lodash's `get` finds it for json-server 0.17: a member of exactly that name first, else name by name.
    fn read<'a>(&self, record: &'a str) -> Option<&'a str> {
        let by_steps = || (self.steps.iter()).try_fold(record, |at, step| child(at, step));
        get_member(record, &self.text).or_else(|| self.whole.as_ref().and_then(|_| by_steps()))
    }

    fn has_whole(&self, record: &[u8]) -> bool {
        let whole = self.whole.as_ref();
        whole.is_some_and(|whole| whole.find(record).is_some())
    }

    /// Whether `test` holds for a value that `record` has there. Where the path leads through an array without an index,
    /// these are the values in its items: `categories.id` is each category's id.
    pub fn any(&self, record: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.of(record) {
            Some(value) => test(value),
            None => {
                self.steps.len() > 1
                    && self.may_be_in(record)
                    && any_below(record, &self.steps, test)
            }
        }
    }

    /// Whether `record` could have a value there, judged by its bytes alone: `false` is certain.
    fn may_be_in(&self, record: &str) -> bool {
        let bytes = record.as_bytes();
        self.quoted.as_ref().is_none_or(|quoted| {
            quoted.find(bytes).is_some()
                || self.has_whole(bytes)
                || memchr::memchr(b'\\', bytes).is_some()
        })
    }
}

fn any_below(at: &str, steps: &[String], test: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return test(at);
    };
    if Kind::of(at) == Kind::Array && step.parse::<usize>().is_err() {
        return items(at).any(|item| any_below(item, steps, test));
    }
    child(at, step).is_some_and(|value| any_below(value, rest, test))
}

/// The string, number or word that stands behind a colon at `at`, in a text without escapes; `None` for anything else.
fn scalar_after(record: &str, at: usize) -> Option<&str> {
    let rest = record[at..]
        .trim_ascii_start()
        .strip_prefix(':')?
        .trim_ascii_start();
    let bytes = rest.as_bytes();
    let end = match bytes.first()? {
        b'"' => memchr::memchr(b'"', &bytes[1..])? + 2,
        b'{' | b'[' => return None,
        _ => bytes
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t'))?,
    };
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = serde_json::Value> {
        let key = prop::sample::select(vec![
            "a", "b", "a.b", "ab", "a-b", "a:b", "\u{e9}", "a\"b", "a\\",
        ]);
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            (0..3).prop_map(serde_json::Value::from),
            prop::sample::select(vec!["a", "b", "a.b", "\"a\":1", "{", "x"])
                .prop_map(serde_json::Value::from),
        ];
        let value = leaf.prop_recursive(3, 12, 3, |inner| {
            let key = prop::sample::select(vec!["a", "b", "a.b"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
                prop::collection::btree_map(key.prop_map(String::from), inner, 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map(key.prop_map(String::from), value, 0..4)
            .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
    }

    proptest! {
        /// The short cuts find what the plain way finds.
        #[test]
        fn a_path_finds_what_get_finds(
            record in record(),
            path in prop::sample::select(vec!["a", "b", "a.b", "a.a", "a[0]", "a.0.b", "ab", "a-b", "a:b", "\u{e9}", "a.", ".", "", "a\"b", "a\\"]),
            pretty in any::<bool>(),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&record).unwrap() } else { record.to_string() };
            let asked = FieldPath::new(path);
            let found = asked.read(&text);
            prop_assert_eq!(asked.of(&text), found);
            prop_assert!(found.is_none() || asked.may_be_in(&text));
        }
    }

    #[test]
    fn paths_are_lodash_paths() {
        let value = r#"{"a.b": 1, "a": {"b": 2, "c": [{"d": 3}]}, "x": null, "q\"": 4}"#;
        let cases = [
            ("a.b", Some("1")),
            ("a.c[0].d", Some("3")),
            ("a.c.0.d", Some("3")),
            ("a.c[1]", None),
            ("x", Some("null")),
            ("x.y", None),
            ("q\"", Some("4")),
            ("nope", None),
        ];
        for (path, expected) in cases {
            assert_eq!(FieldPath::new(path).of(value), expected, "{path}");
        }
    }

    #[test]
    fn of_a_repeated_name_the_last_counts() {
        let cases = [
            ("{\"a\":1,\"a\":2}", "2"),
            ("{\"a\":1,\"b\":\"a\"}", "1"),
            ("{\"a\" : [1], \"a\" : true }", "true"),
        ];
        for (record, expected) in cases {
            assert_eq!(FieldPath::new("a").of(record), Some(expected), "{record}");
        }
    }
}
