//! The disk turns read-only under the program, as file systems do that find themselves damaged: whatever is open stays open, and
//! each write and each sync fails with `EROFS`. `strace` gives that answer in the place of the system.

use std::path::Path;

use kit::{ORG_B, Program};
use serde_json::Value;

use crate::strace::Strace;
use crate::world::{Answered, ask, send, set_up};

/// What SQLite writes with.
const WRITES: &str = "pwrite64,pwritev,fsync,fdatasync,ftruncate,unlink,rename,mkdir";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_turns_read_only_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    let program = Program::serve(&folder, &[]).await;
    let token = set_up(&program, &target).await;
    let mut answered = Answered::default();
    for round in 0..3 * crate::times() {
        for n in 0..20 {
            let id = format!("r{round}-before-{n}");
            assert_eq!(send(&program, &token, &id).await.status, 200);
            answered.promised.insert(id);
        }
        // Some of those are on their way just now.
        let faults = [format!("trace={WRITES}"), format!("inject={WRITES}:error=EROFS")];
        let strace =
            Strace::attach(&program, &["-e", &faults[0], "-e", &faults[1]], Path::new("/dev/null")).await;
        for n in 0..10 {
            let id = format!("r{round}-{n}");
            let posted = send(&program, &token, &id).await;
            assert_eq!((posted.status, &posted.body["errors"][0]["code"]), (500, &"SERVER_ERROR".into()));
            answered.refused.insert(id);
        }
        assert!(
            ask(&program, "GET", "status", &Value::Null).await["counts"]["synced"].is_u64(),
            "it can be read"
        );
        strace.detach().await;
        let after = format!("r{round}-after");
        assert_eq!(send(&program, &token, &after).await.status, 200);
        answered.promised.insert(after);
    }
    answered.assert_kept(program, &target, &folder, "disk read-only").await;
}
