//! What is printed at the start.

use std::fmt::Write;

use crate::disk::Durability;
use crate::http::encode;
use crate::server::{Options, Saving, Server};
use crate::store::Data;

/// The file, the resources with their URLs and counts, the rules file, the home page.
pub(super) fn banner(server: &Server, options: &Options) -> String {
    let host = match options.host.as_str() {
        "0.0.0.0" | "::" | "[::]" => "localhost",
        host => host,
    };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_string() };
    let base = format!("http://{host}:{}", server.port());
    let mut text = String::new();
    let saving = match options.saving {
        Saving::Memory => "  (kept in memory, the file is never written)",
        Saving::File(Durability::Written) => "  (written, not flushed)",
        Saving::File(Durability::Synced) => "",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "standin {}\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "  File       {}{saving}", options.file.display());
    let store = server.store();
    let lines: Vec<(String, String)> = store
        .resources()
        .map(|resource| {
            let count = match resource.data() {
                Data::Collection(rows) if rows.len() == 1 => "1 record".to_string(),
                Data::Collection(rows) => format!("{} records", rows.len()),
                Data::Object(_) => "object".into(),
                Data::Scalar(_) => "value, read only".into(),
            };
            (format!("{base}/{}", encode(resource.name())), count)
        })
        .collect();
    let width = lines.iter().map(|(url, _)| url.chars().count()).max().unwrap_or(0);
    for (number, (url, count)) in lines.iter().enumerate() {
        let label = if number == 0 { "Resources" } else { "" };
        let _ = writeln!(text, "  {label:<10} {url:<width$}  {count}");
    }
    if lines.is_empty() {
        let _ = writeln!(text, "  Resources  none; add one to the file, as {{\"users\": []}}");
    }
    match server.rules() {
        Some(path) => {
            let _ = writeln!(text, "  Rules      {}", path.display());
        }
        None => {
            let _ = writeln!(text, "  Rules      none; {} would hold them", beside(options));
        }
    }
    let _ = writeln!(text, "  Home       {base}/");
    if server.addresses().iter().any(|address| !address.ip().is_loopback()) {
        let _ = writeln!(text, "\n  Everybody on the network can read and change the data.");
    }
    let _ = writeln!(text, "\n  Stop with Ctrl+C.\n");
    text
}

fn beside(options: &Options) -> String {
    options.file.with_extension("schema.json").display().to_string()
}
