//! The program as a process, with an org that it sends to, and clients that post.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kit::{ORG_A, Payload, Program, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{OrgSim, Posted, Received, post, wall_clock};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Asks the management API of a program.
pub(crate) async fn ask(program: &Program, method: &str, path: &str, body: &Value) -> Value {
    let head = format!(
        "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
        program.token
    );
    let body = if body.is_null() { String::new() } else { body.to_string() };
    kit::exchange(&program.url, &head, body.as_bytes()).await.json()
}

/// Connects the org, routes to it, and makes a token.
pub(crate) async fn set_up(program: &Program, target: &OrgSim) -> String {
    set_up_for(program, &target.auth_url(), &target.id().to_string()).await
}

/// The same for an org of this sfdxAuthUrl and ID.
pub(crate) async fn set_up_for(program: &Program, auth_url: &str, target: &str) -> String {
    ask(program, "POST", "orgs/import", &json!({ "sfdxAuthUrl": auth_url })).await;
    let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": org_id(target), "enabled": true });
    ask(program, "POST", "routes", &route).await;
    let token = json!({ "name": "torture", "sourceOrgIds": [org_id(ORG_A)] });
    ask(program, "POST", "tokens", &token).await["token"].as_str().unwrap().to_owned()
}

/// Clients that post one change after the other.
pub(crate) struct Clients {
    tasks: JoinSet<Vec<String>>,
    stop: Arc<AtomicBool>,
}

impl Clients {
    /// So many begin to post; each ends with the first answer that is no 200.
    pub(crate) fn begin(program: &Program, token: &str, name: &str, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for client in 0..clients {
            let (url, token, name) = (program.url.clone(), token.to_owned(), name.to_owned());
            let stop = Arc::clone(&stop);
            tasks.spawn(async move {
                let mut promised = Vec::new();
                for n in 0.. {
                    let id = format!("{name}-{client}-{n}");
                    let payload = Payload::from(ORG_A, wall_clock());
                    let payload = payload.transaction(id.clone()).record(&id, "x");
                    match post(&url, &token, payload.text()).await {
                        Ok(posted) if posted.status == 200 => promised.push(id),
                        _ => break,
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                promised
            });
        }
        Self { tasks, stop }
    }

    /// Those that still post end; returns the transactions that got a 200.
    pub(crate) async fn end(self) -> HashSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

/// What of these an org has not taken, and how many it got more than once.
pub(crate) fn lost_and_doubled(promised: &HashSet<String>, received: &[Received]) -> (usize, usize) {
    let mut taken: HashMap<&str, usize> = HashMap::new();
    for id in received.iter().filter(|one| one.taken).filter_map(|one| one.transaction_id.as_deref()) {
        *taken.entry(id).or_default() += 1;
    }
    let lost = promised.iter().filter(|id| !taken.contains_key(id.as_str())).count();
    (lost, taken.values().filter(|n| **n > 1).count())
}

/// Posts a change of a record of its own to a program; the transaction is named like the record.
pub(crate) async fn send(program: &Program, token: &str, id: &str) -> Posted {
    let payload = Payload::from(ORG_A, wall_clock()).transaction(id).record(id, "x");
    post(&program.url, token, payload.text()).await.unwrap()
}

/// The transactions that a program answered with 200, and those that it answered with a failure of its own.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) promised: HashSet<String>,
    pub(crate) refused: HashSet<String>,
}

impl Answered {
    /// Once the disk is well again: what was promised arrives, nothing is kept of what was refused, and the store is sound.
    pub(crate) async fn assert_kept(self, program: Program, target: &OrgSim, folder: &TempDir, fault: &str) {
        let Self { promised, refused } = self;
        let all = |received: &[Received]| lost_and_doubled(&promised, received).0 == 0;
        let received = target.wait_for("what was promised", all).await;
        let kept =
            received.iter().filter_map(|one| one.transaction_id.as_ref()).filter(|id| refused.contains(*id));
        assert_eq!(kept.count(), 0, "what was refused was kept");
        loop {
            let counts = ask(&program, "GET", "status", &Value::Null).await["counts"].clone();
            if !waits(&counts) {
                assert_eq!(counts["synced"], promised.len(), "{counts}");
                break;
            }
        }
        let (lost, doubled) = lost_and_doubled(&promised, &target.received());
        println!(
            "{fault}: {} taken, {lost} lost, {} refused, none of them kept; {doubled} sent twice",
            promised.len(),
            refused.len()
        );
        program.kill().await;
        assert_sound(folder).await;
    }
}

/// Is any item still on its way?
pub(crate) fn waits(counts: &Value) -> bool {
    ["queued", "processing", "retrying"].iter().any(|status| counts[*status] != 0)
}

/// Is the store of a program that does not run sound, bookkeeping and all?
pub(crate) async fn assert_sound(folder: &TempDir) {
    let checked = Program::command(folder, &["db", "check"]).output().await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
