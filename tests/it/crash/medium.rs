//! A simulated file system that distinguishes written from flushed data, and that stops or fails at a given step.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use standin::internals::file::{Handle, Medium, Stamp};

pub const FILE: &str = "/data/db.json";
/// Where [`FILE`] may point to.
pub const ONE: &str = "/one/db.json";
pub const TWO: &str = "/two/db.json";

#[derive(Clone, Default)]
pub struct Simulated(Arc<Mutex<Disk>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// No faults.
    #[default]
    Run,
    /// The machine stops before that step.
    Stop(usize),
    /// Only that step fails.
    Fail(usize, ErrorKind),
    /// That step and all later ones that change something fail.
    FailFrom(usize, ErrorKind),
}

/// What the file system can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exchange {
    #[default]
    Atomic,
    Unsupported,
    /// Nor hard links.
    NoLinks,
    /// The data file is itself a mount point.
    MountPoint,
}

#[derive(Clone, Default)]
struct Inode {
    content: Vec<u8>,
    flushed: Vec<u8>,
    modified: u64,
}

#[derive(Clone, Debug)]
enum NameStep {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    Exchange(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
}

impl NameStep {
    fn names(&self) -> Vec<&PathBuf> {
        match self {
            NameStep::Link(one, _) | NameStep::Unlink(one) => vec![one],
            NameStep::Exchange(one, other) | NameStep::Rename(one, other) => vec![one, other],
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameStep::Link(name, inode) => drop(names.insert(name.clone(), *inode)),
            NameStep::Unlink(name) => drop(names.remove(name)),
            NameStep::Exchange(one, other) => {
                if let (Some(first), Some(second)) =
                    (names.get(one).copied(), names.get(other).copied())
                {
                    names.insert(one.clone(), second);
                    names.insert(other.clone(), first);
                }
            }
            NameStep::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

type Action = Box<dyn FnOnce(&mut Disk) + Send>;

#[derive(Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of the folder since it was flushed.
    pending: Vec<NameStep>,
    pub now: u64,
    /// How far the clock moves with each step, in milliseconds.
    tick: u64,
    pub steps: usize,
    plan: Plan,
    pub dead: bool,
    exchange: Exchange,
    boot: u64,
    /// Where [`FILE`] points to, if it is a symbolic link.
    target: Option<PathBuf>,
    /// The folder of the data file is away.
    is_away: bool,
    actions: BTreeMap<usize, Vec<Action>>,
    /// The steps at which writing over the data file began and ended.
    pub overwrites: Vec<std::ops::Range<usize>>,
    /// The file was not complete JSON at some step.
    pub torn: Option<String>,
    /// The step at which an open file was read last.
    pub reads: BTreeMap<usize, usize>,
    /// How many background saves may write their scratch file; `None`: all.
    pub saves: Option<usize>,
}

impl Simulated {
    pub fn new(text: &str, exchange: Exchange, tick: u64) -> Simulated {
        let disk = Simulated::default();
        {
            let mut state = disk.lock();
            (state.exchange, state.tick, state.now) = (exchange, tick, 1000);
            state.put(Path::new(FILE), text.as_bytes());
            let inode = state.names[Path::new(FILE)];
            state.inodes[inode].flushed = text.as_bytes().to_vec();
            state.settle();
        }
        disk
    }

    pub fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What a background save waits for; with a timeout, so that a failing test ends.
    fn wait_to_save(&self) {
        if std::thread::current().name() != Some("standin-save") {
            return;
        }
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let mut disk = self.lock();
            match &mut disk.saves {
                Some(0) => {}
                Some(saves) => {
                    *saves -= 1;
                    return;
                }
                None => return,
            }
            drop(disk);
            std::thread::yield_now();
        }
    }

    /// The machine after a crash of the process: everything stays.
    pub fn after_kill(&self) -> Simulated {
        let disk = self.lock();
        disk.again(disk.inodes.clone(), disk.names.clone())
    }

    /// The possible states of the machine after a power cut: any subset of the steps that were not flushed may have
    /// reached the disk, in order for the same name; and all, nothing, or half of a file's content.
    pub fn after_power_cut(&self) -> Vec<Simulated> {
        let mut disk = self.lock();
        disk.boot += 1;
        let mut all = Vec::new();
        for mask in 0..1_u32 << disk.pending.len().min(10) {
            let mut names = disk.durable.clone();
            let mut missing: Vec<&PathBuf> = Vec::new();
            let mut allowed = true;
            for (number, step) in disk.pending.iter().enumerate() {
                if mask & (1 << number) == 0 {
                    missing.extend(step.names());
                } else if step.names().iter().any(|name| missing.contains(name)) {
                    allowed = false;
                } else {
                    step.apply(&mut names);
                }
            }
            if !allowed {
                continue;
            }
            for keep in [0, 1, 2] {
                let mut inodes = disk.inodes.clone();
                for inode in &mut inodes {
                    if inode.content != inode.flushed {
                        inode.content = match keep {
                            0 => inode.flushed.clone(),
                            1 => inode.content.clone(),
                            // If data was only appended since, what was flushed is always there.
                            _ if inode.content.starts_with(&inode.flushed) => inode.content
                                [..(inode.flushed.len() + inode.content.len()) / 2]
                                .to_vec(),
                            _ => inode.content[..inode.content.len() / 2].to_vec(),
                        };
                        inode.flushed = inode.content.clone();
                    }
                }
                all.push(disk.again(inodes, names.clone()));
            }
        }
        all
    }
}

impl Disk {
    fn again(&self, inodes: Vec<Inode>, names: BTreeMap<PathBuf, usize>) -> Simulated {
        let disk = Disk {
            inodes,
            durable: names.clone(),
            names,
            now: self.now + 1000,
            tick: self.tick,
            exchange: self.exchange,
            boot: self.boot,
            target: self.target.clone(),
            is_away: self.is_away,
            ..Disk::default()
        };
        Simulated(Arc::new(Mutex::new(disk)))
    }

