//! Shell words: one command of a fence, split as a shell would, with the place
//! of every word and the mistakes that a shell would punish.
//!
//! No shell is asked. Where a page is wrong the reading goes on as it was
//! surely meant, and the mistake is kept.

mod quotes;

use std::ops::Range;

/// A word and where it stands in the fence's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word after quotes and escapes.
    pub text: String,
    /// From its first byte to its last, quotes included.
    pub span: Range<usize>,
}

/// Something the page gets wrong in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The place in the fence's content.
    pub span: Range<usize>,
    /// What is wrong, as a sentence without a full stop; `{line}` stands for the
    /// line of the place, which only the page knows.
    pub text: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl Mistake {
    /// The sentence, with the line of its place.
    #[must_use]
    pub fn sentence(&self, line: usize) -> String {
        self.text.replace("{line}", &format!("line {line}"))
    }
}

/// One command.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Its words; the first is the program.
    pub words: Vec<Word>,
    /// From the program to the last word.
    pub span: Range<usize>,
    /// What the output is piped into, if it is.
    pub pipe: Option<String>,
    /// Mistakes in the order of their places.
    pub mistakes: Vec<Mistake>,
    /// Where the next line after the command begins.
    pub end: usize,
}

/// Reads the command that begins at `start`.
#[must_use]
pub fn command(text: &str, start: usize) -> Command {
    let mut scanner = Scanner { text, at: start, out: Command::default(), word: None, apostrophe: None };
    scanner.run();
    let mut out = scanner.out;
    let last = out.words.last().map_or(start, |word| word.span.end);
    out.span = start..last;
    out
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    out: Command,
    word: Option<Word>,
    /// The last single quote that closed between two letters: an apostrophe, should the end not be found.
    apostrophe: Option<usize>,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        while let Some(letter) = self.peek() {
            match letter {
                '\n' | '\r' => {
                    self.close();
                    if !self.line_continues_anyway() {
                        self.skip_line();
                        return self.stop();
                    }
                }
                ' ' | '\t' | '\u{a0}' => {
                    self.close();
                    self.bump();
                }
                '\\' | '^' | '`' if self.continuation() => {}
                '\\' => {
                    let from = self.at;
                    self.bump();
                    if let Some(next) = self.peek() {
                        self.bump();
                        self.push(next, from);
                    }
                }
                '\'' => self.single(),
                '"' => self.double(),
                '$' if self.rest().starts_with("$'") => self.ansi(),
                '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => self.smart(letter),
                '\u{2013}' | '\u{2014}' if self.word.is_none() => self.dash(letter),
                '#' if self.word.is_none() => {
                    self.skip_line();
                    return self.stop();
                }
                '<' if self.placeholder() => {}
                '|' => {
                    self.close();
                    let line = self.rest().lines().next().unwrap_or_default();
                    let filter = line.trim_start_matches('|').trim();
                    self.out.pipe = Some(filter.to_owned());
                    self.skip_line();
                    return self.stop();
                }
                ';' => {
                    self.close();
                    self.bump();
                    return self.stop();
                }
                '&' => {
                    if self.ampersand() {
                        return self.stop();
                    }
                }
                '>' | '<' => self.redirect(),
                other => {
                    let from = self.at;
                    self.bump();
                    self.push(other, from);
                }
            }
        }
        self.close();
        self.stop();
    }

    fn stop(&mut self) {
        self.close();
        self.out.end = self.at;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').map_or(self.rest().len(), |at| at + 1);
    }

    fn open(&mut self, from: usize) -> &mut Word {
        self.word.get_or_insert_with(|| Word { text: String::new(), span: from..from })
    }

    fn push(&mut self, letter: char, from: usize) {
        let end = self.at;
        let word = self.open(from);
        word.text.push(letter);
        word.span.end = end;
    }

    fn close(&mut self) {
        if let Some(word) = self.word.take() {
            self.out.words.push(word);
        }
    }

    fn wrong(&mut self, span: Range<usize>, text: impl Into<String>, fix: Option<String>) {
        self.out.mistakes.push(Mistake { span, text: text.into(), fix });
    }

    /// A continuation mark and the line end after it; spaces between them are
    /// a mistake that every editor hides.
    fn continuation(&mut self) -> bool {
        let rest = self.rest();
        let mark = &rest[..1];
        let after = rest[1..].trim_start_matches([' ', '\t']);
        let spaces = rest.len() - 1 - after.len();
        let after = after.strip_prefix('\r').unwrap_or(after);
        let Some(next) = after.strip_prefix('\n') else {
            // A mark at the very end of the fence continues into nothing.
            let last = after.is_empty() && mark == "\\";
            if last {
                self.close();
                self.at = self.text.len();
            }
            return last;
        };
        if spaces > 0 && mark == "\\" {
            let span = self.at..self.at + 1 + spaces;
            self.wrong(
                span,
                "a space follows the backslash at the end of {line}, so the next line is a command of its own",
                Some("\\".to_owned()),
            );
        }
        let skipped = self.text.len() - next.len();
        // What a terminal prints before a continued line.
        let prompt = if next.starts_with("> ") { 2 } else { 0 };
        self.close();
        self.at = skipped + prompt;
        true
    }

    /// Whether the next line is surely part of this command although nothing
    /// says so: it begins with an option.
    fn line_continues_anyway(&mut self) -> bool {
        let line_end = self.at;
        let next_at = self.at + self.rest().find('\n').map_or(self.rest().len(), |at| at + 1);
        let next = &self.text[next_at..];
        let line = next.lines().next().unwrap_or_default().trim();
        let mut letters = line.chars();
        let option = letters.next() == Some('-')
            && letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '-')
            && letters.next().is_some_and(|c| !c.is_whitespace() || line.len() > 3);
        let bare_url = !self.out.words.iter().any(|word| word.text.contains('/'))
            && (line.starts_with("http://localhost") || line.starts_with("\"http://"));
        let value = self.out.words.last().is_some_and(|word| {
            matches!(word.text.as_str(), "-d" | "--data" | "--data-raw" | "-H" | "--header" | "--json")
        }) && line.starts_with(['\'', '"']);
        if !(option || bare_url || value) || line == "---" {
            return false;
        }
        let from = self.out.words.last().map_or(line_end, |word| word.span.end);
        let first = line.split_whitespace().next().unwrap_or_default().to_owned();
        self.wrong(
            from..from,
            format!("the backslash at the end of {{line}} is missing, so `{first}` is a command of its own"),
            Some(" \\".to_owned()),
        );
        self.at = next_at;
        true
    }

    /// `<id>` is a hole in a template, not a redirection.
    fn placeholder(&mut self) -> bool {
        let rest = self.rest();
        let Some(length) = rest.find('>') else { return false };
        let inner = &rest[1..length];
        let named = inner.starts_with(|c: char| c.is_alphabetic())
            && inner.chars().all(|c| c.is_alphanumeric() || " _-.".contains(c))
            && inner.len() < 60;
        if !named {
            return false;
        }
        let from = self.at;
        let whole = rest[..=length].to_owned();
        self.at += whole.len();
        let end = self.at;
        let word = self.open(from);
        word.text.push_str(&whole);
        word.span.end = end;
        true
    }

    /// `&&` ends the command; a lone `&` inside a URL was meant literally.
    fn ampersand(&mut self) -> bool {
        let from = self.at;
        let in_query = self.word.as_ref().is_some_and(|word| word.text.contains('?'));
        let next = self.rest()[1..].chars().next();
        if in_query && next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.wrong(
                from..from + 1,
                "the `&` is not quoted, so the shell ends the command here and what follows is lost",
                Some("put the URL in quotes".to_owned()),
            );
            self.bump();
            self.push('&', from);
            return false;
        }
        self.close();
        self.at += if next == Some('&') { 2 } else { 1 };
        true
    }

    fn redirect(&mut self) {
        // `2>` and `1>` belong to the redirection.
        if self.word.as_ref().is_some_and(|word| matches!(word.text.as_str(), "1" | "2")) {
            self.word = None;
        }
        self.close();
        while self.peek().is_some_and(|c| matches!(c, '>' | '<' | '&' | ' ')) {
            self.bump();
        }
        let rest = self.rest();
        self.at += rest.find([' ', '\n', '|', ';']).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        command(text, 0).words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_split_as_a_shell_would() {
        let rows: [(&str, &[&str]); 18] = [
            ("curl a b", &["curl", "a", "b"]),
            ("curl 'a b' \"c d\"", &["curl", "a b", "c d"]),
            ("curl 'it'\\''s'", &["curl", "it's"]),
            ("curl \"a\\\"b\"", &["curl", "a\"b"]),
            ("curl a \\\n  -d x", &["curl", "a", "-d", "x"]),
            ("curl a \\\r\n  -d x\r\n", &["curl", "a", "-d", "x"]),
            ("curl a ^\n  -d x", &["curl", "a", "-d", "x"]),
            ("curl a `\n  -d x", &["curl", "a", "-d", "x"]),
            ("curl a # note\ncurl b", &["curl", "a"]),
            ("curl a#b", &["curl", "a#b"]),
            ("curl a | jq .", &["curl", "a"]),
            ("curl a && echo", &["curl", "a"]),
            ("curl a > out.json", &["curl", "a"]),
            ("curl a 2>/dev/null b", &["curl", "a", "b"]),
            ("curl h/users/<user id>", &["curl", "h/users/<user id>"]),
            ("curl $'a\\'b'", &["curl", "a'b"]),
            ("curl ''", &["curl", ""]),
            ("curl a \\\n> -d x", &["curl", "a", "-d", "x"]),
        ];
        for (text, expected) in rows {
            assert_eq!(words(text), expected, "{text}");
            assert!(command(text, 0).mistakes.is_empty(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_and_read_past() {
        let rows: [(&str, &[&str], &str); 8] = [
            ("curl a\n  -H b", &["curl", "a", "-H", "b"], "`-H` is a command of its own"),
            ("curl a \\  \n -d x", &["curl", "a", "-d", "x"], "space follows the backslash"),
            ("curl a?b=1&c=2", &["curl", "a?b=1&c=2"], "not quoted"),
            ("curl “a b”", &["curl", "a b"], "typographic quote"),
            ("curl –X POST a", &["curl", "-X", "POST", "a"], "typographic dash"),
            ("curl 'a", &["curl", "a"], "never closed"),
            ("curl \"a", &["curl", "a"], "never closed"),
            ("curl -d '{\"t\": \"Don't\"}'", &["curl", "-d", "{\"t\": \"Dont}'"], "ends the quoted text"),
        ];
        for (text, expected, mistake) in rows {
            let command = command(text, 0);
            let seen: Vec<_> = command.words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(seen, expected, "{text}");
            assert!(
                command.mistakes.iter().any(|found| found.text.contains(mistake)),
                "{text}: {:?}",
                command.mistakes
            );
        }
    }

    #[test]
    fn the_end_is_the_next_line() {
        let text = "curl a\n{\"id\": 1}\n";
        assert_eq!(&text[command(text, 0).end..], "{\"id\": 1}\n");
    }
}
