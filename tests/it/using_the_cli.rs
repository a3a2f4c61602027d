//! The Salesforce CLI as the owner of the tokens.
#![cfg(unix)]

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, SalesforceCli, Setup, sim};
use rstest::rstest;
use serde_json::{Value, json};

async fn app_with(cli: &SalesforceCli) -> App {
    Setup::default().set("salesforce.cli", cli.program().to_str().unwrap()).start().await
}

async fn connect(app: &App, name: &str) -> (u16, Value) {
    app.ask("POST", "/api/v1/orgs/cli", Some(json!({ "username": name }))).await
}

const SHOW: &str = "org auth show-access-token --target-org cli@0.example";
const DISPLAY: &str = "org display --target-org cli@0.example";

#[tokio::test]
async fn an_org_is_picked_from_those_that_the_cli_knows() {
    let (a, b) = (sim(ORG_A).await, sim(ORG_B).await);
    let cli = SalesforceCli::knowing(&[&a, &b]);
    // Where there is no keychain none is needed: nothing is stored.
    let app = Setup::default()
        .set("salesforce.cli", cli.program().to_str().unwrap())
        .set("secrets", "keychain")
        .start()
        .await;
    let known = app.get("/api/v1/orgs/cli").await;
    assert_eq!(known["orgs"][0]["username"], "cli@0.example");
    assert_eq!(known["orgs"][0]["aliases"], json!(["org0"]));
    assert_eq!(
        (&known["orgs"][0]["connected"], &known["orgs"][1]["kind"]),
        (&json!(false), &json!("sandbox"))
    );
    for name in ["cli@0.example", "org1"] {
        let (status, org) = connect(&app, name).await;
        assert_eq!(
            (status, &org["signedInBy"], &org["health"]),
            (201, &json!("cli"), &json!("connected")),
            "{org}"
        );
    }
    assert_eq!(app.get("/api/v1/orgs/cli").await["orgs"][0]["connected"], true);
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    // The org ends its session; the CLI has a new one.
    b.expire_access_tokens();
    cli.shows_token(1, &b.new_access_token());
    let payload = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&token, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(b.token_requests(), 0, "the CLI alone talks to the token server");
    // After a restart the CLI is asked again.
    let app = app.restart(std::time::Duration::ZERO).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-3", "x");
    app.accept(&token, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(app.ask("DELETE", &format!("/api/v1/orgs/{}", b.id()), None).await.0, 204);
    assert_eq!(b.revocations(), 0, "its tokens are left to the CLI");
    assert!(!cli.environment().contains("SYNC_MONITOR_SECRETS_KEY"));
    app.stop().await;
}

#[rstest]
#[case::missing("CLI_MISSING", 503, "Install it")]
#[case::unknown_org("CLI_SIGNED_OUT", 422, "sf org login web")]
#[case::too_old("CLI_TOO_OLD", 503, "sf update")]
#[case::redacted("CLI_REDACTED", 503, "sf update")]
#[case::signed_out("CLI_SIGNED_OUT", 422, "sf org login web")]
#[case::offline("ORG_UNREACHABLE", 502, "network")]
#[case::broken("CLI_FAILED", 502, "in a terminal")]
#[tokio::test]
async fn what_is_wrong_with_the_cli_is_told_apart(
    #[case] code: &str,
    #[case] status: u16,
    #[case] advice: &str,
) {
    let org = sim(ORG_A).await;
    let cli = SalesforceCli::knowing(&[&org]);
    let redacted = json!({ "accessToken": "[REDACTED] Use 'sf org auth show-access-token' to view", "connectedStatus": "Connected" });
    let stale = json!({ "status": 0, "result": { "accessToken": "00Dx!stale" },
        "warnings": ["Unable to refresh auth for org. Access token may be stale."] });
    let status_of =
        |word: &str| json!({ "status": 0, "result": { "connectedStatus": word }, "warnings": [] });
    let (mut name, mut program) = ("org0", cli.program());
    match (code, status, advice) {
        ("CLI_MISSING", ..) => program = "/nonexistent/sf".into(),
        ("CLI_TOO_OLD", ..) => {
            cli.forgets(SHOW);
            cli.answer(DISPLAY, 0, &json!({ "status": 0, "result": redacted, "warnings": [] }));
        }
        ("CLI_REDACTED", ..) => {
            cli.answer(SHOW, 0, &json!({ "status": 0, "result": redacted, "warnings": [] }));
        }
        ("ORG_UNREACHABLE", ..) => {
            cli.answer(SHOW, 0, &stale);
            cli.answer(DISPLAY, 0, &status_of("ENOTFOUND"));
        }
        ("CLI_FAILED", ..) => cli.answer_text(SHOW, 1, "TypeError: x is not a function"),
        _ => name = "nobody",
    }
    if code == "CLI_SIGNED_OUT" && name == "nobody" && cli.calls().is_empty() {
        // Known to the list and yet signed out: it shows its last token, with a word that it may be stale.
        cli.answer(SHOW, 0, &stale);
        cli.answer(DISPLAY, 0, &status_of("expired access/refresh token"));
    }
    let app = Setup::default().set("salesforce.cli", program.to_str().unwrap()).start().await;
    for name in [name, "org0"] {
        let (got, problem) = connect(&app, name).await;
        assert_eq!((got, problem["code"].as_str()), (status, Some(code)), "{name}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(advice), "{name}: {problem}");
        assert!(!problem.to_string().contains("00Dx!stale"));
    }
    assert_eq!(app.get("/api/v1/orgs").await["orgs"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn an_old_cli_that_still_shows_tokens_is_good_enough() {
    let org = sim(ORG_A).await;
    let cli = SalesforceCli::knowing(&[&org]);
    cli.forgets(SHOW);
    let shown = json!({ "accessToken": org.new_access_token(), "connectedStatus": "Connected" });
    cli.answer(DISPLAY, 0, &json!({ "status": 0, "result": shown, "warnings": [] }));
    let app = app_with(&cli).await;
    assert_eq!(connect(&app, "org0").await.0, 201);
    app.stop().await;
}

#[tokio::test]
async fn a_cli_that_is_signed_out_holds_the_org_until_it_is_signed_in_again() {
    let (a, b) = (sim(ORG_A).await, sim(ORG_B).await);
    let cli = SalesforceCli::knowing(&[&b, &a]);
    let app = app_with(&cli).await;
    assert_eq!(connect(&app, "org0").await.0, 201);
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    // It goes on showing the token that the org refuses.
    b.expire_access_tokens();
    cli.answer(
        DISPLAY,
        0,
        &json!({ "status": 0, "result": { "connectedStatus": "Connected" }, "warnings": [] }),
    );
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    let org = app.wait_health(ORG_B, "signInRequired").await;
    assert!(org["healthDetail"].as_str().unwrap().contains("sf org login web"), "{org}");
    assert_eq!(app.item(payload.id(), ORG_B).await["attempts"], 0);
    // Somebody signs in with the CLI and asks for no more than a test.
    cli.shows_token(0, &b.new_access_token());
    let tested = app.order("POST", &format!("/api/v1/orgs/{}/test", b.id()), json!({})).await;
    assert_eq!(tested["health"], "connected", "{tested}");
    app.wait_status(payload.id(), ORG_B, "synced").await;
    // Whoever asks for nothing is found out too.
    b.expire_access_tokens();
    let payload = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&token, &payload).await;
    app.wait_health(ORG_B, "signInRequired").await;
    cli.shows_token(0, &b.new_access_token());
    app.clock.advance(Duration::from_mins(15));
    app.wait_status(payload.id(), ORG_B, "synced").await;
    // Signing in again is one click too, and opens no browser.
    let again = app.order("POST", &format!("/api/v1/orgs/{}/login", b.id()), json!({})).await;
    assert_eq!((&again["state"], &again["authorizeUrl"]), (&json!("connected"), &Value::Null));
    app.stop().await;
}
