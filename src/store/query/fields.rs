//! What is known of a collection's fields while a query is read.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::path::Path;
use crate::json::{self, Kind};
use crate::words::nearest;

/// How many records are looked at for names to suggest.
const SAMPLE: usize = 500;

/// Shows the texts of records one after the other to the function that it is given, for as long as that answers `true`.
pub type Visit<'a> = dyn Fn(&mut dyn FnMut(&str) -> bool) + 'a;

/// The fields of the collection that a query asks: those that a record has and those that a rule declares.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    visit: &'a Visit<'a>,
    declared: &'a [&'a str],
    absent: Option<&'a Absent>,
}

/// Names that no record of a collection has, as far as they have been asked for.
#[derive(Debug, Default)]
pub struct Absent(Mutex<Vec<String>>);

impl Absent {
    /// How many names are remembered; whoever asks for more at random gets the time that this takes.
    const MOST: usize = 32;

    fn holds(&self, name: &str) -> bool {
        self.0.lock().is_ok_and(|names| names.iter().any(|known| known == name))
    }

    fn add(&self, name: &str) {
        if let Ok(mut names) = self.0.lock() {
            if names.len() >= Absent::MOST {
                names.clear();
            }
            names.push(name.to_string());
        }
    }
}

impl<'a> Fields<'a> {
    /// `visit` shows the collection's records, `declared` are the paths that the rules name. Records are visited only
    /// where a name has to be found.
    pub fn new(visit: &'a Visit<'a>, declared: &'a [&'a str]) -> Fields<'a> {
        Fields { visit, declared, absent: None }
    }

    /// The same, with the names that are known to be none of any record of these.
    pub fn remembering(self, absent: &'a Absent) -> Fields<'a> {
        Fields { absent: Some(absent), ..self }
    }

    /// Whether a rule declares `path` or a record has a value there (`null` is one).
    pub fn has(&self, path: &str) -> bool {
        if self.declared.contains(&path) {
            return true;
        }
        // Most names that are asked for in vain are those of operators: the parameter `views_gte` has to be known to be
        // no field of any record.
        if self.absent.is_some_and(|absent| absent.holds(path)) {
            return false;
        }
        let asked = Path::new(path);
        let mut found = false;
        (self.visit)(&mut |record| {
            found = asked.may_be_in(record) && asked.any(record, &mut |_| true);
            !found
        });
        if let Some(absent) = self.absent.filter(|_| !found) {
            absent.add(path);
        }
        found
    }

    /// Whether the field `path` is an array, as the first record that has it shows.
    pub fn is_array(&self, path: &str) -> bool {
        let asked = Path::new(path);
        let mut is_array = false;
        (self.visit)(&mut |record| match asked.of(record).map(Kind::of) {
            Some(kind) => {
                is_array = kind == Kind::Array;
                false
            }
            None => true,
        });
        is_array
    }

    /// Whether nothing at all is known: there is no record and no rule.
    pub fn is_blank(&self) -> bool {
        let mut blank = self.declared.is_empty();
        if blank {
            (self.visit)(&mut |_| {
                blank = false;
                false
            });
        }
        blank
    }

    /// The known name nearest to `path`, where one is near enough to be a slip of the fingers.
    pub fn nearest(&self, path: &str) -> Option<String> {
        let mut names: BTreeSet<String> = self.declared.iter().map(|name| name.to_string()).collect();
        let mut left = SAMPLE;
        (self.visit)(&mut |record| {
            collect(record, "", 3, &mut names);
            left -= 1;
            left > 0
        });
        nearest(path, names.iter().map(String::as_str)).map(str::to_string)
    }
}

fn collect(object: &str, prefix: &str, depth: usize, names: &mut BTreeSet<String>) {
    for member in json::members(object) {
        let name = if prefix.is_empty() { member.key.to_string() } else { format!("{prefix}.{}", member.key) };
        if depth > 1 && Kind::of(member.value) == Kind::Object {
            collect(member.value, &name, depth - 1, names);
        }
        if names.len() < 1000 {
            names.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_any_record_or_rule() {
        let records = ["{\"id\":1}", "{\"id\":2,\"a\":{\"b\":[5]},\"n\\u0061me\":null}"];
        let visit = |see: &mut dyn FnMut(&str) -> bool| {
            let _ = records.iter().all(|record| see(record));
        };
        let fields = Fields::new(&visit, &["email"]);
        for (path, expected) in [
            ("id", true),
            ("a.b", true),
            ("a.b[0]", true),
            ("a.b[1]", false),
            ("name", true),
            ("email", true),
            ("b", false),
        ] {
            assert_eq!(fields.has(path), expected, "{path}");
        }
        assert!(!fields.is_blank());
        assert_eq!(fields.nearest("emial").as_deref(), Some("email"));
        assert!(Fields::new(&|_| (), &[]).is_blank());
    }
}
