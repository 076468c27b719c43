//! Back to a command, and the encodings that curl does itself.

use super::Request;
use crate::check::url::encode_component;
use crate::words::shell_word;

/// What `--data-urlencode` makes of its value; nothing if it names a file.
pub(super) fn encode(value: &str) -> Option<String> {
    let (name, content) = match value.find(['=', '@']) {
        Some(at) if value.as_bytes()[at] == b'@' => return None,
        Some(0) => ("", &value[1..]),
        Some(at) => (&value[..=at], &value[at + 1..]),
        None => ("", value),
    };
    Some(format!("{name}{}", encode_component(content)))
}

/// Base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (group >> (18 - 6 * place)) & 63;
                out.push(char::from(LETTERS[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Writes a request as a curl command on one line, to be pasted into a shell.
#[must_use]
pub fn render(request: &Request) -> String {
    let mut out = String::from("curl");
    let implied = if request.body.is_some() { "POST" } else { "GET" };
    if request.method != implied {
        out.push_str(" -X ");
        out.push_str(&shell_word(&request.method));
    }
    for (name, value) in &request.headers {
        out.push_str(" -H ");
        out.push_str(&shell_word(&format!("{name}: {value}")));
    }
    if let Some(body) = &request.body {
        out.push_str(" --data-raw ");
        out.push_str(&shell_word(body));
    }
    out.push_str(" --url ");
    out.push_str(&shell_word(&request.url));
    out
}
