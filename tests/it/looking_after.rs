//! Looking after the store, with the program running and without it.

use std::path::Path;
use std::process::{Output, Stdio};

use kit::{App, MockClock, ORG_A, ORG_B, Payload, Program};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    Program::command(folder, arguments).stdin(Stdio::null()).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)))
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_store_is_measured_checked_and_copied_while_changes_come_in() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let first = app.now();
    app.accept(&pair.token_a, &Payload::from(ORG_A, first).record("WI-1", "x")).await;
    let store = app.get("/api/v1/store").await;
    assert_eq!(store["path"], app.folder().join("sync-monitor.db").to_str().unwrap());
    assert_eq!((&store["items"], &store["transactions"]), (&json!(1), &json!(1)));
    assert_eq!(store["oldestItemAt"], first.to_string());
    for member in ["bytes", "walBytes", "schemaVersion"] {
        assert!(store[member].as_u64().is_some_and(|n| n > 0), "{member}: {store}");
    }
    let coming_in = async {
        for n in 0..50 {
            let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
            app.accept(&pair.token_a, &payload).await;
        }
    };
    let copying = app.order("POST", "/api/v1/store/backup", json!({}));
    let ((), backup) = tokio::join!(coming_in, copying);
    let path = backup["path"].as_str().unwrap();
    assert!(path.starts_with(app.folder().join("backups/sync-monitor-").to_str().unwrap()), "{path}");
    assert_eq!(std::fs::metadata(path).unwrap().len(), backup["bytes"].as_u64().unwrap());
    assert_eq!(
        app.order("POST", "/api/v1/store/check", json!({})).await,
        json!({ "ok": true, "problems": [] })
    );
    let line = &app.get("/api/v1/activity").await["activity"][0];
    assert_eq!((&line["action"], line["subject"].as_str()), (&json!("store.backup"), Some(path)));
    app.stop().await;
}

