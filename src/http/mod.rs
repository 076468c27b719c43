//! HTTP: from requests to queries and commands, and from their results to responses. The only folder that uses warp.
//!
//! `routes` is the table of contents: warp filters, and the handler of each. Connections are served by hyper over them.
//! Errors are responses, never rejections.

mod admin;
mod api;
mod app;
mod behave;
mod body;
mod connection;
mod costly;
mod cross_site;
mod events;
mod explore;
mod explorer;
mod guard;
mod head;
mod hot_reload;
mod idempotency;
mod list;
mod login;
mod origin;
mod own_answer;
mod preferences;
mod problem;
mod profile;
mod progress;
mod reference;
mod request;
mod request_log;
mod response;
mod routes;
mod routes_file;
mod rules_file;
mod settings;
mod shaping;
mod sign_in;
mod socket;
mod static_files;
mod steps;
mod suggest;
mod target;
mod write;

pub use app::{AccessLogEntry, App};
pub use connection::serve;
pub use hot_reload::{WatchedFile, Watching};
pub use origin::{AllowedOrigin, Origin, is_loopback};
pub use problem::Problem;
pub use profile::Profile;
pub use request::{Body, Request, encode};
pub use routes::LocalService;
pub use routes_file::{Routes, read, read_profile};
pub use settings::{Limits, Settings};
pub use warp::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version,
};
