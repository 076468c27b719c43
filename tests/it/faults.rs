//! Failures of a real file system: writes get a 503 with the cause and have no effect, reads go on, and when the cause
//! is gone, writes work again.
//!
//! Some of these need the right to mount, or another user; without that they are skipped, and the simulated disk of
//! `crash` covers them.
#![cfg(unix)]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::support::*;

const START: &str = "{\n  \"a\": [\n    {\n      \"id\": 1\n    }\n  ]\n}\n";

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|out| out.status.success())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

/// Something mounted for as long as this lives.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: &Path, size: &str) -> Option<Mount> {
        let options = format!("size={size}");
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &options, "tmpfs", at.to_str()?],
        );
        mounted.then(|| Mount(at.to_path_buf()))
    }

    /// A file system that keeps times in whole seconds.
    fn coarse(folder: &Path) -> Option<Mount> {
        let (image, at) = (folder.join("image"), folder.join("mounted"));
        std::fs::File::create(&image).ok()?.set_len(8 << 20).ok()?;
        std::fs::create_dir(&at).ok()?;
        let mounted = run("mkfs.ext4", &["-q", "-F", "-I", "128", image.to_str()?])
            && run("mount", &["-o", "loop", image.to_str()?, at.to_str()?]);
        mounted.then_some(Mount(at))
    }

    fn bind(from: &Path, at: &Path) -> Option<Mount> {
        run("mount", &["--bind", from.to_str()?, at.to_str()?]).then(|| Mount(at.to_path_buf()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap_or_default()]);
    }
}

/// A data file on a small file system, if we may mount one.
fn on_tmpfs(size: &str) -> Option<(TempDir, Mount, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let mount = Mount::tmpfs(folder.path(), size);
    if mount.is_none() {
        println!("skipped: no right to mount");
    }
    let file = folder.path().join("db.json");
    std::fs::write(&file, START).unwrap();
    Some((folder, mount?, file))
}

/// A folder of another user if we are root, so that permissions apply to the server.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("db.json");
    std::fs::write(&file, START).unwrap();
    give_away(&data);
    give_away(&file);
    (folder, file)
}

const NOBODY: u32 = 65534;

