//! Hot reload of the files beside the data: the rules, the routes file and the profile that it names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;

use super::profile::Profile;
use crate::behaviour::{RoutesError, RoutesFile};
use crate::engine::{Engine, Notice, RulesFault, Trouble, TroubleKind};
use crate::file;
use crate::schema::Schema;

/// The rules in effect, and the profile that the file names.
#[derive(Debug, Default)]
pub struct Routes(ArcSwap<InEffect>);

/// The content of a routes file.
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

    /// The rules and the profile in effect.
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
}

impl From<InEffect> for Routes {
    fn from(file: InEffect) -> Routes {
        Routes(ArcSwap::from_pointee(file))
    }
}

/// Parses the text of the routes file at `path`, and reads the profile that it names.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(path: &Path, text: &str) -> Result<InEffect, RoutesError> {
    let mut rules = RoutesFile::parse(text).map_err(|error| error.at(path))?;
    rules.path = Some(path.to_path_buf());
    let profile = match &rules.profile {
        None => None,
        Some((name, place)) => {
            // An error without a place is shown at the name in the routes file.
            let named = |error: RoutesError| match error.place {
                None => RoutesError::new(*place, error.message).at(path),
                Some(_) => error,
            };
            Some(Arc::new(read_profile(&beside(path, name)).map_err(named)?))
        }
    };
    let rules = Arc::new(rules);
    Ok(InEffect { rules, profile })
}

/// `name`, relative to the folder of the file at `path`.
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
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the profile {}: {error}", path.display());
        RoutesError::new(None, message).at(path)
    })?;
    Profile::parse(&text).map_err(|error| error.at(path))
}

/// Debounce: a save causes several events, so the files are read when there has been none for this long.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// How often a file that could not be used is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// How long a file may be broken before that is reported: its save may not be complete.
const GRACE: Duration = Duration::from_millis(100);

/// A file that is reloaded when it is saved.
#[derive(Debug)]
pub struct WatchedFile {
    kind: TroubleKind,
    path: PathBuf,
    /// It need not be there.
    is_optional: bool,
    /// The content that was last read; `None`: nothing yet.
    content: Option<Content>,
    /// The profile that a routes file names.
    named_profile: Option<PathBuf>,
    /// The last reported error.
    error: Option<String>,
}

/// The content of a file.
#[derive(Debug, PartialEq)]
struct Content {
    /// Its text: none if there is no file, or why it cannot be read.
    text: Result<Option<String>, String>,
    /// The text of the profile that it names.
    profile: Option<String>,
}

impl WatchedFile {
    /// The file at `path`, of which nothing has been read yet.
    pub fn new(kind: TroubleKind, path: PathBuf, is_optional: bool) -> WatchedFile {
        WatchedFile {
            kind,
            path,
            is_optional,
            content: None,
            named_profile: None,
            error: None,
        }
    }

    /// With `text` as what was read last.
    pub fn with_text(mut self, text: Option<String>) -> WatchedFile {
        self.content = Some(Content {
            text: Ok(text),
            profile: None,
        });
        self
    }

    fn read(&mut self) -> Content {
        let text = if self.is_optional && !self.path.is_file() {
            Ok(None)
        } else {
            let text = std::fs::read_to_string(&self.path);
            let failed = |error| format!("cannot read {}: {error}", self.path.display());
            text.map(Some).map_err(failed)
        };
        let is_known = |known: &Content| known.text == text;
        if self.kind == TroubleKind::Routes && !self.content.as_ref().is_some_and(is_known) {
            self.named_profile = match &text {
                Ok(Some(text)) => profile_of(&self.path, text),
                _ => None,
            };
        }
        let profile = self.named_profile.as_ref();
        let profile = profile.and_then(|path| std::fs::read_to_string(path).ok());
        Content { text, profile }
    }
}

/// The files that are reloaded, and where they take effect.
pub struct HotReload {
    /// The rules first: guards of the routes may need them.
    pub(super) files: Vec<WatchedFile>,
    /// The state of the data when the files were last applied.
    pub(super) tried_with: Option<DataState>,
    pub(super) targets: Targets,
}

/// The places where the files take effect.
pub struct Targets {
    /// The owner of the data and the rules.
    pub engine: Arc<Engine>,
    /// The routes file.
    pub routes: Option<Arc<Routes>>,
    /// The profile of the command line.
    pub profile: Arc<ArcSwapOption<Profile>>,
    /// The secret that signs tokens is not random.
    pub has_secret: bool,
    /// The seed of random choices.
    pub seed: u64,
    /// The data file as messages name it.
    pub data: Option<String>,
    /// Called when a file is reloaded or cannot be used.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

/// What, other than their content, decides whether the files can be used.
#[derive(PartialEq)]
pub(super) struct DataState {
    version: u64,
    /// The address of the rules in effect, to compare.
    rules: usize,
    trouble: Option<String>,
}

impl HotReload {
    /// The files to watch.
    fn paths(&self) -> Vec<PathBuf> {
        let files = self.files.iter();
        let all = files.flat_map(|file| [Some(&file.path), file.named_profile.as_ref()]);
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        all.flatten().map(absolute).collect()
    }

