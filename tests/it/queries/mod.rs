//! Whole GET requests answered by the query and relation modules alone, without a server.

mod page;
mod recorded;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use standin::internals::behaviour::Rewriter;
use standin::internals::json::{self, Document, Id, Layout};
use standin::internals::query::{
    Fields, Notice, PageStyle, Query, QueryError, Relations, Row, pairs,
};
use standin::internals::store::{Settings, Store};
use standin::internals::work::Work;

use crate::support::serve_data;

/// A database: collections as the texts of their records, and whatever else is in it.
pub struct Data {
    collections: BTreeMap<String, Vec<String>>,
    singular: Map<String, Value>,
    pub suffix: String,
    pub rules: Rewriter,
}

/// The response to a GET request.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: Value,
    pub total: Option<usize>,
    pub link: Option<String>,
    pub notices: Vec<Notice>,
    pub error: Option<QueryError>,
}

impl Response {
    fn of(status: u16, body: Value) -> Response {
        Response {
            status,
            body,
            total: None,
            link: None,
            notices: Vec::new(),
            error: None,
        }
    }
}

impl Data {
    pub fn new(database: &Value) -> Data {
        let (mut collections, mut singular) = (BTreeMap::new(), Map::new());
        for (name, value) in database.as_object().expect("a database is an object") {
            match value {
                Value::Array(rows) => {
                    collections.insert(name.clone(), rows.iter().map(Value::to_string).collect());
                }
                other => {
                    singular.insert(name.clone(), other.clone());
                }
            }
        }
        Data {
            collections,
            singular,
            suffix: "Id".into(),
            rules: Rewriter::default(),
        }
    }

    fn rows(&self, name: &str) -> &[String] {
        self.collections.get(name).map(Vec::as_slice).unwrap_or(&[])
    }

    fn store(&self) -> Store {
        let collections: Vec<String> = self
            .collections
            .iter()
            .map(|(name, rows)| format!("{}:[{}]", Value::from(name.as_str()), rows.join(",")))
            .collect();
        let document = Document::parse(format!("{{{}}}", collections.join(",")).into()).unwrap();
        let settings = Settings {
            foreign_key_suffix: self.suffix.clone(),
            ..Settings::default()
        };
        Store::open(document, Arc::new(settings)).unwrap()
    }

    fn find(&self, name: &str, id: &Id) -> Option<&str> {
        let is_it =
            |row: &str| json::get_member(row, "id").and_then(Id::from_json).as_ref() == Some(id);
        self.rows(name)
            .iter()
            .map(String::as_str)
            .find(|row| is_it(row))
    }

    pub fn get(&self, url: &str) -> Response {
        let is_record = |path: &str| match path
            .trim_matches('/')
            .split('/')
            .collect::<Vec<_>>()
            .as_slice()
        {
            [name, id] => self.find(name, &Id::from_text(id)).is_some(),
            _ => false,
        };
        let url = self.rules.apply(url, is_record);
        let (path, raw) = url.split_once('?').unwrap_or((&url, ""));
        let path = path.to_lowercase();
        let segments: Vec<&str> = path
            .strip_suffix('/')
            .unwrap_or(&path)
            .split('/')
            .skip(1)
            .collect();
        let mut pairs = match pairs(raw) {
            Ok(pairs) => pairs,
            Err(error) => {
                return Response {
                    error: Some(error),
                    ..Response::of(400, Value::Null)
                };
            }
        };
        let store = self.store();
        let (name, id) = match segments.as_slice() {
            [name] => (*name, None),
            [name, id] => (*name, Some(Id::from_text(id))),
            [parent, id, name] => {
                pairs.push((store.link(name, parent).key, id.to_string()));
                (*name, None)
            }
            _ => return Response::of(404, Value::Null),
        };
        if let (Some(value), None) = (self.singular.get(name), &id) {
            return Response::of(200, value.clone());
        }
        let Some(collection) = store
            .resource(name)
            .and_then(|resource| resource.collection())
        else {
            return Response::of(404, Value::Null);
        };
        let parsed_query = match &id {
            // As the server does for one record.
            Some(_) => {
                let shaping = ["_embed", "_expand", "_fields"];
                let shaping = pairs
                    .iter()
                    .filter(|(name, _)| shaping.contains(&name.as_str()));
                Query::parse(
                    &shaping.cloned().collect::<Vec<_>>(),
                    &Fields::new(None, &[]),
                )
            }
            None => Query::parse(&pairs, &Fields::new(Some(collection), &[])),
        };
        let query = match parsed_query {
            Ok(query) => query,
            Err(error) => {
                return Response {
                    error: Some(error),
                    ..Response::of(400, Value::Null)
                };
            }
        };
        let relations = Relations::new(&store, name, &query, &Work::unlimited());
        if let Some(id) = id {
            return match self.find(name, &id) {
                Some(row) => {
                    let row = relations.attach(row, Layout::MINIFIED, &Work::unlimited());
                    let shown = query.shows_some().then(|| query.shown(&row));
                    Response::of(200, parsed(shown.as_deref().unwrap_or(&row)))
                }
                None => Response::of(404, Value::Null),
            };
        }
        let page = collection.run(&query, &relations, &Work::unlimited());
        let list = Value::Array(page.rows.iter().map(Row::text).map(parsed).collect());
        let notices = query
            .notices
            .iter()
            .chain(&relations.notices)
            .cloned()
            .collect();
        let response = Response {
            total: page.total,
            notices,
            ..Response::of(200, list)
        };
        match page.info {
            None => response,
            Some(page) if page.style == PageStyle::Link => Response {
                link: page.link(&format!("http://localhost:3000{url}")),
                ..response
            },
            Some(page) => {
                let mut envelope: Map<String, Value> = page
                    .envelope()
                    .into_iter()
                    .map(|(name, number)| (name.to_string(), json!(number)))
                    .collect();
                envelope.insert("data".into(), response.body);
                Response {
                    body: Value::Object(envelope),
                    ..response
                }
            }
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a record is JSON")
}

#[test]
fn an_operator_suffix_may_become_a_field_name() {
    let fixture = serve_data("{\"a\": [{\"id\": 1, \"n\": 5}]}");
    for _ in 0..3 {
        assert_eq!(fixture.get("/a?n_gte=5").list().len(), 1);
    }
    // Now it is a field, and no record has that value there.
    fixture.json("POST", "/a", "{\"n_gte\": 7}");
    assert_eq!(fixture.get("/a?n_gte=5").list().len(), 0);
    assert_eq!(fixture.get("/a?n_gte=7").value()[0]["id"], 2);
    fixture.json("DELETE", "/a/2", "");
    assert_eq!(fixture.get("/a?n_gte=5").list().len(), 1);
}