fn give_away(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn serve(file: &Path) -> Process {
    Process::serve_as(file, &[], |command| {
        if is_root() {
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
    })
}

/// Writes until `spoil`, is refused until `repair`, and writes again; all acknowledged writes are in the file.
fn endures(file: &Path, server: &Process, spoil: &dyn Fn(), repair: &dyn Fn(), cause: &[&str]) {
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        client
            .send("POST", "/a", JSON, "{\"before\": true}")
            .status_is(201);
    }
    let before = client.get("/db").value();
    spoil();
    for (method, path, body) in [
        ("POST", "/a", "{\"refused\": true}"),
        ("PATCH", "/a/1", "{\"x\": 1}"),
        ("DELETE", "/a/2", ""),
    ] {
        let problem = client
            .send(method, path, JSON, body)
            .problem(503, "unsaved");
        let text = problem["detail"].as_str().unwrap();
        assert!(
            cause.iter().any(|cause| text.contains(cause)),
            "{text} says none of {cause:?}"
        );
        assert_eq!(
            client.get("/db").value(),
            before,
            "what was refused is not seen"
        );
    }
    repair();
    let reply = client.send("POST", "/a", JSON, "{\"after\": true}");
    reply.status_is(201);
    let after = client.get("/db").value();
    let (old, new) = (
        before["a"].as_array().unwrap(),
        after["a"].as_array().unwrap(),
    );
    assert_eq!(new[..old.len()], old[..]);
    assert_eq!(
        (new.len(), &new[old.len()]["after"]),
        (old.len() + 1, &json!(true))
    );
    assert_eq!(read_json(file), after);
    let names = names_in(file.parent().unwrap());
    assert_eq!(names, ["db.json"], "nothing is left");
    // Edits are seen again, too.
    let edited = std::fs::read_to_string(file)
        .unwrap()
        .replace("\"after\"", "\"edited\"");
    std::fs::write(file, edited).unwrap();
    until("the edit is seen", || {
        let now = client.get("/db").value();
        (now["a"][old.len()]["edited"] == true).then_some(())
    });
}

#[test]
fn a_full_disk() {
    let Some((folder, _mount, file)) = on_tmpfs("128k") else {
        return;
    };
    let server = Process::serve(&file, &[]);
    let filler = folder.path().join("filler");
    let open_files = format!("/proc/{}/fd", server.child.id());
    let fill = || {
        use std::io::Write;
        // A file that was replaced takes up space until the server has closed it.
        until("the replaced files are closed", || {
            let targets = std::fs::read_dir(&open_files)
                .ok()?
                .flatten()
                .map(|one| std::fs::read_link(one.path()));
            let is_replaced = |path: PathBuf| {
                path.starts_with(folder.path()) && path.to_string_lossy().ends_with("(deleted)")
            };
            (!targets.flatten().any(is_replaced)).then_some(())
        });
        let mut filler = std::fs::File::create(&filler).unwrap();
        while filler.write_all(&[b'x'; 1024]).is_ok() {}
    };
    endures(
        &file,
        &server,
        &fill,
        &|| std::fs::remove_file(&filler).unwrap(),
        &["No space", "full"],
    );
}

#[test]
fn a_file_system_that_becomes_read_only() {
    let Some((_folder, mount, file)) = on_tmpfs("1m") else {
        return;
    };
    let server = Process::serve(&file, &[]);
    // The server keeps replaced files open for a few seconds, which makes the file system busy.
    let remount = |how: &str| {
        let options = format!("remount,{how}");
        until("it is remounted", || {
            run("mount", &["-o", &options, mount.0.to_str().unwrap()]).then_some(())
        });
    };
    endures(
        &file,
        &server,
        &|| remount("ro"),
        &|| remount("rw"),
        &["Read-only", "read-only"],
    );
}

#[test]
fn revoked_permission() {
    let (_folder, file) = place();
    let server = serve(&file);
    let folder = file.parent().unwrap();
    let mode =
        |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    endures(
        &file,
        &server,
        &|| mode(0o555),
        &|| mode(0o755),
        &["ermission denied"],
    );
}

#[test]
fn a_folder_that_is_moved_away_and_back() {
    let (folder, file) = place();
    let server = serve(&file);
    let (here, away) = (file.parent().unwrap(), folder.path().join("away"));
    let out = || std::fs::rename(here, &away).unwrap();
    endures(
        &file,
        &server,
        &out,
        &|| std::fs::rename(&away, here).unwrap(),
        &["No such file"],
    );
}

#[test]
fn a_folder_that_is_removed_and_made_again() {
    let (folder, file) = place();
    let server = serve(&file);
    let (here, away) = (file.parent().unwrap(), folder.path().join("away"));
    let out = || std::fs::rename(here, &away).unwrap();
    let again = || {
        // Another folder, with another file: as a checkout of another branch leaves it.
        std::fs::create_dir(here).unwrap();
        give_away(here);
        std::fs::copy(away.join("db.json"), &file).unwrap();
        give_away(&file);
    };
    endures(&file, &server, &out, &again, &["No such file"]);
}

/// In a sticky folder, in which nobody may remove the files of others, such as /tmp.
#[test]
fn a_file_of_another_user_with_the_name_of_one_of_ours_is_named() {
    if !is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let (_folder, file) = place();
    let data = file.parent().unwrap();
    std::os::unix::fs::chown(data, Some(0), Some(0)).unwrap();
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let plant = |name: &str| {
        let path = data.join(name);
        std::fs::write(&path, "{}").unwrap();
        std::os::unix::fs::chown(&path, Some(1), Some(1)).unwrap();
        path
    };
    let scratch = plant(".db.json.2222222222222222-3333333333333333.standin-tmp");
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .arg(&file)
        .args(["--host", "127.0.0.1", "--port", "0"])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    has(&errors, scratch.to_str().unwrap());
    has(&errors, "remove it");
    std::fs::remove_file(scratch).unwrap();

    let server = Process::serve_as(&file, &["--journal-above", "0"], |command| {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    });
    let journal = plant(".db.json.standin-journal");
    let mut client = Client::connect(server.address);
    let reply = client.send("POST", "/a", JSON, "{}");
    reply.status_is(503);
    has(reply.text(), journal.to_str().unwrap());
    has(reply.text(), "remove it");
    std::fs::remove_file(journal).unwrap();
    until("it writes again", || {
        (client.send("POST", "/a", JSON, "{}").status == 201).then_some(())
    });
}

#[test]
fn a_folder_in_the_place_of_the_file() {
    let (folder, file) = place();
    let server = serve(&file);
    let aside = folder.path().join("aside");
    let spoil = || {
        std::fs::rename(&file, &aside).unwrap();
        std::fs::create_dir(&file).unwrap();
        std::fs::write(file.join("inside"), "x").unwrap();
        give_away(&file);
    };
    let repair = || {
        assert_eq!(
            std::fs::read_to_string(file.join("inside")).unwrap(),
            "x",
            "the folder is as it was"
        );
        std::fs::remove_dir_all(&file).unwrap();
        std::fs::rename(&aside, &file).unwrap();
    };
    endures(
        &file,
        &server,
        &spoil,
        &repair,
        &["is not a file", "directory"],
    );
}

/// A data file that is mounted by itself, and the file outside; `None` without the right to mount.
fn mounted_alone(folder: &Path) -> Option<(Mount, PathBuf, PathBuf)> {
    let (outside, inside) = (folder.join("outside.json"), folder.join("inside"));
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("db.json");
    std::fs::write(&outside, START).unwrap();
    std::fs::write(&file, "").unwrap();
    let mount = Mount::bind(&outside, &file);
    if mount.is_none() {
        println!("skipped: no right to mount");
    }
    Some((mount?, file, outside))
}

#[test]
fn a_file_that_is_mounted_alone_is_written_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_mount, file, outside)) = mounted_alone(folder.path()) else {
        return;
    };
    let server = Process::serve(&file, &["--journal-above", "0"]);
    until("the log warns at the start", || {
        let errors = server.errors();
        (errors.contains("mounted by itself") && errors.contains("mount its folder")).then_some(())
    });
    let mut client = Client::connect(server.address);
    for number in 2..10 {
        assert_eq!(client.send("POST", "/a", JSON, "{}").value()["id"], number);
        assert_eq!(read_json(&outside), client.get("/db").value());
        assert_eq!(read_json(&outside), read_json(&file));
    }
    // An edit from outside, in place and shorter: back to the beginning.
    std::fs::write(&outside, START).unwrap();
    until("the edit is seen", || {
        (client.get("/a").value().as_array()?.len() == 1).then_some(())
    });
    client.send("POST", "/a", JSON, "{}").status_is(201);
    assert_eq!(read_json(&outside), client.get("/db").value());
    assert_eq!(
        names_in(file.parent().unwrap()),
        ["db.conflicts.jsonl", "db.json"],
        "what was dropped is kept"
    );
}

