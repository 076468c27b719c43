//! What the engine reports: why a write failed, what happened to the file, and what is wrong with the files now.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::behaviour::RoutesError;
use crate::file::Recovered;
use crate::json::{Id, Place, SyntaxError};
use crate::schema::{SchemaError, Violation};
use crate::store::{Refusal, RepeatedIds, ResourceChanges};

/// Why a write failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The data does not allow it.
    #[error(transparent)]
    Refused(Refusal),
    /// The record would break rules.
    #[error("{}", broken_rules(resource, violations))]
    Rules {
        /// The resource whose rules they are.
        resource: String,
        /// All that is broken.
        violations: Vec<Violation>,
    },
    /// Checking the record against the rules of this resource takes too many steps.
    #[error("checking this record against the rules of {0} takes too many steps")]
    TooComplex(String),
    /// The file cannot be written.
    #[error("nothing was changed: {reason}")]
    Unsaved {
        /// Why: which file or folder, and the operating system's words.
        reason: String,
        /// How to fix it.
        hint: String,
    },
    /// The file has been edited into something that cannot be read; a write would overwrite the edit.
    #[error("write refused: the data file was edited and is not valid, and saving would overwrite the edit. {}{message}", line_and_column(*place))]
    Broken {
        /// Where.
        place: Option<Place>,
        /// The error message.
        message: String,
    },
    /// The data to revert to breaks the present rules: where and how.
    #[error("nothing was changed: that version of the data violates the current rules: {0}")]
    Unfit(String),
    /// A step stopped the write, for a reason that only its caller understands.
    #[error("a write step was rejected")]
    Declined(Arc<dyn Any + Send + Sync>),
    /// The server is stopping.
    #[error("nothing was changed: the server is stopping")]
    Stopped,
    /// The writer panicked on this command.
    #[error("internal error; the data was not changed")]
    Bug,
}

fn broken_rules(resource: &str, violations: &[Violation]) -> String {
    match violations {
        [only] if only.pointer.is_empty() => format!("the record {}", only.detail),
        [only] => format!("{}: {}", only.pointer.trim_start_matches('/'), only.detail),
        several => format!("{} rules of {resource} are broken", several.len()),
    }
}

fn line_and_column(place: Option<Place>) -> String {
    place.map_or_else(String::new, |place| {
        format!("line {}, column {}: ", place.line, place.column)
    })
}