    /// Whether one of the files cannot be used as it is.
    fn has_errors(&self) -> bool {
        self.files.iter().any(|file| file.error.is_some())
    }

    /// Reloads the files; twice if the set of files to watch has changed.
    fn watch_and_reload(&mut self, watch: &mut Option<file::Watch>) {
        loop {
            let paths = self.paths();
            // First: what is saved before it is watched causes no event.
            if watch
                .as_mut()
                .is_some_and(|watch| watch.follow(&paths).is_err())
            {
                *watch = None;
            }
            self.reload();
            if self.paths() == paths {
                return;
            }
        }
    }

    /// Reads the files and applies what has changed. A file that cannot be used is retried after a moment, and then
    /// reported.
    pub(super) fn reload(&mut self) {
        let mut retries = self.tried_with != Some(self.targets.data_state());
        // Twice, because the rules may depend on the routes.
        for _ in 0..2 {
            let mut changed = false;
            for file in &mut self.files {
                changed |= self.targets.reload(file, retries);
            }
            if !changed || !self.has_errors() {
                break;
            }
            retries = true;
        }
        self.tried_with = Some(self.targets.data_state());
    }
}

impl Targets {
    fn data_state(&self) -> DataState {
        let published = self.engine.snapshot();
        let trouble = self.engine.trouble().borrow().first().cloned();
        DataState {
            version: published.version,
            rules: Arc::as_ptr(&published.rulebook).addr(),
            trouble: trouble.map(|trouble| trouble.message.clone()),
        }
    }

    /// Returns whether something has changed.
    fn reload(&self, file: &mut WatchedFile, retries: bool) -> bool {
        let mut content = file.read();
        let is_new = file.content.as_ref() != Some(&content);
        let is_retried = retries && file.error.is_some();
        if !is_new && !is_retried {
            return false;
        }
        let mut done = self.apply(file, &content);
        let was_there = |known: &Content| matches!(known.text, Ok(Some(_)));
        let is_gone = content.text == Ok(None) && file.content.as_ref().is_some_and(was_there);
        if is_new && (done.is_err() || is_gone) {
            std::thread::sleep(GRACE);
            let later = file.read();
            if later != content {
                content = later;
                done = self.apply(file, &content);
            }
        }
        let changed = done.is_ok();
        self.report(file, done);
        file.content = Some(content);
        changed
    }

    /// Puts what was read into effect, if it can be used.
    fn apply(&self, file: &WatchedFile, content: &Content) -> Result<Option<Notice>, RulesFault> {
        let text = content.text.as_ref();
        let text = text.map_err(|message| RoutesError::new(None, message).at(&file.path))?;
        match file.kind {
            TroubleKind::Rules => self.apply_rules(&file.path, text.as_deref()).map(Some),
            TroubleKind::Routes => self.apply_routes(file, text.as_deref()),
            _ => {
                let profile = read_profile(&file.path)?;
                self.profile.store(Some(Arc::new(profile)));
                let is_first = file.content.is_none();
                let file = file.path.clone();
                Ok((!is_first).then_some(Notice::ProfileReloaded { file }))
            }
        }
    }

    fn report(&self, file: &mut WatchedFile, done: Result<Option<Notice>, RulesFault>) {
        match done {
            Ok(notice) => {
                file.error = None;
                self.engine.set_trouble(file.kind, None);
                notice.into_iter().for_each(&*self.notice);
            }
            Err(error) => {
                let words = error.to_string();
                if file.error.as_ref() == Some(&words) {
                    return;
                }
                file.error = Some(words);
                let data = self.data.as_deref().unwrap_or_default();
                let trouble = trouble(&error, &file.path, file.kind, data);
                self.engine.set_trouble(file.kind, Some(trouble));
                (self.notice)(match (file.kind, error) {
                    (TroubleKind::Rules, error) => Notice::RulesBroken {
                        file: file.path.clone(),
                        error: Box::new(error),
                    },
                    (_, error) => Notice::RoutesBroken(error.to_string()),
                });
            }
        }
    }

