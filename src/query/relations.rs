//! `_embed` and `_expand`: records with their children and parents embedded. [`Store::links`] says which property is
//! the foreign key. Keys are compared by their text form, so `"postId": "1"` belongs to the post with the id `1` (0.17
//! does so for parents, but not for children).
//!
//! 1. [`Relations::new`] resolves each name once for a collection;
//! 2. [`Relations::attach`] embeds the results in a record.

use std::borrow::Cow;
use std::collections::HashMap;

use indexmap::IndexMap;

use super::Notice;
use super::parse::Query;
use crate::json::{self, Id, Kind, Layout};
use crate::store::plural::{plural, singular};
use crate::store::{Collection, Link, Resource, Store};
use crate::text::nearest;
use crate::work::Work;

/// The relations to embed in each record of a collection.
#[derive(Debug)]
pub struct Relations<'a> {
    store: &'a Store,
    collection: &'a str,
    steps: Vec<Step<'a>>,
    /// Hints about names that are not relations.
    pub notices: Vec<Notice>,
    /// The depth of nesting; 1 for the requested records.
    level: usize,
}

/// A relation that becomes one member of each record.
#[derive(Debug)]
struct Step<'a> {
    name: &'a str,
    related: Related<'a>,
    /// The relations to embed in the related records.
    inner: Option<Box<Relations<'a>>>,
}