/// An event of the data file or the files beside it, for the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice {
    /// An edit was loaded.
    Reloaded {
        /// The changes, by resource.
        changes: Vec<ResourceChanges>,
        /// How many recent writes were kept that the edit did not have.
        kept: usize,
        /// New records of the edit that got another id, because the API had assigned theirs: resource, old and new id.
        renumbered: Vec<(String, Id, Id)>,
    },
    /// The file was restored to an earlier state, and the data with it.
    Restored {
        /// The changes, by resource.
        changes: Vec<ResourceChanges>,
        /// How many writes were dropped.
        writes: u64,
    },
    /// The data was reset, or the last change undone, because a client asked for it.
    Reverted {
        /// Undo or reset.
        cause: Cause,
        /// The changes, by resource.
        changes: Vec<ResourceChanges>,
    },
    /// A symbolic link was switched, and another file is served from now on.
    Moved {
        /// That file.
        to: PathBuf,
    },
    /// Versions that are no longer in the data or the file were kept.
    Conflicts {
        /// How many.
        count: usize,
        /// Why they lost.
        cause: LossCause,
        /// The file of JSON lines that they were added to.
        path: PathBuf,
        /// Why they are in memory only.
        failed: Option<String>,
    },
    /// An edit cannot be loaded; the data stays as it was.
    Broken(Faults),
    /// The file is valid again after an edit that was reported as broken, and no record differs from the served data.
    ValidAgain,
    /// Records of the file have the ids of earlier records.
    RepeatedIds(RepeatedIds),
    /// A save failed.
    Unsaved {
        /// Why: which file or folder, and the operating system's words.
        reason: String,
        /// How to fix it.
        hint: String,
    },
    /// When stopping: the file could not be saved and lacks writes that its journal has.
    InJournal {
        /// The journal.
        journal: PathBuf,
    },
    /// At the start: the file cannot be saved.
    Unwritable {
        /// Why: which file or folder.
        reason: String,
        /// How to fix it.
        hint: String,
    },
    /// At the start: there is something with the name of a rules or routes file beside the data that is not a file, and
    /// is not read.
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// The kind of file that is missing: `rules` or `routes`.
        holds: &'static str,
    },
    /// At the start: saves overwrite the file in place, because it cannot be replaced.
    InPlace {
        /// Why.
        reason: String,
        /// How to fix it.
        hint: String,
    },
    /// A start found an edit that a crash had left in a scratch file, or a damaged journal.
    Recovered(Recovered),
    /// Writes that were acknowledged in the last run and that the file lacked were brought back from its journal.
    Replayed {
        /// How many.
        writes: usize,
        /// Whether the file had been edited since.
        edited: bool,
        /// New records of that edit that got another id, because the API had assigned theirs: resource, old and new id.
        renumbered: Vec<(String, Id, Id)>,
    },
    /// Tokens are signed with a random secret, and become invalid when the server stops.
    RandomSecret,
    /// The rules allow no id that the server can make for a new record of this collection.
    NoIds(String),
    /// The rules name a resource that the data does not have.
    UnusedRules {
        /// The property that refers to it (`users.cityId`); `None`: the rules are those of the resource itself.
        by: Option<String>,
        /// The resource.
        resource: String,
        /// A resource of the data with a similar name.
        near: Option<String>,
    },
    /// Records of the file had no id and were given one, which is saved with the next write to their collection.
    GivenIds {
        /// The collection.
        resource: String,
        /// How many records.
        count: usize,
        /// The name of the id property.
        id: String,
        /// A property of theirs that looks like their id.
        like: Option<String>,
    },
    /// The rules file was saved, and is in effect.
    RulesReloaded {
        /// The file.
        file: PathBuf,
        /// How many resources have rules; `None`: the file is gone.
        resources: Option<usize>,
        /// The collections of [`Notice::NoIds`].
        without_ids: Vec<String>,
        /// Whether tokens are signed with a random secret, as in [`Notice::RandomSecret`].
        random_secret: bool,
    },
    /// The rules file cannot be used, and the rules stay as they were.
    RulesBroken {
        /// The file.
        file: PathBuf,
        /// Why.
        error: Box<RulesFault>,
    },
    /// The routes file was saved, and its rules are in effect.
    RoutesReloaded {
        /// The file.
        file: PathBuf,
        /// How many rules; `None`: the file is gone.
        rules: Option<usize>,
    },
    /// The first rules were loaded while the server runs: the seed of their random choices.
    Seed(u64),
    /// A profile was saved, and is in effect.
    ProfileReloaded {
        /// The profile, or the routes file that names it.
        file: PathBuf,
    },
    /// The routes file is broken, and the rules stay as they were: where and why.
    RoutesBroken(String),
    /// The file cannot be watched; it is polled instead.
    Unwatched(String),
}

/// Why a rules file cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RulesFault {
    /// The rules are not valid.
    #[error("{error}")]
    Rules {
        /// Their text.
        text: String,
        /// The error message.
        #[source]
        error: SchemaError,
    },
    /// The data breaks the rules.
    #[error("{0}")]
    Data(Box<Faults>),
    /// The file cannot be read; or something in the routes or the profile is wrong, such as a guard that needs users.
    #[error(transparent)]
    Routes(#[from] RoutesError),
}

/// Why all data was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The file was edited.
    Edit,
    /// The last change was undone.
    Undo,
    /// The data was reset to a snapshot.
    Reset,
}

/// Why a version that the API wrote is not in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// An edit changed the same.
    Edit,
    /// A later edit changed the same as an edit that was found after it.
    OlderEdit,
    /// The file was restored to an earlier state.
    Restore,
    /// The path was switched to another file before the previous one had it.
    Move,
}

