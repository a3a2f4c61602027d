//! The bundle for support says how things stand, and nothing of people, machines, tokens and payloads.

use std::process::Stdio;

use kit::{App, ORG_A, ORG_B, Payload, Program, exchange};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Consent, Rule, post, wall_clock};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

async fn bundle(url: &str, token: &str) -> kit::Reply {
    let head =
        format!("GET /api/v1/diagnostics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}");
    exchange(url, &head, b"").await
}

async fn run(folder: &TempDir, arguments: &[&str], stdin: &str) -> std::process::Output {
    let mut child = Program::command(folder, arguments)
        .env("BROWSER", "curl --silent --noproxy * --location --output /dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A command that reads nothing may be gone by now.
    drop(pipe.write_all(stdin.as_bytes()).await);
    drop(pipe);
    tokio::time::timeout(std::time::Duration::from_secs(30), child.wait_with_output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_bundle_names_no_person_host_token_or_payload() {
    let folder = tempfile::tempdir().unwrap();
    let redirect_port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    std::fs::write(
        folder.path().join("config.toml"),
        format!(
            "oauth.redirect_port = {redirect_port}\noauth.client_id = \"3MVG9.ACMEAPP\"\n\
             listener.allowed_hosts = [\"relay.acme-inc.example\"]\nsalesforce.cli = \"/home/anne.admin/bin/sf\"\n"
        ),
    )
    .unwrap();
    let environment = [("USER", "anne.admin"), ("LOGNAME", "anne.admin"), ("HOME", "/home/anne.admin")];
    let program = Program::serve_with(&folder, &["--log-level", "trace"], &environment).await;
    let (a, b) = (kit::sim(ORG_A).await, kit::sim(ORG_B).await);
    assert!(run(&folder, &["org", "import", "--alias", "Umbrella"], &a.auth_url()).await.status.success());
    b.consent(Consent::Allow);
    let login =
        ["org", "login", "--login-url", &b.url(), "--client-id", "PlatformCLI", "--alias", "Initech Prod"];
    let signed_in = run(&folder, &login, "").await;
    assert!(signed_in.status.success(), "{signed_in:?}");
    let (id_a, id_b) = (a.id().to_string(), b.id().to_string());
    assert!(run(&folder, &["route", "add", &id_a, &id_b], "").await.status.success());
    let made =
        run(&folder, &["token", "create", "--name", "NIGHTLY", "--source-org", &id_a, "--json"], "").await;
    let token = serde_json::from_slice::<Value>(&made.stdout).unwrap()["token"].as_str().unwrap().to_owned();
    // An org that repeats what it was sent, as an error code too.
    let told = format!("SECRETTITLE cannot be saved with {}", b.secrets().join(" "));
    b.script(Rule::always(Answer::platform(400, "SECRETTITLE is bad", &told)));
    let payload = Payload::from(ORG_A, wall_clock())
        .with(json!({ "externalId": "WI-SECRETID", "title": "SECRETTITLE", "note": "SECRETNOTE" }));
    assert_eq!(post(&program.url, &token, payload.text()).await.unwrap().status, 200);
    b.wait_received(1).await;
    // A second sign-in is given up, which is logged with what the org said.
    b.consent(Consent::Deny);
    assert!(!run(&folder, &["org", "login", &id_b], "").await.status.success());

    let read = async {
        loop {
            let text = bundle(&program.url, &program.token).await.text;
            if text.contains("item failed") && text.contains("a sign-in failed") {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(std::time::Duration::from_secs(30), read).await.unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["counts"]["failed"], 1);
    assert_eq!(json["orgs"].as_array().unwrap().len(), 2);
    assert_eq!(json["failures"][0]["errorCode"], "[not a code]");
    assert_eq!(json["store"]["items"], 1);
    let setting = |name: &str| {
        json["settings"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(setting("oauth.client_id"), "[not the default]");
    assert_eq!(setting("secrets"), "file");
    assert!(text.contains(&id_b), "an org is told from others by its ID");

    let mut private: Vec<String> = [a.secrets(), b.secrets(), vec![token, program.token.clone()]].concat();
    let user = |id: &str| format!("admin@{}.example", id[..15].to_lowercase());
    private.extend([user(&id_a), user(&id_b)]);
    private.extend(
        [
            "Umbrella",
            "Initech",
            "anne.admin",
            "acme-inc",
            "ACMEAPP",
            "NIGHTLY",
            "SECRETTITLE",
            "SECRETID",
            "SECRETNOTE",
        ]
        .map(str::to_owned),
    );
    private.push(folder.path().display().to_string());
    for secret in private {
        assert!(!text.contains(&secret), "{secret} is in {json:#}");
    }
    program.kill().await;
}

#[tokio::test]
async fn the_bundle_is_a_file_for_the_admin_alone() {
    let (app, pair) = App::with_two_orgs().await;
    assert_eq!(bundle(app.url(), "nobody").await.status, 401);
    assert_eq!(bundle(app.url(), &pair.token_a).await.status, 403);
    let reply = bundle(app.url(), app.admin_token()).await;
    assert_eq!(reply.status, 200);
    let disposition = reply.header("content-disposition").unwrap();
    assert_eq!(disposition, "attachment; filename=\"sync-monitor-diagnostics-2026-02-27.json\"");
    app.stop().await;
}

#[tokio::test]
async fn the_bundle_is_written_to_a_file_of_its_own_with_and_without_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.json");
    let arguments = ["diagnostics", "--output", file.to_str().unwrap()];
    let program = Program::serve(&folder, &[]).await;
    // That it is ready is logged when it is ready.
    let ready = async { while !bundle(&program.url, &program.token).await.text.contains(" ready ") {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), ready).await.unwrap();
    let written = run(&folder, &arguments, "").await;
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    let bundle: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(bundle["log"][0].as_str().unwrap().contains(" ready "), "{bundle:#}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = run(&folder, &arguments, "").await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not written over"), "{again:?}");
    program.kill().await;

    // A program that does not start is what support is asked about.
    std::fs::write(folder.path().join("config.toml"), "colour = 1").unwrap();
    std::fs::remove_file(folder.path().join("sync-monitor.db-wal")).unwrap();
    std::fs::write(folder.path().join("sync-monitor.db"), "no database".repeat(1_000)).unwrap();
    let told = run(&folder, &["diagnostics"], "").await;
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let bundle: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(bundle["running"], false);
    assert!(
        bundle["settings"]["problem"]
            .as_str()
            .unwrap()
            .contains("config.toml, line 1: there is no setting `colour`")
    );
    assert!(bundle["store"]["problem"].as_str().unwrap().contains("is damaged"), "{bundle:#}");
    assert!(!bundle.to_string().contains(folder.path().to_str().unwrap()), "{bundle:#}");
}