    fn settle(&mut self) {
        self.durable = self.names.clone();
        self.pending.clear();
    }

    pub fn plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Runs `action` of another program just before that step.
    pub fn at(&mut self, step: usize, action: impl FnOnce(&mut Disk) + Send + 'static) {
        self.actions.entry(step).or_default().push(Box::new(action));
    }

    /// Whether the folder was flushed since files were exchanged.
    pub fn has_flushed_exchange(&self) -> bool {
        let mut pending = self.pending.iter();
        !pending.any(|step| matches!(step, NameStep::Exchange(..)))
    }

    pub fn names(&self) -> Vec<String> {
        self.names
            .keys()
            .map(|name| name.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    }

    pub fn text(&self, path: &str) -> Option<String> {
        let inode = self.inode(Path::new(path)).ok()?;
        Some(String::from_utf8_lossy(&self.inodes[inode].content).into_owned())
    }

    /// Another program creates a file and renames it over this one.
    pub fn put(&mut self, path: &Path, bytes: &[u8]) {
        self.inodes.push(Inode {
            content: bytes.to_vec(),
            modified: self.now,
            ..Inode::default()
        });
        let path = self.leads(path).to_path_buf();
        self.name(NameStep::Link(path, self.inodes.len() - 1));
    }

    /// Another program replaces the data file by a symbolic link, or switches the link.
    pub fn point(&mut self, target: &str) {
        self.names.remove(Path::new(FILE));
        self.target = Some(PathBuf::from(target));
        self.settle();
    }

    /// Where the data file is.
    pub fn target(&self) -> &Path {
        self.leads(Path::new(FILE))
    }

    fn leads<'a>(&'a self, path: &'a Path) -> &'a Path {
        let target = self.target.as_deref();
        target.filter(|_| path == Path::new(FILE)).unwrap_or(path)
    }

    /// Another program moves the folder of the data file away, or back.
    pub fn move_folder(&mut self, is_away: bool) {
        self.is_away = is_away;
    }

    /// Another program removes the folder of the data file with its content, and creates it again with this file.
    pub fn make_folder(&mut self, bytes: &[u8]) {
        let folder = self.target().parent().map(Path::to_path_buf);
        self.names
            .retain(|name, _| name.parent().map(Path::to_path_buf) != folder);
        self.settle();
        self.is_away = false;
        self.put(Path::new(FILE), bytes);
        self.settle();
    }

    /// Another program removes a file.
    pub fn remove(&mut self, path: &Path) {
        self.name(NameStep::Unlink(path.to_path_buf()));
    }

    /// Another program opens the data file.
    pub fn open(&self) -> usize {
        self.names[self.target()]
    }

    /// Another program writes to what it has opened.
    pub fn write(&mut self, inode: usize, bytes: &[u8]) {
        self.write_at(inode, bytes, self.now);
    }

    /// The mtime of a file that another program has opened.
    pub fn modified(&self, inode: usize) -> u64 {
        self.inodes[inode].modified
    }

    /// Like [`Disk::write`], with an mtime in the past.
    pub fn write_at(&mut self, inode: usize, bytes: &[u8], time: u64) {
        self.inodes[inode].content = bytes.to_vec();
        self.inodes[inode].modified = time;
    }

    fn name(&mut self, step: NameStep) {
        step.apply(&mut self.names);
        self.pending.push(step);
    }

    fn step(&mut self, changes: bool) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("the machine has stopped"));
        }
        let step = self.steps;
        for action in self.actions.remove(&step).into_iter().flatten() {
            action(self);
        }
        self.steps += 1;
        self.now += self.tick;
        match self.plan {
            Plan::Stop(at) if step >= at => {
                self.dead = true;
                Err(io::Error::other("the machine stops"))
            }
            Plan::Fail(at, kind) if step == at => Err(kind.into()),
            Plan::FailFrom(at, kind) if step >= at && changes => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn check(&mut self) {
        if self.exchange != Exchange::MountPoint
            && let Some(text) = self.text(FILE)
            && serde_json::from_str::<serde_json::Value>(&text).is_err()
        {
            self.torn.get_or_insert(text);
        }
    }

    fn stamp(&self, inode: usize) -> Stamp {
        let time = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
        let (size, modified): (u64, SystemTime) = (
            self.inodes[inode].content.len() as u64,
            time(self.inodes[inode].modified),
        );
        Stamp {
            identity: (1, inode as u64),
            size,
            modified: Some(modified),
            changed: None,
            taken: time(self.now),
        }
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        let path = self.leads(path);
        self.is_there(path)?;
        let inode = self.names.get(path).copied();
        inode.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Whether the folder of `path` is there.
    fn is_there(&self, path: &Path) -> io::Result<()> {
        if self.is_away && self.leads(path).parent() == self.target().parent() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(())
    }
}

impl Medium for Simulated {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut disk = self.lock();
        if disk.target.is_none() && !disk.is_away {
            return Ok(path.to_path_buf());
        }
        disk.step(false)?;
        disk.inode(path)?;
        Ok(disk.leads(path).to_path_buf())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut disk = self.lock();
        disk.step(false)?;
        let inode = disk.inode(path)?;
        Ok(disk.inodes[inode].content.clone())
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let mut disk = self.lock();
        disk.step(false)?;
        let inode = disk.inode(path)?;
        Ok(disk.stamp(inode))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], like: &Path, flush: bool) -> io::Result<bool> {
        self.wait_to_save();
        let mut disk = self.lock();
        disk.inode(like)?;
        if disk.inode(path).is_ok() {
            disk.step(true)?;
            disk.name(NameStep::Unlink(path.to_path_buf()));
        }
        disk.step(true)?;
        disk.is_there(path)?;
        disk.put(path, b"");
        let inode = disk.inode(path)?;
        for end in [bytes.len() / 2, bytes.len()] {
            disk.step(true)?;
            disk.inodes[inode].content = bytes[..end].to_vec();
        }
        if flush {
            disk.step(true)?;
            disk.inodes[inode].flushed = bytes.to_vec();
        }
        Ok(true)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        disk.inode(one)?;
        disk.inode(other)?;
        match disk.exchange {
            Exchange::Atomic => {
                disk.name(NameStep::Exchange(one.to_path_buf(), other.to_path_buf()));
                disk.check();
                Ok(())
            }
            Exchange::Unsupported | Exchange::NoLinks => Err(ErrorKind::Unsupported.into()),
            Exchange::MountPoint => Err(ErrorKind::ResourceBusy.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        disk.inode(from)?;
        disk.name(NameStep::Rename(from.to_path_buf(), to.to_path_buf()));
        disk.check();
        Ok(())
    }

    fn link(&self, path: &Path, other: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        if disk.exchange == Exchange::NoLinks {
            return Err(ErrorKind::Unsupported.into());
        }
        let inode = disk.inode(path)?;
        disk.name(NameStep::Link(other.to_path_buf(), inode));
        Ok(())
    }

    fn overwrite(&self, path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        let from = disk.steps - 1;
        let inode = disk.inode(path)?;
        let old = disk.inodes[inode].content.clone();
        let half = bytes.len() / 2;
        for (end, rest) in [
            (half, old.get(half..)),
            (bytes.len(), old.get(bytes.len()..)),
            (bytes.len(), None),
        ] {
            disk.step(true)?;
            disk.inodes[inode].content = [&bytes[..end], rest.unwrap_or_default()].concat();
            disk.inodes[inode].modified = disk.now;
            disk.check();
        }
        let steps = from..disk.steps;
        disk.overwrites.push(steps);
        if flush {
            disk.step(true)?;
            disk.inodes[inode].flushed = disk.inodes[inode].content.clone();
        }
        Ok(())
    }

    fn append(&self, path: &Path, line: &str, _: &Path, flush: bool) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        disk.is_there(path)?;
        if disk.inode(path).is_err() {
            disk.put(path, b"");
        }
        let inode = disk.inode(path)?;
        disk.step(true)?;
        disk.inodes[inode]
            .content
            .extend_from_slice(format!("{line}\n").as_bytes());
        if flush {
            disk.step(true)?;
            disk.inodes[inode].flushed = disk.inodes[inode].content.clone();
        }
        Ok(())
    }

    fn extend(&self, path: &Path, length: u64, bytes: &[u8], flush: bool) -> io::Result<()> {
        let mut disk = self.lock();
        let inode = disk.inode(path)?;
        let length = length as usize;
        let now = disk.inodes[inode].content.len();
        if now < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if now > length {
            disk.step(true)?;
            disk.inodes[inode].content.truncate(length);
        }
        let half = bytes.len() / 2;
        for part in [&bytes[..half], &bytes[half..]]
            .into_iter()
            .filter(|part| !part.is_empty())
        {
            disk.step(true)?;
            disk.inodes[inode].content.extend_from_slice(part);
        }
        if flush {
            disk.step(true)?;
            disk.inodes[inode].flushed = disk.inodes[inode].content.clone();
        }
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut disk = self.lock();
        disk.step(false)?;
        let inode = disk.inode(path)?;
        Ok(Box::new(Opened {
            disk: self.clone(),
            inode,
        }))
    }

    fn list(&self, path: &Path) -> Vec<String> {
        let disk = self.lock();
        let names = disk.names.keys();
        names
            .filter(|name| name.parent() == path.parent())
            .map(|name| name.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        disk.inode(path)?;
        disk.name(NameStep::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn boot(&self) -> Option<String> {
        Some(self.lock().boot.to_string())
    }

    fn flush_folder(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step(true)?;
        disk.is_there(path)?;
        disk.settle();
        Ok(())
    }
}

struct Opened {
    disk: Simulated,
    inode: usize,
}

impl Handle for Opened {
    fn stamp(&self) -> io::Result<Stamp> {
        let mut disk = self.disk.lock();
        disk.step(false)?;
        Ok(disk.stamp(self.inode))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut disk = self.disk.lock();
        disk.step(false)?;
        let step = disk.steps - 1;
        disk.reads.insert(self.inode, step);
        Ok(disk.inodes[self.inode].content.clone())
    }
}
