//! Echoes go nowhere, edits are never taken for echoes, and the last write wins.

use kit::{App, ORG_A, ORG_B, ORG_C, Payload};
use serde_json::json;
use sync_monitor_orgsim::{Answer, Rule};

async fn echoes(app: &App) -> u64 {
    app.get("/api/v1/status").await["suppressedEchoes"].as_u64().unwrap()
}

#[tokio::test]
async fn a_transaction_that_comes_back_is_suppressed_and_counted() {
    let (app, pair) = App::with_two_orgs().await;
    let change = Payload::from(ORG_A, app.now()).transaction("t1").record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    app.wait_status("t1", ORG_B, "synced").await;
    let back =
        Payload::from(ORG_B, app.now()).later(5).transaction("t1").record("WI-1", "other content even");
    let answer = app.accept(&pair.token_b, &back).await;
    assert_eq!((&answer["suppressed"], &answer["recordsProcessed"]), (&json!(true), &json!(0)));
    assert_eq!(echoes(&app).await, 1);
    let orgs = app.get("/api/v1/orgs").await;
    let b =
        orgs["orgs"].as_array().unwrap().iter().find(|o| o["orgId"] == pair.b.id().as_str()).unwrap().clone();
    assert_eq!(b["suppressedEchoes"], 1);
    assert!(pair.a.received().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_delivered_change_that_comes_back_under_another_name_is_an_echo() {
    let (app, pair) = App::with_two_orgs().await;
    let change =
        Payload::from(ORG_A, app.now()).with(json!({ "externalId": "WI-1", "title": "x", "hours": 8 }));
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "synced").await;
    let echo = Payload::from(ORG_B, app.now())
        .later(60_000)
        .with(json!({ "hours": 8.0, "title": "x", "externalId": "WI-1" }));
    assert_eq!(app.accept(&pair.token_b, &echo).await["suppressed"], true);
    assert_eq!(echoes(&app).await, 1);
    assert!(pair.a.received().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn an_edit_within_moments_of_a_delivery_is_no_echo() {
    let (app, pair) = App::with_two_orgs().await;
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "from a");
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "synced").await;
    let edit = Payload::from(ORG_B, app.now()).later(1).record("WI-1", "edited in b");
    assert_eq!(app.accept(&pair.token_b, &edit).await["recordsProcessed"], 1);
    app.wait_status(edit.id(), ORG_A, "synced").await;
    // And back to what was delivered, by hand: that is an edit too, since the org sent something else in between.
    let back = Payload::from(ORG_B, app.now()).later(2).record("WI-1", "from a");
    assert_eq!(app.accept(&pair.token_b, &back).await["recordsProcessed"], 1);
    app.wait_status(back.id(), ORG_A, "synced").await;
    assert_eq!(pair.a.record("WI-1").unwrap()["title"], "from a");
    assert_eq!(echoes(&app).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_known_when_it_comes_back() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::LostAfterCommit).times(1));
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "retrying").await;
    let echo = Payload::from(ORG_B, app.now()).later(1_000).record("WI-1", "x");
    assert_eq!(app.accept(&pair.token_b, &echo).await["suppressed"], true);
    app.stop().await;
}

#[tokio::test]
async fn a_transaction_goes_no_more_to_an_org_that_has_seen_it() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::LostAfterCommit).times(1));
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "retrying").await;
    let back = Payload::from(ORG_B, app.now()).transaction(change.id()).record("WI-1", "x");
    app.accept(&pair.token_b, &back).await;
    app.wait_status(change.id(), ORG_B, "synced").await;
    app.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(pair.b.received().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_was_refused_there_is_no_echo_when_it_comes_from_there() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    let refused = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &refused).await;
    app.wait_status(refused.id(), ORG_B, "failed").await;
    let edit = Payload::from(ORG_B, app.now()).later(1).record("WI-1", "x");
    assert_eq!(app.accept(&pair.token_b, &edit).await["recordsProcessed"], 1);
    app.stop().await;
}

