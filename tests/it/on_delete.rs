//! What happens to the records that point to a deleted one.

use std::fmt::Write;

use serde_json::json;
use standin::OnDelete;
use standin::internals::schema::Schema;

use crate::support::*;

const DATA: &str = r#"{
  "clubs": [{ "id": 1 }, { "id": 2 }],
  "players": [{ "id": 1, "clubId": 1 }, { "id": 2, "clubId": 2 }, { "id": 3, "clubId": 1 }, { "id": 4, "clubId": 9 }],
  "goals": [{ "id": 1, "playerId": 3 }, { "id": 2, "playerId": 2 }]
}
"#;

fn with_option(on_delete: OnDelete) -> Fixture {
    Fixture::new(DATA, None, |options| options.on_delete = on_delete)
}

/// Rules in which players point to clubs, with `on_delete`.
fn rules(on_delete: &str) -> String {
    let reference = json!({ "resource": "clubs", "onDelete": on_delete });
    let properties = json!({ "clubId": { "type": ["integer", "null"], "references": reference } });
    json!({ "properties": { "players": { "items": { "properties": properties } } } }).to_string()
}

#[test]
fn the_option_sets_what_happens_to_dependents() {
    let delete = |fixture: &Fixture| fixture.delete("/clubs/1");

    let fixture = with_option(OnDelete::Cascade);
    assert_eq!(delete(&fixture).status, 200);
    assert_eq!(
        (
            ids(&fixture.data()["players"]),
            ids(&fixture.data()["goals"])
        ),
        (vec![2, 4], vec![2])
    );

    let fixture = with_option(OnDelete::Nothing);
    assert_eq!(delete(&fixture).status, 200);
    assert_eq!(
        (
            ids(&fixture.data()["clubs"]),
            ids(&fixture.data()["players"])
        ),
        (vec![2], vec![1, 2, 3, 4])
    );

    let fixture = with_option(OnDelete::SetNull);
    assert_eq!(delete(&fixture).status, 200);
    let keys = column(&fixture.data()["players"], "clubId");
    assert_eq!(json!(keys), json!([null, 2, null, 9]));
    assert_eq!(ids(&fixture.data()["goals"]), [1, 2]);
    assert!(
        fixture.text().contains("{ \"id\": 1, \"clubId\": null }"),
        "the layout stays: {}",
        fixture.text()
    );

    let fixture = with_option(OnDelete::Restrict);
    let before = fixture.text();
    let problem = delete(&fixture).problem(409, "referenced");
    assert_eq!(
        problem["detail"],
        "clubs/1 cannot be deleted: players/1 and players/3 point to it"
    );
    assert_eq!(fixture.text(), before);
    // One that nothing points to is deleted.
    fixture.delete("/goals/1").status_is(200);
    // The suggested command names all collections that would have to cascade, through several levels.
    let fixture = with_option(OnDelete::Restrict);
    let problem = fixture.delete("/clubs/1").problem(409, "referenced");
    assert!(
        problem["try"]
            .as_str()
            .unwrap()
            .ends_with("/clubs/1?_dependent=players,goals'"),
        "{problem:#}"
    );
    assert_eq!(fixture.attempt(&problem).status, 200);
    assert_eq!(
        (
            ids(&fixture.data()["players"]),
            ids(&fixture.data()["goals"])
        ),
        (vec![2, 4], vec![2])
    );
}

#[test]
fn a_reference_of_the_rules_wins_over_the_option() {
    for (rule, option, status, left) in [
        ("restrict", OnDelete::Cascade, 409, 4),
        ("cascade", OnDelete::Restrict, 409, 4),
        ("nothing", OnDelete::Restrict, 200, 4),
        ("set-null", OnDelete::Cascade, 200, 4),
        ("cascade", OnDelete::Nothing, 200, 2),
    ] {
        let fixture = Fixture::new(DATA, Some(&rules(rule)), |options| {
            options.on_delete = option
        });
        let reply = fixture.delete("/clubs/1");
        assert_eq!(
            (reply.status, ids(&fixture.data()["players"]).len()),
            (status, left),
            "{rule}: {}",
            reply.text()
        );
    }
    // The goals of the deleted players are restricted by the option, not by the rule.
    let fixture = Fixture::new(DATA, Some(&rules("cascade")), |options| {
        options.on_delete = OnDelete::Restrict
    });
    let problem = fixture.delete("/clubs/1").problem(409, "referenced");
    assert_eq!(
        problem["detail"],
        "clubs/1 cannot be deleted: goals/1 points to it"
    );
}

#[test]
fn a_wrong_reference_object_is_shown_with_its_place() {
    for (reference, message) in [
        (
            json!({ "resource": "clubs", "onDelete": "restirct" }),
            "must be one of cascade, restrict, set-null, nothing",
        ),
        (
            json!({ "resource": "clubs", "ondelete": "restrict" }),
            "unknown key \"ondelete\"",
        ),
        (json!({ "onDelete": "restrict" }), "needs \"resource\""),
        (json!({ "resource": 5 }), "must be the name of a collection"),
        (
            json!({ "resource": "clubs/name/x" }),
            "must be the name of a collection",
        ),
        (json!(["clubs"]), "must be the name of a collection"),
    ] {
        let properties = json!({ "clubId": { "references": reference } });
        let text =
            json!({ "properties": { "players": { "items": { "properties": properties } } } })
                .to_string();
        let problems = Schema::compile(&text, "id").unwrap_err().problems;
        assert!(
            problems
                .iter()
                .any(|problem| problem.message.contains(message)),
            "{text}: {problems:?}"
        );
    }
}

