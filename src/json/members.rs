//! Finds values in valid JSON text by names and paths (`author.name`, `tags[0]`), and changes members of objects
//! without touching the rest of the text.
//!
//! New text has the object's layout, or `layout` if the object shows none; the lines of new text begin with `margin`.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memmem::Finder;

use super::{
    Kind, Layout, MAX_BODY_DEPTH, SyntaxError, check, offset_in, pointer, quote, skip_space,
    string_end, unquote, value_end,
};

/// The text of a valid JSON object, nested no deeper than a request body may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object(String);

impl Default for Object {
    /// The empty object.
    fn default() -> Object {
        Object("{}".into())
    }
}

/// Why a text is not an [`Object`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotObject {
    /// It is not JSON, or nested too deep.
    Syntax(SyntaxError),
    /// It is another value.
    Other(Kind),
}

impl Object {
    /// Checks `text`; white space around the object is left out.
    ///
    /// # Errors
    /// The text is not JSON, or another value than an object.
    pub fn parse(text: &str) -> Result<Object, NotObject> {
        Object::parse_to_depth(text, MAX_BODY_DEPTH)
    }

    /// Like [`Object::parse`], with a lower limit for the nesting.
    ///
    /// # Errors
    /// Like [`Object::parse`].
    pub fn parse_to_depth(text: &str, max_depth: usize) -> Result<Object, NotObject> {
        let range = check(text, max_depth.min(MAX_BODY_DEPTH)).map_err(NotObject::Syntax)?;
        match Kind::of(&text[range.clone()]) {
            Kind::Object => Ok(Object(text[range].to_string())),
            other => Err(NotObject::Other(other)),
        }
    }

    /// The object's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This object with the member `key` set to `value`, which is JSON.
    pub fn with(self, key: &str, value: &str) -> Object {
        Object(with_member(&self.0, key, value, Layout::PRETTY, ""))
    }

    /// This object without the member `key`.
    pub fn without(self, key: &str) -> Object {
        match get_member(&self.0, key) {
            Some(_) => Object(without_member(&self.0, key, Layout::PRETTY, "")),
            None => self,
        }
    }
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name, decoded.
    pub key: Cow<'a, str>,
    /// The name as it is written, with its quotes.
    pub raw_key: &'a str,
    /// The value's text.
    pub value: &'a str,
}

/// The members of `object` (valid JSON) in the order written, repeated names included; none if it is not an object.
pub fn members(object: &str) -> impl Iterator<Item = Member<'_>> {
    let bytes = object.as_bytes();
    let mut at = inside(bytes, b'{');
    std::iter::from_fn(move || {
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(bytes, at);
        let start = skip_space(bytes, skip_space(bytes, key_end) + 1);
        let end = value_end(bytes, start);
        let raw_key = &object[at..key_end];
        at = skip_comma(bytes, end);
        Some(Member {
            key: unquote(raw_key),
            raw_key,
            value: &object[start..end],
        })
    })
}

/// The items of `array` (valid JSON); none if it is not an array.
pub fn items(array: &str) -> impl Iterator<Item = &str> {
    let bytes = array.as_bytes();
    let mut at = inside(bytes, b'[');
    std::iter::from_fn(move || {
        if bytes.get(at).is_none_or(|byte| *byte == b']') {
            return None;
        }
        let (start, end) = (at, value_end(bytes, at));
        at = skip_comma(bytes, end);
        Some(&array[start..end])
    })
}

/// The value of the member `key` of `object`; of a repeated name the last one counts, as in JavaScript.
pub fn get_member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)
        .filter(|member| member.key == key)
        .last()
        .map(|member| member.value)
}

/// The member or item of `value` called `step`.
fn child<'a>(value: &'a str, step: &str) -> Option<&'a str> {
    match Kind::of(value) {
        Kind::Object => get_member(value, step),
        Kind::Array => items(value).nth(step.parse().ok()?),
        _ => None,
    }
}

