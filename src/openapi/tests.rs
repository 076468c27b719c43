use std::sync::Arc;

use serde_json::Value;

use super::document;
use crate::behaviour::RoutesFile;
use crate::json::Document;
use crate::schema::Schema;
use crate::store::{Settings, Store};

fn make(data: &str, rules: &str) -> Value {
    let store = Store::open(
        Document::parse(data.into()).unwrap(),
        Arc::new(Settings::default()),
    )
    .unwrap();
    let schema = if rules.is_empty() {
        Schema::default()
    } else {
        Schema::compile(rules).unwrap()
    };
    document(&schema, &store, &RoutesFile::default())
}

#[test]
fn without_rules_the_data_tells() {
    let data = r#"{"posts": [
        {"id": 1, "title": "a", "at": "2024-01-01", "by": {"mail": "a@b.cd"}, "n": 1},
        {"id": 2, "title": null, "at": "2024-01-02", "by": {"mail": "x@y.zz"}, "n": 1.5, "tags": ["x"]}
    ]}"#;
    let document = make(data, "");
    let post = &document["components"]["schemas"]["Post"];
    assert_eq!(
        post["required"],
        serde_json::json!(["id", "title", "at", "by", "n"])
    );
    assert_eq!(
        post["properties"]["title"]["type"],
        serde_json::json!(["string", "null"])
    );
    assert_eq!(post["properties"]["at"]["format"], "date");
    assert_eq!(
        post["properties"]["by"]["properties"]["mail"]["format"],
        "email"
    );
    assert_eq!(post["properties"]["n"]["type"], "number");
    assert_eq!(post["properties"]["tags"]["items"]["type"], "string");
    assert!(
        document["components"]["schemas"]["NewPost"]
            .get("required")
            .is_none()
    );
}

#[test]
fn rules_tell_and_their_pointers_are_moved() {
    let rules = r##"{"$defs": {"mail": {"type": "string", "format": "email"}}, "properties": {"users": {"items": {
        "type": "object", "required": ["email"], "additionalProperties": false,
        "properties": {"email": {"$ref": "#/$defs/mail"}, "boss": {"$ref": "#/properties/users/items/properties/email"}}
    }}}}"##;
    let schemas = &make(r#"{"users": []}"#, rules)["components"]["schemas"];
    assert_eq!(
        schemas["User"]["required"],
        serde_json::json!(["email", "id"])
    );
    assert_eq!(schemas["NewUser"]["required"], serde_json::json!(["email"]));
    assert!(schemas["UserChanges"].get("required").is_none());
    assert_eq!(
        schemas["User"]["properties"]["email"]["$ref"],
        "#/components/schemas/Mail"
    );
    assert_eq!(
        schemas["User"]["properties"]["boss"]["$ref"],
        "#/components/schemas/User/properties/email"
    );
    assert_eq!(schemas["Mail"]["format"], "email");
}

#[test]
fn every_field_is_one_typed_parameter_with_its_operators() {
    let document = make(
        r#"{"posts": [{"id": 1, "title": "a", "by": {"n": 1.5}}]}"#,
        "",
    );
    let parameters = document["paths"]["/posts"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let schema = |name: &str| {
        let found = parameters
            .iter()
            .find(|parameter| parameter["name"] == name)
            .unwrap();
        assert_eq!(found["style"], "deepObject");
        &found["schema"]
    };
    for operator in &crate::rules::OPERATORS {
        let is_there = schema("title")["properties"].get(operator.name).is_some();
        assert_eq!(is_there, operator.name != "has", "{}", operator.name);
    }
    assert_eq!(
        schema("id")["type"],
        serde_json::json!(["integer", "object"])
    );
    assert_eq!(schema("by.n")["properties"]["gte"]["type"], "number");
    assert!(
        schema("id")["properties"].get("contains").is_none(),
        "a number holds no text"
    );
}

#[test]
fn every_pointer_leads_somewhere_and_every_name_is_free() {
    let data = r#"{"a b": [], "a/b": [], "a_b": {"x": 1}, "{id}": [{"id": "x"}], "problems": [], "News": [],
        "posts": [{"id": 1}], "comments": [{"id": 1, "postId": 1}], "n": 5, "strings": ["x"]}"#;
    let document = make(data, "");
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let open = path.matches('{').count();
        assert_eq!(open, path.matches("{id}").count(), "{path}");
        for (verb, operation) in item.as_object().unwrap() {
            if verb != "parameters" {
                ids.push(operation["operationId"].as_str().unwrap().to_string());
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids repeat");
    assert!(document["paths"]["/posts/{id}/comments"]["post"].is_object());
    let mut pending = vec![&document];
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    assert!(document.pointer(&target[1..]).is_some(), "{target}");
                }
                pending.extend(members.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
}
