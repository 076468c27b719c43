//! Templates: JSON with expressions in its strings, and their variables.

use std::io;
use std::sync::{Arc, LazyLock};

use fastrand::Rng;
use minijinja::value::{Kwargs, Object, Serde};
use minijinja::{Environment, Error, ErrorKind, Expression, State, Value};
use parking_lot::Mutex;

use super::expression::{FUEL, bad_call, bounded, bounded_environment, members_of};
use super::source::{RoutesError, Source};
use crate::json::{self, Id, Kind, Place};
use crate::query::{Fields, Query, Relations, Row};
use crate::store::{Collection, Resource, Store};
use crate::text::{list, nearest, path_encode, query_encode, uuid};
use crate::work::Work;

/// How long the result of a template may be, in bytes.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// JSON with expressions in its strings.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    /// JSON text as it is.
    Json(String),
    /// A string that is a single expression: the result keeps its type.
    Value(Compiled),
    /// A string with expressions in it.
    Text(Text),
}

/// Text with expressions in it.
#[derive(Debug)]
pub struct Text(Vec<Part>);

#[derive(Debug)]
enum Part {
    Plain(String),
    Expression(Compiled),
}

#[derive(Debug)]
struct Compiled {
    expression: Expression<'static, 'static>,
    source: String,
    place: Place,
}

/// The variables from a request.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The parameters of the path.
    pub params: Value,
    /// The query: a list for repeated names.
    pub query: Value,
    /// The headers, by names in lower case.
    pub headers: Value,
    /// The body.
    pub body: Value,
    /// The user who is logged in.
    pub user: Value,
    /// The time, as text.
    pub now: Value,
    /// The seed of `random` and `uuid`.
    pub seed: u64,
}

/// The values that expressions can use.
#[derive(Debug)]
pub struct Scope {
    facts: Facts,
    /// The last record that an action has written.
    result: Value,
    /// Created when an expression first reads it.
    store: LazyLock<Store, Box<dyn FnOnce() -> Store + Send>>,
    random: Mutex<Rng>,
}

/// The names that expressions can use.
const NAMES: [&str; 15] = [
    "params",
    "query",
    "headers",
    "body",
    "now",
    "user",
    "result",
    "uuid",
    "random",
    "record",
    "records",
    "count",
    "range",
    "dict",
    "namespace",
];

/// The variable in which functions find the scope; no expression can spell it.
const SCOPE: &str = " scope";

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let facts = &self.facts;
        let value = match key.as_str()? {
            "params" => &facts.params,
            "query" => &facts.query,
            "headers" => &facts.headers,
            "body" => &facts.body,
            "user" => &facts.user,
            "now" => &facts.now,
            "result" => &self.result,
            SCOPE => return Some(Value::from_dyn_object(self.clone())),
            _ => return None,
        };
        Some(value.clone())
    }
}

impl Scope {
    /// A scope with the variables of a request. `store` returns the data that the client may see.
    pub fn new(facts: &Facts, store: impl FnOnce() -> Store + Send + 'static) -> Scope {
        Scope {
            facts: facts.clone(),
            result: Value::UNDEFINED,
            store: LazyLock::new(Box::new(store)),
            random: Mutex::new(Rng::with_seed(facts.seed)),
        }
    }

    /// Sets `result` to the record (JSON) that an action has written.
    pub fn with_result(mut self, record: &str) -> Scope {
        self.result = value_of(record);
        self
    }

    fn collection(&self, name: &str) -> Result<(&Resource, &Collection), Error> {
        let found = self.store.resource(name);
        let found = found.and_then(|resource| Some((resource, resource.collection()?)));
        found.ok_or_else(|| {
            let names = self.store.resources().map(Resource::name);
            let hint = nearest(name, names)
                .map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
            fault(format!("there is no collection {name:?}{hint}"))
        })
    }

    /// A record without hidden properties.
    fn record(&self, resource: &str, text: &str) -> Value {
        value_of(&self.store.public_text(resource, text))
    }

    /// The rows that `GET /name?arguments` would select.
    fn rows(&self, state: &State, name: &str, arguments: &Kwargs) -> Result<Vec<Row>, Error> {
        let (resource, collection) = self.collection(name)?;
        let pair = |key: &str| {
            let value: Value = arguments.get(key)?;
            Ok((key.to_string(), plain(&value).map_err(fault)?))
        };
        let pairs = arguments.args().map(pair);
        let pairs = pairs.collect::<Result<Vec<_>, Error>>()?;
        // The query consumes fuel.
        let pause = || state.consume_fuel(FUEL / 1000).is_ok();
        let work = Work::new(&pause);
        let fields = Fields {
            work: Some(&work),
            ..Fields::new(Some(collection), &[])
        };
        let query = Query::parse(&pairs, &fields).map_err(|error| fault(error.to_string()))?;
        let relations = Relations::new(&self.store, resource.name(), &query, &work);
        let rows = collection.run(&query, &relations, &work).rows;
        if work.is_stopped() {
            return Err(Error::new(ErrorKind::OutOfFuel, "it reads too much data"));
        }
        Ok(rows)
    }
}

