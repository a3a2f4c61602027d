//! The test of a connected org, and what is said of it.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Setup};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, OrgSim, Rule, TokenServer};

async fn test(app: &App, org: &OrgSim) -> Value {
    app.order("POST", &format!("/api/v1/orgs/{}/test", org.id()), json!({})).await
}

fn results(tested: &Value) -> Vec<(&str, &str)> {
    let checks = tested["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["check"].as_str().unwrap(), check["result"].as_str().unwrap())).collect()
}

fn message<'a>(tested: &'a Value, name: &str) -> &'a str {
    let check = tested["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap();
    check["message"].as_str().unwrap()
}

#[tokio::test]
async fn an_org_that_is_well_passes_and_gets_nothing_by_it() {
    let (app, pair) = App::with_two_orgs().await;
    let tested = test(&app, &pair.b).await;
    let clock = ("clock", results(&tested)[3].1);
    assert_eq!(results(&tested), [("signIn", "ok"), ("endpoint", "ok"), ("apiUsage", "ok"), clock]);
    assert!(message(&tested, "signIn").contains("admin@"), "{tested}");
    assert!(tested["apiUsage"]["max"].as_u64().unwrap() > 0);
    assert_eq!(pair.b.received(), [], "a test is no change");
    let activity = app.get("/api/v1/activity?limit=1").await;
    assert_eq!(
        (&activity["activity"][0]["action"], &activity["activity"][0]["reason"]),
        (&json!("org.test"), &json!("passed"))
    );
    assert_eq!(app.ask("POST", "/api/v1/orgs/00D000000000009/test", None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_what_it_does() {
    let (app, pair) = App::with_two_orgs().await;
    let machine = sync_monitor_orgsim::wall_clock();
    app.clock.set(machine);
    for (ahead, words) in [(600, "ahead of"), (-600, "behind")] {
        pair.b.set_clock_ahead(ahead);
        let tested = test(&app, &pair.b).await;
        assert_eq!(results(&tested)[3], ("clock", "warning"), "{tested}");
        assert!(message(&tested, "clock").contains(words), "{tested}");
        let skew = tested["clockSkewMs"].as_i64().unwrap();
        assert!((skew - ahead * 1_000).abs() < 60_000, "{skew}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_missing_endpoint_holds_the_org_before_anything_is_sent() {
    let (app, pair) = App::with_two_orgs().await;
    let missing = Answer::platform(404, "NOT_FOUND", "Could not find a match for URL");
    pair.b.script(Rule::always(missing));
    let tested = test(&app, &pair.b).await;
    assert_eq!(results(&tested)[..2], [("signIn", "ok"), ("endpoint", "failed")]);
    assert!(message(&tested, "endpoint").contains("Install Delivery Hub"), "{tested}");
    assert_eq!(tested["health"], "endpointMissing");
    pair.b.heal();
    let tested = test(&app, &pair.b).await;
    assert_eq!((&tested["health"], results(&tested)[1]), (&json!("connected"), ("endpoint", "ok")));
    app.stop().await;
}

/// What the test says of the endpoint, and how it stands with the org after it.
async fn endpoint_with(app: &App, org: &OrgSim, answer: Answer) -> (Value, String) {
    org.heal();
    org.script(Rule::always(answer));
    let tested = test(app, org).await;
    assert_eq!(results(&tested)[0], ("signIn", "ok"), "{tested}");
    assert_eq!(tested["health"], "connected", "a failed check is told, and holds nothing");
    let words = message(&tested, "endpoint").to_owned();
    (tested, words)
}

#[tokio::test]
async fn an_endpoint_that_is_of_no_use_is_told_from_one_that_is_there() {
    let (app, pair) = App::with_two_orgs().await;
    let org = &pair.b;
    let class = "You do not have access to the Apex class named: DeliverySync";
    let (tested, words) = endpoint_with(&app, org, Answer::platform(403, "FORBIDDEN", class)).await;
    assert_eq!(results(&tested)[1], ("endpoint", "failed"));
    assert!(words.contains(class) && words.contains("permission set"), "{words}");
    let (tested, words) = endpoint_with(&app, org, Answer::html(503)).await;
    assert_eq!(results(&tested)[1], ("endpoint", "warning"));
    assert!(words.contains("cannot be told now") && words.contains("Down for maintenance"), "{words}");
    let (tested, words) = endpoint_with(&app, org, Answer::html(200)).await;
    assert_eq!(results(&tested)[1], ("endpoint", "failed"));
    assert!(words.contains("Something else"), "{words}");
    let activity = app.get("/api/v1/activity?limit=1").await;
    assert_eq!(activity["activity"][0]["reason"], "failed");
    pair.b.heal();
    assert_eq!(results(&test(&app, &pair.b).await)[1], ("endpoint", "ok"));
    app.stop().await;
}

#[tokio::test]
async fn an_answer_of_the_endpoint_ends_what_it_disproves() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::platform(404, "NOT_FOUND", "Could not find a match for URL")));
    assert_eq!(test(&app, &pair.b).await["health"], "endpointMissing");
    pair.b.heal();
    pair.b.script(Rule::always(Answer::platform(403, "FORBIDDEN", "no access")));
    assert_eq!(test(&app, &pair.b).await["health"], "connected", "what answers is not missing");
    app.stop().await;
}

#[tokio::test]
async fn a_user_who_may_not_use_the_api_is_signed_in_to_no_use() {
    let (app, pair) = App::with_two_orgs().await;
    let words = "API is not enabled for this Organization or Partner";
    pair.b.script_api(Answer::platform(403, "API_DISABLED_FOR_ORG", words));
    let tested = test(&app, &pair.b).await;
    assert_eq!(results(&tested)[..2], [("signIn", "failed"), ("endpoint", "skipped")]);
    let told = message(&tested, "signIn");
    assert!(told.contains(words) && told.contains("API Enabled"), "{told}");
    assert_eq!(tested["health"], "connected");
    // Who may only not see the limits is signed in.
    pair.b.script_api(Answer::platform(403, "INSUFFICIENT_ACCESS", "no access to this resource"));
    assert_eq!(results(&test(&app, &pair.b).await)[..2], [("signIn", "ok"), ("endpoint", "ok")]);
    pair.b.script_api(Answer::html(503));
    let tested = test(&app, &pair.b).await;
    assert_eq!(results(&tested)[0], ("signIn", "failed"));
    assert!(message(&tested, "signIn").contains("test again later"), "{tested}");
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_has_ended_is_found_out_and_one_that_works_again_releases() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.expire_access_tokens();
    pair.b.token_server(TokenServer::Refusing);
    let tested = test(&app, &pair.b).await;
    assert_eq!(results(&tested)[..2], [("signIn", "failed"), ("endpoint", "skipped")]);
    assert_eq!(tested["health"], "signInRequired");
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "signInRequired");
    // Whoever blocked the user lets him in again.
    pair.b.token_server(TokenServer::Healthy);
    assert_eq!(test(&app, &pair.b).await["health"], "connected");
    app.wait_status(payload.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_is_away_is_told_from_one_that_refuses() {
    let (app, pair) = Setup::default().set("delivery.probe_interval", "30s").start_with_two_orgs().await;
    pair.b.wait_down().await;
    let tested = test(&app, &pair.b).await;
    assert_eq!(results(&tested)[..2], [("signIn", "failed"), ("endpoint", "skipped")]);
    assert_eq!(tested["health"], "orgUnreachable");
    assert!(message(&tested, "signIn").contains("refused the connection"), "{tested}");
    pair.b.come_up().await.unwrap();
    assert_eq!(test(&app, &pair.b).await["health"], "connected");
    app.stop().await;
}

#[tokio::test]
async fn a_session_that_is_not_for_the_api_says_what_a_new_token_does_not_mend() {
    let (app, pair) = App::with_two_orgs().await;
    let words = "This session is not valid for use with the REST API";
    let refusal = Answer::platform(401, "INVALID_SESSION_ID", words);
    pair.b.script(Rule::always(refusal.clone()));
    pair.b.script_api(refusal);
    let asked = pair.b.token_requests();
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    let org = app.wait_health(ORG_B, "signInRequired").await;
    let detail = org["healthDetail"].as_str().unwrap();
    assert!(detail.contains(words) && detail.contains("API Enabled"), "{detail}");
    assert_eq!(pair.b.token_requests(), asked + 1, "renewed once");
    app.clock.advance(Duration::from_hours(1));
    let item = app.item(payload.id(), ORG_B).await;
    assert_eq!((&item["status"], &item["attempts"]), (&json!("queued"), &json!(0)));
    app.stop().await;
}

#[tokio::test]
async fn what_an_org_is_called_and_where_its_endpoint_is_can_be_changed() {
    let (app, pair) = App::with_two_orgs().await;
    let path = format!("/api/v1/orgs/{}", pair.b.id());
    let org = app
        .order("PATCH", &path, json!({ "alias": " Acme UAT ", "endpointPath": "/services/apexrest/other" }))
        .await;
    assert_eq!(
        (&org["alias"], &org["endpointPath"]),
        (&json!("Acme UAT"), &json!("/services/apexrest/other"))
    );
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_health(ORG_B, "endpointMissing").await;
    // The right path is tried at once.
    let right = "/services/apexrest/dlhub/delivery/sync";
    let org = app.order("PATCH", &path, json!({ "alias": "", "endpointPath": right })).await;
    assert_eq!(org["alias"], Value::Null);
    app.wait_status(payload.id(), ORG_B, "synced").await;
    for wrong in ["", "services/x", "//evil.example", "/a?b", "/a/../b", "/a b"] {
        let (status, problem) = app.ask("PATCH", &path, Some(json!({ "endpointPath": wrong }))).await;
        assert_eq!(status, 400, "{wrong}: {problem}");
    }
    assert_eq!(app.ask("PATCH", &path, Some(json!({}))).await.0, 400);
    app.stop().await;
}