/// The byte offset in `value` of the target of `pointer` (RFC 6901), or of its deepest part that exists.
pub fn locate(value: &str, pointer: &str) -> usize {
    let path = pointer::steps(pointer).scan(value, |at, step| {
        *at = child(at, &step)?;
        Some(*at)
    });
    offset_in(value, path.last().unwrap_or(value))
}

/// The first byte inside the brackets of a value that opens with `open`; the end of the text for other values.
fn inside(bytes: &[u8], open: u8) -> usize {
    let start = skip_space(bytes, 0);
    if bytes.get(start) == Some(&open) {
        skip_space(bytes, start + 1)
    } else {
        bytes.len()
    }
}

/// From the end of a value to the next one, or to the closing bracket.
fn skip_comma(bytes: &[u8], end: usize) -> usize {
    let at = skip_space(bytes, end);
    if bytes.get(at) == Some(&b',') {
        skip_space(bytes, at + 1)
    } else {
        at
    }
}

/// Whether two JSON texts are the same up to white space. (Numbers and strings must be spelt the same.)
pub fn same_value(one: &str, other: &str) -> bool {
    one == other || Layout::MINIFIED.render(one, "") == Layout::MINIFIED.render(other, "")
}

/// `object` with the members of `patch`, one level deep, as json-server's PATCH: an existing name keeps its place, a
/// new one goes last, and of a name that `patch` repeats the last one counts.
pub fn merge_shallow(object: &str, patch: &str, layout: Layout, margin: &str) -> String {
    edit(object, layout, margin, |editor| {
        for member in members(patch) {
            editor.set(&member.key, member.raw_key, member.value);
        }
    })
}

/// `target` changed by a merge patch (RFC 7396): `null` removes a member, objects merge recursively, and a `target`
/// that is not an object counts as an empty one.
pub fn merge_patch(target: &str, patch: &str, layout: Layout, margin: &str) -> String {
    let target = match Kind::of(target) {
        Kind::Object => target,
        _ => "{}",
    };
    edit(target, layout, margin, |editor| {
        for member in members(patch) {
            match Kind::of(member.value) {
                Kind::Null => editor.remove(&member.key),
                Kind::Object => {
                    let old = get_member(target, &member.key).unwrap_or("{}");
                    let merged = merge_patch(old, member.value, editor.layout, &editor.inner);
                    editor.set(&member.key, member.raw_key, &merged);
                }
                _ => editor.set(&member.key, member.raw_key, member.value),
            }
        }
    })
}

/// `object` with the member `key` set to `value` (JSON text): in its place if it exists, else as the last one.
pub fn with_member(object: &str, key: &str, value: &str, layout: Layout, margin: &str) -> String {
    edit(object, layout, margin, |editor| {
        editor.set(key, &quote(key), value);
    })
}

/// `object` without the member `key`.
pub fn without_member(object: &str, key: &str, layout: Layout, margin: &str) -> String {
    edit(object, layout, margin, |editor| editor.remove(key))
}

fn edit(
    object: &str,
    layout: Layout,
    margin: &str,
    change: impl FnOnce(&mut Editor<'_>),
) -> String {
    let mut editor = Editor::new(object, layout, margin);
    change(&mut editor);
    let members = (editor.members.iter())
        .map(|member| [&*member.leading, &member.name, &member.value].concat());
    let members = members.collect::<Vec<_>>().join(",");
    format!("{{{members}{}}}", editor.closing)
}

/// An object's text, split at its commas.
struct Editor<'a> {
    members: Vec<MemberText<'a>>,
    /// The white space before the closing brace.
    closing: Cow<'a, str>,
    layout: Layout,
    /// The indent of the line with the closing brace.
    margin: &'a str,
    /// The indent of the members.
    inner: String,
}

