//! Programs of others: clients that were made for an org post to the listener unchanged, and an authorization server that
//! is certified for it signs us in. `cargo xtask test rust` installs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use kit::{App, ORG_A, ORG_B, Pair, Payload};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

#[derive(Debug, Clone, Copy)]
enum Client {
    Jsforce,
    SimpleSalesforce,
    Curl,
}

/// The folder of the programs in JavaScript, with what they need.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    assert!(
        folder.join("node_modules").exists(),
        "cargo xtask test rust installs what is in {}",
        folder.display()
    );
    folder
}

impl Client {
    fn command(self, app: &App, token: &str) -> Command {
        let folder = folder();
        let installed = |path: PathBuf| {
            assert!(path.exists(), "{} is missing: cargo xtask test rust installs it", path.display());
            path
        };
        let mut command = match self {
            Self::Jsforce => {
                let mut node = Command::new("node");
                node.arg(folder.join("send.mjs"));
                node
            }
            Self::SimpleSalesforce => {
                let python =
                    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools").join("py/bin/python");
                let mut python = Command::new(installed(python));
                python.arg(folder.join("send.py"));
                python
            }
            Self::Curl => {
                let mut curl = Command::new("curl");
                curl.args(["--silent", "--noproxy", "*", "--data-binary", "@-"])
                    .args(["--header", "Content-Type: application/json"])
                    .args(["--header", &format!("Authorization: Bearer {token}")])
                    .arg(format!("{}/services/apexrest/dlhub/delivery/sync", app.url()));
                curl
            }
        };
        command.env("SYNC_MONITOR_URL", app.url()).env("SYNC_MONITOR_TOKEN", token).current_dir(folder);
        command
    }

    async fn send(self, app: &App, token: &str, payload: &Payload) -> Value {
        let mut command = self.command(app, token);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{self:?} does not start: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(payload.text().as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("{self:?}: {}", text.trim());
        let said: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{self:?}: {error}: {output:?}"));
        match self {
            Self::Curl => json!({ "answer": said, "error": said["errors"][0] }),
            Self::Jsforce | Self::SimpleSalesforce => said,
        }
    }
}

#[rstest]
#[case(Client::Jsforce)]
#[case(Client::SimpleSalesforce)]
#[case(Client::Curl)]
#[tokio::test]
async fn a_client_made_for_an_org_posts_unchanged(#[case] client: Client) {
    let (app, Pair { b, token_a, a: _a, token_b: _ }) = App::with_two_orgs().await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "Add revenue report – größer");
    let said = client.send(&app, &token_a, &payload).await;
    let expected =
        json!({ "success": true, "transactionId": payload.id(), "recordsProcessed": 1, "errors": [] });
    assert_eq!(said["answer"], expected, "{client:?}");
    app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(b.record("WI-001").unwrap()["title"], "Add revenue report – größer");
    let again = client.send(&app, &token_a, &payload).await;
    assert_eq!(again["answer"]["suppressed"], true, "{client:?}");
    app.stop().await;
}

#[rstest]
#[case(Client::Jsforce)]
#[case(Client::SimpleSalesforce)]
#[case(Client::Curl)]
#[tokio::test]
async fn a_client_made_for_an_org_is_told_what_is_wrong(#[case] client: Client) {
    let app = App::start().await;
    let token = app.token(&[ORG_A]).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-001", "x");
    let said = client.send(&app, &token, &payload).await;
    assert!(said["error"].to_string().contains("NO_ROUTE"), "{client:?}: {said}");
    app.stop().await;
}

/// The authorization server, with an org behind it. Ends with this value.
struct AuthorizationServer {
    _process: Child,
    url: String,
}

impl AuthorizationServer {
    async fn start(app: &App, org_id: &str) -> Self {
        let mut command = Command::new("node");
        command.arg("authorization-server.mjs").args([&app.redirect_url(), org_id]).current_dir(folder());
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next_line().await.unwrap().expect("the authorization server does not start");
        // Goes on reading, so that the server never waits for that.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, url }
    }

    async fn control(&self, method: &str, what: &str) -> Value {
        kit::exchange(&self.url, &format!("{method} /test/{what} HTTP/1.1\r\nHost: x"), b"").await.json()
    }

    /// Begins a sign-in there, and lets somebody go through with it; what the page says that the browser ends on.
    async fn sign_in(&self, app: &App, more: &[&str]) -> (Value, Value) {
        let begun = app.order("POST", "/api/v1/orgs/login", json!({ "loginUrl": self.url })).await;
        (begun.clone(), self.browse(&begun, more).await)
    }

    async fn browse(&self, begun: &Value, more: &[&str]) -> Value {
        let mut browser = Command::new("node");
        browser
            .arg("browser.mjs")
            .arg(begun["authorizeUrl"].as_str().unwrap())
            .args(more)
            .current_dir(folder());
        let output = browser.output().await.unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

#[tokio::test]
async fn a_certified_authorization_server_signs_us_in_and_keeps_us_signed_in() {
    let app = App::start().await;
    let org_id = kit::org_id(ORG_B).to_string();
    let server = AuthorizationServer::start(&app, &org_id).await;

    let (begun, page) = server.sign_in(&app, &["deny"]).await;
    assert_eq!(page["status"], 400, "{page}");
    let over = app.get(&format!("/api/v1/orgs/login/{}", begun["id"].as_str().unwrap())).await;
    assert_eq!(over["problem"]["code"], "SIGN_IN_REFUSED", "{over}");

    let (_, page) = server.sign_in(&app, &[]).await;
    assert_eq!(page["status"], 200, "{page}");
    assert!(page["text"].as_str().unwrap().contains("The org is connected as ada@acme.example."), "{page}");
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    // It rotates refresh tokens, and ends a sign-in whose old one is used again: three renewals in a row say that each
    // was stored and used in its turn.
    for n in 1..=3 {
        server.control("POST", "expire").await;
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        app.accept(&token, &payload).await;
        app.wait_status(payload.id(), ORG_B, "synced").await;
    }
    let seen = server.control("GET", "seen").await;
    assert_eq!(
        seen["tokens"],
        json!(["authorization_code 200", "refresh_token 200", "refresh_token 200", "refresh_token 200"])
    );
    let tested = app.order("POST", &format!("/api/v1/orgs/{org_id}/test"), json!({})).await;
    assert_eq!(
        (&tested["checks"][0]["result"], &tested["apiUsage"]["used"]),
        (&json!("ok"), &json!(10)),
        "{tested}"
    );

    server.control("POST", "end").await;
    let held = Payload::from(ORG_A, app.now()).record("WI-4", "x");
    app.accept(&token, &held).await;
    app.wait_health(ORG_B, "signInRequired").await;
    let again = app.order("POST", &format!("/api/v1/orgs/{org_id}/login"), json!({})).await;
    assert_eq!(server.browse(&again, &[]).await["status"], 200);
    app.wait_status(held.id(), ORG_B, "synced").await;

    assert_eq!(app.ask("DELETE", &format!("/api/v1/orgs/{org_id}"), None).await.0, 204);
    app.stop().await;
}
