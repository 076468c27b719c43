//! `--server`: sends the requests to a running service.

use std::time::Duration;

use ureq::http::{self, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, AsSendBody, SendBody};

use super::options::Options;
use super::service::{Request, Response, Service, ServiceError};
use super::text::is_one_of;

/// The timeout of a request, including its response, in seconds.
const TIMEOUT: u32 = 30;
/// The largest response body that is read.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// Parses the URL of a service, such as `localhost:8080/api`; a trailing slash is removed.
pub fn parse(url: &str) -> Result<String, ServiceError> {
    let url = match url.contains("://") {
        true => url.to_owned(),
        false => format!("http://{url}"),
    };
    let uri: Uri = url.parse()?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        Some("http" | "https") => Err("the URL has no host".into()),
        scheme => {
            let scheme = scheme.unwrap_or_default();
            Err(format!("only http and https are supported, not {scheme}").into())
        }
    }
}

/// Checks that the service at a parsed URL answers, whatever it answers.
pub fn ping(url: &str, options: &Options) -> Result<(), ServiceError> {
    let request = Request {
        method: "HEAD".to_owned(),
        target: "/".to_owned(),
        ..Request::default()
    };
    connect(url, options)?(&request).map(drop)
}

/// A client for the service at a parsed URL; paths are appended to it.
pub fn connect(url: &str, options: &Options) -> Result<Service, ServiceError> {
    let headers = options.headers.iter();
    let headers = headers.map(|header| match header.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(format!("--header `{header}` has no colon")),
    });
    let headers = headers.collect::<Result<Vec<_>, _>>()?;
    let timeout = Duration::from_secs(options.timeout.unwrap_or(TIMEOUT).into());
    let tls = TlsConfig::builder().disable_verification(options.insecure);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .tls_config(tls.build())
        .timeout_global(Some(timeout));
    let agent = Agent::new_with_config(config.build());
    let url = url.to_owned();
    Ok(Box::new(move |request: &Request| {
        let mut request = request.clone();
        // Headers of the command line replace placeholders of the page.
        request.headers.retain(|(name, _)| {
            let mut given = headers.iter();
            !given.any(|(given, _)| given.eq_ignore_ascii_case(name))
        });
        request.headers.extend(headers.iter().cloned());
        match &request.body {
            Some(body) => send(&agent, &url, &request, body.as_str()),
            None => send(&agent, &url, &request, SendBody::none()),
        }
    }))
}

fn send(
    agent: &Agent,
    url: &str,
    request: &Request,
    body: impl AsSendBody,
) -> Result<Response, ServiceError> {
    let mut message = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{url}{}", request.target));
    for (name, value) in &request.headers {
        const BY_CLIENT: &str = "host connection content-length accept-encoding transfer-encoding";
        if !is_one_of(&name.to_ascii_lowercase(), BY_CLIENT) {
            message = message.header(name, value);
        }
    }
    let mut response = agent.run(message.body(body)?).map_err(|error| {
        if let ureq::Error::Timeout(_) = error {
            return ServiceError::from("no response in time (--timeout sets the seconds)");
        }
        let text = error.to_string();
        match text.contains("certificate") {
            true => format!("{text}; --insecure accepts any certificate").into(),
            false => ServiceError::from(error),
        }
    })?;
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
    Ok(Response {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response
            .body_mut()
            .with_config()
            .limit(BODY_LIMIT)
            .read_to_vec()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let rows = [
            ("http://localhost:8080", Ok("http://localhost:8080")),
            ("localhost:8080/api/", Ok("http://localhost:8080/api")),
            ("http://[::1]:80", Ok("http://[::1]:80")),
            ("https://localhost", Ok("https://localhost")),
            ("ftp://localhost", Err("only http")),
            ("http:///x", Err("")),
        ];
        for (url, expected) in rows {
            match (parse(url), expected) {
                (Ok(parsed), Ok(expected)) => assert_eq!(parsed, expected),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{url}: {error}")
                }
                (parsed, _) => panic!("{url}: {parsed:?}"),
            }
        }
    }
}
