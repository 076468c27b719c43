//! Generated users, the same in every run: about a hundred bytes each, with repeating names and unique e-mail
//! addresses.

use std::fmt::Write;

/// How often each first and last syllable can come.
const SYLLABLES: [&str; 32] = [
    "ba", "ko", "lu", "mi", "ne", "ra", "so", "ti", "vu", "za", "do", "fe", "gi", "ha", "ju", "ka",
    "le", "mo", "nu", "pa", "qui", "ro", "sa", "te", "ul", "va", "wi", "xo", "ya", "zo", "bri",
    "cha",
];

/// The user with the id `id`, from 1.
#[derive(Clone, Copy)]
pub struct User(pub usize);

impl User {
    fn bits(self) -> usize {
        (self.0 as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29) as usize
    }

    pub fn last(self) -> String {
        let bits = self.bits();
        let name = [
            SYLLABLES[bits % 32],
            SYLLABLES[bits / 32 % 32],
            SYLLABLES[bits / 1024 % 32],
        ]
        .concat();
        capital(&name)
    }

    pub fn first(self) -> String {
        let bits = self.bits() / 65_536;
        capital(&[SYLLABLES[bits % 32], SYLLABLES[bits / 32 % 32]].concat())
    }

    pub fn email(self) -> String {
        format!("{}.{}@example.org", self.first().to_lowercase(), self.0)
    }

    /// Appends the record, pretty printed, its lines beginning with `base`.
    pub fn write(self, out: &mut String, base: &str) {
        let (last, first, email, id) = (self.last(), self.first(), self.email(), self.0);
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "{{\n{base}  \"lastName\": \"{last}\",\n{base}  \"firstName\": \"{first}\",\n{base}  \"email\": \"{email}\",\n{base}  \"id\": {id}\n{base}}}"
        );
    }
}

fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

/// A JSON array of users, pretty printed, its lines beginning with `base`.
pub fn list(users: impl Iterator<Item = User>, base: &str) -> String {
    let inner = format!("{base}  ");
    let mut out = String::from("[");
    let mut empty = true;
    for user in users {
        out.push_str(if empty { "\n" } else { ",\n" });
        out.push_str(&inner);
        user.write(&mut out, &inner);
        empty = false;
    }
    if !empty {
        out.push('\n');
        out.push_str(base);
    }
    out.push(']');
    out
}

/// A data file of `count` users.
pub fn file(count: usize) -> String {
    format!(
        "{{\n  \"users\": {}\n}}\n",
        list((1..=count).map(User), "  ")
    )
}

/// The rules under which e-mail addresses are unique.
pub const RULES: &str = r#"{
  "type": "object",
  "properties": {
    "users": {
      "type": "array",
      "uniqueItemProperties": ["email"],
      "items": {
        "type": "object",
        "properties": {
          "lastName": { "type": "string" },
          "firstName": { "type": "string" },
          "email": { "type": "string", "format": "email" },
          "id": { "type": "integer" }
        },
        "required": ["lastName", "firstName", "email"]
      }
    }
  }
}
"#;

/// Numbers that look random and are the same at every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
