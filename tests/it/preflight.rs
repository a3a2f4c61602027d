//! The preflight of a retry: what it would do is told before, and nothing is done.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Pair, Payload, sim};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

async fn preflight(app: &App, body: Value) -> Value {
    app.order("POST", "/api/v1/items/preflight", body).await
}

/// A change of A's that B refuses.
async fn fail(app: &App, pair: &Pair, record: Value) -> Value {
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    app.clock.advance(Duration::from_secs(1));
    let payload = Payload::from(ORG_A, app.now()).with(record);
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "failed").await
}

#[tokio::test]
async fn it_tells_for_each_org_how_many_are_sent_what_that_costs_and_what_holds_them() {
    let (app, pair) = App::with_two_orgs().await;
    let c = sim(ORG_C).await;
    app.connect(&c).await;
    let route = app.route(ORG_A, ORG_C).await;
    for org in [&pair.b, &c] {
        org.script(Rule::always(Answer::status(400)));
    }
    for n in 0..3 {
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        app.accept(&pair.token_a, &payload).await;
        for org in [ORG_B, ORG_C] {
            app.wait_status(payload.id(), org, "failed").await;
        }
    }
    let at_b = app.items(&format!("targetOrgId={ORG_B}")).await[0]["id"].clone();
    app.order("POST", "/api/v1/items/dismiss", json!({ "ids": [at_b], "reason": "x" })).await;
    let before = (app.items("").await, app.get("/api/v1/activity").await, app.get("/api/v1/runs").await);
    let told = preflight(&app, json!({ "filter": { "status": "failed" } })).await;
    let orgs = app.get("/api/v1/orgs").await;
    let usage = |id: &str| {
        let orgs = orgs["orgs"].as_array().unwrap();
        orgs.iter().find(|org| org["orgId"] == id).unwrap()["apiUsage"].clone()
    };
    let (id_b, id_c) = (pair.b.id().to_string(), c.id().to_string());
    let expected = json!({
        "asOf": app.now(), "selected": 5, "send": 5, "superseded": 0, "notFailed": 0, "notFound": 0,
        "orgs": [
            { "orgId": id_c, "send": 3, "superseded": 0, "heldBy": null, "apiCalls": 3, "apiUsage": usage(&id_c) },
            { "orgId": id_b, "send": 2, "superseded": 0, "heldBy": null, "apiCalls": 2, "apiUsage": usage(&id_b) },
        ],
    });
    assert_eq!(told, expected, "the dismissed is left out, as a retry by filter leaves it out");
    let after = (app.items("").await, app.get("/api/v1/activity").await, app.get("/api/v1/runs").await);
    assert_eq!(after, before, "nothing is changed by it");

    let held =
        async |org: usize| preflight(&app, json!({ "filter": {} })).await["orgs"][org]["heldBy"].clone();
    let path = format!("/api/v1/routes/{}", route["id"].as_str().unwrap());
    app.order("PATCH", &path, json!({ "enabled": false })).await;
    app.order("POST", &format!("/api/v1/orgs/{id_b}/pause"), json!({})).await;
    assert_eq!((held(0).await, held(1).await), (json!("routePaused"), json!("orgPaused")));
    app.order("POST", &format!("/api/v1/orgs/{id_b}/resume"), json!({})).await;
    pair.b.revoke_everything();
    app.order("POST", &format!("/api/v1/orgs/{id_b}/test"), json!({})).await;
    assert_eq!(held(1).await, "signInRequired");
    app.stop().await;
}

#[tokio::test]
async fn what_a_newer_change_covers_is_told_apart_whether_that_is_synced_waits_or_is_retried_too() {
    let (app, pair) = App::with_two_orgs().await;
    let whole = |id: &str| json!({ "externalId": id, "title": "x", "status": "y" });
    let part = |id: &str, member: &str| json!({ "externalId": id, member: "x" });
    let covered_by_synced = fail(&app, &pair, part("WI-1", "title")).await;
    let newer = Payload::from(ORG_A, app.now()).later(1).with(whole("WI-1"));
    app.accept(&pair.token_a, &newer).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    let covered_by_retried = fail(&app, &pair, part("WI-2", "title")).await;
    let retried = fail(&app, &pair, whole("WI-2")).await;
    let other_part = fail(&app, &pair, part("WI-3", "title")).await;
    let newer_part = fail(&app, &pair, part("WI-3", "status")).await;
    let covered_by_waiting = fail(&app, &pair, part("WI-4", "title")).await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let waits = Payload::from(ORG_A, app.now()).later(1).with(whole("WI-4"));
    app.accept(&pair.token_a, &waits).await;

    let told = preflight(&app, json!({ "filter": {} })).await;
    assert_eq!((&told["selected"], &told["send"], &told["superseded"]), (&json!(6), &json!(3), &json!(3)));
    // By itself the older one would be sent.
    let ids = json!({ "ids": [covered_by_retried["id"]] });
    assert_eq!(preflight(&app, ids).await["send"], 1);
    app.order("POST", "/api/v1/items/retry", json!({ "filter": {} })).await;
    app.order("POST", &format!("/api/v1/orgs/{}/resume", pair.b.id()), json!({})).await;
    app.wait("/api/v1/status", "everything to be done", |s| {
        s["counts"]["queued"] == 0 && s["counts"]["processing"] == 0
    })
    .await;
    for (item, status) in [
        (covered_by_synced, "failed"),
        (covered_by_retried, "superseded"),
        (retried, "synced"),
        (other_part, "synced"),
        (newer_part, "synced"),
        (covered_by_waiting, "superseded"),
    ] {
        let now = app.get(&format!("/api/v1/items/{}", item["id"].as_str().unwrap())).await;
        assert_eq!(now["status"], status, "{now}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_retried_is_counted_by_why() {
    let (app, pair) = App::with_two_orgs().await;
    let failed = fail(&app, &pair, json!({ "externalId": "WI-1" })).await;
    let done = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &done).await;
    let synced = app.wait_status(done.id(), ORG_B, "synced").await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let ids = json!({ "ids": [failed["id"], synced["id"], nobody, "nonsense", failed["id"]] });
    let told = preflight(&app, ids).await;
    for (member, n) in [("selected", 4), ("send", 1), ("superseded", 0), ("notFailed", 1), ("notFound", 2)] {
        assert_eq!(told[member], n, "{member}: {told}");
    }
    let nothing = preflight(&app, json!({ "filter": { "q": "unicorn" } })).await;
    assert_eq!((&nothing["selected"], &nothing["orgs"]), (&json!(0), &json!([])));
    for wrong in
        [json!({}), json!({ "filter": { "status": "synced" } }), json!({ "ids": [], "reason": "why" })]
    {
        assert_eq!(app.ask("POST", "/api/v1/items/preflight", Some(wrong.clone())).await.0, 400, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_retry_that_follows_does_no_more_than_was_told() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, json!({ "externalId": "WI-1" })).await;
    let told = preflight(&app, json!({ "filter": { "status": "failed" } })).await;
    assert_eq!(told["send"], 1);
    fail(&app, &pair, json!({ "externalId": "WI-2" })).await;
    let filter = json!({ "status": "failed", "asOf": told["asOf"] });
    let again = preflight(&app, json!({ "filter": filter })).await;
    assert_eq!((&again["asOf"], &again["send"]), (&told["asOf"], &json!(1)), "as of the same moment");
    assert_eq!(app.order("POST", "/api/v1/items/retry", json!({ "filter": filter })).await["changed"], 1);
    assert_eq!(app.items("status=failed").await[0]["externalIds"], json!(["WI-2"]));
    app.stop().await;
}
