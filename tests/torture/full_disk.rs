//! The disk is full in mid-write: the sender is told, nothing half is kept, and it goes on by itself when there is room.

#![cfg(target_os = "linux")]

use std::collections::HashSet;

use kit::{ORG_A, ORG_B, Payload, Program};
use serde_json::Value;
use sync_monitor_orgsim::post;

use crate::world::{ask, assert_sound, lost_and_doubled, set_up};

/// Limits the size of the files that the program may write, as a full disk would: it can be done without being root, and to a
/// program that runs.
async fn limit_files(program: &Program, bytes: &str) {
    let limited = tokio::process::Command::new("prlimit")
        .args(["--pid", &program.pid().to_string(), &format!("--fsize={bytes}:unlimited")])
        .status()
        .await;
    assert!(limited.is_ok_and(|status| status.success()), "prlimit (util-linux) could not limit the program");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    // A file that would grow too large is to be an error, as with a full disk, and not the end of the program.
    let program = Program::serve_deaf_to(&folder, "XFSZ").await;
    let token = set_up(&program, &target).await;
    let (mut promised, mut refused): (HashSet<String>, HashSet<String>) = Default::default();
    for round in 0..3 * crate::times() {
        // Room for little more than there is.
        let size = |name| {
            std::fs::metadata(folder.path().join(name)).map_or(0, |file: std::fs::Metadata| file.len())
        };
        let largest = size("sync-monitor.db-wal").max(size("sync-monitor.db"));
        limit_files(&program, &(largest + 150_000 + 9_000 * round).to_string()).await;
        let mut seen = 0;
        for n in 0..2_000 {
            let id = format!("r{round}-{n}");
            let payload =
                Payload::from(ORG_A, sync_monitor_orgsim::wall_clock()).transaction(&id).record(&id, "x");
            let posted = post(&program.url, &token, payload.text()).await.unwrap();
            match posted.status {
                200 => promised.insert(id),
                500 => {
                    seen += 1;
                    assert_eq!(posted.body["errors"][0]["code"], "SERVER_ERROR");
                    refused.insert(id)
                }
                other => panic!("{other}: {}", posted.body),
            };
            if seen == 5 {
                break;
            }
        }
        assert_eq!(seen, 5, "the disk was never full");
        limit_files(&program, "unlimited").await;
        let after = format!("r{round}-after");
        let payload =
            Payload::from(ORG_A, sync_monitor_orgsim::wall_clock()).transaction(&after).record(&after, "x");
        assert_eq!(post(&program.url, &token, payload.text()).await.unwrap().status, 200);
        promised.insert(after);
    }
    let received =
        target.wait_for("what was promised", |received| lost_and_doubled(&promised, received).0 == 0).await;
    let kept =
        received.iter().filter_map(|one| one.transaction_id.as_ref()).filter(|id| refused.contains(*id));
    assert_eq!(kept.count(), 0, "what was refused was kept");
    loop {
        let status = ask(&program, "GET", "status", &Value::Null).await;
        if status["counts"]["processing"] == 0 && status["counts"]["queued"] == 0 {
            break;
        }
    }
    let (lost, doubled) = lost_and_doubled(&promised, &target.received());
    println!(
        "disk full: {} taken, {lost} lost, {} refused, none of them kept; {doubled} sent twice",
        promised.len(),
        refused.len()
    );
    program.kill().await;
    assert_sound(&folder).await;
}
