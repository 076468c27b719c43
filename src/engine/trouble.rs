//! What is wrong with the files right now, for people who look: the data file is broken, missing, or cannot be written;
//! the rules, the routes or the profile cannot be used as they are.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::notice::Faults;
use crate::json::Place;

/// Why a file and what is in effect differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The file.
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
    /// The rules cannot be used; those from before stay.
    Rules,
    /// The routes file cannot be used; what was in it before stays.
    Routes,
    /// The profile cannot be used; the one from before stays.
    Profile,
}

impl TroubleKind {
    /// The kind as one word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            TroubleKind::Broken => "broken",
            TroubleKind::Missing => "missing",
            TroubleKind::Unsaved => "unsaved",
            TroubleKind::Rules => "rules",
            TroubleKind::Routes => "routes",
            TroubleKind::Profile => "profile",
        }
    }
}

/// What is wrong now.
#[derive(Debug, Clone, Default)]
pub struct Present {
    /// With the data file.
    data: Option<Arc<Trouble>>,
    /// With the files beside it.
    beside: Vec<Arc<Trouble>>,
}

impl Present {
    /// The first of all troubles: that of the data file comes before others.
    pub fn first(&self) -> Option<&Arc<Trouble>> {
        self.data.as_ref().or(self.beside.first())
    }

    /// Whether the data file holds an edit that is not valid.
    #[cfg(feature = "cli")]
    pub fn data_is_broken(&self) -> bool {
        let data = self.data.as_ref();
        data.is_some_and(|trouble| trouble.kind == TroubleKind::Broken)
    }
}

/// The present troubles. Readers are woken when they change.
#[derive(Debug, Clone)]
pub(super) struct Troubles(Arc<watch::Sender<Present>>);

impl Default for Troubles {
    fn default() -> Troubles {
        Troubles(Arc::new(watch::Sender::new(Present::default())))
    }
}

impl Troubles {
    pub(super) fn subscribe(&self) -> watch::Receiver<Present> {
        self.0.subscribe()
    }

    /// Says what is wrong with the data file now; `None`: nothing is.
    pub(super) fn set(&self, trouble: Option<Trouble>) {
        self.0.send_if_modified(|present| {
            let is_new = present.data.as_deref() != trouble.as_ref();
            if is_new {
                present.data = trouble.map(Arc::new);
            }
            is_new
        });
    }

    /// As [`Troubles::set`], for another file.
    pub(super) fn set_beside(&self, kind: TroubleKind, trouble: Option<Trouble>) {
        self.0.send_if_modified(|present| {
            let known = present.beside.iter().position(|known| known.kind == kind);
            let before = known.map(|at| present.beside.remove(at));
            let is_new = before.as_deref() != trouble.as_ref();
            present.beside.extend(trouble.map(Arc::new));
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
