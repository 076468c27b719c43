//! Data files with odd things in them: each loads and is served, or is refused with the place and the reason.

use std::process::Command;

use serde_json::json;

use crate::support::*;

/// The error message when the program is started on `text`, which it must refuse with exit code 2.
fn refused(text: &str) -> String {
    let folder = folder_with(&[("db.json", text)]);
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["db.json", "--port", "0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}");
    lacks(&words, "panicked");
    words
}

#[test]
fn rows_without_ids_get_them() {
    let served =
        serve_data(r#"{ "r": [{ "x": 1 }, { "id": 7, "x": 2 }, { "x": 3, "id": null }] }"#);
    let list = served.get("/r").value();
    assert_eq!(
        list,
        json!([{ "x": 1, "id": 8 }, { "id": 7, "x": 2 }, { "x": 3, "id": 9 }])
    );
    assert_eq!(served.get("/r/9").value(), json!({ "x": 3, "id": 9 }));
    // The file stays as it was written until somebody writes to the collection.
    assert_eq!(
        served.text(),
        r#"{ "r": [{ "x": 1 }, { "id": 7, "x": 2 }, { "x": 3, "id": null }] }"#
    );
    assert_eq!(
        served
            .ask("POST", "/r", &[], Some(&json!({ "x": 4 })))
            .value()["id"],
        10
    );
    let file: serde_json::Value = serde_json::from_str(&served.text()).unwrap();
    assert_eq!(file["r"], served.get("/r").value());
}

#[test]
fn an_array_among_the_records_is_served_and_kept() {
    let served = serve_data(r#"{ "r": [{ "id": 1 }, [1, 2], "text", 3, null] }"#);
    assert_eq!(
        served.get("/r").value(),
        json!([{ "id": 1 }, [1, 2], "text", 3, null])
    );
    assert_eq!(served.get("/r?id=1").value(), json!([{ "id": 1 }]));
    assert_eq!(served.get("/r?_sort=id&_order=desc").status, 200);
    assert_eq!(served.get("/r?q=text").value(), json!(["text"]));
    assert_eq!(served.ask("DELETE", "/r/1", &[], None).status, 200);
    assert_eq!(served.ask("POST", "/r", &[], Some(&json!({}))).status, 201);
    let list = served.get("/r").value();
    assert_eq!(
        list.as_array().unwrap()[..4],
        [json!([1, 2]), json!("text"), json!(3), json!(null)]
    );
}

#[test]
fn values_at_the_top_are_served_and_not_written() {
    let served = serve_data(r#"{ "version": 3, "name": "x", "on": false, "none": null, "r": [] }"#);
    for (target, value) in [
        ("/version", json!(3)),
        ("/name", json!("x")),
        ("/on", json!(false)),
        ("/none", json!(null)),
    ] {
        assert_eq!(served.get(target).value(), value, "{target}");
        let reply = served.ask("PUT", target, &[], Some(&json!({ "a": 1 })));
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("GET, HEAD, OPTIONS")),
            "{target}"
        );
    }
    assert_eq!(served.get("/version/1").status, 404);
}

#[test]
fn hostile_resource_names_work_like_other_names() {
    let names = [
        ("with space", "with%20space"),
        ("with-hyphen", "with-hyphen"),
        ("it's", "it's"),
        ("\"quoted\"", "%22quoted%22"),
        ("__proto__", "__proto__"),
        ("constructor", "constructor"),
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("?q=1#x", "%3Fq=1%23x"),
        ("☃ 🙂", "%E2%98%83%20%F0%9F%99%82"),
        ("..", "%2E%2E"),
    ];
    let resources: serde_json::Map<_, _> = names
        .iter()
        .map(|(name, _)| {
            (
                name.to_string(),
                json!([{ "id": 1, "__proto__": { "x": 1 } }]),
            )
        })
        .collect();
    let served = serve_data(&format!("{:#}", serde_json::Value::Object(resources)));
    for (name, encoded) in names {
        let record = json!({ "id": 1, "__proto__": { "x": 1 } });
        assert_eq!(
            served.get(&format!("/{encoded}/1")).value(),
            record,
            "{name}"
        );
        let made = served.ask(
            "POST",
            &format!("/{encoded}"),
            &[],
            Some(&json!({ "n": name })),
        );
        assert_eq!(
            (made.status, made.value()),
            (201, json!({ "n": name, "id": 2 })),
            "{name}"
        );
        let location = made.header("location").unwrap();
        assert_eq!(
            served.get(location).value()["n"],
            name,
            "{location} leads to the record"
        );
        assert_eq!(
            served
                .ask("DELETE", &format!("/{encoded}/1"), &[], None)
                .status,
            200,
            "{name}"
        );
    }
    let file: serde_json::Value = serde_json::from_str(&served.text()).unwrap();
    for (name, _) in names {
        assert_eq!(file[name], json!([{ "n": name, "id": 2 }]), "{name}");
    }
}

#[test]
fn long_numbers_keep_their_digits() {
    let text = r#"{ "r": [{ "id": 98765432109876543210, "n": 1.0, "e": 1.50e4 }, { "id": 12345678901234567891 }] }"#;
    let served = serve_data(text);
    has(served.get("/r").text(), "98765432109876543210");
    let one = served.get("/r/98765432109876543210");
    assert_eq!(one.status, 200);
    has(one.text(), "\"e\": 1.50e4");
    assert_eq!(
        served.get("/r/98765432109876543211").status,
        404,
        "digits that a double loses count"
    );
    assert_eq!(
        served
            .ask(
                "PATCH",
                "/r/12345678901234567891",
                &[],
                Some(&json!({ "a": 1 }))
            )
            .status,
        200
    );
    assert!(
        served
            .text()
            .starts_with(r#"{ "r": [{ "id": 98765432109876543210, "n": 1.0, "e": 1.50e4 },"#)
    );
    assert_eq!(served.get("/r?_sort=e&e_gte=1").status, 200);
}

#[test]
fn repeated_ids_are_all_shown_and_the_first_is_found() {
    let served = serve_data(
        r#"{ "r": [{ "id": 1, "n": "a" }, { "id": "1", "n": "b" }, { "id": 2, "n": "c" }] }"#,
    );
    assert_eq!(served.get("/r").list().len(), 3);
    assert_eq!(served.get("/r/1").value()["n"], "a");
    assert_eq!(served.get("/r?id=1").list().len(), 2);
    assert_eq!(served.ask("DELETE", "/r/1", &[], None).status, 200);
    assert_eq!(
        served.get("/r/1").value()["n"],
        "b",
        "the other one is next"
    );
}

#[test]
fn deep_nesting_is_served_up_to_a_limit_and_refused_beyond() {
    let nested = |depth: usize| {
        format!(
            r#"{{ "r": [{{ "id": 1, "deep": {}1{} }}] }}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let served = serve_data(&nested(100));
    assert_eq!(served.get("/r/1").status, 200);
    assert_eq!(served.get("/r?q=1").status, 200);
    assert_eq!(served.get("/r?deep=1").status, 200);
    let words = refused(&nested(100_000));
    has(&words, "db.json:1:");
    has(&words, "deep");
}

/// Invalid data files, and what the error must contain: the place, and a word of the reason.
#[test]
fn invalid_data_is_refused_with_place_and_reason() {
    for (text, place, word) in [
        ("{\"r\": [{\"id\": 1},]}", "db.json:1:18", "comma"),
        (
            "{\n  \"r\": [\n    {\"id\": 1}\n    {\"id\": 2}\n  ]\n}",
            "db.json:4:5",
            ",",
        ),
        ("[1, 2]", "db.json:1:1", "object"),
        ("\"text\"", "db.json:1:1", "object"),
        ("{\"r\": [1}", "db.json:1:9", "]"),
        ("{'r': []}", "db.json:1:2", "quote"),
        (
            "{\"r\": [], // comment\n\"s\": []}",
            "db.json:1:11",
            "comment",
        ),
        ("{\"r\": [NaN]}", "db.json:1:8", "value"),
        ("{\"r\": [01]}", "db.json:1:", "0"),
        ("{\"r\": \"a\tb\"}", "db.json:1:", "tab"),
        ("{\"r\": [{\"id\": 1e400}]}", "db.json:1:", "large"),
        ("{\"r\": [], \"r\": []}", "db.json:1:11", "twice"),
    ] {
        let words = refused(text);
        assert!(words.contains(place), "{text}\n{words}");
        assert!(words.to_lowercase().contains(word), "{text}\n{words}");
    }
}