struct MemberText<'a> {
    key: Cow<'a, str>,
    /// The white space before the name.
    leading: Cow<'a, str>,
    /// From the name's opening quote to the beginning of the value.
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Editor<'a> {
    fn new(object: &'a str, layout: Layout, margin: &'a str) -> Editor<'a> {
        let object = object.trim_ascii();
        let layout = Layout::of(object, layout);
        let (mut found, mut from, mut end) = (Vec::<MemberText<'a>>::new(), 1, 1);
        let mut places = HashMap::new();
        for member in members(object) {
            let (start, value_start) = (
                offset_in(object, member.raw_key),
                offset_in(object, member.value),
            );
            end = value_start + member.value.len();
            let (leading, name) = (&object[from..start], &object[start..value_start]);
            // Past the comma, if there is one.
            from = skip_space(object.as_bytes(), end) + 1;
            let place = *places.entry(member.key.clone()).or_insert(found.len());
            if place < found.len() {
                found[place].value = member.value.into();
                continue;
            }
            found.push(MemberText {
                key: member.key,
                leading: leading.into(),
                name: name.into(),
                value: member.value.into(),
            });
        }
        let closing = if found.is_empty() {
            ""
        } else {
            &object[end..object.len() - 1]
        };
        Editor {
            members: found,
            closing: closing.into(),
            layout,
            margin,
            inner: format!("{margin}{}", layout.indent(1)),
        }
    }

    fn set(&mut self, key: &str, raw_key: &str, value: &str) {
        let value = self.layout.render(value, &self.inner);
        if let Some(known) = self.members.iter_mut().find(|member| member.key == key) {
            if !same_value(&known.value, &value) {
                known.value = value.into();
            }
            return;
        }
        let leading = match self.members.as_slice() {
            [] => {
                self.closing = self.layout.line(self.margin, 0).into();
                self.layout.line(self.margin, 1).into()
            }
            [only] if only.leading.contains('\n') => only.leading.clone(),
            [_] if self.layout.space_after_comma => " ".into(),
            [_] => "".into(),
            [.., last] => last.leading.clone(),
        };
        let colon = if self.layout.space_after_colon {
            ": "
        } else {
            ":"
        };
        let name = format!("{raw_key}{colon}").into();
        self.members.push(MemberText {
            key: key.to_string().into(),
            leading,
            name,
            value: value.into(),
        });
    }

    fn remove(&mut self, key: &str) {
        let Some(place) = self.members.iter().position(|member| member.key == key) else {
            return;
        };
        let removed = self.members.remove(place);
        match self.members.first_mut() {
            Some(first) if place == 0 => first.leading = removed.leading,
            Some(_) => {}
            None => self.closing = "".into(),
        }
    }
}

/// The path of a field, prepared for lookups in many records.
#[derive(Debug, Clone)]
pub struct FieldPath {
    /// The path as it was written.
    pub text: String,
    /// The names in the path; a single one is the whole path.
    steps: Vec<String>,
    /// Finds the first name in quotes, in a record without escapes; `None` for a name that may need escapes.
    quoted: Option<Finder<'static>>,
    /// Finds the whole path if it has several names, because it may itself be a name.
    whole: Option<Finder<'static>>,
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &FieldPath) -> bool {
        self.text == other.text
    }
}

