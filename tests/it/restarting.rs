//! Restarts of every kind: clean, killed, with the clock changed, with a second program, with a database from the future.

use std::collections::HashSet;
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Program, org_id};
use serde_json::{Value, json};
use sync_monitor_domain::clock::{Clock as _, Millis};
use sync_monitor_orgsim::{Answer, OrgSim, OrgSpec, Rule, post};

#[tokio::test]
async fn what_became_due_while_the_program_was_off_is_sent_at_once() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "retrying").await;
    let app = app.restart(Duration::from_secs(29)).await;
    assert_eq!(app.item(payload.id(), ORG_B).await["status"], "retrying", "not due yet");
    assert_eq!(pair.b.received().len(), 1);
    let app = app.restart(Duration::from_hours(72)).await;
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(item["attempts"], 2);
    app.stop().await;
}

#[tokio::test]
async fn what_was_in_flight_at_a_stop_is_sent_again_and_costs_no_attempt() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Hang).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    pair.b.wait_received(1).await;
    let app = app.restart(Duration::ZERO).await;
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(item["attempts"], 1);
    assert_eq!(pair.b.received().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn holds_pauses_tokens_and_echoes_survive_a_restart() {
    let (app, pair) = App::with_two_orgs().await;
    let delivered = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &delivered).await;
    app.wait_status(delivered.id(), ORG_B, "synced").await;
    pair.b.revoke_everything();
    let held = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &held).await;
    app.wait_health(ORG_B, "signInRequired").await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.a.id()), json!({})).await;
    let app = app.restart(Duration::from_mins(1)).await;
    app.wait_health(ORG_B, "signInRequired").await;
    app.wait_health(ORG_A, "paused").await;
    assert_eq!(app.item(held.id(), ORG_B).await["heldBy"], "signInRequired");
    let echo = Payload::from(ORG_B, app.now()).record("WI-1", "x");
    assert_eq!(app.accept(&pair.token_b, &echo).await["suppressed"], true);
    assert_eq!(
        app.accept(&pair.token_a, &delivered).await["suppressed"],
        true,
        "a known transaction stays known"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_strands_nothing() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, "retrying").await;
    app.clock.set(Millis(app.clock.now().0 - 365 * 24 * 60 * 60 * 1_000));
    let path = format!("/api/v1/items/{}", item["id"].as_str().unwrap());
    let noted = |a: &Value| a["activity"].as_array().unwrap().iter().any(|l| l["action"] == "clock.jump");
    app.move_until(Duration::from_secs(15), "/api/v1/activity", noted).await;
    app.move_until(Duration::from_secs(15), &path, |item| item["status"] == "synced").await;
    app.stop().await;
}

/// Two hours, by which clocks are set back that showed local time.
const SET_BACK: i64 = 2 * 60 * 60 * 1_000;

fn set_back(clock: &kit::MockClock) {
    clock.set(Millis(clock.now().0 - SET_BACK));
}

#[tokio::test]
async fn a_clock_that_is_set_back_lengthens_no_wait() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "retrying").await;
    set_back(&app.clock);
    let noted = |a: &Value| a["activity"].as_array().unwrap().iter().any(|l| l["action"] == "clock.jump");
    app.wait("/api/v1/activity", "the jump to be noted", noted).await;
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(payload.id(), ORG_B, "synced").await;

    let limited =
        Answer::platform(403, "REQUEST_LIMIT_EXCEEDED", "too many").with_header("retry-after", "60");
    pair.b.script(Rule::always(limited).times(1));
    let limited = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &limited).await;
    app.wait_health(ORG_B, "rateLimited").await;
    set_back(&app.clock);
    let twice = |a: &Value| {
        a["activity"].as_array().unwrap().iter().filter(|l| l["action"] == "clock.jump").count() == 2
    };
    app.wait("/api/v1/activity", "the second jump to be noted", twice).await;
    app.clock.advance(Duration::from_mins(1));
    app.wait_status(limited.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_while_the_program_was_off_lengthens_no_wait() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "retrying").await;
    let app = app.restart_after(set_back).await;
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_second_program_on_the_same_folder_is_refused_by_name() {
    let app = App::start().await;
    let Err(error) = app.second().await else { panic!("a second program started") };
    let text = format!("{error:#}");
    assert!(text.contains(&std::process::id().to_string()) && text.contains(app.url()), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn a_clean_stop_takes_api_json_with_it() {
    let app = App::start().await;
    let path = app.folder().join("api.json");
    let api: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((api["url"].as_str(), api["token"].as_str()), (Some(app.url()), Some(app.admin_token())));
    assert_eq!(api["pid"], std::process::id());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let app = app.restart(Duration::ZERO).await;
    assert!(path.exists());
    let kept = app.keep_folder();
    let folder = kept.path();
    let keep = app.second().await.err();
    assert!(keep.is_some() && path.exists(), "a refused start leaves the file of the running program alone");
    app.stop().await;
    let left: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name == "api.json" || name.ends_with("-wal")), "{left:?}");
    assert!(left.iter().any(|name| name == "sync-monitor.db"), "{left:?}");
}

fn now() -> Millis {
    sync_monitor_orgsim::wall_clock()
}

/// Sets a program up by its command line, as a script would: connects `target`, routes to it, and makes a token.
async fn set_up(folder: &tempfile::TempDir, target: &OrgSim) -> String {
    let mut import = Program::command(folder, &["org", "import", "--json"]);
    let mut child =
        import.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, target.auth_url().as_bytes()).await.unwrap();
    drop(stdin);
    assert!(child.wait_with_output().await.unwrap().status.success());
    let id = target.id().to_string();
    let route = Program::command(folder, &["route", "add", ORG_A, &id]).output().await.unwrap();
    assert!(route.status.success(), "{route:?}");
    let token =
        Program::command(folder, &["token", "create", "--name", "load", "--source-org", ORG_A, "--json"])
            .output()
            .await
            .unwrap();
    let token: Value = serde_json::from_slice(&token.stdout).unwrap();
    token["token"].as_str().unwrap().to_owned()
}

