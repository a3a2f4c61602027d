//! Holds: when a whole org is not sent to, why, and how it ends. None of them costs an item an attempt.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Pair, Payload, Setup};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule, TokenServer};

async fn send(app: &App, pair: &Pair, external_id: &str) -> Payload {
    let payload = Payload::from(ORG_A, app.now()).record(external_id, "x");
    app.accept(&pair.token_a, &payload).await;
    payload
}

async fn held(app: &App, payload: &Payload) -> Value {
    app.item(payload.id(), ORG_B).await["heldBy"].clone()
}

#[tokio::test]
async fn three_network_failures_hold_the_org_and_a_probe_ends_it() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.go_down();
    let mut sent = Vec::new();
    for n in 0..3 {
        let payload = send(&app, &pair, &format!("WI-{n}")).await;
        app.wait_status(payload.id(), ORG_B, "retrying").await;
        sent.push(payload);
    }
    let org = app.wait_health(ORG_B, "orgUnreachable").await;
    assert!(org["healthDetail"].as_str().unwrap().len() > 10, "{org}");
    for payload in &sent {
        let item = app.item(payload.id(), ORG_B).await;
        assert_eq!(
            (&item["heldBy"], &item["nextAttemptAt"], &item["attempts"]),
            (&json!("orgUnreachable"), &Value::Null, &json!(1))
        );
    }
    let waiting = send(&app, &pair, "WI-9").await;
    assert_eq!(held(&app, &waiting).await, "orgUnreachable");
    assert_eq!(app.get("/api/v1/status").await["held"], 4);
    // Ten probes find nobody: no attempt is used up.
    for _ in 0..10 {
        let before = uncounted(&app, &sent).await + uncounted(&app, std::slice::from_ref(&waiting)).await;
        app.clock.advance(Duration::from_secs(30));
        let (sent, waiting) = (sent.clone(), waiting.clone());
        wait_uncounted(&app, &[sent, vec![waiting]].concat(), before + 1).await;
    }
    for payload in sent.iter().chain([&waiting]) {
        let attempts = app.item(payload.id(), ORG_B).await["attempts"].as_u64().unwrap();
        assert!(attempts <= 1, "a probe counted");
    }
    pair.b.come_up().await.unwrap();
    app.clock.advance(Duration::from_secs(30));
    for payload in sent.iter().chain([&waiting]) {
        app.wait_status(payload.id(), ORG_B, "synced").await;
    }
    app.wait_health(ORG_B, "connected").await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_in_flight_when_an_org_is_found_unreachable_is_held_uncounted() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Hang).for_record("WI-slow"));
    pair.b.script(Rule::always(Answer::Reset));
    let slow = send(&app, &pair, "WI-slow").await;
    app.wait_status(slow.id(), ORG_B, "processing").await;
    pair.b.wait_received(1).await;
    for n in 0..3 {
        send(&app, &pair, &format!("WI-{n}")).await;
    }
    app.wait_health(ORG_B, "orgUnreachable").await;
    pair.b.go_down();
    let slow = app.wait_status(slow.id(), ORG_B, "queued").await;
    assert_eq!((&slow["attempts"], &slow["heldBy"]), (&json!(0), &json!("orgUnreachable")));
    assert_eq!(slow["attemptLog"][0]["counted"], false);
    app.stop().await;
}

async fn uncounted(app: &App, payloads: &[Payload]) -> usize {
    let mut n = 0;
    for payload in payloads {
        let item = app.item(payload.id(), ORG_B).await;
        n += item["attemptLog"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|a| a["counted"] == false && a["outcome"] == "unreachable")
            .count();
    }
    n
}

