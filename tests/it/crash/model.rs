//! Writes, edits based on fresh and stale states, broken edits, restores and restarts in any order, compared with a
//! model.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use standin::internals::engine::WriteError;

use super::medium::{Exchange, FILE, ONE, Simulated, TWO};
use super::{Machine, Manner, delete, patch, post, start};
use crate::support::until;

const START: &str = "{\n  \"a\": [\n    {\"id\": 1, \"n\": 0},\n    {\"id\": 2, \"n\": 0},\n    {\"id\": 3, \"n\": 0}\n  ],\n  \"o\": {\"api\": 0, \"mine\": 0}\n}\n";

#[derive(Clone, Debug)]
enum Step {
    /// Through the API.
    Post,
    Patch(usize),
    Delete(usize),
    PatchObject,
    /// An edit based on the state that many readings ago (0: the present file).
    Edit {
        from: usize,
        change: usize,
        add: bool,
        broken_first: bool,
    },
    /// A restore of the state that many readings ago.
    Restore(usize),
    Restart,
    /// A waiting background save goes on.
    Save,
    /// The symbolic link is switched to the other file.
    Switch,
    /// The folder is moved away, a write is refused, and it comes back.
    Away,
    /// The same, but the folder is created again with the file as it was that many readings ago.
    MadeAgain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Post),
        3 => (0..20_usize).prop_map(Step::Patch),
        2 => (0..20_usize).prop_map(Step::Delete),
        1 => Just(Step::PatchObject),
        4 => (0..4_usize, 0..20_usize, any::<bool>(), any::<bool>())
            .prop_map(|(from, change, add, broken_first)| Step::Edit { from, change, add, broken_first }),
        1 => (1..4_usize).prop_map(Step::Restore),
        1 => Just(Step::Restart),
        3 => Just(Step::Save),
        1 => Just(Step::Switch),
        1 => Just(Step::Away),
        1 => (1..4_usize).prop_map(Step::MadeAgain),
    ];
    proptest::collection::vec(step, 1..24)
}

type Rows = BTreeMap<i64, Value>;

fn rows(data: &Value) -> Rows {
    data["a"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["id"].as_i64().unwrap(), row.clone()))
        .collect()
}

struct Model {
    manner: Manner,
    /// Whether edits are always based on the present file.
    fresh: bool,
    machine: Machine,
    /// The last acknowledged write for each record that no edit has changed since; `None`: deleted.
    api: BTreeMap<i64, Option<Value>>,
    object: Value,
    /// What the file held when it was read, since the last restart.
    readings: Vec<String>,
    /// What the other file held when the link pointed to it.
    elsewhere: Value,
    count: u64,
}

impl Model {
    fn new(manner: Manner, fresh: bool) -> Model {
        let tick = if manner.unseen.is_zero() { 0 } else { 100 };
        let disk = Simulated::new(START, Exchange::Atomic, tick);
        let other = START.replace("\"mine\"", "\"yours\"");
        {
            let mut disk = disk.lock();
            disk.put(Path::new(TWO), other.as_bytes());
            disk.put(Path::new(ONE), START.as_bytes());
            disk.point(ONE);
        }
        hold_saves(manner, &disk);
        let machine = start(manner, &disk);
        Model {
            manner,
            fresh,
            machine,
            api: BTreeMap::new(),
            object: json!(0),
            readings: vec![START.into()],
            elsewhere: serde_json::from_str(&other).unwrap(),
            count: 0,
        }
    }

    fn lags(&self) -> bool {
        let journaling = self.manner.journaling;
        journaling.above == 0 && (!journaling.pause.is_zero() || journaling.background == 0)
    }

    fn chosen(&self, number: usize) -> Option<i64> {
        let ids: Vec<i64> = rows(&self.machine.seen()).into_keys().collect();
        (!ids.is_empty()).then(|| ids[number % ids.len()])
    }

    fn wrote(&mut self, id: i64) {
        self.api.insert(id, rows(&self.machine.seen()).remove(&id));
    }

