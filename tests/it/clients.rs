//! What real clients of json-server send, step by step.

use serde_json::{Value, json};

use crate::support::*;

const ORIGIN: (&str, &str) = ("Origin", "http://localhost:5173");

/// The headers that a page of another origin may read.
fn exposed(reply: &Reply) -> Vec<String> {
    let list = reply
        .header("access-control-expose-headers")
        .unwrap_or_default();
    list.split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

/// Sends the CORS preflight for `method` with `headers`; fails if a browser would not send the request.
fn preflight(served: &Fixture, target: &str, method: &str, headers: &str) {
    let asked = [
        ORIGIN,
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", headers),
    ];
    let reply = served.ask("OPTIONS", target, &asked, None);
    assert!(
        (200..300).contains(&reply.status),
        "{method} {target}: {}",
        reply.status
    );
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN.1));
    let list = |name: &str| reply.header(name).unwrap_or_default().to_ascii_lowercase();
    let methods = list("access-control-allow-methods");
    assert!(
        methods
            .split(',')
            .any(|one| one.trim() == method.to_ascii_lowercase()),
        "{methods}"
    );
    let allowed = list("access-control-allow-headers");
    for header in headers.split(',') {
        assert!(
            allowed.split(',').any(|one| one.trim() == header.trim()),
            "{header} is not in {allowed}"
        );
    }
    assert!(reply.header("vary").unwrap_or_default().contains("Origin"));
}

/// An admin of books: 23 of them, by two authors.
fn library() -> Fixture {
    let books: Vec<Value> = (1..=23)
        .map(|n| {
            json!({
                "id": n,
                "title": format!("Volume {:02}", (n * 7) % 23),
                "author_id": 1 + n % 2,
                "lent": n % 5 == 0,
            })
        })
        .collect();
    let authors = json!([{ "id": 1, "name": "Ngũgĩ" }, { "id": 2, "name": "O'Brien \"Flann\"" }]);
    serve_data(&format!(
        "{:#}",
        json!({ "books": books, "authors": authors })
    ))
}

/// react-admin with its json-server data provider: lists request a slice and read the total from a header.
#[test]
fn a_react_admin_works() {
    let served = library();
    let json_type = ("Content-Type", "application/json");

    // getList: the first page, sorted; react-admin writes the order in capitals.
    let first = served.ask(
        "GET",
        "/books?_end=10&_order=ASC&_sort=title&_start=0",
        &[ORIGIN],
        None,
    );
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-total-count"), Some("23"));
    assert!(
        exposed(&first).contains(&"x-total-count".into()),
        "the browser hides the total"
    );
    assert_eq!(first.header("access-control-allow-origin"), Some(ORIGIN.1));
    let titles: Vec<String> = (0..10).map(|n| format!("Volume {n:02}")).collect();
    let shown = first.value();
    assert_eq!(
        shown
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["title"].as_str().unwrap())
            .collect::<Vec<_>>(),
        titles
    );

    // getList: the last page of the other order, which is short.
    let last = served.ask(
        "GET",
        "/books?_end=30&_order=DESC&_sort=id&_start=20",
        &[ORIGIN],
        None,
    );
    assert_eq!(ids(&last.value()), [3, 2, 1]);
    assert_eq!(last.header("x-total-count"), Some("23"));

    // getList with a filter, and with the search box.
    let lent = served.ask(
        "GET",
        "/books?lent=true&_end=25&_order=ASC&_sort=id&_start=0",
        &[ORIGIN],
        None,
    );
    assert_eq!(ids(&lent.value()), [5, 10, 15, 20]);
    assert_eq!(lent.header("x-total-count"), Some("4"));
    let found = served.ask(
        "GET",
        "/authors?q=flann&_end=25&_order=ASC&_sort=id&_start=0",
        &[ORIGIN],
        None,
    );
    assert_eq!(ids(&found.value()), [2]);

    // getOne.
    let one = served.ask("GET", "/authors/2", &[ORIGIN], None);
    assert_eq!(one.value(), json!({ "id": 2, "name": "O'Brien \"Flann\"" }));

    // getMany: repeated ids; deleted ones are left out.
    assert_eq!(
        ids(&served
            .ask("GET", "/books?id=3&id=21&id=99", &[ORIGIN], None)
            .value()),
        [3, 21]
    );

    // getManyReference: the books of an author.
    let target = "/books?author_id=1&_end=5&_order=DESC&_sort=id&_start=0";
    let of_author = served.ask("GET", target, &[ORIGIN], None);
    assert_eq!(ids(&of_author.value()), [22, 20, 18, 16, 14]);
    assert_eq!(of_author.header("x-total-count"), Some("11"));

    // create: the provider takes the id from the response.
    preflight(&served, "/books", "POST", "content-type");
    let book = json!({ "title": "Ünused \"names\" / 🙂", "author_id": 2 });
    let made = served.ask("POST", "/books", &[ORIGIN, json_type], Some(&book));
    assert_eq!((made.status, &made.value()["id"]), (201, &json!(24)));

    // update: the whole record, its id with it.
    preflight(&served, "/books/24", "PUT", "content-type");
    let changed = json!({ "id": 24, "title": "Used", "author_id": 2, "lent": false });
    let updated = served.ask("PUT", "/books/24", &[ORIGIN, json_type], Some(&changed));
    assert_eq!((updated.status, updated.value()), (200, changed));

    // updateMany: a request for each.
    for id in [1, 2] {
        let book = json!({ "lent": true });
        let reply = served.ask(
            "PATCH",
            &format!("/books/{id}"),
            &[ORIGIN, json_type],
            Some(&book),
        );
        assert_eq!((reply.status, &reply.value()["lent"]), (200, &json!(true)));
    }

    // delete and deleteMany: no body, but a Content-Type.
    preflight(&served, "/books/24", "DELETE", "content-type");
    for id in [24, 23, 22] {
        let reply = served.ask(
            "DELETE",
            &format!("/books/{id}"),
            &[ORIGIN, ("Content-Type", "text/plain")],
            None,
        );
        assert_eq!((reply.status, reply.value()), (200, json!({})));
    }
    let rest = served.ask(
        "GET",
        "/books?_end=1&_order=ASC&_sort=id&_start=0",
        &[ORIGIN],
        None,
    );
    assert_eq!(rest.header("x-total-count"), Some("21"));

    // After a reload, the admin shows what is in the file.
    let file: Value = serde_json::from_str(&served.text()).unwrap();
    assert_eq!(file["books"], served.get("/books").value());
}

