//! Splits a command into words as a POSIX shell would, keeping the range of each word.
//!
//! Where a shell would do something other than what the page means, the mistake is recorded and parsing goes on with
//! what was meant.

use std::ops::Range;

use super::prompt;
use super::text::{is_one_of, line_end};

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word after quote removal.
    pub text: String,
    /// Range in the code block's content, including quotes.
    pub span: Range<usize>,
}

/// A mistake in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Range in the code block's content.
    pub span: Range<usize>,
    /// What is wrong; `{line}` is a placeholder for the line number, which only the page knows.
    pub text: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl Mistake {
    pub fn new(span: Range<usize>, text: impl Into<String>, fix: Option<String>) -> Mistake {
        Mistake {
            span,
            text: text.into(),
            fix,
        }
    }

    /// The message with the line number filled in.
    pub fn message(&self, line: usize) -> String {
        self.text.replace("{line}", &format!("line {line}"))
    }
}

/// A command.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Its words; the first is the program.
    pub words: Vec<Word>,
    /// From the program to the last word, also of the commands that it is piped through.
    pub span: Range<usize>,
    /// The commands that the output is piped through.
    pub filters: Vec<Filter>,
    /// Mistakes in order of position.
    pub mistakes: Vec<Mistake>,
    /// Offset of the line after the command.
    pub end: usize,
    /// What the command reads: a here-document, or the text of an `echo` before it.
    pub stdin: Option<String>,
    /// The file that it reads: `< FILE`, or `cat FILE |` before it.
    pub input: Option<String>,
    /// An unquoted `?` in a URL.
    pub unquoted: Option<Range<usize>>,
    /// The output of another command that is a part of a word with quotes of its own: `'{"name": "'$(whoami)'"}'`.
    pub substitution: Option<String>,
}

/// A command that the output of another one is piped into.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// As it is written.
    pub text: String,
    /// Its words; the first is the program.
    pub words: Vec<Word>,
}

/// Parses the command that begins at `start`.
pub fn command(text: &str, start: usize) -> Command {
    let mut scanner = Scanner::new(text, start);
    scanner.piped_in(text[..start].rsplit('\n').next().unwrap_or_default());
    scanner.run();
    let mut out = scanner.out;
    let mut filters = out.filters.iter().rev();
    let of_filter = filters.find_map(|filter| filter.words.last());
    let last = of_filter.or(out.words.last());
    out.span = start..last.map_or(start, |word| word.span.end);
    out
}

#[derive(Default)]
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    out: Command,
    word: Option<Word>,
    /// Whether the command reads the output of another one.
    is_filter: bool,
    /// Whether the output of this filter is piped into another one.
    is_piped: bool,
    /// Whether only the first word is read.
    first_word: bool,
    /// The last closing single quote between two letters: an apostrophe, if a quote is left open later.
    apostrophe: Option<usize>,
    /// Where an unquoted `{` begins a word, and whether a comma follows.
    braces: Option<(usize, bool)>,
    /// The word that ends the here-document below this line.
    here_document: Option<String>,
}

/// The languages of code blocks for cmd.exe, and for all shells of Windows.
pub const CMD: &str = "cmd bat batch dos";
pub const WINDOWS: &str = "cmd bat batch dos powershell ps1 pwsh";

/// The mistake of JSON without quotes around it.
pub const SPLIT_BRACES: &str = "the shell splits `{..., ...}` without quotes into several words: put the JSON into single quotes";

/// Marks between a command and its response.
pub const ARROWS: [&str; 5] = ["→", "⇒", "->", "=>", "-->"];

impl<'a> Scanner<'a> {
    fn new(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner {
            text,
            at,
            ..Scanner::default()
        }
    }

