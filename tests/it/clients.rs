//! Clients that were made for an org post to the listener unchanged. `cargo xtask test rust` installs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use kit::{App, ORG_A, ORG_B, Pair, Payload};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

#[derive(Debug, Clone, Copy)]
enum Client {
    Jsforce,
    SimpleSalesforce,
    Curl,
}

impl Client {
    fn command(self, app: &App, token: &str) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        let installed = |path: PathBuf| {
            assert!(path.exists(), "{} is missing: cargo xtask test rust installs it", path.display());
            path
        };
        let mut command = match self {
            Self::Jsforce => {
                installed(folder.join("node_modules/jsforce"));
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
