//! `_embed` and `_expand`: records with their children and parents put into them. [`Store::links`] says by which
//! property one collection points to another. Pointers are compared by their text, so that `"postId": "1"` belongs to
//! the post with the id `1` (0.17 does so for parents, but not for children).
//!
//! 1. [`Relations::new`] decides once what each name means for a collection;
//! 2. [`Relations::attach`] puts it into a record.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::Notice;
use super::parse::Query;
use crate::json::{self, Id, Kind, Layout};
use crate::store::plural::{plural, singular};
use crate::store::{Link, Resource, Store};
use crate::text::{nearest, query_encode};
use crate::work::Work;

/// What is put into each record of a collection.
#[derive(Debug)]
pub struct Relations<'a> {
    store: &'a Store,
    collection: &'a str,
    steps: Vec<Step<'a>>,
    notices: Vec<Notice>,
}

#[derive(Debug)]
enum Step<'a> {
    /// The records that point to this one by `link`, as an array.
    Children {
        name: &'a str,
        link: Link,
        by_pointer: HashMap<Id, Vec<&'a str>>,
    },
    /// The record that this one points to by `link`, as `name`; left out where there is none. An array of them where the
    /// link is one of many.
    Parent {
        name: &'a str,
        link: Link,
        parents: Parents<'a>,
    },
    /// An empty array, which 0.17 gives for a name that it does not know.
    Nothing { name: &'a str },
}

