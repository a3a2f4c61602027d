//! The activity log: who did what, by which way, when and why; and how it is searched.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, exchange};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

/// The lines of the log that a query selects, page by page.
async fn lines(app: &App, query: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/api/v1/activity?limit=2&{query}&cursor={cursor}")).await;
        lines.extend(page["activity"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return lines,
        }
    }
}

fn actions(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["action"].as_str().unwrap()).collect()
}

async fn http(app: &App, method: &str, path: &str, headers: &str, body: &str) -> kit::Reply {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}");
    exchange(app.url(), &head, body.as_bytes()).await
}

#[tokio::test]
async fn the_log_tells_by_which_way_something_was_asked_for() {
    let (app, pair) = App::with_two_orgs().await;
    let pause = format!("/api/v1/orgs/{}/pause", pair.b.id());
    let token = format!("Authorization: Bearer {}", app.admin_token());
    let link = app.order("POST", "/api/v1/session/link", json!({})).await;
    let opened = http(&app, "GET", link["url"].as_str().unwrap().strip_prefix(app.url()).unwrap(), "", "");
    let cookie = opened.await.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let ways = [
        ("window", String::new()),
        ("browser", format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1")),
        ("api", token.clone()),
        ("cli", format!("{token}\r\nUser-Agent: sync-monitor-cli/0.1.0")),
    ];
    for (way, headers) in ways {
        app.clock.advance(Duration::from_secs(1));
        if headers.is_empty() {
            app.order("POST", &pause, json!({})).await;
        } else {
            assert_eq!(http(&app, "POST", &pause, &headers, "{}").await.status, 200, "{way}");
        }
        let line = &app.get("/api/v1/activity?limit=1").await["activity"][0];
        assert_eq!((&line["action"], &line["via"]), (&json!("org.pause"), &json!(way)));
        assert!(line["actor"].as_str().unwrap().starts_with("user:"), "{line}");
    }
    // What the program does by itself comes by no way.
    pair.a.revoke_everything();
    let payload = Payload::from(ORG_B, app.now()).record("WI-1", "x");
    app.accept(&pair.token_b, &payload).await;
    app.wait_health(ORG_A, "signInRequired").await;
    let line = &app.get("/api/v1/activity?limit=1").await["activity"][0];
    assert_eq!((&line["actor"], &line["via"]), (&json!("relay"), &Value::Null), "{line}");
    app.stop().await;
}

#[rstest]
#[case::everything(
    "",
    "item.retry item.dismiss org.health org.resume org.pause token.create token.create route.add route.add org.connect org.connect"
)]
#[case::an_action("action=item.retry", "item.retry")]
#[case::a_topic("action=item.", "item.retry item.dismiss")]
#[case::a_topic_that_there_is_not("action=it.", "")]
#[case::what_the_relay_did("actor=relay", "org.health")]
#[case::an_org("subject=ORG", "org.health org.resume org.pause org.connect")]
#[case::what_the_relay_did_to_an_org("subject=ORG&actor=relay", "org.health")]
#[case::a_span("since=2026-02-27T12:00:01.000Z&until=2026-02-27T12:00:03.000Z", "org.resume org.pause")]
#[case::a_topic_in_a_span("action=org.&since=2026-02-27T12:00:02.000Z", "org.health org.resume")]
#[case::somebody("actor=USER&action=org.", "org.resume org.pause org.connect org.connect")]
#[case::nobody("actor=user:nobody", "")]
#[tokio::test]
async fn the_log_is_searched_by_action_actor_subject_and_time(#[case] query: &str, #[case] expected: &str) {
    let (app, pair) = App::with_two_orgs().await;
    for order in ["pause", "resume"] {
        app.clock.advance(Duration::from_secs(1));
        app.order("POST", &format!("/api/v1/orgs/{}/{order}", pair.b.id()), json!({})).await;
    }
    app.clock.advance(Duration::from_secs(1));
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    let failed = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &failed).await;
    let item = app.wait_status(failed.id(), ORG_B, "failed").await;
    pair.b.revoke_everything();
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-2", "x")).await;
    app.wait_health(ORG_B, "signInRequired").await;
    let ids = json!([item["id"]]);
    app.clock.advance(Duration::from_secs(1));
    app.order("POST", "/api/v1/items/dismiss", json!({ "ids": ids, "reason": "known" })).await;
    app.order("POST", "/api/v1/items/retry", json!({ "ids": ids })).await;

    let user = app.get("/api/v1/activity?limit=1").await["activity"][0]["actor"].clone();
    let query = query
        .replace("ORG", &pair.b.id().to_string())
        .replace("USER", &user.as_str().unwrap().replace(' ', "%20"));
    assert_eq!(actions(&lines(&app, &query).await).join(" "), expected);
    // The file holds the same lines.
    let head = format!(
        "GET /api/v1/activity/export?{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}",
        app.admin_token()
    );
    let file = exchange(app.url(), &head, b"").await.text;
    let exported: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(actions(&exported).join(" "), expected);
    app.stop().await;
}

