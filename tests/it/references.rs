//! References and composite uniqueness that the rules declare.

use crate::support::*;

const DATA: &str = r#"{
  "labels": [{ "id": 7, "full name": "Blue Note" }],
  "singers": [{ "full name": "Etta", "id": 1 }, { "full name": "Nina", "id": 2 }],
  "songs": [
    { "id": 1, "by": "Etta", "song title": "At Last", "labels": [7] },
    { "id": 2, "by": "Nobody", "song title": "Old" }
  ]
}
"#;

const RULES: &str = r#"{
  "properties": {
    "labels": { "items": { "properties": { "full name": { "type": "string" } } } },
    "singers": { "items": { "properties": { "full name": { "type": "string" } } }, "uniqueItemProperties": ["full name"] },
    "songs": {
      "items": {
        "properties": {
          "by": { "type": ["string", "null"], "references": "singers/full name" },
          "song title": { "type": "string" },
          "labelId": { "type": "integer", "references": "labels" },
          "labels": { "type": "array", "items": { "references": "labels" } }
        },
        "required": ["by", "song title"]
      },
      "uniqueItemProperties": [["by", "song title"]]
    }
  }
}"#;

fn songs() -> Fixture {
    Fixture::new(DATA, Some(RULES), |_| {})
}

#[test]
fn a_reference_must_point_to_a_record_by_its_id_or_by_another_property() {
    let fixture = songs();
    for (body, status, kind) in [
        (r#"{"by": "Nina", "song title": "Sinnerman"}"#, 201, ""),
        (r#"{"by": null, "song title": "Sinnerman"}"#, 201, ""),
        (
            r#"{"by": "Nina", "song title": "A", "labelId": 7, "labels": [7, 7]}"#,
            201,
            "",
        ),
        (r#"{"by": "Nobody", "song title": "A"}"#, 404, "reference"),
        (r#"{"by": "nina", "song title": "A"}"#, 404, "reference"),
        (
            r#"{"by": "Nina", "song title": "B", "labelId": 8}"#,
            404,
            "reference",
        ),
        (
            r#"{"by": "Nina", "song title": "B", "labels": [7, 8]}"#,
            404,
            "reference",
        ),
        (
            r#"{"by": "Nina", "song title": "Sinnerman"}"#,
            409,
            "not-unique",
        ),
        (r#"{"by": "Etta", "song title": "Sinnerman"}"#, 201, ""),
        (r#"{"by": 5, "song title": "A"}"#, 400, "rules"),
    ] {
        let reply = fixture.json("POST", "/songs", body);
        if kind.is_empty() {
            assert_eq!(reply.status, status, "{body}: {}", reply.text());
        } else {
            reply.problem(status, kind);
        }
    }
    let problem = fixture
        .json("POST", "/songs", r#"{"by": "Nobody", "song title": "A"}"#)
        .problem(404, "reference");
    assert_eq!(problem["errors"][0]["pointer"], "/by");
    assert_eq!(
        problem["detail"],
        "by is \"Nobody\", and no record of singers has that full name"
    );
}

#[test]
fn a_record_with_a_dangling_reference_can_be_changed_elsewhere() {
    let fixture = songs();
    fixture
        .json("PATCH", "/songs/2", r#"{"song title": "New"}"#)
        .status_is(200);
    fixture
        .json("PATCH", "/songs/2", r#"{"by": "Noone"}"#)
        .problem(404, "reference");
    fixture
        .json("PATCH", "/songs/2", r#"{"by": "Nina"}"#)
        .status_is(200);
}

#[test]
fn deletion_cascades() {
    let fixture = songs();
    fixture.delete("/singers/1").status_is(200);
    let left = ids(&fixture.data()["songs"]);
    assert_eq!(left, [2], "the song of nobody stays as it was");
    let fixture = songs();
    fixture.delete("/labels/7").status_is(200);
    assert_eq!(
        fixture.data()["songs"].as_array().unwrap().len(),
        2,
        "an array of references keeps its record"
    );
}
