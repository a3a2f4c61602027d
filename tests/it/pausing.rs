//! The pause of the whole relay: nothing is sent to anybody, nothing is lost, and it ends when it was told to.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Pair, Payload, Setup, sim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_domain::clock::Millis;
use sync_monitor_orgsim::{Answer, Rule};

async fn pause(app: &App, until: Option<Millis>) -> Value {
    app.order("POST", "/api/v1/relay/pause", json!({ "until": until })).await
}

async fn resume(app: &App) -> Value {
    app.order("POST", "/api/v1/relay/resume", json!({})).await
}

async fn send(app: &App, pair: &Pair, record: &str) -> Payload {
    let payload = Payload::from(ORG_A, app.now()).record(record, "x");
    app.accept(&pair.token_a, &payload).await;
    payload
}

async fn relay(app: &App) -> Value {
    app.get("/api/v1/status").await["relay"].clone()
}

/// What the log says of the relay, the oldest first: actor (without his name) and action.
async fn log(app: &App) -> Vec<String> {
    let log = app.get("/api/v1/activity?action=relay.").await;
    let mut lines: Vec<String> = log["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let actor = line["actor"].as_str().unwrap().split(':').next().unwrap();
            format!("{actor} {}", line["action"].as_str().unwrap())
        })
        .collect();
    lines.reverse();
    lines
}

#[tokio::test]
async fn a_paused_relay_takes_changes_and_sends_none_until_it_is_resumed() {
    let (app, pair) = App::with_two_orgs().await;
    assert_eq!(relay(&app).await, json!({ "paused": false, "pausedUntil": null }));
    let paused = json!({ "paused": true, "pausedUntil": null });
    assert_eq!(pause(&app, None).await, paused);
    assert_eq!(relay(&app).await, paused);
    let payload = send(&app, &pair, "WI-1").await;
    let item = app.item(payload.id(), ORG_B).await;
    assert_eq!(
        (&item["status"], &item["heldBy"], &item["nextAttemptAt"]),
        (&json!("queued"), &json!("orgPaused"), &Value::Null)
    );
    let status = app.get("/api/v1/status").await;
    assert_eq!((&status["held"], &status["nextAttemptAt"]), (&json!(1), &Value::Null));
    assert_eq!(app.items("held=true").await.len(), 1);
    for org in [ORG_A, ORG_B] {
        let org = app.wait_health(org, "paused").await;
        assert_eq!(org["paused"], false, "not by itself");
    }
    app.clock.advance(Duration::from_hours(48));
    assert_eq!(resume(&app).await, json!({ "paused": false, "pausedUntil": null }));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(pair.b.received().len(), 1);
    resume(&app).await;
    assert_eq!(log(&app).await, ["user relay.pause", "user relay.resume"], "only what changed something");
    app.stop().await;
}

#[tokio::test]
async fn what_is_in_flight_when_the_relay_is_paused_lands() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Delayed(Duration::from_millis(150))).times(1));
    let first = send(&app, &pair, "WI-1").await;
    app.wait_status(first.id(), ORG_B, "processing").await;
    pause(&app, None).await;
    let second = send(&app, &pair, "WI-2").await;
    app.wait_status(first.id(), ORG_B, "synced").await;
    assert_eq!(app.item(second.id(), ORG_B).await["heldBy"], "orgPaused");
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_is_connected_meanwhile_is_held_too() {
    let (app, pair) = App::with_two_orgs().await;
    pause(&app, None).await;
    let c = sim(ORG_C).await;
    app.connect(&c).await;
    app.route(ORG_A, ORG_C).await;
    pair.b.sign_in_again();
    app.connect(&pair.b).await;
    let payload = send(&app, &pair, "WI-1").await;
    for org in [ORG_B, ORG_C] {
        app.wait_health(org, "paused").await;
        assert_eq!(app.item(payload.id(), org).await["heldBy"], "orgPaused");
    }
    resume(&app).await;
    for org in [ORG_B, ORG_C] {
        app.wait_status(payload.id(), org, "synced").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn an_org_keeps_the_pause_of_its_own() {
    let (app, pair) = App::with_two_orgs().await;
    let order = async |order: &str| {
        app.order("POST", &format!("/api/v1/orgs/{}/{order}", pair.b.id()), json!({})).await
    };
    order("pause").await;
    pause(&app, None).await;
    let payload = send(&app, &pair, "WI-1").await;
    resume(&app).await;
    assert_eq!(app.wait_health(ORG_B, "paused").await["paused"], true);
    app.wait_health(ORG_A, "connected").await;
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "orgPaused");
    // And the other way round.
    pause(&app, None).await;
    assert_eq!(order("resume").await["health"], "paused");
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "orgPaused");
    assert!(pair.b.received().is_empty());
    resume(&app).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_disconnected_org_waits_for_its_sign_in_whatever_the_relay_does() {
    let (app, pair) = App::with_two_orgs().await;
    pause(&app, None).await;
    assert_eq!(app.ask("DELETE", &format!("/api/v1/orgs/{}", pair.b.id()), None).await.0, 204);
    let payload = send(&app, &pair, "WI-1").await;
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "signInRequired");
    resume(&app).await;
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "signInRequired");
    app.stop().await;
}

