//! Foreign keys: the one place that decides which property of a collection's records points to another collection, for
//! `_embed`, `_expand`, nested paths and cascading deletion alike.
//!
//! References that the rules declare take precedence. Without them a foreign key is recognised by its name, as in
//! json-server: `comments` point to `posts` by `postId`. The parent's name may be any plausible singular, and the key
//! may be in snake case (`post_id`): the first of these names that a record has is the key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use super::command::Refusal;
use super::index::pointers;
use super::plural::{Singular, plural, singular, singulars};
use super::{Record, Resource, Store};
use crate::json::{Id, Kind, Layout, get_member, items, same_value, with_member};
use crate::rules::{OnDelete, ReferenceRule};
use crate::text::{camel, query_encode};

/// The suffix in snake case.
const SNAKE_SUFFIX: &str = "_id";

/// A foreign key from one collection to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The property that points: the `postId` of a comment.
    pub key: String,
    /// The property of the other record that it refers to, usually the id.
    pub target: String,
    /// The value of the key is an array of pointers.
    pub many: bool,
    /// The rules declare it (`references`).
    pub declared: bool,
    /// The rules declare it, or a record has the key.
    pub used: bool,
    /// The effect on a record of deleting the one that it points to.
    pub on_delete: OnDelete,
}

/// The effect of a deletion on other records.
#[derive(Debug)]
pub(super) struct Dependents {
    /// The records that are deleted, with the positions of their collections; the requested one first.
    pub gone: Vec<(usize, Arc<Record>)>,
    /// The records that stay with their keys cleared, and their new text.
    pub emptied: Vec<(usize, Arc<Record>, String)>,
}

/// A record that stays although it points to a deleted one.
struct Pointing {
    /// The position of its collection.
    place: usize,
    record: Arc<Record>,
    link: Link,
    target: Id,
}

impl Link {
    /// `record` without its pointer to `target`: the key is set to null, or the item is removed from the array.
    fn without(&self, record: &str, target: &Id, layout: Layout, base: &str) -> String {
        let value = match get_member(record, &self.key) {
            Some(list) if self.many => {
                let kept = items(list).filter(|item| Id::from_json(item).as_ref() != Some(target));
                format!("[{}]", kept.collect::<Vec<_>>().join(","))
            }
            _ => "null".into(),
        };
        with_member(record, &self.key, &value, layout, base)
    }

    /// The ids that `record`, one of the child collection, points to.
    pub fn pointers(&self, record: &str) -> Vec<Id> {
        pointers(record, &self.key, self.many)
    }
}

impl Resource {
    /// The records of this collection that point to `parent` by `link`, with the link and the id.
    fn pointing<'l>(&self, link: &'l Link, parent: &Record) -> Vec<(Arc<Record>, &'l Link, Id)> {
        let target = get_member(parent.value(), &link.target).and_then(Id::from_json);
        let (Some(target), Some(collection)) = (target, self.collection()) else {
            return Vec::new();
        };
        let found = collection.pointing(&link.key, link.many, &target);
        (found.into_iter())
            .map(|record| (record, link, target.clone()))
            .collect()
    }

    fn singulars(&self) -> &[Singular] {
        self.singulars.get_or_init(|| singulars(&self.name).into())
    }
}

impl Store {
    /// The links from `child` to `parent`, the most likely one first; there is at least one, which may be unused.
    pub fn links(&self, child: &str, parent: &str) -> Vec<Link> {
        let settings = &self.settings;
        let keys = match self.resource(parent) {
            Some(parent) => self.foreign_keys(parent.singulars()),
            None => self.foreign_keys(&singulars(parent)),
        };
        let declared = settings.references(child);
        let mut links: Vec<Link> = declared
            .iter()
            .filter(|rule| rule.resource == parent)
            .map(|rule| Link {
                key: rule.property.clone(),
                target: rule.target.clone(),
                many: rule.many,
                declared: true,
                used: true,
                on_delete: rule.on_delete.unwrap_or(match settings.on_delete {
                    // Only the pointer is removed, not the record with the others.
                    OnDelete::Cascade if rule.many => OnDelete::Nothing,
                    other => other,
                }),
            })
            .collect();
        if !links.is_empty() {
            let place = |link: &Link| keys.iter().position(|key| key.name == link.key);
            links.sort_by_key(|link| place(link).unwrap_or(keys.len()));
            return links;
        }
        let rows = self.records(child);
        let is_free = |key: &str| declared.iter().all(|rule| rule.property != key);
        let used = keys.iter().filter(|key| is_free(&key.name)).find(|key| {
            rows.is_some_and(|rows| rows.has_member(&key.name))
                && self.claimant(&key.name).is_none_or(|name| name == parent)
        });
        let key = used.or(keys.first());
        vec![Link {
            key: key.map_or_else(String::new, |key| key.name.clone()),
            target: settings.id.clone(),
            many: false,
            declared: false,
            used: used.is_some(),
            // A guessed link does not cascade: `planId` may not belong to `planes`.
            on_delete: if key.is_some_and(|key| key.is_natural) {
                settings.on_delete
            } else {
                OnDelete::Nothing
            },
        }]
    }