/// Finds the records of a collection that are pointed to.
#[derive(Debug)]
enum Parents<'a> {
    ById(&'a Resource),
    ByTarget(HashMap<Id, &'a str>),
}

impl<'a> Relations<'a> {
    /// What `_embed` and `_expand` in `query` mean for records of `collection`. Not complete if `work` was stopped.
    pub fn new(
        store: &'a Store,
        collection: &'a str,
        query: &'a Query,
        work: &Work<'_>,
    ) -> Relations<'a> {
        let mut relations = Relations {
            store,
            collection,
            steps: Vec::new(),
            notices: Vec::new(),
        };
        for name in query.embeds() {
            relations.embed(name, work);
        }
        for name in query.expands() {
            relations.expand(name, work);
        }
        relations
    }

    fn embed(&mut self, name: &'a str, work: &Work<'_>) {
        let is_child = self.is_collection(name);
        let parent = self.store.parent_named(self.collection, name);
        // Where a name could be both, a plural means children, as in json-server.
        let is_parent = parent.as_ref().is_some_and(|(_, link)| {
            if !is_child {
                return true;
            }
            let is_plural = plural(name) == name && singular(name) != name;
            link.used && !(is_plural && self.store.link(name, self.collection).used)
        });
        match parent {
            Some((parent, link))
                if is_parent && (link.declared || !is_child || singular(name) == name) =>
            {
                self.parent("_embed", name, (&parent, link), work);
            }
            _ if is_child => self.children(name, work),
            _ if self.is_deep("_embed", name) => self.steps.push(Step::Nothing { name }),
            _ => {
                let detail =
                    format!("unknown collection {name:?}: the records get an empty array.");
                let near = nearest(name, self.collections());
                self.note("_embed", detail, near.map(|near| format!("_embed={near}")));
                self.steps.push(Step::Nothing { name });
            }
        }
    }

    /// Whether `name` asks for relations of relations, `cars.passengers`; then a notice says how to get these.
    fn is_deep(&mut self, parameter: &str, name: &str) -> bool {
        let Some((first, rest)) = name.split_once(['.', '/']) else {
            return false;
        };
        let parent = self
            .store
            .parent_named(self.collection, first)
            .map(|(parent, _)| parent);
        let Some(between) = Some(first.to_string())
            .filter(|name| self.is_collection(name))
            .or(parent)
        else {
            return false;
        };
        let detail = format!(
            "one request puts in relations of one level: {parameter}={first} here, and GET /{}?{parameter}={rest} for the next.",
            query_encode(&between)
        );
        self.note(parameter, detail, Some(format!("{parameter}={first}")));
        true
    }

    fn children(&mut self, name: &'a str, work: &Work<'_>) {
        let link = self.store.link(name, self.collection);
        if let Some(detail) = self.store.link_notice(name, self.collection, &link) {
            let is_parent = !link.used && self.store.link(self.collection, name).used;
            let instead = is_parent.then(|| format!("_embed={}", singular(name)));
            self.note("_embed", detail, instead);
        }
        if self
            .rows(self.collection)
            .take_while(|row| work.goes_on(row.len()))
            .any(|row| json::get_member(row, name).is_some())
        {
            let detail = format!(
                "records of {} have their own {name:?}, which this response replaces with the records of {name}.",
                self.collection
            );
            self.note("_embed", detail, None);
        }
        let mut by_pointer: HashMap<Id, Vec<&str>> = HashMap::new();
        for row in self.rows(name).take_while(|row| work.goes_on(row.len())) {
            for pointer in link.pointers(row) {
                by_pointer.entry(pointer).or_default().push(row);
            }
        }
        self.steps.push(Step::Children {
            name,
            link,
            by_pointer,
        });
    }

    fn expand(&mut self, name: &'a str, work: &Work<'_>) {
        match self.store.parent_named(self.collection, name) {
            Some((parent, link)) => self.parent("_expand", name, (&parent, link), work),
            None if self.is_deep("_expand", name) => {}
            None => {
                let detail = format!(
                    "unknown collection {:?}: nothing is added to the records.",
                    plural(name)
                );
                let near = nearest(&plural(name), self.collections());
                self.note(
                    "_expand",
                    detail,
                    near.map(|near| format!("_expand={}", singular(near))),
                );
            }
        }
    }

    fn parent(
        &mut self,
        parameter: &str,
        name: &'a str,
        (parent, link): (&str, Link),
        work: &Work<'_>,
    ) {
        let Some(resource) = self.store.resource(parent) else {
            return;
        };
        if let Some(detail) = self.store.link_notice(self.collection, parent, &link) {
            let one = singular(name);
            let instead = match parameter {
                "_expand" if one != name => Some(format!("_expand={one}")),
                "_embed" if name != parent && self.store.link(parent, self.collection).used => {
                    Some(format!("_embed={parent}"))
                }
                _ => None,
            };
            self.note(parameter, detail, instead);
        }
        let parents = if link.target == self.store.settings().id {
            Parents::ById(resource)
        } else {
            let mut by_target = HashMap::new();
            for row in self.rows(parent).take_while(|row| work.goes_on(row.len())) {
                if let Some(target) = json::get_member(row, &link.target).and_then(Id::from_json) {
                    by_target.entry(target).or_insert(row);
                }
            }
            Parents::ByTarget(by_target)
        };
        self.steps.push(Step::Parent {
            name,
            link,
            parents,
        });
    }

    fn note(&mut self, parameter: &str, detail: String, instead: Option<String>) {
        self.notices.push(Notice {
            parameter: parameter.to_string(),
            detail,
            instead,
        });
    }

    fn is_collection(&self, name: &str) -> bool {
        self.store
            .resource(name)
            .is_some_and(|resource| resource.collection().is_some())
    }

    fn collections(&self) -> impl Iterator<Item = &'a str> {
        self.store
            .resources()
            .filter(|resource| resource.collection().is_some())
            .map(Resource::name)
    }

    fn rows(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let collection = self.store.resource(name).and_then(Resource::collection);
        collection
            .into_iter()
            .flat_map(|collection| collection.rows())
            .map(|row| row.value())
    }

    /// The property that holds a record's id.
    pub fn id_property(&self) -> &'a str {
        &self.store.settings().id
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
    /// takes the record's own layout, or `layout` where it shows none; its lines begin with `base`. Without what is to come
    /// once `work` is stopped.
    pub fn attach<'r>(
        &self,
        record: &'r str,
        layout: Layout,
        base: &str,
        work: &Work<'_>,
    ) -> Cow<'r, str> {
        let mut out = Cow::Borrowed(record);
        if Kind::of(record) != Kind::Object {
            return out;
        }
        for step in &self.steps {
            let (name, value) = match step {
                Step::Children {
                    name,
                    link,
                    by_pointer,
                } => {
                    let target = json::get_member(record, &link.target).and_then(Id::from_json);
                    let children = target
                        .and_then(|target| by_pointer.get(&target))
                        .map_or(&[][..], Vec::as_slice);
                    let size = children.iter().map(|child| child.len()).sum();
                    if !work.goes_on(size) {
                        return out;
                    }
                    (name, Cow::Owned(format!("[{}]", children.join(","))))
                }
                Step::Parent {
                    name,
                    link,
                    parents,
                } => {
                    let pointers = link.pointers(record);
                    let mut found = pointers.iter().filter_map(|pointer| parents.find(pointer));
                    let value = if link.many {
                        Some(Cow::Owned(format!(
                            "[{}]",
                            found.collect::<Vec<_>>().join(",")
                        )))
                    } else {
                        found.next().map(Cow::Borrowed)
                    };
                    match value {
                        Some(value) => (name, value),
                        None => continue,
                    }
                }
                Step::Nothing { name } => (name, Cow::Borrowed("[]")),
            };
            if !work.keeps(out.len() + value.len()) {
                return out;
            }
            out = Cow::Owned(json::with_member(&out, name, &value, layout, base));
        }
        out
    }
}

