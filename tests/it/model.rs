//! Random commands compared with a simple model: the same responses, the same file.
//!
//! The model is a list of `serde_json` values and the rules of the design in their simplest form, without indexes or
//! saves. The server's file must be the pretty-printed model.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use standin::Options;

use crate::support::*;

const MODEL_RULES: &str = r#"{
  "properties": {
    "users": {
      "items": {
        "type": "object",
        "properties": {"email": {"type": "string", "format": "email"}, "age": {"type": "integer"}},
        "required": ["email"]
      },
      "uniqueItemProperties": ["email"]
    }
  }
}"#;

#[derive(Debug, Clone)]
enum Asked {
    Create(Value),
    Replace(i64, Value),
    Merge(i64, Value),
    MergePatch(i64, Value),
    Delete(i64),
    PutObject(Value),
    PatchObject(Value),
    PatchObjectDeeply(Value),
    Read(i64),
    /// An editor changes one record's age and saves, without reformatting.
    Edit(usize, i64),
}

/// The model of the server's data.
#[derive(Debug, Default)]
struct Model {
    users: Vec<Map<String, Value>>,
    object: Map<String, Value>,
    highest: i64,
}

/// Status and body; no body if only the status is predicted (error messages have separate tests).
type Answer = (u16, Option<Value>);

impl Model {
    fn answer(&mut self, asked: &Asked) -> Answer {
        match asked {
            Asked::Create(body) => {
                let mut record = body.as_object().unwrap().clone();
                let given = record
                    .get("id")
                    .filter(|id| **id != json!(0) && !id.is_null())
                    .cloned();
                let id = given
                    .as_ref()
                    .and_then(Value::as_i64)
                    .unwrap_or(self.highest + 1);
                record.insert("id".into(), id.into());
                if let Some(status) = self.refusal(&record, None) {
                    return (status, None);
                }
                if self.place(id).is_some() {
                    return (409, None);
                }
                self.highest = self.highest.max(id);
                self.users.push(record.clone());
                (201, Some(record.into()))
            }
            Asked::Replace(id, body) => self.change(*id, |_| body.as_object().unwrap().clone()),
            Asked::Merge(id, patch) => self.change(*id, |old| shallow(old, patch)),
            Asked::MergePatch(id, patch) => {
                self.change(*id, |old| match merge_patch(&old.clone().into(), patch) {
                    Value::Object(merged) => merged,
                    _ => unreachable!("patches are objects"),
                })
            }
            Asked::Delete(id) => match self.place(*id) {
                Some(place) => {
                    self.users.remove(place);
                    (200, Some(json!({})))
                }
                None => (404, None),
            },
            Asked::Read(id) => match self.place(*id) {
                Some(place) => (200, Some(self.users[place].clone().into())),
                None => (404, None),
            },
            Asked::PutObject(body) => {
                self.object = body.as_object().unwrap().clone();
                (200, Some(body.clone()))
            }
            Asked::PatchObject(patch) => {
                self.object = shallow(&self.object, patch);
                (200, Some(self.object.clone().into()))
            }
            Asked::PatchObjectDeeply(patch) => {
                let merged = merge_patch(&self.object.clone().into(), patch);
                self.object = merged.as_object().unwrap().clone();
                (200, Some(merged))
            }
            Asked::Edit(place, age) => {
                let count = self.users.len();
                if count > 0 {
                    self.users[place % count].insert("age".into(), (*age).into());
                }
                // A reload restarts the id sequence from the file.
                self.highest = self
                    .users
                    .iter()
                    .filter_map(|user| user["id"].as_i64())
                    .max()
                    .unwrap_or(0);
                (200, None)
            }
        }
    }

    fn change(
        &mut self,
        id: i64,
        make: impl FnOnce(&Map<String, Value>) -> Map<String, Value>,
    ) -> Answer {
        let Some(place) = self.place(id) else {
            return (404, None);
        };
        let mut record = make(&self.users[place]);
        // The id keeps its value; its position is that in the old record for a PATCH, or in the body for a PUT, else
        // last.
        record.insert("id".into(), id.into());
        if let Some(status) = self.refusal(&record, Some(place)) {
            return (status, None);
        }
        self.users[place] = record.clone();
        (200, Some(record.into()))
    }