    /// The first of [`Store::links`].
    pub fn link(&self, child: &str, parent: &str) -> Link {
        self.links(child, parent).swap_remove(0)
    }

    /// The parent collection and the link that `name` means for `child`: the `post` of `_expand=post`.
    pub fn parent_named(&self, child: &str, name: &str) -> Option<(String, Link)> {
        let suffix = &self.settings.foreign_key_suffix;
        let by_key = [
            format!("{name}{suffix}"),
            format!("{}{SNAKE_SUFFIX}", snake(name)),
            name.to_string(),
        ];
        let rules = self.settings.references(child);
        for key in by_key {
            if let Some(rule) = rules.iter().find(|rule| rule.property == key) {
                let link = self
                    .links(child, &rule.resource)
                    .into_iter()
                    .find(|link| link.key == key)?;
                return Some((rule.resource.clone(), link));
            }
        }
        let parents = self.ranked(Some(&plural(name)), |singulars| {
            singulars.iter().position(|one| one.name == name)
        });
        let mut links: Vec<_> = (parents.into_iter())
            .map(|parent| (parent.to_string(), self.link(child, parent)))
            .collect();
        let at = links.iter().position(|(_, link)| link.used).unwrap_or(0);
        let (parent, link) = (at < links.len()).then(|| links.swap_remove(at))?;
        // A plural means several records, which a single key cannot have, unless the key itself is plural.
        let is_plural = parent == name && singular(name) != name;
        let key = format!("{name}{suffix}");
        let used = link.used && (!is_plural || link.key == key);
        Some(match used || !is_plural {
            true => (parent, link),
            false => (parent, Link { key, used, ..link }),
        })
    }

    /// The collections that have a singular at a `place`, ordered by it, with the one called `usual` first.
    fn ranked(
        &self,
        usual: Option<&str>,
        place: impl Fn(&[Singular]) -> Option<usize>,
    ) -> Vec<&str> {
        let collections = self.resources().filter(|one| one.collection().is_some());
        let mut found: Vec<(bool, usize, &str)> = collections
            .filter_map(|one| {
                let place = place(one.singulars())?;
                Some((usual != Some(one.name()), place, one.name()))
            })
            .collect();
        found.sort_by_key(|(is_other, place, _)| (*is_other, *place));
        found.into_iter().map(|(.., name)| name).collect()
    }

    /// A hint about the `link` from `child` to `parent`: no record has the key, or it is in snake case.
    pub fn link_notice(&self, child: &str, parent: &str, link: &Link) -> Option<String> {
        let rows = self.records(child)?;
        if rows.is_empty() || link.declared {
            return None;
        }
        let suffix = &self.settings.foreign_key_suffix;
        if link.used {
            let stem = link
                .key
                .strip_suffix(SNAKE_SUFFIX)
                .filter(|_| !link.key.ends_with(suffix.as_str()))?;
            return Some(format!(
                "no record of {child} has {:?}, so {:?} is used; start with --foreign-key-suffix _id to make that the rule.",
                format!("{}{suffix}", camel(stem)),
                link.key
            ));
        }
        let between = self.resources().map(Resource::name).find(|between| {
            *between != child && self.link(child, between).used && self.link(between, parent).used
        });
        if let Some(between) = between {
            return Some(format!(
                "no record of {child} has {:?}: {child} belong to {between}, and these to {parent}. One request covers one level: GET /{}?_embed={}.",
                link.key,
                query_encode(between),
                query_encode(child)
            ));
        }
        let stem = link.key.strip_suffix(suffix.as_str()).unwrap_or(&link.key);
        // A name such as `post_uuid` or `post` was probably meant for the key.
        let other = rows
            .member_names()
            .find(|name| name.to_lowercase().starts_with(&stem.to_lowercase()));
        let advice = match other.map(|name| (name, name.strip_prefix(stem))) {
            Some((name, Some(ending))) if !ending.is_empty() => {
                format!("if {name:?} is the key, start with --foreign-key-suffix {ending}")
            }
            Some((name, _)) => format!("if {name:?} is the key, declare it with \"references\" in the rules"),
            None => "--foreign-key-suffix sets another ending, and \"references\" in the rules another name".into(),
        };
        Some(format!(
            "no record of {child} has {:?}; {advice}.",
            link.key
        ))
    }

