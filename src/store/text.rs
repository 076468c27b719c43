//! The file's text, put together from the pieces that it was cut into.

use std::sync::Arc;

use super::{Collection, Data, Resource, Store};
use crate::json::{Indent, Kind, Layout};

/// The text of the data file as it was put together last. Where records were only added since, as most writes do, those
/// before them are not looked at one by one.
#[derive(Debug, Default)]
pub struct FileText {
    bytes: Vec<u8>,
    /// The resources that it is made of, and where each ends in it.
    pieces: Vec<(Arc<Resource>, usize)>,
}

/// A text that takes more room is put together anew each time, so that large data is not in memory twice.
const MOST_KEPT: usize = 1 << 20;

impl FileText {
    /// The text of the data file that holds `store`, as [`Store::file_text`] gives it.
    pub fn of(&mut self, store: &Store) -> &[u8] {
        if !self.grow_to(store) {
            self.bytes.clear();
            self.pieces.clear();
            self.bytes.reserve(store.text_size());
            for resource in &store.resources {
                resource.write_text(&mut self.bytes);
                self.pieces.push((resource.clone(), self.bytes.len()));
            }
        }
        self.bytes.extend_from_slice(store.tail.as_bytes());
        &self.bytes
    }

    /// Gives back the memory of a text that is too large to be kept.
    pub fn let_go_if_large(&mut self) {
        if self.bytes.capacity() > MOST_KEPT {
            *self = FileText::default();
        }
    }

    /// Takes in the records that were added, if that is all that happened. What comes after the resources is cut off.
    fn grow_to(&mut self, store: &Store) -> bool {
        let bytes = &mut self.bytes;
        // Should it end half way, the text is put together anew.
        let mut pieces = std::mem::take(&mut self.pieces);
        if pieces.is_empty() || pieces.len() != store.resources.len() {
            return false;
        }
        bytes.truncate(pieces.last().map_or(0, |(_, end)| *end));
        let mut moved = 0;
        for ((before, end), now) in pieces.iter_mut().zip(&store.resources) {
            *end += moved;
            if Arc::ptr_eq(before, now) {
                continue;
            }
            let Some(added) = now.added_since(before) else { return false };
            // That changes in an empty collection only, and out of that none grows.
            let closing = before.collection().map_or(0, |collection| collection.closing.len() + 1);
            let at = *end - closing;
            if *end == bytes.len() {
                bytes.truncate(at);
                bytes.extend_from_slice(&added);
            } else {
                bytes.splice(at..*end, added.iter().copied());
            }
            let length = at + added.len();
            moved += length - *end;
            *end = length;
            *before = now.clone();
        }
        self.pieces = pieces;
        true
    }
}

impl Resource {
    /// Appends the resource as it stands in the file to `out`.
    fn write_text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before.as_bytes());
        match &self.data {
            Data::Collection(Collection { untouched: Some(text), .. }) | Data::Object(text) | Data::Scalar(text) => {
                out.extend_from_slice(text.as_bytes());
            }
            Data::Collection(collection) => {
                out.push(b'[');
                for (number, record) in collection.rows().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(record.text.as_str().as_bytes());
                }
                out.extend_from_slice(collection.closing.as_bytes());
                out.push(b']');
            }
        }
    }

    /// What stands in the file behind the last record of `before`, if this is that collection with others added.
    fn added_since(&self, before: &Resource) -> Option<Vec<u8>> {
        let (now, before) = (self.collection()?, before.collection()?);
        // The text that was read may be another than that of its records: some have got an id.
        if before.untouched.is_some() || now.untouched.is_some() || !now.grew_from(before) {
            return None;
        }
        let mut out = Vec::new();
        for record in now.window(before.len(), usize::MAX) {
            out.push(b',');
            out.extend_from_slice(record.text.as_str().as_bytes());
        }
        out.extend_from_slice(now.closing.as_bytes());
        out.push(b']');
        Some(out)
    }
}

impl Store {
    /// The text of the data file that holds this store: what no write has touched is as it was read, byte for byte.
    pub fn file_text(&self) -> Vec<u8> {
        let mut text = FileText::default();
        text.of(self);
        text.bytes
    }

    /// About how long the file's text is, without putting it together.
    pub fn text_size(&self) -> usize {
        let mut size = self.tail.len();
        for resource in &self.resources {
            size += resource.before.len()
                + match &resource.data {
                    Data::Collection(collection) => match (&collection.untouched, collection.last()) {
                        (Some(text), _) => text.len(),
                        (None, Some(last)) => collection.len() * (last.text.as_str().len() + 8) + 16,
                        (None, None) => 16,
                    },
                    Data::Object(text) | Data::Scalar(text) => text.len(),
                };
        }
        size
    }

