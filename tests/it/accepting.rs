//! The sync endpoint: every row of its table.

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, Reply, Setup, exchange};
use rstest::rstest;
use serde_json::{Value, json};

const PATH: &str = "/services/apexrest/dlhub/delivery/sync";

async fn send(app: &App, token: Option<&str>, content_type: Option<&str>, body: &[u8]) -> Reply {
    let mut head = format!("POST {PATH} HTTP/1.1\r\nHost: localhost");
    if let Some(token) = token {
        head = format!("{head}\r\nAuthorization: Bearer {token}");
    }
    if let Some(content_type) = content_type {
        head = format!("{head}\r\nContent-Type: {content_type}");
    }
    exchange(app.url(), &head, body).await
}

fn assert_refused(reply: &Reply, status: u16, code: &str, transaction_id: Value) {
    assert_eq!(reply.status, status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(body["recordsProcessed"], 0, "{body}");
    assert_eq!(body["transactionId"], transaction_id, "{body}");
    assert!(reply.codes().iter().all(|c| c == code) && !reply.codes().is_empty(), "{body}");
    for error in body["errors"].as_array().unwrap() {
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_accepted_payload_is_answered_as_documented() {
    let (app, pair) = App::with_two_orgs().await;
    let payload =
        Payload::from(ORG_A, app.now()).transaction("txn_abc123").record("WI-001", "Add revenue report");
    let reply = app.post(&pair.token_a, &payload.text()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.text,
        r#"{"success":true,"transactionId":"txn_abc123","recordsProcessed":1,"errors":[]}"#
    );
    assert!(reply.header("content-type").unwrap().starts_with("application/json"));
    pair.b.wait_received(1).await;
    app.stop().await;
}

#[tokio::test]
async fn both_paths_are_the_same_endpoint() {
    let (app, pair) = App::with_two_orgs().await;
    let head = format!(
        "POST /delivery/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\nAuthorization: Bearer {}",
        pair.token_a
    );
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    assert_eq!(exchange(app.url(), &head, payload.text().as_bytes()).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn without_a_good_token_nothing_is_read() {
    let (app, pair) = App::with_two_orgs().await;
    let body = Payload::from(ORG_A, app.now()).record("WI-001", "x").text();
    let json = Some("application/json");
    for token in [None, Some("nonsense"), Some(""), Some(app.admin_token())] {
        assert_refused(&send(&app, token, json, body.as_bytes()).await, 401, "UNAUTHORIZED", Value::Null);
    }
    let foreign = app.token(&[ORG_C]).await;
    let reply = send(&app, Some(&foreign), json, body.as_bytes()).await;
    assert_refused(
        &reply,
        401,
        "UNAUTHORIZED",
        json!(serde_json::from_str::<Value>(&body).unwrap()["transactionId"]),
    );
    // 401 goes before 413, 415 and 400; the rest goes before the question for whom the token speaks.
    assert_refused(
        &send(&app, None, None, &vec![b' '; 7 * 1024 * 1024]).await,
        401,
        "UNAUTHORIZED",
        Value::Null,
    );
    assert_eq!(send(&app, Some(&foreign), json, b"{}").await.status, 400);
    assert_eq!(app.count("queued").await + app.count("synced").await, 0);
    drop(pair);
    app.stop().await;
}

#[tokio::test]
async fn a_revoked_or_expired_token_is_good_no_more() {
    let (app, pair) = App::with_two_orgs().await;
    let tokens = app.get("/api/v1/tokens").await;
    let id = tokens["tokens"][0]["id"].as_str().unwrap().to_owned();
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-001", "x")).await;
    assert_eq!(app.ask("DELETE", &format!("/api/v1/tokens/{id}"), None).await.0, 204);
    let body = Payload::from(ORG_A, app.now()).record("WI-002", "x").text();
    assert_refused(&app.post(&pair.token_a, &body).await, 401, "UNAUTHORIZED", Value::Null);
    let end = app.now().plus(std::time::Duration::from_mins(1));
    let made = app
        .order(
            "POST",
            "/api/v1/tokens",
            json!({ "name": "short", "sourceOrgIds": [ORG_A], "expiresAt": end }),
        )
        .await;
    let short = made["token"].as_str().unwrap();
    assert_eq!(app.post(short, &body).await.status, 200);
    app.clock.advance(std::time::Duration::from_mins(1));
    assert_refused(&app.post(short, &body).await, 401, "UNAUTHORIZED", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn what_is_too_large_or_no_json_is_refused_before_it_is_read() {
    let (app, pair) = App::with_two_orgs().await;
    let token = Some(pair.token_a.as_str());
    let json = Some("application/json");
    let largest = 6 * 1024 * 1024;
    assert_refused(
        &send(&app, token, json, &vec![b' '; largest + 1]).await,
        413,
        "PAYLOAD_TOO_LARGE",
        Value::Null,
    );
    assert_refused(&send(&app, token, json, &vec![b' '; largest]).await, 400, "INVALID_JSON", Value::Null);
    for content_type in [None, Some("text/plain"), Some("application/xml"), Some("application/jsonx")] {
        assert_refused(
            &send(&app, token, content_type, b"{}").await,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            Value::Null,
        );
    }
    // Size goes before type only where both are wrong; either way it is refused.
    let both = send(&app, token, Some("text/plain"), &vec![b' '; largest + 1]).await.status;
    assert!(matches!(both, 413 | 415), "{both}");
    let padding = "x".repeat(largest - 400);
    let big = Payload::from(ORG_A, app.now()).with(json!({ "externalId": "WI-BIG", "description": padding }));
    assert_eq!(app.post(&pair.token_a, &big.text()).await.status, 200);
    app.stop().await;
}

#[rstest]
#[case::not_json("{", "INVALID_JSON", None, Value::Null)]
#[case::no_object("[]", "INVALID_FIELD", None, Value::Null)]
#[case::missing(r#"{"transactionId":"t1"}"#, "MISSING_FIELD", Some("/sourceOrgId"), json!("t1"))]
#[case::twice(r#"{"transactionId":"t1","transactionId":"t2"}"#, "INVALID_JSON", None, json!("t1"))]
#[tokio::test]
async fn a_body_with_faults_is_refused_with_pointers(
    #[case] body: &str,
    #[case] code: &str,
    #[case] field: Option<&str>,
    #[case] transaction_id: Value,
) {
    let app = App::start().await;
    let token = app.token(&[ORG_A]).await;
    let reply = app.post(&token, body).await;
    assert_refused(&reply, 400, code, transaction_id);
    let fields: Vec<Value> =
        reply.json()["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    match field {
        Some(field) => assert!(fields.contains(&json!(field)), "{fields:?}"),
        None => assert_eq!(fields, [Value::Null]),
    }
    app.stop().await;
}

#[tokio::test]
async fn a_change_that_no_route_takes_is_refused() {
    let app = App::start().await;
    let token = app.token(&[ORG_A]).await;
    let payload = Payload::from(ORG_A, app.now()).transaction("t1").record("WI-001", "x");
    assert_refused(&app.post(&token, &payload.text()).await, 400, "NO_ROUTE", json!("t1"));
    app.stop().await;
}

#[tokio::test]
async fn the_same_transaction_again_is_suppressed_and_with_other_content_refused() {
    let (app, pair) = App::with_two_orgs().await;
    let payload = Payload::from(ORG_A, app.now())
        .transaction("t1")
        .with(json!({ "externalId": "WI-001", "a": 1, "b": 2 }));
    app.accept(&pair.token_a, &payload).await;
    let reordered = payload.text().replace(r#""a":1,"b":2"#, r#""b":2.0, "a":1"#);
    assert_ne!(reordered, payload.text());
    for again in [payload.text(), reordered] {
        let reply = app.post(&pair.token_a, &again).await;
        assert_eq!(
            reply.text,
            r#"{"success":true,"transactionId":"t1","recordsProcessed":0,"errors":[],"suppressed":true}"#
        );
    }
    let other = Payload::from(ORG_A, app.now()).transaction("t1").record("WI-001", "other");
    let reply = app.post(&pair.token_a, &other.text()).await;
    assert_refused(&reply, 400, "TRANSACTION_REUSED", json!("t1"));
    assert_eq!(reply.json()["errors"][0]["field"], "/transactionId");
    pair.b.wait_received(1).await;
    app.wait_status("t1", ORG_B, "synced").await;
    assert_eq!(pair.b.received().len(), 1);
    assert_eq!(app.get("/api/v1/status").await["suppressedEchoes"], 0, "a source's own repeat is no echo");
    app.stop().await;
}

#[tokio::test]
async fn a_token_that_sends_too_much_is_told_when_to_go_on() {
    let (app, pair) = Setup::default().set("listener.rate_limit_per_minute", "3").start_with_two_orgs().await;
    let mut statuses = Vec::new();
    for n in 0..4 {
        let reply = app
            .post(&pair.token_a, &Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x").text())
            .await;
        statuses.push(reply.status);
        if reply.status == 429 {
            assert_eq!(reply.codes(), ["RATE_LIMITED"]);
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(
        app.post(&pair.token_b, &Payload::from(ORG_B, app.now()).record("WI-9", "x").text()).await.status,
        200,
        "the rate is each token's own"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_payload_is_relayed_byte_for_byte() {
    let (app, pair) = App::with_two_orgs().await;
    let body = format!(
        r#"{{ "transactionId":"t1", "note":{{"x":[1,2]}}, "sourceOrgId":"{ORG_A}","timestamp":"{}", "operation":"upsert",
        "records":[{{"zeta":1.10,"externalId":"WI-001","big":123456789012345678901234567890.5e-7,"nothing":null,"twice":1,"twice":2,"text":"\u00e9\ud83d\ude00\/"}}] }}"#,
        app.now()
    );
    assert_eq!(app.post(&pair.token_a, &body).await.status, 200);
    let received = pair.b.wait_received(1).await;
    assert_eq!(String::from_utf8_lossy(&received[0].body), body);
    let item = app.item("t1", ORG_B).await;
    assert_eq!(item["payloadText"], body.as_str());
    app.stop().await;
}

#[tokio::test]
async fn a_host_that_is_not_this_machine_is_refused() {
    let (app, pair) = App::with_two_orgs().await;
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
            pair.token_a
        );
        let status =
            exchange(app.url(), &head, Payload::from(ORG_A, app.now()).record("WI-1", "x").text().as_bytes())
                .await
                .status;
        assert!((400..500).contains(&status), "{host}: {status}");
    }
    assert_eq!(app.count("queued").await + app.count("synced").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn another_method_is_told_in_the_envelope_what_the_endpoint_takes() {
    let app = App::start().await;
    for path in ["/services/apexrest/dlhub/delivery/sync", "/delivery/sync"] {
        let reply = exchange(app.url(), &format!("GET {path} HTTP/1.1\r\nHost: localhost"), b"").await;
        let body = reply.json();
        assert_eq!((reply.status, &body["success"]), (405, &serde_json::json!(false)));
        assert_eq!(body["errors"][0]["code"], "METHOD_NOT_ALLOWED");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    app.stop().await;
}
