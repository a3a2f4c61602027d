//! How it is with a hundred thousand items. It takes minutes, and says something only of a release build:
//!
//! ```sh
//! cargo build --release -p sync-monitor-cli
//! cargo test --release -p sync-monitor-tests --test load -- --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::header;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use kit::{ORG_A, ORG_B, Program, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, OrgSim, Rule};
use tempfile::TempDir;

const ITEMS: u64 = 100_000;
/// Who posts at once, while the items come in.
const POSTERS: u64 = 16;

/// The program, an org that it sends to, and a way to both.
#[derive(Clone)]
struct World {
    url: String,
    admin: String,
    token: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl World {
    async fn ask(&self, method: &str, path: &str, bearer: &str, body: &str) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = self.client.request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn order(&self, method: &str, path: &str, body: Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.ask(method, &format!("/api/v1/{path}"), &self.admin, &text).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Posts the change of a record; returns how long it took.
    async fn post(&self, name: &str) -> Duration {
        let now = sync_monitor_orgsim::wall_clock();
        let record = json!({
            "externalId": name, "title": format!("Add revenue report {name}"), "status": "In Development",
            "priority": "High", "estimatedHours": 8, "assignee": "developer@example.com",
            "description": "lorem ipsum ".repeat(20), "acceptanceCriteria": "It adds up.", "comments": [], "timeLogs": [],
        });
        let payload = json!({
            "transactionId": format!("txn-{name}"), "sourceOrgId": org_id(ORG_A), "timestamp": now,
            "operation": "upsert", "records": [record],
        });
        let began = Instant::now();
        let (status, answer) = self.ask("POST", "/delivery/sync", &self.token, &payload.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        began.elapsed()
    }

    async fn until(&self, what: &str, condition: impl Fn(&Value) -> bool) {
        let waiting = async {
            while !condition(&self.order("GET", "status", Value::Null).await) {
                tokio::task::yield_now().await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_mins(10), waiting).await.is_ok(),
            "{what}: not in 10 min"
        );
    }

    /// Posts one change after the other until it is told to stop; returns how long each took.
    async fn posting(self, stop: Arc<AtomicBool>, name: String) -> Vec<Duration> {
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            times.push(self.post(&format!("{name}-{}", times.len())).await);
        }
        times
    }

    /// Does something while another client posts; says how long it took, and how the other fared.
    async fn beside<T>(&self, what: &str, doing: impl Future<Output = T>) -> (T, Duration, Duration) {
        let stop = Arc::new(AtomicBool::new(false));
        let posting = tokio::spawn(self.clone().posting(Arc::clone(&stop), what.replace(' ', "-")));
        let began = Instant::now();
        let done = doing.await;
        let took = began.elapsed();
        stop.store(true, Ordering::Relaxed);
        let mut times = posting.await.unwrap();
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!(
            "{what}: {took:.2?}; meanwhile {} accepted, p50 {:.1?}, p99 {:.1?}, longest {:.1?}",
            times.len(),
            at(50),
            at(99),
            at(100)
        );
        (done, took, at(99))
    }
}

async fn world(folder: &TempDir) -> (World, Program, OrgSim) {
    std::fs::write(
        folder.path().join("config.toml"),
        "listener.rate_limit_per_minute = 1000000\ndelivery.concurrency_per_org = 16\n",
    )
    .unwrap();
    let program = Program::serve(folder, &[]).await;
    let target = kit::sim(ORG_B).await;
    let mut world = World {
        url: program.url.clone(),
        admin: program.token.clone(),
        token: String::new(),
        client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
    };
    world.order("POST", "orgs/import", json!({ "sfdxAuthUrl": target.auth_url() })).await;
    let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": target.id(), "enabled": true });
    world.order("POST", "routes", route).await;
    let token = world.order("POST", "tokens", json!({ "name": "t", "sourceOrgIds": [org_id(ORG_A)] })).await;
    token["token"].as_str().unwrap().clone_into(&mut world.token);
    (world, program, target)
}

/// Posts [`ITEMS`] changes, which the org refuses.
async fn fail_all(world: &World, target: &OrgSim) {
    target.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "Title is too long")));
    let next = Arc::new(AtomicU64::new(0));
    let mut posters = tokio::task::JoinSet::new();
    for _ in 0..POSTERS {
        let (world, next) = (world.clone(), Arc::clone(&next));
        posters.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= ITEMS {
                    return;
                }
                world.post(&format!("WI-{n}")).await;
            }
        });
    }
    let began = Instant::now();
    posters.join_all().await;
    println!("{ITEMS} accepted in {:.1?}", began.elapsed());
    world.until("all to fail", |status| status["counts"]["failed"].as_u64() == Some(ITEMS)).await;
    println!("{ITEMS} refused by the org after {:.1?}", began.elapsed());
}

/// How long a page takes.
async fn read(world: &World, path: &str) -> Value {
    let began = Instant::now();
    let page = world.order("GET", path, Value::Null).await;
    println!("GET {path}: {:.1?}", began.elapsed());
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_failed_items_are_retried_in_seconds_while_changes_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let (world, program, target) = world(&folder).await;
    fail_all(&world, &target).await;
    let all = json!({ "filter": { "status": "failed" } });
    let pause = async |order: &str| {
        world.order("POST", &format!("relay/{order}"), json!({})).await;
    };
    let settled =
        |status: &Value| ["queued", "processing", "retrying"].iter().all(|name| status["counts"][name] == 0);

    let mut alone = Vec::new();
    for n in 0..500 {
        alone.push(world.post(&format!("alone-{n}")).await);
    }
    alone.sort_unstable();
    println!("nothing else: p50 {:.1?}, p99 {:.1?}, longest {:.1?}", alone[249], alone[494], alone[499]);
    world.until("the rest to fail", settled).await;

    pause("pause").await;
    let look = world.order("POST", "items/preflight", all.clone());
    let (told, looked, _) = world.beside("preflight", look).await;
    let reason = json!({ "filter": { "status": "failed" }, "reason": "to see how long it takes" });
    world.beside("dismiss", world.order("POST", "items/dismiss", reason)).await;
    world.beside("restore", world.order("POST", "items/restore", json!({ "filter": {} }))).await;
    let (answer, paused, p99) =
        world.beside("retry while paused", world.order("POST", "items/retry", all.clone())).await;
    assert!(answer["changed"].as_u64().unwrap() >= ITEMS);
    assert_eq!(answer["changed"], told["send"], "what was told");

    let run = answer["runId"].as_str().unwrap();
    for path in [
        &format!("runs/{run}"),
        &format!("items?runId={run}&limit=100"),
        "work-items?limit=100",
        "work-items?limit=100&q=revenue",
        "work-items?limit=100&q=WI-5",
        "activity?action=item.&limit=100",
        "status",
    ] {
        read(&world, path).await;
    }
    pause("resume").await;
    world.until("all to fail again", settled).await;
    let (_, live, live_p99) =
        world.beside("retry while the org answers", world.order("POST", "items/retry", all)).await;
    if !cfg!(debug_assertions) {
        for (what, took) in
            [("a retry", paused), ("a retry beside deliveries", live), ("a preflight", looked)]
        {
            assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        }
        for p99 in [p99, live_p99] {
            assert!(p99 < Duration::from_millis(250), "a run keeps changes from coming in: {p99:?}");
        }
    }
    program.kill().await;
}
