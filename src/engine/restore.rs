//! Going back: to the start, to a snapshot, to what was before the last change. Through the one writer, and in the file
//! before it is acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use super::writer::Writer;
use super::{Cause, Published, WriteError};
use crate::file::Saved;
use crate::store::{Refusal, Store};

/// How many changes can be undone.
const MOST_STEPS: usize = 100;
/// How many bytes of data that was read from the file may be kept for it: edits share nothing with what was before.
const MOST_EDITED: usize = 64 * 1024 * 1024;

/// Where to go back to.
#[derive(Debug, Clone)]
pub enum Back {
    /// To what was before the last change.
    Undo {
        /// The version that the change led to, where the caller says which one it means.
        version: Option<u64>,
    },
    /// To this data.
    To(Box<Store>),
}

/// What was before the last changes.
#[derive(Default)]
pub(super) struct Steps {
    /// The data before a change, and the bytes that are kept for it alone.
    steps: VecDeque<(Arc<Published>, usize)>,
}

impl Steps {
    /// Takes note of what was before a change; `alone`: the change shares nothing with it.
    pub(super) fn note(&mut self, before: Arc<Published>, alone: bool) {
        let bytes = if alone { before.store.text_size() } else { 0 };
        self.steps.push_back((before, bytes));
        let mut kept: usize = self.steps.iter().map(|(_, bytes)| bytes).sum();
        while self.steps.len() > MOST_STEPS || (kept > MOST_EDITED && self.steps.len() > 1) {
            kept -= self.steps.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }
}

impl Writer {
    /// Goes back, and gives the version that this made; `None` where there was nothing to undo.
    pub(super) fn go_back(&mut self, back: &Back) -> Result<Option<u64>, WriteError> {
        loop {
            self.take_in_what_is_there()?;
            let before = self.published.load_full();
            let (next, cause) = match back {
                Back::Undo { version } => {
                    if version.is_some_and(|version| version != before.version) {
                        return Err(WriteError::Refused(Refusal::Changed));
                    }
                    let Some((step, _)) = self.steps.steps.back() else { return Ok(None) };
                    (step.store.clone(), Cause::Undo)
                }
                Back::To(store) => (store.as_ref().clone(), Cause::Reset),
            };
            match self.save(&next) {
                Ok(Saved::Done) => {
                    let written = next.written_since(&before.store);
                    self.note_written(1, written.into_iter());
                }
                Ok(Saved::Foreign(edit)) => {
                    self.take_in(edit);
                    continue;
                }
                Err(error) => return Err(self.unsaved(&error)),
            }
            match back {
                Back::Undo { .. } => drop(self.steps.steps.pop_back()),
                Back::To(_) => self.steps.note(before, true),
            }
            return Ok(Some(self.publish_whole(next, cause)));
        }
    }
}
