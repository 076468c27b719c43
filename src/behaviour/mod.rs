//! The routes file: what the API does, by path. Reads it, finds the rules for a request, renders templates.
//!
//! A string is a rewrite, an object a rule, a list of objects is tried in order. Nothing here knows HTTP beyond methods,
//! paths and the numbers of statuses.

mod bounds;
mod calls;
mod delay;
mod explain;
mod fail;
mod file;
mod limit;
mod pattern;
mod rewrite;
mod rule;
mod source;
mod template;

pub use bounds::{add_bounds, bounded};
pub use calls::bad_call;
pub use delay::{Delay, duration};
pub use explain::{Explained, Part};
pub use fail::{Fail, Headers, How};
pub use file::{Matched, RoutesFile};
pub use limit::{Limit, Per, Quota};
#[cfg(feature = "cli")]
pub use pattern::METHODS;
pub use pattern::Parameters;
pub use rewrite::Rewriter;
pub use rule::{Action, Answer, Facets, Mode, Rule, Verb, What};
pub use source::RoutesError;
pub use template::{Facts, Scope, Template, Text, value_of};