#[tokio::test]
async fn a_pause_costs_no_attempt_and_nobody_is_probed_in_it() {
    let (app, pair) = Setup::default().set("retry.schedule", "0s,1h").start_with_two_orgs().await;
    pair.b.go_down();
    let mut sent = Vec::new();
    for n in 0..3 {
        let payload = send(&app, &pair, &format!("WI-{n}")).await;
        app.wait_status(payload.id(), ORG_B, "retrying").await;
        sent.push(payload);
    }
    app.wait_health(ORG_B, "orgUnreachable").await;
    pause(&app, None).await;
    pair.b.come_up().await.unwrap();
    app.clock.advance(Duration::from_hours(2));
    app.wait_health(ORG_B, "paused").await;
    resume(&app).await;
    for payload in &sent {
        let item = app.wait_status(payload.id(), ORG_B, "synced").await;
        assert_eq!(item["attempts"], 2);
    }
    app.stop().await;
}

#[rstest]
#[case::while_it_runs(|app: App, clock: Duration| async move {
    app.clock.advance(clock);
    app
})]
#[case::while_the_machine_sleeps(|app: App, clock: Duration| async move {
    // The wall clock goes on in sleep, the other one stands still.
    app.clock.set(app.now().plus(clock));
    app
})]
#[case::while_it_is_off(|app: App, clock: Duration| app.restart(clock))]
#[tokio::test]
async fn a_pause_ends_by_itself_at_its_time<T: Future<Output = App>>(
    #[case] pass: impl Fn(App, Duration) -> T,
) {
    let (app, pair) = App::with_two_orgs().await;
    let until = app.now().plus(Duration::from_hours(2));
    assert_eq!(pause(&app, Some(until)).await, json!({ "paused": true, "pausedUntil": until }));
    let payload = send(&app, &pair, "WI-1").await;
    let app = pass(app, Duration::from_hours(2) - Duration::from_millis(1)).await;
    assert_eq!(relay(&app).await, json!({ "paused": true, "pausedUntil": until }));
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "orgPaused");
    let app = pass(app, Duration::from_millis(1)).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(relay(&app).await, json!({ "paused": false, "pausedUntil": null }));
    assert_eq!(log(&app).await, ["user relay.pause", "relay relay.resume"]);
    app.stop().await;
}

#[tokio::test]
async fn a_pause_without_an_end_survives_a_restart() {
    let (app, pair) = App::with_two_orgs().await;
    pause(&app, None).await;
    let app = app.restart(Duration::from_hours(100)).await;
    let payload = send(&app, &pair, "WI-1").await;
    app.wait_health(ORG_B, "paused").await;
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "orgPaused");
    resume(&app).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn the_end_of_a_pause_can_be_put_off_brought_forward_and_taken_away() {
    let (app, pair) = App::with_two_orgs().await;
    let hour = Duration::from_hours(1);
    let began = app.now();
    pause(&app, Some(began.plus(hour))).await;
    pause(&app, Some(began.plus(3 * hour))).await;
    app.clock.advance(2 * hour);
    let payload = send(&app, &pair, "WI-1").await;
    assert_eq!(relay(&app).await["pausedUntil"], json!(began.plus(3 * hour)));
    pause(&app, None).await;
    app.clock.advance(2 * hour);
    assert_eq!(relay(&app).await, json!({ "paused": true, "pausedUntil": null }));
    pause(&app, Some(app.now().plus(Duration::from_secs(1)))).await;
    app.clock.advance(Duration::from_secs(1));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_pause_without_an_end_needs_no_words() {
    let app = App::start().await;
    for body in [None, Some(json!({})), Some(json!({ "until": null }))] {
        let paused = app.ask("POST", "/api/v1/relay/pause", body).await;
        assert_eq!(paused, (200, json!({ "paused": true, "pausedUntil": null })));
    }
    app.stop().await;
}

#[rstest]
#[case::passed(json!({ "until": "2020-01-01T00:00:00Z" }))]
#[case::no_time(json!({ "until": "tomorrow" }))]
#[case::without_zone(json!({ "until": "2099-01-01T00:00:00" }))]
#[case::a_number(json!({ "until": 5 }))]
#[case::unknown(json!({ "for": "15m" }))]
#[tokio::test]
async fn an_end_that_is_none_is_refused(#[case] body: Value) {
    let app = App::start().await;
    let (status, problem) = app.ask("POST", "/api/v1/relay/pause", Some(body)).await;
    assert_eq!(status, 400, "{problem}");
    assert_eq!(relay(&app).await["paused"], false);
    app.stop().await;
}
