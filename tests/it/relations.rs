//! Relations: by the names of foreign keys and by the references of the rules.

use serde_json::{Value, json};

use crate::support::*;

fn json_of(value: Value) -> String {
    value.to_string()
}

/// `_embed` in both directions, `_expand`, nested GET and POST, and the cascade use the same key.
#[track_caller]
fn related(fixture: &Fixture, (parent, one): (&str, &str), child: &str, key: &str) {
    let what = format!("{parent} <- {child}.{key}");
    let parents = fixture.get(&format!("/{parent}")).value();
    let (own, children) = (
        parents[0].clone(),
        fixture.get(&format!("/{child}")).value(),
    );
    let id = own["id"].clone();
    for parameter in ["_embed", "_expand"] {
        let reply = fixture.get(&format!("/{child}?{parameter}={one}"));
        assert_eq!(
            reply.value()[0][one],
            own,
            "{what}: {parameter}={one} {:?}",
            reply.header("x-hint")
        );
    }
    let reply = fixture.get(&format!("/{parent}?_embed={child}"));
    assert_eq!(
        reply.value()[0][child],
        children,
        "{what}: _embed={child} {:?}",
        reply.header("x-hint")
    );
    let path = format!("/{parent}/{id}/{child}");
    assert_eq!(fixture.get(&path).value(), children, "{what}: GET {path}");
    let made = fixture.json("POST", &path, "{\"t\":1}");
    assert_eq!(
        (made.status, &made.value()[key]),
        (201, &id),
        "{what}: POST {path}"
    );
    fixture.delete(&format!("/{parent}/{id}")).status_is(200);
    assert_eq!(
        fixture.get(&format!("/{child}")).value(),
        json!([]),
        "{what}: the cascade"
    );
}

#[test]
fn a_foreign_key_is_found_by_any_plausible_singular() {
    for (parent, one, child, key) in [
        ("user", "user", "post", "userId"),
        ("persons", "person", "feedbacks", "personId"),
        ("people", "person", "feedbacks", "personId"),
        ("calories", "calorie", "meals", "calorieId"),
        ("caches", "cache", "entries", "cacheId"),
        ("headaches", "headache", "pills", "headacheId"),
        ("hoodies", "hoodie", "orders", "hoodieId"),
        ("oases", "oasis", "camels", "oasisId"),
        ("niches", "niche", "items", "nicheId"),
        ("excuses", "excuse", "days", "excuseId"),
        ("selfies", "selfie", "likes", "selfieId"),
        ("rookies", "rookie", "games", "rookieId"),
        ("brownies", "brownie", "bites", "brownieId"),
        ("milieus", "milieu", "studies", "milieuId"),
        ("cookies", "cookie", "notes", "cookieId"),
        ("kunden", "kunde", "rechnungen", "kundeId"),
        ("bücher", "buch", "seiten", "buchId"),
        ("ciudades", "ciudad", "calles", "ciudadId"),
        ("equipment", "equipment", "repairs", "equipmentId"),
        ("orderItems", "orderItem", "notes", "orderItemId"),
        ("order-items", "order-item", "notes", "orderItemId"),
        ("users", "user", "tasks", "user_id"),
        ("orderItems", "orderItem", "notes", "order_item_id"),
        ("order_items", "order_item", "notes", "order_item_id"),
        ("calories", "calorie", "meals", "calorie_id"),
    ] {
        let fixture = serve_data(&json_of(
            json!({ parent: [{"id": 1}], child: [{"id": 1, key: 1}] }),
        ));
        let one = percent(one);
        related(&fixture, (&percent(parent), &one), child, key);
    }
}

fn percent(text: &str) -> String {
    text.replace('ü', "%C3%BC")
}

