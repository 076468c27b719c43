//! `_embed` and `_expand`: records with their children and parents put into them.
//!
//! A child holds its parent's id under `<singular of the parent's collection><suffix>`: `comments` of `posts` hold
//! `postId`. Ids are compared by their text, so that `"postId": "1"` belongs to the post with the id `1` (0.17 does so
//! for parents, but not for children).
//!
//! 1. [`Plan::new`] decides once what each name means for a collection;
//! 2. [`Plan::attach`] puts it into a record.

use std::borrow::Cow;
use std::collections::HashSet;

use super::plural::{plural, singular, singulars};
use super::query::{Notice, Query};
use crate::json::{self, Id, Kind, Layout};

/// The names that relations are found by.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The name of the id property, `id` unless `--id` says otherwise.
    pub id: &'a str,
    /// What follows the parent's name in a foreign key, `Id` unless `--foreignKeySuffix` says otherwise.
    pub suffix: &'a str,
}

/// The data, as far as relations need it. The closures are given names of collections exactly as [`Lookup::has`] took
/// them.
#[derive(Clone, Copy)]
pub struct Lookup<'d, 'c> {
    /// Whether there is a collection of that name.
    pub has: &'c dyn Fn(&str) -> bool,
    /// The texts of a collection's records in their order, for which the member named second is this id.
    pub children: &'c dyn Fn(&str, &str, &Id) -> Vec<&'d str>,
    /// The text of a collection's record with this id.
    pub parent: &'c dyn Fn(&str, &Id) -> Option<&'d str>,
    /// Whether a record of the collection has a member of the name given second.
    pub has_member: &'c dyn Fn(&str, &str) -> bool,
}

/// What is put into each record of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan<'a> {
    steps: Vec<Step>,
    notices: Vec<Notice>,
    id: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The records of `collection` whose `key` is the record's id, as an array called `collection`.
    Children { collection: String, key: String },
    /// The record of `collection` whose id is the record's `key`, as `name`; left out where there is none.
    Parent { name: String, collection: String, key: String },
    /// An empty array, which 0.17 gives for a name that it does not know.
    Nothing { name: String },
}

/// The foreign keys that may point to `parent`, the one of 0.17 first: `postId` for `posts`.
pub fn foreign_keys(parent: &str, naming: Naming<'_>) -> Vec<String> {
    singulars(parent).into_iter().map(|name| format!("{name}{}", naming.suffix)).collect()
}

