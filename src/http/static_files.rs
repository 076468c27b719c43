//! Static files: byte ranges, entity tags, streaming of large ones, and no path traversal.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use warp::http::{HeaderValue, Method, Response, StatusCode, header};

use super::app::Reply;
use super::problem::{self, Problem};
use super::request::{Request, segments};
use super::response::{self, FileBody};
use crate::text::path_encode;

/// Larger files are streamed, and not compressed.
const MAX_WHOLE: u64 = 1024 * 1024;

/// A file or folder at a path.
#[derive(Debug, Clone)]
pub(super) enum Found {
    File(PathBuf),
    /// A folder with an index, requested without the slash at its end.
    Redirect(String),
}

/// Finds the file at `path`, percent-encoded, in `folder`, on a blocking thread.
pub(super) async fn find(folder: PathBuf, path: String) -> Option<Found> {
    tokio::task::spawn_blocking(move || find_in(&folder, &path))
        .await
        .ok()
        .flatten()
}

/// Sends what was found.
pub(super) async fn answer(found: Found, request: Arc<Request>) -> Reply {
    let read = move || match found {
        Found::File(path) => send(&request, &path),
        Found::Redirect(location) => {
            let mut response = response::empty(StatusCode::MOVED_PERMANENTLY);
            response::set(&mut response, header::LOCATION, location);
            Ok(response)
        }
    };
    let failed = |_| Err(Problem::new(problem::BUG, "the file could not be read"));
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(failed)
}

fn gone(request: &Request) -> Problem {
    let detail = format!("there is nothing at {}", request.uri.path());
    Problem::new(problem::NO_RESOURCE, detail)
}

/// `root` is canonical.
fn find_in(root: &Path, path: &str) -> Option<Found> {
    let segments = segments(path)?;
    let mut file = root.to_path_buf();
    for segment in &segments {
        // Dot files are private by convention; a separator or NUL in a decoded name would change what the path means.
        if segment.is_empty()
            || segment.starts_with('.')
            || segment.contains(['/', '\\', '\0', ':'])
        {
            return None;
        }
        file.push(segment.as_ref());
    }
    let mut file = fs::canonicalize(file).ok()?;
    if file.is_dir() {
        if !path.ends_with('/') {
            file.join("index.html").is_file().then_some(())?;
            let encoded: Vec<_> = segments
                .iter()
                .map(|segment| path_encode(segment))
                .collect();
            return Some(Found::Redirect(format!("/{}/", encoded.join("/"))));
        }
        file = fs::canonicalize(file.join("index.html")).ok()?;
    } else if path.ends_with('/') {
        return None;
    }
    // A symbolic link may point out of the folder, or to a dot file in it.
    let inside = file.strip_prefix(root).ok()?;
    let is_private =
        |part: std::path::Component| part.as_os_str().as_encoded_bytes().starts_with(b".");
    (!inside.components().any(is_private) && file.is_file()).then_some(Found::File(file))
}

/// The response with a file.
fn send(request: &Request, path: &Path) -> Result<Response<Bytes>, Problem> {
    let unread = |_| gone(request);
    let mut file = File::open(path).map_err(unread)?;
    let about = file.metadata().map_err(unread)?;
    let size = about.len();
    let modified = about.modified().ok();
    let age = modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |age| age.as_nanos());
    let tag = format!("\"{size:x}-{age:x}\"");
    let modified = modified.map(httpdate::fmt_http_date);
    let is_known = request
        .list(header::IF_NONE_MATCH)
        .is_some_and(|list| response::names(&list, &tag));
    let range = request.header(header::RANGE).filter(|_| {
        // A range of another version of the file would not fit what the client has. If the client has the file, the
        // response is 304, whatever the range.
        let fits = |known| known == tag || Some(known) == modified.as_deref();
        !is_known && request.header(header::IF_RANGE).is_none_or(fits)
    });
    let (status, from, length) = match range.and_then(|range| parse_range(range, size)) {
        None => (StatusCode::OK, 0, size),
        Some(Some((from, to))) => (StatusCode::PARTIAL_CONTENT, from, to - from + 1),
        Some(None) => return Err(no_such_range(size)),
    };
    file.seek(SeekFrom::Start(from)).map_err(unread)?;
    let mut response = Response::new(Bytes::new());
    if length > MAX_WHOLE {
        response.extensions_mut().insert(FileBody {
            file: Arc::new(file),
            length,
            is_head: request.method == Method::HEAD,
        });
    } else {
        let mut body = Vec::new();
        file.take(length).read_to_end(&mut body).map_err(unread)?;
        *response.body_mut() = Bytes::from(body);
    }
    *response.status_mut() = status;
    let kind = mime_guess::from_path(path)
        .first_raw()
        .unwrap_or("application/octet-stream");
    let is_text =
        kind.starts_with("text/") || matches!(kind, "application/javascript" | "application/json");
    let charset = if is_text { "; charset=utf-8" } else { "" };
    let range = (status == StatusCode::PARTIAL_CONTENT)
        .then(|| format!("bytes {from}-{}/{size}", from + length - 1));
    for (name, text) in [
        (header::CONTENT_TYPE, Some(format!("{kind}{charset}"))),
        (header::ACCEPT_RANGES, Some("bytes".into())),
        (header::CACHE_CONTROL, Some("public, max-age=0".into())),
        (header::ETAG, Some(tag)),
        (header::LAST_MODIFIED, modified),
        (header::CONTENT_RANGE, range),
    ] {
        if let Some(value) = text {
            response::set(&mut response, name, value);
        }
    }
    Ok(response)
}

fn no_such_range(size: u64) -> Problem {
    let whole = HeaderValue::try_from(format!("bytes */{size}"))
        .unwrap_or(HeaderValue::from_static("bytes */*"));
    Problem::new(problem::RANGE, format!("the file has {size} bytes"))
        .header(header::CONTENT_RANGE, whole)
        .hint("request a range within the file, for example `Range: bytes=0-99`")
}

/// A range of bytes (RFC 9110, 14.1.2), first and last: `None` if the header is to be ignored (another unit, several
/// ranges, invalid), `Some(None)` if the range is not satisfiable.
fn parse_range(range: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = range.strip_prefix("bytes=")?.trim().split_once('-')?;
    if last.contains(',') {
        return None;
    }
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let length: u64 = last.parse().ok()?;
        return Some((length > 0 && size > 0).then(|| (size.saturating_sub(length), size - 1)));
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() {
        u64::MAX
    } else {
        last.parse().ok()?
    };
    if last < first {
        return None;
    }
    Some((first < size).then(|| (first, last.min(size - 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        let cases = [
            ("bytes=1-3", Some(Some((1, 3)))),
            ("bytes=4-", Some(Some((4, 5)))),
            ("bytes=-2", Some(Some((4, 5)))),
            ("bytes=-99", Some(Some((0, 5)))),
            ("bytes=0-99", Some(Some((0, 5)))),
            ("bytes=6-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=3-1", None),
            ("bytes=0-1,3-4", None),
            ("lines=1-2", None),
            ("bytes=x-", None),
        ];
        for (range, expected) in cases {
            assert_eq!(parse_range(range, 6), expected, "{range}");
        }
    }
}
