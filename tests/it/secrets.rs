//! Secrets reach the secret store and the org, and nothing else.

use std::path::Path;
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Program};
use serde_json::json;
use sync_monitor_orgsim::{Answer, Consent, OrgSim, OrgSpec, Rule};
use tokio::io::AsyncWriteExt as _;

/// Every file under a folder that holds one of `secrets`.
fn leaks(folder: &Path, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path, secrets));
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        for secret in secrets {
            if content.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                found.push(format!("{} holds {secret}", path.display()));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_token_is_found_in_the_data_folder_or_the_api() {
    let (app, pair) = App::with_two_orgs().await;
    let rotating = OrgSim::start(OrgSpec::new(kit::org_id(kit::ORG_C)).rotating()).await.unwrap();
    app.connect(&rotating).await;
    app.route(ORG_A, kit::ORG_C).await;
    let integration = [pair.token_a.clone(), pair.token_b.clone()];
    let (mut secrets, mut of_b): (Vec<String>, Vec<String>) = Default::default();
    for round in 0..3 {
        pair.b.expire_access_tokens();
        rotating.expire_access_tokens();
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{round}"), "x");
        app.accept(&pair.token_a, &payload).await;
        app.wait_status(payload.id(), ORG_B, "synced").await;
        app.wait_status(payload.id(), kit::ORG_C, "synced").await;
        of_b.extend(pair.b.secrets());
        secrets.extend(rotating.secrets());
    }
    // An org that repeats the tokens it was sent.
    let echo = json!([{ "errorCode": "BAD", "message": of_b.join(" ") }]).to_string();
    pair.b.script(Rule::always(Answer::json(400, echo)));
    let payload = Payload::from(ORG_A, app.now()).record("WI-9", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "failed").await;
    let mut shown = app.item(payload.id(), ORG_B).await.to_string();
    for path in ["status", "orgs", "routes", "tokens", "items", "activity"] {
        shown.push_str(&app.get(&format!("/api/v1/{path}")).await.to_string());
    }
    for secret in &of_b {
        assert!(!shown.contains(secret.as_str()), "the API shows {secret}");
    }
    secrets.extend(integration);
    secrets.extend(of_b);
    let folder = app.keep_folder();
    let admin = app.admin_token().to_owned();
    let found = leaks(folder.path(), &secrets);
    assert!(found.is_empty(), "{found:#?}");
    let admin_in = leaks(folder.path(), &[admin]);
    assert_eq!(admin_in.len(), 1, "the admin token is in api.json alone: {admin_in:#?}");
    app.stop().await;
    let found = leaks(folder.path(), &secrets);
    assert!(found.is_empty(), "{found:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn no_code_and_no_token_of_a_sign_in_or_of_the_cli_is_found_anywhere() {
    let (signed_in, of_cli) = (
        OrgSim::start(OrgSpec { seed: 7, ..OrgSpec::new(kit::org_id(ORG_A)).rotating() }).await.unwrap(),
        OrgSim::start(OrgSpec { seed: 8, ..OrgSpec::new(kit::org_id(ORG_B)) }).await.unwrap(),
    );
    signed_in.consent(Consent::Allow);
    let cli = kit::SalesforceCli::knowing(&[&of_cli]);
    let app = kit::Setup::default().set("salesforce.cli", cli.program().to_str().unwrap()).start().await;
    let begun = app.order("POST", "/api/v1/orgs/login", json!({ "loginUrl": signed_in.url() })).await;
    let page = kit::browse(begun["authorizeUrl"].as_str().unwrap()).await;
    assert_eq!(page.status, 200);
    app.order("POST", "/api/v1/orgs/cli", json!({ "username": "org0" })).await;
    let mut secrets = [signed_in.secrets(), of_cli.secrets()].concat();
    signed_in.expire_access_tokens();
    let mut shown = page.text;
    for org in [&signed_in, &of_cli] {
        shown.push_str(
            &app.order("POST", &format!("/api/v1/orgs/{}/test", org.id()), json!({})).await.to_string(),
        );
    }
    shown.push_str(
        &app.get(&format!("/api/v1/orgs/login/{}", begun["id"].as_str().unwrap())).await.to_string(),
    );
    for path in ["orgs", "orgs/cli", "activity", "status"] {
        shown.push_str(&app.get(&format!("/api/v1/{path}")).await.to_string());
    }
    secrets.extend(signed_in.secrets());
    assert!(secrets.iter().any(|secret| secret.starts_with("aPrx")), "there was a code: {secrets:?}");
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "{secret} is shown");
    }
    assert!(cli.calls().iter().all(|call| secrets.iter().all(|secret| !call.contains(secret.as_str()))));
    let found = leaks(app.folder(), &secrets);
    assert!(found.is_empty(), "{found:#?}");
    app.stop().await;
}