    fn apply_rules(&self, path: &Path, text: Option<&str>) -> Result<Notice, RulesFault> {
        let schema = self.compile_rules(text)?;
        let rulebook = self.engine.rulebook();
        let needs_secret =
            schema.auth().is_some() && rulebook.schema().auth().is_none() && !self.has_secret;
        let resources = schema.iter().count();
        let new = rulebook.with_schema(schema);
        let without_ids = new.without_ids().map(str::to_string).collect();
        let done = self.engine.set_rules(new);
        done.map_err(|faults| RulesFault::Data(Box::new(faults)))?;
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
    pub(super) fn compile_rules(&self, text: Option<&str>) -> Result<Schema, RulesFault> {
        let id = self.engine.snapshot().full.settings().id.clone();
        let schema = match text {
            Some(text) => Schema::compile(text, &id).map_err(|error| RulesFault::Rules {
                text: text.to_string(),
                error,
            })?,
            None => Schema::default(),
        };
        if let Some(routes) = self.routes.as_ref().filter(|_| schema.auth().is_none()) {
            routes.current().check_without_users()?;
        }
        Ok(schema)
    }

    /// Applies the routes, with the profile that they name. The counters are kept if only the profile has changed.
    fn apply_routes(
        &self,
        file: &WatchedFile,
        text: Option<&str>,
    ) -> Result<Option<Notice>, RulesFault> {
        let Some(routes) = &self.routes else {
            return Ok(None);
        };
        let new = match text {
            Some(text) => read(&file.path, text)?,
            None => InEffect::default(),
        };
        if self.engine.schema().auth().is_none() {
            new.rules.check_without_users()?;
        }
        let before = routes.in_effect();
        let is_same = before.rules.text == new.rules.text;
        let is_first = file.content.is_none();
        let count = text.map(|_| new.rules.count());
        routes.replace(match is_same {
            true => InEffect {
                rules: before.rules.clone(),
                ..new
            },
            false => new,
        });
        let file = file.path.clone();
        // The banner had no seed to show.
        if before.rules.path.is_none() && !is_same {
            (self.notice)(Notice::Seed(self.seed));
        }
        Ok(match (is_same, is_first) {
            (true, true) => None,
            (true, false) => Some(Notice::ProfileReloaded { file }),
            (false, _) => Some(Notice::RoutesReloaded { file, rules: count }),
        })
    }
}

/// The trouble with the file at `path`. `data` is the data file.
fn trouble(error: &RulesFault, path: &Path, kind: TroubleKind, data: &str) -> Trouble {
    let mut trouble = Trouble {
        file: path.to_path_buf(),
        kind,
        place: None,
        message: error.to_string(),
        hint: "fix the file and save it; what was in effect before stays".into(),
    };
    match error {
        RulesFault::Rules { text, error } => {
            if let Some(first) = error.problems.first() {
                trouble.place = Some(first.place(text));
                trouble.message = first.message.clone();
                trouble.hint = first.hint.clone().unwrap_or(trouble.hint);
            }
        }
        RulesFault::Data(faults) => {
            trouble.message = format!("the data breaks the rules: {data}:{faults}");
            trouble.hint = "fix the data or the rules; the rules from before stay".into();
        }
        RulesFault::Routes(error) => {
            if let Some(file) = &error.file {
                trouble.file.clone_from(file);
            }
            trouble.place = error.place;
            trouble.message.clone_from(&error.message);
            trouble.hint = error.hint.clone().unwrap_or(trouble.hint);
        }
    }
    trouble
}

/// A thread that reloads the files until this is dropped.
pub struct Watching {
    stopped: Arc<AtomicBool>,
    wake: mpsc::Sender<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The thread may have ended.
        let _ = self.wake.send(());
    }
}

/// Reloads the files when they are saved. They are also polled every `poll`, if that is not zero.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn watch(files: &Arc<Mutex<HotReload>>, poll: Duration) -> io::Result<Watching> {
    let (wake, woken) = mpsc::channel();
    // A save between the start and now has caused no event.
    let _ = wake.send(());
    let heard = wake.clone();
    let paths = files.lock().paths();
    // Without a watcher, the files are still polled.
    let watch = file::watch(&paths, move || _ = heard.send(())).ok();
    let stopped = Arc::new(AtomicBool::new(false));
    let (stop, files) = (stopped.clone(), Arc::downgrade(files));
    std::thread::Builder::new()
        .name("standin-reload".into())
        .spawn(move || follow(&files, &woken, watch, poll, &stop))?;
    Ok(Watching { stopped, wake })
}

/// Reloads `files` when an event comes, and every `poll`, until they are dropped or `stop` is set.
fn follow(
    files: &Weak<Mutex<HotReload>>,
    events: &mpsc::Receiver<()>,
    mut watch: Option<file::Watch>,
    poll: Duration,
    stop: &AtomicBool,
) {
    let mut has_errors = false;
    loop {
        let wait = match (has_errors, poll.is_zero()) {
            (true, _) => RETRY,
            (false, true) => Duration::MAX,
            (false, false) => poll,
        };
        // An error is a timeout.
        if events.recv_timeout(wait).is_ok() {
            while events.recv_timeout(DEBOUNCE).is_ok() {}
        }
        let Some(files) = files.upgrade().filter(|_| !stop.load(Ordering::Relaxed)) else {
            return;
        };
        let mut files = files.lock();
        files.watch_and_reload(&mut watch);
        has_errors = files.has_errors();
    }
}
