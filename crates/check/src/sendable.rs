//! The request to send for an example, or why none is sent.

use super::example::Example;
use super::found::{self, Problem};
use super::options::Options;
use super::outcome::Finding;
use super::page::Page;
use super::service::Request;
use super::text::nearest;
use super::url::{self, Resolved, TargetHosts};
use super::variables;

/// The hosts and the prefix from the command line and the page's front matter.
pub fn target_hosts(page: &Page, options: &Options) -> TargetHosts {
    let names = options.hosts.iter().map(|host| host.to_lowercase());
    let mut hosts = TargetHosts {
        names: names.collect(),
        prefix: options.prefix.clone(),
        is_secure: url::is_secure(&page.text),
    };
    if let Some(server) = &page.front.server_url {
        let bare = url::without_scheme(server);
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        hosts.names.push(name.to_lowercase());
        let path = path.trim_matches('/');
        if hosts.prefix.is_none() && !path.is_empty() {
            hosts.prefix = Some(format!("/{path}"));
        }
    }
    hosts.prefix = hosts.prefix.or_else(|| page.front.prefix.clone());
    hosts
}

/// What can be sent for an example.
pub enum Sendable {
    Request(Request),
    Wrong(Vec<Finding>),
    Skip(String),
}

/// The request to send, or why there is none. Values that earlier examples saved replace `{name}` and `$name`.
pub fn sendable(
    page: &Page,
    example: &Example,
    hosts: &TargetHosts,
    saved: &[(String, String)],
) -> Sendable {
    let found = &example.request;
    let written = found.written.clone().map(|mut written| {
        variables::substitute(&mut written.request, saved);
        written
    });
    let resolved = written
        .as_ref()
        .map(|written| url::resolve(&written.request.target, hosts));
    let template = |placeholder: &str| format!("a template: `{placeholder}` is a placeholder");
    let skipped = match (&found.problem, &resolved) {
        (_, Some(Resolved::Foreign(host))) => Some(format!(
            "goes to {host}, which is not this server (see --host)"
        )),
        (Some(Problem::Skip(reason)), _) => Some(reason.clone()),
        (Some(Problem::BodyFile(file)), _) => Some(format!(
            "the body is read from the file `{file}`; put it in the command, or show it above, to have it checked"
        )),
        (Some(Problem::NoBody), _) => Some("an endpoint without a request body".to_owned()),
        (_, Some(Resolved::Template(placeholder))) => {
            if let Some(text) = misspelt_variable(placeholder, saved) {
                return Sendable::Wrong(vec![Finding::new(example.url_range(page), text)]);
            }
            Some(template(placeholder))
        }
        // A saved value may have taken the place of the placeholder.
        (Some(Problem::Template), _) => {
            let written = written.as_ref();
            let placeholder = written.and_then(|written| found::placeholder(&written.request));
            placeholder.as_deref().map(template)
        }
        _ => None,
    };
    if let Some(reason) = skipped {
        return Sendable::Skip(reason);
    }
    let Some(fence) = page.fence(example.fence) else {
        return Sendable::Wrong(Vec::new());
    };
    let mut findings = Vec::new();
    if let Some(Problem::Mistakes(mistakes)) = &found.problem {
        findings.extend(mistakes.iter().map(|mistake| {
            let range = fence.source_range(&mistake.span);
            let text = mistake.message(page.line(range.start));
            Finding {
                range,
                text,
                fix: mistake.fix.clone(),
            }
        }));
    }
    match (written, resolved) {
        (Some(written), Some(Resolved::Target(target))) if findings.is_empty() => {
            let mut request = written.request;
            let url = std::mem::replace(&mut request.target, target);
            // The server's responses name the address that was asked.
            if let Some(host) = url::this_machine(&url) {
                request.default_header("Host", host);
            }
            Sendable::Request(request)
        }
        // A mistake in a part of a program may be meant for another server.
        (Some(_), Some(Resolved::Wrong(text, _))) if !example.is_shown() => {
            Sendable::Skip(format!("{}; {text}", found.program().unwrap_or_default()))
        }
        (Some(written), Some(Resolved::Wrong(text, fix))) => {
            let range = fence.source_range(&written.url_span);
            findings.push(Finding {
                range,
                text,
                fix: Some(fix),
            });
            Sendable::Wrong(findings)
        }
        _ => Sendable::Wrong(findings),
    }
}

/// The message for a placeholder that has almost the name of a saved value.
fn misspelt_variable(placeholder: &str, saved: &[(String, String)]) -> Option<String> {
    let name = placeholder.trim_matches(['{', '}', '$', '<', '>', ':', ' ']);
    let near = nearest(name, saved.iter().map(|(name, _)| name.as_str()))?;
    Some(format!("`{name}` is not saved, did you mean `{near}`?"))
}