/// Writes are refused: the problem and the warning at the start say why and what to do.
fn refuses(file: &Path, server: &Process, why: &str, what_to_do: &str) {
    let before = (
        std::fs::read_to_string(file).unwrap(),
        std::fs::metadata(file).unwrap().ino(),
    );
    let mut client = Client::connect(server.address);
    let problem = client
        .send("POST", "/a", JSON, "{}")
        .problem(503, "unsaved");
    assert!(
        problem["detail"].as_str().unwrap().contains(why),
        "{why}: {problem:#}"
    );
    assert!(
        problem["hint"].as_str().unwrap().contains(what_to_do),
        "{what_to_do}: {problem:#}"
    );
    assert_eq!(client.get("/a").value(), json!([{"id": 1}]));
    assert_eq!(
        (
            std::fs::read_to_string(file).unwrap(),
            std::fs::metadata(file).unwrap().ino()
        ),
        before
    );
}

fn warns(server: &Process, why: &str) {
    until("the log warns at the start", || {
        let errors = server.errors();
        (errors.contains("changes cannot be saved") && errors.contains(why)).then_some(())
    });
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_is_marked_read_only_is_not_replaced() {
    for above in ["8m", "0"] {
        let (_folder, file) = place();
        set_mode(&file, 0o444);
        let as_user: fn(&Path, &str) -> Process = |file, _| serve(file);
        let as_root: fn(&Path, &str) -> Process =
            |file, above| Process::serve(file, &["--journal-above", above]);
        for start in [as_user, as_root] {
            let mut server = start(&file, above);
            warns(&server, "db.json is marked read-only");
            refuses(&file, &server, "db.json is marked read-only", "chmod u+w");
            set_mode(&file, 0o644);
            let mut client = Client::connect(server.address);
            assert_eq!(
                client.send("POST", "/a", JSON, "{}").status,
                201,
                "it is writable again"
            );
            server.signal("TERM");
            server.ended();
            std::fs::write(&file, START).unwrap();
            set_mode(&file, 0o444);
        }
    }
}

#[test]
fn a_folder_that_is_not_writable_is_named() {
    let (_folder, file) = place();
    set_mode(file.parent().unwrap(), 0o555);
    let server = serve(&file);
    warns(&server, "may not write the folder");
    refuses(
        &file,
        &server,
        &format!(
            "may not write the folder {}",
            file.parent().unwrap().display()
        ),
        "--ephemeral",
    );
}

#[test]
fn a_file_of_another_owner_is_not_replaced() {
    if !is_root() {
        println!("skipped: only root can give a file away");
        return;
    }
    let (_folder, file) = place();
    std::os::unix::fs::chown(&file, Some(0), Some(0)).unwrap();
    set_mode(&file, 0o644);
    let server = serve(&file);
    warns(&server, "it belongs to user 0");
    refuses(&file, &server, "it belongs to user 0", "chown");
}

#[test]
fn a_read_only_file_system_is_reported_at_the_start() {
    let Some((_folder, mount, file)) = on_tmpfs("1m") else {
        return;
    };
    assert!(run(
        "mount",
        &["-o", "remount,ro", mount.0.to_str().unwrap()]
    ));
    let server = Process::serve(&file, &[]);
    warns(&server, "mounted read-only");
    refuses(&file, &server, "mounted read-only", "--ephemeral");
}

#[test]
fn writes_to_a_mounted_file_that_was_replaced_outside_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_mount, file, outside)) = mounted_alone(folder.path()) else {
        return;
    };
    let server = Process::serve(&file, &[]);
    let other = folder.path().join("other.json");
    std::fs::write(&other, START).unwrap();
    std::fs::rename(&other, &outside).unwrap();
    refuses(&file, &server, "was replaced outside", "mount the folder");
    assert_eq!(
        read_json(&outside),
        serde_json::from_str::<Value>(START).unwrap()
    );
}

