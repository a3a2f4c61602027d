//! The disk turns read-only under the program, as file systems do that find themselves damaged: whatever is open stays open, and
//! each write and each sync fails with `EROFS`. `strace` gives that answer in the place of the system.

use std::collections::HashSet;
use std::path::Path;

use kit::{ORG_A, ORG_B, Payload, Program};
use serde_json::Value;
use sync_monitor_orgsim::{post, wall_clock};

use crate::strace::Strace;
use crate::world::{ask, assert_sound, lost_and_doubled, set_up};

/// What SQLite writes with.
const WRITES: &str = "pwrite64,pwritev,fsync,fdatasync,ftruncate,unlink,rename,mkdir";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_turns_read_only_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    let program = Program::serve(&folder, &[]).await;
    let token = set_up(&program, &target).await;
    let (mut promised, mut refused): (HashSet<String>, HashSet<String>) = Default::default();
    let send = async |id: &str| {
        let payload = Payload::from(ORG_A, wall_clock()).transaction(id).record(id, "x");
        post(&program.url, &token, payload.text()).await.unwrap()
    };
    for round in 0..3 * crate::times() {
        for n in 0..20 {
            let id = format!("r{round}-before-{n}");
            assert_eq!(send(&id).await.status, 200);
            promised.insert(id);
        }
        // Some of those are on their way just now.
        let faults = [format!("trace={WRITES}"), format!("inject={WRITES}:error=EROFS")];
        let strace =
            Strace::attach(&program, &["-e", &faults[0], "-e", &faults[1]], Path::new("/dev/null")).await;
        for n in 0..10 {
            let id = format!("r{round}-{n}");
            let posted = send(&id).await;
            assert_eq!((posted.status, &posted.body["errors"][0]["code"]), (500, &"SERVER_ERROR".into()));
            refused.insert(id);
        }
        assert!(
            ask(&program, "GET", "status", &Value::Null).await["counts"]["synced"].is_u64(),
            "it can be read"
        );
        strace.detach().await;
        let after = format!("r{round}-after");
        assert_eq!(send(&after).await.status, 200);
        promised.insert(after);
    }
    let received =
        target.wait_for("what was promised", |received| lost_and_doubled(&promised, received).0 == 0).await;
    let kept =
        received.iter().filter_map(|one| one.transaction_id.as_ref()).filter(|id| refused.contains(*id));
    assert_eq!(kept.count(), 0, "what was refused was kept");
    loop {
        let counts = ask(&program, "GET", "status", &Value::Null).await["counts"].clone();
        if ["queued", "processing", "retrying"].iter().all(|status| counts[*status] == 0) {
            assert_eq!(counts["synced"], promised.len(), "{counts}");
            break;
        }
    }
    let (lost, doubled) = lost_and_doubled(&promised, &target.received());
    println!(
        "disk read-only: {} taken, {lost} lost, {} refused, none of them kept; {doubled} sent twice",
        promised.len(),
        refused.len()
    );
    program.kill().await;
    assert_sound(&folder).await;
}
