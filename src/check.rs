//! Documentation checking: [`standin_check`] with its requests answered by an in-memory copy of the server.

pub use standin_check::*;

use crate::server::{Request, Sandbox};

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
