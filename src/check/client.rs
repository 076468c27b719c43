//! The seam between the checker and whatever answers its requests.
//!
//! The checker builds [`Call`]s and reads [`Answer`]s; who answers is decided
//! by the composition root, which passes an [`Opener`]. In a normal run that
//! is an in-memory copy of the server, with `--server` it is a real service.

use std::path::PathBuf;
use std::sync::Arc;

use crate::server::{Request, Sandbox};

/// One HTTP request as it would leave a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The verb in upper case.
    pub method: String,
    /// Path and query, percent-encoded, beginning with `/`.
    pub target: String,
    /// Header names and values in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// What came back for a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// Header names and values as received.
    pub headers: Vec<(String, String)>,
    /// The body, decoded from any transfer or content encoding.
    pub body: Vec<u8>,
}

/// The text of a database and of the rules that stand beside it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where the text was read from; used in messages only.
    pub path: PathBuf,
    /// The JSON text of the database.
    pub text: Arc<str>,
    /// The text of the rules (`<name>.schema.json`), when there are any.
    pub schema: Option<Arc<str>>,
    /// Where the rules were read from; used in messages only.
    pub schema_path: Option<PathBuf>,
}

/// Something that answers calls and keeps its own state between them.
///
/// The error is a sentence for the reader of the report: the call could not be
/// made at all (a real service that is offline, for example).
pub type Service = Box<dyn FnMut(&Call) -> Result<Answer, String> + Send>;

/// Opens a fresh, in-memory service over a database; the file is never touched.
///
/// # Errors
/// A sentence saying why the database cannot be served.
pub type Opener<'a> = dyn Fn(&Database) -> Result<Service, String> + Sync + 'a;

/// Serves a fresh copy of a database within the process: the [`Opener`] of a
/// normal run.
///
/// # Errors
/// The data or the rules are broken; the sentence names the file.
pub fn in_process(database: &Database) -> Result<Service, String> {
    let rules = database.schema.as_deref().map(|text| {
        let path = database.schema_path.as_deref().unwrap_or(&database.path);
        (path, text)
    });
    let sandbox = Sandbox::open((&database.path, &database.text), rules).map_err(|error| error.to_string())?;
    Ok(Box::new(move |call: &Call| {
        let mut headers = call.headers.clone();
        // A packed answer would have to be unpacked to be compared.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
        let request = Request::within(&call.method, &call.target, &headers, call.body.clone())?;
        let response = sandbox.call(request);
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Answer { status: response.status().as_u16(), headers, body: response.into_body().to_vec() })
    }))
}

impl Answer {
    /// The body as text, or nothing if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The body as JSON; nothing when it is empty or not JSON.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}
