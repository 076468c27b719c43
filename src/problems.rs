//! The kinds of problems (RFC 9457) that the server answers with.

/// A kind of problem. Each has a section of its name in `docs/errors.md`, which the server shows at `/-/errors`.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name, the fragment of the problem's `type`.
    pub name: &'static str,
    /// The status of the response.
    pub status: u16,
    /// One line, the same for every problem of the kind.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($constant:ident $name:literal $status:literal $title:literal;)*) => {
        $(#[doc = $title] pub const $constant: &Kind = &Kind { name: $name, status: $status, title: $title };)*
        /// All kinds of problems.
        pub const KINDS: &[&Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED_JSON "malformed-json" 400 "The body is not JSON";
    EMPTY_BODY "empty-body" 400 "The body is empty";
    NOT_AN_OBJECT "not-an-object" 400 "The body is not a JSON object";
    CONTENT_TYPE "content-type" 400 "The body is not marked as JSON";
    BODY_ENCODING "body-encoding" 400 "The body cannot be decoded";
    NESTING "nesting" 400 "The body is nested too deep";
    RULES "rules" 400 "The record breaks the rules";
    TOO_COMPLEX "too-complex" 400 "The record takes too long to check";
    BAD_ID "bad-id" 400 "The id is not valid";
    BAD_TARGET "bad-target" 400 "The URL is not valid";
    BAD_QUERY "bad-query" 400 "The query is not valid";
    ROUTES "routes" 400 "The rules by path are not valid";
    BAD_REQUEST "bad-request" 400 "The request is not HTTP";
    LOGIN "login" 400 "The login failed";
    UNAUTHORIZED "unauthorized" 401 "The request needs a login";
    FORBIDDEN "forbidden" 403 "The access is not allowed";
    FOREIGN_HOST "foreign-host" 403 "The request is for another host";
    FOREIGN_ORIGIN "foreign-origin" 403 "The request comes from a page of another site";
    ADMIN "admin" 403 "The admin routes are closed to this request";
    READ_ONLY "read-only" 403 "The server is read-only";
    NO_RESOURCE "no-resource" 404 "There is no such resource";
    NO_RECORD "no-record" 404 "There is no such record";
    REFERENCE "reference" 404 "The referenced record does not exist";
    NO_SNAPSHOT "no-snapshot" 404 "There is no such snapshot";
    METHOD "method" 405 "The resource does not support this method";
    TIMEOUT "timeout" 408 "The request took too long";
    NOTHING_TO_UNDO "nothing-to-undo" 409 "There is nothing to undo";
    NOT_UNIQUE "not-unique" 409 "The value is already in use";
    REFERENCED "referenced" 409 "Other records point to it";
    ID_TAKEN "id-taken" 409 "The id is already in use";
    KEY_BUSY "key-busy" 409 "A request with this Idempotency-Key is running";
    CHANGED "changed" 412 "The record has changed";
    TOO_LARGE "too-large" 413 "The body is too large";
    TARGET_TOO_LONG "target-too-long" 414 "The URL is too long";
    MEDIA "media" 415 "The body is in a format that the server does not support";
    RANGE "range" 416 "The file has no such bytes";
    KEY_REUSED "key-reused" 422 "The Idempotency-Key belongs to another request";
    LIMIT "limit" 429 "Too many requests";
    HEADERS_TOO_LARGE "headers-too-large" 431 "The request's headers are too large";
    PROFILE "profile" 500 "The profile cannot be applied";
    BUG "bug" 500 "The server has a bug";
    TEMPLATE "template" 500 "An expression of the routes file fails";
    NOT_SUPPORTED "not-supported" 501 "The server does not know this method";
    QUERY_TIME "query-time" 503 "The query takes too long";
    FAULT "fault" 503 "A failure on demand";
    UNSAVED "unsaved" 503 "The data file cannot be written";
    BROKEN_FILE "broken-file" 503 "The data file was edited and cannot be read";
    STOPPING "stopping" 503 "The server is stopping";
}
