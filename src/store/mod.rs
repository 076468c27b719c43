//! Records and the questions asked of them. No async, no files, no clock.

pub mod plural;
pub mod query;
pub mod relations;
