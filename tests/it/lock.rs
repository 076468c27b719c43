//! One server per data file, under whatever name; the lock is on the file itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::process::Process;
use crate::support::*;

fn second(file: &Path, adjust: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standin"));
    command
        .arg(file)
        .args(["--host", "127.0.0.1", "--port", "0"]);
    adjust(&mut command);
    command.output().unwrap()
}

/// Asserts that a second server on `file` ends at once, and names the first.
fn assert_refused(first: &Process, file: &Path, adjust: impl FnOnce(&mut Command)) {
    let output = second(file, adjust);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    has(&errors, "already being served by");
    if cfg!(target_os = "linux") {
        let (process, port) = (first.child.id(), first.address.port());
        let named = format!("the process {process} on port {port}\n");
        assert!(errors.contains(&named), "{named} is not in {errors}");
    }
}

#[test]
fn a_second_server_is_refused_under_every_name_of_the_file() {
    let folder = folder_with(&[("db.json", "{\"a\": []}")]);
    let file = folder.path().join("db.json");
    let server = Process::serve(&file, &[]);
    assert_refused(&server, &file, |_| {});

    let other = tempfile::tempdir_in(folder.path()).unwrap();
    let link = other.path().join("hard.json");
    fs::hard_link(&file, &link).unwrap();
    assert_refused(&server, &link, |_| {});
    #[cfg(unix)]
    {
        let link = other.path().join("symbolic.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_refused(&server, &link, |_| {});
    }
    assert_refused(&server, &file, |command| {
        command
            .env("TMPDIR", other.path())
            .env("TMP", other.path())
            .env_remove("XDG_RUNTIME_DIR");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_server_is_refused_through_a_bind_mount() {
    let folder = folder_with(&[("db.json", "{\"a\": []}")]);
    let file = folder.path().join("db.json");
    let there = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .arg("--bind")
        .args([folder.path(), there.path()])
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: this user cannot mount");
        return;
    }
    let server = Process::serve(&file, &[]);
    let refused = std::panic::catch_unwind(|| {
        assert_refused(&server, &there.path().join("db.json"), |_| {});
    });
    let unmounted = Command::new("umount").arg(there.path()).status();
    assert!(unmounted.unwrap().success());
    refused.unwrap();
}

#[test]
fn the_lock_follows_the_file_through_saves_and_edits() {
    let folder = folder_with(&[("db.json", "{\"a\": []}")]);
    let file = folder.path().join("db.json");
    let mut server = Process::serve(&file, &[]);
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        client.send("POST", "/a", JSON, "{}").status_is(201);
        assert_refused(&server, &file, |_| {});
    }
    // As editors save: another file replaces this one.
    let new = folder.path().join("new");
    fs::write(&new, "{\"a\": [{\"id\": 7}]}").unwrap();
    fs::rename(&new, &file).unwrap();
    until("the edit is loaded", || {
        (client.get("/a/7").status == 200).then_some(())
    });
    assert_refused(&server, &file, |_| {});
    // A crash leaves no lock.
    server.kill();
    let server = Process::serve(&file, &[]);
    let reply = Client::connect(server.address).get("/a/7");
    assert_eq!(reply.value(), json!({"id": 7}));
    // And reading needs none.
    let reader = Process::serve(&file, &["--ephemeral"]);
    assert_refused(&server, &file, |_| {});
    drop((server, reader));
}

#[test]
#[cfg(unix)]
fn nothing_is_written_outside_the_folder_of_the_data() {
    let folder = folder_with(&[("db.json", "{\"a\": []}")]);
    let file = folder.path().join("db.json");
    let shared = tempfile::tempdir().unwrap();
    let server = Process::serve_as(&file, &[], |command| {
        command
            .env("TMPDIR", shared.path())
            .env_remove("XDG_RUNTIME_DIR");
    });
    let reply = Client::connect(server.address).send("POST", "/a", JSON, "{}");
    assert_eq!(reply.status, 201);
    assert_eq!(fs::read_dir(shared.path()).unwrap().count(), 0);
}