fn fault(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// JSON text as a value of the template language.
pub fn value_of(json: &str) -> Value {
    serde_json::from_str::<serde_json::Value>(json)
        .map_or(Value::UNDEFINED, |value| Value::from(Serde(value)))
}

/// A value in the middle of text: empty if it is missing or null.
fn plain(value: &Value) -> Result<String, String> {
    if value.is_undefined() || value.is_none() {
        return Ok(String::new());
    }
    match value.as_str() {
        Some(text) => Ok(text.to_string()),
        None => json_of(value),
    }
}

/// A value as JSON. Stops with an error when it gets too long, because a lazy value may have any number of items.
fn json_of(value: &Value) -> Result<String, String> {
    struct Bounded(Vec<u8>);
    impl io::Write for Bounded {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.len() + bytes.len() > MAX_OUTPUT {
                true => Err(io::Error::other(too_long())),
                false => self.0.write(bytes),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = Bounded(Vec::new());
    serde_json::to_writer(&mut out, value).map_err(|error| match error.is_io() {
        true => too_long(),
        false => format!("the result is not JSON: {error}"),
    })?;
    String::from_utf8(out.0).map_err(|error| error.to_string())
}

fn too_long() -> String {
    format!("the result is longer than {MAX_OUTPUT} bytes")
}

/// Calls `work` with the scope of the evaluation.
fn scoped<R>(state: &State, work: impl FnOnce(&Scope) -> Result<R, Error>) -> Result<R, Error> {
    let scope = state.lookup(SCOPE);
    let scope = scope.as_ref().and_then(Value::downcast_object_ref::<Scope>);
    work(scope.ok_or_else(|| fault("there is no request".into()))?)
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = bounded_environment();
    environment.set_debug(true);
    environment.add_function("record", |state: &State, name: &str, id: &Value| {
        scoped(state, |scope| {
            let (resource, collection) = scope.collection(name)?;
            let found = collection.get(&Id::from_text(&plain(id).map_err(fault)?));
            Ok(found.map_or(Value::UNDEFINED, |record| {
                scope.record(resource.name(), record.value())
            }))
        })
    });
    environment.add_function("records", |state: &State, name: &str, arguments: Kwargs| {
        scoped(state, |scope| {
            let rows = scope.rows(state, name, &arguments)?;
            let records = rows.iter().map(|row| {
                state.consume_fuel(row.text().len() as u64 / 64)?;
                Ok(scope.record(name, row.text()))
            });
            Ok(Value::from(records.collect::<Result<Vec<_>, Error>>()?))
        })
    });
    environment.add_function("count", |state: &State, name: &str, arguments: Kwargs| {
        scoped(state, |scope| {
            Ok(scope.rows(state, name, &arguments)?.len())
        })
    });
    environment.add_function("uuid", |state: &State| {
        scoped(state, |scope| Ok(uuid(scope.random.lock().u128(..))))
    });
    environment.add_function("random", |state: &State, from: &Value, to: &Value| {
        scoped(state, |scope| {
            let mut random = scope.random.lock();
            if let (Some(from), Some(to)) = (from.as_i64(), to.as_i64())
                && from <= to
            {
                return Ok(Value::from(random.i64(from..=to)));
            }
            match (f64::try_from(from.clone()), f64::try_from(to.clone())) {
                (Ok(from), Ok(to)) if from <= to => {
                    Ok(Value::from(from + (to - from) * random.f64()))
                }
                _ => Err(fault(format!(
                    "random({from}, {to}) needs two numbers in order"
                ))),
            }
        })
    });
    environment
});

impl Compiled {
    fn new(
        source: Source,
        literal: &str,
        offset: usize,
        text: &str,
    ) -> Result<Compiled, RoutesError> {
        // After escapes, offsets in the text differ from those in the file.
        let inside = |offset: usize| match literal.contains('\\') {
            true => literal,
            false => &literal[(offset + 1).min(literal.len())..],
        };
        let expression = text.trim();
        let skipped = text.len() - text.trim_start().len();
        let place = source.place(inside(offset + skipped));
        let wrong = |at: usize, message: &str, hint: Option<String>| RoutesError {
            hint,
            ..source.error(
                inside(offset + skipped + at),
                format!("{{{{ {expression} }}}}: {message}"),
            )
        };
        let compiled = ENVIRONMENT.compile_expression_owned(bounded(expression).into_owned());
        // The offsets in the error refer to the expression as it is in the file.
        let compiled = compiled.map_err(|error| {
            let error = ENVIRONMENT
                .compile_expression(expression)
                .err()
                .unwrap_or(error);
            let at = error.range().map_or(0, |range| range.start);
            wrong(at.min(expression.len()), &message(&error), None)
        })?;
        if let Some(mistake) = mistake(source, expression, &compiled) {
            return Err(wrong(mistake.at, &mistake.message, mistake.hint));
        }
        Ok(Compiled {
            expression: compiled,
            source: expression.to_string(),
            place,
        })
    }

    fn value(&self, scope: &Arc<Scope>) -> Result<Value, RoutesError> {
        let root = Value::from_dyn_object(scope.clone());
        self.expression
            .eval(root)
            .map_err(|error| self.failed(message(&error)))
    }

    fn failed(&self, message: String) -> RoutesError {
        RoutesError::new(self.place, format!("{{{{ {} }}}}: {message}", self.source))
    }

    /// Appends `text`, the result of the expression, to `out`.
    fn add(&self, out: &mut String, text: Result<String, String>) -> Result<(), RoutesError> {
        out.push_str(&text.map_err(|message| self.failed(message))?);
        match out.len() > MAX_OUTPUT {
            true => Err(self.failed(too_long())),
            false => Ok(()),
        }
    }
}

/// A semantic error in an expression.
struct Mistake {
    /// The offset in the expression.
    at: usize,
    message: String,
    hint: Option<String>,
}

fn mistake(source: Source, expression: &str, compiled: &Expression<'_, '_>) -> Option<Mistake> {
    let new = |at, message: String, hint| Some(Mistake { at, message, hint });
    let meant = |near: &str| format!("did you mean {near:?}?");
    let used = compiled.undeclared_variables(false);
    if let Some(unknown) = used.iter().find(|name| !NAMES.contains(&name.as_str())) {
        let hint = nearest(unknown, NAMES).map(meant);
        let hint =
            hint.unwrap_or_else(|| format!("known names are {}", list(&NAMES.map(String::from))));
        return new(0, format!("{unknown:?} is not known"), Some(hint));
    }
    if used.contains("result") && !source.has_result {
        let hint = "it is the record that a previous action has written".to_string();
        return new(0, "there is no `result` here".into(), Some(hint));
    }
    let mut params = members_of(expression, "params").into_iter();
    if let Some((at, name)) = params.find(|(_, name)| !source.parameters.contains(name)) {
        let names = source.parameters.iter().map(|name| format!("{name:?}"));
        let names: Vec<String> = names.collect();
        let hint = match nearest(name, source.parameters.iter().copied()) {
            Some(near) => meant(near),
            None if names.is_empty() => {
                format!("a parameter in a path is written \"/users/:{name}\"")
            }
            None => format!("the path has {}", list(&names)),
        };
        let message = format!("the path of the rule has no parameter {name:?}");
        return new(at, message, Some(hint));
    }
    let mut headers = members_of(expression, "headers").into_iter();
    let has_capital = |name: &str| name.contains(|c: char| c.is_ascii_uppercase());
    if let Some((at, name)) = headers.find(|(_, name)| has_capital(name)) {
        let message = "names of headers are in lower case".to_string();
        return new(at, message, Some(meant(&name.to_ascii_lowercase())));
    }
    let bad = bad_call(&ENVIRONMENT, expression, &[])?;
    new(bad.offset, bad.message, bad.near.as_deref().map(meant))
}

fn message(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too many steps".into(),
        (_, Some(detail)) => detail.to_string(),
        (kind, None) => kind.to_string(),
    }
}

impl Text {
    /// Reads the string `literal` of the routes file.
    pub(super) fn parse(source: Source, literal: &str, name: &str) -> Result<Text, RoutesError> {
        let text = source.string(literal, name)?;
        let (mut parts, mut at) = (Vec::new(), 0);
        while let Some(open) = text[at..].find("{{").map(|found| at + found) {
            if open > at {
                parts.push(Part::Plain(text[at..open].to_string()));
            }
            let inside = &text[open + 2..];
            let Some(length) = expression_end(inside) else {
                return Err(source.error(literal, format!("a {{{{ without }}}} in {name}")));
            };
            let compiled = Compiled::new(source, literal, open + 2, &inside[..length])?;
            parts.push(Part::Expression(compiled));
            at = open + 2 + length + 2;
        }
        if at < text.len() {
            parts.push(Part::Plain(text[at..].to_string()));
        }
        Ok(Text(parts))
    }

    /// The text, if it is always the same.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// Refuses a text that is not a valid header value.
    pub(super) fn check_header(
        &self,
        source: Source,
        literal: &str,
        name: &str,
    ) -> Result<(), RoutesError> {
        let is_bad = |c: char| c.is_control() && c != '\t';
        match self.fixed().is_some_and(|text| text.contains(is_bad)) {
            true => Err(source.error(literal, format!("{name} has a control character"))),
            false => Ok(()),
        }
    }

    /// The error for an invalid result; `None`: the text has no expressions.
    pub fn failed(&self, message: &str) -> Option<RoutesError> {
        self.0.iter().find_map(|part| match part {
            Part::Plain(_) => None,
            Part::Expression(compiled) => Some(compiled.failed(message.into())),
        })
    }

    /// The text with the results of its expressions.
    ///
    /// # Errors
    /// An expression fails.
    pub fn render(&self, scope: &Arc<Scope>) -> Result<String, RoutesError> {
        self.render_with(scope, |_, value| value)
    }

    /// The text as a path and query. The result of an expression is percent-encoded, so it stays one segment of the
    /// path or one value of the query, whatever a client sent; one at the beginning of the text may have slashes.
    ///
    /// # Errors
    /// An expression fails.
    pub fn render_target(&self, scope: &Arc<Scope>) -> Result<String, RoutesError> {
        self.render_with(scope, |before, value| match before {
            "" => {
                let segments: Vec<_> = value.split('/').map(path_encode).collect();
                segments.join("/")
            }
            _ if before.contains('?') => query_encode(&value),
            _ => path_encode(&value),
        })
    }

    /// The text with the results of its expressions as `encode` gives them; it gets the text before, too.
    fn render_with(
        &self,
        scope: &Arc<Scope>,
        encode: impl Fn(&str, String) -> String,
    ) -> Result<String, RoutesError> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(text) => out.push_str(text),
                Part::Expression(compiled) => {
                    let value = plain(&compiled.value(scope)?).map(|value| encode(&out, value));
                    compiled.add(&mut out, value)?;
                }
            }
        }
        Ok(out)
    }
}

