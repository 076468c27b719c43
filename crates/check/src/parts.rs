//! Parts of a response that a program names, and the lines that it prints of them.

use std::ops::Range;

use serde_json::Value;

use super::compare::Step;
use super::service::Received;
use super::text::is_one_of;

/// What a name or an expression of a program stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// The response as a whole.
    Response,
    /// Its status.
    Status,
    /// Whether its status is one of success.
    Success,
    /// What is at a path in its body.
    Body(Vec<Step>),
    /// The length of what is there.
    Length(Vec<Step>),
    /// In a loop, what is at a path in each item of a list.
    Each { list: Vec<Step>, path: Vec<Step> },
}

impl Part {
    /// What a member stands for that an assignment takes out of an object.
    pub fn member(&self, key: &str) -> Option<Part> {
        match (self, key) {
            (Part::Response, "data") => Some(Part::Body(Vec::new())),
            (Part::Response, "status") => Some(Part::Status),
            (Part::Response, "ok") => Some(Part::Success),
            (Part::Body(_) | Part::Each { .. }, key) => self.step(Step::Key(key.to_owned())),
            _ => None,
        }
    }

    /// What an item of a list stands for.
    pub fn item(&self, index: usize) -> Option<Part> {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Option<Part> {
        match self {
            Part::Body(path) => Some(Part::Body([path.as_slice(), &[step]].concat())),
            Part::Each { list, path } => Some(Part::Each {
                list: list.clone(),
                path: [path.as_slice(), &[step]].concat(),
            }),
            _ => None,
        }
    }

    /// Whether a value on the way to this part is of a kind.
    pub fn is_within(&self, received: &Received, is_kind: impl Fn(&Value) -> bool) -> bool {
        let (Part::Body(path), Some(body)) = (self, received.json()) else {
            return false;
        };
        (0..path.len()).any(|end| value_at(body, &path[..end]).is_some_and(&is_kind))
    }

    /// The value in a response; `None` if there is none or it is not known.
    pub fn value(&self, received: &Received) -> Option<Value> {
        match self {
            Part::Response | Part::Each { .. } => None,
            Part::Status => Some(received.status.into()),
            Part::Success => Some(received.is_success().into()),
            Part::Body(path) => value_at(received.json()?, path).cloned(),
            Part::Length(path) => Some(length(value_at(received.json()?, path)?)?.into()),
        }
    }
}

fn value_at<'a>(body: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(at) => value.get(at),
        Step::Id(_) => None,
    })
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::String(text) => Some(text.chars().count()),
        _ => None,
    }
}

/// A piece of what a program prints.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A fixed text.
    Text(String),
    /// The value of a part of the response.
    Value(Part),
}

/// What one call of a program prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Print {
    pub pieces: Vec<Piece>,
    /// Whether values are printed as Python writes them.
    pub is_python: bool,
}

impl Print {
    /// The list whose items are printed, one a line.
    pub fn list(&self) -> Option<&[Step]> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Value(Part::Each { list, .. }) => Some(list.as_slice()),
            _ => None,
        })
    }

    /// The lines that are printed; `None` if they are not known.
    pub fn lines(&self, received: &Received) -> Option<Vec<String>> {
        match self.list() {
            None => Some(vec![self.line(received, None)?]),
            Some(list) => {
                let items = value_at(received.json()?, list)?.as_array()?.iter();
                items.map(|item| self.line(received, Some(item))).collect()
            }
        }
    }

    fn line(&self, received: &Received, item: Option<&Value>) -> Option<String> {
        let value = |part: &Part| match part {
            Part::Each { path, .. } => value_at(item?, path).cloned(),
            // An object has no length in JavaScript.
            Part::Length(path) if !self.is_python => {
                let of = value_at(received.json()?, path)?;
                let length = if of.is_object() { None } else { length(of) };
                length.map(Value::from)
            }
            part => part.value(received),
        };
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Value(part) => match value(part)? {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(true) if self.is_python => Some("True".to_owned()),
                Value::Bool(false) if self.is_python => Some("False".to_owned()),
                Value::Bool(value) => Some(value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            },
        };
        let line: String = self.pieces.iter().map(text).collect::<Option<_>>()?;
        (!line.trim().contains('\n')).then_some(line)
    }

    /// The only part that is printed between fixed texts, and where its value is in what is printed.
    pub fn only_value(&self, shown: &str) -> Option<(&Part, Range<usize>)> {
        let mut values = self.pieces.iter().enumerate();
        let (at, part) = values.find_map(|(at, piece)| match piece {
            Piece::Value(part) => Some((at, part)),
            Piece::Text(_) => None,
        })?;
        let text = |pieces: &[Piece]| -> Option<String> {
            let text = |piece: &Piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Value(_) => None,
            };
            pieces.iter().map(text).collect()
        };
        let (before, after) = (text(&self.pieces[..at])?, text(&self.pieces[at + 1..])?);
        let (before, after) = (before.trim_start(), after.trim_end());
        let has_text = !before.is_empty() || !after.is_empty();
        let value = shown.strip_prefix(before)?.strip_suffix(after)?;
        has_text.then(|| (part, before.len()..before.len() + value.len()))
    }
}

/// Whether a comment is a text that is printed, and not the name of the member or another explanation of it.
pub fn is_printed_text(shown: &str, names: &[&str]) -> bool {
    const KINDS: &str =
        "string number boolean object array integer output undefined error todo fixme note hack";
    let lower = shown.to_lowercase();
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) || word.contains('@')
    };
    shown.split(' ').count() <= 4
        && shown.split(' ').all(is_word)
        && !shown.ends_with([':', '.', '!', '?'])
        && !names.iter().any(|name| name.to_lowercase() == lower)
        && !is_one_of(&lower, KINDS)
}