#[derive(Debug)]
enum Related<'a> {
    /// The records that point to this one by the link, as an array.
    Children(Link, HashMap<Id, Vec<&'a str>>),
    /// The record that this one points to by the link; omitted if there is none. An array if the link is to many.
    Parent(Link, Parents<'a>),
    /// An empty array, which 0.17 returns for an unknown name.
    Nothing,
}

/// How many levels of relations one request can embed.
const MAX_DEPTH: usize = 5;

/// Finds the records of a collection that are pointed to.
#[derive(Debug)]
enum Parents<'a> {
    ById(&'a Collection),
    ByTarget(HashMap<Id, &'a str>),
}

impl<'a> Relations<'a> {
    /// Resolves `_embed` and `_expand` in `query` for records of `collection`. Incomplete if `work` was stopped.
    pub fn new(
        store: &'a Store,
        collection: &'a str,
        query: &'a Query,
        work: &Work<'_>,
    ) -> Relations<'a> {
        let [embeds, expands] = [&query.embeds, &query.expands]
            .map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        Relations::of(store, collection, &embeds, &expands, work, 1)
    }

    fn of(
        store: &'a Store,
        collection: &'a str,
        embeds: &[&'a str],
        expands: &[&'a str],
        work: &Work<'_>,
        level: usize,
    ) -> Relations<'a> {
        let mut relations = Relations {
            store,
            collection,
            steps: Vec::new(),
            notices: Vec::new(),
            level,
        };
        for (name, rest) in relations.grouped(embeds) {
            relations.embed(name, &rest, work);
        }
        for (name, rest) in relations.grouped(expands) {
            relations.expand(name, &rest, work);
        }
        relations
    }

    /// Groups `names` by their first part: `comments` with `author` for `comments.author`.
    fn grouped(&self, names: &[&'a str]) -> IndexMap<&'a str, Vec<&'a str>> {
        let mut groups: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for name in names {
            // The name of a collection may contain a dot.
            let parts = name
                .split_once(['.', '/'])
                .filter(|_| self.store.records(name).is_none());
            let (first, rest) = parts.map_or((*name, None), |(first, rest)| (first, Some(rest)));
            groups.entry(first).or_default().extend(rest);
        }
        groups
    }

    /// The relations `names` of the embedded records of `collection`.
    fn inner(
        &mut self,
        parameter: &str,
        collection: &'a str,
        names: &[&'a str],
        work: &Work<'_>,
    ) -> Option<Box<Relations<'a>>> {
        if names.is_empty() {
            return None;
        }
        if self.level == MAX_DEPTH {
            let detail = format!("relations are embedded at most {MAX_DEPTH} levels deep.");
            self.note(parameter, detail, None);
            return None;
        }
        let (embeds, expands) = match parameter {
            "_embed" => (names, &[][..]),
            _ => (&[][..], names),
        };
        let level = self.level + 1;
        let mut inner = Relations::of(self.store, collection, embeds, expands, work, level);
        self.notices.append(&mut inner.notices);
        Some(Box::new(inner))
    }

    fn embed(&mut self, name: &'a str, rest: &[&'a str], work: &Work<'_>) {
        let is_child = self.store.records(name).is_some();
        let parent = self.store.parent_named(self.collection, name);
        // If a name could be both, a plural means children, as in json-server.
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
                self.parent("_embed", name, rest, &parent, link, work);
            }
            _ if is_child => self.children(name, rest, work),
            _ => {
                let detail =
                    format!("unknown collection {name:?}: the records get an empty array.");
                let near = nearest(name, self.collections());
                self.note("_embed", detail, near.map(|near| format!("_embed={near}")));
                self.push(name, Related::Nothing, None);
            }
        }
    }

    fn children(&mut self, name: &'a str, rest: &[&'a str], work: &Work<'_>) {
        let link = self.store.link(name, self.collection);
        if let Some(detail) = self.store.link_notice(name, self.collection, &link) {
            let is_parent = !link.used && self.store.link(self.collection, name).used;
            let instead = is_parent.then(|| format!("_embed={}", singular(name)));
            self.note("_embed", detail, instead);
        }
        let has_own = |row| json::get_member(row, name).is_some();
        if self.rows(self.collection, work).any(has_own) {
            let detail = format!(
                "records of {} have their own {name:?}, which this response replaces with the records of {name}.",
                self.collection
            );
            self.note("_embed", detail, None);
        }
        let mut by_pointer: HashMap<Id, Vec<&str>> = HashMap::new();
        for row in self.rows(name, work) {
            for pointer in link.pointers(row) {
                by_pointer.entry(pointer).or_default().push(row);
            }
        }
        let inner = self.inner("_embed", name, rest, work);
        self.push(name, Related::Children(link, by_pointer), inner);
    }

    fn push(&mut self, name: &'a str, related: Related<'a>, inner: Option<Box<Relations<'a>>>) {
        self.steps.push(Step {
            name,
            related,
            inner,
        });
    }

    fn expand(&mut self, name: &'a str, rest: &[&'a str], work: &Work<'_>) {
        match self.store.parent_named(self.collection, name) {
            Some((parent, link)) => self.parent("_expand", name, rest, &parent, link, work),
            None => {
                let name = plural(name);
                let detail =
                    format!("unknown collection {name:?}: nothing is added to the records.");
                let near = nearest(&name, self.collections());
                let instead = near.map(|near| format!("_expand={}", singular(near)));
                self.note("_expand", detail, instead);
            }
        }
    }

    fn parent(
        &mut self,
        parameter: &str,
        name: &'a str,
        rest: &[&'a str],
        parent: &str,
        link: Link,
        work: &Work<'_>,
    ) {
        let resource = self.store.resource(parent);
        let Some((resource, collection)) = resource.and_then(|one| Some((one, one.collection()?)))
        else {
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
            Parents::ById(collection)
        } else {
            let mut by_target = HashMap::new();
            for row in self.rows(parent, work) {
                if let Some(target) = json::get_member(row, &link.target).and_then(Id::from_json) {
                    by_target.entry(target).or_insert(row);
                }
            }
            Parents::ByTarget(by_target)
        };
        let inner = self.inner(parameter, resource.name(), rest, work);
        self.push(name, Related::Parent(link, parents), inner);
    }

    fn note(&mut self, parameter: &str, detail: String, instead: Option<String>) {
        self.notices.push(Notice::new(parameter, detail, instead));
    }

    fn collections(&self) -> impl Iterator<Item = &'a str> {
        let resources = self.store.resources();
        let collections = resources.filter(|resource| resource.collection().is_some());
        collections.map(Resource::name)
    }

    /// The records of a collection, until `work` is stopped.
    fn rows(&self, name: &str, work: &Work<'_>) -> impl Iterator<Item = &'a str> {
        let rows = self.store.records(name).into_iter();
        let rows = rows.flat_map(|collection| collection.rows());
        rows.map(|row| row.value())
            .take_while(|row| work.charge(row.len()))
    }

    /// The property that holds a record's id.
    pub fn id_property(&self) -> &'a str {
        &self.store.settings().id
    }

    /// Whether there is nothing to embed.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// `record` with its relations embedded: a member of the same name is replaced, a new one goes last. The new text
    /// has the record's layout, or `layout` if it shows none. Incomplete once `work` is stopped.
    pub fn attach<'r>(&self, record: &'r str, layout: Layout, work: &Work<'_>) -> Cow<'r, str> {
        let mut out = Cow::Borrowed(record);
        if Kind::of(record) != Kind::Object {
            return out;
        }
        for step in &self.steps {
            let deeper = |text: &'a str| match &step.inner {
                Some(inner) => inner.attach(text, Layout::MINIFIED, work),
                None => Cow::Borrowed(text),
            };
            let value = match &step.related {
                Related::Children(link, by_pointer) => {
                    let target = json::get_member(record, &link.target).and_then(Id::from_json);
                    let children = target.and_then(|target| by_pointer.get(&target));
                    let children = children.map_or(&[][..], Vec::as_slice);
                    if !work.charge(children.iter().map(|child| child.len()).sum()) {
                        return out;
                    }
                    Some(Cow::Owned(array(
                        children.iter().map(|child| deeper(child)),
                    )))
                }
                Related::Parent(link, parents) => {
                    let pointers = link.pointers(record);
                    let found = pointers.iter().filter_map(|pointer| parents.find(pointer));
                    let mut found = found.map(deeper);
                    match link.many {
                        true => Some(Cow::Owned(array(found))),
                        false => found.next(),
                    }
                }
                Related::Nothing => Some(Cow::Borrowed("[]")),
            };
            let Some(value) = value else { continue };
            if !work.charge_result(out.len() + value.len()) {
                return out;
            }
            out = Cow::Owned(json::with_member(&out, step.name, &value, layout, ""));
        }
        out
    }
}

