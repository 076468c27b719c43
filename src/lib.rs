//! standin: a mock API server driven by a JSON file.
#![warn(missing_docs)]

pub mod json;
pub mod rewrite;
pub mod store;
