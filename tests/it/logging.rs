//! What is left for support: the log in files, at the level that somebody asks for; what a crash leaves, and who is told.

use std::path::Path;
use std::process::{Output, Stdio};

use kit::{Program, exchange};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let running = Program::command(folder, arguments).stdin(Stdio::null()).output();
    tokio::time::timeout(std::time::Duration::from_secs(30), running).await.unwrap().unwrap()
}

async fn said(folder: &TempDir, arguments: &[&str]) -> String {
    let output = run(folder, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn log(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("logs/sync-monitor.log")).unwrap()
}

/// A report as the program leaves it (the program's own tests see to that), of a run before.
fn crashed(folder: &Path) {
    let reports = folder.join("crashes");
    std::fs::create_dir_all(&reports).unwrap();
    let report = "Sync Monitor 0.1.0 on linux x86_64, then, thread store-writer\nfailed at writer.rs:7:1: it cannot be\n\nthe way to it\n";
    std::fs::write(reports.join("crash-20260227-143000-1.txt"), report).unwrap();
}

#[tokio::test]
async fn the_level_of_the_log_is_changed_while_the_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&said(&folder, &["log", "--json"]).await).unwrap()["level"],
        "info"
    );
    assert!(said(&folder, &["log"]).await.contains("ready url="));
    assert!(!log(&folder).contains("DEBUG"));
    said(&folder, &["log", "--level", "error"]).await;
    said(&folder, &["log", "--level", "info,sync_monitor_engine=debug"]).await;
    let answer: Value = serde_json::from_str(&said(&folder, &["log", "--json"]).await).unwrap();
    assert!(answer["level"].as_str().unwrap().contains("sync_monitor_engine=debug"), "{answer}");
    assert_eq!(answer["folder"], folder.path().join("logs").to_str().unwrap());
    let kept = log(&folder);
    assert!(kept.contains("the level of the log was changed"), "{kept}");
    let refused = run(&folder, &["log", "--level", "loud=very"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("loud=very") && why.contains("debug or trace"), "{why}");
    program.kill().await;
}

#[tokio::test]
async fn the_log_is_kept_over_starts_and_says_that_the_program_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    said(&folder, &["log", "--level", "debug"]).await;
    program.kill().await;
    let program = Program::serve(&folder, &[]).await;
    let kept = log(&folder);
    let [first, second] =
        ["the level of the log was changed", "did not end cleanly"].map(|words| kept.find(words));
    assert!(first.is_some() && first < second, "of the run before, and of this one: {kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("logs"), mode("logs/sync-monitor.log")), (0o700, 0o600));
    }
    program.kill().await;
}

#[tokio::test]
async fn a_crash_is_told_of_at_the_next_start_until_somebody_has_seen_its_report() {
    let folder = tempfile::tempdir().unwrap();
    crashed(folder.path());
    let program = Program::serve(&folder, &[]).await;
    let kept = log(&folder);
    assert!(kept.contains("failed in an earlier run, at writer.rs:7:1: it cannot be"), "{kept}");
    assert!(said(&folder, &["status"]).await.contains("A part of the program failed, at writer.rs:7:1"));
    let status: Value = serde_json::from_str(&said(&folder, &["status", "--json"]).await).unwrap();
    assert_eq!(status["crash"]["summary"], "writer.rs:7:1: it cannot be");
    assert!(said(&folder, &["crash"]).await.contains("the way to it"));
    let bundle: Value = serde_json::from_str(&said(&folder, &["diagnostics", "--json"]).await).unwrap();
    assert!(bundle["crash"].as_str().unwrap().contains("the way to it"), "{bundle}");

    said(&folder, &["crash", "--seen"]).await;
    assert!(!said(&folder, &["status"]).await.contains("A part of the program failed"));
    assert!(said(&folder, &["crash"]).await.contains("No part of the program has failed"));
    let head =
        format!("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}", program.token);
    assert_eq!(exchange(&program.url, &head, b"").await.json()["crash"], Value::Null);
    program.kill().await;
    let program = Program::serve(&folder, &[]).await;
    assert_eq!(log(&folder).matches("failed in an earlier run").count(), 1);
    program.kill().await;
    assert_eq!(
        json!(folder.path().join("crashes/crash-20260227-143000-1.txt").exists()),
        json!(true),
        "it is kept"
    );
}