/// A course's notes app: a list, a form, a button that makes a note important, one that removes it.
#[test]
fn a_notes_app_works() {
    let served = serve_data(
        r#"{
  "notes": [
    { "id": 1, "content": "HTML is easy", "important": true },
    { "id": 2, "content": "The browser runs \"scripts\"", "important": false }
  ]
}
"#,
    );

    // The page loads.
    let list = served.ask(
        "GET",
        "/notes",
        &[ORIGIN, ("Accept", "application/json, text/plain, */*")],
        None,
    );
    assert_eq!((list.status, ids(&list.value())), (200, vec![1, 2]));

    // A note without an id; the app shows what comes back.
    let note = json!({ "content": "POST adds <b>a note</b>", "important": false });
    let added = served.ask("POST", "/notes", &[ORIGIN], Some(&note));
    assert_eq!(added.status, 201);
    assert_eq!(
        added.value(),
        json!({ "content": "POST adds <b>a note</b>", "important": false, "id": 3 })
    );
    assert_eq!(added.header("location"), Some("/notes/3"));

    // The button: the same record with the flag toggled.
    preflight(&served, "/notes/3", "PUT", "content-type");
    let mut turned = added.value();
    turned["important"] = json!(true);
    let reply = served.ask("PUT", "/notes/3", &[ORIGIN], Some(&turned));
    assert_eq!((reply.status, reply.value()), (200, turned.clone()));
    assert_eq!(served.get("/notes?important=true").list().len(), 2);

    // Another tab has removed the note: the app shows that it is gone.
    assert_eq!(
        served.ask("DELETE", "/notes/2", &[ORIGIN], None).status,
        200
    );
    let gone = served.ask(
        "PUT",
        "/notes/2",
        &[ORIGIN],
        Some(&json!({ "content": "?", "important": true })),
    );
    assert_eq!(gone.status, 404);
    assert_eq!(
        gone.header("access-control-allow-origin"),
        Some(ORIGIN.1),
        "the app may read the error"
    );
    assert_eq!(served.get("/notes/2").status, 404);
    assert_eq!(
        served.ask("DELETE", "/notes/2", &[ORIGIN], None).status,
        404
    );

    // Ids continue from where they were, and the file keeps its formatting.
    assert_eq!(
        served
            .ask(
                "POST",
                "/notes",
                &[ORIGIN],
                Some(&json!({ "content": "next" }))
            )
            .value()["id"],
        4
    );
    assert_eq!(
        served.text(),
        r#"{
  "notes": [
    { "id": 1, "content": "HTML is easy", "important": true },
    { "content": "POST adds <b>a note</b>", "important": true, "id": 3 },
    { "content": "next", "id": 4 }
  ]
}
"#
    );
}

