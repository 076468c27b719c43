//! The text of the data file, and how new records are laid out in it.

use std::sync::Arc;

use super::{Collection, Data, Resource, Store};
use crate::json::{Indent, Kind, Layout};

impl Resource {
    /// Appends the resource to `out`, as it is in the file.
    fn write_text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before.as_bytes());
        match &self.data {
            Data::Object(text) | Data::Scalar(text) => out.extend_from_slice(text.as_bytes()),
            Data::Collection(collection) => {
                if let Some(text) = &collection.untouched {
                    return out.extend_from_slice(text.as_bytes());
                }
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
}

impl Store {
    /// The text of the data file that holds this store: whatever no write has changed is as it was read, byte for byte.
    pub fn file_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.text_size());
        for resource in &self.resources {
            resource.write_text(&mut text);
        }
        text.extend_from_slice(self.tail.as_bytes());
        text
    }

    /// About how long the file's text is, without building it.
    pub fn text_size(&self) -> usize {
        let size = |resource: &Resource| {
            let value = match &resource.data {
                Data::Collection(collection) => {
                    match (&collection.untouched, collection.rows().next_back()) {
                        (Some(text), _) => text.len(),
                        (None, Some(last)) => {
                            collection.len() * (last.text.as_str().len() + 8) + 16
                        }
                        (None, None) => 16,
                    }
                }
                Data::Object(text) | Data::Scalar(text) => text.len(),
            };
            resource.before.len() + value
        };
        self.tail.len() + self.resources.iter().map(|one| size(one)).sum::<usize>()
    }

    /// How a new record of the resource at `index` is written: like its last record, or one of another collection, or
    /// the file.
    pub(super) fn style(&self, index: usize) -> Style {
        let of = |resource: &Arc<Resource>| Style::of(resource.collection()?, self.layout);
        if let Some(style) = of(&self.resources[index]) {
            return style;
        }
        if let Some(style) = self.resources.iter().find_map(of) {
            return Style {
                leading: style.first_leading.clone(),
                ..style
            };
        }
        let mut layout = self.layout;
        if self.tail.is_empty() || matches!(layout.indent, Indent::Spaces(0) | Indent::Tabs(0)) {
            layout.indent = Indent::Spaces(2);
        }
        let leading = layout.line("", 2);
        Style {
            first_leading: leading.clone(),
            leading,
            closing: layout.line("", 1),
            layout,
        }
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
    /// The white space before a record that is added to `collection`.
    pub(super) fn leading_in(&self, collection: &Collection) -> &str {
        match collection.is_empty() {
            true => &self.first_leading,
            false => &self.leading,
        }
    }

    fn of(collection: &Collection, fallback: Layout) -> Option<Style> {
        let mut rows = collection.rows().rev();
        let last = rows.find(|record| Kind::of(record.value()) == Kind::Object)?;
        let leading = match collection.len() {
            1 if last.text.leading().contains('\n') => last.text.leading(),
            1 if fallback.space_after_comma => " ",
            1 => "",
            _ => collection.rows().next_back()?.text.leading(),
        };
        let layout = Layout::of(last.value(), fallback);
        let first_leading = collection.rows().next()?.text.leading().to_string();
        Some(Style {
            first_leading,
            leading: leading.to_string(),
            closing: collection.closing.to_string(),
            layout,
        })
    }
}
