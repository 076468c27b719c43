//! Properties that must hold for any bytes. `fuzz/` runs them on random input, the test beside this file on the
//! committed corpus.

use std::cell::RefCell;
use std::sync::Arc;

use standin::internals::engine::Rulebook;
use standin::internals::json::{self, Document, Id, Object};
use standin::internals::query::{Fields, Query, Relations, pairs};
use standin::internals::schema::Schema;
use standin::internals::store::{
    ApiChange, Collection, Command, Data, Merge, Operation, PastState, Settings, Store, Written,
};
use standin::internals::work::Work;
use standin::{Options, Sandbox};

/// A file's text, and commands on it: what no command touches stays byte for byte, and the result can be parsed again.
pub fn file(bytes: &[u8]) {
    let (text, commands) = split(bytes);
    let Ok(text) = std::str::from_utf8(text) else {
        // Bytes that are not UTF-8 are refused.
        assert!(
            Rulebook::new(Schema::default(), Settings::default())
                .read_file(text.to_vec())
                .is_err()
        );
        return;
    };
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ours = json::check(plain, json::MAX_DEPTH).is_ok();
    // serde_json counts nesting differently, and cannot parse numbers beyond a double; what it accepts, we accept.
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(plain).is_ok() {
        assert!(
            ours || text.matches(['{', '[']).count() > json::MAX_DEPTH,
            "{text}"
        );
    }
    let Some(mut store) = open(text) else { return };
    if !text.trim_start_matches('\u{feff}').trim_ascii().is_empty() {
        assert_eq!(String::from_utf8(store.file_text()).unwrap(), text);
    }
    let mut letters = letters();
    for command in self::commands(&store, commands) {
        let before = store.clone();
        let Ok(draft) = store.draft(&command, &mut letters) else {
            continue;
        };
        let Ok(change) = store.plan(draft) else {
            continue;
        };
        let outcome = store.apply(change);
        let out = String::from_utf8(store.file_text()).unwrap();
        let Some(again) = open(&out) else {
            panic!("{command:?} on {text:?} gives {out:?}")
        };
        same_data(&store, &again);
        for resource in before.resources() {
            let is_touched = outcome
                .written
                .iter()
                .any(|written| written.resource == resource.name());
            if !is_touched {
                let other = store.resource(resource.name()).unwrap();
                assert!(
                    same_resource(resource.data(), other.data()),
                    "{command:?} on {text:?} gives {out:?}"
                );
            }
        }
    }
}

/// A query string on some records: it is valid and can be run, or it is an error.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    const ROWS: [&str; 5] = [
        r#"{"id": 1, "title": "a", "views": 10, "tags": ["x", "y"], "author": {"name": "n"}}"#,
        r#"{"id": 2, "title": "B", "views": "20", "tags": [], "author": null}"#,
        r#"{"id": "c", "title": "é ß", "views": 1e3, "ok": true}"#,
        r#"{"id": 4, "deep": {"a": [{"b": [1, 2, {"c": "d"}]}]}, "a.b": 1}"#,
        r#"null"#,
    ];
    let Ok(pairs) = pairs(text) else { return };
    let store = open(&format!("{{\"rows\": [{}]}}", ROWS.join(","))).expect("the rows are JSON");
    let rows = store
        .resource("rows")
        .and_then(|rows| rows.collection())
        .expect("they are a collection");
    let Ok(query) = Query::parse(&pairs, &Fields::new(Some(rows), &["declared"])) else {
        return;
    };
    let page = query.select(0..ROWS.len(), |at| ROWS[*at], &Work::unlimited());
    assert!(page.rows.len() <= ROWS.len());
    let mut known = std::collections::HashSet::new();
    assert!(page.rows.iter().all(|at| known.insert(*at)), "{text}");
    assert!(
        page.total.is_none_or(|total| total >= page.rows.len()),
        "{text}"
    );
    let found = rows.run(
        &query,
        &Relations::new(&store, "rows", &query, &Work::unlimited()),
        &Work::unlimited(),
    );
    assert_eq!(
        (found.rows.len(), found.total),
        (page.rows.len(), page.total),
        "{text}"
    );
}

