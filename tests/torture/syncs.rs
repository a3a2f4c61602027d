//! Power loss: what is on the disk is what was synced. So each 200 must come after a sync that its change was written before.
//!
//! The order of the program's system calls is the proof: `strace` writes down what was written to the store's log, when that
//! was synced, and when an answer went out. A change stands in the log as it was sent, with its transaction ID.

use std::collections::HashSet;

use kit::{ORG_B, Program};

use crate::strace::Strace;
use crate::world::{Clients, set_up};

/// What of a system call matters here.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    /// Bytes on their way to the store's log.
    Written(Vec<String>),
    /// A sync begins; what was written before it is what it is about.
    SyncBegins(u32),
    SyncEnds(u32),
    /// An answer 200 begins to go out, for this transaction.
    Promised(String),
}

/// The transaction IDs in a piece of text: they begin with the name of this test's clients.
fn ids(text: &str) -> Vec<String> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    text.match_indices("power-")
        .map(|(at, _)| text[at..].split(ends).next().unwrap_or_default().to_owned())
        .collect()
}

/// Reads a line of `strace -f`.
fn call(line: &str) -> Option<Call> {
    let (pid, rest) = line.split_once(' ')?;
    let (pid, rest) = (pid.parse().ok()?, rest.trim_start());
    if rest.starts_with("pwrite64(") {
        return Some(Call::Written(ids(rest)));
    }
    if rest.starts_with("fsync(") || rest.starts_with("fdatasync(") {
        // One that is whole on its line began and ended there, with nothing in between.
        return Some(if rest.contains("unfinished") { Call::SyncBegins(pid) } else { Call::SyncEnds(pid) });
    }
    if rest.starts_with("<... fsync resumed") || rest.starts_with("<... fdatasync resumed") {
        return Some(Call::SyncEnds(pid));
    }
    let is_answer = ["writev(", "sendto(", "sendmsg(", "write("].iter().any(|name| rest.starts_with(name));
    (is_answer && rest.contains("HTTP/1.1 200")).then(|| ids(rest).pop().map(Call::Promised)).flatten()
}

/// Goes through the calls; returns how many promises there were, and those that came before their sync.
fn judge(calls: impl Iterator<Item = Call>) -> (usize, Vec<String>) {
    let (mut written, mut synced): (HashSet<String>, HashSet<String>) = Default::default();
    let mut syncing: Vec<(u32, HashSet<String>)> = Vec::new();
    let (mut promises, mut early) = (0, Vec::new());
    for call in calls {
        match call {
            Call::Written(ids) => written.extend(ids),
            Call::SyncBegins(pid) => syncing.push((pid, written.clone())),
            Call::SyncEnds(pid) => match syncing.iter().position(|(other, _)| *other == pid) {
                Some(at) => synced.extend(syncing.remove(at).1),
                None => synced.extend(written.iter().cloned()),
            },
            Call::Promised(id) => {
                promises += 1;
                if !synced.contains(&id) {
                    early.push(id);
                }
            }
        }
    }
    (promises, early)
}

#[test]
fn a_promise_before_its_sync_is_found() {
    let lines = [
        r#"7 pwrite64(9, "..power-0-1..", 4096, 0) = 4096"#,
        "7 fdatasync(9 <unfinished ...>",
        r#"8 writev(12, [{"HTTP/1.1 200 OK..power-0-1"..}], 2) = 300"#,
        "7 <... fdatasync resumed>) = 0",
        r#"8 writev(12, [{"HTTP/1.1 200 OK..power-0-1"..}], 2) = 300"#,
        r#"7 pwrite64(9, "..power-0-2..", 4096, 0) = 4096"#,
        "7 fsync(9) = 0",
        r#"8 writev(12, [{"HTTP/1.1 200 OK..power-0-2"..}], 2) = 300"#,
    ];
    let (promises, early) = judge(lines.iter().filter_map(|line| call(line)));
    assert_eq!((promises, early), (3, vec!["power-0-1".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_200_comes_after_the_sync_of_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    let program = Program::serve(&folder, &[]).await;
    let token = set_up(&program, &target).await;
    let log = folder.path().join("strace.txt");
    let watched = ["-s", "70000", "-e", "trace=pwrite64,fsync,fdatasync,writev,sendto,sendmsg,write"];
    let mut strace = Strace::attach(&program, &watched, &log).await;

    let enough = usize::try_from(200 * crate::times()).unwrap();
    let clients = Clients::begin(&program, &token, "power", 8);
    target.wait_for("load", |received| received.len() >= enough).await;
    let promised = clients.end().await;
    program.kill().await;
    strace.ended().await;
    let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    let (promises, early) = judge(text.lines().filter_map(call));
    println!("200s seen: {promises}, of them before their sync: {}", early.len());
    assert_eq!(early, Vec::<String>::new());
    assert!(
        promises >= promised.len().min(enough) && promises > 0,
        "{promises} of {} were seen",
        promised.len()
    );
}