#[test]
fn mode_owner_and_link_are_preserved() {
    let (folder, file) = place();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let before = std::fs::metadata(&file).unwrap();
    // As ourselves: if we are root, the file is another user's.
    let server = Process::serve(&link, &[]);
    Client::connect(server.address)
        .send("POST", "/a", JSON, "{}")
        .status_is(201);
    let after = std::fs::metadata(&file).unwrap();
    assert_eq!(
        (after.mode(), after.uid(), after.gid()),
        (before.mode(), before.uid(), before.gid())
    );
    assert_ne!(after.ino(), before.ino(), "it is another file");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn the_second_server_of_a_file_says_so_and_ends_with_2() {
    let (_folder, file) = place();
    let first = Process::serve(&file, &[]);
    let second = Command::new(env!("CARGO_BIN_EXE_standin"))
        .arg(&file)
        .args(["--port", "0"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(
        text.contains(&first.child.id().to_string())
            && text.contains(&first.address.port().to_string()),
        "{text}"
    );
    // It has not touched what the first one needs.
    Client::connect(first.address)
        .send("POST", "/a", JSON, "{}")
        .status_is(201);
}

#[test]
fn a_signal_stops_it_gracefully_while_writes_are_in_progress() {
    for signal in ["TERM", "INT"] {
        let (_folder, file) = place();
        let mut server = Process::serve(&file, &[]);
        let address = server.address;
        let counts: Vec<u64> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(move || {
                        let mut client = Client::connect(address);
                        let mut created = 0;
                        while let Some(reply) = client.try_send("POST", "/a", JSON, "{\"x\": 1}") {
                            assert!(matches!(reply.status, 201 | 503), "{}", reply.text());
                            created += u64::from(reply.status == 201);
                        }
                        created
                    })
                })
                .collect();
            until("writes are under way", || {
                (read_json(&file)["a"].as_array().unwrap().len() > 20).then_some(())
            });
            server.signal(signal);
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .collect()
        });
        let (status, _) = server.ended();
        assert_eq!(status.code(), Some(0), "{signal}: {}", server.errors());
        // An interrupted write was not acknowledged; there are no others.
        let in_file = read_json(&file)["a"].as_array().unwrap().len() as u64 - 1;
        let acknowledged: u64 = counts.iter().sum();
        assert!(
            (acknowledged..=acknowledged + 8).contains(&in_file),
            "{acknowledged} acknowledged, {in_file} in file"
        );
    }
}