fn array<'t>(items: impl Iterator<Item = Cow<'t, str>>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

impl<'a> Parents<'a> {
    fn find(&self, pointer: &Id) -> Option<&'a str> {
        match self {
            Parents::ById(collection) => collection.get(pointer).map(|record| record.value()),
            Parents::ByTarget(by_target) => by_target.get(pointer).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::json::Document;
    use crate::query::{Fields, pairs};
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
        let query = Query::parse(&pairs(raw).unwrap(), &Fields::new(None, &[])).unwrap();
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
                .attach(record.value(), Layout::MINIFIED, &work)
                .into_owned(),
            relations.notices.len(),
        )
    }

    #[test]
    fn relations_are_put_in() {
        // The collection, the position, the query, the record, and the number of notices.
        let cases = r#"
            posts 0 _embed=comments {"id":1,"comments":[{"id":1,"postId":1},{"id":2,"postId":"1"}]} 1
            posts 1 _embed=comments {"id":2,"comments":[],"userId":7,"cookieId":1} 1
            posts 1 _expand=user {"id":2,"comments":5,"userId":7,"cookieId":1,"user":{"id":7,"name":"ann"}} 0
            posts 0 _expand=user {"id":1} 0
            posts 0 _embed=nope {"id":1,"nope":[]} 1
            posts 0 _expand=nope {"id":1} 1
            comments 0 _embed=post {"id":1,"postId":1,"post":{"id":1}} 0
            comments 1 _expand=post {"id":2,"postId":"1","post":{"id":1}} 0
            comments 2 _expand=post {"id":3,"postId":9} 0
            comments 3 _expand=post {"id":4,"postId":null} 0
            comments 0 _expand=posts {"id":1,"postId":1} 1
            posts 0 _embed=comment {"id":1} 1
            cookies 0 _embed=notes {"id":1,"notes":[{"id":1,"cookieId":1}]} 0
            repairs 0 _embed=equipment {"id":1,"equipmentId":1,"equipment":{"id":1,"userId":7}} 0
            comments 0 _embed=post.comments&_embed=post {"id":1,"postId":1,"post":{"id":1,"comments":[{"id":1,"postId":1},{"id":2,"postId":"1"}]}} 1
            repairs 0 _expand=equipment.user {"id":1,"equipmentId":1,"equipment":{"id":1,"userId":7,"user":{"id":7,"name":"ann"}}} 0
            users 0 _embed=equipment.repairs.nope {"id":7,"name":"ann","equipment":[{"id":1,"userId":7,"repairs":[{"id":1,"equipmentId":1,"nope":[]}]}]} 1
            users 0 _embed=equipment {"id":7,"name":"ann","equipment":[{"id":1,"userId":7}]} 0
        "#;
        for case in cases.lines().filter(|line| !line.trim().is_empty()) {
            let [collection, at, query, expected, notices] =
                case.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("{case}");
            };
            let (found, count) = attached(collection, at.parse().unwrap(), query);
            assert_eq!(
                (&*found, &*count.to_string()),
                (expected, notices),
                "{case}"
            );
        }
    }
}
