//! Integration tests: real HTTP on a free port, real files in temporary folders.
//!
//! One binary, to keep the build short. All tests run in parallel; none sleeps, they poll with a deadline.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;
#[cfg(unix)]
mod wire;

mod page;
mod pages;

mod errors;
mod ids;
mod on_delete;
mod reference_pages;
mod references;
mod relations;
mod tries;
mod verbs;

mod cases;
mod concurrency;
mod costly;
mod crash;
mod edits;
mod faults;
mod file;
mod fixing;
mod fuzz_corpus;
mod in_words;
mod judged;
mod labelled;
mod load;
mod lock;
mod mentioned;
mod mistakes;
mod model;
mod omitted;
mod private;
mod process;
mod queries;
mod raw;
mod stale;
mod stated;
#[cfg(unix)]
mod stopping;
mod stress;
mod styles;
mod surroundings;
#[cfg(unix)]
mod terminal;

mod actions_crash;
mod admin;
mod architecture;
mod arrays;
mod behaviour;
mod config_file;
mod control_characters;
mod cross_site;
mod described;
mod events;
mod explorer;
mod hints;
mod login;
mod openapi;
mod options;
mod other_cases;
mod profiles;
mod promises;
mod routes;
mod rules_reload;
mod shapes;

mod check;
mod cli;
mod commands;
mod embedding;
mod examples;
mod service;

mod clients;
// Some cases type into a terminal.
#[cfg(unix)]
mod conformance;
mod odd_data;
