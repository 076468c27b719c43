//! Who may read and write: the guards of the rules and of the routes file, and how users log in.

use crate::json::SyntaxError;
use crate::text::nearest;

/// What a request must show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Guard {
    /// Nothing.
    #[default]
    Anyone,
    /// Nothing is enough.
    Nobody,
    /// That a user is logged in.
    User,
    /// That the record belongs to the user who is logged in.
    Owner,
    /// That the user who is logged in has this role.
    Role(String),
    /// This bearer token.
    Token(String),
    /// Login and password of a user (HTTP Basic).
    Basic,
    /// A header.
    Key {
        /// Its name.
        header: String,
        /// What it must say; `None`: anything.
        value: Option<String>,
    },
}

const KNOWN: &str = "known are anyone, user, owner, role:NAME, token:VALUE, basic and key:HEADER";

impl Guard {
    /// The guard that `text` names: `user`, `role:admin`, `key:X-Api-Key`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Guard, SyntaxError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let bad = |message, hint: String| Err(SyntaxError::new(0, message).hint(hint));
        Ok(match (name, argument) {
            ("anyone", None) => Guard::Anyone,
            ("user", None) => Guard::User,
            ("owner", None) => Guard::Owner,
            ("basic", None) => Guard::Basic,
            ("role" | "token" | "key", None | Some("")) => {
                let example = match name {
                    "role" => "role:admin",
                    "token" => "token:abc",
                    _ => "key:X-Api-Key",
                };
                let message = format!("the guard \"{name}\" needs a value");
                return bad(message, format!("for example \"{example}\""));
            }
            ("role", Some(role)) => Guard::Role(role.into()),
            ("token", Some(token)) => Guard::Token(token.into()),
            ("key", Some(key)) => {
                let (header, value) = match key.split_once('=') {
                    Some((header, value)) => (header, Some(value.to_string())),
                    None => (key, None),
                };
                let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if header.is_empty() || !header.chars().all(is_name) {
                    let message = format!("\"{header}\" is not the name of a header");
                    let hint = "for example \"key:X-Api-Key\", or \"key:X-Api-Key=abc\"";
                    return bad(message, hint.into());
                }
                let header = header.to_ascii_lowercase();
                Guard::Key { header, value }
            }
            ("anyone" | "user" | "owner" | "basic", Some(_)) => {
                let message = format!("the guard \"{name}\" takes no value");
                return bad(message, format!("write \"{name}\""));
            }
            _ => {
                let names = ["anyone", "user", "owner", "role", "token", "basic", "key"];
                let hint = match (nearest(name, names), argument) {
                    (Some(near), Some(argument)) => format!("did you mean \"{near}:{argument}\"?"),
                    (Some(near), None) => format!("did you mean \"{near}\"?"),
                    (None, _) => KNOWN.into(),
                };
                return bad(format!("unknown guard \"{text}\""), hint);
            }
        })
    }

    /// Whether it asks for a user, so that there must be some.
    pub fn needs_users(&self) -> bool {
        matches!(
            self,
            Guard::User | Guard::Owner | Guard::Role(_) | Guard::Basic
        )
    }
}

/// The guards of a resource or a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Of GET and HEAD, and of everything else that shows a record.
    pub read: Guard,
    /// Of the other methods.
    pub write: Guard,
}

impl Access {
    /// The guards that `text` names: one for both, or the three digits of json-server-auth. The digits are for the owner,
    /// for users and for anyone; 4 is reading, 2 is writing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Access, SyntaxError> {
        let digits = text.as_bytes();
        if digits.len() == 3 && digits.iter().all(u8::is_ascii_digit) {
            if digits.iter().any(|digit| !b"0246".contains(digit)) {
                let message = format!("\"{text}\" has a digit that is not 0, 2, 4 or 6");
                let hint = "write for example \"600\": the owner reads and writes, others do not";
                return Err(SyntaxError::new(0, message).hint(hint));
            }
            let guards = [Guard::Owner, Guard::User, Guard::Anyone];
            let whom = |bit: u8| {
                let last = digits.iter().rposition(|digit| (digit - b'0') & bit != 0);
                last.map_or(Guard::Nobody, |place| guards[place].clone())
            };
            return Ok(Access {
                read: whom(4),
                write: whom(2),
            });
        }
        let guard = Guard::parse(text)?;
        Ok(Access {
            read: guard.clone(),
            write: guard,
        })
    }

    /// The guard of a request.
    pub fn of(&self, reads: bool) -> &Guard {
        if reads { &self.read } else { &self.write }
    }

    /// Whether a guard asks for a user.
    pub fn needs_users(&self) -> bool {
        self.read.needs_users() || self.write.needs_users()
    }
}

/// How users log in: the keyword `x-auth` of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The collection of the users.
    pub users: String,
    /// The property by which they are found.
    pub login: String,
    /// The property with the hash of the password.
    pub password: String,
    /// How long a token is valid, in seconds.
    pub expires: u64,
}

impl Auth {
    /// The paths that `x-auth` adds, which no resource may have.
    pub const PATHS: [&str; 4] = ["register", "login", "logout", "me"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_json_server_auth() {
        let guards = |text| {
            let access = Access::parse(text).unwrap();
            (access.read, access.write)
        };
        assert_eq!(guards("600"), (Guard::Owner, Guard::Owner));
        assert_eq!(guards("640"), (Guard::User, Guard::Owner));
        assert_eq!(guards("644"), (Guard::Anyone, Guard::Owner));
        assert_eq!(guards("660"), (Guard::User, Guard::User));
        assert_eq!(guards("664"), (Guard::Anyone, Guard::User));
        assert_eq!(guards("440"), (Guard::User, Guard::Nobody));
        assert!(Access::parse("650").is_err());
    }

    #[test]
    fn a_guard_that_is_nearly_right_is_corrected() {
        for (text, hint) in [
            ("usr", "did you mean \"user\"?"),
            ("rol:admin", "did you mean \"role:admin\"?"),
            ("role", "for example \"role:admin\""),
            ("user:x", "write \"user\""),
            ("whoever", KNOWN),
        ] {
            assert_eq!(
                Guard::parse(text).unwrap_err().hint.as_deref(),
                Some(hint),
                "{text}"
            );
        }
    }
}
