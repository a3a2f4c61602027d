//! The management API: who may ask, how lists are paged, what is refused.

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, exchange};
use serde_json::{Value, json};

async fn http(app: &App, method: &str, path: &str, headers: &str) -> kit::Reply {
    exchange(app.url(), &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}"), b"").await
}

#[tokio::test]
async fn only_the_admin_token_manages() {
    let (app, pair) = App::with_two_orgs().await;
    assert_eq!(http(&app, "GET", "/healthz", "").await.status, 200);
    let reply = http(&app, "GET", "/api/v1/status", "").await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(reply.json()["status"], 401);
    assert_eq!(
        http(&app, "GET", "/api/v1/status", &format!("Authorization: Bearer {}", pair.token_a)).await.status,
        403
    );
    let reply =
        http(&app, "GET", "/api/v1/status", &format!("Authorization: Bearer {}", app.admin_token())).await;
    assert_eq!(reply.status, 200);
    let status = reply.json();
    assert_eq!((&status["orgs"], &status["held"], &status["dismissed"]), (&json!(2), &json!(0), &json!(0)));
    assert!(status["version"].is_string() && status["uptimeSeconds"].is_number(), "{status}");
    assert!(reply.header("access-control-allow-origin").is_none());
    app.stop().await;
}

#[tokio::test]
async fn a_browser_gets_in_by_a_link_that_works_once() {
    let app = App::start().await;
    let link = app.order("POST", "/api/v1/session/link", json!({})).await;
    let path = link["url"].as_str().unwrap().strip_prefix(app.url()).unwrap().to_owned();
    let opened = http(&app, "GET", &path, "").await;
    assert_eq!(opened.status, 303, "{opened:?}");
    let cookie = opened.header("set-cookie").unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(http(&app, "GET", &path, "").await.status / 100, 4, "a second use");
    assert_eq!(
        http(&app, "GET", "/api/v1/status", &format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1")).await.status,
        200
    );
    assert!(
        (400..500).contains(&http(&app, "GET", "/api/v1/status", &format!("Cookie: {cookie}")).await.status),
        "without the header"
    );
    app.stop().await;
}

#[tokio::test]
async fn lists_are_paged_and_their_totals_exact() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    for n in 0..25 {
        app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record(&format!("WI-{n:02}"), "x")).await;
    }
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/api/v1/items?status=queued&limit=10{cursor}")).await;
        assert_eq!(page["total"], 25);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["externalIds"][0].as_str().unwrap().to_owned()),
        );
        // What comes in meanwhile moves no page.
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).map(|n| format!("WI-{n:02}")).collect();
    assert_eq!(seen, expected, "the oldest first");
    assert_eq!(app.items("externalId=WI-07").await.len(), 1);
    assert_eq!(app.items(&format!("sourceOrgId={ORG_B}")).await.len(), 0);
    assert_eq!(app.items("held=true").await.len(), 25);
    assert_eq!(app.items("held=false").await.len(), 0);
    for bad in ["limit=0", "limit=501", "status=nonsense", "targetOrgId=x", "cursor=x", "colour=red"] {
        let (status, problem) = app.ask("GET", &format!("/api/v1/items?{bad}"), None).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let (app, pair) = App::with_two_orgs().await;
    let id = pair.b.id();
    for (method, path, body, expected) in [
        (
            "POST",
            "/api/v1/routes".to_owned(),
            json!({ "sourceOrgId": ORG_A, "targetOrgId": ORG_A, "enabled": true }),
            409,
        ),
        (
            "POST",
            "/api/v1/routes".to_owned(),
            json!({ "sourceOrgId": ORG_A, "targetOrgId": ORG_C, "enabled": true }),
            409,
        ),
        (
            "POST",
            "/api/v1/routes".to_owned(),
            json!({ "sourceOrgId": ORG_A, "targetOrgId": ORG_B, "enabled": true }),
            409,
        ),
        (
            "POST",
            "/api/v1/routes".to_owned(),
            json!({ "sourceOrgId": "nonsense", "targetOrgId": ORG_B, "enabled": true }),
            400,
        ),
        ("POST", "/api/v1/tokens".to_owned(), json!({ "name": "", "sourceOrgIds": [ORG_A] }), 400),
        ("POST", "/api/v1/tokens".to_owned(), json!({ "name": "x", "sourceOrgIds": [] }), 400),
        (
            "POST",
            "/api/v1/orgs/import".to_owned(),
            json!({ "sfdxAuthUrl": "https://login.salesforce.com" }),
            400,
        ),
        ("POST", format!("/api/v1/orgs/{ORG_C}/pause"), json!({}), 404),
        ("GET", "/api/v1/items/01890000-0000-7000-8000-000000000000".to_owned(), Value::Null, 404),
        ("GET", "/api/v1/nonsense".to_owned(), Value::Null, 404),
        ("PUT", format!("/api/v1/orgs/{id}/pause"), json!({}), 405),
    ] {
        let (status, problem) = app.ask(method, &path, (!body.is_null()).then_some(body)).await;
        assert_eq!(status, expected, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.len() > 10), "{method} {path}: {problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_an_auth_url_never() {
    let (app, pair) = App::with_two_orgs().await;
    let tokens = app.get("/api/v1/tokens").await.to_string();
    assert!(!tokens.contains(&pair.token_a) && !tokens.contains(&pair.token_b), "{tokens}");
    let auth_url = "force://PlatformCLI::5AepSECRETSECRET@127.0.0.1:1";
    let (status, problem) =
        app.ask("POST", "/api/v1/orgs/import", Some(json!({ "sfdxAuthUrl": auth_url }))).await;
    assert!(status >= 400, "{problem}");
    assert!(!problem.to_string().contains("SECRETSECRET"), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn when_a_token_was_last_used_is_known_after_a_restart_and_a_revocation() {
    let (app, pair) = App::with_two_orgs().await;
    let last_used = async |app: &App| {
        let tokens = app.get("/api/v1/tokens").await;
        tokens["tokens"].as_array().unwrap().iter().map(|t| t["lastUsedAt"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(last_used(&app).await, [Value::Null, Value::Null]);
    let used = json!(app.now());
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-1", "x")).await;
    assert_eq!(last_used(&app).await, [used.clone(), Value::Null]);
    let app = app.restart(std::time::Duration::from_mins(1)).await;
    assert_eq!(last_used(&app).await, [used.clone(), Value::Null]);
    let again = json!(app.now());
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-2", "x")).await;
    let id = app.get("/api/v1/tokens").await["tokens"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.ask("DELETE", &format!("/api/v1/tokens/{id}"), None).await.0, 204);
    assert_eq!(last_used(&app).await, [again, Value::Null]);
    app.stop().await;
}

#[tokio::test]
async fn prometheus_reads_how_things_stand() {
    let (app, pair) = App::with_two_orgs().await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    let ask = async |token: &str| {
        let head = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}");
        kit::exchange(app.url(), &head, b"").await
    };
    assert_eq!(ask("nobody").await.status, 401);
    assert_eq!(ask(&pair.token_a).await.status, 403);
    let reply = ask(app.admin_token()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type").unwrap(), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "# TYPE sync_monitor_items gauge",
        "sync_monitor_items{status=\"synced\"} 1.0",
        "sync_monitor_items{status=\"failed\"} 0.0",
        "# TYPE sync_monitor_synced_items_total counter",
        "sync_monitor_synced_items_total 1",
        &format!("sync_monitor_org_queued_items{{org=\"{}\"}} 0.0", pair.b.id()),
        &format!("sync_monitor_org_connected{{org=\"{}\",alias=\"\",health=\"connected\"}} 1.0", pair.b.id()),
        "# TYPE sync_monitor_org_clock_skew_seconds gauge",
    ] {
        assert!(reply.text.lines().any(|found| found == line), "{line} is not in\n{}", reply.text);
    }
    app.stop().await;
}
