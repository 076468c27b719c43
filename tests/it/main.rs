//! The whole of standin from the outside: real HTTP on a free port, real files in folders of their own.
#![allow(clippy::unwrap_used)]

mod wire;

mod clients;
mod conformance;
mod odd_data;