#[test]
fn the_key_belongs_to_the_collection_that_its_name_fits_best() {
    let fixture =
        serve_data(r#"{"post":[{"id":1}],"posts":[{"id":1}],"comments":[{"id":1,"postId":1}]}"#);
    fixture.delete("/post/1");
    assert_eq!(
        fixture.get("/comments").value(),
        json!([{"id": 1, "postId": 1}]),
        "postId belongs to posts"
    );
    fixture.delete("/posts/1");
    assert_eq!(fixture.get("/comments").value(), json!([]));
}

/// A guessed key, which may be another word, must not delete records.
#[test]
fn the_cascade_does_not_follow_a_guessed_key() {
    for (parent, child, key) in [
        ("planes", "users", "planId"),
        ("cares", "trips", "carId"),
        ("tubes", "rings", "tub_id"),
    ] {
        let data = json!({ parent: [{"id": 1}], child: [{"id": 1, key: 1}] });
        let fixture = serve_data(&json_of(data.clone()));
        let kept = data[child].clone();
        fixture.delete(&format!("/{parent}/1")).status_is(200);
        assert_eq!(
            fixture.get(&format!("/{child}")).value(),
            kept,
            "{parent} <- {child}.{key}"
        );
        // An explicit `_dependent` is carried out.
        let fixture = serve_data(&json_of(data));
        fixture
            .delete(&format!("/{parent}/1?_dependent={child}"))
            .status_is(200);
        assert_eq!(
            fixture.get(&format!("/{child}")).value(),
            json!([]),
            "{parent} <- {child}.{key}"
        );
    }
}

const DECLARED: &str = r#"{"properties":{
    "users": {"items": {"properties": {"id": {"type": "integer"}, "name": {}}}},
    "tasks": {"items": {"properties": {
        "id": {"type": "integer"}, "user_id": {"type": "integer", "references": "users"},
        "by": {"references": "users/name"},
        "labels": {"type": "array", "items": {"references": "labels"}}
    }}},
    "labels": {"items": {"properties": {"id": {}}}}
}}"#;

#[test]
fn declared_references_decide() {
    let data = r#"{"users":[{"id":1,"name":"ann"}],"tasks":[{"id":1,"user_id":1}],"labels":[]}"#;
    let fixture = Fixture::new(data, Some(DECLARED), |_| {});
    assert_eq!(fixture.get("/users?_embed=tasks").header("x-hint"), None);
    related(&fixture, ("users", "user"), "tasks", "user_id");
    let data = r#"{"users":[{"id":1,"name":"ann"}],
        "tasks":[{"id":1,"userId":1,"by":"ann","labels":[7,9]}],"labels":[{"id":7},{"id":9}, {"id":17}]}"#;
    let fixture = Fixture::new(data, Some(DECLARED), |_| {});
    assert_eq!(
        fixture.get("/tasks/1?_expand=by").value()["by"],
        json!({"id": 1, "name": "ann"})
    );
    assert_eq!(
        fixture.get("/tasks/1?_embed=labels").value()["labels"],
        json!([{"id": 7}, {"id": 9}])
    );
    for (id, found) in [(7, 1), (17, 0)] {
        assert_eq!(
            fixture.get(&format!("/labels/{id}/tasks")).list().len(),
            found
        );
        let embedded = fixture.get(&format!("/labels/{id}?_embed=tasks")).value();
        assert_eq!(embedded["tasks"].as_array().unwrap().len(), found);
    }
    assert_eq!(
        fixture.json("POST", "/labels/17/tasks", "{}").value()["labels"],
        json!([17])
    );
    // `user_id` is declared and `userId` is not, so that no task points to the user by it.
    assert_eq!(fixture.get("/users/1/tasks").value(), json!([]));
    fixture.json("PATCH", "/tasks/1", r#"{"by": null}"#);
    fixture.delete("/users/1");
    assert_eq!(fixture.get("/tasks").list().len(), 2);
}

#[test]
fn a_reference_to_another_property_is_followed() {
    let rules = r#"{"properties":{
        "bands": {"items": {"properties": {"name": {}}}},
        "songs": {"items": {"properties": {"band": {"references": "bands/name"}}}}
    }}"#;
    let data = r#"{"bands":[{"id":1,"name":"A & B"}],"songs":[{"id":1,"band":"A & B"},{"id":2,"band":"C"}]}"#;
    let fixture = Fixture::new(data, Some(rules), |_| {});
    let song = json!([{"id": 1, "band": "A & B"}]);
    assert_eq!(fixture.get("/bands/1/songs").value(), song);
    assert_eq!(fixture.get("/bands/1?_embed=songs").value()["songs"], song);
    assert_eq!(
        fixture.get("/songs/1?_expand=band").value()["band"],
        json!({"id": 1, "name": "A & B"})
    );
    assert_eq!(
        fixture.json("POST", "/bands/1/songs", "{}").value()["band"],
        "A & B"
    );
}

