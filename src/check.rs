//! Documentation checking: runs [`standin_check`] against an in-memory server.

use std::sync::Arc;

use standin_check::{Request, Response, Service, ServiceError, TextFile};

use crate::http;
use crate::server::{Options, Sandbox};
use crate::text::with_causes;

/// Opens an in-memory server on the data: the [`Opener`](standin_check::Opener) of a normal run. The file is not
/// changed.
///
/// # Errors
/// The data or the rules are broken; the error names the file.
pub fn in_process(data: &TextFile, rules: Option<&TextFile>) -> Result<Service, ServiceError> {
    let mut options = Options::new(&data.path);
    options.data = Some(data.text.to_string());
    options.schema = rules.map(|rules| rules.path.clone());
    options.rules = rules.map(|rules| rules.text.to_string());
    let routes = std::path::Path::new(&data.path).with_extension("routes.json");
    if let Ok(text) = std::fs::read_to_string(&routes) {
        let routes = http::read(&routes, &text).map_err(|error| error.to_string())?;
        options.http.routes = Some(Arc::new(routes.into()));
    }
    let sandbox = Sandbox::open(&options).map_err(|error| with_causes(&error))?;
    Ok(Box::new(move |request: &Request| {
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        // A compressed response would have to be decompressed to be compared.
        let headers: Vec<_> = headers
            .filter(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"))
            .collect();
        let body = request.body.clone().unwrap_or_default().into_bytes();
        let response = sandbox.call(&request.method, &request.target, &headers, body)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        Ok(Response {
            status: response.status().as_u16(),
            headers,
            body: response.into_body().to_vec(),
        })
    }))
}