#[tokio::test]
async fn no_token_is_found_in_the_log_or_the_output_of_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let redirect_port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    std::fs::write(folder.path().join("config.toml"), format!("oauth.redirect_port = {redirect_port}"))
        .unwrap();
    let org = kit::sim(ORG_B).await;
    let mut serve = Program::command(&folder, &["--listen", "127.0.0.1:0", "--log-level", "trace", "serve"]);
    let mut child =
        serve.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let ready = async {
        let mut lines =
            tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
        let mut log = String::new();
        while !folder.path().join("api.json").exists() {
            log.push_str(&lines.next_line().await.unwrap().unwrap());
        }
        (lines, log)
    };
    let (mut lines, mut log) = tokio::time::timeout(Duration::from_secs(30), ready).await.unwrap();
    let reading = tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            log.push_str(&line);
            log.push('\n');
        }
        log
    });
    let auth_url = org.auth_url();
    let mut import = Program::command(&folder, &["org", "import"]);
    let mut importing = import
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = importing.stdin.take().unwrap();
    stdin.write_all(auth_url.as_bytes()).await.unwrap();
    drop(stdin);
    let imported = importing.wait_with_output().await.unwrap();
    assert!(imported.status.success(), "{imported:?}");
    org.consent(Consent::Allow);
    let signed_in = Program::command(&folder, &["org", "login", "--login-url", &org.url()])
        .env("BROWSER", "curl --silent --noproxy * --location --output /dev/null")
        .output()
        .await
        .unwrap();
    assert!(signed_in.status.success(), "{signed_in:?}");
    let id = org.id().to_string();
    assert!(
        Program::command(&folder, &["route", "add", ORG_A, &id]).output().await.unwrap().status.success()
    );
    let made =
        Program::command(&folder, &["token", "create", "--name", "n", "--source-org", ORG_A, "--json"])
            .output()
            .await
            .unwrap();
    let token = serde_json::from_slice::<serde_json::Value>(&made.stdout).unwrap()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let api: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("api.json")).unwrap()).unwrap();
    let url = api["url"].as_str().unwrap();
    let payload = Payload::from(ORG_A, sync_monitor_orgsim::wall_clock())
        .with(json!({ "externalId": "WI-1", "note": "BODYMARKER" }));
    sync_monitor_orgsim::post(url, &token, payload.text()).await.unwrap();
    org.wait_received(1).await;
    let secrets = [org.secrets(), vec![token, api["token"].as_str().unwrap().to_owned()]].concat();
    child.start_kill().unwrap();
    let log = reading.await.unwrap();
    assert!(log.len() > 200, "the log says nothing: {log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "the log holds {secret}");
        for output in [&imported, &signed_in] {
            assert!(!String::from_utf8_lossy(&output.stdout).contains(&secret), "{output:?}");
            assert!(!String::from_utf8_lossy(&output.stderr).contains(&secret), "{output:?}");
        }
    }
    assert!(!log.contains("BODYMARKER"), "the log holds a payload");
}
