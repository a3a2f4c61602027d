//! The disk is full in mid-write: the sender is told, nothing half is kept, and it goes on by itself when there is room.

#![cfg(target_os = "linux")]

use kit::{ORG_B, Program};

use crate::world::{Answered, send, set_up};

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
    let mut answered = Answered::default();
    for round in 0..3 * crate::times() {
        // Room for little more than there is.
        let size = |name| {
            std::fs::metadata(folder.path().join(name)).map_or(0, |file: std::fs::Metadata| file.len())
        };
        let largest = size("sync-monitor.db-wal").max(size("sync-monitor.db"));
        limit_files(&program, &(largest + 150_000 + 9_000 * round).to_string()).await;
        let mut seen = 0;
        // The log may be larger than the database, which then has all the room between them.
        for n in 0..20_000 {
            let id = format!("r{round}-{n}");
            let posted = send(&program, &token, &id).await;
            match posted.status {
                200 => answered.promised.insert(id),
                500 => {
                    seen += 1;
                    assert_eq!(posted.body["errors"][0]["code"], "SERVER_ERROR");
                    answered.refused.insert(id)
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
        assert_eq!(send(&program, &token, &after).await.status, 200);
        answered.promised.insert(after);
    }
    answered.assert_kept(program, &target, &folder, "disk full").await;
}
