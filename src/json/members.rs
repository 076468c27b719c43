//! Finding values in text that is known to be JSON.

use std::borrow::Cow;

use super::positions::{skip_space, string_end, value_end};
use super::{Kind, MAX_BODY_DEPTH, SyntaxError, check, offset_in, pointer, unquote};

/// Text that is known to be one JSON object, nested no deeper than a request body may be.
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

    /// As [`Object::parse`], with a lower limit for the nesting.
    ///
    /// # Errors
    /// As [`Object::parse`].
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
pub(super) fn child<'a>(value: &'a str, step: &str) -> Option<&'a str> {
    match Kind::of(value) {
        Kind::Object => get_member(value, step),
        Kind::Array => items(value).nth(step.parse().ok()?),
        _ => None,
    }
}

/// The byte offset in `value` of what the JSON pointer `pointer` (RFC 6901) names, or of the deepest part of it that
/// exists.
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
