//! The routes file: escapes, and hot reload.

use std::sync::Arc;

use standin::{Notice, Routes, RoutesFile};

use crate::support::*;

fn serve_routes(text: &str, watch: bool) -> (Fixture, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.json");
    std::fs::write(&path, text).unwrap();
    let fixture = Fixture::new(r#"{"posts":[{"id":1},{"id":2}]}"#, None, |options| {
        options.http.routes = Some(Arc::new(Routes::new(RoutesFile::parse(text).unwrap())));
        options.routes = Some(path);
        options.watch = watch;
    });
    (fixture, folder)
}

#[test]
fn escaped_characters_are_literal() {
    let rules = r#"{"/articles\\?id=:id":"/posts/:id","/web/Lists/getByTitle\\('F'\\)/Items":"/posts",
        "/posts\\:first":"/posts/1"}"#;
    let (fixture, _folder) = serve_routes(rules, false);
    assert_eq!(
        fixture.get("/articles?id=2").value(),
        serde_json::json!({"id": 2})
    );
    assert_eq!(
        fixture.get("/web/Lists/getByTitle('F')/Items").list().len(),
        2
    );
    assert_eq!(
        fixture.get("/posts:first").value(),
        serde_json::json!({"id": 1})
    );
}

#[test]
fn saved_rules_are_in_effect_and_broken_ones_are_reported() {
    let (fixture, folder) = serve_routes(r#"{"/a":"/posts/1"}"#, true);
    let path = folder.path().join("routes.json");
    assert_eq!(fixture.get("/a").value()["id"], 1);
    let save = |text: &str| {
        // As editors do it.
        let new = folder.path().join("routes.json.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    let reloaded = |notice: &Notice| match notice {
        Notice::RoutesReloaded { rules, .. } => Some(*rules),
        _ => None,
    };
    save(r#"{"/a":"/posts/2","/b":"/posts/1"}"#);
    until("the new rules hold", || {
        (fixture.get("/a").value()["id"] == 2).then_some(())
    });
    assert_eq!(fixture.get("/b").value()["id"], 1);
    fixture.notice(reloaded);
    save("{\n  \"/a\": 5\n}");
    let (_, message) = fixture.notice(|notice| match notice {
        Notice::RoutesBroken(message) => Some(message.clone()),
        _ => None,
    });
    has(message, "routes.json:2:9: ");
    assert_eq!(fixture.get("/a").value()["id"], 2, "the rules stay");
    std::fs::write(&path, r#"{"/c":"/posts/1"}"#).unwrap();
    assert_eq!(fixture.notice(reloaded).1, Some(1));
    fixture.get("/a").status_is(404);
    assert_eq!(fixture.get("/c").value()["id"], 1);
}
