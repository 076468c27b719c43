//! JSON pointers (RFC 6901).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// What is escaped in the fragment of a URI.
const FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$');

/// `pointer` with one more step.
pub fn join(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// The steps of a pointer, unescaped.
pub fn steps(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(unescape)
}

/// The pointer to the parent, and the last step, unescaped; `None` for the whole document.
pub fn split_last(pointer: &str) -> Option<(&str, String)> {
    pointer
        .rsplit_once('/')
        .map(|(parent, last)| (parent, unescape(last)))
}

/// `pointer` as it is written behind the `#` of a URI.
pub fn fragment(pointer: &str) -> PercentEncode<'_> {
    utf8_percent_encode(pointer, FRAGMENT)
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
