//! Requests as PowerShell writes them: `Invoke-RestMethod -Uri ... -Method Post -Body (@{ name = "Ada" } | ConvertTo-Json)`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::found::{self, FoundRequest, Problem};
use super::http_message::METHODS;
use super::listings;
use super::printed::Printed;
use super::programs;
use super::service::{FORM, Request, WrittenRequest};
use super::shell::Mistake;
use super::shown;
use super::text::{is_one_of, line_end, nearest};
use super::url;

/// The text with `iwr` in place of `curl` and `wget` where these are PowerShell's other names for it, which their options
/// tell. Offsets stay valid.
pub fn without_aliases(text: &str) -> Cow<'_, str> {
    static ALIAS: LazyLock<Regex> = regex!(
        r"(?m)^(?P<before>[ \t]*(?:PS[^>\n]*>[ \t]*|\$[ \t]+)?)(?:curl|wget)(?P<rest>[ \t](?:[^\n]*[ \t])?-(?i:Method|Uri|Headers|Body|ContentType|UseBasicParsing)\b)"
    );
    ALIAS.replace_all(text, "${before}iwr ${rest}")
}

/// The commands of a block that are sent to this machine, or nothing if it is more than a list of commands.
pub fn find(text: &str) -> Vec<FoundRequest> {
    static PROGRAM: LazyLock<Regex> = regex!(
        r"(?im)^\s*(?:try|catch|if|else|for|foreach|while|function|param)\b|ForEach-Object|^\s*\}\s*catch"
    );
    if PROGRAM.is_match(text) {
        return Vec::new();
    }
    let mut parser = Parser {
        text,
        at: 0,
        variables: Vec::new(),
        depth: 0,
    };
    let mut found = Vec::new();
    while parser.at < text.len() {
        match parser.statement() {
            Some(request) => found.push(request),
            None => parser.at = line_end(text, parser.at),
        }
    }
    // Commands whose target was not found go elsewhere.
    found.retain(|request| request.written.is_some());
    found
}

