//! Failures on demand.

use super::limit::Strikes;
use super::source::{RoutesError, Source};
use super::template::{Template, Text};

/// A failure.
#[derive(Debug)]
pub struct Fail {
    /// What the client sees.
    pub how: How,
    /// Which requests it strikes.
    pub strikes: Strikes,
    /// The request is carried out, and the failure hides that from the client.
    pub after: bool,
}

/// What the client sees of a failure.
#[derive(Debug)]
pub enum How {
    /// A response.
    Status {
        /// Its status.
        status: u16,
        /// Its body; `None`: a problem document.
        body: Option<Template>,
        /// Its headers.
        headers: Headers,
    },
    /// The connection is closed.
    Abort,
    /// There is no response.
    Hang,
}

/// Headers of a response.
pub type Headers = Vec<(String, Text)>;

/// Headers that say where the body ends.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

const KEYS: [&str; 11] = [
    "status", "body", "headers", "abort", "hang", "chance", "times", "after", "every", "per",
    "when",
];

impl Fail {
    pub(super) fn parse(source: Source, value: &str) -> Result<Fail, RoutesError> {
        let mut fail = Fail {
            how: How::Abort,
            strikes: Strikes::default(),
            after: false,
        };
        let (mut status, mut body, mut headers, mut cut) = (None, None, Headers::new(), None);
        let mut is_several = false;
        for member in source.members(value, "\"fail\"", &KEYS)? {
            let value = member.value;
            let key = &*member.key;
            match key {
                "status" => status = Some(source.integer(value, key, 200..=599)? as u16),
                "body" => body = Some(Template::parse(source, value, key)?),
                "headers" => headers = read_headers(source, value)?,
                "abort" | "hang" if source.boolean(value, key)? => {
                    is_several = cut.is_some();
                    cut = Some(if key == "abort" {
                        How::Abort
                    } else {
                        How::Hang
                    });
                }
                "chance" => {
                    let chance = value
                        .parse()
                        .ok()
                        .filter(|chance| (0.0..=1.0).contains(chance));
                    let wrong = || format!("chance must be a number from 0 to 1, got {value}");
                    fail.strikes.chance = Some(chance.ok_or_else(|| source.error(value, wrong()))?);
                }
                "times" => fail.strikes.times = Some(source.integer(value, key, 1..=u64::MAX)?),
                "after" => fail.strikes.after = Some(source.integer(value, key, 1..=u64::MAX)?),
                "every" => fail.strikes.every = Some(source.integer(value, key, 1..=u64::MAX)?),
                "per" => fail.strikes.per = read_word(source, value, key)?,
                "when" => match &*source.string(value, key)? {
                    "before" => fail.after = false,
                    "after" => fail.after = true,
                    other => {
                        let message = format!("when is \"before\" or \"after\", got {other:?}");
                        return Err(source.error(value, message));
                    }
                },
                _ => {}
            }
        }
        let is_response = status.is_some() || body.is_some() || !headers.is_empty();
        fail.how = match cut {
            Some(_) if is_response || is_several => {
                let message = "a failure is either a response, or \"abort\", or \"hang\"";
                return Err(source.error(value, message));
            }
            Some(cut) => cut,
            None => How::Status {
                status: status.unwrap_or(500),
                body,
                headers,
            },
        };
        Ok(fail)
    }
}

pub(super) fn read_headers(source: Source, value: &str) -> Result<Headers, RoutesError> {
    let members = source.any_members(value, "headers")?;
    let read = |member: crate::json::Member| {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if member.key.is_empty() || !member.key.bytes().all(is_token) {
            let message = format!("{:?} is not the name of a header", member.key);
            return Err(source.error(member.raw_key, message));
        }
        if FRAMING
            .iter()
            .any(|name| member.key.eq_ignore_ascii_case(name))
        {
            let message = format!("standin sets the header {} itself", member.key);
            return Err(source.error(member.raw_key, message));
        }
        let text = Text::parse(source, member.value, &member.key)?;
        text.check_header(source, member.value, &member.key)?;
        Ok((member.key.to_string(), text))
    };
    members.into_iter().map(read).collect()
}

/// A string that `T` reads.
pub(super) fn read_word<T: std::str::FromStr<Err = String>>(
    source: Source,
    value: &str,
    name: &str,
) -> Result<T, RoutesError> {
    let text = source.string(value, name)?;
    text.parse()
        .map_err(|wrong| source.error(value, format!("{name}: {wrong}")))
}
