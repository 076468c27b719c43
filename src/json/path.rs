//! Paths of fields: `author.name`, `tags[0]`.

use memchr::memmem::Finder;

use super::{Kind, get, get_member, items};

/// Where a field is found in a record: what [`get`] finds, prepared for many records.
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
            true => {
                let steps = text
                    .split(['.', '['])
                    .map(|step| step.strip_suffix(']').unwrap_or(step));
                steps
                    .filter(|step| !step.is_empty())
                    .map(str::to_string)
                    .collect()
            }
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
        let Some(quoted) = self
            .quoted
            .as_ref()
            .filter(|_| memchr::memchr(b'\\', bytes).is_none())
        else {
            return get(record, &self.text);
        };
        // Nothing is escaped, so that the name in its quotes can only be a name or a whole string.
        let (first, rest) = self.steps.split_first()?;
        if self
            .whole
            .as_ref()
            .is_some_and(|whole| whole.find(bytes).is_some())
        {
            return get(record, &self.text);
        }
        let start = quoted.find(bytes)?;
        let end = start + quoted.needle().len();
        // There once only, with no object begun before it but the record: it is the record's own member.
        let is_own = memchr::memchr(b'{', &bytes[..start]) == Some(0)
            && memchr::memchr(b'{', &bytes[1..start]).is_none()
            && quoted.find(&bytes[end..]).is_none();
        let short_cut = if is_own {
            scalar_after(record, end)
        } else {
            None
        };
        let mut at = match short_cut {
            Some(found) => found,
            None => get_member(record, first)?,
        };
        for step in rest {
            at = match Kind::of(at) {
                Kind::Object => get_member(at, step)?,
                Kind::Array => items(at).nth(step.parse().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// Whether `test` holds for a value that `record` has there. Where the path leads through an array without an index,
    /// these are the values in its items: `categories.id` is each category's id.
    pub fn any(&self, record: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.of(record) {
            Some(value) => test(value),
            None => self.steps.len() > 1 && any_below(record, &self.steps, test),
        }
    }

    /// Whether `record` could have a value there, judged by its bytes alone: `false` is certain.
    pub fn may_be_in(&self, record: &str) -> bool {
        match &self.quoted {
            Some(quoted) => {
                let bytes = record.as_bytes();
                quoted.find(bytes).is_some()
                    || self
                        .whole
                        .as_ref()
                        .is_some_and(|whole| whole.find(bytes).is_some())
                    || memchr::memchr(b'\\', bytes).is_some()
            }
            None => true,
        }
    }
}

fn any_below(at: &str, steps: &[String], test: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return test(at);
    };
    match (Kind::of(at), step.parse::<usize>()) {
        (Kind::Object, _) => get_member(at, step).is_some_and(|value| any_below(value, rest, test)),
        (Kind::Array, Ok(place)) => items(at)
            .nth(place)
            .is_some_and(|item| any_below(item, rest, test)),
        (Kind::Array, Err(_)) => items(at).any(|item| any_below(item, steps, test)),
        _ => false,
    }
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
            let found = get(&text, path);
            let asked = FieldPath::new(path);
            prop_assert_eq!(asked.of(&text), found);
            prop_assert!(found.is_none() || asked.may_be_in(&text));
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