#[test]
fn a_missing_key_is_not_passed_over() {
    let data = r#"{"posts":[{"id":1}],"comments":[{"id":1,"post_uuid":1}],"notes":[{"id":1,"post_id":1}],"empty":[]}"#;
    let fixture = serve_data(data);
    let hint = |reply: &Reply| {
        reply
            .header("x-hint")
            .map(str::to_string)
            .unwrap_or_default()
    };
    for path in [
        "/posts?_embed=comments",
        "/posts/1?_embed=comments",
        "/posts/1/comments",
        "/comments?_expand=post",
    ] {
        let hint = hint(&fixture.get(path));
        assert!(
            hint.contains("no record of comments has \"postId\""),
            "{path}: {hint}"
        );
        assert!(
            hint.contains("--foreign-key-suffix _uuid"),
            "{path}: {hint}"
        );
    }
    let made = fixture.json("POST", "/posts/1/comments", "{}");
    has(hint(&made), "--foreign-key-suffix _uuid");
    for path in ["/posts?_embed=notes", "/posts/1/notes"] {
        let hint = hint(&fixture.get(path));
        assert!(
            hint.contains("\"postId\"") && hint.contains("\"post_id\""),
            "{path}: {hint}"
        );
    }
    assert_eq!(
        hint(&fixture.get("/posts/1/empty")),
        "",
        "of an empty collection nothing is known"
    );
    let fixture = Fixture::new(data, None, |options| {
        options.foreign_key_suffix = "_id".into()
    });
    assert_eq!(hint(&fixture.get("/posts/1/notes")), "");
}

#[test]
fn a_member_that_embed_replaces_is_mentioned() {
    let fixture =
        serve_data(r#"{"albums":[{"id":1,"songs":[{"id":1}]}],"songs":[{"id":1,"albumId":1}]}"#);
    for path in ["/albums/1?_embed=songs", "/albums?_embed=songs"] {
        let reply = fixture.get(path);
        let hint = reply.header("x-hint").unwrap_or_default();
        assert!(hint.contains("their own \"songs\""), "{path}: {hint}");
    }
}

#[test]
fn relations_of_relations_fields_and_search_in_fields() {
    let fixture = serve_data(
        r#"{
  "posts": [{ "id": 1, "title": "Tea", "body": "rum" }, { "id": 2, "title": "Rum", "body": "x" }],
  "comments": [{ "id": 1, "postId": 1, "authorId": 7, "text": "a" }],
  "authors": [{ "id": 7, "name": "Ann", "cityId": 3, "home": { "street": "S", "zip": 1 } }],
  "cities": [{ "id": 3, "name": "Oslo" }]
}"#,
    );
    for (path, expected) in [
        (
            "/posts/1?_embed=comments.author.city",
            r#"{"id":1,"title":"Tea","body":"rum","comments":[{"id":1,"postId":1,"authorId":7,"text":"a","author":{"id":7,"name":"Ann","cityId":3,"home":{"street":"S","zip":1},"city":{"id":3,"name":"Oslo"}}}]}"#,
        ),
        (
            "/comments?_expand=author.city&_fields=id,author.city.name",
            r#"[{"id":1,"author":{"city":{"name":"Oslo"}}}]"#,
        ),
        ("/posts?_fields=title&_limit=1", r#"[{"title":"Tea"}]"#),
        (
            "/authors/7?_fields=home.zip,id",
            r#"{"id":7,"home":{"zip":1}}"#,
        ),
        (
            "/posts?_embed=comments&_fields=id,comments.text",
            r#"[{"id":1,"comments":[{"text":"a"}]},{"id":2,"comments":[]}]"#,
        ),
        ("/posts?q.title=rum&_fields=id", r#"[{"id":2}]"#),
        (
            "/posts?q.title,body=rum&_fields=id",
            r#"[{"id":1},{"id":2}]"#,
        ),
        ("/posts?q=rum&_fields=id", r#"[{"id":1},{"id":2}]"#),
        (
            "/comments?_expand=author.city&author.city.name=Oslo&_fields=id",
            r#"[{"id":1}]"#,
        ),
        ("/comments?_expand=author.city&author.city.name=Rome", "[]"),
    ] {
        let reply = fixture.get(path);
        let value: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(reply.value(), value, "{path}");
        assert!(
            reply.header("x-hint").is_none(),
            "{path}: {:?}",
            reply.header("x-hint")
        );
    }
    for (path, hint) in [
        ("/posts?_fields=titel", "title"),
        ("/posts?q.titel=rum", "title"),
        ("/posts?_embed=comments.authr", "authr"),
    ] {
        let reply = fixture.get(path);
        assert!(
            reply
                .header("x-hint")
                .is_some_and(|text| text.contains(hint)),
            "{path}: {reply:?}"
        );
    }
}
