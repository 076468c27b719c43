//! HTTP: requests to commands and queries, answers and problems. The only folder that says `warp`.
//!
//! There is one filter and one dispatch on method and target; nothing is ever rejected, every error is an answer. The
//! same [`App::respond`] serves a connection and a call within the process.

mod admin;
mod app;
mod body;
mod events;
mod explorer;
mod filter;
mod framing;
mod list;
mod meta;
mod problem;
mod reply;
mod request;
mod request_line;
mod requests;
mod rewrite;
mod routes;
mod serve;
mod settings;
mod static_files;
mod suggest;
mod target;
mod write;

pub use app::{App, Entry};
pub use problem::{KINDS, Kind, Problem};
pub use request::{Body, Request, encode};
pub use rewrite::{RewriteError, Rewriter};
pub use routes::{Routes, RoutesWatch, follow};
pub use serve::{Limits, serve};
pub use settings::Settings;
pub use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version};
