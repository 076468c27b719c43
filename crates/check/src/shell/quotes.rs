//! Quotes of all kinds, and those that are none.

use std::ops::Range;

use super::Scanner;

impl Scanner<'_> {
    pub(super) fn single(&mut self) {
        let from = self.at;
        self.bump();
        let rest = self.rest();
        let closed = rest.find('\'');
        let inner = &rest[..closed.unwrap_or(rest.len())];
        self.at += inner.len() + closed.map_or(0, |_| 1);
        let end = self.at;
        let word = self.open(from);
        word.text.push_str(inner);
        word.span.end = end;
        if closed.is_none() {
            self.never_closed(from..from + 1);
        } else if inner.ends_with(char::is_alphanumeric) && self.peek().is_some_and(char::is_alphanumeric) {
            self.apostrophe = Some(end - 1);
        }
    }

    fn never_closed(&mut self, span: Range<usize>) {
        match self.apostrophe {
            Some(at) => self.wrong(
                at..at + 1,
                "this apostrophe ends the quoted text, which began before it",
                Some("'\\''".to_owned()),
            ),
            None => self.wrong(span, "this quote is never closed", None),
        }
    }

    pub(super) fn double(&mut self) {
        let from = self.at;
        self.bump();
        self.open(from);
        while let Some(letter) = self.peek() {
            let place = self.at;
            self.bump();
            match letter {
                '"' => {
                    let end = self.at;
                    self.open(from).span.end = end;
                    return;
                }
                '\\' => match self.peek() {
                    Some(next @ ('"' | '\\' | '$' | '`')) => {
                        self.bump();
                        self.push(next, place);
                    }
                    Some('\n') => self.bump(),
                    Some('\r') if self.rest().starts_with("\r\n") => self.at += 2,
                    _ => self.push('\\', place),
                },
                other => self.push(other, place),
            }
        }
        self.never_closed(from..from + 1);
    }

    /// `$'…'`, where a backslash escapes.
    pub(super) fn ansi(&mut self) {
        let from = self.at;
        self.at += 2;
        self.open(from);
        while let Some(letter) = self.peek() {
            let place = self.at;
            self.bump();
            match letter {
                '\'' => {
                    let end = self.at;
                    self.open(from).span.end = end;
                    return;
                }
                '\\' => {
                    let next = self.peek().unwrap_or('\\');
                    self.bump();
                    self.push(
                        match next {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other => other,
                        },
                        place,
                    );
                }
                other => self.push(other, place),
            }
        }
        self.never_closed(from..from + 2);
    }

    pub(super) fn smart(&mut self, letter: char) {
        let from = self.at;
        let plain = if matches!(letter, '\u{2018}' | '\u{2019}') { '\'' } else { '"' };
        self.wrong(
            from..from + letter.len_utf8(),
            format!("`{letter}` is a typographic quote, to a shell it is a letter like any other"),
            Some(plain.to_string()),
        );
        self.bump();
        self.open(from);
        while let Some(next) = self.peek() {
            let place = self.at;
            let closes = match plain {
                '\'' => matches!(next, '\u{2018}' | '\u{2019}'),
                _ => matches!(next, '\u{201c}' | '\u{201d}'),
            };
            if next == '\n' && !self.rest().contains(['\u{2019}', '\u{201d}']) {
                return;
            }
            self.bump();
            if closes {
                let end = self.at;
                self.open(from).span.end = end;
                return;
            }
            self.push(next, place);
        }
    }

    pub(super) fn dash(&mut self, letter: char) {
        let from = self.at;
        let plain = if letter == '\u{2014}' { "--" } else { "-" };
        self.wrong(
            from..from + letter.len_utf8(),
            format!("`{letter}` is a typographic dash, so this is no option"),
            Some(plain.to_owned()),
        );
        self.bump();
        for dash in plain.chars() {
            self.push(dash, from);
        }
    }
}