#[test]
fn null_is_set_only_where_the_rules_allow_it() {
    let rules = rules("set-null").replace("[\"integer\",\"null\"]", "\"integer\"");
    has(&rules, "\"type\":\"integer\"");
    let fixture = Fixture::new(DATA, Some(&rules), |_| {});
    let before = fixture.text();
    let problem = fixture.delete("/clubs/1").problem(409, "referenced");
    let detail = problem["detail"].as_str().unwrap();
    has(detail, "players/1");
    has(detail, "clubId: must be");
    assert_eq!(fixture.text(), before);
    fixture.delete("/clubs/1?_dependent=players").status_is(200);
    assert_eq!(ids(&fixture.data()["players"]), [2, 4]);
}

#[test]
fn an_array_of_references_loses_an_item_or_restricts() {
    let data = r#"{ "tags": [{ "id": 1 }, { "id": 2 }], "posts": [{ "id": 1, "tags": [1, 2, "1"] }, { "id": 2, "tags": [] }] }"#;
    let rules = |on_delete: Option<&str>| {
        let reference = on_delete.map_or(
            json!("tags"),
            |how| json!({ "resource": "tags", "onDelete": how }),
        );
        let tags = json!({ "type": "array", "items": { "references": reference } });
        json!({ "properties": { "posts": { "items": { "properties": { "tags": tags } } } } })
            .to_string()
    };
    for (on_delete, status, posts) in [
        (None, 200, json!([[1, 2, "1"], []])),
        (Some("nothing"), 200, json!([[1, 2, "1"], []])),
        (Some("set-null"), 200, json!([[2], []])),
        (Some("restrict"), 409, json!([[1, 2, "1"], []])),
        (Some("cascade"), 200, json!([[]])),
    ] {
        let fixture = Fixture::new(data, Some(&rules(on_delete)), |_| {});
        assert_eq!(fixture.delete("/tags/1").status, status, "{on_delete:?}");
        let left = column(&fixture.data()["posts"], "tags");
        assert_eq!(json!(left), posts, "{on_delete:?}");
    }
}

#[test]
fn records_that_point_to_each_other_or_to_themselves_are_deleted_together() {
    let data = r#"{ "nodes": [{ "id": 1, "nodeId": 1 }, { "id": 2, "nodeId": 3 }, { "id": 3, "nodeId": 2 }] }"#;
    for (on_delete, left) in [
        (OnDelete::Cascade, vec![1]),
        (OnDelete::SetNull, vec![1, 3]),
        (OnDelete::Nothing, vec![1, 3]),
    ] {
        let fixture = Fixture::new(data, None, |options| options.on_delete = on_delete);
        fixture.delete("/nodes/2").status_is(200);
        assert_eq!(ids(&fixture.data()["nodes"]), left);
    }
    let fixture = Fixture::new(data, None, |options| options.on_delete = OnDelete::Restrict);
    fixture.delete("/nodes/2").status_is(409);
    assert_eq!(
        fixture.delete("/nodes/1").status,
        200,
        "it keeps only itself"
    );
}

#[test]
fn keys_that_became_null_are_in_the_journal() {
    let mut fixture = Fixture::new(DATA, None, |options| {
        options.on_delete = OnDelete::SetNull;
        options.journal_above = 0;
    });
    fixture.delete("/clubs/1").status_is(200);
    assert_eq!(fixture.get("/players/1").value()["clubId"], json!(null));
    fixture.restart();
    assert_eq!(fixture.get("/players/3").value()["clubId"], json!(null));
    assert_eq!(ids(&fixture.data()["players"]), [1, 2, 3, 4]);
}

#[test]
fn openapi_says_that_a_deletion_may_be_refused() {
    let responses = |fixture: &Fixture, path: &str| {
        fixture.get("/-/openapi.json").value()["paths"][path]["delete"]["responses"]["409"].clone()
    };
    let fixture = Fixture::new(DATA, Some(&rules("restrict")), |_| {});
    assert!(responses(&fixture, "/clubs/{id}").is_object());
    assert!(responses(&fixture, "/players/{id}").is_null());
    let fixture = with_option(OnDelete::Restrict);
    assert!(responses(&fixture, "/players/{id}").is_object());
}

/// 20,000 records in a chain of pointers. A scan of all records for each deleted one would exceed the client's timeout.
#[test]
fn thousands_of_dependents_are_deleted_with_one_deletion() {
    const COUNT: usize = 20_000;
    let mut data = "{\"users\": [{\"id\": 5}, {\"id\": 6}], \"posts\": [".to_string();
    for id in 1..=COUNT {
        let separator = if id == 1 { "" } else { "," };
        let _ = write!(
            data,
            "{separator}\n{{\"id\": {id}, \"userId\": {}, \"postId\": {}}}",
            id % 10,
            id + 1
        );
    }
    data.push_str("], \"comments\": [");
    for id in 1..=COUNT {
        let separator = if id == 1 { "" } else { "," };
        let _ = write!(
            data,
            "{separator}\n{{\"id\": {id}, \"postId\": {}}}",
            id % 100
        );
    }
    data.push_str("]}");
    let fixture = serve_data(&data);
    // Each post points to the next one, so the deletion of user 5's last post cascades to all before it.
    fixture.delete("/users/5").status_is(200);
    // The file is large enough for a journal, so it is saved later.
    let posts = ids(&fixture.get("/posts").value());
    assert_eq!(posts, Vec::from_iter(COUNT as i64 - 4..=COUNT as i64));
    assert_eq!(fixture.get("/comments").list().len(), COUNT / 100);
}
