//! What is wrong with the data file right now, for people who look: it is broken, missing, or cannot be written.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::notice::Faults;
use crate::json::Place;

/// Why the data file and the data differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The data file.
    pub file: PathBuf,
    /// What is wrong.
    pub kind: TroubleKind,
    /// Where, if that is a place in the file.
    pub place: Option<Place>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The kinds of [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// An edit of the file is not valid; writes are refused.
    Broken,
    /// The file cannot be read.
    Missing,
    /// The file cannot be written.
    Unsaved,
}

impl TroubleKind {
    /// The kind as one word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            TroubleKind::Broken => "broken",
            TroubleKind::Missing => "missing",
            TroubleKind::Unsaved => "unsaved",
        }
    }
}

/// The present trouble, if any. Readers are woken when it changes.
#[derive(Debug, Clone)]
pub(super) struct Troubles(Arc<watch::Sender<Option<Arc<Trouble>>>>);

impl Default for Troubles {
    fn default() -> Troubles {
        Troubles(Arc::new(watch::Sender::new(None)))
    }
}

impl Troubles {
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Arc<Trouble>>> {
        self.0.subscribe()
    }

    /// Says what is wrong now; `None`: nothing is.
    pub(super) fn set(&self, trouble: Option<Trouble>) {
        self.0.send_if_modified(|known| {
            let is_new = known.as_deref() != trouble.as_ref();
            if is_new {
                *known = trouble.map(Arc::new);
            }
            is_new
        });
    }
}

impl Faults {
    /// The trouble of a file with these faults.
    pub(super) fn trouble(&self, file: PathBuf) -> Trouble {
        let first = self.list.first();
        let more = self.list.len().saturating_sub(1) + self.more;
        let mut message = first.map(|fault| fault.message.clone()).unwrap_or_default();
        if more > 0 {
            message.push_str(&format!(" (and {more} more)"));
        }
        let hint = first.and_then(|fault| fault.hint.clone());
        Trouble {
            file,
            kind: TroubleKind::Broken,
            place: first.map(|fault| Place::of(&self.text, fault.offset)),
            message,
            hint: hint.unwrap_or_else(|| "fix the file and save it".into()),
        }
    }
}
