//! `standin openapi`: the OpenAPI document without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{diagnose, fail_with, print};
use crate::server::{Options, Sandbox, StartError};

#[derive(Debug, Args)]
pub(super) struct OpenApi {
    /// The data file [default: data/db.json, or else db.json]
    file: Option<PathBuf>,
    /// Rules file [default: NAME.schema.json beside NAME.json, if it exists]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl OpenApi {
    pub(super) fn run(self) -> ExitCode {
        let named = self.file.is_some();
        let mut options = Options::new(self.file.unwrap_or_else(super::usual_file));
        options.schema = self.schema;
        match document(&options) {
            Ok(text) => print(&text),
            Err(error) => fail_with(&diagnose::start_error(&error, &options, named)),
        }
    }
}

/// What a server answers at `/-/openapi.json`.
fn document(options: &Options) -> Result<Vec<u8>, StartError> {
    let response = Sandbox::open(options)?.call("GET", "/-/openapi.json", &[], Vec::new())?;
    let mut text = response.into_body().to_vec();
    text.push(b'\n');
    Ok(text)
}
