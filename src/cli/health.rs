//! `standin health`: whether a server answers, for the health check of a container.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{OK, write_error};
use crate::text::printable_lines;

/// What container runtimes take for "unhealthy".
const UNHEALTHY: u8 = 1;
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Health {
    /// The server's address
    #[arg(default_value = "http://localhost:3000")]
    url: String,
}

impl Health {
    pub(super) fn run(&self) -> ExitCode {
        match ask(&self.url) {
            Ok(()) => ExitCode::from(OK),
            Err(message) => {
                write_error(&printable_lines(&format!(
                    "error: {}: {message}\n",
                    self.url
                )));
                ExitCode::from(UNHEALTHY)
            }
        }
    }
}

fn ask(url: &str) -> Result<(), String> {
    if let Some(rest) = url.strip_prefix("https://") {
        return Err(format!("standin serves http: standin health http://{rest}"));
    }
    let base = if url.contains("://") {
        url.to_string()
    } else {
        format!("http://{url}")
    };
    // A proxy that the environment names is not part of the server's health.
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None);
    let agent = ureq::Agent::new_with_config(config.http_status_as_error(false).build());
    let reply = agent
        .get(format!("{}/-/health", base.trim_end_matches('/')))
        .call();
    let mut reply = reply.map_err(|error| format!("no response: {error}"))?;
    if reply.status() != 200 {
        return Err(format!("/-/health has the status {}", reply.status()));
    }
    let body = reply
        .body_mut()
        .read_to_string()
        .map_err(|error| format!("no whole response: {error}"))?;
    match serde_json::from_str::<Value>(&body) {
        Ok(health) if health["status"] == "ok" => Ok(()),
        // It responds; to start it again would not repair its file.
        Ok(health) if health["status"] == "degraded" => {
            let reason = &health["reason"]["message"];
            write_error(&printable_lines(&format!("warning: {url}: {reason}\n")));
            Ok(())
        }
        _ => Err("the response of /-/health is not that of a healthy standin".into()),
    }
}
