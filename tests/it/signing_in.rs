//! Signing in in the browser.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, Setup, browse, exchange, org_id, sim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Consent, OrgSim, OrgSpec, TokenServer};

/// Begins a sign-in to `org`.
async fn begin(app: &App, org: &OrgSim) -> Value {
    app.order("POST", "/api/v1/orgs/login", json!({ "loginUrl": org.url(), "alias": "new" })).await
}

fn link(sign_in: &Value) -> &str {
    sign_in["authorizeUrl"].as_str().unwrap()
}

/// A member of the authorize URL's query.
fn member(sign_in: &Value, name: &str) -> String {
    let query = link(sign_in).split_once('?').unwrap().1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("{name} is not in {query}")).to_owned()
}

async fn state(app: &App, sign_in: &Value) -> Value {
    app.get(&format!("/api/v1/orgs/login/{}", sign_in["id"].as_str().unwrap())).await
}

async fn redirect(app: &App, query: &str) -> kit::Reply {
    browse(&format!("{}?{query}", app.redirect_url())).await
}

#[tokio::test]
async fn an_org_is_connected_by_nothing_but_a_browser() {
    let app = App::start().await;
    let org = OrgSim::start(OrgSpec::new(org_id(ORG_A)).rotating()).await.unwrap();
    org.consent(Consent::Allow);
    let begun = begin(&app, &org).await;
    assert_eq!((&begun["state"], &begun["orgId"]), (&json!("waiting"), &Value::Null));
    assert_eq!(member(&begun, "response_type"), "code");
    assert_eq!(member(&begun, "client_id"), "PlatformCLI");
    assert_eq!(member(&begun, "code_challenge_method"), "S256");
    assert_eq!(member(&begun, "code_challenge").len(), 43);
    assert!(member(&begun, "state").len() >= 43, "256 bits");
    assert!(!link(&begun).contains("client_secret") && !link(&begun).contains("code_verifier"));
    let page = browse(link(&begun)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("You may close this page"), "{}", page.text);
    assert!(
        page.text.contains(&format!("admin@{}.example", org.id().short().to_lowercase())),
        "{}",
        page.text
    );
    // There when the page says so.
    let orgs = app.get("/api/v1/orgs").await;
    let connected = &orgs["orgs"][0];
    assert_eq!(connected["orgId"], org.id().to_string());
    assert_eq!(connected["alias"], "new");
    assert_eq!(connected["kind"], "production");
    assert_eq!(connected["signedInBy"], "browser");
    assert_eq!(connected["health"], "connected");
    assert!(connected["username"].as_str().unwrap().starts_with("admin@"));
    let over = state(&app, &begun).await;
    assert_eq!((&over["state"], &over["orgId"]), (&json!("connected"), &json!(org.id())));
    assert_eq!(over["authorizeUrl"], Value::Null);
    // And it is good for more than a page.
    app.route(ORG_B, ORG_A).await;
    let token = app.token(&[ORG_B]).await;
    org.expire_access_tokens();
    let payload = Payload::from(ORG_B, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    app.wait_status(payload.id(), ORG_A, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn the_login_page_asks_whoever_sits_there() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    let begun = begin(&app, &org).await;
    let page = browse(link(&begun)).await;
    assert_eq!((page.status, state(&app, &begun).await["state"].clone()), (200, json!("waiting")));
    let allow = page.text.split("id=\"allow\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let allow = format!("{}{}", org.url(), allow.replace("&amp;", "&"));
    assert_eq!(browse(&allow).await.status, 200);
    assert_eq!(state(&app, &begun).await["state"], "connected");
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_or_repeated_state_is_refused_and_the_sign_in_goes_on_waiting() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    org.consent(Consent::Allow);
    let (first, second) = (begin(&app, &org).await, begin(&app, &org).await);
    for query in [
        "code=abc&state=guessed".to_owned(),
        "code=abc".to_owned(),
        format!("code=abc&state={0}&state={0}", member(&first, "state")),
        format!("state={}", member(&first, "state")),
        "error=access_denied&state=guessed".to_owned(),
    ] {
        let page = redirect(&app, &query).await;
        assert_eq!(page.status, 400, "{query}: {}", page.text);
        assert!(page.text.contains("goes on waiting"), "{query}: {}", page.text);
        assert_eq!(state(&app, &first).await["state"], "waiting", "{query}");
    }
    assert_eq!(org.token_requests(), 0, "no code was tried");
    // Whatever came meanwhile, the right one is taken, and once.
    let code = exchange(
        &org.url(),
        &format!("GET {} HTTP/1.1\r\nHost: x", link(&first).strip_prefix(&org.url()).unwrap()),
        b"",
    )
    .await;
    let back = code.header("location").unwrap().to_owned();
    assert_eq!(browse(&back).await.status, 200);
    assert_eq!(browse(&back).await.status, 400, "the same again");
    assert_eq!(org.token_requests(), 1, "a code is spent once");
    assert_eq!(state(&app, &first).await["state"], "connected");
    assert_eq!(state(&app, &second).await["state"], "waiting");
    assert_eq!(browse(link(&second)).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_denied_consent_is_told_to_whoever_waits() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    org.consent(Consent::Deny);
    let begun = begin(&app, &org).await;
    let page = browse(link(&begun)).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("denied"), "{}", page.text);
    let over = state(&app, &begun).await;
    assert_eq!((&over["state"], &over["problem"]["code"]), (&json!("failed"), &json!("SIGN_IN_REFUSED")));
    assert!(over["problem"]["detail"].as_str().unwrap().contains("choose Allow"), "{over}");
    assert_eq!(app.get("/api/v1/orgs").await["orgs"], json!([]));
    let activity = app.get("/api/v1/activity?limit=10").await;
    assert_eq!(activity["activity"][0]["action"], "org.signInFailed");
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_nobody_finishes_is_given_up_and_its_port_with_it() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    org.consent(Consent::Allow);
    let begun = begin(&app, &org).await;
    app.clock.advance(Duration::from_mins(10));
    let path = format!("/api/v1/orgs/login/{}", begun["id"].as_str().unwrap());
    app.wait(&path, "it to be given up", |one| one["state"] == "expired").await;
    let page = browse(link(&begun)).await;
    assert_eq!((page.status, org.token_requests()), (400, 0), "too late: {}", page.text);
    app.clock.advance(Duration::from_secs(5));
    let port: u16 = app.redirect_url().split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    let closed = async { while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), closed).await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_cancelled_sign_in_is_not_finished_by_a_browser_that_comes_late() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    org.consent(Consent::Allow);
    let begun = begin(&app, &org).await;
    let path = format!("/api/v1/orgs/login/{}", begun["id"].as_str().unwrap());
    assert_eq!(app.ask("DELETE", &path, None).await.0, 204);
    assert_eq!(state(&app, &begun).await["state"], "cancelled");
    assert_eq!(browse(link(&begun)).await.status, 400);
    assert_eq!((org.token_requests(), app.get("/api/v1/orgs").await["orgs"].clone()), (0, json!([])));
    assert_eq!(app.ask("DELETE", &path, None).await.0, 204, "once more does no harm");
    assert_eq!(app.ask("DELETE", "/api/v1/orgs/login/nobody", None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_told_before_the_browser_is_opened() {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    let address = app.redirect_url().replace("http://localhost", "127.0.0.1").replace("/OauthRedirect", "");
    let taken = tokio::net::TcpListener::bind(&address).await.unwrap();
    let (status, problem) =
        app.ask("POST", "/api/v1/orgs/login", Some(json!({ "loginUrl": org.url() }))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("REDIRECT_PORT_TAKEN")));
    assert!(problem["detail"].as_str().unwrap().contains("oauth.redirect_port"), "{problem}");
    drop(taken);
    org.consent(Consent::Allow);
    assert_eq!(
        browse(link(&begin(&app, &org).await)).await.status,
        200,
        "and it works when the port is free"
    );
    app.stop().await;
}

#[rstest]
#[case::in_the_clear("http://acme.my.salesforce.com")]
#[case::empty("")]
#[case::no_url("not a url at all")]
#[tokio::test]
async fn a_login_address_that_is_none_is_refused(#[case] login_url: &str) {
    let app = App::start().await;
    let (status, problem) =
        app.ask("POST", "/api/v1/orgs/login", Some(json!({ "loginUrl": login_url }))).await;
    assert_eq!((status, &problem["code"]), (400, &json!("INVALID_LOGIN_URL")), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn an_admins_own_app_is_used_and_another_is_refused_by_the_org() {
    let app = App::start().await;
    let spec = OrgSpec { client_id: "3MVG9.own".into(), ..OrgSpec::new(org_id(ORG_A)) };
    let org = OrgSim::start(spec).await.unwrap();
    org.consent(Consent::Allow);
    let with = |client_id: &str| json!({ "loginUrl": org.url(), "clientId": client_id });
    let wrong = app.order("POST", "/api/v1/orgs/login", with("PlatformCLI")).await;
    assert_eq!(browse(link(&wrong)).await.status, 400, "the org shows that on a page of its own");
    let right = app.order("POST", "/api/v1/orgs/login", with("3MVG9.own")).await;
    assert_eq!(browse(link(&right)).await.status, 200);
    assert_eq!(app.get("/api/v1/orgs").await["orgs"][0]["clientId"], "3MVG9.own");
    app.stop().await;
}

#[tokio::test]
async fn an_app_that_gives_no_refresh_token_is_refused_and_its_token_revoked() {
    let app = App::start().await;
    let spec = OrgSpec { gives_no_refresh_token: true, ..OrgSpec::new(org_id(ORG_A)) };
    let org = OrgSim::start(spec).await.unwrap();
    org.consent(Consent::Allow);
    let begun = begin(&app, &org).await;
    let page = browse(link(&begun)).await;
    assert!(page.text.contains("refresh_token"), "{}", page.text);
    assert_eq!(state(&app, &begun).await["problem"]["code"], "SIGN_IN_REFUSED");
    assert_eq!(org.revocations(), 1);
    app.stop().await;
}

#[rstest]
#[case::in_maintenance(TokenServer::Unavailable)]
#[case::busy(TokenServer::Says("unknown_error", "retry your request"))]
#[case::away(TokenServer::Reset)]
#[tokio::test]
async fn a_code_that_could_not_be_exchanged_is_told_with_what_to_do(#[case] behaviour: TokenServer) {
    let app = App::start().await;
    let org = sim(ORG_A).await;
    org.consent(Consent::Allow);
    org.token_server(behaviour);
    let begun = begin(&app, &org).await;
    let page = browse(link(&begun)).await;
    let over = state(&app, &begun).await;
    let detail = over["problem"]["detail"].as_str().unwrap();
    assert_eq!(over["problem"]["code"], "ORG_UNREACHABLE");
    for told in [page.text.as_str(), detail] {
        assert!(told.contains("sign in again later") && !told.contains("next attempt"), "{told}");
    }
    // An sfdxAuthUrl is not asked for again either.
    let body = json!({ "sfdxAuthUrl": org.auth_url() });
    let (_, problem) = app.ask("POST", "/api/v1/orgs/import", Some(body)).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("again later") && !detail.contains("next attempt"), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn signing_in_again_releases_what_waited() {
    let app = App::start().await;
    let org = sim(ORG_B).await;
    org.consent(Consent::Allow);
    assert_eq!(browse(link(&begin(&app, &org).await)).await.status, 200);
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    org.revoke_everything();
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    app.wait_health(ORG_B, "signInRequired").await;
    let again = app.order("POST", &format!("/api/v1/orgs/{}/login", org.id()), json!({})).await;
    assert_eq!(member(&again, "login_hint"), format!("admin%40{}.example", org.id().short().to_lowercase()));
    assert_eq!(browse(link(&again)).await.status, 200);
    app.wait_status(payload.id(), ORG_B, "synced").await;
    let org = app.wait_health(ORG_B, "connected").await;
    assert_eq!(org["alias"], "new", "it is called as before");
    app.stop().await;
}

#[tokio::test]
async fn signing_in_again_to_another_org_changes_nothing() {
    let app = App::start().await;
    let (right, wrong) = (sim(ORG_B).await, sim(ORG_C).await);
    for org in [&right, &wrong] {
        org.consent(Consent::Allow);
    }
    assert_eq!(browse(link(&begin(&app, &right).await)).await.status, 200);
    let again = app.order("POST", &format!("/api/v1/orgs/{}/login", right.id()), json!({})).await;
    // The login page is one for all orgs, so whoever signs in may be somebody of another.
    let elsewhere = link(&again).replace(&right.url(), &wrong.url());
    let code = exchange(
        &wrong.url(),
        &format!("GET {} HTTP/1.1\r\nHost: x", elsewhere.strip_prefix(&wrong.url()).unwrap()),
        b"",
    )
    .await;
    let back = code.header("location").unwrap().to_owned();
    // A token server that knows the code of the other org.
    right.take_over(&wrong);
    let page = browse(&back).await;
    assert!(page.status == 400 && page.text.contains("another org"), "{}", page.text);
    let over = state(&app, &again).await;
    assert_eq!(over["problem"]["code"], "SIGN_IN_REFUSED");
    let orgs = app.get("/api/v1/orgs").await;
    assert_eq!(orgs["orgs"].as_array().unwrap().len(), 1, "{orgs}");
    app.stop().await;
}

#[tokio::test]
async fn a_sandbox_that_was_refreshed_under_its_name_is_noticed() {
    let app = App::start().await;
    let org = sim(ORG_B).await;
    org.consent(Consent::Allow);
    app.connect(&org).await;
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    org.refresh_sandbox(org_id(ORG_C));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    app.wait_health(ORG_B, "signInRequired").await;
    let again = app.order("POST", &format!("/api/v1/orgs/{}/login", org_id(ORG_B)), json!({})).await;
    assert_eq!(browse(link(&again)).await.status, 200);
    let orgs = app.get("/api/v1/orgs").await;
    let of = |id: &str| {
        let id = org_id(id).to_string();
        orgs["orgs"].as_array().unwrap().iter().find(|org| org["orgId"] == id.as_str()).cloned().unwrap()
    };
    assert_eq!((&of(ORG_C)["health"], &of(ORG_C)["replacedBy"]), (&json!("connected"), &Value::Null));
    assert_eq!(of(ORG_B)["replacedBy"], org_id(ORG_C).to_string());
    assert_eq!(of(ORG_B)["health"], "signInRequired");
    // What was meant for the old org is not sent to the new one.
    assert_eq!(app.item(payload.id(), ORG_B).await["heldBy"], "signInRequired");
    assert_eq!(org.received(), []);
    let activity = app.get("/api/v1/activity?limit=10").await;
    let lines = activity["activity"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["action"] == "org.replaced"), "{activity}");
    app.stop().await;
}

#[tokio::test]
async fn a_renewal_that_answers_for_another_org_sends_nothing_there() {
    let app = App::start().await;
    let org = sim(ORG_B).await;
    app.connect(&org).await;
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    org.expire_access_tokens();
    org.answer_as(org_id(ORG_C));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&token, &payload).await;
    let held = app.wait_health(ORG_B, "signInRequired").await;
    assert!(held["healthDetail"].as_str().unwrap().contains(&org_id(ORG_C).to_string()), "{held}");
    assert_eq!(org.received(), []);
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_has_moved_is_asked_where_it_is_from_then_on() {
    let (app, pair) = App::with_two_orgs().await;
    let before = pair.b.url();
    pair.b.move_away(Answer::platform(401, "INVALID_SESSION_ID", "expired")).await.unwrap();
    let first = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &first).await;
    app.wait_status(first.id(), ORG_B, "synced").await;
    let moved = |activity: &Value| {
        let lines = activity["activity"].as_array().unwrap();
        lines.iter().filter(|line| line["action"] == "org.moved").cloned().collect::<Vec<_>>()
    };
    let path = "/api/v1/activity?limit=50";
    let activity = app.wait(path, "the move to be told", |activity| !moved(activity).is_empty()).await;
    let line = &moved(&activity)[0];
    assert_eq!(line["subject"], pair.b.id().to_string());
    let detail = line["detail"].as_str().unwrap();
    assert!(detail.contains(&before) && detail.contains(&pair.b.url()), "{detail}");
    let org = app.wait_health(ORG_B, "connected").await;
    assert_eq!(org["instanceUrl"], pair.b.url());
    // Also after a restart, and nothing is renewed for it.
    let app = app.restart(Duration::from_secs(1)).await;
    let asked = pair.b.token_requests();
    let second = Payload::from(ORG_A, app.now()).record("WI-2", "x");
    app.accept(&pair.token_a, &second).await;
    let item = app.wait_status(second.id(), ORG_B, "synced").await;
    assert_eq!(item["attemptLog"].as_array().unwrap().len(), 1, "{item}");
    assert_eq!(pair.b.token_requests(), asked + 1, "the first token of the run");
    // A test finds a move too, where no delivery would.
    pair.b.move_away(Answer::redirect(301, &pair.b.url())).await.unwrap();
    let tested = app.order("POST", &format!("/api/v1/orgs/{}/test", pair.b.id()), json!({})).await;
    assert_eq!((&tested["instanceUrl"], &tested["health"]), (&json!(pair.b.url()), &json!("connected")));
    let third = Payload::from(ORG_A, app.now()).record("WI-3", "x");
    app.accept(&pair.token_a, &third).await;
    app.wait_status(third.id(), ORG_B, "synced").await;
    assert_eq!(moved(&app.get(path).await).len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn an_idle_sign_in_is_kept_alive() {
    let app = App::start().await;
    let (idle, paused) = (
        OrgSim::start(OrgSpec::new(org_id(ORG_A)).rotating()).await.unwrap(),
        OrgSim::start(OrgSpec { seed: 2, ..OrgSpec::new(org_id(ORG_B)) }).await.unwrap(),
    );
    app.connect(&idle).await;
    app.connect(&paused).await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", paused.id()), json!({})).await;
    let before = [&idle, &paused].map(OrgSim::token_requests);
    app.clock.advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!([&idle, &paused].map(OrgSim::token_requests), before, "not more often than it must");
    // The workstation is off for a while, and the time passes there too.
    let app = app.restart(Duration::from_hours(20 * 24)).await;
    app.wait("/api/v1/activity?limit=10", "both to be kept alive", |activity| {
        let lines = activity["activity"].as_array().unwrap();
        lines.iter().filter(|line| line["action"] == "org.keepAlive").count() == 2
    })
    .await;
    assert_eq!([&idle, &paused].map(OrgSim::token_requests), before.map(|n| n + 1));
    // One that is refused at it is told before anything has to be delivered.
    idle.revoke_everything();
    app.clock.advance(Duration::from_hours(7 * 24));
    app.wait_health(ORG_A, "signInRequired").await;
    app.stop().await;
}

#[tokio::test]
async fn a_keychain_that_does_not_work_is_told_before_the_browser_is_opened() {
    // No Secret Service answers at this address.
    let app = Setup::default().set("secrets", "keychain").start().await;
    let org = sim(ORG_A).await;
    let (status, problem) =
        app.ask("POST", "/api/v1/orgs/login", Some(json!({ "loginUrl": org.url() }))).await;
    assert_eq!((status, &problem["code"]), (503, &json!("SECRETS_UNAVAILABLE")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("secrets"), "{problem}");
    app.stop().await;
}