#[test]
fn a_second_signal_stops_it_at_once_and_loses_nothing() {
    let (_folder, file) = place();
    let mut server = Process::serve(&file, &[]);
    let mut client = Client::connect(server.address);
    client.send("POST", "/a", JSON, "{}").status_is(201);
    // An incomplete request makes it wait for the grace period.
    let mut slow = Client::connect(server.address);
    slow.write("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{");
    client.get("/a").status_is(200);
    server.signal("TERM");
    until("it takes no more connections", || {
        std::net::TcpStream::connect(server.address)
            .is_err()
            .then_some(())
    });
    assert!(
        server.child.try_wait().unwrap().is_none(),
        "it waits for what is under way"
    );
    let status = until("it ends", || {
        // A signal during the handling of the first may be merged with it.
        server.signal("TERM");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        server.child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(143));
    assert_eq!(read_json(&file)["a"].as_array().unwrap().len(), 2);
}

/// The edit has the old size and mtime.
#[test]
fn an_edit_within_the_second_of_a_save_is_seen_where_times_are_whole_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::coarse(folder.path()) else {
        eprintln!("skipped: it needs mkfs.ext4 and the right to mount");
        return;
    };
    let file = mount.0.join("db.json");
    std::fs::write(&file, "{\"a\": [{\"id\": 1, \"n\": 0}]}").unwrap();
    for arguments in [&[][..], &["--no-watch"]] {
        let server = Process::serve(&file, arguments);
        let mut client = Client::connect(server.address);
        for number in 1..4 {
            let patch = format!("{{\"n\": {number}}}");
            assert_eq!(client.send("PATCH", "/a/1", JSON, &patch).status, 200);
            let patched = std::time::Instant::now();
            until("the server has looked at its own save", || {
                (patched.elapsed().as_millis() > 150).then_some(())
            });
            let text = std::fs::read_to_string(&file).unwrap();
            let edited = text.replace(
                &format!("\"n\": {number}"),
                &format!("\"n\": {}", number + 4),
            );
            let before = std::fs::metadata(&file).unwrap().modified().unwrap();
            std::fs::write(&file, &edited).unwrap();
            std::fs::File::options()
                .write(true)
                .open(&file)
                .and_then(|file| file.set_modified(before))
                .unwrap();
            if arguments.is_empty() {
                until("the edit is seen", || {
                    let seen = client.send("GET", "/a/1", NONE, "").value();
                    (seen["n"] == number + 4).then_some(())
                });
            }
            let patch = format!("{{\"m{}{number}\": 1}}", arguments.len());
            let seen = client.send("PATCH", "/a/1", JSON, &patch).value();
            assert_eq!(seen["n"], number + 4);
        }
    }
}