    fn place(&self, id: i64) -> Option<usize> {
        self.users.iter().position(|user| user["id"] == id)
    }

    fn refusal(&self, record: &Map<String, Value>, own: Option<usize>) -> Option<u16> {
        let Some(Value::String(email)) = record.get("email") else {
            return Some(400);
        };
        if !email.contains('@') || record.get("age").is_some_and(|age| !age.is_i64()) {
            return Some(400);
        }
        let same =
            |user: &Map<String, Value>| user["email"].as_str().unwrap().eq_ignore_ascii_case(email);
        let holder = self.users.iter().position(same);
        (holder.is_some() && holder != own).then_some(409)
    }

    fn file(&self) -> String {
        let users: Vec<Value> = self.users.iter().cloned().map(Value::from).collect();
        format!(
            "{:#}\n",
            json!({"$schema": "x", "users": users, "object": self.object, "version": 1})
        )
    }
}

fn shallow(old: &Map<String, Value>, patch: &Value) -> Map<String, Value> {
    let mut merged = old.clone();
    merged.extend(
        patch
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .filter(|(name, _)| name != "id"),
    );
    merged
}

/// RFC 7396, section 2, literally; a patch of the id is ignored.
fn merge_patch(target: &Value, patch: &Value) -> Value {
    fn apply(target: &Value, patch: &Value, top: bool) -> Value {
        let Value::Object(members) = patch else {
            return patch.clone();
        };
        let mut merged = target.as_object().cloned().unwrap_or_default();
        for (name, value) in members {
            if top && name == "id" {
                continue;
            }
            if value.is_null() {
                merged.shift_remove(name);
            } else {
                let old = merged.get(name).cloned().unwrap_or(Value::Null);
                merged.insert(name.clone(), apply(&old, value, false));
            }
        }
        merged.into()
    }
    apply(target, patch, true)
}

fn names() -> impl Strategy<Value = String> {
    // No `id` here: it has its own chances below.
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "age2", "tags", "__proto__", "it's \"q\"", "", "ü\n🙂", "a.b[0]"]).prop_map(str::to_string),
        1 => any::<String>().prop_filter("an id is given on purpose only", |name| name != "id"),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "x", "[{,:}]", "\\\"", "\u{0}\t", "🙂"])
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn members(
    value: impl Strategy<Value = Value>,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((names(), value), count).prop_map(|pairs| pairs.into_iter().collect())
}

fn emails() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => prop::sample::select(vec!["a@x.org", "A@x.org", "b@x.org", "B@X.ORG", "c@x.org", "d@x.org", "e@x.org"]).prop_map(Value::from),
        1 => Just(json!("nowhere")),
        1 => Just(json!(7)),
        1 => Just(Value::Null),
    ]
}

fn bodies(with_email: f64, with_id: f64) -> impl Strategy<Value = Value> {
    let id = prop_oneof![4 => (1i64..9).prop_map(Value::from), 1 => Just(json!(0)), 1 => Just(Value::Null)];
    let age = prop_oneof![6 => (0i64..99).prop_map(Value::from), 1 => Just(json!("old"))];
    (
        members(values(), 0..4),
        prop::option::weighted(with_email, emails()),
        prop::option::weighted(0.3, age),
        prop::option::weighted(with_id, (id, any::<bool>())),
    )
        .prop_map(|(others, email, age, id)| {
            let mut body = Map::new();
            let (first, last) = match id {
                Some((id, true)) => (Some(id), None),
                Some((id, false)) => (None, Some(id)),
                None => (None, None),
            };
            body.extend(first.map(|id| ("id".into(), id)));
            body.extend(email.map(|email| ("email".into(), email)));
            body.extend(others);
            body.extend(age.map(|age| ("age".into(), age)));
            body.extend(last.map(|id| ("id".into(), id)));
            body.into()
        })
}

