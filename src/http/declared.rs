//! The files beside the data that say what the API does, the rules, the routes and the profile, and their reload when they
//! are saved.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::profile::Profile;
use super::routes_file::{self, InEffect, Located, Routes};
use crate::engine::{Engine, Faults, Notice, RulesFault, Trouble, TroubleKind};
use crate::schema::{Schema, SchemaError};

/// How long a broken file may stay before it is reported: it may be half of a save.
const GRACE: Duration = Duration::from_millis(100);

/// The files, and what was last found in them.
#[derive(Default)]
pub struct Declared {
    rules: Option<Followed>,
    routes: Option<Followed>,
    /// The profile of the command line.
    profile: Option<Followed>,
    /// The profile that the routes file names.
    named: Option<PathBuf>,
    /// What the files were last tried with.
    tried_with: Option<State>,
    notice: Option<Box<dyn Fn(Notice) + Send + Sync>>,
}

/// A file that is followed.
struct Followed {
    path: PathBuf,
    /// It need not be there.
    is_optional: bool,
    /// Its text, with those of the files that it names; `None`: it was not read yet.
    known: Option<Text>,
    /// Why it cannot be used, as it was reported.
    broken: Option<String>,
}

/// What is in a file and in the one that it names: nothing where there is none, or why it cannot be read.
type Text = (Result<Option<String>, String>, Option<String>);

/// What decides besides the files whether they can be used.
#[derive(PartialEq)]
struct State {
    version: u64,
    rules: usize,
    trouble: Option<String>,
}

impl State {
    fn of(app: &InUse<'_>) -> State {
        let published = app.engine.snapshot();
        let trouble = app.engine.trouble().borrow().first().cloned();
        State {
            version: published.version,
            // It is compared only.
            rules: Arc::as_ptr(&published.rulebook).addr(),
            trouble: trouble.map(|trouble| trouble.message.clone()),
        }
    }
}

/// What the files are in effect in.
pub(super) struct InUse<'a> {
    pub(super) engine: &'a Engine,
    pub(super) routes: Option<&'a Arc<Routes>>,
    /// The profile of the command line.
    pub(super) profile: &'a ArcSwapOption<Profile>,
    /// The secret of tokens is not random.
    pub(super) has_secret: bool,
    /// The data file as messages name it.
    pub(super) data: Option<&'a str>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone)]
pub enum Unusable {
    /// It cannot be read.
    Unread(String),
    /// The rules are not valid; with their text.
    Rules(String, SchemaError),
    /// The data breaks the rules.
    Data(Box<Faults>),
    /// Something in the routes or the profile is wrong, or the routes do not fit the rules.
    Routes(Located),
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Unread(message) => formatter.write_str(message),
            Unusable::Rules(_, error) => error.fmt(formatter),
            Unusable::Data(faults) => faults.fmt(formatter),
            Unusable::Routes(error) => error.fmt(formatter),
        }
    }
}

impl Unusable {
    /// The trouble with the file at `path`. `data` is the data file.
    fn trouble(&self, path: &Path, kind: TroubleKind, data: &str) -> Trouble {
        let mut trouble = Trouble {
            file: path.to_path_buf(),
            kind,
            place: None,
            message: self.to_string(),
            hint: "fix the file and save it; what was in effect before stays".into(),
        };
        match self {
            Unusable::Rules(text, error) => {
                if let Some(first) = error.problems.first() {
                    trouble.place = Some(first.place(text));
                    trouble.message = first.message.clone();
                    trouble.hint = first.hint.clone().unwrap_or(trouble.hint);
                }
            }
            Unusable::Data(faults) => {
                trouble.message = format!("the data breaks the rules: {data}:{faults}");
                trouble.hint = "fix the data or the rules; the rules from before stay".into();
            }
            Unusable::Routes(error) => {
                trouble.file.clone_from(&error.file);
                trouble.place = error.place;
                trouble.message.clone_from(&error.message);
                trouble.hint = error.hint.clone().unwrap_or(trouble.hint);
            }
            Unusable::Unread(_) => {}
        }
        trouble
    }
}

impl From<Unusable> for RulesFault {
    fn from(error: Unusable) -> RulesFault {
        match error {
            Unusable::Rules(text, error) => RulesFault::Rules { text, error },
            Unusable::Data(faults) => RulesFault::Data(*faults),
            other => RulesFault::Other(other.to_string()),
        }
    }
}

impl Followed {
    fn new(path: PathBuf, is_optional: bool) -> Followed {
        Followed {
            path,
            is_optional,
            known: None,
            broken: None,
        }
    }