impl FieldPath {
    /// Parses a path.
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
        // A name that begins with a letter cannot match the text between two strings of a record: `":1,"`.
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
        // Nothing is escaped, so the name in quotes can only match a name or a whole string.
        let (first, rest) = self.steps.split_first()?;
        if self.has_whole(bytes) {
            return self.read(record);
        }
        let start = quoted.find(bytes)?;
        let end = start + quoted.needle().len();
        // It occurs only once, and no other object begins before it: it is the record's own member.
        let is_own = memchr::memchr(b'{', &bytes[..start]) == Some(0)
            && memchr::memchr(b'{', &bytes[1..start]).is_none()
            && quoted.find(&bytes[end..]).is_none();
        let short_cut = is_own.then(|| scalar_after(record, end)).flatten();
        let found = short_cut.or_else(|| get_member(record, first))?;
        rest.iter().try_fold(found, |at, step| child(at, step))
    }

    /// Like lodash's `get` in json-server 0.17: a member of exactly that name wins; otherwise it goes name by name.
    fn read<'a>(&self, record: &'a str) -> Option<&'a str> {
        let by_steps = || (self.steps.iter()).try_fold(record, |at, step| child(at, step));
        get_member(record, &self.text).or_else(|| self.whole.as_ref().and_then(|_| by_steps()))
    }

    fn has_whole(&self, record: &[u8]) -> bool {
        let whole = self.whole.as_ref();
        whole.is_some_and(|whole| whole.find(record).is_some())
    }

    /// Whether `test` is true for a value that `record` has there. If the path goes through an array without an index,
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

    /// Prefilter by a substring search: `false` means that `record` has no value there.
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

/// The string, number or word after a colon at `at`, in a text without escapes; `None` for anything else.
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
    use proptest::prelude::*;

    use super::*;

    fn shallow(object: &str, patch: &str) -> String {
        merge_shallow(object, patch, Layout::PRETTY, "")
    }

    #[test]
    fn removing_what_is_not_there_moves_nothing() {
        let patched = merge_patch("{}", "{\"a\": 1, \"b\": null}", Layout::PRETTY, "");
        assert_eq!(patched, "{\n  \"a\": 1\n}");
        let patched = merge_patch(
            "{ \"a\": 1,\n  \"b\": 2 }",
            "{\"a\": null}",
            Layout::PRETTY,
            "",
        );
        assert_eq!(patched, "{ \"b\": 2 }");
    }

    #[test]
    fn a_merge_changes_only_the_members_it_names() {
        let cases = [
            (
                "{\"id\": 1, \"a\":  2}",
                "{\"a\":3}",
                "{\"id\": 1, \"a\":  3}",
            ),
            (
                "{\"id\": 1.0, \"a\":2}",
                "{\"a\":2,\"b\":null}",
                "{\"id\": 1.0, \"a\":2, \"b\": null}",
            ),
            (
                "{\n  \"id\": 1\n}",
                "{\"a\":{\"b\":[1]}}",
                "{\n  \"id\": 1,\n  \"a\": {\n    \"b\": [\n      1\n    ]\n  }\n}",
            ),
            (
                "{\r\n\t\"id\":1\r\n}",
                "{\"a\":1}",
                "{\r\n\t\"id\":1,\r\n\t\"a\":1\r\n}",
            ),
            ("{\"id\":1}", "{\"a\":1,\"a\":2}", "{\"id\":1,\"a\":2}"),
            ("{\"id\":1,\"id\":2}", "{\"a\":1}", "{\"id\":2,\"a\":1}"),
            ("{}", "{\"a\":1}", "{\n  \"a\": 1\n}"),
            ("{ }", "{}", "{}"),
            ("{\"a\\u0062\":1}", "{\"ab\":2}", "{\"a\\u0062\":2}"),
        ];
        for (object, patch, expected) in cases {
            assert_eq!(shallow(object, patch), expected, "{object} + {patch}");
        }
    }

    #[test]
    fn a_merge_patch_is_rfc_7396() {
        // The test table of the RFC's appendix A, where both sides are objects.
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (
                r#"{}"#,
                r#"{"a":{"bb":{"ccc":null}}}"#,
                r#"{"a":{"bb":{}}}"#,
            ),
        ];
        for (target, patch, expected) in cases {
            assert_eq!(
                merge_patch(target, patch, Layout::MINIFIED, ""),
                expected,
                "{target} + {patch}"
            );
        }
    }

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
        /// The fast paths find what the plain lookup finds.
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
    fn the_last_of_repeated_names_counts() {
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
