//! Saves that stop, fail, or coincide with an edit at every step.

pub mod medium;

mod edits;
mod journal;
mod model;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use standin::internals::engine::{Engine, FileSource, Journaling, Notice, Rulebook, WriteError};
use standin::internals::file::{DataFile, Durability, Loaded, Recovered, Role};
use standin::internals::json::{Id, Object};
use standin::internals::memory::MemoryLimit;
use standin::internals::schema::Schema;
use standin::internals::store::{Command, Merge, Operation, Settings};
use standin::internals::work::Work;

use medium::{Exchange, FILE, Plan, Simulated};

pub const START: &str = "{\n  \"a\": [\n    {\n      \"id\": 1,\n      \"n\": 0\n    },\n    {\n      \"id\": 2\n    }\n  ],\n  \"b\": [],\n  \"o\": {\n    \"p\": 1\n  }\n}\n";

/// How writes are saved.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub journaling: Journaling,
    pub unseen: Duration,
}

impl Manner {
    /// At once; the files of these tests are small. Other tests run in parallel: a sequence may take longer than the
    /// usual two seconds of `unseen`.
    pub const WHOLE: Manner = Manner::new(usize::MAX, Duration::ZERO);
    /// Through the journal, and the file is saved after every batch.
    pub const EAGER: Manner = Manner::new(0, Duration::ZERO);
    /// Through the journal, and the file is saved only when necessary.
    pub const LAZY: Manner = Manner::new(0, Duration::from_secs(3600));
    /// Through the journal, with a background save after every batch, while the next ones are written.
    pub const BEHIND: Manner = {
        let mut manner = Manner::EAGER;
        manner.journaling.background = 0;
        manner
    };

    /// Like the others, but writes stay in the journal for a while after the file has them.
    pub const KEEPING: [Manner; 4] = [
        Manner::WHOLE.keeping(),
        Manner::BEHIND.keeping(),
        Manner::EAGER.keeping(),
        Manner::LAZY.keeping(),
    ];

    const fn keeping(mut self) -> Manner {
        self.journaling.keep = Duration::from_secs(3600);
        self
    }

    const fn new(above: usize, pause: Duration) -> Manner {
        Manner {
            journaling: Journaling {
                above,
                pause,
                latest: pause,
                background: usize::MAX,
                keep: Duration::ZERO,
            },
            unseen: Duration::from_secs(60),
        }
    }
}

pub fn start(manner: Manner, disk: &Simulated) -> Machine {
    Machine::start_as(manner, disk, Durability::Synced, |_| {}).unwrap()
}

/// An engine on a simulated disk.
pub struct Machine {
    pub disk: Simulated,
    pub engine: Engine,
    pub recovered: Vec<PathBuf>,
    runtime: tokio::runtime::Runtime,
}

impl Machine {
    pub fn start(disk: &Simulated, durability: Durability) -> Result<Machine, String> {
        Machine::start_as(Manner::WHOLE, disk, durability, |_| {})
    }