#[tokio::test]
async fn whatever_somebody_does_is_in_the_log_with_who_and_to_what() {
    let (app, pair) = App::with_two_orgs().await;
    let (a, b) = (pair.a.id().to_string(), pair.b.id().to_string());
    let org = format!("/api/v1/orgs/{b}");
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    let failed = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &failed).await;
    let item = app.wait_status(failed.id(), ORG_B, "failed").await["id"].clone();
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let slow = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &slow).await;
    let slow = app.wait_status(slow.id(), ORG_B, "retrying").await["id"].clone();
    let route = app.get("/api/v1/routes").await["routes"][1]["id"].as_str().unwrap().to_owned();
    let route = format!("/api/v1/routes/{route}");
    let token = app.get("/api/v1/tokens").await["tokens"][0]["id"].as_str().unwrap().to_owned();
    let ids = json!({ "ids": [item] });
    let back = format!("{b} → {a}");
    std::fs::create_dir(app.folder().join("crashes")).unwrap();
    let report = "Sync Monitor\nfailed at a.rs:1:1: it cannot be\n";
    std::fs::write(app.folder().join("crashes/crash-20260227-143000-1.txt"), report).unwrap();
    let steps = [
        ("POST", "/api/v1/relay/pause".to_owned(), json!({}), "relay.pause", Value::Null),
        ("POST", "/api/v1/relay/resume".to_owned(), json!({}), "relay.resume", Value::Null),
        (
            "POST",
            "/api/v1/items/dismiss".to_owned(),
            json!({ "ids": [item], "reason": "why" }),
            "item.dismiss",
            item.clone(),
        ),
        ("POST", "/api/v1/items/restore".to_owned(), ids.clone(), "item.restore", item.clone()),
        ("POST", "/api/v1/items/retry".to_owned(), ids, "item.retry", item.clone()),
        ("POST", "/api/v1/items/send-now".to_owned(), json!({ "ids": [slow] }), "item.sendNow", slow.clone()),
        ("POST", format!("{org}/pause"), json!({}), "org.pause", json!(b)),
        ("POST", format!("{org}/resume"), json!({}), "org.resume", json!(b)),
        ("PATCH", org.clone(), json!({ "alias": "B" }), "org.change", json!(b)),
        ("POST", format!("{org}/test"), json!({}), "org.test", json!(b)),
        (
            "POST",
            "/api/v1/orgs/import".to_owned(),
            json!({ "sfdxAuthUrl": pair.b.auth_url() }),
            "org.connect",
            json!(b),
        ),
        ("PATCH", route.clone(), json!({ "enabled": false }), "route.pause", json!(back)),
        ("PATCH", route.clone(), json!({ "enabled": true }), "route.resume", json!(back)),
        ("DELETE", route, Value::Null, "route.remove", json!(back)),
        (
            "POST",
            "/api/v1/routes".to_owned(),
            json!({ "sourceOrgId": b, "targetOrgId": a }),
            "route.add",
            json!(back),
        ),
        (
            "POST",
            "/api/v1/tokens".to_owned(),
            json!({ "name": "new", "sourceOrgIds": [a] }),
            "token.create",
            json!("new"),
        ),
        ("DELETE", format!("/api/v1/tokens/{token}"), Value::Null, "token.revoke", json!("test")),
        ("DELETE", "/api/v1/crash".to_owned(), Value::Null, "crash.seen", json!("a.rs:1:1: it cannot be")),
        ("DELETE", org, Value::Null, "org.disconnect", json!(b)),
    ];
    for (method, path, body, action, subject) in steps {
        app.clock.advance(Duration::from_millis(1));
        let (status, answer) = app.ask(method, &path, (!body.is_null()).then_some(body)).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        let lines = app.get(&format!("/api/v1/activity?action={action}&limit=1")).await;
        let line = &lines["activity"][0];
        assert_eq!((&line["at"], &line["subject"]), (&json!(app.now()), &subject), "{action}: {lines}");
        assert!(line["actor"].as_str().unwrap().starts_with("user:"), "{line}");
        if action.starts_with("item.") {
            assert_eq!(line["count"], 1, "{line}");
        }
    }
    let dismissed = &app.get("/api/v1/activity?action=item.dismiss").await["activity"][0];
    assert_eq!(dismissed["reason"], "why");
    app.stop().await;
}

