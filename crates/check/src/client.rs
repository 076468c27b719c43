//! The seam between the checker and whatever answers its requests.
//!
//! The checker builds [`Call`]s and reads [`Answer`]s; who answers is decided
//! by the caller, who passes an [`Opener`]; with [`Options::server`](crate::Options) it is a real service.

use std::path::PathBuf;
use std::sync::Arc;

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
