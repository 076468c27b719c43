//! Calls of `fetch` whose values are all literal: `fetch("http://localhost:3000/users", { method: "POST", ... })`.

use serde_json::{Map, Value};

use super::http_message::METHODS;
use super::lenient_json;
use super::service::{Request, WrittenRequest};

/// The request of a call, whose arguments begin at `start`, or nothing if a value is not literal.
pub fn fetch(text: &str, start: usize) -> Option<WrittenRequest> {
    let mut parser = Parser { text, at: start };
    parser.space();
    let quote = parser.at + 1;
    let url = parser.literal()?.as_str()?.to_owned();
    let mut request = Request {
        method: "GET".to_owned(),
        target: url.clone(),
        ..Request::default()
    };
    parser.space();
    if parser.eat(",") {
        parser.space();
        if parser.eat("{") {
            parser.options(&mut request)?;
        }
        parser.space();
        parser.eat(",");
        parser.space();
    }
    let url_span = quote..quote + url.len();
    parser
        .eat(")")
        .then_some(WrittenRequest { request, url_span })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, mark: &str) -> bool {
        let yes = self.text[self.at..].starts_with(mark);
        if yes {
            self.at += mark.len();
        }
        yes
    }

    fn literal(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        // A template without values.
        if let Some(inner) = rest.strip_prefix('`') {
            let text = inner.split('`').next()?;
            self.at += text.len() + 2;
            return (self.at <= self.text.len() && !text.contains(['$', '\\']))
                .then(|| text.into());
        }
        let (value, length) = lenient_json::literal(rest)?;
        self.at += length;
        Some(value)
    }

    /// The options of a call after their opening bracket.
    fn options(&mut self, request: &mut Request) -> Option<()> {
        loop {
            self.space();
            if self.eat("}") {
                break;
            }
            if self.eat(",") {
                continue;
            }
            let (name, rest) = self.text[self.at..].split_once(':')?;
            self.at = self.text.len() - rest.len();
            self.space();
            let to_json = self.eat("JSON.stringify(");
            self.space();
            let value = self.literal()?;
            self.space();
            if to_json && !self.eat(")") {
                return None;
            }
            match (name.trim().trim_matches(['"', '\'']), to_json) {
                ("method", false) => request.method = value.as_str()?.to_uppercase(),
                ("body", true) => request.body = Some(value.to_string()),
                ("body", false) => request.body = Some(value.as_str()?.to_owned()),
                ("headers", false) => request.headers = headers(value.as_object()?)?,
                ("mode" | "cache" | "credentials" | "redirect" | "keepalive", false) => {}
                _ => return None,
            }
        }
        if request.body.is_some() && request.header("content-type").is_none() {
            let text = "text/plain;charset=UTF-8".to_owned();
            request.headers.push(("Content-Type".to_owned(), text));
        }
        METHODS.contains(&request.method.as_str()).then_some(())
    }
}

fn headers(members: &Map<String, Value>) -> Option<Vec<(String, String)>> {
    let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    members.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(call: &str) -> Option<String> {
        let written = fetch(call, call.find('(')? + 1)?;
        let request = written.request;
        assert_eq!(&call[written.url_span], request.target, "{call}");
        let headers = request.headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let text = [
            request.method,
            request.target,
            headers.join(" "),
            request.body.unwrap_or_default(),
        ];
        Some(text.join(" ").trim().to_owned())
    }

    #[test]
    fn literal_calls_are_requests() {
        let rows = [
            (
                "fetch('http://localhost:3000/a')",
                "GET http://localhost:3000/a",
            ),
            (
                "fetch(`http://localhost:3000/a`, {})",
                "GET http://localhost:3000/a",
            ),
            (
                "fetch(\"http://localhost:3000/a\", {\n  method: 'post',\n  headers: { 'Content-Type': 'application/json' },\n  body: JSON.stringify({ b: 1, 'c': [true, null], }),\n})",
                "POST http://localhost:3000/a Content-Type=application/json {\"b\":1,\"c\":[true,null]}",
            ),
            (
                "fetch('http://localhost:3000/a/1', { method: \"DELETE\", credentials: 'include' })",
                "DELETE http://localhost:3000/a/1",
            ),
            (
                "fetch('http://localhost:3000/a', { method: 'POST', body: JSON.stringify({ b: 1 }) })",
                "POST http://localhost:3000/a Content-Type=text/plain;charset=UTF-8 {\"b\":1}",
            ),
        ];
        for (call, expected) in rows {
            assert_eq!(described(call).as_deref(), Some(expected), "{call}");
        }
    }

    #[test]
    fn others_are_none() {
        for call in [
            "fetch(url)",
            "fetch('http://localhost:3000/a' + id)",
            "fetch(`http://localhost:3000/a/${id}`)",
            "fetch('http://localhost:3000/a', options)",
            "fetch('http://localhost:3000/a', { method: 'POST', body: JSON.stringify(user) })",
            "fetch('http://localhost:3000/a', { method: 'POST', body: JSON.stringify({ name }) })",
            "fetch('http://localhost:3000/a', { method: 'POST', body: JSON.stringify({ name: input.value }) })",
            "fetch('http://localhost:3000/a', { method: 'POST', body: JSON.stringify({ a: 1, ... }) })",
            "fetch('http://localhost:3000/a', { method: 'POST', body: form })",
            "fetch('http://localhost:3000/a', { signal: controller.signal })",
            "fetch('http://localhost:3000/a', { method: 'POST'",
            "fetch(`é",
            "fetch('",
            "fetch(",
        ] {
            assert_eq!(described(call), None, "{call}");
        }
    }
}
