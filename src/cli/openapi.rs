//! `standin openapi`: the OpenAPI document without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{OK, fail};
use crate::http::{Body, HeaderMap, Method, Request};
use crate::server::{Sandbox, StartError};

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
        match self.document() {
            Ok(text) => {
                // Who reads may have had enough.
                let _ = std::io::Write::write_all(&mut std::io::stdout(), &text);
                ExitCode::from(OK)
            }
            Err(words) => fail(&words),
        }
    }

    /// What the server answers at `/-/openapi.json`, from a server within the process.
    fn document(self) -> Result<Vec<u8>, String> {
        let file = self.file.unwrap_or_else(super::usual_file);
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        let beside = file.with_extension("schema.json");
        let rules = self.schema.or_else(|| beside.is_file().then_some(beside));
        let (data, schema) = (read(&file)?, rules.as_deref().map(read).transpose()?);
        let rules = rules.as_deref().zip(schema.as_deref());
        let sandbox = Sandbox::open((&file, &data), rules).map_err(|error| words(&error))?;
        let uri = "/-/openapi.json".parse().map_err(|_| "the address of the document is broken".to_string())?;
        let (method, headers, body) = (Method::GET, HeaderMap::new(), Body::Whole(bytes::Bytes::new()));
        let answer = sandbox.call(Request { method, uri, headers, body, remote: None });
        let mut text = answer.into_body().to_vec();
        text.push(b'\n');
        Ok(text)
    }
}

fn words(error: &StartError) -> String {
    format!("{error}\n  help: `standin serve` shows what is wrong, with the lines")
}
