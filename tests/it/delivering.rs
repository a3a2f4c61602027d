//! Delivery: the schedule, and what each answer means for the item.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Setup};
use rstest::rstest;
use serde_json::Value;
use sync_monitor_orgsim::{Answer, Rule};

fn log(item: &Value) -> Vec<(u64, String, bool)> {
    let log = item["attemptLog"].as_array().unwrap();
    log.iter()
        .map(|a| {
            (
                a["number"].as_u64().unwrap(),
                a["outcome"].as_str().unwrap().to_owned(),
                a["counted"].as_bool().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_failing_item_is_tried_five_times_by_the_schedule_and_then_failed() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::application(500, "Attempt to de-reference a null object")));
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    for (attempt, wait_s) in [(1, 30), (2, 120), (3, 600), (4, 3600)] {
        let item = app
            .wait(&item_path(&app, &payload).await, "the next attempt to be planned", |i| {
                i["status"] == "retrying" && i["attempts"] == attempt
            })
            .await;
        assert_eq!(item["nextAttemptAt"], app.now().plus(Duration::from_secs(wait_s)).to_string().as_str());
        assert_eq!(item["heldBy"], Value::Null);
        app.clock.advance(Duration::from_secs(wait_s).checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(pair.b.received().len(), attempt, "not a millisecond early");
        app.clock.advance(Duration::from_millis(1));
        pair.b.wait_received(attempt + 1).await;
    }
    let item = app.wait_status(payload.id(), ORG_B, "failed").await;
    assert_eq!(item["attempts"], 5);
    assert_eq!(item["nextAttemptAt"], Value::Null);
    assert_eq!(item["lastError"]["httpStatus"], 500);
    assert_eq!(item["lastError"]["message"], "Attempt to de-reference a null object");
    let outcomes: Vec<_> = log(&item).into_iter().map(|(n, outcome, _)| (n, outcome)).collect();
    let retrying = |n| (n, "retrying".to_owned());
    assert_eq!(outcomes, [retrying(1), retrying(2), retrying(3), retrying(4), (5, "failed".to_owned())]);
    app.stop().await;
}

async fn item_path(app: &App, payload: &Payload) -> String {
    format!("/api/v1/items/{}", app.item(payload.id(), ORG_B).await["id"].as_str().unwrap())
}

#[rstest]
#[case::bad_request(Answer::platform(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No"), "failed", "failed")]
#[case::forbidden(Answer::platform(403, "INSUFFICIENT_ACCESS_OR_READONLY", "No"), "failed", "failed")]
#[case::gone(Answer::status(410), "failed", "failed")]
#[case::refused_within_success(
    Answer::json(200, r#"{"success":false,"errors":[{"code":"INVALID_FIELD","message":"No"}]}"#),
    "failed",
    "failed"
)]
#[case::conflict(
    Answer::json(409, r#"{"success":false,"errors":[{"code":"CONFLICT"}]}"#),
    "superseded",
    "superseded"
)]
#[case::empty_success(Answer::status(204), "synced", "synced")]
#[case::locked(Answer::locked(), "retrying", "retrying")]
#[case::locked_within_success(
    Answer::json(200, r#"{"success":false,"errors":[{"code":"UNABLE_TO_LOCK_ROW"}]}"#),
    "retrying",
    "retrying"
)]
#[case::request_time_out(Answer::status(408), "retrying", "retrying")]
#[case::too_early(Answer::status(425), "retrying", "retrying")]
#[case::maintenance(Answer::html(503), "retrying", "retrying")]
#[case::success_that_is_html(Answer::html(200), "retrying", "retrying")]
#[case::reset(Answer::Reset, "retrying", "retrying")]
#[case::reset_in_the_body(Answer::ResetInBody, "retrying", "retrying")]
#[tokio::test]
async fn each_answer_means_what_the_contract_says(
    #[case] answer: Answer,
    #[case] status: &str,
    #[case] outcome: &str,
) {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(answer));
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, status).await;
    assert_eq!(log(&item), [(1, outcome.to_owned(), true)]);
    assert_eq!(item["attempts"], 1);
    assert_eq!(item["lastError"].is_null(), status == "synced", "{item}");
    assert_eq!(item["failureKey"].is_string(), status == "failed");
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_asks_for_more_time_gets_it() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503).with_header("retry-after", "90")).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, "retrying").await;
    assert_eq!(item["nextAttemptAt"], app.now().plus(Duration::from_secs(90)).to_string().as_str());
    app.clock.advance(Duration::from_secs(90));
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(item["attempts"], 2);
    assert_eq!(item["lastError"], Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_sent_again_under_the_same_transaction() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::LostAfterCommit).times(1));
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "retrying").await;
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    let received = pair.b.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    app.stop().await;
}

#[tokio::test]
async fn a_token_that_expired_costs_no_attempt() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.expire_access_tokens();
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(log(&item), [(1, "tokenRenewed".to_owned(), false), (1, "synced".to_owned(), true)]);
    assert_eq!(item["attempts"], 1);
    app.stop().await;
}

#[tokio::test]
async fn at_most_four_requests_are_in_flight_to_one_org() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Delayed(Duration::from_millis(50))));
    for n in 0..20 {
        app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x")).await;
    }
    pair.b.wait_received(20).await;
    assert_eq!(pair.b.most_in_flight(), 4);
    app.stop().await;
}

#[tokio::test]
async fn how_many_are_in_flight_is_a_setting() {
    let (app, pair) = Setup::default().set("delivery.concurrency_per_org", "1").start_with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Delayed(Duration::from_millis(20))));
    for n in 0..6 {
        app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x")).await;
    }
    pair.b.wait_received(6).await;
    assert_eq!(pair.b.most_in_flight(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_dead_org_delays_no_other() {
    let (app, pair) = App::with_two_orgs().await;
    let c = kit::sim(kit::ORG_C).await;
    app.connect(&c).await;
    app.route(ORG_A, kit::ORG_C).await;
    pair.b.script(Rule::always(Answer::Hang));
    for n in 0..30 {
        app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x")).await;
    }
    let received = c.wait_received(30).await;
    assert!(received.iter().all(|r| r.taken));
    assert_eq!(pair.b.received().len(), 4, "the dead org holds its own four and nobody else's");
    app.stop().await;
}

#[tokio::test]
async fn every_target_gets_the_change_and_the_source_never() {
    let (app, pair) = App::with_two_orgs().await;
    let c = kit::sim(kit::ORG_C).await;
    app.connect(&c).await;
    app.route(ORG_A, kit::ORG_C).await;
    app.route(ORG_B, kit::ORG_C).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    app.accept(&pair.token_a, &payload).await;
    pair.b.wait_received(1).await;
    c.wait_received(1).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.wait_status(payload.id(), kit::ORG_C, "synced").await;
    assert!(pair.a.received().is_empty());
    assert_eq!(app.count("synced").await, 2);
    app.stop().await;
}
