//! The routes file and the profile that it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::profile::Profile;
use crate::behaviour::{RoutesError, RoutesFile};

/// The rules in effect, and the profile that the file names.
#[derive(Debug, Default)]
pub struct Routes(ArcSwap<InEffect>);

/// What a routes file says.
#[derive(Debug, Default, Clone)]
pub struct InEffect {
    /// The rules.
    pub rules: Arc<RoutesFile>,
    /// The profile that the file names.
    pub profile: Option<Arc<Profile>>,
}

impl Routes {
    /// Starts with `rules`.
    pub fn new(rules: RoutesFile) -> Routes {
        Routes::from(InEffect {
            rules: Arc::new(rules),
            profile: None,
        })
    }

    /// What is in effect.
    pub(super) fn in_effect(&self) -> Arc<InEffect> {
        self.0.load_full()
    }

    /// The current rules.
    pub fn current(&self) -> Arc<RoutesFile> {
        self.0.load().rules.clone()
    }

    /// The profile that the file names.
    pub fn profile(&self) -> Option<Arc<Profile>> {
        self.0.load().profile.clone()
    }

    pub(super) fn replace(&self, new: InEffect) {
        self.0.store(Arc::new(new));
    }

    /// Refuses guards that ask for a user where there are none.
    ///
    /// # Errors
    /// The place of such a guard.
    pub(crate) fn check_without_users(&self) -> Result<(), RoutesError> {
        self.0.load().check_without_users()
    }
}

impl From<InEffect> for Routes {
    fn from(file: InEffect) -> Routes {
        Routes(ArcSwap::from_pointee(file))
    }
}

impl InEffect {
    /// As [`Routes::check_without_users`].
    pub(super) fn check_without_users(&self) -> Result<(), RoutesError> {
        self.rules.check_without_users()
    }
}

/// What the routes file at `path`, whose text is `text`, says.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(path: &Path, text: &str) -> Result<InEffect, RoutesError> {
    let rules = RoutesFile::parse(text).map_err(|error| error.at(path))?;
    let profile = match &rules.profile {
        None => None,
        Some((name, place)) => {
            // What cannot be read is named in the routes file.
            let named = |error: RoutesError| match error.place {
                None => RoutesError::new(*place, error.message).at(path),
                Some(_) => error,
            };
            Some(Arc::new(read_profile(&beside(path, name)).map_err(named)?))
        }
    };
    let rules = Arc::new(rules.at(path.to_path_buf()));
    Ok(InEffect { rules, profile })
}

/// The file `name`, from the folder of the file at `path`.
fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name("").join(name)
}

/// The path of the profile that the routes file at `path`, whose text is `text`, names.
pub(super) fn profile_of(path: &Path, text: &str) -> Option<PathBuf> {
    let (name, _) = RoutesFile::parse(text).ok()?.profile?;
    Some(beside(path, &name))
}

/// The profile in the file at `path`.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub fn read_profile(path: &Path) -> Result<Profile, RoutesError> {
    let text = std::fs::read_to_string(path).map_err(|error| RoutesError {
        file: Some(path.to_path_buf()),
        place: None,
        message: format!("cannot read the profile {}: {error}", path.display()),
        hint: None,
    })?;
    Profile::parse(&text).map_err(|error| error.at(path))
}
