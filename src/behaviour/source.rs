//! Reading the text of a routes file: its objects, and errors with their place.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::json::{self, Kind, Member, Place};
use crate::text::{list, nearest};

/// An error in a routes file or a profile. As text it is `file:line:column: message`, and the hint in a second line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct RoutesError {
    /// The file; `None`: the text is from elsewhere.
    pub file: Option<PathBuf>,
    /// The position in it; `None`: it cannot be read.
    pub place: Option<Place>,
    /// One sentence without a full stop.
    pub message: String,
    /// How to fix it, if known.
    pub hint: Option<String>,
}

impl fmt::Display for RoutesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            if let Some(file) = &self.file {
                write!(formatter, "{}:", file.display())?;
            }
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

impl RoutesError {
    /// An error at `place`; `None`: the file cannot be read.
    pub fn new(place: impl Into<Option<Place>>, message: impl Into<String>) -> RoutesError {
        RoutesError {
            file: None,
            place: place.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// The error of the file at `path`.
    pub fn at(self, path: &Path) -> RoutesError {
        let file = Some(path.to_path_buf());
        RoutesError { file, ..self }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> RoutesError {
        self.hint = Some(hint.into());
        self
    }
}

/// The text of a routes file. All values are slices of it, so that each has a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    /// The parameters in the path of the rule that is read.
    pub(super) parameters: &'t [&'t str],
    /// Whether a previous action has set `result`.
    pub(super) has_result: bool,
}

impl<'t> Source<'t> {
    pub(super) fn place(self, part: &str) -> Place {
        Place::of(self.text, json::offset_in(self.text, part))
    }

    pub(super) fn error(self, part: &str, message: impl Into<String>) -> RoutesError {
        RoutesError::new(self.place(part), message)
    }

    fn not(self, value: &str, name: &str, wanted: &str) -> RoutesError {
        let kind = Kind::of(value).with_article();
        self.error(value, format!("{name} must be {wanted}, got {kind}"))
    }

    /// The members of an object whose keys are among `known`, each at most once.
    pub(super) fn members(
        self,
        value: &'t str,
        name: &str,
        known: &[&str],
    ) -> Result<Vec<Member<'t>>, RoutesError> {
        let members = self.any_members(value, name)?;
        for member in &members {
            if known.contains(&&*member.key) {
                continue;
            }
            let error = self.error(
                member.raw_key,
                format!("unknown key {:?} in {name}", member.key),
            );
            return Err(match nearest(&member.key, known.iter().copied()) {
                Some(meant) => error.hint(format!("did you mean {meant:?}?")),
                None => {
                    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
                    error.hint(format!("the keys are {}", list(&known)))
                }
            });
        }
        Ok(members)
    }

    /// The members of an object with any keys, each at most once.
    pub(super) fn any_members(
        self,
        value: &'t str,
        name: &str,
    ) -> Result<Vec<Member<'t>>, RoutesError> {
        if Kind::of(value) != Kind::Object {
            return Err(self.not(value, name, "an object"));
        }
        let mut members = Vec::<Member>::new();
        for member in json::members(value) {
            if members.iter().any(|known| known.key == member.key) {
                let message = format!("the key {:?} appears twice in {name}", member.key);
                return Err(self.error(member.raw_key, message));
            }
            members.push(member);
        }
        Ok(members)
    }

    pub(super) fn string(self, value: &'t str, name: &str) -> Result<Cow<'t, str>, RoutesError> {
        match Kind::of(value) {
            Kind::String => Ok(json::unquote(value)),
            _ => Err(self.not(value, name, "a string")),
        }
    }

    pub(super) fn boolean(self, value: &str, name: &str) -> Result<bool, RoutesError> {
        match Kind::of(value) {
            Kind::Boolean => Ok(value == "true"),
            _ => Err(self.not(value, name, "true or false")),
        }
    }

    /// A whole number of `range`.
    pub(super) fn integer(
        self,
        value: &str,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, RoutesError> {
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (from, to) = range.into_inner();
            let wanted = match to {
                u64::MAX => format!("a whole number of at least {from}"),
                _ => format!("a whole number from {from} to {to}"),
            };
            self.error(value, format!("{name} must be {wanted}, got {value}"))
        })
    }
}
