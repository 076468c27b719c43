//! The query of a list request: what its parameters mean, and which records it selects.
//!
//! json-server 0.17 is the base, the syntax of 1.0 is understood beside it; where the two disagree 0.17 wins. In order:
//!
//! 1. [`pairs`] splits and decodes the query string;
//! 2. [`Query::parse`] gives every parameter its meaning, or says which one has none;
//! 3. [`Collection::run`](crate::store::Collection::run) finds the records by an index or a scan, sorts them and cuts out
//!    the page;
//! 4. [`Relations`] puts related records into them (`_embed`, `_expand`).

mod error;
mod fields;
mod filter;
mod page;
mod parameters;
mod parse;
mod pattern;
mod relations;
mod run;

pub use error::{Fault, Notice, QueryError};
pub use fields::Fields;
pub use page::{PageInfo, PageStyle};
pub use parameters::{names_in, pairs, with_page};
pub use parse::Query;
pub use pattern::MAX_PATTERN;
pub use relations::Relations;
pub use run::{Page, Row};

#[cfg(test)]
mod tests;
