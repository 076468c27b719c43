//! Permissions of the data file, and of all files beside it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;
use crate::support::*;

const ACL: &str = "system.posix_acl_access";
const START: &str = "{\"a\": []}";

fn place(mode: u32) -> (TempDir, PathBuf) {
    let folder = folder_with(&[("db.json", START)]);
    let file = folder.path().join("db.json");
    set_mode(&file, mode);
    (folder, file)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The bytes of an ACL: the owner reads and writes, the user 12345 reads, the group and all others nothing.
fn acl() -> Vec<u8> {
    const NOBODY_IN_PARTICULAR: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, NOBODY_IN_PARTICULAR),
        (0x02, 4, 12345),
        (0x04, 0, NOBODY_IN_PARTICULAR),
        (0x10, 4, NOBODY_IN_PARTICULAR),
        (0x20, 0, NOBODY_IN_PARTICULAR),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Sets an attribute; `false` where the file system has none.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let done = xattr::set(path, name, value);
    if let Err(error) = &done {
        println!("skipped: {name} cannot be set here: {error}");
    }
    done.is_ok()
}

fn post(server: &Process) {
    let reply = Client::connect(server.address).send("POST", "/a", JSON, "{}");
    reply.status_is(201);
}

/// Starts the server, makes it save, and kills it after `check`.
fn save(file: &Path, arguments: &[&str], check: impl FnOnce(&Process)) {
    let before = fs::read(file).unwrap();
    let server = Process::serve(file, arguments);
    post(&server);
    until("the file is saved", || {
        (fs::read(file).unwrap() != before).then_some(())
    });
    check(&server);
}

#[test]
fn a_save_keeps_the_acl_and_the_attributes() {
    for journal in ["0", "1000m"] {
        let (_folder, file) = place(0o600);
        if !set(&file, ACL, &acl()) || !set(&file, "user.note", b"mine") {
            return;
        }
        let (acl, mode_before) = (xattr::get(&file, ACL).unwrap(), mode(&file));
        save(&file, &["--journal-above", journal], |_| {});
        assert_eq!(xattr::get(&file, ACL).unwrap(), acl);
        assert_eq!(mode(&file), mode_before);
        assert_eq!(
            xattr::get(&file, "user.note").unwrap().as_deref(),
            Some(&b"mine"[..])
        );
    }
}

#[test]
fn a_save_does_not_take_over_the_acl_that_the_folder_gives_to_new_files() {
    let (folder, file) = place(0o640);
    if !set(folder.path(), "system.posix_acl_default", &acl()) {
        return;
    }
    save(&file, &[], |_| {});
    assert_eq!(xattr::get(&file, ACL).unwrap(), None);
    assert_eq!(mode(&file), 0o640);
}

#[test]
fn files_beside_a_private_file_are_private() {
    let (folder, file) = place(0o600);
    let server = Process::serve(&file, &["--journal-above", "0"]);
    let mut client = Client::connect(server.address);
    client.send("POST", "/a", JSON, "{\"n\": 1}").status_is(201);
    until("the file is saved", || {
        fs::read_to_string(&file)
            .unwrap()
            .contains("\"id\"")
            .then_some(())
    });
    // A restore drops the write, and keeps its record beside the file.
    let new = folder.path().join("edit");
    fs::write(&new, START).unwrap();
    set_mode(&new, 0o600);
    fs::rename(&new, &file).unwrap();
    let conflicts = folder.path().join("db.conflicts.jsonl");
    until("there is a conflict", || conflicts.exists().then_some(()));
    client.send("POST", "/a", JSON, "{}").status_is(201);
    assert_all_private(folder.path());
}

