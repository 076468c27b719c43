//! The layout of JSON text: read off a sample and applied to other text.

use super::members::{skip_space, string_end, word_end};

/// How the members of objects and arrays are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    /// Everything on one line.
    OneLine {
        /// Inside `{ }` and `[ ]` of a value that is not empty there is a space at both ends.
        padded: bool,
    },
    /// A line a member, indented by so many spaces.
    Spaces(usize),
    /// A line a member, indented by so many tabs.
    Tabs(usize),
}

/// How JSON text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What separates the members.
    pub indent: Indent,
    /// Lines end with `\r\n` instead of `\n`.
    pub crlf: bool,
    /// A space follows the colon.
    pub space_after_colon: bool,
    /// On one line, a space follows the comma.
    pub space_after_comma: bool,
}

impl Layout {
    /// Two spaces, a line a member: what json-server sends and writes.
    pub const PRETTY: Layout =
        Layout { indent: Indent::Spaces(2), crlf: false, space_after_colon: true, space_after_comma: true };

    /// No white space at all.
    pub const MINIFIED: Layout = Layout {
        indent: Indent::OneLine { padded: false },
        crlf: false,
        space_after_colon: false,
        space_after_comma: false,
    };

    /// The layout in which the object or array `sample` (valid JSON) is written; `fallback` where it shows none.
    pub fn of(sample: &str, fallback: Layout) -> Layout {
        let bytes = sample.as_bytes();
        let mut layout = fallback;
        let Some(first) = bytes.get(1..).and_then(|rest| rest.iter().position(|b| !b.is_ascii_whitespace())) else {
            return layout;
        };
        let first = first + 1;
        if matches!(bytes[first], b'}' | b']') {
            return layout;
        }
        let gap = &sample[1..first];
        if let Some(newline) = gap.rfind('\n') {
            let line = &gap[newline + 1..];
            let own = sample.trim_ascii_end();
            let last = own.rfind('\n').map_or("", |at| &own[at + 1..]);
            let base = last.len() - last.trim_ascii_start().len();
            let tabs = line.ends_with('\t');
            let step = match line.len().saturating_sub(base) {
                0 => line.len(),
                step => step,
            };
            layout.indent = if tabs { Indent::Tabs(step) } else { Indent::Spaces(step) };
            layout.crlf = gap.contains("\r\n");
        } else if !sample.contains('\n') {
            layout.indent = Indent::OneLine { padded: !gap.is_empty() };
        }
        // The rest of a large value looks like its beginning.
        const FAR: usize = 16 * 1024;
        let bytes = &bytes[..bytes.len().min(first + FAR)];
        let mut at = first;
        let mut colon = false;
        while let Some(length) = memchr::memchr3(b'"', b':', b',', bytes.get(at..).unwrap_or_default()) {
            at += length;
            match bytes[at] {
                b'"' => {
                    at = string_end(bytes, at);
                    continue;
                }
                b':' if !colon => {
                    colon = true;
                    layout.space_after_colon = bytes.get(at + 1).is_some_and(u8::is_ascii_whitespace);
                    if let Indent::OneLine { .. } = layout.indent {
                        layout.space_after_comma = layout.space_after_colon;
                    }
                }
                b',' => {
                    let next = bytes.get(at + 1);
                    if next.is_none_or(|byte| !matches!(byte, b'\n' | b'\r')) {
                        layout.space_after_comma = next == Some(&b' ');
                        break;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        layout
    }

    /// The layout's own way to begin a line at `depth` below a line that begins with `base`; empty on one line.
    pub fn line(&self, base: &str, depth: usize) -> String {
        let mut out = Vec::new();
        self.newline(&mut out, base, depth);
        String::from_utf8(out).unwrap_or_default()
    }

    fn newline(&self, out: &mut Vec<u8>, base: &str, depth: usize) {
        let (unit, step): (&[u8], usize) = match self.indent {
            Indent::OneLine { .. } => return,
            Indent::Spaces(step) => (b"                ", step),
            Indent::Tabs(step) => (b"\t\t\t\t\t\t\t\t", step),
        };
        if self.crlf {
            out.push(b'\r');
        }
        out.push(b'\n');
        out.extend_from_slice(base.as_bytes());
        let mut rest = depth * step;
        while rest > 0 {
            let part = rest.min(unit.len());
            out.extend_from_slice(&unit[..part]);
            rest -= part;
        }
    }

    /// Appends `text` (valid JSON) to `out` in this layout. Every line after the first begins with `base`. Only white
    /// space changes: names, strings and numbers stay as they are spelt.
    pub fn write(&self, out: &mut Vec<u8>, text: &str, base: &str) {
        let bytes = text.as_bytes();
        out.reserve(bytes.len() + bytes.len() / 8 + 32);
        let mut lines = Lines::new(self, base);
        let mut depth = 0;
        // What stands from `run` on is in the output's layout already and is copied in one go.
        let mut run = skip_space(bytes, 0);
        let mut at = run;
        while let Some(&byte) = bytes.get(at) {
            let end = match byte {
                b'"' => string_end(bytes, at),
                b'{' | b'[' | b'}' | b']' | b',' | b':' => at + 1,
                _ => word_end(bytes, at),
            };
            // The two that come most often need no further look: a value before its comma, a name before its value.
            match bytes.get(end..end + 3) {
                Some([b',', ..]) => {
                    at = end;
                    continue;
                }
                Some([b':', b' ', next]) if self.space_after_colon && *next > b' ' => {
                    at = end + 2;
                    continue;
                }
                _ => {}
            }
            let next = skip_space(bytes, end);
            let close = matches!(bytes.get(next), Some(b'}' | b']'));
            if matches!(byte, b'{' | b'[') {
                depth += 1;
            }
            if close {
                depth = usize::saturating_sub(depth, 1);
            }
            let gap: &[u8] = match byte {
                b',' => lines.between(depth),
                b':' if self.space_after_colon => b" ",
                b'{' | b'[' if close => b"",
                b'{' | b'[' => lines.inner(depth),
                _ if close => lines.inner(depth),
                _ => b"",
            };
            let same = next - end == gap.len() && (gap.len() < 2 || bytes[end..next] == *gap);
            if !same || (gap.len() == 1 && bytes[end] != gap[0]) {
                out.extend_from_slice(&bytes[run..end]);
                out.extend_from_slice(gap);
                run = next;
            }
            at = next;
        }
        out.extend_from_slice(&bytes[run.min(at)..]);
    }

    /// `text` (valid JSON) in this layout, as [`Layout::write`].
    pub fn render(&self, text: &str, base: &str) -> String {
        let mut out = Vec::with_capacity(text.len() + 32);
        self.write(&mut out, text, base);
        // What came in was a string and only ASCII was added between whole tokens.
        String::from_utf8(out).unwrap_or_default()
    }
}

/// What stands between the members of a value, at every depth.
struct Lines<'a> {
    layout: &'a Layout,
    base: &'a str,
    /// A line break and as much white space as the deepest line so far begins with.
    deepest: std::borrow::Cow<'static, [u8]>,
    lead: usize,
    step: usize,
}

impl<'a> Lines<'a> {
    fn new(layout: &'a Layout, base: &'a str) -> Lines<'a> {
        // The usual indents need no text of their own.
        const SPACES: &[u8] = b"\n                                                                ";
        let usual = !layout.crlf && base.bytes().all(|byte| byte == b' ');
        let deepest = match layout.indent {
            Indent::Spaces(_) if usual => SPACES,
            _ => b"",
        };
        let step = match layout.indent {
            Indent::OneLine { .. } => 0,
            Indent::Spaces(step) | Indent::Tabs(step) => step,
        };
        Lines { layout, base, deepest: deepest.into(), lead: 1 + usize::from(layout.crlf) + base.len(), step }
    }

    fn line(&mut self, depth: usize) -> &[u8] {
        let length = self.lead + depth * self.step;
        if self.deepest.len() < length {
            let mut deepest = Vec::new();
            self.layout.newline(&mut deepest, self.base, depth + 4);
            self.deepest = deepest.into();
        }
        &self.deepest[..length]
    }

    /// Behind an opening bracket, and before a closing one.
    fn inner(&mut self, depth: usize) -> &[u8] {
        match self.layout.indent {
            Indent::OneLine { padded: true } => b" ",
            Indent::OneLine { padded: false } => b"",
            _ => self.line(depth),
        }
    }

    /// Behind a comma.
    fn between(&mut self, depth: usize) -> &[u8] {
        match self.layout.indent {
            Indent::OneLine { .. } if self.layout.space_after_comma => b" ",
            Indent::OneLine { .. } => b"",
            _ => self.line(depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "{\"a\":[1,2.50,{}],\"b\":{\"c\":\"x, {y}: \\\" z\",\"d\":[ ]},\"e\":null}";

    #[test]
    fn prints_as_json_stringify_with_two_spaces() {
        let expected = "{\n  \"a\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"x, {y}: \\\" z\",\n    \"d\": []\n  },\n  \"e\": null\n}";
        assert_eq!(Layout::PRETTY.render(VALUE, ""), expected);
        assert_eq!(Layout::MINIFIED.render(expected, ""), VALUE.replace("[ ]", "[]"));
    }

    #[test]
    fn reads_off_the_layout_that_it_prints() {
        for indent in [
            Indent::Spaces(2),
            Indent::Spaces(4),
            Indent::Spaces(20),
            Indent::Tabs(1),
            Indent::OneLine { padded: true },
            Indent::OneLine { padded: false },
        ] {
            for space_after_colon in [true, false] {
                for crlf in [false, true] {
                    let one_line = matches!(indent, Indent::OneLine { .. });
                    let layout = Layout { indent, crlf: crlf && !one_line, space_after_colon, space_after_comma: true };
                    let text = layout.render(VALUE, "    ");
                    assert_eq!(
                        Layout::of(&text, Layout { space_after_comma: true, ..Layout::MINIFIED }),
                        layout,
                        "{text}"
                    );
                }
            }
        }
    }
}