/// A base, an edit of it, and commands through the API: the merge loses nothing of either side.
pub fn merge(bytes: &[u8]) {
    let (base, rest) = split(bytes);
    let (edit, commands) = split(rest);
    let (Ok(base), Ok(edit)) = (std::str::from_utf8(base), std::str::from_utf8(edit)) else {
        return;
    };
    let (Some(base), Some(theirs)) = (open(base), open(edit)) else {
        return;
    };
    let mut ours = base.clone();
    let mut written: Vec<Written> = Vec::new();
    let mut letters = letters();
    for command in self::commands(&base, commands) {
        let Ok(draft) = ours.draft(&command, &mut letters) else {
            continue;
        };
        let Ok(change) = ours.plan(draft) else {
            continue;
        };
        written.extend(ours.apply(change).written);
    }
    let changes = ours.changes_since([PastState {
        store: &base,
        written: &written,
        edited: &[],
    }]);
    let merged = theirs.clone().merge(&changes, &[1, 0]);
    let out = String::from_utf8(merged.store.file_text()).unwrap();
    let Some(again) = open(&out) else {
        panic!("{out:?}")
    };
    same_data(&merged.store, &again);
    let is_repeated = |change: &&ApiChange| {
        let rows = theirs
            .resource(&change.what.resource)
            .and_then(|resource| resource.collection());
        rows.is_some_and(has_repeated_ids)
    };
    // Of records with the same id, the API reaches only the first.
    for change in changes.iter().filter(|change| !is_repeated(change)) {
        let now = merged.store.text_of(&change.what);
        let lost = |conflict: &standin::internals::store::Conflict| {
            conflict.resource == change.what.resource && conflict.id == change.what.id
        };
        let is_kept = same_text(now, change.after.as_deref())
            || merged.conflicts.iter().any(lost)
            || merged.seen.contains(&change.what)
            || (change.what.id.is_none() && now.is_some());
        assert!(
            is_kept,
            "{change:?} is in neither of {out:?} and {:?}",
            merged.conflicts
        );
    }
    each_of_the_edit(&theirs, &merged, &changes, &out);
    // Without API writes, the edit is loaded as it is.
    assert_eq!(
        theirs.clone().merge(&[], &[0]).store.file_text(),
        theirs.file_text()
    );
}

/// Whether two records share an id.
fn has_repeated_ids(collection: &Collection) -> bool {
    let mut seen = std::collections::HashSet::new();
    !collection
        .rows()
        .filter_map(|record| record.id())
        .all(|id| seen.insert(id.clone()))
}

/// Every record of the edit that the API has not written is unchanged; a renumbered one has its new id.
fn each_of_the_edit(
    theirs: &Store,
    merged: &standin::internals::store::Merged,
    changes: &[ApiChange],
    out: &str,
) {
    for resource in theirs.resources() {
        let Some(collection) = resource
            .collection()
            .filter(|collection| !has_repeated_ids(collection))
        else {
            continue;
        };
        for record in collection.rows() {
            let Some(id) = record.id() else { continue };
            let what = Written {
                resource: resource.name().to_string(),
                id: Some(id.clone()),
            };
            if changes.iter().any(|change| change.what == what) {
                continue;
            }
            let moved = merged
                .renumbered
                .iter()
                .any(|(name, old, _)| *name == what.resource && old == id);
            let now = merged.store.text_of(&what);
            assert!(
                moved || same_text(now, Some(record.value())),
                "{what:?} is not in {out:?}"
            );
        }
    }
}

thread_local! {
    static SANDBOX: RefCell<(Sandbox, u32)> = RefCell::new((sandbox(), 0));
}

fn sandbox() -> Sandbox {
    let data = r#"{"posts": [{"id": 1, "title": "a", "userId": 1}, {"id": "x y", "title": "b"}], "users": [{"id": 1}], "profile": {"name": "n"}, "n": 1}"#;
    Sandbox::open(&Options::from_json(serde_json::from_str(data).unwrap())).unwrap()
}