fn assert_all_private(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_conflicts_file_from_before_becomes_private_and_a_planted_link_is_not_followed() {
    use standin::internals::file::{DataFile, Durability, RealDisk, Role};
    let (folder, file) = place(0o600);
    let opened = DataFile::open(&file, Durability::Written, Box::new(RealDisk), Role::Owner);
    let opened = opened.unwrap().0;
    let conflicts = folder.path().join("db.conflicts.jsonl");
    fs::write(&conflicts, "{}\n").unwrap();
    set_mode(&conflicts, 0o644);
    opened.append_conflicts("{\"n\": 1}").unwrap();
    assert_eq!(mode(&conflicts), 0o600);
    assert_eq!(fs::read_to_string(&conflicts).unwrap(), "{}\n{\"n\": 1}\n");

    let victim = folder.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    fs::remove_file(&conflicts).unwrap();
    std::os::unix::fs::symlink(&victim, &conflicts).unwrap();
    assert!(opened.append_conflicts("{}").is_err());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn the_file_is_written_in_place_if_rights_cannot_be_copied() {
    const USER: u32 = 12345;
    let (folder, file) = place(0o660);
    if chown(&file, Some(1), Some(2)).is_err() || !set(&file, ACL, &acl_for_writer()) {
        println!("skipped: only root can give a file away");
        return;
    }
    set_mode(folder.path(), 0o777);
    let (before, acl) = (
        fs::metadata(&file).unwrap(),
        xattr::get(&file, ACL).unwrap(),
    );
    let server = Process::serve_as(&file, &[], |command| {
        use std::os::unix::process::CommandExt;
        command.uid(USER).gid(USER).current_dir("/");
    });
    until("the start says so", || {
        server.errors().contains("saves overwrite").then_some(())
    });
    post(&server);
    let after = fs::metadata(&file).unwrap();
    assert_eq!(
        (after.ino(), after.uid(), after.gid(), after.mode()),
        (before.ino(), before.uid(), before.gid(), before.mode())
    );
    assert_eq!(xattr::get(&file, ACL).unwrap(), acl);
    has(fs::read_to_string(&file).unwrap(), "\"id\": 1");
}

/// Like [`acl`], but the user 12345 writes, too.
fn acl_for_writer() -> Vec<u8> {
    let mut bytes = acl();
    (bytes[4 + 8 + 2], bytes[4 + 24 + 2]) = (6, 6);
    bytes
}

#[test]
fn a_start_does_not_block_on_special_files() {
    let hash = "0123456789abcdef";
    let names = [
        ".db.json.standin-journal".to_string(),
        format!(".db.json.{hash}-{hash}.standin-tmp"),
        format!(".db.json.{hash}-{hash}.standin-new"),
    ];
    for kind in ["pipe", "folder", "link"] {
        let (folder, file) = place(0o644);
        let victim = folder.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        for name in &names {
            let path = folder.path().join(name);
            match kind {
                "pipe" => assert!(
                    Command::new("mkfifo")
                        .arg(&path)
                        .status()
                        .unwrap()
                        .success()
                ),
                "folder" => fs::create_dir(&path).unwrap(),
                _ => std::os::unix::fs::symlink(&victim, &path).unwrap(),
            }
        }
        for arguments in [&["--ephemeral"][..], &["--journal-above", "0"]] {
            let server = Process::serve(&file, arguments);
            post(&server);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine", "{kind}");
        // Killed at once, so that the write may be in the journal only.
        let server = Process::serve(&file, &[]);
        let reply = Client::connect(server.address).get("/a/1");
        assert_eq!(reply.status, 200, "{kind}");
    }
}

#[test]
fn ephemeral_leaves_everything_as_it_is() {
    let hash = "0123456789abcdef";
    let (folder, file) = place(0o644);
    // What a crash leaves: a scratch file, a copy of a write in place, a truncated journal.
    for (name, text) in [
        (
            format!(".db.json.{hash}-{hash}.standin-tmp"),
            "{\"a\": [1]}",
        ),
        (
            format!(".db.json.{hash}-{hash}.standin-new"),
            "{\"a\": [2]}",
        ),
        (
            ".db.json.standin-journal".into(),
            "{\"journal\":{\"size\":1,\"hash\":\"00",
        ),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let all = || {
        let mut all: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let about = fs::metadata(&path).unwrap();
                (
                    path.clone(),
                    about.ino(),
                    about.mtime_nsec(),
                    fs::read(path).unwrap(),
                )
            })
            .collect();
        all.sort();
        all
    };
    let before = all();
    let mut server = Process::serve(&file, &["--ephemeral"]);
    post(&server);
    let mut client = Client::connect(server.address);
    let save = client.send("PUT", "/-/rules", JSON, "{\"type\": \"object\"}");
    let problem = save.problem(403, "read-only");
    has(problem["hint"].as_str().unwrap(), "--ephemeral");
    let page = [JSON[0], ("Origin", "http://evil.example")];
    let problem = client
        .send("PUT", "/-/rules", &page, "{}")
        .problem(403, "admin");
    lacks(problem["hint"].as_str().unwrap(), "--cors");
    for path in ["/-/snapshots/x", "/-/undo", "/-/reset"] {
        client.send("POST", path, NONE, "");
    }
    assert_eq!(all(), before);
    server.signal("TERM");
    until("it ends", || server.child.try_wait().unwrap());
    assert_eq!(all(), before);
}
