//! The banner that is printed at the start.

use std::fmt::Write;
use std::net::IpAddr;

use super::style::{LABEL, TITLE, URL, WARNING};
use crate::behaviour::Delay;
use crate::file::Durability;
use crate::http::Settings;
use crate::server::{Options, Saving, Server};
use crate::text::path_encode;
use crate::text::printable;

/// The address of the server, without a slash at the end.
pub(super) fn base_url(server: &Server, options: &Options) -> String {
    let host = match options.host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => "localhost".to_string(),
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => options.host.clone(),
    };
    format!("http://{host}:{}", server.port())
}

/// The file, the resources with their URLs and counts, the options in effect, and next steps. `opened`: what a config
/// file exposes. `has_keyboard`: the program receives what is typed.
pub(super) fn banner(
    server: &Server,
    options: &Options,
    opened: Option<&str>,
    has_keyboard: bool,
) -> String {
    let http = &options.http;
    let mut banner = Banner(format!(
        "{TITLE}standin {}{TITLE:#}\n\n",
        env!("CARGO_PKG_VERSION")
    ));
    let saving = match options.saving {
        Saving::Memory => {
            "  (changes stay in memory; the file is never written, and edits of it are not read)"
        }
        Saving::File(Durability::Written) => "  (written without fsync)",
        Saving::File(Durability::Synced) => "",
    };
    banner.line("File", &format!("{}{saving}", options.file.display()));
    banner.resources(server, &base_url(server, options));
    match server.rules() {
        Some(path) => banner.line("Rules", &path.display().to_string()),
        None => {
            let beside = options.file.with_extension("schema.json");
            let how = format!("none (create {} to add some)", beside.display());
            banner.line("Rules", &how);
        }
    }
    banner.options(http);
    if let Some(opened) = opened {
        banner.line("Config", opened);
    }
    if let Some(folder) = &http.folder {
        banner.line("Static", &folder.display().to_string());
    }
    if !http.admin {
        banner.line("Admin", "off");
    }
    banner.addresses(server, options);
    banner.0.push('\n');
    let mut bound = server.addresses().iter();
    if bound.any(|address| !address.ip().is_loopback()) {
        let can = match http.read_only {
            true => "read",
            false => "read and change",
        };
        banner.sentence(&format!(
            "{WARNING}Anyone on the network can {can} the data.{WARNING:#}"
        ));
    }
    if options.watch && options.saving != Saving::Memory {
        banner.sentence("Watching the file for changes.");
    }
    if has_keyboard {
        banner.sentence("Type s and Enter to save a snapshot.");
    }
    banner.sentence("Press Ctrl+C to stop.");
    banner.0.push('\n');
    banner.0
}

struct Banner(String);

impl Banner {
    fn line(&mut self, label: &str, text: &str) {
        self.styled(label, &printable(text));
    }

    /// A line whose text has styles.
    fn styled(&mut self, label: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "  {LABEL}{label:<10}{LABEL:#} {text}");
    }

    fn sentence(&mut self, text: &str) {
        let _ = writeln!(self.0, "  {text}");
    }

    /// The options that change the responses.
    fn options(&mut self, http: &Settings) {
        if http.read_only {
            self.line("Read-only", "GET, HEAD and OPTIONS only");
        }
        if http.delay != Delay::default() {
            self.line(
                "Delay",
                &format!("{} before every API response", http.delay),
            );
        }
        let routes = http.routes.as_ref().map(|routes| routes.current());
        if let Some(path) = routes.and_then(|routes| routes.path.clone()) {
            self.line("Routes", &path.display().to_string());
            self.line("Seed", &seed(http.seed));
        }
    }

    /// The URLs of the server, and the command that resets the data.
    fn addresses(&mut self, server: &Server, options: &Options) {
        let (port, base) = (server.port(), base_url(server, options));
        let bound: Option<IpAddr> = options.host.trim_matches(['[', ']']).parse().ok();
        let everywhere = bound.is_some_and(|ip| ip.is_unspecified());
        self.styled("Home", &format!("{URL}{base}/{URL:#}"));
        if everywhere {
            for address in network_addresses(bound.is_some_and(|ip| ip.is_ipv6())) {
                self.styled("Network", &format!("{URL}http://{address}:{port}/{URL:#}"));
            }
        }
        let is_local = everywhere
            || options.host.eq_ignore_ascii_case("localhost")
            || bound.is_some_and(|ip| ip.is_loopback());
        if options.http.admin && !options.http.read_only && is_local {
            self.line("Reset", &format!("curl -X POST {base}/-/reset"));
        }
    }

    fn resources(&mut self, server: &Server, base: &str) {
        let store = server.store();
        let lines: Vec<(String, String)> = store
            .resources()
            .map(|resource| {
                let url = format!("{base}/{}", path_encode(resource.name()));
                (url, resource.size_in_words())
            })
            .collect();
        let width = lines
            .iter()
            .map(|(url, _)| url.chars().count())
            .max()
            .unwrap_or(0);
        for (number, (url, size)) in lines.iter().enumerate() {
            let label = if number == 0 { "Resources" } else { "" };
            self.styled(label, &format!("{URL}{url:<width$}{URL:#}  {size}"));
        }
        if lines.is_empty() {
            self.line(
                "Resources",
                "none yet; add one, for example {\"users\": []}",
            );
        }
    }
}

/// The addresses at which other machines reach this one.
fn network_addresses(with_ipv6: bool) -> Vec<String> {
    // Without them the banner is one line shorter.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let shown = interfaces
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local());
    shown
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(ip) => Some(ip.to_string()),
            IpAddr::V6(ip) if with_ipv6 => Some(format!("[{ip}]")),
            IpAddr::V6(_) => None,
        })
        .collect()
}

/// The seed of random choices, and how to repeat a run with it.
pub(super) fn seed(seed: u64) -> String {
    format!("{seed} (repeat this run with --seed {seed})")
}