    fn run(&mut self, step: &Step) {
        self.count += 1;
        let unique = self.count;
        match step {
            Step::Post => {
                let id = self
                    .machine
                    .write(post("a", &format!("{{\"posted\": {unique}}}")))
                    .unwrap();
                self.wrote(id.unwrap().to_string().parse().unwrap());
            }
            Step::Patch(number) => {
                let Some(id) = self.chosen(*number) else {
                    return;
                };
                self.machine
                    .write(patch("a", id, &format!("{{\"n\": {unique}}}")))
                    .unwrap();
                self.wrote(id);
            }
            Step::Delete(number) => {
                let Some(id) = self.chosen(*number) else {
                    return;
                };
                self.machine.write(delete("a", id)).unwrap();
                self.wrote(id);
            }
            Step::PatchObject => {
                let command = super::patch_object("o", &format!("{{\"api\": {unique}}}"));
                self.machine.write(command).unwrap();
                self.object = json!(unique);
            }
            Step::Edit {
                from,
                change,
                add,
                broken_first,
            } => {
                let from = if self.fresh { 0 } else { *from };
                self.edit(from, *change, *add, *broken_first, unique);
            }
            Step::Restore(back) => {
                if let Some(text) = self.other_reading(*back) {
                    self.restore(&text, Model::save);
                }
            }
            Step::Save => {
                let before = self.machine.in_file();
                self.machine
                    .disk
                    .lock()
                    .saves
                    .get_or_insert(0)
                    .add_assign(1);
                if self.manner.journaling.background == 0 {
                    until("one save is done", || {
                        let now = self.machine.in_file();
                        let is_saved = now != before || now == self.machine.seen();
                        let is_flushed = self.machine.disk.lock().has_flushed_exchange();
                        (is_saved && is_flushed).then_some(())
                    });
                }
                hold_saves(self.manner, &self.machine.disk);
            }
            Step::Switch => self.switch(),
            Step::Away => {
                self.without_folder();
                self.machine.disk.lock().move_folder(false);
            }
            Step::MadeAgain(back) => {
                if let Some(text) = self.other_reading(*back) {
                    self.without_folder();
                    self.restore(&text, |model, text| {
                        model.machine.disk.lock().make_folder(text.as_bytes());
                        model.finds();
                    });
                }
            }
            Step::Restart => {
                let disk = self.machine.disk.after_kill();
                self.machine.disk.lock().saves = None;
                hold_saves(self.manner, &disk);
                let before = self.machine.seen();
                self.machine = start(self.manner, &disk);
                assert_eq!(self.machine.seen(), before);
                self.readings.clear();
                self.api.clear();
            }
        }
        if !self.lags() {
            until("file and memory agree", || self.has_all().then_some(()));
        }
        let text = self.machine.disk.lock().text(FILE).unwrap();
        self.holds_what_was_acknowledged();
        self.readings.push(text);
    }

    /// Whether the file has all writes, and the save is over: if the folder is moved away before that, the save is
    /// undone.
    fn has_all(&self) -> bool {
        self.machine.in_file() == self.machine.seen()
            && self.machine.disk.lock().has_flushed_exchange()
    }

    fn holds_what_was_acknowledged(&mut self) {
        let data = self.machine.seen();
        let now = rows(&data);
        let conflicts = self.machine.engine.conflicts();
        // An edit based on a state before an earlier edit undoes that one; what the API has since made of such a record
        // is kept.
        self.api.retain(|id, expected| {
            let holds = now.get(id) == expected.as_ref();
            let kept = conflicts.iter().any(|line| {
                line["kind"] == "conflict"
                    && line["id"] == *format!("{id}")
                    && line["api"] == expected.clone().unwrap_or(Value::Null)
            });
            // The file never had a record that was created and deleted before a save: an edit may use its id. An editor
            // that sees that a record is gone may reuse its id.
            let reused =
                expected.is_none() && now.get(id).is_some_and(|row| row.get("new").is_some());
            assert!(
                holds || kept || reused,
                "record {id} is {:?}, acknowledged was {expected:?}",
                now.get(id)
            );
            holds
        });
        assert_eq!(data["o"]["api"], self.object);
    }

    fn reading(&self, back: usize) -> Option<String> {
        self.readings
            .len()
            .checked_sub(1 + back)
            .map(|place| self.readings[place].clone())
    }

    /// Saves an edit, and lets a write find it.
    fn save(&mut self, text: &str) {
        self.machine
            .disk
            .lock()
            .put(Path::new(FILE), text.as_bytes());
        self.finds();
    }

    fn finds(&mut self) {
        self.machine.disk.lock().saves = None;
        let id = self
            .machine
            .write(post("a", "{\"finds\": \"the edit\"}"))
            .unwrap();
        self.wrote(id.unwrap().to_string().parse().unwrap());
        if self.manner.journaling.background == 0 {
            until("the file has all", || self.has_all().then_some(()));
        }
        hold_saves(self.manner, &self.machine.disk);
    }

