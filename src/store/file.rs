//! The file's text, put together from the pieces that it was cut into.

use super::{Collection, Data, Store};
use crate::json::{Indent, Kind, Layout};

impl Store {
    /// The text of the data file that holds this store: what no write has touched is as it was read, byte for byte.
    pub fn file_text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text_size());
        for resource in &self.resources {
            out.extend_from_slice(resource.before.as_bytes());
            match &resource.data {
                Data::Collection(Collection { untouched: Some(text), .. })
                | Data::Object(text)
                | Data::Scalar(text) => {
                    out.extend_from_slice(text.as_bytes());
                }
                Data::Collection(collection) => {
                    out.push(b'[');
                    for (number, record) in collection.rows().enumerate() {
                        if number > 0 {
                            out.push(b',');
                        }
                        out.extend_from_slice(record.chunk.text.as_bytes());
                    }
                    out.extend_from_slice(collection.close.as_bytes());
                    out.push(b']');
                }
            }
        }
        out.extend_from_slice(self.tail.as_bytes());
        out
    }

    /// About how long the file's text is, without putting it together.
    pub fn text_size(&self) -> usize {
        let mut size = self.tail.len();
        for resource in &self.resources {
            size += resource.before.len()
                + match &resource.data {
                    Data::Collection(collection) => match (&collection.untouched, collection.last()) {
                        (Some(text), _) => text.len(),
                        (None, Some(last)) => collection.len() * (last.chunk.text.len() + 8) + 16,
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
            return Style { lead: style.first_lead.clone(), ..style };
        }
        let mut layout = self.layout;
        if self.tail.is_empty() || matches!(layout.indent, Indent::Spaces(0) | Indent::Tabs(0)) {
            layout.indent = Indent::Spaces(2);
        }
        let lead = layout.line("", 2);
        Style { first_lead: lead.clone(), lead, close: layout.line("", 1), layout }
    }
}

/// How a record is written into a collection.
#[derive(Debug)]
pub(super) struct Style {
    /// White space before a record that is the first.
    pub(super) first_lead: String,
    /// White space before a record that follows another.
    pub(super) lead: String,
    /// White space before the closing bracket, needed where the collection was empty.
    pub(super) close: String,
    /// The layout of the record itself.
    pub(super) layout: Layout,
}

impl Style {
    fn of(collection: &Collection, fallback: Layout) -> Option<Style> {
        let last = collection.rows().rev().find(|record| Kind::of(record.value()) == Kind::Object)?;
        let lead = match collection.len() {
            1 if last.chunk.lead().contains('\n') => last.chunk.lead(),
            1 if fallback.space_after_comma => " ",
            1 => "",
            _ => collection.last()?.chunk.lead(),
        };
        let layout = Layout::of(last.value(), fallback);
        let first_lead = collection.nth(0)?.chunk.lead().to_string();
        Some(Style { first_lead, lead: lead.to_string(), close: collection.close.to_string(), layout })
    }
}