/// What goes with a record of `parent` that is deleted: in each of the `collections` the records that point to it, then
/// those that point to these, and so on. Each comes once, with the name of its collection, parents before children.
///
/// Nothing else goes: neither what pointed nowhere before, nor a record whose key is null or a list.
pub fn dependents<'d>(
    parent: &str,
    id: &Id,
    collections: &[&str],
    naming: Naming<'_>,
    lookup: Lookup<'d, '_>,
) -> Vec<(String, &'d str)> {
    let mut gone: Vec<(String, &'d str)> = Vec::new();
    let mut pending = vec![(parent.to_string(), id.clone())];
    // The deleted record itself may be pointed to from below.
    let mut seen: HashSet<(String, Id)> = pending.iter().cloned().collect();
    while let Some((parent, id)) = pending.pop() {
        let keys = foreign_keys(&parent, naming);
        for child in collections {
            for row in keys.iter().flat_map(|key| (lookup.children)(child, key, &id)) {
                let own = json::get_member(row, naming.id).and_then(Id::from_json);
                let is_new = match &own {
                    Some(own) => seen.insert((child.to_string(), own.clone())),
                    None => !gone.iter().any(|(known, text)| known == child && std::ptr::eq(*text, row)),
                };
                if is_new {
                    gone.push((child.to_string(), row));
                    pending.extend(own.map(|own| (child.to_string(), own)));
                }
            }
        }
    }
    gone
}

/// The foreign key by which records of `child` point to `parent`: of the names that a parent may go by the first that a
/// record has, else the one of 0.17.
pub fn foreign_key(parent: &str, child: &str, naming: Naming<'_>, lookup: Lookup<'_, '_>) -> String {
    let mut keys = foreign_keys(parent, naming);
    let at = keys.iter().position(|key| (lookup.has_member)(child, key)).unwrap_or(0);
    keys.swap_remove(at)
}

impl<'a> Plan<'a> {
    /// What `_embed` and `_expand` in `query` mean for records of `collection`.
    pub fn new(collection: &str, query: &Query, naming: Naming<'a>, lookup: Lookup<'_, '_>) -> Plan<'a> {
        let mut plan = Plan { steps: Vec::new(), notices: Vec::new(), id: naming.id };
        for name in query.embeds() {
            plan.embed(collection, name, naming, lookup);
        }
        for name in query.expands() {
            plan.expand(collection, name, naming, lookup);
        }
        plan
    }

    fn embed(&mut self, collection: &str, name: &str, naming: Naming<'_>, lookup: Lookup<'_, '_>) {
        let to_parent = format!("{name}{}", naming.suffix);
        let parents = plural(name);
        let is_child = (lookup.has)(name);
        let is_parent = singular(name) == name && (lookup.has)(&parents);
        if is_parent && (!is_child || (lookup.has_member)(collection, &to_parent)) {
            self.parent(collection, name, parents, to_parent, lookup, "_embed");
        } else if is_child {
            let key = foreign_key(collection, name, naming, lookup);
            self.steps.push(Step::Children { collection: name.to_string(), key });
        } else {
            let detail = format!("there is no collection {name:?}, so that an empty array is put into the records.");
            self.note("_embed", detail, None);
            self.steps.push(Step::Nothing { name: name.to_string() });
        }
    }

    fn expand(&mut self, collection: &str, name: &str, naming: Naming<'_>, lookup: Lookup<'_, '_>) {
        let parents = plural(name);
        if !(lookup.has)(&parents) {
            let detail = format!("there is no collection {parents:?}, so that nothing is put into the records.");
            self.note("_expand", detail, None);
            return;
        }
        self.parent(collection, name, parents, format!("{name}{}", naming.suffix), lookup, "_expand");
    }

    fn parent(
        &mut self,
        child: &str,
        name: &str,
        parents: String,
        key: String,
        lookup: Lookup<'_, '_>,
        parameter: &str,
    ) {
        if !(lookup.has_member)(child, &key) {
            let one = singular(name);
            let detail = format!("no record has a member {key:?}, so that nothing is put into the records.");
            let instead = match parameter {
                "_expand" if one != name => Some(format!("_expand={one}")),
                "_embed" => Some(format!("_embed={parents}")),
                _ => None,
            };
            self.note(parameter, detail, instead);
        }
        self.steps.push(Step::Parent { name: name.to_string(), collection: parents, key });
    }

    fn note(&mut self, parameter: &str, detail: String, instead: Option<String>) {
        self.notices.push(Notice { parameter: parameter.to_string(), detail, instead });
    }

    /// Whether nothing is put into any record.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the sender should know of names that lead nowhere.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// `record` with everything put into it: a member of the same name is replaced, a new one goes last. The new text
    /// takes the record's own layout, or `layout` where it shows none; its lines begin with `base`.
    pub fn attach<'r>(&self, record: &'r str, lookup: Lookup<'_, '_>, layout: Layout, base: &str) -> Cow<'r, str> {
        let mut out = Cow::Borrowed(record);
        for step in &self.steps {
            let (name, value) = match step {
                Step::Children { collection, key } => {
                    let id = json::get_member(record, self.id).and_then(Id::from_json);
                    let children = id.map(|id| (lookup.children)(collection, key, &id)).unwrap_or_default();
                    (collection, Cow::Owned(format!("[{}]", children.join(","))))
                }
                Step::Parent { name, collection, key } => {
                    let id = json::get_member(record, key).and_then(Id::from_json);
                    match id.and_then(|id| (lookup.parent)(collection, &id)) {
                        Some(parent) => (name, Cow::Borrowed(parent)),
                        None => continue,
                    }
                }
                Step::Nothing { name } => (name, Cow::Borrowed("[]")),
            };
            if Kind::of(record) == Kind::Object {
                out = Cow::Owned(json::with_member(&out, name, &value, layout, base));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::pairs;

    const NAMING: Naming<'_> = Naming { id: "id", suffix: "Id" };

    const DATA: &[(&str, &[&str])] = &[
        ("posts", &[r#"{"id":1}"#, r#"{"id":2,"comments":5,"userId":7,"cookieId":1}"#]),
        (
            "comments",
            &[
                r#"{"id":1,"postId":1}"#,
                r#"{"id":2,"postId":"1"}"#,
                r#"{"id":3,"postId":9}"#,
                r#"{"id":4,"postId":null}"#,
            ],
        ),
        ("users", &[r#"{"id":7,"name":"ann"}"#]),
        ("cookies", &[r#"{"id":1}"#]),
        ("notes", &[r#"{"id":1,"cookieId":1}"#]),
        ("equipment", &[r#"{"id":1,"userId":7}"#]),
        ("repairs", &[r#"{"id":1,"equipmentId":1}"#]),
    ];

    fn rows(name: &str) -> &'static [&'static str] {
        DATA.iter().find(|(known, _)| *known == name).map(|(_, rows)| *rows).unwrap_or(&[])
    }

    fn with_lookup<T>(body: impl FnOnce(Lookup<'static, '_>) -> T) -> T {
        body(Lookup {
            has: &|name| DATA.iter().any(|(known, _)| *known == name),
            children: &|name, key, id| {
                let of = |row: &str| json::get_member(row, key).and_then(Id::from_json);
                rows(name).iter().copied().filter(|row| of(row).as_ref() == Some(id)).collect()
            },
            parent: &|name, id| {
                let of = |row: &str| json::get_member(row, "id").and_then(Id::from_json);
                rows(name).iter().copied().find(|row| of(row).as_ref() == Some(id))
            },
            has_member: &|name, key| rows(name).iter().any(|row| json::get_member(row, key).is_some()),
        })
    }

    fn attached(collection: &str, at: usize, raw: &str) -> (String, usize) {
        with_lookup(|lookup| {
            let query = Query::for_item(&pairs(raw).unwrap());
            let plan = Plan::new(collection, &query, NAMING, lookup);
            let text = plan.attach(rows(collection)[at], lookup, Layout::MINIFIED, "").into_owned();
            (text, plan.notices().len())
        })
    }

    #[test]
    fn what_points_to_a_deleted_record_goes_with_it() {
        let collections: Vec<&str> = DATA.iter().map(|(name, _)| *name).collect();
        let cases = [
            ("posts", "1", vec![("comments", r#"{"id":1,"postId":1}"#), ("comments", r#"{"id":2,"postId":"1"}"#)]),
            ("posts", "2", vec![]),
            ("comments", "1", vec![]),
            ("users", "7", vec![("posts", DATA[0].1[1]), ("equipment", DATA[5].1[0]), ("repairs", DATA[6].1[0])]),
        ];
        for (parent, id, expected) in cases {
            let gone = with_lookup(|lookup| dependents(parent, &Id::from_text(id), &collections, NAMING, lookup));
            let gone: Vec<(&str, &str)> = gone.iter().map(|(name, row)| (name.as_str(), *row)).collect();
            assert_eq!(gone, expected, "{parent} {id}");
        }
    }

    #[test]
    fn relations_are_put_in() {
        let cases = [
            ("posts", 0, "_embed=comments", r#"{"id":1,"comments":[{"id":1,"postId":1},{"id":2,"postId":"1"}]}"#, 0),
            ("posts", 1, "_embed=comments", r#"{"id":2,"comments":[],"userId":7,"cookieId":1}"#, 0),
            (
                "posts",
                1,
                "_expand=user",
                r#"{"id":2,"comments":5,"userId":7,"cookieId":1,"user":{"id":7,"name":"ann"}}"#,
                0,
            ),
            ("posts", 0, "_expand=user", r#"{"id":1}"#, 0),
            ("posts", 0, "_embed=nope", r#"{"id":1,"nope":[]}"#, 1),
            ("posts", 0, "_expand=nope", r#"{"id":1}"#, 1),
            ("comments", 0, "_embed=post", r#"{"id":1,"postId":1,"post":{"id":1}}"#, 0),
            ("comments", 1, "_expand=post", r#"{"id":2,"postId":"1","post":{"id":1}}"#, 0),
            ("comments", 2, "_expand=post", r#"{"id":3,"postId":9}"#, 0),
            ("comments", 3, "_expand=post", r#"{"id":4,"postId":null}"#, 0),
            ("comments", 0, "_expand=posts", r#"{"id":1,"postId":1}"#, 1),
            ("posts", 0, "_embed=comment", r#"{"id":1}"#, 1),
            ("cookies", 0, "_embed=notes", r#"{"id":1,"notes":[{"id":1,"cookieId":1}]}"#, 0),
            ("repairs", 0, "_embed=equipment", r#"{"id":1,"equipmentId":1,"equipment":{"id":1,"userId":7}}"#, 0),
            ("users", 0, "_embed=equipment", r#"{"id":7,"name":"ann","equipment":[{"id":1,"userId":7}]}"#, 0),
        ];
        for (collection, at, raw, expected, notices) in cases {
            assert_eq!(attached(collection, at, raw), (expected.to_string(), notices), "{collection} {raw}");
        }
    }
}
