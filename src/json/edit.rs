//! Changing the members of an object's text, and nothing else of it.

use std::borrow::Cow;

use super::members::skip_space;
use super::{Kind, Layout, get_member, members, quote};

/// Whether two JSON texts hold the same value up to white space (numbers and strings as they are spelt).
pub fn same_value(one: &str, other: &str) -> bool {
    one == other || Layout::MINIFIED.render(one, "") == Layout::MINIFIED.render(other, "")
}

/// `object` with `patch`'s members laid over it one level deep, as json-server's PATCH does: a name that is there keeps
/// its place, a new one goes last, of a name that `patch` repeats the last counts.
///
/// New text takes the object's own layout, or `layout` where it shows none; its lines begin with `base`.
pub fn merge_shallow(object: &str, patch: &str, layout: Layout, base: &str) -> String {
    let mut pieces = Pieces::of(object, layout, base);
    for member in members(patch) {
        pieces.set(&member.key, &patch[member.key_span], member.value);
    }
    pieces.join()
}

/// `target` changed by the merge patch `patch` as RFC 7396 says: `null` removes a member, objects merge recursively.
/// Text as with [`merge_shallow`]; a `target` that is no object counts as an empty one.
pub fn merge_patch(target: &str, patch: &str, layout: Layout, base: &str) -> String {
    let target = if Kind::of(target) == Kind::Object { target } else { "{}" };
    let mut pieces = Pieces::of(target, layout, base);
    for member in members(patch) {
        let literal = &patch[member.key_span];
        match Kind::of(member.value) {
            Kind::Null => pieces.remove(&member.key),
            Kind::Object => {
                let old = get_member(target, &member.key).unwrap_or("{}");
                let inner = pieces.layout.line(base, 1);
                let inner = inner.trim_start_matches(['\r', '\n']);
                let merged = merge_patch(old, member.value, pieces.layout, inner);
                pieces.set(&member.key, literal, &merged);
            }
            _ => pieces.set(&member.key, literal, member.value),
        }
    }
    pieces.join()
}

/// `object` with the member `key` set to `value` (JSON text): in its place where it is there, else as the last one.
pub fn with_member(object: &str, key: &str, value: &str, layout: Layout, base: &str) -> String {
    let mut pieces = Pieces::of(object, layout, base);
    pieces.set(key, &quote(key), value);
    pieces.join()
}

/// `object` without the member `key`. Text as with [`merge_shallow`].
pub fn without_member(object: &str, key: &str, layout: Layout, base: &str) -> String {
    let mut pieces = Pieces::of(object, layout, base);
    pieces.remove(key);
    pieces.join()
}

/// An object cut up at its commas, each piece with the white space before it.
struct Pieces<'a> {
    pieces: Vec<Piece<'a>>,
    tail: Cow<'a, str>,
    layout: Layout,
    base: &'a str,
}

struct Piece<'a> {
    key: Cow<'a, str>,
    lead: Cow<'a, str>,
    /// From the name's opening quote to where the value begins.
    head: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Pieces<'a> {
    fn of(object: &'a str, fallback: Layout, base: &'a str) -> Pieces<'a> {
        let object = object.trim_ascii();
        let layout = Layout::of(object, fallback);
        let (mut pieces, mut last) = (Vec::<Piece<'a>>::new(), 1);
        for member in members(object) {
            let from = skip_comma(object, last);
            let piece = Piece {
                key: member.key,
                lead: Cow::Borrowed(&object[from..member.key_span.start]),
                head: Cow::Borrowed(&object[member.key_span.start..member.value_span.start]),
                value: Cow::Borrowed(member.value),
            };
            last = member.value_span.end;
            match pieces.iter_mut().find(|known| known.key == piece.key) {
                Some(known) => known.value = piece.value,
                None => pieces.push(piece),
            }
        }
        let tail = if pieces.is_empty() { Cow::Borrowed("") } else { Cow::Borrowed(&object[last..object.len() - 1]) };
        Pieces { pieces, tail, layout, base }
    }

    fn set(&mut self, key: &str, literal: &str, value: &str) {
        let depth = self.layout.line(self.base, 1);
        let value = self.layout.render(value, depth.trim_start_matches(['\r', '\n']));
        if let Some(known) = self.pieces.iter_mut().find(|piece| piece.key == key) {
            if !same_value(&known.value, &value) {
                known.value = Cow::Owned(value);
            }
            return;
        }
        let lead = match self.pieces.as_slice() {
            [] => {
                self.tail = Cow::Owned(self.layout.line(self.base, 0));
                Cow::Owned(depth)
            }
            [only] if only.lead.contains('\n') => only.lead.clone(),
            [_] if self.layout.space_after_comma => Cow::Borrowed(" "),
            [_] => Cow::Borrowed(""),
            [.., last] => last.lead.clone(),
        };
        let colon = if self.layout.space_after_colon { ": " } else { ":" };
        self.pieces.push(Piece {
            key: Cow::Owned(key.to_string()),
            lead,
            head: Cow::Owned(format!("{literal}{colon}")),
            value: Cow::Owned(value),
        });
    }

    fn remove(&mut self, key: &str) {
        let Some(place) = self.pieces.iter().position(|piece| piece.key == key) else { return };
        let gone = self.pieces.remove(place);
        match self.pieces.first_mut() {
            Some(first) if place == 0 => first.lead = gone.lead,
            Some(_) => {}
            None => self.tail = Cow::Borrowed(""),
        }
    }

    fn join(&self) -> String {
        let mut out = String::from("{");
        for (number, piece) in self.pieces.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            out.push_str(&piece.lead);
            out.push_str(&piece.head);
            out.push_str(&piece.value);
        }
        out.push_str(&self.tail);
        out.push('}');
        out
    }
}

fn skip_comma(object: &str, at: usize) -> usize {
    let bytes = object.as_bytes();
    let next = skip_space(bytes, at);
    if bytes.get(next) == Some(&b',') { next + 1 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shallow(object: &str, patch: &str) -> String {
        merge_shallow(object, patch, Layout::PRETTY, "")
    }

    #[test]
    fn removing_what_is_not_there_moves_nothing() {
        let patched = merge_patch("{}", "{\"a\": 1, \"b\": null}", Layout::PRETTY, "");
        assert_eq!(patched, "{\n  \"a\": 1\n}");
        let patched = merge_patch("{ \"a\": 1,\n  \"b\": 2 }", "{\"a\": null}", Layout::PRETTY, "");
        assert_eq!(patched, "{ \"b\": 2 }");
    }

    #[test]
    fn a_merge_changes_only_the_members_it_names() {
        let cases = [
            ("{\"id\": 1, \"a\":  2}", "{\"a\":3}", "{\"id\": 1, \"a\":  3}"),
            ("{\"id\": 1.0, \"a\":2}", "{\"a\":2,\"b\":null}", "{\"id\": 1.0, \"a\":2, \"b\": null}"),
            (
                "{\n  \"id\": 1\n}",
                "{\"a\":{\"b\":[1]}}",
                "{\n  \"id\": 1,\n  \"a\": {\n    \"b\": [\n      1\n    ]\n  }\n}",
            ),
            ("{\r\n\t\"id\":1\r\n}", "{\"a\":1}", "{\r\n\t\"id\":1,\r\n\t\"a\":1\r\n}"),
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
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ];
        for (target, patch, expected) in cases {
            assert_eq!(merge_patch(target, patch, Layout::MINIFIED, ""), expected, "{target} + {patch}");
        }
    }
}
