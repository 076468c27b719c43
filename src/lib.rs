//! A mock API server driven by a JSON file, as a library: the same server as the program `standin`.
//!
//! ```
//! use standin::Server;
//!
//! let server = Server::from_json(serde_json::json!({"users": [{"id": 1, "name": "Ada"}]}))?;
//! // Any HTTP client will do.
//! let mut response = ureq::get(format!("{}/users/1", server.url())).call()?;
//! assert!(response.body_mut().read_to_string()?.contains("Ada"));
//! drop(server); // stops it
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Server::start`] serves a file and takes all other [`Options`]. A server has its own threads, so starting, using
//! and dropping one works the same from blocking and from async code.
//!
//! # Features
//!
//! Both are on by default; a test that embeds the server needs neither.
//!
//! - `cli`: the program (needs clap).
//! - `check`: `standin check` and [`in_process`] (needs `standin-check` and its Markdown parser).
#![warn(missing_docs)]
// Re-exports that only `internals` needs.
#![cfg_attr(not(feature = "internals"), allow(unused_imports))]

mod behaviour;
mod engine;
mod file;
mod http;
mod json;
mod memory;
mod openapi;
mod problems;
mod query;
mod rules;
mod schema;
mod server;
mod store;
mod text;
mod work;

#[cfg(feature = "check")]
mod check;
#[cfg(feature = "cli")]
mod cli;

pub use behaviour::{Delay, RoutesError, RoutesFile};
pub use engine::{
    Cause, Fault, Faults, LossCause, Notice, RepeatedIds, ResourceChanges, RulesFault,
};
pub use file::{Durability, Recovered};
pub use http::{AccessLogEntry, AllowedOrigin, Limits, Origin, Routes, Settings};
pub use json::Id;
pub use rules::OnDelete;
pub use schema::{SchemaError, SchemaProblem};
pub use server::{Listeners, Options, Sandbox, Saving, Server, StartError};

#[cfg(feature = "check")]
pub use check::in_process;
#[cfg(feature = "cli")]
pub use cli::run;

/// The modules behind the public interface, for the crash tests, the fuzz targets and the benchmarks of this project,
/// which run parts of the server without HTTP or on a simulated disk. It is a separate feature, so that a normal build
/// still finds dead code; anything here may change in any release.
#[cfg(feature = "internals")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod internals {
    macro_rules! all_of {
        ($($module:ident)*) => { $(pub mod $module { pub use crate::$module::*; })* };
    }
    all_of! { behaviour engine file http json memory problems query rules schema server store text work }
}

/// Runs the Rust examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