    /// The other file is loaded without a merge; writes to this one stay with it.
    fn switch(&mut self) {
        let here = self.machine.seen();
        let mut disk = self.machine.disk.lock();
        let other = if disk.target() == Path::new(ONE) {
            TWO
        } else {
            ONE
        };
        disk.point(other);
        drop(disk);
        (self.api, self.readings) = (BTreeMap::new(), Vec::new());
        self.finds();
        let mut seen = self.machine.seen();
        self.object = seen["o"]["api"].clone();
        seen["a"].as_array_mut().unwrap().pop();
        assert_eq!(seen, std::mem::replace(&mut self.elsewhere, here));
    }

    fn without_folder(&mut self) {
        let before = self.machine.seen();
        self.machine.disk.lock().move_folder(true);
        let refused = self.machine.write(post("a", "{}"));
        assert!(
            matches!(refused, Err(WriteError::Unsaved { .. })),
            "{refused:?}"
        );
        assert_eq!(self.machine.seen(), before, "reads go on");
    }

    fn edit(&mut self, from: usize, change: usize, add: bool, broken_first: bool, unique: u64) {
        let Some(base) = self.reading(from) else {
            return;
        };
        let mut data: Value = serde_json::from_str(&base).unwrap();
        let list = data["a"].as_array_mut().unwrap();
        let mut wanted: Vec<Value> = Vec::new();
        let is_fresh = from == 0 && self.machine.in_file() == self.machine.seen();
        if !list.is_empty() {
            let place = change % list.len();
            // Based on the present file, the edit may also change what the API has just written.
            let own = if list[place].get("posted").is_some() {
                "posted"
            } else {
                "n"
            };
            let property = if is_fresh && change % 2 == 1 {
                own
            } else {
                "mine"
            };
            list[place][property] = unique.into();
            wanted.push(list[place].clone());
            let id = list[place]["id"].as_i64().unwrap();
            // The edit wins; if the API's version differs from the base, it is kept in the conflicts file.
            if let Some(Some(api)) = self.api.remove(&id) {
                let was: Value = serde_json::from_str(&base).unwrap();
                if api != was["a"][place] {
                    wanted.push(json!({ "kept": api }));
                }
            }
        }
        if add {
            // The next id, as a person would count: the API may have assigned it meanwhile.
            let highest = list
                .iter()
                .filter_map(|row| row["id"].as_i64())
                .max()
                .unwrap_or(0);
            let new = json!({ "id": highest + 1, "new": unique });
            list.push(new.clone());
            wanted.push(new);
        }
        data["o"]["mine"] = unique.into();
        let text = format!("{data:#}\n");
        if broken_first {
            let broken = &text[..text.len() - 3];
            self.machine
                .disk
                .lock()
                .put(Path::new(FILE), broken.as_bytes());
            let refused = self.machine.write(post("a", "{}"));
            assert!(
                matches!(refused, Err(WriteError::Broken { .. })),
                "{refused:?}"
            );
            assert_eq!(
                self.machine.disk.lock().text(FILE).as_deref(),
                Some(broken),
                "it is not overwritten"
            );
        }
        let before = self.machine.engine.conflicts();
        self.save(&text);
        let seen = self.machine.seen();
        let conflicts = self.machine.engine.conflicts();
        if is_fresh {
            let mut without_last = seen.clone();
            without_last["a"].as_array_mut().unwrap().pop();
            assert_eq!(
                without_last, data,
                "an edit of what the file holds is taken as it is"
            );
            // While it was broken, pending writes were saved to the conflicts file.
            assert_eq!(conflicts, before);
        }
        for wanted in wanted {
            match wanted.get("kept") {
                // Kept, or included in the edit.
                Some(api) => assert!(
                    conflicts.iter().any(|line| line["api"] == *api)
                        || seen["a"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .any(|row| includes(row, api)),
                    "{api} is neither in {seen:#} nor in {conflicts:#?}"
                ),
                None => assert!(
                    seen["a"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|row| same_but_id(row, &wanted)),
                    "{wanted} is not in {seen:#}"
                ),
            }
        }
        assert_eq!(seen["o"]["mine"], unique);
    }

    /// What the file held that many readings ago, if that is something else now.
    fn other_reading(&self, back: usize) -> Option<String> {
        let text = self.reading(back)?;
        (self.machine.disk.lock().text(FILE).as_ref() != Some(&text)).then_some(text)
    }

    fn restore(&mut self, text: &str, save: impl FnOnce(&mut Model, &str)) {
        let before = rows(&self.machine.seen());
        let state: Value = serde_json::from_str(text).unwrap();
        let dropped: Vec<Value> = self
            .api
            .values()
            .flatten()
            .filter(|value| rows(&state).get(&value["id"].as_i64().unwrap()) != Some(value))
            .cloned()
            .collect();
        self.api.clear();
        self.object = state["o"]["api"].clone();
        // An edit based on an earlier state would bring back what was dropped, on purpose.
        self.readings.clear();
        save(self, text);
        let mut seen = self.machine.seen();
        seen["a"].as_array_mut().unwrap().pop();
        assert_eq!(seen, state, "taken whole");
        let conflicts = self.machine.engine.conflicts();
        for value in dropped {
            assert!(before.values().any(|row| *row == value));
            assert!(
                conflicts.iter().any(|line| line["api"] == value),
                "{value} is not in {conflicts:#?}"
            );
        }
    }
}

fn without_id(record: &Value) -> Map<String, Value> {
    record
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "id")
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

fn same_but_id(one: &Value, other: &Value) -> bool {
    without_id(one) == without_id(other)
}

fn includes(record: &Value, part: &Value) -> bool {
    part.as_object()
        .unwrap()
        .iter()
        .all(|(name, value)| record.get(name) == Some(value))
}

/// Makes background saves wait.
fn hold_saves(manner: Manner, disk: &Simulated) {
    disk.lock().saves = (manner.journaling.background == 0).then_some(0);
}

fn try_out(manner: Manner, fresh: bool, steps: &[Step]) {
    let mut model = Model::new(manner, fresh);
    for step in steps {
        model.run(step);
    }
    let seen = model.machine.seen();
    let disk = model.machine.disk.clone();
    disk.lock().saves = None;
    drop(model);
    assert_eq!(
        serde_json::from_str::<Value>(&disk.lock().text(FILE).unwrap()).unwrap(),
        seen,
        "stopped, the file has all"
    );
    assert_eq!(start(manner, &disk).seen(), seen);
}

/// An edit based on a state before another edit undoes that edit; what the API has written since is kept.
#[test]
fn an_edit_from_before_another_edit_does_not_take_back_what_the_api_wrote_since() {
    let edit = |from, change, add| Step::Edit {
        from,
        change,
        add,
        broken_first: false,
    };
    let steps = [
        Step::Post,
        Step::Post,
        Step::Post,
        edit(0, 13, true),
        Step::Delete(7),
        Step::Patch(15),
        edit(3, 0, false),
    ];
    try_out(Manner::WHOLE, false, &steps);
    let steps = [
        Step::Post,
        Step::Patch(1),
        Step::Patch(4),
        edit(1, 12, true),
        edit(3, 4, true),
    ];
    try_out(Manner::EAGER, false, &steps);
}

/// How many sequences are tried: `STANDIN_MODEL`, or a few.
fn cases() -> u32 {
    std::env::var("STANDIN_MODEL")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_and_nothing_edited_is_lost_in_any_order(steps in steps()) {
        try_out(Manner::WHOLE, false, &steps);
    }

    #[test]
    fn nothing_is_lost_with_a_journal_that_is_saved_at_once(steps in steps()) {
        try_out(Manner::EAGER, false, &steps);
    }

    #[test]
    fn nothing_is_lost_with_a_journal_that_is_saved_late(steps in steps()) {
        try_out(Manner::LAZY, false, &steps);
    }

    #[test]
    fn nothing_is_lost_with_a_journal_that_is_saved_while_writes_go_on(steps in steps()) {
        try_out(Manner::BEHIND, false, &steps);
    }

    #[test]
    fn nothing_is_lost_with_a_journal_that_stays(steps in steps()) {
        for manner in Manner::KEEPING {
            try_out(manner, false, &steps);
        }
    }

    /// Without `unseen`, an edit deletes what it lacks, unless the file never had it.
    #[test]
    fn nothing_is_lost_with_a_journal_and_no_unseen_time(steps in steps()) {
        try_out(Manner { unseen: std::time::Duration::ZERO, ..Manner::LAZY }, true, &steps);
    }
}
