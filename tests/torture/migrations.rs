//! `kill -9` while a database of an older version is copied and brought up to date, at a write and at a sync of one's choice:
//! `strace` sends the signal at the n-th.

use std::path::Path;

use kit::Program;
use serde_json::{Value, json};
use sync_monitor_orgsim::Chance;
use sync_monitor_store::{care, past};
use tempfile::TempDir;
use tokio::process::Command;

use crate::world::{ask, assert_sound};

const DATABASE: &str = "sync-monitor.db";
/// How many items each database has, a third of them waiting, a third failed, a third synced.
const ITEMS: usize = 3_000;

/// An old database in a folder of its own.
fn old(schema: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    past::write_many(&folder.path().join(DATABASE), schema, ITEMS);
    // What is in it is older than a month, and a start that comes through would begin to clear it away.
    let kept = "[retention]\nsynced_days = 3650\ntransaction_days = 3650\n";
    std::fs::write(folder.path().join("config.toml"), kept).unwrap();
    folder
}

/// The program under `strace`, which is not its parent, so that the program can be told by its process ID.
fn traced(folder: &TempDir, log: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-q", "-o"]).arg(log).args(arguments).arg(kit::executable());
    command.arg("--data-dir").arg(folder.path()).args(["--listen", "127.0.0.1:0", "serve"]);
    command.env("SYNC_MONITOR_SECRETS", "file").kill_on_drop(true);
    command
}

/// How often one thread of a program that starts on such a database makes this call, at the most.
async fn calls(schema: usize, call: &str) -> u64 {
    let (folder, log) = (old(schema), tempfile::NamedTempFile::new().unwrap());
    let watched = format!("trace={call}");
    let program = Program::try_start(&folder, traced(&folder, log.path(), &["-e", &watched])).await.unwrap();
    let text = std::fs::read_to_string(log.path()).unwrap();
    program.kill().await;
    let mut by_thread = std::collections::HashMap::<&str, u64>::new();
    for line in text.lines().filter(|line| line.contains(&format!(" {call}("))) {
        *by_thread.entry(line.split(' ').next().unwrap()).or_default() += 1;
    }
    by_thread.into_values().max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_at_any_point_is_made_up_for_at_the_next_start() {
    let mut chance = Chance::new(crate::seed());
    let schemas: Vec<usize> = past::schemas().collect();
    let (mut kills, mut at_once) = (0, 0);
    for (call, times) in [("pwrite64", 3), ("fsync", 2)] {
        for _ in 0..times * crate::times().min(20) {
            let schema = *chance.pick(&schemas);
            let most = calls(schema, call).await;
            assert!(most > 0, "{call} is not called");
            for _ in 0..2 {
                let n = 1 + chance.below(most);
                let folder = old(schema);
                let faults = [format!("trace={call}"), format!("inject={call}:signal=KILL:when={n}")];
                let arguments = ["-e", &faults[0], "-e", &faults[1]];
                match Program::try_start(&folder, traced(&folder, Path::new("/dev/null"), &arguments)).await {
                    Err(_) => kills += 1,
                    // Where in a start a thread makes its calls differs a little from one to the next.
                    Ok(program) => {
                        at_once += 1;
                        program.kill().await;
                    }
                }
                let what = format!("schema {schema}, killed at {call} {n} of {most}");
                assert_whole(&folder, schema, &what).await;
            }
        }
    }
    println!(
        "killed in a migration of {ITEMS} items: {kills} times, {at_once} came through; 0 items lost, each with its copy"
    );
    assert!(kills > 0);
}

/// Starts on what was left behind: everything is there, and so is the copy of what was before.
async fn assert_whole(folder: &TempDir, schema: usize, what: &str) {
    let program = Program::serve(folder, &[]).await;
    let counts = ask(&program, "GET", "status", &Value::Null).await["counts"].clone();
    let third = json!(ITEMS / 3);
    assert_eq!([&counts["queued"], &counts["failed"], &counts["synced"]], [&third; 3], "{what}");
    let found = ask(&program, "GET", "items?q=missing&limit=1", &Value::Null).await;
    assert_eq!(found["total"], third, "{what}");
    program.kill().await;
    assert_sound(folder).await;
    let backups =
        std::fs::read_dir(folder.path().join("backups")).unwrap().map(|entry| entry.unwrap().path());
    let (copies, rest): (Vec<_>, Vec<_>) =
        backups.partition(|path| path.extension().is_some_and(|e| e == "db"));
    assert_eq!(rest, Vec::<std::path::PathBuf>::new(), "{what}: half a copy was left");
    assert!(!copies.is_empty(), "{what}: no copy");
    for copy in copies {
        assert_eq!(care::outdated(&copy).unwrap(), i64::try_from(schema).ok(), "{what}");
        assert_eq!(care::facts(&copy).unwrap().items, ITEMS as u64, "{what}");
    }
}