async fn wait_uncounted(app: &App, payloads: &[Payload], n: usize) {
    while uncounted(app, payloads).await < n {
        app.wait("/api/v1/status", "something", |_| true).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_unreachable_org_with_nothing_due_is_asked_whether_it_answers() {
    let (app, pair) = Setup::default().set("retry.schedule", "0s,1h").start_with_two_orgs().await;
    pair.b.go_down();
    for n in 0..3 {
        let payload = send(&app, &pair, &format!("WI-{n}")).await;
        app.wait_status(payload.id(), ORG_B, "retrying").await;
    }
    app.wait_health(ORG_B, "orgUnreachable").await;
    pair.b.come_up().await.unwrap();
    app.clock.advance(Duration::from_secs(30));
    app.wait_health(ORG_B, "connected").await;
    assert!(pair.b.received().is_empty(), "nothing was sent before it was due");
    app.stop().await;
}

#[tokio::test]
async fn an_org_at_its_limit_is_left_alone_until_it_says() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(
        Rule::always(
            Answer::platform(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
                .with_header("retry-after", "60"),
        )
        .times(1),
    );
    let payload = send(&app, &pair, "WI-1").await;
    app.wait_health(ORG_B, "rateLimited").await;
    let item = app.item(payload.id(), ORG_B).await;
    assert_eq!(
        (&item["status"], &item["heldBy"], &item["attempts"]),
        (&json!("queued"), &json!("rateLimited"), &json!(0))
    );
    assert_eq!(item["nextAttemptAt"], app.now().plus(Duration::from_mins(1)).to_string().as_str());
    assert_eq!(item["attemptLog"][0]["counted"], false);
    app.clock.advance(Duration::from_mins(1));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.wait_health(ORG_B, "connected").await;
    app.stop().await;
}

#[tokio::test]
async fn without_a_word_on_when_a_limit_lasts_15_minutes() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::status(429)).times(1));
    let payload = send(&app, &pair, "WI-1").await;
    app.wait_health(ORG_B, "rateLimited").await;
    assert_eq!(
        app.item(payload.id(), ORG_B).await["nextAttemptAt"],
        app.now().plus(Duration::from_mins(15)).to_string().as_str()
    );
    app.clock.advance(Duration::from_mins(15));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_missing_endpoint_is_looked_for_at_growing_steps() {
    for answer in [
        Answer::platform(404, "NOT_FOUND", "no such URL"),
        Answer::redirect(302, "https://login.salesforce.com/"),
    ] {
        let (app, pair) = App::with_two_orgs().await;
        pair.b.script(Rule::always(answer).times(3));
        let payload = send(&app, &pair, "WI-1").await;
        app.wait_health(ORG_B, "endpointMissing").await;
        let item = app.item(payload.id(), ORG_B).await;
        assert_eq!(
            (&item["status"], &item["heldBy"], &item["nextAttemptAt"]),
            (&json!("queued"), &json!("endpointMissing"), &Value::Null)
        );
        for (n, seconds) in [(2, 30), (3, 60), (4, 120)] {
            app.clock.advance(Duration::from_secs(seconds).checked_sub(Duration::from_millis(1)).unwrap());
            assert_eq!(pair.b.received().len(), n - 1);
            app.clock.advance(Duration::from_millis(1));
            pair.b.wait_received(n).await;
            let log = n;
            app.wait(
                &format!("/api/v1/items/{}", item["id"].as_str().unwrap()),
                "the probe to be logged",
                |i| i["attemptLog"].as_array().unwrap().len() == log,
            )
            .await;
        }
        let item = app.wait_status(payload.id(), ORG_B, "synced").await;
        assert_eq!(item["attempts"], 1);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_refused_renewal_holds_the_org_until_somebody_signs_in() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.revoke_everything();
    let payload = send(&app, &pair, "WI-1").await;
    let org = app.wait_health(ORG_B, "signInRequired").await;
    assert!(org["healthDetail"].as_str().unwrap().contains("Sign in again"), "{org}");
    let item = app.item(payload.id(), ORG_B).await;
    assert_eq!(
        (&item["status"], &item["heldBy"], &item["attempts"]),
        (&json!("queued"), &json!("signInRequired"), &json!(0))
    );
    let asked = pair.b.token_requests();
    app.clock.advance(Duration::from_hours(24));
    assert_eq!(pair.b.token_requests(), asked, "nobody knocks at a door that is locked");
    pair.b.sign_in_again();
    app.connect(&pair.b).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.wait_health(ORG_B, "connected").await;
    let activity = app.get("/api/v1/activity?limit=100").await;
    let signs = activity["activity"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["action"] == "org.health" && a["reason"] == "signInRequired")
        .count();
    assert_eq!(signs, 1, "told once: {activity:#}");
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_takes_its_tokens_again_releases_what_it_held_by_itself() {
    let (app, pair) = App::with_two_orgs().await;
    // As a session does that comes from a network which the org does not trust: no new token mends that.
    let refusal =
        Answer::platform(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API");
    pair.b.script(Rule::always(refusal.clone()));
    pair.b.script_api(refusal);
    let payload = send(&app, &pair, "WI-1").await;
    app.wait_health(ORG_B, "signInRequired").await;
    assert_eq!(app.item(payload.id(), ORG_B).await["attempts"], 0);
    pair.b.heal();
    app.clock.advance(Duration::from_mins(15));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.wait_health(ORG_B, "connected").await;
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_wants_a_sign_in_a_second_time_is_left_alone_as_long_as_the_first_time() {
    let (app, pair) = App::with_two_orgs().await;
    let refusal = Answer::platform(401, "INVALID_SESSION_ID", "expired");
    pair.b.script(Rule::always(refusal.clone()));
    pair.b.script_api(refusal.clone());
    let payload = send(&app, &pair, "WI-1").await;
    app.wait_health(ORG_B, "signInRequired").await;
    assert_eq!(app.item(payload.id(), ORG_B).await["attempts"], 0);
    app.clock.advance(Duration::from_mins(10));
    // Somebody finds that the sign-in works again, and what was held goes on; but the endpoint takes no token yet.
    pair.b.heal();
    pair.b.script(Rule::always(refusal));
    let test = async |id: String| app.order("POST", &format!("/api/v1/orgs/{id}/test"), json!({})).await;
    let tested = test(pair.b.id().to_string()).await;
    assert_eq!(tested["checks"][0]["result"], "ok", "{tested}");
    app.wait_health(ORG_B, "signInRequired").await;
    let second = app.now();
    pair.b.heal();
    while app.get("/api/v1/status").await["counts"]["synced"] == 0 {
        assert!(app.now().since(second) < Duration::from_hours(2), "it is not looked at again");
        app.clock.advance(Duration::from_mins(1));
        // A look at another org takes as long as one at this would: so the clock does not run away from it.
        test(pair.a.id().to_string()).await;
    }
    let later = app.now().since(second);
    assert!(later >= Duration::from_mins(15), "after {later:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_token_server_that_is_down_counts_as_the_network() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.expire_access_tokens();
    pair.b.token_server(TokenServer::Unavailable);
    let payload = send(&app, &pair, "WI-1").await;
    let item = app.wait_status(payload.id(), ORG_B, "retrying").await;
    assert_eq!(item["attempts"], 1);
    pair.b.token_server(TokenServer::Healthy);
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_paused_org_and_a_paused_route_hold_their_items() {
    let (app, pair) = App::with_two_orgs().await;
    let id = pair.b.id();
    app.order("POST", &format!("/api/v1/orgs/{id}/pause"), json!({})).await;
    let payload = send(&app, &pair, "WI-1").await;
    assert_eq!(held(&app, &payload).await, "orgPaused");
    app.wait_health(ORG_B, "paused").await;
    app.order("POST", &format!("/api/v1/orgs/{id}/resume"), json!({})).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;

    let routes = app.get("/api/v1/routes").await;
    let route = routes["routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["targetOrgId"] == id.as_str())
        .cloned()
        .unwrap();
    let path = format!("/api/v1/routes/{}", route["id"].as_str().unwrap());
    app.order("PATCH", &path, json!({ "enabled": false })).await;
    let payload = send(&app, &pair, "WI-2").await;
    assert_eq!(held(&app, &payload).await, "routePaused");
    assert_eq!(app.get("/api/v1/status").await["held"], 1);
    let (status, problem) = app.ask("DELETE", &path, None).await;
    assert_eq!(status, 409, "{problem}");
    app.order("PATCH", &path, json!({ "enabled": true })).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(app.ask("DELETE", &path, None).await.0, 204);
    let late = Payload::from(ORG_A, app.now()).record("WI-3", "x");
    assert_eq!(app.post(&pair.token_a, &late.text()).await.codes(), ["NO_ROUTE"]);
    app.stop().await;
}

#[tokio::test]
async fn after_a_disconnect_items_wait_for_the_next_sign_in() {
    let (app, pair) = App::with_two_orgs().await;
    let id = pair.b.id();
    assert_eq!(app.ask("DELETE", &format!("/api/v1/orgs/{id}"), None).await.0, 204);
    assert_eq!(pair.b.revocations(), 1);
    let payload = send(&app, &pair, "WI-1").await;
    assert_eq!(held(&app, &payload).await, "signInRequired");
    pair.b.sign_in_again();
    app.connect(&pair.b).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}