    /// How a new record of the resource at `index` is written: the look of its last record, or of another collection's,
    /// or of the file.
    pub(super) fn style(&self, index: usize) -> Style {
        let own = self.resources.get(index).and_then(|resource| resource.collection());
        if let Some(style) = own.and_then(|collection| Style::of(collection, self.layout)) {
            return style;
        }
        let others = self.resources.iter().filter_map(|resource| resource.collection());
        if let Some(style) = others.into_iter().find_map(|collection| Style::of(collection, self.layout)) {
            return Style { leading: style.first_leading.clone(), ..style };
        }
        let mut layout = self.layout;
        if self.tail.is_empty() || matches!(layout.indent, Indent::Spaces(0) | Indent::Tabs(0)) {
            layout.indent = Indent::Spaces(2);
        }
        let leading = layout.line("", 2);
        Style { first_leading: leading.clone(), leading, closing: layout.line("", 1), layout }
    }
}

/// How a record is written into a collection.
#[derive(Debug)]
pub(super) struct Style {
    /// White space before a record that is the first.
    pub(super) first_leading: String,
    /// White space before a record that follows another.
    pub(super) leading: String,
    /// White space before the closing bracket, needed where the collection was empty.
    pub(super) closing: String,
    /// The layout of the record itself.
    pub(super) layout: Layout,
}

impl Style {
    fn of(collection: &Collection, fallback: Layout) -> Option<Style> {
        let last = collection.rows().rev().find(|record| Kind::of(record.value()) == Kind::Object)?;
        let leading = match collection.len() {
            1 if last.text.leading().contains('\n') => last.text.leading(),
            1 if fallback.space_after_comma => " ",
            1 => "",
            _ => collection.last()?.text.leading(),
        };
        let layout = Layout::of(last.value(), fallback);
        let first_leading = collection.nth(0)?.text.leading().to_string();
        Some(Style { first_leading, leading: leading.to_string(), closing: collection.closing.to_string(), layout })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Document, Id, Object};
    use crate::store::{Command, Merge, Settings};

    fn open(text: &str) -> Store {
        Store::open(Document::parse(text.into()).unwrap(), Arc::new(Settings::default())).unwrap()
    }

    fn carried_out(store: &Store, command: &Command) -> Option<Store> {
        let mut next = store.clone();
        let change = next.plan(next.draft(command, &mut || "x".into()).ok()?).ok()?;
        next.apply(change);
        Some(next)
    }

    proptest! {
        /// Whatever became of the data since the text of before, the next one is that of the data.
        #[test]
        fn a_text_that_is_kept_is_the_same_as_a_new_one(
            steps in prop::collection::vec((0usize..7, 0usize..3, 0i64..8, any::<bool>()), 1..60),
        ) {
            let start = open("{ \"a\": [\n  {\"id\": 1},\n  {\"n\": 2}\n],\n \"o\": {\"p\": 1}, \"b\": [], \"c\": [{\"id\": 5}] } \n");
            let mut past = vec![start.clone()];
            let mut text = FileText::default();
            for (step, place, id, looks) in steps {
                let resource = ["a", "b", "c"][place].to_string();
                let body = || Object::parse(&format!("{{\"v\": {id}}}")).unwrap();
                let now = past.last().unwrap();
                let next = match step {
                    0..=3 => carried_out(now, &Command::Create { resource, body: body() }),
                    4 => {
                        let (id, how) = (Id::Number(id), Merge::Shallow);
                        carried_out(now, &Command::Merge { resource, id, patch: body(), how })
                    }
                    5 => carried_out(now, &Command::Delete { resource, id: Id::Number(id), dependent: Vec::new() }),
                    _ if place == 0 => carried_out(now, &Command::ReplaceObject { resource: "o".into(), body: body() }),
                    _ => past.get(past.len() / 2).cloned(),
                };
                let Some(next) = next else { continue };
                if looks {
                    prop_assert_eq!(text.of(&next), next.file_text());
                }
                // What a failed save had made of the data is not what follows.
                if step != 3 {
                    past.push(next);
                }
            }
            let last = past.last().unwrap();
            prop_assert_eq!(text.of(last), last.file_text());
        }
    }
}
