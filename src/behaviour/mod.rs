//! The routes file, which customises the API by path: parses it, finds the rules for a request, renders templates.
//!
//! A string is a rewrite, an object a rule, a list of objects is tried in order. Of HTTP, this module knows only
//! methods, paths and status codes.

mod expression;
mod faults;
mod file;
mod pattern;
mod rewrite;
mod rule;
mod source;
mod template;

pub use expression::{bad_call, bounded, bounded_environment};
pub use faults::{Delay, Fail, Headers, How, Limit, Per, Quota, duration};
pub use file::{Explained, Matched, Part, RoutesFile};
#[cfg(feature = "cli")]
pub use pattern::METHODS;
pub use pattern::Parameters;
pub use rewrite::Rewriter;
pub use rule::{Action, CustomResponse, Mode, RequestParts, Rule, Verb, What};
pub use source::RoutesError;
pub use template::{Facts, Scope, Template, Text, value_of};
