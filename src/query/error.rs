//! Mistakes in a query, and what the sender of a valid one should know.

use std::fmt;

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A `%` that no two hexadecimal digits follow, or escapes that are not UTF-8.
    Encoding,
    /// A `_like` pattern that is not a regular expression, or is too large.
    Pattern,
    /// A pattern that is longer than allowed.
    PatternLength,
    /// More patterns than a query may have.
    TooManyPatterns,
    /// Conditions on more fields than a query may have.
    TooManyFields,
    /// Another value or operator than the parameter takes.
    Value,
}

/// Why a query cannot be carried out: a client's mistake, to be answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {detail}; for example: {example}")]
pub struct QueryError {
    /// What kind of mistake it is.
    pub fault: Fault,
    /// The name of the parameter as it was sent (decoded where it could be).
    pub parameter: String,
    /// One sentence: what is wrong, with the value that was sent.
    pub detail: String,
    /// A parameter of the same kind that works: `_page=1&_limit=10`. JSON in it is not escaped, so that it can be read.
    pub example: String,
}

impl QueryError {
    pub(super) fn new(
        fault: Fault,
        parameter: &str,
        detail: impl Into<String>,
        example: impl Into<String>,
    ) -> QueryError {
        QueryError {
            fault,
            parameter: parameter.into(),
            detail: detail.into(),
            example: example.into(),
        }
    }
}

/// Something that the sender of a valid query should know: a field that no record has, a parameter without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The name of the parameter as it was sent.
    pub parameter: String,
    /// One sentence: what was done and why it may not be what was meant.
    pub detail: String,
    /// The nearest thing that would have had an effect, as it is written in a URL.
    pub instead: Option<String>,
}

impl Notice {
    pub(super) fn new(
        parameter: &str,
        detail: impl Into<String>,
        instead: Option<String>,
    ) -> Notice {
        Notice {
            parameter: parameter.to_string(),
            detail: detail.into(),
            instead,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.parameter, self.detail)?;
        match &self.instead {
            Some(instead) => write!(formatter, " Did you mean {instead}?"),
            None => Ok(()),
        }
    }
}

/// `text` as it is shown in a message: in quotes, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
