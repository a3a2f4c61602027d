//! Reviewing failures: retry, dismiss, restore; and what is refused, by name.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Pair, Payload};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

async fn fail(app: &App, pair: &Pair, external_id: &str) -> (Payload, Value) {
    pair.b.script(
        Rule::always(Answer::platform(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Title]"))
            .for_record(external_id)
            .times(1),
    );
    let payload = Payload::from(ORG_A, app.now()).record(external_id, "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, "failed").await;
    (payload, item)
}

#[tokio::test]
async fn a_retried_item_starts_a_new_cycle_and_keeps_its_history() {
    let (app, pair) = App::with_two_orgs().await;
    let (payload, item) = fail(&app, &pair, "WI-1").await;
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "ids": [item["id"]] })).await;
    assert_eq!((&answer["changed"], &answer["refused"]), (&json!(1), &json!([])));
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!((&item["cycle"], &item["attempts"]), (&json!(2), &json!(1)));
    let log = item["attemptLog"].as_array().unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (&log[0]["cycle"], &log[0]["number"], &log[0]["outcome"]),
        (&json!(1), &json!(1), &json!("failed"))
    );
    assert_eq!(
        (&log[1]["cycle"], &log[1]["number"], &log[1]["outcome"]),
        (&json!(2), &json!(1), &json!("synced"))
    );
    let activity = app.get("/api/v1/activity").await;
    let line = activity["activity"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["action"] == "item.retry")
        .unwrap()
        .clone();
    assert_eq!((&line["count"], &line["subject"]), (&json!(1), &item["id"]));
    assert!(line["actor"].as_str().unwrap().starts_with("user:"), "{line}");
    app.stop().await;
}

