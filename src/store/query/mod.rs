//! The query of a list request: what its parameters mean, and which records they choose.
//!
//! json-server 0.17 is the base, the syntax of 1.0 is understood beside it; where the two disagree 0.17 wins. In order:
//!
//! 1. [`pairs`] splits and decodes the query string;
//! 2. [`Query::parse`] gives every parameter its meaning, or says which one has none;
//! 3. [`Query::select`] filters, searches, counts, sorts and cuts out the window.
//!
//! Relations (`_embed`, `_expand`) are carried out by [`super::relations`].

mod conditions;
mod error;
mod fields;
mod filter;
mod operators;
mod order;
mod pairs;
mod path;
mod pattern;
mod search;
mod sort;
mod value;
mod window;

mod parse;
mod select;

pub use error::{Fault, Notice, QueryError};
pub use fields::{Absent, Fields, Visit};
pub(in crate::store) use order::{Count, Field, Order, order};
pub(super) use search::is_telling;
pub(in crate::store) use sort::SortKey;

pub use operators::{OPERATORS, Op, Operator, RESERVED, Spelling, is_reserved};
pub use pairs::{encode, pairs, with_page};
pub use parse::{Query, names_in};
pub use pattern::MAX_PATTERN;
pub use select::Selection;
pub use value::text_form;
pub use window::{PageInfo, PageStyle};

#[cfg(test)]
mod tests;