impl<'a> Parents<'a> {
    fn find(&self, pointer: &Id) -> Option<&'a str> {
        match self {
            Parents::ById(resource) => resource
                .collection()?
                .get(pointer)
                .map(|record| record.value()),
            Parents::ByTarget(by_target) => by_target.get(pointer).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::json::Document;
    use crate::query::pairs;
    use crate::store::Settings;

    const DATA: &str = r#"{
        "posts": [{"id":1}, {"id":2,"comments":5,"userId":7,"cookieId":1}],
        "comments": [{"id":1,"postId":1}, {"id":2,"postId":"1"}, {"id":3,"postId":9}, {"id":4,"postId":null}],
        "users": [{"id":7,"name":"ann"}],
        "cookies": [{"id":1}],
        "notes": [{"id":1,"cookieId":1}],
        "equipment": [{"id":1,"userId":7}],
        "repairs": [{"id":1,"equipmentId":1}]
    }"#;

    fn attached(collection: &str, at: usize, raw: &str) -> (String, usize) {
        let store = Store::open(
            Document::parse(DATA.into()).unwrap(),
            Arc::new(Settings::default()),
        )
        .unwrap();
        let query = Query::for_item(&pairs(raw).unwrap());
        let work = Work::unlimited();
        let relations = Relations::new(&store, collection, &query, &work);
        let record = store
            .resource(collection)
            .unwrap()
            .collection()
            .unwrap()
            .window(at, 1)
            .next()
            .unwrap();
        (
            relations
                .attach(record.value(), Layout::MINIFIED, "", &work)
                .into_owned(),
            relations.notices().len(),
        )
    }

    #[test]
    fn relations_are_put_in() {
        let cases = [
            (
                "posts",
                0,
                "_embed=comments",
                r#"{"id":1,"comments":[{"id":1,"postId":1},{"id":2,"postId":"1"}]}"#,
                1,
            ),
            (
                "posts",
                1,
                "_embed=comments",
                r#"{"id":2,"comments":[],"userId":7,"cookieId":1}"#,
                1,
            ),
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
            (
                "comments",
                0,
                "_embed=post",
                r#"{"id":1,"postId":1,"post":{"id":1}}"#,
                0,
            ),
            (
                "comments",
                1,
                "_expand=post",
                r#"{"id":2,"postId":"1","post":{"id":1}}"#,
                0,
            ),
            ("comments", 2, "_expand=post", r#"{"id":3,"postId":9}"#, 0),
            (
                "comments",
                3,
                "_expand=post",
                r#"{"id":4,"postId":null}"#,
                0,
            ),
            ("comments", 0, "_expand=posts", r#"{"id":1,"postId":1}"#, 1),
            ("posts", 0, "_embed=comment", r#"{"id":1}"#, 1),
            (
                "cookies",
                0,
                "_embed=notes",
                r#"{"id":1,"notes":[{"id":1,"cookieId":1}]}"#,
                0,
            ),
            (
                "repairs",
                0,
                "_embed=equipment",
                r#"{"id":1,"equipmentId":1,"equipment":{"id":1,"userId":7}}"#,
                0,
            ),
            (
                "users",
                0,
                "_embed=equipment",
                r#"{"id":7,"name":"ann","equipment":[{"id":1,"userId":7}]}"#,
                0,
            ),
        ];
        for (collection, at, raw, expected, notices) in cases {
            assert_eq!(
                attached(collection, at, raw),
                (expected.to_string(), notices),
                "{collection} {raw}"
            );
        }
    }
}