/// `kill -9` in the middle of load, again and again: whatever got a 200 arrives.
#[tokio::test]
async fn nothing_that_got_a_200_is_lost_by_kill_9() {
    const KILLS: usize = 5;
    const CLIENTS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    let mut token = String::new();
    let mut promised: HashSet<String> = HashSet::new();
    for round in 0..KILLS {
        let program = Program::serve(&folder, &[]).await;
        if round == 0 {
            token = set_up(&folder, &target).await;
        }
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let (url, token) = (program.url.clone(), token.clone());
            clients.spawn(async move {
                let mut promised = Vec::new();
                for n in 0.. {
                    let id = format!("r{round}-c{client}-{n}");
                    let payload = Payload::from(ORG_A, now()).transaction(id.clone()).record(&id, "x");
                    match post(&url, &token, payload.text()).await {
                        Ok(posted) if posted.status == 200 => promised.push(id),
                        _ => break,
                    }
                }
                promised
            });
        }
        // Killed at a moment that depends on how far things have come, not on a clock.
        let enough = target.received().len() + 40 + round * 37;
        target.wait_for("load", |received| received.len() >= enough).await;
        program.kill().await;
        for done in clients.join_all().await {
            promised.extend(done);
        }
    }
    let program = Program::serve(&folder, &[]).await;
    let missing = |received: &[sync_monitor_orgsim::Received]| {
        let taken: HashSet<&str> =
            received.iter().filter(|r| r.taken).filter_map(|r| r.transaction_id.as_deref()).collect();
        promised.iter().filter(|id| !taken.contains(id.as_str())).count()
    };
    let received = target.wait_for("everything that was promised", |received| missing(received) == 0).await;
    let distinct: HashSet<_> = received.iter().filter_map(|r| r.transaction_id.clone()).collect();
    println!(
        "kill -9 × {KILLS}: {} promised, {} lost, {} sent more than once",
        promised.len(),
        missing(&received),
        received.len() - distinct.len()
    );
    assert!(promised.len() > 100, "too little load to mean anything: {}", promised.len());
    // Sent twice is what was in flight at a kill, four at the most, and what was answered and not yet on the disk: that is
    // written before the next ones are claimed, so four more.
    assert!(
        received.len() - distinct.len() <= 8 * KILLS,
        "{} sent more than once",
        received.len() - distinct.len()
    );
    program.kill().await;
    assert_eq!(org_id(ORG_B), target.id());
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_stops_the_program_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let pid = program.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(program.ended().await, Some(0));
    assert!(!folder.path().join("api.json").exists());
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = kit::sim(ORG_B).await;
    let mut program = Program::serve(&folder, &[]).await;
    let token = set_up(&folder, &target).await;
    program.close_log().await;
    // That an item fails is worth a line in the log.
    target.script(Rule::always(Answer::platform(400, "INVALID_FIELD", "no")).times(1));
    let refused = Payload::from(ORG_A, now()).record("WI-1", "x");
    assert_eq!(post(&program.url, &token, refused.text()).await.unwrap().status, 200);
    target.wait_received(1).await;
    let taken = Payload::from(ORG_A, now()).record("WI-2", "x");
    assert_eq!(post(&program.url, &token, taken.text()).await.unwrap().status, 200);
    target.wait_received(2).await;
    let pid = program.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(program.ended().await, Some(0));
    assert!(!folder.path().join("api.json").exists());
}

#[tokio::test]
async fn a_kill_between_the_storing_of_a_rotated_token_and_its_use_does_not_lose_the_org() {
    let folder = tempfile::tempdir().unwrap();
    let org = OrgSim::start(OrgSpec::new(org_id(ORG_B)).rotating()).await.unwrap();
    let program = Program::serve(&folder, &[]).await;
    let ask = async |program: &Program, method: &str, path: &str, body: Value| {
        let head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
            program.token
        );
        let body = if method == "GET" { String::new() } else { body.to_string() };
        kit::exchange(&program.url, &head, body.as_bytes()).await.json()
    };
    ask(&program, "POST", "orgs/import", json!({ "sfdxAuthUrl": org.auth_url() })).await;
    let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": org.id(), "enabled": true });
    ask(&program, "POST", "routes", route).await;
    let made = ask(&program, "POST", "tokens", json!({ "name": "t", "sourceOrgIds": [org_id(ORG_A)] })).await;
    let token = made["token"].as_str().unwrap().to_owned();
    // Four times: the first use of each access token is a request that hangs, and there the program dies.
    let mut program = program;
    for round in 0..4 {
        org.expire_access_tokens();
        org.script(Rule::always(Answer::Hang).times(1));
        let payload =
            Payload::from(ORG_A, sync_monitor_orgsim::wall_clock()).record(&format!("WI-{round}"), "x");
        post(&program.url, &token, payload.text()).await.unwrap();
        org.wait_for("the request that hangs", |received| {
            received.iter().any(|r| r.transaction_id.as_deref() == Some(payload.id()))
        })
        .await;
        program.kill().await;
        program = Program::serve(&folder, &[]).await;
        org.wait_for("the change", |received| {
            received.iter().any(|r| r.taken && r.transaction_id.as_deref() == Some(payload.id()))
        })
        .await;
    }
    let orgs = ask(&program, "GET", "orgs", Value::Null).await;
    assert_eq!(orgs["orgs"][0]["health"], "connected", "{orgs}");
    program.kill().await;
}