/// The list or table below a command, and where to continue.
fn listing(text: &str, start: usize) -> (Option<Range<usize>>, usize) {
    let begins = |line: &&str| {
        !["PS", "Invoke-", "irm ", "iwr ", "$", "("]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    let lines = text[start..].split_inclusive('\n').take_while(begins);
    let end = start + lines.map(str::len).sum::<usize>();
    match listings::is_listing(&text[start..end]) {
        true => (Some(start..end), end),
        false => (None, start),
    }
}

/// The commands that send a request.
static COMMANDS: LazyLock<Regex> =
    regex!(r"(?i)\b(?:Invoke-RestMethod|Invoke-WebRequest|irm|iwr)\s");

struct Parser<'a> {
    text: &'a str,
    at: usize,
    variables: Vec<(String, Value)>,
    /// The number of brackets that are open.
    depth: u8,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().get(..mark.len());
        let yes = found.is_some_and(|found| found.eq_ignore_ascii_case(mark));
        if yes {
            self.at += mark.len();
        }
        yes
    }

    /// Skips spaces, a backtick at the end of a line, and, within brackets, ends of lines and comments.
    fn space(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| match c {
                '\n' | '\r' => lines,
                c => c.is_whitespace(),
            });
            self.at += rest.len() - trimmed.len();
            let next = trimmed.strip_prefix('`').map(str::trim_start);
            if let Some(next) = next
                && trimmed[1..].starts_with(['\n', '\r', ' '])
            {
                self.at = self.text.len() - next.len();
            } else if lines && trimmed.starts_with('#') {
                self.at = line_end(self.text, self.at);
            } else {
                return;
            }
        }
    }

    /// A command or an assignment at the beginning of a line.
    fn statement(&mut self) -> Option<FoundRequest> {
        static PROMPT: LazyLock<Regex> = regex!(r"^(?:PS(?: [^>\n]*)?)?>\s*");
        static SET: LazyLock<Regex> = regex!(r"^\$(\w+)\s*=\s*");
        static COMMAND: LazyLock<Regex> =
            regex!(r"(?i)^(?P<name>Invoke-RestMethod|Invoke-WebRequest|irm|iwr)(?:\s|`)");
        self.space(false);
        self.at += PROMPT.find(self.rest()).map_or(0, |prompt| prompt.end());
        let start = self.at;
        let variable = SET.captures(self.rest());
        if let Some(set) = &variable {
            self.at += set[0].len();
        }
        let bracket = self.rest().starts_with('(');
        let command = self.rest().trim_start_matches('(');
        let begin = self.text.len() - command.len();
        let name = COMMAND.captures(command);
        if let Some(name) = name.and_then(|found| found.name("name")) {
            self.at = begin + name.end();
            return Some(self.request(start, bracket));
        }
        let value = self.expression();
        if let (Some(set), Some(value)) = (variable, value) {
            self.variables.push((set[1].to_owned(), value));
        }
        None
    }

    /// The request of a command whose name has been read, with the start of its statement.
    fn request(&mut self, start: usize, bracket: bool) -> FoundRequest {
        let written = self.arguments(bracket);
        let mut end = self.text[..self.at].trim_end().len();
        let filter = written.is_some().then(|| self.filter(bracket)).flatten();
        let (output, next) = match (&written, &filter) {
            (Some(_), None) => {
                end = self.text[..self.at].trim_end().len();
                let below = line_end(self.text, self.at);
                match shown::output(self.text, below, &Printed::default()) {
                    (None, _) => listing(self.text, below),
                    output => output,
                }
            }
            // A command that is not understood may continue on further lines.
            _ => (None, self.statement_end(start)),
        };
        self.at = next;
        // What prints a variable may change it, and the objects of several commands are in one table.
        let is_assigned = self.text[start..].starts_with('$');
        let is_one_of_several = COMMANDS.find_iter(self.text).nth(1).is_some();
        let problem = match (&written, filter) {
            (None, _) => {
                let mistake = self.open_quote(start);
                let mistake = mistake.or_else(|| self.misspelt_option(start..next));
                let reason = "uses options or values of PowerShell that are not understood";
                Some(match mistake {
                    Some(mistake) => Problem::Mistakes(vec![mistake]),
                    None => Problem::Skip(reason.to_owned()),
                })
            }
            (_, Some(filter)) => Some(Problem::Skip(format!(
                "its output goes through `{filter}`, which is not run"
            ))),
            (Some(written), None) => {
                found::placeholder(&written.request).map(|_| Problem::Template)
            }
        };
        FoundRequest {
            span: start..end.max(start),
            written: written.or_else(|| self.address(start..next)),
            problem,
            output,
            printed: match is_assigned || is_one_of_several {
                true => Printed::default(),
                false => Printed::listed(),
            },
            ..FoundRequest::default()
        }
    }

    /// The quote of a member `name = "value` that is not closed in its line.
    fn open_quote(&self, start: usize) -> Option<Mistake> {
        static OPEN: LazyLock<Regex> =
            regex!(r#"(?m)^\s*[\w-]+\s*=\s*(?P<quote>")[^"'`$@\r\n]*\r?$"#);
        let command = self.text[start..].split("\n\n").next()?;
        let quote = OPEN.captures(command)?.name("quote")?;
        let span = start + quote.start()..start + quote.end();
        Some(Mistake::new(span, "this quote is never closed", None))
    }

    /// A misspelt option. Its name may be shortened.
    fn misspelt_option(&self, range: Range<usize>) -> Option<Mistake> {
        static OPTION: LazyLock<Regex> = regex!(r"\s(?P<option>-[A-Za-z]{4,})\s");
        const OPTIONS: [&str; 5] = ["-Uri", "-Method", "-ContentType", "-Headers", "-Body"];
        let command = &self.text[range.clone()];
        // Text within quotes is not an option.
        let is_in_value = |at: usize| command[..at].matches(['"', '\'']).count() % 2 == 1;
        OPTION.captures_iter(command).find_map(|found| {
            let option = found.name("option")?;
            let name = option.as_str().to_lowercase();
            let is_short = |known: &str| known.to_lowercase().starts_with(&name);
            let near = nearest(&name, OPTIONS).filter(|_| !OPTIONS.into_iter().any(is_short))?;
            (!is_in_value(option.start())).then(|| {
                let span = range.start + option.start()..range.start + option.end();
                let text = format!("PowerShell has no option `{}`", option.as_str());
                Mistake::new(span, text, Some(near.to_owned()))
            })
        })
    }

    /// The URL of a command that is not understood.
    fn address(&self, range: Range<usize>) -> Option<WrittenRequest> {
        static METHOD: LazyLock<Regex> = regex!(r#"(?i)-Method\s+["']?(\w+)"#);
        let command = &self.text[range.clone()];
        let url = programs::URL.find(command)?;
        let method = METHOD.captures(command);
        let request = Request {
            method: method.map_or("GET".to_owned(), |found| found[1].to_uppercase()),
            target: url.as_str().to_owned(),
            ..Request::default()
        };
        let url_span = range.start + url.start()..range.start + url.end();
        Some(WrittenRequest { request, url_span })
    }

    /// Where the line of a statement ends that is not understood; a backtick continues it.
    fn statement_end(&self, start: usize) -> usize {
        let mut end = line_end(self.text, start);
        while self.text[..end].trim_end().ends_with('`') && end < self.text.len() {
            end = line_end(self.text, end);
        }
        end
    }

    /// The options of a command, which ends with the line, a pipe or its closing bracket.
    fn arguments(&mut self, bracket: bool) -> Option<WrittenRequest> {
        let mut written = WrittenRequest::default();
        let mut content_type = None;
        let mut method = "GET".to_owned();
        loop {
            self.space(false);
            let rest = self.rest();
            let is_end = rest.is_empty() || rest.starts_with(['\n', '\r', '|', ';', '#']);
            if is_end || bracket && rest.starts_with(')') {
                break;
            }
            let option = match rest.starts_with('-') {
                true => self.word().to_lowercase(),
                false => "-uri".to_owned(),
            };
            if is_one_of(
                &option,
                "-usebasicparsing -skiphttperrorcheck -skipcertificatecheck -verbose",
            ) {
                continue;
            }
            self.space(false);
            let start = self.at;
            let value = self.argument()?;
            let text = || value.as_str().map(str::to_owned);
            match option.as_str() {
                "-uri" if written.request.target.is_empty() => {
                    written.request.target = text()?;
                    written.url_span = start..self.at;
                }
                "-method" => method = text()?.to_uppercase(),
                "-contenttype" => content_type = Some(text()?),
                // A table as the body is sent as a form.
                "-body" => written.request.body = Some(text()?),
                "-headers" => {
                    for (name, value) in value.as_object()? {
                        written.request.add_header(name, value.as_str()?);
                    }
                }
                _ => return None,
            }
        }
        let request = &mut written.request;
        request.method = Some(method).filter(|method| METHODS.contains(&method.as_str()))?;
        if let Some(content_type) = content_type {
            let headers = &mut request.headers;
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            request.add_header("Content-Type", &content_type);
        } else if request.body.is_some() {
            request.default_header("Content-Type", FORM);
        }
        url::names_this_machine(&request.target).then_some(written)
    }

    /// The commands that change the output, other than those that print a table.
    fn filter(&mut self, bracket: bool) -> Option<String> {
        const SHOWN: &str = "convertto-json format-list format-table fl ft convertfrom-json out-host out-string content rawcontent";
        if bracket {
            self.eat(")");
        }
        let line = self.text[self.at..].lines().next().unwrap_or_default();
        self.at += line.len();
        let code = line.split(" #").next().unwrap_or_default().trim();
        let mut filters = code
            .split(['|', '.'])
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let is_other = |filter: &&str| {
            let name = filter.split_whitespace().next().unwrap_or_default();
            !is_one_of(&name.to_lowercase(), SHOWN)
        };
        filters.find(is_other).map(str::to_owned)
    }

    /// Reads up to a character that ends it.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let read = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += read.len();
        read
    }

    fn word(&mut self) -> &'a str {
        self.until(|c| c.is_whitespace() || "|;)`".contains(c))
    }

    /// A value after an option, where words need no quotes.
    fn argument(&mut self) -> Option<Value> {
        match self.rest().chars().next()? {
            '\'' | '"' | '@' | '(' | '$' | '[' => self.primary(),
            _ => {
                let word = self.word();
                (!word.is_empty() && !word.contains('$')).then(|| word.into())
            }
        }
    }

    /// A value, which may go through `ConvertTo-Json` or be its argument.
    fn expression(&mut self) -> Option<Value> {
        let is_json = self.eat("ConvertTo-Json ");
        self.space(false);
        if is_json && self.eat("-InputObject ") {
            self.space(false);
        }
        let mut value = self.primary()?;
        if is_json {
            value = value.to_string().into();
        }
        self.space(false);
        if self.rest().starts_with(',') {
            let mut items = vec![value];
            while self.eat(",") {
                self.space(true);
                items.push(self.primary()?);
                self.space(false);
            }
            value = items.into();
        }
        while self.eat("|") {
            self.space(true);
            self.eat("ConvertTo-Json").then_some(())?;
            value = value.to_string().into();
            self.space(false);
            while self.rest().starts_with('-') {
                let option = self.word();
                self.space(false);
                if option.eq_ignore_ascii_case("-Depth") {
                    self.word().parse::<u32>().ok()?;
                    self.space(false);
                }
            }
        }
        Some(value)
    }

    fn primary(&mut self) -> Option<Value> {
        const MAX_DEPTH: u8 = 64;
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let value = self.bracketed_or_literal();
        self.depth -= 1;
        value
    }

    fn bracketed_or_literal(&mut self) -> Option<Value> {
        self.eat("[ordered]");
        self.eat("[pscustomobject]");
        if self.eat("@{") {
            return self.table();
        }
        if self.eat("@(") || self.rest().starts_with("@(") {
            return self.list();
        }
        if self.eat("(") {
            self.space(true);
            let value = self.expression()?;
            self.space(true);
            return self.eat(")").then_some(value);
        }
        for (open, close) in [("@'", "\n'@"), ("@\"", "\n\"@")] {
            if self.eat(open) {
                let from = self.at + self.rest().find('\n')? + 1;
                let end = from - 1 + self.text[from - 1..].find(close)?;
                self.at = end + close.len();
                let text = self.text.get(from..end).unwrap_or_default();
                return (open == "@'" || !text.contains('$')).then(|| text.into());
            }
        }
        match self.rest().chars().next()? {
            '\'' => self.quoted().map(Value::String),
            '"' => self.double_quoted().map(Value::String),
            '$' => {
                self.at += 1;
                let name = self.identifier();
                match name.to_lowercase().as_str() {
                    "true" => Some(true.into()),
                    "false" => Some(false.into()),
                    "null" => Some(Value::Null),
                    _ => self.variable(name),
                }
            }
            _ => {
                let number = self.until(|c| c.is_whitespace() || ",;)}|".contains(c));
                Some(Value::Number(serde_json::from_str(number).ok()?))
            }
        }
    }

    fn identifier(&mut self) -> &'a str {
        self.until(|c| !c.is_alphanumeric() && c != '_')
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let mut set = self.variables.iter().rev();
        let found = set.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(found.1.clone())
    }

    fn quoted(&mut self) -> Option<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let end = self.rest().find('\'')?;
            out.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('\'') {
                return Some(out);
            }
            out.push('\'');
            self.at += 1;
        }
    }

    fn double_quoted(&mut self) -> Option<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let letter = self.rest().chars().next()?;
            self.at += letter.len_utf8();
            match letter {
                '"' if !self.rest().starts_with('"') => return Some(out),
                '"' => {
                    self.at += 1;
                    out.push('"');
                }
                '`' => {
                    let escaped = self.rest().chars().next()?;
                    self.at += escaped.len_utf8();
                    out.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        other => other,
                    });
                }
                '$' => {
                    let name = self.identifier();
                    match self.variable(name)? {
                        Value::String(text) => out.push_str(&text),
                        Value::Number(number) => out.push_str(&number.to_string()),
                        _ => return None,
                    }
                }
                other => out.push(other),
            }
        }
    }

    /// The members of `@{ name = value; ... }` after its opening bracket.
    fn table(&mut self) -> Option<Value> {
        let mut members = Map::new();
        loop {
            self.space(true);
            if self.eat("}") {
                return Some(Value::Object(members));
            }
            if self.eat(";") {
                continue;
            }
            let name = match self.rest().chars().next()? {
                '\'' => self.quoted()?,
                '"' => self.double_quoted()?,
                _ => Some(self.identifier())
                    .filter(|name| !name.is_empty())?
                    .to_owned(),
            };
            self.space(false);
            self.eat("=").then_some(())?;
            self.space(true);
            members.insert(name, self.expression()?);
        }
    }

    /// The items of `@( ... )` after its opening bracket.
    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.space(true);
            if self.eat(")") {
                return Some(items.into());
            }
            if self.eat(",") || self.eat(";") {
                continue;
            }
            items.push(self.primary()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn simple_commands_are_requests() {
        let json = "Content-Type: application/json";
        let rows = [
            ("Invoke-RestMethod -Uri http://localhost:3000/a", "GET http://localhost:3000/a".to_owned()),
            ("PS C:\\shop> irm http://localhost:3000/a | ConvertTo-Json -Depth 5", "GET http://localhost:3000/a".to_owned()),
            ("(Invoke-WebRequest 'http://localhost:3000/a' -UseBasicParsing).Content", "GET http://localhost:3000/a".to_owned()),
            ("irm http://localhost:3000/a `\n  -SkipCertificateCheck", "GET http://localhost:3000/a".to_owned()),
            ("$a = Invoke-RestMethod -Method Delete -Uri \"http://localhost:3000/a/1\"", "DELETE http://localhost:3000/a/1".to_owned()),
            (
                "Invoke-RestMethod -Uri \"http://localhost:3000/a\" `\n  -Method Post `\n  -ContentType \"application/json\" `\n  -Body '{\"b\": \"it''s\"}'\n",
                format!("POST http://localhost:3000/a {json} {{\"b\": \"it's\"}}"),
            ),
            (
                "$base = 'http://localhost:3000'\n$body = @{\n  b = 1 # one\n  c = @('x', \"y\")\n  d = @{ e = $true; f = $null }\n} | ConvertTo-Json\n\nirm \"$base/a\" -Method POST -Body $body -ContentType 'application/json'",
                format!("POST http://localhost:3000/a {json} {{\"b\":1,\"c\":[\"x\",\"y\"],\"d\":{{\"e\":true,\"f\":null}}}}"),
            ),
            (
                "irm -Uri http://localhost:3000/a -Method Put -Headers @{ 'Content-Type' = 'application/json' } -Body (@{ b = 'c' } | ConvertTo-Json)",
                format!("PUT http://localhost:3000/a {json} {{\"b\":\"c\"}}"),
            ),
            (
                "irm -Method Post http://localhost:3000/a -ContentType 'application/json' -Body (ConvertTo-Json @{b='c';d=1})",
                format!("POST http://localhost:3000/a {json} {{\"b\":\"c\",\"d\":1}}"),
            ),
            (
                "$body = @'\n{\"b\": 1}\n'@\nirm http://localhost:3000/a -Method Post -Body $body",
                "POST http://localhost:3000/a Content-Type: application/x-www-form-urlencoded {\"b\": 1}".to_owned(),
            ),
        ];
        for (text, expected) in rows {
            let found = find(text);
            assert!(
                found.len() == 1 && found[0].problem.is_none(),
                "{text}: {found:?}"
            );
            let request = found[0].written.clone().unwrap().request;
            let mut seen = format!("{} {}", request.method, request.target);
            for (name, value) in &request.headers {
                seen.push_str(&format!(" {name}: {value}"));
            }
            seen.extend(request.body.iter().map(|body| format!(" {body}")));
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn others_are_skipped_with_the_reason() {
        let rows = [
            (
                "irm http://localhost:3000/a -Credential $me",
                "options or values",
            ),
            (
                "irm http://localhost:3000/a -Method Post -Body $body",
                "options or values",
            ),
            (
                "irm http://localhost:3000/a -Method Post -Body @{ b = 1 }",
                "options or values",
            ),
            (
                "irm http://localhost:3000/a | Where-Object { $_.id -gt 1 }",
                "goes through `Where-Object",
            ),
            ("(irm http://localhost:3000/a).name", "goes through `name`"),
            (
                "irm http://localhost:3000/a -Method Post -Body @{ b =",
                "options or values",
            ),
        ];
        for (text, reason) in rows {
            let found = find(text);
            let Some(Problem::Skip(why)) = found.first().and_then(|found| found.problem.as_ref())
            else {
                panic!("{text}: {found:?}")
            };
            assert!(why.contains(reason), "{text}: {why}");
            assert!(found[0].written.is_some(), "{text}");
        }
        for text in [
            "try {\nirm http://localhost:3000/a\n}",
            "Write-Host 'http://localhost:3000'",
            "",
            "$",
        ] {
            assert!(find(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn output_below_a_command_is_its_response() {
        let text = "PS> irm localhost:3000/a | ConvertTo-Json\n{\n  \"b\": 1\n}\nPS> irm localhost:3000/c\n\nid name\n-- ----\n 1 x\n";
        let found = find(text);
        assert_eq!(found.len(), 2, "{found:?}");
        let output = |index: usize| text[found[index].output.clone().unwrap()].trim();
        assert!(output(0).starts_with('{') && output(0).ends_with('}'));
        assert!(output(1).starts_with("id name") && listings::is_listing(output(1)));
        let list = "irm localhost:3000/a\n\n# b : 1\n# c : x\n";
        assert!(find(list)[0].output.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(value in "[-\\PC\n`'\"@{}()$;=|]{0,30}", before in "[ \u{a0}`\n$a=]{0,6}") {
            let _ = find(&format!("{before}irm{value}"));
            let _ = find(&format!("{before}irm http://localhost:3000/a -Body {value}"));
        }
    }
}