    fn run(&mut self) {
        while (!self.first_word || self.out.words.is_empty())
            && let Some(letter) = self.peek()
        {
            match letter {
                '\n' | '\r' => {
                    self.close();
                    if self.is_filter || !self.line_continues_anyway() {
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
                '$' if self.rest().starts_with("$(") => self.substitution(),
                '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => self.smart(letter),
                '\u{2013}' | '\u{2014}' if self.word.is_none() => self.dash(letter),
                '#' if self.word.is_none() => {
                    self.skip_line();
                    return self.stop();
                }
                // A remark about the response: `curl ... → 200`.
                _ if self.word.is_none() && self.at_arrow() => {
                    self.skip_line();
                    return self.stop();
                }
                '<' if self.placeholder() => {}
                '|' => {
                    self.close();
                    match self.is_filter {
                        true => self.is_piped = true,
                        false => self.pipes(),
                    }
                    return self.stop();
                }
                ';' => {
                    self.close();
                    self.bump();
                    return self.stop();
                }
                '&' if self.ampersand() => return self.stop(),
                '&' => {}
                '>' | '<' => self.redirect(),
                other => {
                    let from = self.at;
                    self.bump();
                    self.push(other, from);
                    self.expand_braces(other, from);
                    if other == '?' && self.word_text().contains('/') {
                        self.out.unquoted.get_or_insert(from..from + 1);
                    }
                }
            }
        }
        self.close();
        self.stop();
    }

    /// Reports unquoted JSON that the shell takes for a list of words: `{\"a\":1,\"b\":2}` is `\"a\":1` and `\"b\":2`.
    fn expand_braces(&mut self, letter: char, at: usize) {
        let starts_word = self.word.as_ref().is_some_and(|word| word.span.start == at);
        match letter {
            '{' if starts_word => self.braces = Some((at, false)),
            ',' => self.braces = self.braces.map(|(start, _)| (start, true)),
            '}' if let Some((start, true)) = self.braces.take() => {
                self.wrong(start..self.at, SPLIT_BRACES, None);
            }
            _ => {}
        }
    }

    fn at_arrow(&self) -> bool {
        let next = self.rest().split_whitespace().next();
        next.is_some_and(|word| ARROWS.contains(&word))
    }

    /// The output of a command as a part of a word: `$(date -Iseconds)`.
    fn substitution(&mut self) {
        let start = self.at;
        let is_within = self.text[..start].ends_with('\'');
        let mut depth = 0;
        while let Some(letter) = self.peek().filter(|letter| *letter != '\n') {
            let from = self.at;
            self.bump();
            self.push(letter, from);
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            if depth == 0 && letter == ')' {
                if is_within {
                    self.out.substitution = Some(self.text[start..self.at].to_owned());
                }
                return;
            }
        }
    }

    fn stop(&mut self) {
        self.close();
        self.out.end = self.at;
        let Some(word) = self.here_document.take() else {
            return;
        };
        let rest = self.rest();
        let lines = rest.split_inclusive('\n');
        let lines = lines.take_while(|line| line.trim() != word);
        let length = lines.map(str::len).sum::<usize>();
        self.out.stdin = Some(rest[..length].to_owned());
        self.at += length;
        self.skip_line();
        self.out.end = self.at;
    }

    /// The commands that the output is piped through.
    fn pipes(&mut self) {
        while self.begins_filter() {
            let mut filter = Scanner {
                is_filter: true,
                ..Scanner::new(self.text, self.at)
            };
            filter.run();
            let words = filter.out.words;
            // Other programs may read something else in their words.
            if words.first().is_some_and(|word| word.text == "jq") {
                self.out.mistakes.extend(filter.out.mistakes);
            }
            let last = words.last().map_or(self.at, |word| word.span.end);
            let text = self.text[self.at..last].to_owned();
            self.out.filters.push(Filter { text, words });
            self.at = filter.out.end;
            if !filter.is_piped {
                break;
            }
        }
    }

    /// Goes on to the command after a pipe; what follows `||` is run only if this one fails.
    fn begins_filter(&mut self) -> bool {
        self.bump();
        if self.rest().starts_with('|') {
            self.skip_line();
            return false;
        }
        // The command may be on the next line, after the continuation prompt of a shell.
        let rest = self.rest();
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        let below = below.trim_start();
        self.at = match line.trim() {
            "" => self.text.len() - below.strip_prefix("> ").unwrap_or(below).len(),
            _ => self.at + line.len() - line.trim_start().len(),
        };
        true
    }

    /// The command before a pipe into this one: `cat <<EOF |` or `echo '{}' |`.
    fn piped_in(&mut self, before: &str) {
        let Some(before) = before.trim_end().strip_suffix('|') else {
            return;
        };
        let typed = &before[prompt::typed(before)..];
        if let Some((_, word)) = before.split_once("<<") {
            self.here_document = Some(end_word(word.trim_start_matches('-').trim()));
        } else if let Some(text) = typed.strip_prefix("echo ") {
            let inner = text.trim().strip_prefix('\'');
            let inner = inner.and_then(|text| text.strip_suffix('\''));
            self.out.stdin = inner.map(str::to_owned);
        } else if let Some(file) = typed.strip_prefix("cat ") {
            let file = file.trim();
            self.out.input = (!file.contains(' ')).then(|| file.to_owned());
        }
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
        self.at = line_end(self.text, self.at);
    }

    fn open(&mut self, from: usize) -> &mut Word {
        self.word.get_or_insert_with(|| Word {
            text: String::new(),
            span: from..from,
        })
    }

    /// Adds a part that begins at `from` to the word, which ends here.
    fn push_str(&mut self, part: &str, from: usize) {
        let end = self.at;
        let word = self.open(from);
        word.text.push_str(part);
        word.span.end = end;
    }

    fn push(&mut self, letter: char, from: usize) {
        self.push_str(letter.encode_utf8(&mut [0; 4]), from);
    }

    /// The word so far.
    fn word_text(&self) -> &str {
        self.word.as_ref().map_or("", |word| &word.text)
    }

    /// The first word.
    fn program(&self) -> &str {
        self.out.words.first().map_or("", |word| &word.text)
    }

    fn close(&mut self) {
        self.braces = None;
        if let Some(word) = self.word.take() {
            self.out.words.push(word);
        }
    }

    fn wrong(&mut self, span: Range<usize>, text: impl Into<String>, fix: Option<String>) {
        self.out.mistakes.push(Mistake::new(span, text, fix));
    }

    /// Consumes a continuation mark (`\`, or `^` and `` ` `` of other shells) and the line end after it.
    fn continuation(&mut self) -> bool {
        let rest = self.rest();
        let mark = &rest[..1];
        let after = rest[1..].trim_start_matches([' ', '\t']);
        let spaces = rest.len() - 1 - after.len();
        let after = after.strip_prefix('\r').unwrap_or(after);
        let Some(next) = after.strip_prefix('\n') else {
            // A mark at the very end of the block continues nothing.
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
                "a space follows the backslash at the end of {line}, so the shell runs the next line as a separate command",
                Some("\\".to_owned()),
            );
        }
        let skipped = self.text.len() - next.len();
        // The continuation prompt of a shell.
        let indent = next.len() - next.trim_start_matches(' ').len();
        let prompt = if next[indent..].starts_with("> ") {
            indent + 2
        } else {
            0
        };
        self.close();
        self.at = skipped + prompt;
        true
    }

    /// Detects a missing backslash: the next line begins with an option, or with the URL or value still missing.
    fn line_continues_anyway(&mut self) -> bool {
        // Blank lines between them, too.
        let next_at = self.text.len() - self.rest().trim_start().len();
        let next = &self.text[next_at..];
        let line = next.lines().next().unwrap_or_default().trim();
        let mut letters = line.chars();
        let option = letters.next() == Some('-')
            && letters
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '-')
            && letters
                .next()
                .is_some_and(|c| !c.is_whitespace() || line.len() > 3);
        let is_url = |word: &Word| word.text.contains("://") || word.text.contains("localhost");
        let bare_url = !self.out.words.iter().any(is_url)
            && line.trim_start_matches(['"', '\'']).starts_with("http://");
        const NEEDS_VALUE: &str = "-d --data --data-raw -H --header --json";
        let last = self.out.words.last();
        let value = last.is_some_and(|word| is_one_of(&word.text, NEEDS_VALUE))
            && line.starts_with(['\'', '"']);
        // wget begins its output with the time.
        let is_output = self.program() == "wget" && line.starts_with("--20");
        if !(option || bare_url || value) || line == "---" || is_output {
            return false;
        }
        let from = self.out.words.last().map_or(self.at, |word| word.span.end);
        let first = line.split_whitespace().next().unwrap_or_default();
        let text = format!(
            "the backslash at the end of {{line}} is missing, so the shell runs `{first}` as a separate command"
        );
        self.wrong(from..from, text, Some(" \\".to_owned()));
        self.at = next_at;
        true
    }