/// A method, a target, headers and a body: there is a response, and it is not a 500.
pub fn request(bytes: &[u8]) {
    let (head, body) = split(bytes);
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    let mut lines = head.lines();
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else {
        return;
    };
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()));
    let headers: Vec<_> = headers.collect();
    SANDBOX.with_borrow_mut(|(sandbox, calls)| {
        *calls += 1;
        if *calls > 64 {
            // Posted records would make every list longer, and the fuzzer slower.
            (*sandbox, *calls) = (self::sandbox(), 0);
        }
        // Invalid HTTP requests cannot be sent.
        let Ok(answer) = sandbox.call(method, target, &headers, body.to_vec()) else {
            return;
        };
        let status = answer.status().as_u16();
        assert!(
            (200..600).contains(&status) && status != 500,
            "{status}: {}",
            String::from_utf8_lossy(answer.body())
        );
        let kind = answer
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let is_plain = answer.headers().get("content-encoding").is_none();
        if kind.contains("json") && is_plain && !answer.body().is_empty() {
            serde_json::from_slice::<serde::de::IgnoredAny>(answer.body()).unwrap_or_else(
                |error| panic!("{error} in {}", String::from_utf8_lossy(answer.body())),
            );
        }
    });
}

/// Letters for string ids, different each time.
fn letters() -> impl FnMut() -> String {
    let mut number = 0;
    move || {
        number += 1;
        format!("r{number}")
    }
}

/// What comes before the first zero byte, and what comes after.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

fn open(text: &str) -> Option<Store> {
    let document = Document::parse(text.into()).ok()?;
    Store::open(document, Arc::new(Settings::default())).ok()
}

/// Commands, two bytes and a body each; bodies end with a line.
fn commands(store: &Store, bytes: &[u8]) -> Vec<Command> {
    let names: Vec<String> = store
        .resources()
        .map(|resource| resource.name().to_string())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let mut commands = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(16) {
        let [kind, which, body @ ..] = line else {
            continue;
        };
        let resource = names[*which as usize % names.len()].clone();
        let body = std::str::from_utf8(body)
            .ok()
            .and_then(|body| Object::parse(body).ok());
        let body = body.unwrap_or_else(|| Object::parse(r#"{"n": 1.50}"#).unwrap());
        let rows = store
            .resource(&resource)
            .and_then(|resource| resource.collection());
        let ids: Vec<Id> = rows
            .into_iter()
            .flat_map(|rows| rows.rows())
            .filter_map(|row| row.id().cloned())
            .collect();
        let id = ids
            .get(*which as usize / names.len() % ids.len().max(1))
            .cloned()
            .unwrap_or(Id::Number(1));
        let dependent = Vec::new();
        let (id, operation) = match kind % 7 {
            0 => (None, Operation::Create),
            1 => (Some(id), Operation::Replace),
            2 => (Some(id), Operation::Merge(Merge::Shallow)),
            3 => (Some(id), Operation::Merge(Merge::MergePatch)),
            4 => (Some(id), Operation::Delete { dependent }),
            5 => (None, Operation::Replace),
            _ => (None, Operation::Merge(Merge::MergePatch)),
        };
        commands.push(Command {
            resource,
            id,
            operation,
            body,
        });
    }
    commands
}

fn same_data(one: &Store, other: &Store) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    one.write_all(&mut left, &Work::unlimited());
    other.write_all(&mut right, &Work::unlimited());
    assert_eq!(
        String::from_utf8(left).unwrap(),
        String::from_utf8(right).unwrap()
    );
}

fn same_resource(one: &Data, other: &Data) -> bool {
    match (one, other) {
        (Data::Collection(one), Data::Collection(other)) => one
            .rows()
            .map(|row| row.value())
            .eq(other.rows().map(|row| row.value())),
        (Data::Object(one) | Data::Scalar(one), Data::Object(other) | Data::Scalar(other)) => {
            one == other
        }
        _ => false,
    }
}

fn same_text(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => json::same_value(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