    /// The foreign keys that may point to a collection of records with these `names`, json-server's first.
    fn foreign_keys(&self, names: &[Singular]) -> Vec<Singular> {
        let suffix = &self.settings.foreign_key_suffix;
        let with = |key: fn(&str, &str) -> String| {
            names
                .iter()
                .map(move |one| (key(&one.name, suffix), one.is_natural))
        };
        let as_is = with(|name, suffix| format!("{name}{suffix}"));
        let camel = with(|name, suffix| format!("{}{suffix}", camel(name)));
        let snake = with(|name, _| format!("{}{SNAKE_SUFFIX}", snake(name)));
        let mut keys: Vec<Singular> = Vec::new();
        for (name, is_natural) in as_is.chain(camel).chain(snake) {
            if !keys.iter().any(|known| known.name == name) {
                keys.push(Singular { name, is_natural });
            }
        }
        keys
    }

    /// The collection that fits the name of a foreign key best: with both `posts` and `post` in the file, `postId`
    /// belongs to `posts`.
    fn claimant(&self, key: &str) -> Option<&str> {
        let stem = key.strip_suffix(self.settings.foreign_key_suffix.as_str());
        let usual = stem.or_else(|| key.strip_suffix(SNAKE_SUFFIX)).map(plural);
        let place = |singulars: &[Singular]| {
            let keys = self.foreign_keys(singulars);
            keys.iter().position(|known| known.name == key)
        };
        self.ranked(usual.as_deref(), place).first().copied()
    }

    /// The effect of deleting the record `first` of the resource at `index`: it also deletes the records that point to
    /// it, and recursively those that point to these, if their links cascade. A record whose key was dangling before
    /// stays. Records of the collections in `dependent` are always deleted with what they point to.
    ///
    /// # Errors
    /// A link with `restrict` points to a deleted record.
    pub(super) fn dependents(
        &self,
        index: usize,
        first: &Arc<Record>,
        dependent: &[String],
    ) -> Result<Dependents, Refusal> {
        let (gone, left) = self.reached(index, first, dependent);
        let name = |place: usize| self.resources[place].name().to_string();
        let holders: Vec<_> = (left.iter())
            .filter(|one| one.link.on_delete == OnDelete::Restrict)
            .map(|one| (name(one.place), one.record.id().cloned()))
            .collect();
        if holders.is_empty() {
            let emptied = self.emptied(left);
            return Ok(Dependents { gone, emptied });
        }
        let mut needed = dependent.to_vec();
        for (name, _) in &holders {
            if !needed.contains(name) {
                needed.push(name.clone());
            }
        }
        // Others may point to the holders in turn. Each round adds at least one collection.
        if let Err(Refusal::Referenced { dependent, .. }) = self.dependents(index, first, &needed) {
            needed = dependent;
        }
        Err(Refusal::Referenced {
            resource: name(index),
            id: first.id().cloned(),
            holders,
            dependent: needed,
            not_null: None,
        })
    }