/// The offset of the `}}` that ends an expression, skipping strings and maps.
fn expression_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut depth, mut at) = (None, 0, 0);
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', Some(_)) => at += 1,
            (byte, Some(end)) if byte == end => quote = None,
            (_, Some(_)) => {}
            (byte @ (b'"' | b'\''), None) => quote = Some(byte),
            (b'{', None) => depth += 1,
            (b'}', None) if depth > 0 => depth -= 1,
            (b'}', None) if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

impl Template {
    /// Reads a value of the routes file.
    pub(super) fn parse(source: Source, value: &str, name: &str) -> Result<Template, RoutesError> {
        let (mut pieces, mut done) = (Vec::new(), 0);
        let mut failed = None;
        each_string(value, &mut |literal| {
            if failed.is_some() || !literal.contains("{{") {
                return;
            }
            let start = json::offset_in(value, literal);
            pieces.push(Piece::Json(value[done..start].to_string()));
            done = start + literal.len();
            match Text::parse(source, literal, name) {
                Err(error) => failed = Some(error),
                Ok(Text(mut parts)) => pieces.push(match parts.pop() {
                    Some(Part::Expression(only)) if parts.is_empty() => Piece::Value(only),
                    last => {
                        parts.extend(last);
                        Piece::Text(Text(parts))
                    }
                }),
            }
        });
        pieces.push(Piece::Json(value[done..].to_string()));
        failed.map_or(Ok(Template(pieces)), Err)
    }

    /// The JSON, if it is always the same.
    pub fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Json(text)] => Some(text),
            _ => None,
        }
    }

    /// The JSON with the results of its expressions.
    ///
    /// # Errors
    /// An expression fails.
    pub fn render(&self, scope: &Arc<Scope>) -> Result<String, RoutesError> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Json(text) => out.push_str(text),
                Piece::Text(text) => out.push_str(&json::quote(&text.render(scope)?)),
                Piece::Value(compiled) => {
                    compiled.add(&mut out, json_of(&compiled.value(scope)?))?;
                }
            }
        }
        Ok(out)
    }
}

/// Calls `see` with each string literal in `value` that is not a key, in order.
fn each_string<'t>(value: &'t str, see: &mut dyn FnMut(&'t str)) {
    match Kind::of(value) {
        Kind::String => see(value.trim_ascii()),
        Kind::Array => json::items(value).for_each(|item| each_string(item, see)),
        Kind::Object => json::members(value).for_each(|member| each_string(member.value, see)),
        _ => {}
    }
}
