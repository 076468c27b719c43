//! curl's options, each declared once.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Method,
    Header,
    Data,
    Raw,
    Encoded,
    Json,
    Url,
    Get,
    Head,
    User,
    Cookie,
    Agent,
    Referer,
    Bearer,
    Form,
    Flag,
    Value,
    File,
}

/// Every option, declared once: long name, short letter, what it does.
pub(super) const OPTIONS: &[(&str, char, Kind)] = &[
    ("request", 'X', Kind::Method),
    ("header", 'H', Kind::Header),
    ("data", 'd', Kind::Data),
    ("data-ascii", ' ', Kind::Data),
    ("data-binary", ' ', Kind::Data),
    ("data-raw", ' ', Kind::Raw),
    ("data-urlencode", ' ', Kind::Encoded),
    ("json", ' ', Kind::Json),
    ("url", ' ', Kind::Url),
    ("get", 'G', Kind::Get),
    ("head", 'I', Kind::Head),
    ("user", 'u', Kind::User),
    ("cookie", 'b', Kind::Cookie),
    ("user-agent", 'A', Kind::Agent),
    ("referer", 'e', Kind::Referer),
    ("oauth2-bearer", ' ', Kind::Bearer),
    ("form", 'F', Kind::Form),
    ("form-string", ' ', Kind::Form),
    ("upload-file", 'T', Kind::File),
    ("config", 'K', Kind::File),
    ("include", 'i', Kind::Flag),
    ("show-headers", ' ', Kind::Flag),
    ("silent", 's', Kind::Flag),
    ("show-error", 'S', Kind::Flag),
    ("verbose", 'v', Kind::Flag),
    ("insecure", 'k', Kind::Flag),
    ("location", 'L', Kind::Flag),
    ("location-trusted", ' ', Kind::Flag),
    ("fail", 'f', Kind::Flag),
    ("fail-with-body", ' ', Kind::Flag),
    ("compressed", ' ', Kind::Flag),
    ("globoff", 'g', Kind::Flag),
    ("progress-bar", '#', Kind::Flag),
    ("no-progress-meter", ' ', Kind::Flag),
    ("no-buffer", 'N', Kind::Flag),
    ("remote-name", 'O', Kind::Flag),
    ("http1.1", ' ', Kind::Flag),
    ("http1.0", '0', Kind::Flag),
    ("http2", ' ', Kind::Flag),
    ("ipv4", '4', Kind::Flag),
    ("ipv6", '6', Kind::Flag),
    ("basic", ' ', Kind::Flag),
    ("path-as-is", ' ', Kind::Flag),
    ("output", 'o', Kind::Value),
    ("write-out", 'w', Kind::Value),
    ("dump-header", 'D', Kind::Value),
    ("cookie-jar", 'c', Kind::Value),
    ("max-time", 'm', Kind::Value),
    ("connect-timeout", ' ', Kind::Value),
    ("retry", ' ', Kind::Value),
    ("retry-delay", ' ', Kind::Value),
    ("proxy", 'x', Kind::Value),
    ("noproxy", ' ', Kind::Value),
    ("cacert", ' ', Kind::Value),
    ("cert", 'E', Kind::Value),
    ("key", ' ', Kind::Value),
    ("resolve", ' ', Kind::Value),
    ("interface", ' ', Kind::Value),
    ("limit-rate", ' ', Kind::Value),
    ("max-redirs", ' ', Kind::Value),
    ("range", 'r', Kind::Value),
];

impl Kind {
    pub(super) fn takes_value(self) -> bool {
        !matches!(self, Kind::Get | Kind::Head | Kind::Flag)
    }
}

/// The option with a long name.
pub(super) fn find_long(name: &str) -> Option<Kind> {
    OPTIONS.iter().find(|(long, _, _)| *long == name).map(|(_, _, kind)| *kind)
}

/// The option with a letter.
pub(super) fn find_short(letter: char) -> Option<Kind> {
    OPTIONS.iter().find(|(_, short, _)| *short == letter && letter != ' ').map(|(_, _, kind)| *kind)
}
