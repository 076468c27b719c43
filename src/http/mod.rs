//! HTTP: translates requests to queries and commands, and their results to responses. The only folder that uses warp.
//!
//! `routes` is the table of contents: warp filters, and the handler of each. Connections are served by hyper over them.
//! Errors are responses, never rejections.

mod admin;
mod api;
mod app;
mod body;
mod connection;
mod costly;
mod cross_site;
mod custom_response;
mod events;
mod explore;
mod guard;
mod hot_reload;
mod idempotency;
mod list;
mod login;
mod problem;
mod profile;
mod request;
mod request_log;
mod response;
mod route_rules;
mod routes;
mod settings;
mod socket;
mod static_files;
mod target;
mod web_pages;
mod write;

pub use app::{AccessLogEntry, App};
pub use connection::serve;
pub use hot_reload::{Routes, WatchedFile, Watching, read, read_profile};
pub use problem::Problem;
pub use profile::Profile;
pub use request::{Body, Request};
pub use routes::LocalService;
pub use settings::{AllowedOrigin, Limits, Origin, Settings, is_loopback};
pub use warp::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version,
};
