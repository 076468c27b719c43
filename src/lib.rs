//! standin: a mock API server driven by a JSON file.
//!
//! The modules are floors: each may use those above it in this list, and none below. `docs/architecture.md` says what
//! each holds and what it never does.
#![warn(missing_docs)]

pub mod json;
pub mod words;

pub mod disk;
pub mod schema;
pub mod store;

pub mod engine;

pub mod openapi;

pub mod http;

pub mod server;

#[cfg(feature = "check")]
pub mod check;

#[cfg(feature = "cli")]
pub mod cli;