    /// The text; `None` where the file may be missing and is.
    fn read(&self) -> Result<Option<String>, String> {
        if self.is_optional && !self.path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&self.path);
        let failed = |error| format!("cannot read {}: {error}", self.path.display());
        text.map(Some).map_err(failed)
    }
}

impl Declared {
    /// No files; `notice` is called when one is reloaded or cannot be used.
    pub fn new(notice: impl Fn(Notice) + Send + Sync + 'static) -> Declared {
        Declared {
            notice: Some(Box::new(notice)),
            ..Declared::default()
        }
    }

    /// With the rules file at `path`, which holds `text`.
    pub fn rules(mut self, path: PathBuf, is_optional: bool, text: Option<String>) -> Declared {
        let mut file = Followed::new(path, is_optional);
        file.known = Some((Ok(text), None));
        self.rules = Some(file);
        self
    }

    /// With the routes file at `path`.
    pub fn routes(mut self, path: PathBuf, is_optional: bool) -> Declared {
        self.routes = Some(Followed::new(path, is_optional));
        self
    }

    /// With the profile at `path`, which the routes file does not name.
    pub fn profile(mut self, path: PathBuf) -> Declared {
        self.profile = Some(Followed::new(path, false));
        self
    }

    /// The files to watch.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let all = [&self.rules, &self.routes, &self.profile];
        let own = all
            .into_iter()
            .flatten()
            .map(|followed| followed.path.clone());
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        own.chain(self.named.clone()).map(absolute).collect()
    }

    /// Whether one of the files cannot be used as it is.
    pub(super) fn is_broken(&self) -> bool {
        let all = [&self.rules, &self.routes, &self.profile];
        let mut files = all.into_iter().flatten();
        files.any(|followed| followed.broken.is_some())
    }

    /// Reads the files, and puts what is new in them into effect. A file that cannot be used is read again after a moment,
    /// and then reported.
    pub(super) fn look(&mut self, app: &InUse<'_>) {
        let mut retries = self.tried_with.as_ref() != Some(&State::of(app));
        // Rules first: guards of the routes may need them. Then again, as the rules may have waited for the routes.
        for _ in 0..2 {
            let kinds = [
                TroubleKind::Rules,
                TroubleKind::Routes,
                TroubleKind::Profile,
            ];
            let changed = kinds.map(|kind| self.look_at(kind, retries, app));
            if !changed.contains(&true) || !self.is_broken() {
                break;
            }
            retries = true;
        }
        self.tried_with = Some(State::of(app));
    }

    /// Whether something else is in effect now.
    fn look_at(&mut self, kind: TroubleKind, retries: bool, app: &InUse<'_>) -> bool {
        let slot = match kind {
            TroubleKind::Rules => &mut self.rules,
            TroubleKind::Routes => &mut self.routes,
            _ => &mut self.profile,
        };
        let Some(mut file) = slot.take() else {
            return false;
        };
        let mut text = self.read(kind, &file);
        let is_new = file.known.as_ref() != Some(&text);
        let mut changed = false;
        if is_new || (retries && file.broken.is_some()) {
            let mut done = self.take(kind, &file, &text, app);
            let was_there = |known: &Option<Text>| matches!(known, Some((Ok(Some(_)), _)));
            if is_new && (done.is_err() || (text.0 == Ok(None) && was_there(&file.known))) {
                std::thread::sleep(GRACE);
                let later = self.read(kind, &file);
                if later != text {
                    text = later;
                    done = self.take(kind, &file, &text, app);
                }
            }
            changed = done.is_ok();
            self.report(kind, &mut file, done, app);
            file.known = Some(text);
        }
        match kind {
            TroubleKind::Rules => self.rules = Some(file),
            TroubleKind::Routes => self.routes = Some(file),
            _ => self.profile = Some(file),
        }
        changed
    }

    /// What is in the file now, and in the profile that it names.
    fn read(&mut self, kind: TroubleKind, file: &Followed) -> Text {
        let text = file.read();
        if kind != TroubleKind::Routes {
            return (text, None);
        }
        if file.known.as_ref().is_none_or(|known| known.0 != text) {
            self.named = match &text {
                Ok(Some(text)) => routes_file::profile_of(&file.path, text),
                _ => None,
            };
        }
        let profile = self.named.as_ref();
        let profile = profile.and_then(|path| std::fs::read_to_string(path).ok());
        (text, profile)
    }

    /// Puts what was read into effect, if it can be used.
    fn take(
        &self,
        kind: TroubleKind,
        file: &Followed,
        (text, _): &Text,
        app: &InUse<'_>,
    ) -> Result<Option<Notice>, Unusable> {
        let text = text
            .as_ref()
            .map_err(|message| Unusable::Unread(message.clone()))?;
        match kind {
            TroubleKind::Rules => take_rules(app, &file.path, text.as_deref()).map(Some),
            TroubleKind::Routes => take_routes(app, file, text.as_deref()),
            _ => {
                let profile = routes_file::read_profile(&file.path).map_err(Unusable::Routes)?;
                app.profile.store(Some(Arc::new(profile)));
                let is_first = file.known.is_none();
                let file = file.path.clone();
                Ok((!is_first).then_some(Notice::ProfileReloaded { file }))
            }
        }
    }

    fn report(
        &self,
        kind: TroubleKind,
        file: &mut Followed,
        done: Result<Option<Notice>, Unusable>,
        app: &InUse<'_>,
    ) {
        let say = |notice| _ = self.notice.as_ref().map(|say| say(notice));
        match done {
            Ok(notice) => {
                file.broken = None;
                app.engine.set_trouble(kind, None);
                notice.into_iter().for_each(say);
            }
            Err(error) => {
                let words = error.to_string();
                if file.broken.as_ref() == Some(&words) {
                    return;
                }
                file.broken = Some(words);
                let data = app.data.unwrap_or_default().to_string();
                app.engine
                    .set_trouble(kind, Some(error.trouble(&file.path, kind, &data)));
                say(match (kind, error) {
                    (TroubleKind::Rules, error) => Notice::RulesBroken {
                        file: file.path.clone(),
                        error: Box::new(error.into()),
                    },
                    (_, error) => Notice::RoutesBroken(error.to_string()),
                });
            }
        }
    }
}