fn commands() -> impl Strategy<Value = Vec<Asked>> {
    let id = || 1i64..8;
    let one = prop_oneof![
        6 => bodies(0.95, 0.2).prop_map(Asked::Create),
        2 => (id(), bodies(0.95, 0.2)).prop_map(|(id, body)| Asked::Replace(id, body)),
        2 => (id(), bodies(0.3, 0.2)).prop_map(|(id, body)| Asked::Merge(id, body)),
        2 => (id(), bodies(0.3, 0.2)).prop_map(|(id, body)| Asked::MergePatch(id, body)),
        2 => id().prop_map(Asked::Delete),
        1 => members(values(), 0..4).prop_map(|body| Asked::PutObject(body.into())),
        1 => members(values(), 0..4).prop_map(|body| Asked::PatchObject(body.into())),
        1 => members(values(), 0..4).prop_map(|body| Asked::PatchObjectDeeply(body.into())),
        1 => id().prop_map(Asked::Read),
        1 => (any::<usize>(), 0i64..99).prop_map(|(place, age)| Asked::Edit(place, age)),
    ];
    prop::collection::vec(one, 1..30)
}

fn ask(fixture: &Fixture, client: &mut Client, asked: &Asked, model: &Model) -> Reply {
    let path = |id: &i64| format!("/users/{id}");
    let mut send = |method: &str, path: &str, headers, body: &Value| {
        client.send(method, path, headers, body.to_string())
    };
    match asked {
        Asked::Create(body) => send("POST", "/users", JSON, body),
        Asked::Replace(id, body) => send("PUT", &path(id), JSON, body),
        Asked::Merge(id, patch) => send("PATCH", &path(id), JSON, patch),
        Asked::MergePatch(id, patch) => send("PATCH", &path(id), MERGE_PATCH, patch),
        Asked::Delete(id) => client.delete(&path(id)),
        Asked::Read(id) => client.get(&path(id)),
        Asked::PutObject(body) => send("PUT", "/object", JSON, body),
        Asked::PatchObject(patch) => send("PATCH", "/object", JSON, patch),
        Asked::PatchObjectDeeply(patch) => send("PATCH", "/object", MERGE_PATCH, patch),
        Asked::Edit(..) => {
            // The model has applied the edit already. An extra blank line makes it an edit even if nothing has changed.
            let beside = fixture.path().with_extension("swp");
            std::fs::write(&beside, format!("\n{}", model.file())).unwrap();
            std::fs::rename(&beside, fixture.path()).unwrap();
            fixture.reloaded();
            std::fs::write(&beside, model.file()).unwrap();
            std::fs::rename(&beside, fixture.path()).unwrap();
            fixture.reloaded();
            client.get("/version")
        }
    }
}

/// Sends the commands; `adjust` sets how the file is saved, which must not affect any response.
fn hold(asked: &[Asked], adjust: impl FnOnce(&mut Options)) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut fixture = Fixture::new(&model.file(), Some(MODEL_RULES), adjust);
    let follows = fixture.options.journal_above == 0;
    let mut client = fixture.client();
    for one in asked {
        let (status, body) = model.answer(one);
        let reply = ask(&fixture, &mut client, one, &model);
        prop_assert_eq!(reply.status, status, "{:?}\n{}", one, reply.text());
        if let Some(body) = body {
            prop_assert_eq!(reply.text(), format!("{body:#}"), "{:?}", one);
        }
        if !follows {
            prop_assert_eq!(fixture.text(), model.file(), "{:?}", one);
        }
    }
    let users: Vec<Value> = model.users.iter().cloned().map(Value::from).collect();
    let (list, all) = (fixture.get("/users"), fixture.get("/db"));
    prop_assert_eq!(list.text(), format!("{:#}", Value::from(users)));
    prop_assert_eq!(all.text(), model.file().trim_end().to_string());
    fixture.stop();
    prop_assert_eq!(fixture.text(), model.file());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_give_the_answers_and_the_file_that_a_plain_model_gives(asked in commands()) {
        hold(&asked, |_| {})?;
    }

    #[test]
    fn with_a_journal_the_answers_and_the_file_are_the_same(asked in commands()) {
        hold(&asked, |options| options.journal_above = 0)?;
    }
}