    pub fn start_as(
        manner: Manner,
        disk: &Simulated,
        durability: Durability,
        notice: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<Machine, String> {
        let opened = DataFile::open(
            Path::new(FILE),
            durability,
            Box::new(disk.clone()),
            Role::Owner,
        );
        let (file, loaded) = opened.map_err(|error| error.to_string())?;
        let Loaded {
            bytes,
            recovered,
            left,
        } = loaded;
        let recovered = recovered
            .into_iter()
            .filter_map(|found| match found {
                Recovered::Edit(path) => Some(path),
                Recovered::Journal { kept, .. } => kept,
                Recovered::Restored { .. } => None,
            })
            .collect();
        let rulebook = Rulebook::new(Schema::default(), Settings::default());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (store, _) = rulebook
            .read_file(bytes)
            .map_err(|faults| format!("{:?} in {text:?}", faults.list))?;
        let Manner { journaling, unseen } = manner;
        let file = Box::new(file);
        let source = FileSource {
            file,
            watched: false,
            poll: Duration::ZERO,
            unseen,
            journaling,
            left,
        };
        let engine = Engine::start(
            store,
            rulebook,
            Some(source),
            MemoryLimit::default(),
            notice,
        )
        .map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        Ok(Machine {
            disk: disk.clone(),
            engine,
            recovered,
            runtime,
        })
    }

    pub fn write(&self, command: Command) -> Result<Option<Id>, WriteError> {
        self.runtime
            .block_on(self.engine.write(command, None))
            .map(|outcome| outcome.id)
    }

    /// What readers see.
    pub fn seen(&self) -> Value {
        let mut all = Vec::new();
        self.engine
            .snapshot()
            .store
            .write_all(&mut all, &Work::unlimited());
        serde_json::from_slice(&all).unwrap()
    }

    pub fn in_file(&self) -> Value {
        let text = self.disk.lock().text(FILE).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

pub fn object(text: &str) -> Object {
    Object::parse(text).unwrap()
}

pub fn post(resource: &str, body: &str) -> Command {
    Command {
        resource: resource.into(),
        id: None,
        operation: Operation::Create,
        body: object(body),
    }
}

pub fn patch(resource: &str, id: i64, body: &str) -> Command {
    Command {
        id: Some(Id::Number(id)),
        ..patch_object(resource, body)
    }
}

pub fn patch_object(resource: &str, body: &str) -> Command {
    Command {
        resource: resource.into(),
        id: None,
        operation: Operation::Merge(Merge::Shallow),
        body: object(body),
    }
}

pub fn delete(resource: &str, id: i64) -> Command {
    let dependent = Vec::new();
    Command {
        resource: resource.into(),
        id: Some(Id::Number(id)),
        operation: Operation::Delete { dependent },
        body: Object::default(),
    }
}

/// Sequences of commands, each of which changes something.
fn sequences() -> Vec<Vec<Command>> {
    let set = |number: u32| patch_object("o", &format!("{{\"p{number}\": {number}}}"));
    vec![
        vec![
            post("a", "{\"x\": 1}"),
            patch("a", 1, "{\"n\": 1}"),
            delete("a", 2),
            post("b", "{}"),
        ],
        vec![
            delete("a", 1),
            set(7),
            post(
                "a",
                "{\"long\": \"a text that makes the file longer than it was\"}",
            ),
        ],
        // Back and forth: the same states again.
        vec![
            patch("a", 1, "{\"n\": 1}"),
            patch("a", 1, "{\"n\": 0}"),
            patch("a", 1, "{\"n\": 1}"),
            set(2),
        ],
    ]
}

/// The names in the folder. The texts of writes in place are left out: they are kept if they could be edits.
fn names(disk: &Simulated, way: (Exchange, u64)) -> Vec<String> {
    let mut names = disk.lock().names();
    if way.0 == Exchange::MountPoint {
        names.retain(|name| !name.starts_with("db.json.recovered-"));
    }
    names
}

const WAYS: [(Exchange, u64); 7] = [
    (Exchange::Atomic, 100),
    (Exchange::Atomic, 0),
    (Exchange::Unsupported, 100),
    (Exchange::Unsupported, 0),
    (Exchange::NoLinks, 100),
    (Exchange::MountPoint, 100),
    (Exchange::MountPoint, 0),
];

/// A run without faults: the states, and the number of steps.
fn dry_run(
    commands: &[Command],
    way: (Exchange, u64),
    durability: Durability,
) -> (Vec<Value>, usize) {
    let disk = Simulated::new(START, way.0, way.1);
    let machine = Machine::start(&disk, durability).unwrap();
    let mut states = vec![machine.seen()];
    for command in commands {
        machine.write(command.clone()).unwrap();
        states.push(machine.seen());
        assert_eq!(machine.in_file(), machine.seen());
    }
    drop(machine);
    let disk = disk.lock();
    assert_eq!(disk.names(), ["db.json"]);
    (states, disk.steps)
}

fn is_whole(disk: &Simulated) {
    assert_eq!(
        disk.lock().torn,
        None,
        "the file was not valid JSON for a while"
    );
}

#[test]
fn stopped_at_any_step_nothing_acknowledged_is_lost_and_nothing_is_partial() {
    for durability in [Durability::Synced, Durability::Written] {
        for way in WAYS {
            for commands in sequences() {
                let (states, steps) = dry_run(&commands, way, durability);
                let mut cuts = 0;
                for stop in 0..steps {
                    let disk = Simulated::new(START, way.0, way.1);
                    disk.lock().plan(Plan::Stop(stop));
                    let mut acknowledged = 0;
                    if let Ok(machine) = Machine::start(&disk, durability) {
                        acknowledged = commands
                            .iter()
                            .take_while(|command| machine.write((*command).clone()).is_ok())
                            .count();
                    }
                    is_whole(&disk);
                    let mut after = vec![disk.after_kill()];
                    if durability == Durability::Synced {
                        after.extend(disk.after_power_cut());
                    }
                    for disk in after {
                        cuts += 1;
                        let what = format!(
                            "{durability:?} {way:?}, stopped at {stop}, {acknowledged} acknowledged"
                        );
                        let machine = Machine::start(&disk, durability)
                            .unwrap_or_else(|error| panic!("{what}: {error}"));
                        let found = machine.seen();
                        let allowed = &states[acknowledged..states.len().min(acknowledged + 2)];
                        assert!(
                            allowed.contains(&found),
                            "{what}: {found:#} is none of {allowed:#?}"
                        );
                        assert_eq!(machine.in_file(), found, "{what}");
                        assert_eq!(names(&disk, way), ["db.json"], "{what}: nothing is left");
                        machine
                            .write(post("b", "{\"again\": true}"))
                            .unwrap_or_else(|error| panic!("{what}: {error:?}"));
                        assert_eq!(machine.in_file(), machine.seen());
                        is_whole(&disk);
                    }
                }
                assert!(cuts >= steps, "{cuts} reopened");
            }
        }
    }
}

const ERRORS: [ErrorKind; 5] = [
    ErrorKind::StorageFull,
    ErrorKind::PermissionDenied,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::Other,
    ErrorKind::CrossesDevices,
];

/// Carries out the commands on a failing disk, which is repaired before the command `heal`. A refused write has changed
/// nothing; any other is in the file.
fn with_faults(commands: &[Command], way: (Exchange, u64), plan: Plan) {
    let disk = Simulated::new(START, way.0, way.1);
    let machine = Machine::start(&disk, Durability::Synced).unwrap();
    let before_start = disk.lock().steps;
    disk.lock().plan(match plan {
        Plan::Fail(at, kind) => Plan::Fail(before_start + at, kind),
        Plan::FailFrom(at, kind) => Plan::FailFrom(before_start + at, kind),
        other => other,
    });
    let mut refused = 0;
    for command in commands {
        let before = machine.seen();
        match machine.write(command.clone()) {
            Ok(_) => assert_eq!(machine.in_file(), machine.seen(), "{plan:?} {way:?}"),
            Err(WriteError::Unsaved { reason: words, .. }) => {
                refused += 1;
                assert!(words.contains(FILE), "{words}");
                assert_eq!(
                    machine.seen(),
                    before,
                    "{plan:?} {way:?}: what was refused is not seen"
                );
            }
            // A command may refer to a record that a refused one should have created.
            Err(WriteError::Refused(_)) => assert!(refused > 0),
            Err(other) => panic!("{plan:?} {way:?}: {other:?}"),
        }
    }
    disk.lock().plan(Plan::Run);
    machine
        .write(post("b", "{\"after\": true}"))
        .unwrap_or_else(|error| panic!("{plan:?} {way:?}: {error:?}"));
    assert_eq!(machine.in_file(), machine.seen(), "{plan:?} {way:?}");
    let seen = machine.seen();
    drop(machine);
    if !matches!(
        plan,
        Plan::Fail(_, ErrorKind::CrossesDevices) | Plan::FailFrom(_, ErrorKind::CrossesDevices)
    ) {
        // Where files cannot be exchanged, the one is written in place.
        is_whole(&disk);
    }
    let machine = Machine::start(&disk, Durability::Synced).unwrap();
    assert_eq!(machine.seen(), seen, "{plan:?} {way:?}");
    assert_eq!(
        names(&disk, way),
        ["db.json"],
        "{plan:?} {way:?}: nothing is left"
    );
}

#[test]
fn a_step_that_fails_refuses_the_write_and_leaves_no_trace() {
    for way in WAYS {
        for commands in sequences() {
            let (_, steps) = dry_run(&commands, way, Durability::Synced);
            for step in 0..steps {
                for kind in ERRORS {
                    with_faults(&commands, way, Plan::Fail(step, kind));
                    with_faults(&commands, way, Plan::FailFrom(step, kind));
                }
            }
        }
    }
}