#[tokio::test]
async fn a_backup_is_never_written_over_anything_or_to_nowhere() {
    let app = App::start().await;
    let there = app.folder().join("there.db");
    std::fs::write(&there, "mine").unwrap();
    let linked = app.folder().join("linked.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(app.folder().join("not-there.db"), &linked).unwrap();
    let database = app.folder().join("sync-monitor.db");
    for (body, status, words) in [
        (json!({ "path": there }), 409, "not written over"),
        (json!({ "path": linked }), 409, "not written over"),
        (json!({ "path": database }), 409, "not written over"),
        (json!({ "path": app.folder() }), 409, "not written over"),
        (json!({ "path": app.folder().join("no/where.db") }), 409, "cannot be written"),
        (json!({ "path": "relative.db" }), 400, "from the root on"),
        (json!({ "path": "" }), 400, "from the root on"),
        (json!({ "path": 5 }), 400, ""),
        (json!({ "file": "/x.db" }), 400, ""),
    ] {
        let (got, problem) = app.ask("POST", "/api/v1/store/backup", Some(body.clone())).await;
        assert_eq!(got, status, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{body}: {problem}");
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    let left = names(app.folder());
    assert!(!left.iter().any(|name| name.contains("unfinished") || name == "not-there.db"), "{left:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_backup_put_in_the_stores_place_has_everything_that_was_in_it() {
    let (app, pair) = App::with_two_orgs().await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    let backup = app.order("POST", "/api/v1/store/backup", json!({})).await;
    let later = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &later).await;
    app.wait_status(later.id(), ORG_B, "synced").await;
    let folder = app.keep_folder();
    let bring_back = |_: &MockClock| {
        for name in ["sync-monitor.db", "sync-monitor.db-wal", "sync-monitor.db-shm"] {
            if folder.path().join(name).exists() {
                std::fs::remove_file(folder.path().join(name)).unwrap();
            }
        }
        std::fs::copy(backup["path"].as_str().unwrap(), folder.path().join("sync-monitor.db")).unwrap();
    };
    let app = app.restart_after(bring_back).await;
    assert_eq!(app.count("synced").await, 1);
    // What the backup does not know is new: it is sent again, and does no harm there.
    app.accept(&pair.token_a, &later).await;
    app.wait_status(later.id(), ORG_B, "synced").await;
    assert_eq!(app.order("POST", "/api/v1/store/check", json!({})).await["ok"], true);
    app.stop().await;
}

#[tokio::test]
async fn a_store_is_looked_at_from_the_command_line_with_and_without_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(&folder, &["db", "check"]).await;
    assert_eq!(nothing.status.code(), Some(1), "{nothing:?}");
    assert!(text(&nothing.stderr).contains("no store"), "{nothing:?}");
    assert_eq!(run(&folder, &["db", "backup"]).await.status.code(), Some(1));
    assert_eq!(names(folder.path()), [""; 0], "and none is made");

    let program = Program::serve(&folder, &[]).await;
    let checked = run(&folder, &["db", "check", "--json"]).await;
    assert_eq!(
        (checked.status.code(), read(&checked.stdout)),
        (Some(0), json!({ "ok": true, "problems": [] }))
    );
    assert_eq!(text(&checked.stderr), "");
    let place = folder.path().join("a copy.db");
    let copied = run(&folder, &["db", "backup", place.to_str().unwrap()]).await;
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    assert!(text(&copied.stdout).starts_with(&format!("The store is copied to {}", place.display())));
    assert_eq!(run(&folder, &["db", "backup", place.to_str().unwrap()]).await.status.code(), Some(1));
    program.kill().await;

    // After a kill the log beside the file holds what was written last.
    let checked = run(&folder, &["db", "check", "--json"]).await;
    assert_eq!(
        (checked.status.code(), read(&checked.stdout)),
        (Some(0), json!({ "ok": true, "problems": [] }))
    );
    assert!(text(&checked.stderr).contains("not running"), "{checked:?}");
    let copied = run(&folder, &["db", "backup", "--json"]).await;
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    assert!(Path::new(read(&copied.stdout)["path"].as_str().unwrap()).is_file());
}

#[tokio::test]
async fn a_damaged_store_is_said_to_be_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let copied = run(&folder, &["db", "backup", "--json"]).await;
    program.kill().await;
    let database = folder.path().join("sync-monitor.db");
    for name in ["sync-monitor.db-wal", "sync-monitor.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let sound = std::fs::read(read(&copied.stdout)["path"].as_str().unwrap()).unwrap();
    let damages: [(&str, Vec<u8>); 3] = [
        ("no database", b"this is a shopping list, and quite a long one at that".repeat(100)),
        ("cut off", sound[..sound.len() / 2].to_vec()),
        ("a page of it", [&sound[..4_096], &[0x55; 4_096], &sound[8_192..]].concat()),
    ];
    for (name, bytes) in damages {
        std::fs::write(&database, &bytes).unwrap();
        let checked = run(&folder, &["db", "check"]).await;
        assert_eq!(checked.status.code(), Some(1), "{name}: {checked:?}");
        let said = text(&checked.stdout);
        assert!(said.contains("is not sound") && said.contains("last good backup"), "{name}: {said}");
        assert_eq!(read(&run(&folder, &["db", "check", "--json"]).await.stdout)["ok"], false, "{name}");
        assert_eq!(run(&folder, &["db", "backup"]).await.status.code(), Some(1), "{name}");
        assert!(std::fs::read(&database).unwrap() == bytes, "{name}: it is left as it is");
    }
    std::fs::write(&database, b"not a database at all, whatever it is".repeat(200)).unwrap();
    let started = run(&folder, &["--listen", "127.0.0.1:0", "serve"]).await;
    assert_eq!(started.status.code(), Some(1));
    let said = text(&started.stderr);
    assert!(said.contains("is damaged") && said.contains("put a backup in its place"), "{said}");
}