/// Puts the rules in `text` into effect.
fn take_rules(app: &InUse<'_>, path: &Path, text: Option<&str>) -> Result<Notice, Unusable> {
    let schema = compile_rules(app, text)?;
    let rulebook = app.engine.rulebook();
    let needs_secret =
        schema.auth().is_some() && rulebook.schema().auth().is_none() && !app.has_secret;
    let resources = schema.iter().count();
    let new = rulebook.with_schema(schema);
    let without_ids = new.without_ids().map(str::to_string).collect();
    let done = app.engine.set_rules(new);
    done.map_err(|faults| Unusable::Data(Box::new(faults)))?;
    Ok(Notice::RulesReloaded {
        file: path.to_path_buf(),
        resources: text.map(|_| resources),
        without_ids,
        random_secret: needs_secret,
    })
}

/// The rules in `text`, if they are valid and the routes fit them.
///
/// # Errors
/// They cannot be used, whatever the data is.
pub(super) fn compile_rules(app: &InUse<'_>, text: Option<&str>) -> Result<Schema, Unusable> {
    let id = app.engine.snapshot().full.settings().id.clone();
    let schema = match text {
        Some(text) => Schema::compile_with_id(text, &id)
            .map_err(|error| Unusable::Rules(text.to_string(), error))?,
        None => Schema::default(),
    };
    if let Some(routes) = app.routes.filter(|_| schema.auth().is_none()) {
        routes.check_without_users().map_err(Unusable::Routes)?;
    }
    Ok(schema)
}

/// Puts the routes in `text` into effect, with the profile that they name. Counts go on if only that has changed.
fn take_routes(
    app: &InUse<'_>,
    file: &Followed,
    text: Option<&str>,
) -> Result<Option<Notice>, Unusable> {
    let Some(routes) = app.routes else {
        return Ok(None);
    };
    let new = match text {
        Some(text) => routes_file::read(&file.path, text).map_err(Unusable::Routes)?,
        None => InEffect::default(),
    };
    if app.engine.schema().auth().is_none() {
        new.check_without_users().map_err(Unusable::Routes)?;
    }
    let before = routes.in_effect();
    let is_same = before.rules.text() == new.rules.text();
    let is_first = file.known.is_none();
    let count = text.map(|_| new.rules.count());
    routes.replace(match is_same {
        true => InEffect {
            rules: before.rules.clone(),
            ..new
        },
        false => new,
    });
    let file = file.path.clone();
    Ok(match (is_same, is_first) {
        (true, true) => None,
        (true, false) => Some(Notice::ProfileReloaded { file }),
        (false, _) => Some(Notice::RoutesReloaded { file, rules: count }),
    })
}
