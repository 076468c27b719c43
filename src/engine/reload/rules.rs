//! Other rules while the server runs.

use std::sync::Arc;

use super::super::history::History;
use super::super::notice::Faults;
use super::super::rulebook::Rulebook;
use super::{FileState, Reloader};

impl Reloader {
    /// Puts other rules into effect. An edit that breaks the rules so far may have been made for these.
    ///
    /// # Errors
    /// The data breaks them; the rules stay.
    pub(in super::super) fn take_rules(
        &mut self,
        rulebook: Arc<Rulebook>,
        history: &mut History,
    ) -> Result<(), Faults> {
        self.look(history);
        let edit = match &self.state {
            FileState::Broken(broken) => Some(broken.edit.clone()),
            _ => None,
        };
        let read = edit.map(|edit| (rulebook.read_edit(edit.bytes.clone()), edit));
        let current = history.current();
        match read {
            None => history.publish_rules(rulebook.clone(), rulebook.take_over(&current.full)?),
            Some((Ok((theirs, _)), edit)) => {
                let merged = self.merged(&self.in_file, theirs, edit.saved, history);
                rulebook.read_file(merged.store.file_text())?;
                history.publish_rules(rulebook.clone(), rulebook.over(&current.full));
                self.reload(edit, history);
            }
            Some((Err(faults), edit)) => {
                history.publish_rules(rulebook.clone(), rulebook.take_over(&current.full)?);
                // The edit may be fixed later.
                self.broken(faults, edit);
            }
        }
        self.in_file = rulebook.over(&self.in_file);
        if let Some((store, _)) = &mut self.saving {
            *store = rulebook.over(store);
        }
        Ok(())
    }
}
