//! What becomes of the data of an older version, and of a newer one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::Setup;
use serde_json::json;
use sync_monitor_store::{care, past};
use tempfile::TempDir;

const DATABASE: &str = "sync-monitor.db";

fn backups(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.join("backups")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_database_of_every_earlier_schema_is_copied_as_it_is_and_then_brought_up_to_date() {
    for schema in past::schemas() {
        let folder = Arc::new(TempDir::new().unwrap());
        past::write(&folder.path().join(DATABASE), schema);
        let app = Setup::default().on(Arc::clone(&folder)).start().await;
        let counts = &app.get("/api/v1/status").await["counts"];
        assert_eq!(
            (&counts["queued"], &counts["failed"], &counts["synced"]),
            (&json!(1), &json!(1), &json!(1))
        );
        let found = app.items("q=missing").await;
        assert_eq!((found.len(), &found[0]["title"]), (1, &json!("Second")), "schema {schema}");
        assert_eq!(
            app.order("POST", "/api/v1/store/check", json!({})).await,
            json!({ "ok": true, "problems": [] }),
            "schema {schema}"
        );
        let copies = backups(folder.path());
        assert_eq!(copies.len(), 1, "schema {schema}: {copies:?}");
        assert_eq!(care::outdated(&copies[0]).unwrap(), i64::try_from(schema).ok(), "the copy is as it was");
        assert_eq!(care::facts(&copies[0]).unwrap().items, 3);
        let app = app.restart(std::time::Duration::from_secs(5)).await;
        assert_eq!(backups(folder.path()).len(), 1, "what is up to date is not copied");
        app.stop().await;
    }
}

#[tokio::test]
async fn an_old_database_is_not_touched_where_no_copy_can_be_made() {
    let folder = Arc::new(TempDir::new().unwrap());
    let database = folder.path().join(DATABASE);
    past::write(&database, 1);
    // Where the folder of backups should be.
    std::fs::write(folder.path().join("backups"), "").unwrap();
    let error = format!("{:#}", Setup::default().on(Arc::clone(&folder)).try_start().await.err().unwrap());
    assert!(error.contains("older version") && error.contains("backups"), "{error}");
    assert_eq!(care::outdated(&database).unwrap(), Some(1));
}

#[tokio::test]
async fn who_goes_back_is_told_where_the_copy_is_and_the_newer_database_is_left_alone() {
    let folder = Arc::new(TempDir::new().unwrap());
    let app = Setup::default().on(Arc::clone(&folder)).start().await;
    app.stop().await;
    past::make_newer(&folder.path().join(DATABASE));
    let before = std::fs::read(folder.path().join(DATABASE)).unwrap();
    let error = format!("{:#}", Setup::default().on(Arc::clone(&folder)).try_start().await.err().unwrap());
    for part in ["newer version", "Install that version again", "backups", "docs/looking-after-the-store.md"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(std::fs::read(folder.path().join(DATABASE)).unwrap(), before);
}

#[tokio::test]
async fn a_setting_of_a_newer_version_is_named_with_its_line_and_what_to_do() {
    let folder = Arc::new(TempDir::new().unwrap());
    std::fs::write(folder.path().join("config.toml"), "secrets = \"file\"\nretry.mood = \"calm\"\n").unwrap();
    let error = format!("{:#}", Setup::default().on(Arc::clone(&folder)).try_start().await.err().unwrap());
    for part in ["line 2", "retry.mood", "take it out", "newer version"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