    /// The records that are deleted with `first` (see [`Store::dependents`]), and those that point to one of them and
    /// stay.
    fn reached(
        &self,
        index: usize,
        first: &Arc<Record>,
        dependent: &[String],
    ) -> (Vec<(usize, Arc<Record>)>, Vec<Pointing>) {
        let mut gone = vec![(index, first.clone())];
        let mut seen = HashSet::from([(index, first.number)]);
        let mut left: Vec<Pointing> = Vec::new();
        let mut known: HashMap<(usize, usize), Vec<Link>> = HashMap::new();
        let mut next = 0;
        while let Some((parent_place, parent)) = gone.get(next).cloned() {
            next += 1;
            let collections = self.resources.iter().enumerate();
            for (place, child) in collections.filter(|(_, child)| child.collection().is_some()) {
                let is_named = dependent.contains(&child.name);
                let acts =
                    |link: &Link| link.used && (is_named || link.on_delete != OnDelete::Nothing);
                let links = known.entry((place, parent_place)).or_insert_with(|| {
                    let links = self.links(&child.name, self.resources[parent_place].name());
                    links.into_iter().filter(acts).collect()
                });
                let pointing = links.iter().flat_map(|link| child.pointing(link, &parent));
                for (record, link, target) in pointing {
                    if !is_named && link.on_delete != OnDelete::Cascade {
                        let link = link.clone();
                        left.push(Pointing {
                            place,
                            record,
                            link,
                            target,
                        });
                    } else if seen.insert((place, record.number)) {
                        gone.push((place, record));
                    }
                }
            }
        }
        left.retain(|one| !seen.contains(&(one.place, one.record.number)));
        (gone, left)
    }

    /// The records that stay, without their pointers to deleted ones.
    fn emptied(&self, left: Vec<Pointing>) -> Vec<(usize, Arc<Record>, String)> {
        let mut emptied: IndexMap<(usize, u64), (usize, Arc<Record>, String)> = IndexMap::new();
        for one in left {
            let (place, record) = (one.place, &one.record);
            let layout = Layout::of(record.value(), self.style(place).layout);
            let (_, _, text) = (emptied.entry((place, record.number)))
                .or_insert_with(|| (place, record.clone(), record.value().to_string()));
            *text = (one.link).without(text, &one.target, layout, record.text.indent());
        }
        emptied.into_values().collect()
    }

    /// Whether the deletion of a record of `parent` may be refused because others point to it.
    pub fn restricts(&self, parent: &str) -> bool {
        let rules = self.settings.schema.iter();
        let rules = rules.flat_map(|rules| &rules.references);
        let mut rules = rules.filter(|rule| rule.resource == parent);
        let may_refuse = |how: OnDelete| matches!(how, OnDelete::Restrict | OnDelete::SetNull);
        may_refuse(self.settings.on_delete)
            || rules.any(|rule| rule.on_delete.is_some_and(may_refuse))
    }

    /// Checks that every declared reference of `record` has a target. Values that `old`, the previous version, already
    /// had are not checked again.
    pub(super) fn check_references(
        &self,
        resource: &Resource,
        record: &str,
        old: Option<&str>,
    ) -> Result<(), Refusal> {
        for rule in self.settings.references(&resource.name) {
            let Some(value) = get_member(record, &rule.property) else {
                continue;
            };
            let known = old.and_then(|old| get_member(old, &rule.property));
            if known.is_some_and(|known| same_value(known, value)) {
                continue;
            }
            let dangles =
                |pointer: &&str| Kind::of(pointer) != Kind::Null && !self.is_there(rule, pointer);
            let dangling = match rule.many {
                true => items(value).find(dangles),
                false => Some(value).filter(dangles),
            };
            if let Some(pointer) = dangling {
                return Err(Refusal::Dangling {
                    rule: rule.clone(),
                    value: pointer.to_string(),
                });
            }
        }
        Ok(())
    }

    fn is_there(&self, rule: &ReferenceRule, value: &str) -> bool {
        let Some(collection) = self.records(&rule.resource) else {
            return false;
        };
        if rule.target == self.settings.id {
            return Id::from_json(value).is_some_and(|id| collection.get(&id).is_some());
        }
        collection.rows().any(|row| {
            get_member(row.value(), &rule.target).is_some_and(|known| same_value(known, value))
        })
    }
}

/// `orderItem` and `order-item` as `order_item`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    let mut is_after_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && is_after_small {
            out.push('_');
        }
        is_after_small = letter.is_lowercase() || letter.is_numeric();
        match letter {
            '-' | ' ' | '.' => out.push('_'),
            _ => out.extend(letter.to_lowercase()),
        }
    }
    out
}
