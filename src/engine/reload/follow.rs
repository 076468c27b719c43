//! A path that leads to another file than before: a symbolic link on the way was switched.

use super::{FileState, Reloader};
use crate::engine::conflicts;
use crate::engine::history::History;
use crate::engine::notice::{Notice, WriteError};
use crate::file::{Edit, Left, Watch};
use std::time::Duration;

impl Reloader {
    /// Watches the folders that lead to the file now: they may have gone, come, or been replaced.
    pub(super) fn refresh_watch(&mut self) {
        if let Some(Err(error)) = self.watch.as_mut().map(Watch::refresh) {
            tracing::debug!(%error, "the file cannot be watched any more");
            (self.watch, self.is_unwatched) = (None, true);
            (self.notice)(Notice::Unwatched(error.to_string()));
        }
    }

    /// If a symbolic link was switched, goes over to the file to which the path leads now. That is taken whole: what the
    /// API wrote was written to the file before. Any state -> in sync, or broken.
    ///
    /// # Errors
    /// It cannot be read, or another server has it.
    pub(super) fn follow(&mut self, history: &mut History) -> Result<(), WriteError> {
        let Ok(Some(path)) = self.file.moved() else {
            return Ok(());
        };
        let place = format!(
            "{} leads to {} now",
            self.file.named().display(),
            path.display()
        );
        let unsaved = |reason: &dyn std::fmt::Display| {
            WriteError::Unsaved {
            reason: format!("{place}: {reason}"),
            hint: "point it to a data file that no other server has; this server still has the data: GET /db".into(),
        }
        };
        let lacking = if self.lacks_something() || matches!(self.state, FileState::Broken(_)) {
            conflicts::dropped(&history.current().full, &self.in_file)
        } else {
            Vec::new()
        };
        let followed = self.file.follow(path.clone());
        let followed = followed.map_err(|error| unsaved(&error))?;
        self.unfollowed = None;
        self.state = FileState::InSync;
        self.recent.clear();
        self.replaced.clear();
        self.edits.clear();
        self.journal.leave();
        self.counts.add(0, Some(self.file.number()));
        (self.notice)(Notice::Moved { to: path });
        for found in followed.recovered {
            (self.notice)(Notice::Recovered(found));
        }
        self.keep("dropped", &lacking);
        let unseen = self.recent.window();
        self.arriving = Some(followed.left.and_then(|left| left.within(unseen)));
        let edit = Edit {
            bytes: followed.bytes,
            earlier: None,
            age: Duration::ZERO,
            saved: None,
            repaired: false,
        };
        self.reload(edit, history);
        Ok(())
    }

    /// Reports it once, and tries again soon.
    pub(super) fn cannot_follow(&mut self, error: WriteError) {
        if let WriteError::Unsaved { reason, hint } = error
            && self.unfollowed.as_ref() != Some(&reason)
        {
            self.unfollowed = Some(reason.clone());
            (self.notice)(Notice::Unsaved { reason, hint });
        }
        self.look_soon();
    }

    /// Takes what the path leads to now as a whole, with what its journal has besides.
    pub(super) fn arrive(&mut self, left: Option<Left>, history: &mut History) {
        let (store, differs) = match left {
            Some(left) => self.replay(&left),
            None => (self.in_file.clone(), false),
        };
        let diff = store.diff(&history.current().full);
        self.publish((store, diff), history, |changes| Notice::Reloaded {
            changes,
            kept: 0,
            renumbered: Vec::new(),
        });
        history.forget_steps();
        self.after_replay(differs, history);
    }
}
