//! The layout of JSON text: detected in a sample and applied to other text.

use super::{outside_strings, skip_space, string_end, word_end};

/// How the members of objects and arrays are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    /// Everything on one line.
    OneLine {
        /// There is a space inside the brackets of a value that is not empty.
        padded: bool,
    },
    /// A line per member, indented by this many spaces.
    Spaces(usize),
    /// A line per member, indented by this many tabs.
    Tabs(usize),
}

/// How JSON text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The white space between the members.
    pub indent: Indent,
    /// Lines end with `\r\n` instead of `\n`.
    pub crlf: bool,
    /// A space follows the colon.
    pub space_after_colon: bool,
    /// On one line, a space follows the comma.
    pub space_after_comma: bool,
}

impl Layout {
    /// Two spaces, a line per member: what json-server sends and writes.
    pub const PRETTY: Layout = Layout {
        indent: Indent::Spaces(2),
        crlf: false,
        space_after_colon: true,
        space_after_comma: true,
    };

    /// No white space at all.
    pub const MINIFIED: Layout = Layout {
        indent: Indent::OneLine { padded: false },
        crlf: false,
        space_after_colon: false,
        space_after_comma: false,
    };

    /// The layout of the object or array `sample` (valid JSON); `fallback` if it shows none.
    pub fn of(sample: &str, fallback: Layout) -> Layout {
        let bytes = sample.as_bytes();
        let mut layout = fallback;
        let first = skip_space(bytes, 1);
        if matches!(bytes.get(first), None | Some(b'}' | b']')) {
            return layout;
        }
        let gap = &sample[1..first];
        if let Some((_, indent)) = gap.rsplit_once('\n') {
            let last_line = sample
                .trim_ascii_end()
                .rsplit('\n')
                .next()
                .unwrap_or_default();
            let margin = last_line.len() - last_line.trim_ascii_start().len();
            let step = match indent.len().saturating_sub(margin) {
                0 => indent.len(),
                step => step,
            };
            layout.indent = if indent.ends_with('\t') {
                Indent::Tabs(step)
            } else {
                Indent::Spaces(step)
            };
            layout.crlf = gap.contains("\r\n");
        } else if !sample.contains('\n') {
            layout.indent = Indent::OneLine {
                padded: !gap.is_empty(),
            };
        }
        // The rest of a large value looks like its beginning.
        const FAR: usize = 16 * 1024;
        let bytes = &bytes[..bytes.len().min(first + FAR)];
        let mut seen_colon = false;
        for (at, byte) in outside_strings(bytes, first) {
            let next = bytes.get(at + 1);
            match byte {
                b':' if !seen_colon => {
                    seen_colon = true;
                    layout.space_after_colon = next.is_some_and(u8::is_ascii_whitespace);
                    if let Indent::OneLine { .. } = layout.indent {
                        layout.space_after_comma = layout.space_after_colon;
                    }
                }
                b',' if !matches!(next, Some(b'\n' | b'\r')) => {
                    layout.space_after_comma = next == Some(&b' ');
                    break;
                }
                _ => {}
            }
        }
        layout
    }

    /// The beginning of a line `depth` levels below a line that begins with `margin`, with the line break before it;
    /// empty on one line.
    pub fn line(&self, margin: &str, depth: usize) -> String {
        if let Indent::OneLine { .. } = self.indent {
            return String::new();
        }
        let line_break = if self.crlf { "\r\n" } else { "\n" };
        [line_break, margin, &self.indent(depth)].concat()
    }

    /// The white space that a line `depth` levels deep begins with.
    pub fn indent(&self, depth: usize) -> String {
        match self.indent {
            Indent::OneLine { .. } => String::new(),
            Indent::Spaces(step) => " ".repeat(step * depth),
            Indent::Tabs(step) => "\t".repeat(step * depth),
        }
    }

    /// Appends `text` (valid JSON) to `out` in this layout. Every line after the first begins with `margin`. Only white
    /// space changes: names, strings and numbers stay as they are spelt.
    pub fn write(&self, out: &mut Vec<u8>, text: &str, margin: &str) {
        let bytes = text.as_bytes();
        out.reserve(bytes.len() + bytes.len() / 8 + 32);
        let step = match self.indent {
            Indent::OneLine { .. } => 0,
            Indent::Spaces(step) | Indent::Tabs(step) => step,
        };
        // A line break and the deepest indent; those of other lines are prefixes of it.
        let mut deepest = self.line(margin, 8);
        let shallowest = deepest.len() - 8 * step;
        let mut depth = 0;
        // The text from `run` on already has this layout and is copied at once.
        let mut run = skip_space(bytes, 0);
        let mut at = run;
        while let Some(&byte) = bytes.get(at) {
            let end = match byte {
                b'"' => string_end(bytes, at),
                b'{' | b'[' | b'}' | b']' | b',' | b':' => at + 1,
                _ => word_end(bytes, at),
            };
            // Fast path for the two most frequent cases: a value before its comma, a name before its value.
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
            let closes = matches!(bytes.get(next), Some(b'}' | b']'));
            let opens = matches!(byte, b'{' | b'[');
            depth = usize::saturating_sub(depth + usize::from(opens), usize::from(closes));
            let line_length = shallowest + depth * step;
            if line_length > deepest.len() {
                deepest = self.line(margin, depth + 8);
            }
            let line = &deepest.as_bytes()[..line_length];
            let space = |is_there: bool| if is_there { &b" "[..] } else { b"" };
            let (inner, after_comma) = match self.indent {
                Indent::OneLine { padded } => (space(padded), space(self.space_after_comma)),
                _ => (line, line),
            };
            let gap: &[u8] = match byte {
                b'{' | b'[' if closes => b"",
                b',' => after_comma,
                b':' if self.space_after_colon => b" ",
                _ if opens || closes => inner,
                _ => b"",
            };
            // Byte by byte: most gaps are shorter than what a call of memcmp costs.
            if next - end != gap.len() || !bytes[end..next].iter().eq(gap) {
                out.extend_from_slice(&bytes[run..end]);
                out.extend_from_slice(gap);
                run = next;
            }
            at = next;
        }
        out.extend_from_slice(&bytes[run.min(at)..]);
    }

    /// `text` (valid JSON) in this layout, as [`Layout::write`].
    pub fn render(&self, text: &str, margin: &str) -> String {
        let mut out = Vec::with_capacity(text.len() + 32);
        self.write(&mut out, text, margin);
        // The text was a string, and only ASCII was added between whole tokens.
        String::from_utf8(out).unwrap_or_default()
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
        assert_eq!(
            Layout::MINIFIED.render(expected, ""),
            VALUE.replace("[ ]", "[]")
        );
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
                    let layout = Layout {
                        indent,
                        crlf: crlf && !one_line,
                        space_after_colon,
                        space_after_comma: true,
                    };
                    let text = layout.render(VALUE, "    ");
                    assert_eq!(
                        Layout::of(
                            &text,
                            Layout {
                                space_after_comma: true,
                                ..Layout::MINIFIED
                            }
                        ),
                        layout,
                        "{text}"
                    );
                }
            }
        }
    }
}