    /// Consumes `<id>`, which is a placeholder and not a redirection.
    fn placeholder(&mut self) -> bool {
        let rest = self.rest();
        let Some(length) = rest.find('>') else {
            return false;
        };
        let inner = &rest[1..length];
        // The angle brackets of Markdown around a URL.
        if inner.starts_with("http") && inner.contains("://") && !inner.contains([' ', '\n']) {
            let span = self.at..self.at + length + 1;
            let text = "the shell treats `<` and `>` as redirections";
            self.wrong(span.clone(), text, Some(inner.to_owned()));
            self.at = span.end;
            self.push_str(inner, span.start);
            return true;
        }
        let is_part = |c: char| c.is_alphanumeric() || " _-.".contains(c);
        let named = inner.starts_with(char::is_alphabetic) && inner.chars().all(is_part);
        if !named || inner.len() >= 60 {
            return false;
        }
        let from = self.at;
        self.at += length + 1;
        self.push_str(&rest[..=length], from);
        true
    }

    /// Handles `&`; true if it ends the command. A lone `&` inside a URL was meant literally.
    fn ampersand(&mut self) -> bool {
        let from = self.at;
        let in_query = self.word_text().contains('?');
        let next = self.rest()[1..].chars().next();
        if in_query && next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.wrong(
                from..from + 1,
                "the `&` is not quoted, so the shell ends the command here",
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
        if matches!(self.word_text(), "1" | "2") {
            self.word = None;
        }
        self.close();
        // A here-string: `<<< '{"name": "Ada"}'`.
        if let Some(given) = self.rest().strip_prefix("<<<") {
            let start = self.text.len() - given.trim_start_matches(' ').len();
            let mut scanner = Scanner {
                first_word: true,
                ..Scanner::new(self.text, start)
            };
            scanner.run();
            if let Some(word) = scanner.out.words.into_iter().next() {
                self.at = word.span.end;
                self.out.stdin = Some(word.text);
                return;
            }
        }
        let rest = self.rest();
        if let Some(word) = rest.strip_prefix("<<").filter(|_| !rest.starts_with("<<<")) {
            let word = word.trim_start_matches(['-', ' ']);
            let length = word.find([' ', '\n', '|', ';']).unwrap_or(word.len());
            self.here_document = Some(end_word(&word[..length]));
        }
        let is_input = rest.starts_with('<') && !rest.starts_with("<<");
        let rest = rest.trim_start_matches(['>', '<', '&', ' ']);
        self.at = self.text.len() - rest.len();
        let length = rest.find([' ', '\r', '\n', '|', ';']);
        let file = &rest[..length.unwrap_or(rest.len())];
        self.at += file.len();
        if is_input && !file.is_empty() {
            self.out.input = Some(file.trim_matches(['\'', '"']).to_owned());
        }
    }
}

/// The word that ends a here-document, without quotes.
fn end_word(word: &str) -> String {
    word.trim().trim_matches(['"', '\'', '\\']).to_owned()
}

/// Quotes, and characters that only look like quotes.
impl Scanner<'_> {
    fn single(&mut self) {
        let from = self.at;
        self.bump();
        let rest = self.rest();
        let closed = rest.find('\'');
        let inner = &rest[..closed.unwrap_or(rest.len())];
        self.at += inner.len() + closed.map_or(0, |_| 1);
        // Windows PowerShell passes `\"` on to a program as a quote.
        match self.program() == "curl.exe" {
            true => self.push_str(&inner.replace("\\\"", "\""), from),
            false => self.push_str(inner, from),
        }
        if closed.is_none() {
            self.never_closed(from..from + 1);
        } else if inner.ends_with(char::is_alphanumeric)
            && self.peek().is_some_and(char::is_alphanumeric)
        {
            self.apostrophe = Some(self.at - 1);
        }
    }

