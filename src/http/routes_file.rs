//! The routes file and the profile that it names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::profile::Profile;
use crate::behaviour::{RoutesError, RoutesFile};
use crate::json::Place;

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
    pub(crate) fn check_without_users(&self) -> Result<(), Located> {
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
    pub(super) fn check_without_users(&self) -> Result<(), Located> {
        let path = self.rules.path.clone();
        let path = path.unwrap_or_else(|| "routes.json".into());
        let checked = self.rules.check_without_users();
        checked.map_err(|error| Located::new(&path, error))
    }
}

/// What is wrong with a routes file or a profile, and where. As text it is `file:line:column: message`, and what to do about
/// it in a second line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Located {
    /// The file.
    pub file: PathBuf,
    /// Where in it; `None`: it cannot be read.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Located {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(formatter, "{}:{place}: ", self.file.display())?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

impl Located {
    fn new(file: &Path, error: RoutesError) -> Located {
        Located {
            file: file.to_path_buf(),
            place: Some(error.place),
            message: error.message,
            hint: error.hint,
        }
    }
}

/// What the routes file at `path`, whose text is `text`, says.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(path: &Path, text: &str) -> Result<InEffect, Located> {
    let rules = RoutesFile::parse(text).map_err(|error| Located::new(path, error))?;
    let profile = match &rules.profile {
        None => None,
        Some((name, place)) => {
            // What cannot be read is named in the routes file.
            let named = |error: Located| match error.place {
                None => Located {
                    file: path.to_path_buf(),
                    place: Some(*place),
                    ..error
                },
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
pub fn read_profile(path: &Path) -> Result<Profile, Located> {
    let wrong = |place, message| Located {
        file: path.to_path_buf(),
        place,
        message,
        hint: None,
    };
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(None, format!("cannot read the profile {name}: {error}")))?;
    Profile::parse(&text).map_err(|error| wrong(Some(error.place), error.message))
}
