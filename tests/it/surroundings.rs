//! The data file's surroundings: its folder is removed and comes back, links to it are switched, something else
//! replaces it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use standin::{LossCause, Notice, Options};

use crate::support::*;

const A: &str = "{\"a\": [{\"id\": 1, \"of\": \"a\"}]}\n";
const B: &str = "{\"a\": [{\"id\": 1, \"of\": \"b\"}, {\"id\": 7, \"of\": \"b\"}]}\n";

/// With polling, and with events only.
const POLLS: [Duration; 2] = [Duration::from_secs(1), Duration::ZERO];

/// Serves `file`, made by `make` in the fixture's folder.
fn serve_at(file: &str, poll: Duration, make: impl FnOnce(&Path)) -> Fixture {
    Fixture::new(A, None, |options: &mut Options| {
        let folder = options.file.parent().unwrap().to_path_buf();
        make(&folder);
        options.file = folder.join(file);
        options.poll = poll;
    })
}

/// Makes `link` lead to `target`, in one step.
fn point(link: &Path, target: impl AsRef<Path>) {
    let new = link.with_file_name("new");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

fn sees(fixture: &Fixture, what: &str, expected: &Value) {
    until(what, || {
        (fixture.get("/a").value() == *expected).then_some(())
    });
}

fn refuses(fixture: &Fixture, what: &str) {
    let before = fixture.get("/db").value();
    let reply = fixture.json("POST", "/a", "{\"refused\": true}");
    reply.status_is(503);
    has(reply.text(), what);
    assert_eq!(fixture.get("/db").value(), before, "reads go on");
}

#[test]
fn edits_are_seen_after_the_folder_went_and_came_back() {
    for poll in POLLS {
        let fixture = serve_at("data/db.json", poll, |folder| {
            fs::create_dir(folder.join("data")).unwrap();
            fs::write(folder.join("data/db.json"), A).unwrap();
        });
        let data = fixture.folder();
        let away = data.with_file_name("away");
        for number in 0..4 {
            let text = json!({"a": [{"id": 1, "number": number}]}).to_string();
            if number % 2 == 0 {
                fs::remove_dir_all(&data).unwrap();
            } else {
                fs::rename(&data, &away).unwrap();
            }
            if number > 1 {
                refuses(&fixture, "is gone");
                assert!(!data.exists(), "the folder is not made again");
            }
            if number % 2 == 0 {
                fs::create_dir(&data).unwrap();
                fs::write(data.join("db.json"), A).unwrap();
            } else {
                fs::rename(&away, &data).unwrap();
            }
            fs::write(data.join("db.json"), text).unwrap();
            // A recent POST is kept.
            until("the edit", || {
                (fixture.get("/a/1").value()["number"] == number).then_some(())
            });
            let reply = fixture.json("POST", "/a", "{}");
            reply.status_is(201);
            assert_eq!(fixture.data()["a"], fixture.get("/a").value());
        }
    }
}

#[test]
fn a_switched_link_loads_the_other_file_without_a_merge() {
    for poll in POLLS {
        for through_folder in [false, true] {
            let (file, link) = if through_folder {
                ("current/db.json", "current")
            } else {
                ("db.json", "db.json")
            };
            let target = |folder: &Path, one: &str| {
                if through_folder {
                    folder.join(one).join("db.json")
                } else {
                    folder.join(format!("{one}.json"))
                }
            };
            let point = |folder: &Path, one: &str| {
                let ending = if through_folder { "" } else { ".json" };
                point(&folder.join(link), format!("{one}{ending}"));
            };
            let fixture = serve_at(file, poll, |folder| {
                fs::remove_file(folder.join("db.json")).unwrap();
                for (one, text) in [("a", A), ("b", B)] {
                    let file = target(folder, one);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    fs::write(file, text).unwrap();
                }
                point(folder, "a");
            });
            let folder = fixture.folder();
            let folder = if through_folder {
                folder.parent().unwrap()
            } else {
                &folder
            };
            let (a, b) = (target(folder, "a"), target(folder, "b"));
            fixture.json("POST", "/a", "{}").status_is(201);
            let left = fs::read(&a).unwrap();
            point(folder, "b");
            sees(&fixture, "the other file", &read_json(&b)["a"]);
            assert_eq!(
                fs::read_to_string(&b).unwrap(),
                B,
                "nothing is merged into it"
            );
            assert_eq!(fixture.json("POST", "/a", "{}").value()["id"], 8);
            assert_eq!(read_json(&b)["a"], fixture.get("/a").value());
            assert_eq!(fs::read(&a).unwrap(), left);
            // A write before the server has seen the switch also goes to the new file.
            let left = fs::read(&b).unwrap();
            point(folder, "a");
            let reply = fixture.json("POST", "/a", "{}");
            assert_eq!((reply.status, &reply.value()["id"]), (201, &json!(3)));
            assert_eq!(read_json(&a)["a"].as_array().unwrap().len(), 3);
            assert_eq!(fs::read(&b).unwrap(), left);
            // The undo reverts to a state of the same file.
            fixture.json("POST", "/-/undo", "").status_is(200);
            assert_eq!(read_json(&a)["a"].as_array().unwrap().len(), 2);
            // An edit of the new file.
            fs::write(&a, B).unwrap();
            sees(
                &fixture,
                "the edit",
                &json!([{"id": 1, "of": "b"}, {"id": 7, "of": "b"}]),
            );
            point(folder, "nothing");
            refuses(
                &fixture,
                if through_folder {
                    "is gone"
                } else {
                    "points to no file"
                },
            );
            assert!(!target(folder, "nothing").exists());
            assert!(!fixture.folder().join("db.conflicts.jsonl").exists());
        }
    }
}

/// Serves a link to `a.json`, beside which is `b.json`, with a journal.
fn serve_link(watch: bool) -> Fixture {
    Fixture::new(A, None, |options: &mut Options| {
        let folder = options.file.parent().unwrap().to_path_buf();
        fs::rename(&options.file, folder.join("a.json")).unwrap();
        fs::write(folder.join("b.json"), B).unwrap();
        symlink("a.json", &options.file).unwrap();
        options.journal_above = 0;
        options.watch = watch;
    })
}

#[test]
fn a_journal_stays_with_its_file_when_the_link_is_switched() {
    let mut fixture = serve_link(true);
    let folder = fixture.folder();
    let link = folder.join("db.json");
    let mut there = 1;
    for _ in 0..10 {
        fixture
            .json("POST", "/a", "{\"kept\": true}")
            .status_is(201);
        there += 1;
        point(&link, "b.json");
        assert_eq!(
            fixture.json("PATCH", "/a/1", "{\"n\": 1}").value()["of"],
            "b"
        );
        point(&link, "a.json");
        let seen = fixture.json("PATCH", "/a/1", "{\"n\": 1}").value();
        assert_eq!(seen["of"], "a");
        assert_eq!(fixture.get("/a").list().len(), there);
    }
    fixture.stop();
    assert_eq!(
        read_json(&folder.join("a.json"))["a"]
            .as_array()
            .unwrap()
            .len(),
        there
    );
    assert_eq!(
        read_json(&folder.join("b.json"))["a"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn writes_that_are_not_in_the_file_before_a_link_is_switched_are_not_called_conflicts_with_an_edit()
{
    let fixture = serve_link(false);
    let folder = fixture.folder();
    let link = folder.join("db.json");
    let cause = until("a write is caught before the file has it", || {
        point(&link, "a.json");
        fixture.json("POST", "/a", "{}").status_is(201);
        point(&link, "b.json");
        fixture.json("PATCH", "/a/1", "{}").status_is(200);
        let is_kept = folder.join("b.conflicts.jsonl").exists();
        is_kept.then(|| {
            let cause = fixture.notice(|notice| match notice {
                Notice::Conflicts { cause, .. } => Some(*cause),
                _ => None,
            });
            cause.1
        })
    });
    assert_eq!(cause, LossCause::Move);
}

#[test]
fn health_says_that_the_path_leads_to_what_cannot_be_served() {
    let other = serve_data(B);
    for target in [Path::new("/dev/zero"), other.path()] {
        let fixture = serve_at("link.json", POLLS[0], |folder| {
            symlink("db.json", folder.join("link.json")).unwrap();
        });
        let link = fixture.folder().join("link.json");
        for _ in 0..2 {
            assert_eq!(fixture.get("/-/health").value()["status"], "ok");
            point(&link, target);
            refuses(&fixture, "points to");
            let health = fixture.get("/-/health");
            assert_eq!(health.value()["status"], "degraded", "{}", health.text());
            has(health.text(), "points to");
            point(&link, "db.json");
            fixture.json("PATCH", "/a/1", "{}").status_is(200);
        }
        assert_eq!(fixture.get("/-/health").value()["status"], "ok");
    }
}

#[test]
fn a_folder_or_dangling_link_named_like_a_rules_or_routes_file_is_reported() {
    for name in ["db.schema.json", "db.routes.json"] {
        for kind in ["link", "folder"] {
            let fixture = Fixture::new(A, None, |options: &mut Options| {
                let path = options.file.with_file_name(name);
                match kind {
                    "link" => symlink("nowhere", path).unwrap(),
                    _ => fs::create_dir(path).unwrap(),
                }
            });
            fixture.notice(|notice| match notice {
                Notice::NotAFile { path, .. } => path.ends_with(name).then_some(()),
                _ => None,
            });
        }
    }
}

#[test]
fn a_switched_link_to_a_file_of_another_server_is_refused() {
    let other = serve_data(B);
    let fixture = serve_at("link.json", POLLS[0], |folder| {
        symlink("db.json", folder.join("link.json")).unwrap();
    });
    point(&fixture.folder().join("link.json"), other.path());
    refuses(&fixture, "points to");
    assert_eq!(other.text(), B);
    drop(other);
    // Its folder is gone with it.
    refuses(&fixture, "points to");
}

#[test]
fn something_else_in_the_place_of_the_file_only_stops_writes() {
    let fixture = serve_data(A);
    let file = fixture.path();
    for fifo in [true, false] {
        fs::remove_file(file).unwrap();
        if fifo {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                file,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o644),
                0,
            )
            .unwrap();
        } else {
            fs::create_dir(file).unwrap();
        }
        refuses(&fixture, "is not a file");
        assert_eq!(fixture.get("/a").value(), json!([{"id": 1, "of": "a"}]));
        if fifo {
            fs::remove_file(file).unwrap();
        } else {
            fs::remove_dir(file).unwrap();
        }
        refuses(&fixture, "is gone");
        fs::write(file, A).unwrap();
        until("it is served again", || {
            (fixture.json("PATCH", "/a/1", "{}").status == 200).then_some(())
        });
    }
}

#[test]
fn the_routes_file_is_followed_through_links_and_folders_that_come_back() {
    let fixture = Fixture::new(A, None, |options: &mut Options| {
        let folder = options.file.parent().unwrap();
        for (one, path) in [("r1", "/one"), ("r2", "/two")] {
            fs::create_dir(folder.join(one)).unwrap();
            fs::write(
                folder.join(one).join("routes.json"),
                format!("{{\"{path}\": \"/a\"}}"),
            )
            .unwrap();
        }
        symlink("r1", folder.join("routes")).unwrap();
        let path = folder.join("routes/routes.json");
        let rules = standin::RoutesFile::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        options.routes = Some(path);
        options.http.routes = Some(std::sync::Arc::new(standin::Routes::new(rules)));
        options.poll = Duration::ZERO;
    });
    let folder = fixture.folder();
    fixture.get("/one").status_is(200);
    point(&folder.join("routes"), "r2");
    until("the other rules", || {
        (fixture.get("/two").status == 200).then_some(())
    });
    fs::remove_dir_all(folder.join("r2")).unwrap();
    fs::create_dir(folder.join("r2")).unwrap();
    fs::write(folder.join("r2/routes.json"), "{\"/three\": \"/a\"}").unwrap();
    until("the new rules", || {
        (fixture.get("/three").status == 200).then_some(())
    });
}
