//! Documentation checking: [`standin_check`] with its requests answered by an in-memory copy of the server.

pub use standin_check::*;

use crate::server::{Request as ServerRequest, Sandbox};

/// Opens an in-memory server over the data: the [`Opener`] of a normal run. The file is not touched.
///
/// # Errors
/// The data or the rules are broken; the error names the file.
pub fn in_process(data: &TextFile, rules: Option<&TextFile>) -> Result<Service, ServiceError> {
    let rules = rules.map(|rules| (rules.path.as_path(), &*rules.text));
    let sandbox = Sandbox::open((&data.path, &data.text), rules).map_err(|error| error.to_string())?;
    Ok(Box::new(move |request: &Request| {
        let mut headers = request.headers.clone();
        // A compressed response would have to be decompressed to be compared.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
        let body = request.body.clone().unwrap_or_default().into_bytes();
        let request = ServerRequest::within(&request.method, &request.target, &headers, body)?;
        let response = sandbox.call(request);
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Response { status: response.status().as_u16(), headers, body: response.into_body().to_vec() })
    }))
}
