//! A path that leads to another file: a symbolic link was switched.

use std::time::{Duration, Instant};

use super::super::conflicts;
use super::super::history::History;
use super::super::notice::{LossCause, Notice, WriteError};
use super::{FileState, Reloader};
use crate::file::{Edit, Left};

impl Reloader {
    /// If a symbolic link was switched, goes over to the file to which the path leads now. That is taken whole: what the
    /// API wrote was written to the file before. Any state -> in sync, or broken.
    ///
    /// # Errors
    /// It cannot be read, or another server has it.
    pub(super) fn follow(&mut self, history: &mut History) -> Result<(), WriteError> {
        let Ok(Some(path)) = self.file.moved() else {
            if self.unfollowed.take().is_some() {
                let path = self.file.path().to_path_buf();
                self.troubles.set(match &self.state {
                    FileState::Broken(broken) => Some(broken.faults.trouble(path)),
                    _ => None,
                });
            }
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
        self.keep(LossCause::Move, &lacking);
        let unseen = self.recent.window();
        self.arriving = Some(followed.left.and_then(|left| left.within(unseen)));
        let edit = Edit {
            bytes: followed.bytes,
            earlier: None,
            found: Instant::now(),
            age: Duration::ZERO,
            saved: None,
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
            self.report(self.file.named().to_path_buf(), reason, hint);
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