#[tokio::test]
async fn in_a_batch_the_echoes_are_left_out_and_the_rest_goes_on() {
    let (app, pair) = App::with_two_orgs().await;
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "synced").await;
    let batch = Payload::from(ORG_B, app.now()).later(1).record("WI-1", "x").record("WI-2", "new");
    let answer = app.accept(&pair.token_b, &batch).await;
    assert_eq!(
        (&answer["success"], &answer["recordsProcessed"], &answer["suppressed"]),
        (&json!(true), &json!(1), &json!(null))
    );
    let received = pair.a.wait_received(1).await;
    assert_eq!(received[0].external_ids, ["WI-2"]);
    assert_eq!(echoes(&app).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn an_older_write_is_a_conflict_and_the_rest_of_its_batch_is_not() {
    let (app, pair) = App::with_two_orgs().await;
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-1", "newest")).await;
    let stale = Payload::from(ORG_B, app.now()).later(-1).record("WI-1", "older");
    let reply = app.post(&pair.token_b, &stale.text()).await;
    assert_eq!((reply.status, reply.codes()), (409, vec!["CONFLICT".to_owned()]));
    assert_eq!(reply.json()["errors"][0]["externalId"], "WI-1");
    let batch = Payload::from(ORG_B, app.now()).later(-1).record("WI-1", "older").record("WI-2", "fine");
    let reply = app.post(&pair.token_b, &batch.text()).await;
    assert_eq!((reply.status, reply.codes()), (200, vec!["CONFLICT".to_owned()]));
    let body = reply.json();
    assert_eq!((&body["success"], &body["recordsProcessed"]), (&json!(false), &json!(1)));
    assert_eq!(body["errors"][0]["field"], "/records/0");
    app.wait_status(batch.id(), ORG_A, "synced").await;
    assert_eq!(pair.a.received()[0].external_ids, ["WI-2"]);
    app.stop().await;
}

#[tokio::test]
async fn at_equal_times_the_greater_org_wins_whoever_comes_first() {
    for greater_first in [true, false] {
        let (app, pair) = App::with_two_orgs().await;
        let at = app.now();
        let (lesser, greater) = (
            Payload::from(ORG_A, at).record("WI-1", "lesser"),
            Payload::from(ORG_B, at).record("WI-1", "greater"),
        );
        let (first, second) = if greater_first {
            ((&pair.token_b, &greater), (&pair.token_a, &lesser))
        } else {
            ((&pair.token_a, &lesser), (&pair.token_b, &greater))
        };
        assert_eq!(app.post(first.0, &first.1.text()).await.status, 200);
        let status = app.post(second.0, &second.1.text()).await.status;
        assert_eq!(status, if greater_first { 409 } else { 200 });
        app.wait_status(greater.id(), ORG_A, "synced").await;
        assert_eq!(pair.a.record("WI-1").unwrap()["title"], "greater");
        app.stop().await;
    }
}

#[tokio::test]
async fn three_orgs_that_echo_everything_come_to_rest() {
    let (app, pair) = App::with_two_orgs().await;
    let c = kit::sim(ORG_C).await;
    app.connect(&c).await;
    for (from, to) in [(ORG_A, ORG_C), (ORG_B, ORG_C), (ORG_C, ORG_A), (ORG_C, ORG_B)] {
        app.route(from, to).await;
    }
    let token_c = app.token(&[ORG_C]).await;
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    app.wait_status(change.id(), ORG_B, "synced").await;
    app.wait_status(change.id(), ORG_C, "synced").await;
    for (n, (org, token)) in [(ORG_B, &pair.token_b), (ORG_C, &token_c)].into_iter().enumerate() {
        let echo = Payload::from(org, app.now()).later(1 + i64::try_from(n).unwrap()).record("WI-1", "x");
        assert_eq!(app.accept(token, &echo).await["suppressed"], true);
    }
    let status = app.get("/api/v1/status").await;
    assert_eq!((&status["counts"]["synced"], &status["counts"]["queued"]), (&json!(2), &json!(0)));
    assert!(pair.a.received().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn what_waits_for_an_org_that_has_sent_a_newer_version_itself_is_superseded() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let older = Payload::from(ORG_A, app.now()).record("WI-1", "from a");
    app.accept(&pair.token_a, &older).await;
    // This one says more than the newer version of B, so B still has to hear it.
    let more = Payload::from(ORG_A, app.now())
        .with(json!({ "externalId": "WI-2", "title": "from a", "status": "Done" }));
    app.accept(&pair.token_a, &more).await;
    let newer = Payload::from(ORG_B, app.now()).later(5).record("WI-1", "from b").record("WI-2", "from b");
    app.accept(&pair.token_b, &newer).await;
    app.wait_status(newer.id(), ORG_A, "synced").await;
    assert_eq!(app.item(older.id(), ORG_B).await["status"], "superseded");
    assert_eq!(app.item(more.id(), ORG_B).await["status"], "queued");
    app.order("POST", &format!("/api/v1/orgs/{}/resume", pair.b.id()), json!({})).await;
    app.wait("/api/v1/status", "nothing to wait", |status| status["counts"]["queued"] == 0).await;
    assert!(!pair.b.has_transaction(older.id()));
    app.stop().await;
}