#[tokio::test]
async fn a_retried_item_gets_the_whole_schedule_again() {
    let (app, pair) = App::with_two_orgs().await;
    let (payload, item) = fail(&app, &pair, "WI-1").await;
    pair.b.script(Rule::always(Answer::html(503)));
    app.order("POST", "/api/v1/items/retry", json!({ "ids": [item["id"]] })).await;
    for (attempt, wait) in [(1, 30), (2, 120), (3, 600), (4, 3600)] {
        app.wait(&format!("/api/v1/items/{}", item["id"].as_str().unwrap()), "an attempt", |i| {
            i["status"] == "retrying" && i["attempts"] == attempt
        })
        .await;
        app.clock.advance(Duration::from_secs(wait));
    }
    let item = app.wait_status(payload.id(), ORG_B, "failed").await;
    assert_eq!((&item["cycle"], &item["attempts"]), (&json!(2), &json!(5)));
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_retried_is_refused_by_name() {
    let (app, pair) = App::with_two_orgs().await;
    let (_, failed) = fail(&app, &pair, "WI-1").await;
    let done = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &done).await;
    let synced = app.wait_status(done.id(), ORG_B, "synced").await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let ids = json!({ "ids": [failed["id"], synced["id"], nobody] });
    let answer = app.order("POST", "/api/v1/items/retry", ids).await;
    assert_eq!(answer["changed"], 1);
    let refused = answer["refused"].as_array().unwrap();
    let reason = |id: &Value| {
        refused.iter().find(|r| r["id"] == *id).map(|r| r["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(reason(&synced["id"]).as_deref(), Some("notFailed"), "{answer}");
    assert_eq!(reason(&json!(nobody)).as_deref(), Some("notFound"), "{answer}");
    assert_eq!(refused.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_failed_item_that_a_newer_synced_change_covers_is_not_sent_again() {
    let (app, pair) = App::with_two_orgs().await;
    let (_, covered) = fail(&app, &pair, "WI-1").await;
    let newer = Payload::from(ORG_A, app.now()).later(1).record("WI-1", "newer");
    app.accept(&pair.token_a, &newer).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "ids": [covered["id"]] })).await;
    assert_eq!(answer["changed"], 0);
    assert_eq!(answer["refused"][0]["reason"], "superseded", "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn a_retried_item_waits_for_nothing_newer_and_lets_nothing_overtake_it() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::status(400)).for_record("WI-1").times(1));
    let older = Payload::from(ORG_A, app.now()).with(json!({ "externalId": "WI-1", "status": "Done" }));
    app.accept(&pair.token_a, &older).await;
    let failed = app.wait_status(older.id(), ORG_B, "failed").await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let newer = Payload::from(ORG_A, app.now()).later(1).record("WI-1", "newer");
    app.accept(&pair.token_a, &newer).await;
    app.order("POST", "/api/v1/items/retry", json!({ "ids": [failed["id"]] })).await;
    app.order("POST", &format!("/api/v1/orgs/{}/resume", pair.b.id()), json!({})).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    let order: Vec<_> = pair.b.received().iter().filter_map(|r| r.transaction_id.clone()).collect();
    assert_eq!(order, [older.id(), older.id(), newer.id()]);
    app.stop().await;
}

#[tokio::test]
async fn many_are_retried_by_filter_and_by_cause() {
    let (app, pair) = App::with_two_orgs().await;
    let mut key = Value::Null;
    for n in 0..5 {
        key = fail(&app, &pair, &format!("WI-{n}")).await.1["failureKey"].clone();
    }
    pair.b.script(Rule::always(Answer::status(422)).for_record("WI-X"));
    let other = Payload::from(ORG_A, app.now()).record("WI-X", "x");
    app.accept(&pair.token_a, &other).await;
    app.wait_status(other.id(), ORG_B, "failed").await;
    assert_eq!(app.count("failed").await, 6);
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "filter": { "failureKey": key } })).await;
    assert_eq!((&answer["changed"], &answer["refused"]), (&json!(5), &json!([])));
    app.wait("/api/v1/status", "the five to be synced", |s| s["counts"]["synced"] == 5).await;
    assert_eq!(app.count("failed").await, 1);
    let answer = app
        .order(
            "POST",
            "/api/v1/items/retry",
            json!({ "filter": { "targetOrgId": ORG_B, "status": "failed" } }),
        )
        .await;
    assert_eq!(answer["changed"], 1);
    app.wait("/api/v1/status", "the other to fail again", |s| {
        s["counts"]["failed"] == 1 && s["counts"]["queued"] == 0 && s["counts"]["processing"] == 0
    })
    .await;
    let (status, problem) =
        app.ask("POST", "/api/v1/items/retry", Some(json!({ "filter": { "status": "synced" } }))).await;
    assert_eq!(status, 400, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn a_dismissed_item_leaves_the_lists_and_the_counts_until_it_is_restored() {
    let (app, pair) = App::with_two_orgs().await;
    let (payload, item) = fail(&app, &pair, "WI-1").await;
    let ids = json!([item["id"]]);
    let (status, _) = app.ask("POST", "/api/v1/items/dismiss", Some(json!({ "ids": ids }))).await;
    assert_eq!(status, 400, "a dismissal needs a reason");
    app.order("POST", "/api/v1/items/dismiss", json!({ "ids": ids, "reason": "done by hand" })).await;
    assert_eq!(app.count("failed").await, 0);
    assert_eq!(app.get("/api/v1/status").await["dismissed"], 1);
    assert!(app.items("status=failed").await.is_empty());
    let dismissed = app.items("status=failed&dismissed=true").await;
    assert_eq!(dismissed.len(), 1);
    assert_eq!(dismissed[0]["dismissReason"], "done by hand");
    assert_eq!(dismissed[0]["status"], "failed");
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "filter": { "status": "failed" } })).await;
    assert_eq!(answer["changed"], 0, "a filter leaves the dismissed out");
    assert_eq!(app.order("POST", "/api/v1/items/restore", json!({ "ids": ids })).await["changed"], 1);
    assert_eq!(app.order("POST", "/api/v1/items/restore", json!({ "ids": ids })).await["changed"], 0);
    assert_eq!((app.count("failed").await, app.items("status=failed").await.len()), (1, 1));
    app.order("POST", "/api/v1/items/retry", json!({ "ids": ids })).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    let activity = app.get("/api/v1/activity").await;
    for action in ["item.dismiss", "item.restore", "item.retry"] {
        assert!(
            activity["activity"].as_array().unwrap().iter().any(|a| a["action"] == action),
            "{action}: {activity:#}"
        );
    }
    app.stop().await;
}