    fn never_closed(&mut self, span: Range<usize>) {
        match self.apostrophe {
            Some(at) => self.wrong(
                at..at + 1,
                "this apostrophe ends the quoted string",
                Some("'\\''".to_owned()),
            ),
            None => self.wrong(span, "this quote is never closed", None),
        }
    }

    fn double(&mut self) {
        let from = self.at;
        self.bump();
        self.open(from);
        while let Some(letter) = self.peek() {
            let place = self.at;
            self.bump();
            match letter {
                '"' => return self.push_str("", from),
                // PowerShell escapes with a backtick.
                '`' if self.peek() == Some('"') => {
                    self.bump();
                    self.push('"', place);
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
    fn ansi(&mut self) {
        let from = self.at;
        self.at += 2;
        self.open(from);
        while let Some(letter) = self.peek() {
            let place = self.at;
            self.bump();
            match letter {
                '\'' => return self.push_str("", from),
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

    fn smart(&mut self, letter: char) {
        let from = self.at;
        let single = ['\u{2018}', '\u{2019}'];
        let (plain, marks) = match single.contains(&letter) {
            true => ('\'', single),
            false => ('"', ['\u{201c}', '\u{201d}']),
        };
        self.wrong(
            from..from + letter.len_utf8(),
            format!("`{letter}` is a typographic quote, which a shell does not treat as a quote"),
            Some(plain.to_string()),
        );
        self.bump();
        self.open(from);
        while let Some(next) = self.peek() {
            let place = self.at;
            if next == '\n' && !self.rest().contains(['\u{2019}', '\u{201d}']) {
                return;
            }
            self.bump();
            if marks.contains(&next) {
                return self.push_str("", from);
            }
            self.push(next, place);
        }
    }

    fn dash(&mut self, letter: char) {
        let from = self.at;
        let plain = if letter == '\u{2014}' { "--" } else { "-" };
        self.wrong(
            from..from + letter.len_utf8(),
            format!("`{letter}` is a typographic dash, so this is not an option"),
            Some(plain.to_owned()),
        );
        self.bump();
        for dash in plain.chars() {
            self.push(dash, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        command(text, 0)
            .words
            .into_iter()
            .map(|word| word.text)
            .collect()
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
            (
                "curl a\n  -H b",
                &["curl", "a", "-H", "b"],
                "runs `-H` as a separate command",
            ),
            (
                "curl a \\  \n -d x",
                &["curl", "a", "-d", "x"],
                "space follows the backslash",
            ),
            ("curl a?b=1&c=2", &["curl", "a?b=1&c=2"], "not quoted"),
            ("curl “a b”", &["curl", "a b"], "typographic quote"),
            (
                "curl –X POST a",
                &["curl", "-X", "POST", "a"],
                "typographic dash",
            ),
            ("curl 'a", &["curl", "a"], "never closed"),
            ("curl \"a", &["curl", "a"], "never closed"),
            (
                "curl -d '{\"t\": \"Don't\"}'",
                &["curl", "-d", "{\"t\": \"Dont}'"],
                "ends the quoted string",
            ),
        ];
        for (text, expected, mistake) in rows {
            let command = command(text, 0);
            let seen: Vec<_> = command
                .words
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            assert_eq!(seen, expected, "{text}");
            assert!(
                command
                    .mistakes
                    .iter()
                    .any(|found| found.text.contains(mistake)),
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