#[rstest]
#[case::no_action("action=.")]
#[case::a_topic_of_a_topic("action=item.retry.")]
#[case::no_time("since=yesterday")]
#[case::unknown("colour=red")]
#[case::a_cursor_of_nobody("cursor=7")]
#[tokio::test]
async fn what_the_log_cannot_be_asked_for_is_refused(#[case] query: &str) {
    let app = App::start().await;
    let (status, problem) = app.ask("GET", &format!("/api/v1/activity?{query}"), None).await;
    assert_eq!(status, 400, "{problem}");
    app.stop().await;
}

/// What the log says that an org's health was, the oldest first.
async fn healths(app: &App, org: &str) -> Vec<String> {
    let mut lines = lines(app, &format!("action=org.health&subject={org}")).await;
    lines.reverse();
    lines.iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_change_of_an_orgs_health_is_in_the_log_and_every_way_back() {
    let (app, pair) = App::with_two_orgs().await;
    let mut n = 0;
    let mut send = async || {
        n += 1;
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        app.accept(&pair.token_a, &payload).await;
    };
    pair.b.script(Rule::always(Answer::status(429)).times(1));
    send().await;
    app.wait_health(ORG_B, "rateLimited").await;
    app.clock.advance(Duration::from_mins(15));
    app.wait_health(ORG_B, "connected").await;
    pair.b.script(Rule::always(Answer::status(404)).times(1));
    send().await;
    app.wait_health(ORG_B, "endpointMissing").await;
    app.clock.advance(Duration::from_secs(30));
    app.wait_health(ORG_B, "connected").await;
    pair.b.go_down();
    for _ in 0..3 {
        send().await;
    }
    app.wait_health(ORG_B, "orgUnreachable").await;
    pair.b.come_up().await.unwrap();
    app.clock.advance(Duration::from_secs(30));
    app.wait_health(ORG_B, "connected").await;
    pair.b.revoke_everything();
    send().await;
    app.wait_health(ORG_B, "signInRequired").await;
    pair.b.sign_in_again();
    app.connect(&pair.b).await;
    let expected = [
        "rateLimited",
        "connected",
        "endpointMissing",
        "connected",
        "orgUnreachable",
        "connected",
        "signInRequired",
        "connected",
    ];
    assert_eq!(healths(&app, &pair.b.id().to_string()).await, expected);
    assert_eq!(healths(&app, &pair.a.id().to_string()).await, [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn what_happens_to_an_org_beneath_a_pause_is_in_the_log() {
    let (app, pair) = App::with_two_orgs().await;
    let org = format!("/api/v1/orgs/{}", pair.b.id());
    app.order("POST", &format!("{org}/pause"), json!({})).await;
    pair.b.revoke_everything();
    app.order("POST", &format!("{org}/test"), json!({})).await;
    app.wait_health(ORG_B, "paused").await;
    assert_eq!(healths(&app, &pair.b.id().to_string()).await, ["signInRequired"]);
    app.order("POST", &format!("{org}/resume"), json!({})).await;
    app.wait_health(ORG_B, "signInRequired").await;
    assert_eq!(healths(&app, &pair.b.id().to_string()).await, ["signInRequired"], "said once");
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_comes_to_nothing_is_in_the_log() {
    let app = App::start().await;
    let org = kit::sim(ORG_A).await;
    org.revoke_everything();
    let body = json!({ "sfdxAuthUrl": org.auth_url() });
    assert_eq!(app.ask("POST", "/api/v1/orgs/import", Some(body)).await.0, 422);
    let login = json!({ "loginUrl": org.url() });
    let cancelled = app.order("POST", "/api/v1/orgs/login", login.clone()).await;
    let path = format!("/api/v1/orgs/login/{}", cancelled["id"].as_str().unwrap());
    assert_eq!(app.ask("DELETE", &path, None).await.0, 204);
    let expired = app.order("POST", "/api/v1/orgs/login", login).await;
    app.clock.advance(Duration::from_mins(10));
    let path = format!("/api/v1/orgs/login/{}", expired["id"].as_str().unwrap());
    app.wait(&path, "the sign-in to end", |sign_in| sign_in["state"] == "expired").await;
    let failed = app.wait("/api/v1/activity?action=org.signInFailed", "a line for each", |log| {
        log["activity"].as_array().unwrap().len() == 3
    });
    let failed = failed.await;
    let said: Vec<(&str, &str)> = failed["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["actor"].as_str().unwrap(), line["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(said[0], ("relay", "Nobody came back from the browser in time."));
    assert_eq!(said[1].1, "It was cancelled.");
    assert!(said[2].0.starts_with("user:") && said[2].1.contains("Sign in there again"), "{said:?}");
    let text = failed.to_string();
    assert!(org.secrets().iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    app.stop().await;
}
