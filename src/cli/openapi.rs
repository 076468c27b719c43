//! `standin openapi`: the OpenAPI document without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{OK, diagnose, fail_with};
use crate::http::{Body, HeaderMap, Method, Request, Uri, Version};
use crate::server::{Options, Sandbox, StartError};

#[derive(Debug, Args)]
pub(super) struct OpenApi {
    /// The data file [default: data/db.json, or else db.json]
    file: Option<PathBuf>,
    /// The rules file [default: NAME.schema.json beside NAME.json, if it is there]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl OpenApi {
    pub(super) fn run(self) -> ExitCode {
        let named = self.file.is_some();
        let mut options = Options::new(self.file.unwrap_or_else(super::usual_file));
        options.schema = self.schema;
        match document(&options) {
            Ok(text) => {
                // Who reads may have had enough.
                let _ = std::io::Write::write_all(&mut std::io::stdout(), &text);
                ExitCode::from(OK)
            }
            Err(error) => fail_with(&diagnose::start_error(&error, &options, named)),
        }
    }
}

/// What the server answers at `/-/openapi.json`, from a server within the process.
fn document(options: &Options) -> Result<Vec<u8>, StartError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| StartError::Unreadable { path: path.to_path_buf(), error })
    };
    let file = &options.file;
    let beside = file.with_extension("schema.json");
    let rules = options.schema.clone().or_else(|| beside.is_file().then_some(beside));
    let (data, schema) = (read(file)?, rules.as_deref().map(read).transpose()?);
    let rules = rules.as_deref().zip(schema.as_deref());
    let sandbox = Sandbox::open((file, &data), rules)?;
    let uri = Uri::from_static("/-/openapi.json");
    let (method, headers, body) = (Method::GET, HeaderMap::new(), Body::Whole(bytes::Bytes::new()));
    let answer = sandbox.call(Request { method, uri, headers, body, version: Version::HTTP_11, remote: None });
    let mut text = answer.into_body().to_vec();
    text.push(b'\n');
    Ok(text)
}