/// Two tabs of a page of another origin edit one record; the second gets a 412.
#[test]
fn two_tabs_do_not_overwrite_each_other() {
    let served = serve_data(r#"{ "texts": [{ "id": 1, "body": "draft", "by": null }] }"#);
    let open = || {
        let reply = served.ask("GET", "/texts/1", &[ORIGIN], None);
        assert!(
            exposed(&reply).contains(&"etag".into()),
            "the page cannot read the tag"
        );
        let tag = reply.header("etag").unwrap().to_string();
        assert!(
            tag.starts_with('"'),
            "only a strong tag works in If-Match: {tag}"
        );
        (reply.value(), tag)
    };
    let ((_, first_tag), (_, second_tag)) = (open(), open());
    assert_eq!(first_tag, second_tag);

    preflight(&served, "/texts/1", "PUT", "content-type,if-match");
    let saved = json!({ "id": 1, "body": "draft of the first tab", "by": "first" });
    let reply = served.ask(
        "PUT",
        "/texts/1",
        &[ORIGIN, ("If-Match", &first_tag)],
        Some(&saved),
    );
    assert_eq!((reply.status, reply.value()), (200, saved.clone()));

    // The first tab may continue with the tag of its own response.
    let own_tag = reply.header("etag").unwrap();
    assert_ne!(own_tag, first_tag);

    // The second tab is refused, whatever the verb, and nothing changes.
    let before = served.text();
    for (method, body) in [
        ("PUT", Some(json!({ "body": "mine" }))),
        ("PATCH", Some(json!({ "by": "me" }))),
        ("DELETE", None),
    ] {
        let refused = served.ask(
            method,
            "/texts/1",
            &[ORIGIN, ("If-Match", &second_tag)],
            body.as_ref(),
        );
        assert_eq!(refused.status, 412, "{method}");
        assert_eq!(refused.value()["type"], "/-/errors#changed");
        assert_eq!(
            refused.header("access-control-allow-origin"),
            Some(ORIGIN.1)
        );
    }
    assert_eq!(served.text(), before);

    // It reads again, sees what the first has written, and saves on top of it.
    let (now, tag) = open();
    assert_eq!(now, saved);
    assert_eq!(
        tag, own_tag,
        "a PUT and a GET respond with the same entity tag"
    );
    let merged = served.ask(
        "PATCH",
        "/texts/1",
        &[ORIGIN, ("If-Match", &tag)],
        Some(&json!({ "by": "both" })),
    );
    assert_eq!(
        (merged.status, &merged.value()["by"]),
        (200, &json!("both"))
    );

    // A poll with the tag costs nothing until something changes.
    let tag = merged.header("etag").unwrap();
    let same = served.ask("GET", "/texts/1", &[ORIGIN, ("If-None-Match", tag)], None);
    assert_eq!((same.status, same.body.len()), (304, 0));
    let newer = served.ask(
        "GET",
        "/texts/1",
        &[ORIGIN, ("If-None-Match", own_tag)],
        None,
    );
    assert_eq!(newer.status, 200);
}

/// Node's `fetch` writes a large body in chunks, and fails if the connection is closed before all of it was received.
#[test]
fn node_gets_the_413_for_a_body_that_is_too_large() {
    let served = serve_data(r#"{ "texts": [] }"#);
    let script = "const body = JSON.stringify({ text: 'x'.repeat(11 * 2 ** 20) });
        const headers = { 'Content-Type': 'application/json' };
        for (let n = 0; n < 10; n++) {
            const response = await fetch(process.argv[1], { method: 'POST', headers, body });
            if (response.status !== 413) throw new Error(`${response.status}`);
            await response.text();
        }";
    let url = format!("http://{}/texts", served.address());
    let output = std::process::Command::new("node")
        .args(["--input-type=module", "-e", script, &url])
        .output();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => println!("skipped: node cannot be run: {error}"),
    }
}