/// Why a data file is not valid.
#[derive(Debug, Clone, Default, thiserror::Error)]
#[error("{}", self.summary())]
#[non_exhaustive]
pub struct Faults {
    /// The file's text.
    pub text: String,
    /// The faults in the order in which they were found, at most ten.
    pub list: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

/// An error in a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Byte offset in the file's text.
    pub offset: usize,
    /// The error message.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Faults {
    pub(super) fn one(text: String, error: SyntaxError) -> Faults {
        let fault = Fault {
            offset: error.offset,
            message: error.message,
            hint: error.hint,
        };
        Faults {
            text,
            list: vec![fault],
            more: 0,
        }
    }

    /// The first fault with its line and column, and how many more there are.
    fn summary(&self) -> String {
        let place = self.place();
        place.map_or_else(String::new, |place| format!("{place}: {}", self.message()))
    }

    fn message(&self) -> String {
        let first = self.list.first().map_or("", |fault| &fault.message);
        match (self.list.len() + self.more).saturating_sub(1) {
            0 => first.to_string(),
            more => format!("{first} (and {more} more)"),
        }
    }

    fn place(&self) -> Option<Place> {
        let first = self.list.first()?;
        Some(Place::of(&self.text, first.offset))
    }

    /// The trouble of a file with these faults.
    pub(super) fn trouble(&self, file: PathBuf) -> Trouble {
        let hint = self.list.first().and_then(|fault| fault.hint.clone());
        Trouble {
            file,
            kind: TroubleKind::Broken,
            place: self.place(),
            message: self.message(),
            hint: hint.unwrap_or_else(|| "fix the file and save it".into()),
        }
    }

    /// The error of a write while the file is in this state.
    pub(super) fn refusal(&self) -> WriteError {
        let first = self.list.first();
        WriteError::Broken {
            place: self.place(),
            message: first.map(|fault| fault.message.clone()).unwrap_or_default(),
        }
    }
}

/// Why the content of a file is not in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The file.
    pub file: PathBuf,
    /// The error message.
    pub kind: TroubleKind,
    /// Where, if that is a place in the file.
    pub place: Option<Place>,
    /// The error message, one sentence.
    pub message: String,
    /// How to fix it.
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
    /// The rules cannot be used; the previous ones stay.
    Rules,
    /// The routes file cannot be used; its previous rules stay.
    Routes,
    /// The profile cannot be used; the previous one stays.
    Profile,
}

impl TroubleKind {
    fn is_of_data(self) -> bool {
        matches!(
            self,
            TroubleKind::Broken | TroubleKind::Missing | TroubleKind::Unsaved
        )
    }

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

/// The present troubles: at most one of the data file and one of each file beside it.
#[derive(Debug, Clone, Default)]
pub struct Present(Vec<Arc<Trouble>>);

impl Present {
    /// The first of all troubles: that of the data file comes before others.
    pub fn first(&self) -> Option<&Arc<Trouble>> {
        self.0
            .iter()
            .min_by_key(|trouble| !trouble.kind.is_of_data())
    }

    /// Whether the data file holds an edit that is not valid.
    #[cfg(feature = "cli")]
    pub fn data_is_broken(&self) -> bool {
        let mut troubles = self.0.iter();
        troubles.any(|trouble| trouble.kind == TroubleKind::Broken)
    }
}

/// The publisher of the present troubles.
#[derive(Debug, Clone, Default)]
pub(super) struct Troubles(Arc<watch::Sender<Present>>);

impl Troubles {
    pub(super) fn subscribe(&self) -> watch::Receiver<Present> {
        self.0.subscribe()
    }

    /// Sets the trouble of the data file; `None`: there is none.
    pub(super) fn set(&self, trouble: Option<Trouble>) {
        self.replace(TroubleKind::is_of_data, trouble);
    }

    /// Replaces the trouble of the file whose troubles have the kinds `is_of_file`.
    pub(super) fn replace(
        &self,
        is_of_file: impl Fn(TroubleKind) -> bool,
        trouble: Option<Trouble>,
    ) {
        self.0.send_if_modified(|Present(present)| {
            let known = present.iter().position(|known| is_of_file(known.kind));
            let before = known.map(|at| present.remove(at));
            let is_new = before.as_deref() != trouble.as_ref();
            present.extend(trouble.map(Arc::new));
            is_new
        });
    }
}
