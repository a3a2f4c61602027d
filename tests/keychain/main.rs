//! Refresh tokens in a real keychain. `cargo xtask test keychain` makes one for this test, on a session bus of its own;
//! without one the test fails.

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use kit::{App, ORG_A, ORG_B, Payload, Setup};
use serde_json::{Value, json};
use sync_monitor_orgsim::OrgSim;
use tokio::sync::{Mutex, MutexGuard};

/// There is one keychain, and each of these tests counts what is in it.
static TURN: Mutex<()> = Mutex::const_new(());

async fn turn() -> MutexGuard<'static, ()> {
    assert!(
        env::var_os("XDG_DATA_HOME").is_some(),
        "this test would write into your own keychain: cargo xtask test keychain"
    );
    TURN.lock().await
}

#[tokio::test]
async fn refresh_tokens_are_in_the_keychain_and_nowhere_else_until_their_org_is_removed() {
    let _turn = turn().await;
    let (app, pair) = Setup::default().set("secrets", "keychain").start_with_two_orgs().await;

    let app = app.restart(Duration::from_mins(1)).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "sent with a token from the keychain");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_B, "synced").await;

    let issued = [pair.a.secrets(), pair.b.secrets()].concat();
    let kept = in_keychain();
    assert!(
        kept.len() == 2
            && kept.iter().all(|secret| issued.iter().any(|token| secret.contains(token.as_str()))),
        "one secret for each org, which its refresh token is part of"
    );
    for token in &issued {
        assert_nowhere(app.folder(), token);
    }

    for org in [&pair.a, &pair.b] {
        remove(&app, &org.id().to_string()).await;
    }
    assert!(in_keychain().is_empty(), "a removed org leaves nothing behind");
    app.stop().await;
}

#[tokio::test]
async fn two_data_folders_of_one_user_have_tokens_of_their_own_for_the_same_org() {
    let _turn = turn().await;
    let org = kit::sim(ORG_A).await;
    let id = org.id().to_string();
    let (mine, other) = (on_keychain().await, on_keychain().await);
    mine.connect(&org).await;
    org.sign_in_again();
    other.connect(&org).await;
    let kept = in_keychain();
    assert_eq!(kept.len(), 2, "one secret for each folder");
    assert_ne!(kept[0], kept[1]);

    // Each finds its own again after a restart, and removes no other.
    let mine = mine.restart(Duration::from_mins(1)).await;
    remove(&mine, &id).await;
    let left = in_keychain();
    assert!(left.len() == 1 && left[0].contains(&refresh_token(&org)), "the other folder's is left");
    org.expire_access_tokens();
    let tested = other.order("POST", &format!("/api/v1/orgs/{id}/test"), json!({})).await;
    assert_eq!((&tested["health"], &tested["checks"][0]["result"]), (&json!("connected"), &json!("ok")));
    remove(&other, &id).await;
    assert!(in_keychain().is_empty(), "a removed org leaves nothing behind");
    mine.stop().await;
    other.stop().await;
}

async fn on_keychain() -> App {
    Setup::default().set("secrets", "keychain").start().await
}

/// The refresh token that an org takes now.
fn refresh_token(org: &OrgSim) -> String {
    let url = org.auth_url();
    url.split([':', '@']).find(|part| part.starts_with("5Aep")).unwrap().to_owned()
}

async fn remove(app: &App, org: &str) {
    let (status, answer) = app.ask("DELETE", &format!("/api/v1/orgs/{org}"), None).await;
    assert_eq!((status, answer), (204, Value::Null));
}

/// This program's secrets, as another program of the user reads them.
fn in_keychain() -> Vec<String> {
    let search = ["search", "--all", "service", "sync-monitor"];
    let output = Command::new("secret-tool").args(search).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("secret = ")).map(str::to_owned).collect()
}

/// No file of the program holds this.
fn assert_nowhere(folder: &Path, token: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "{} holds a token", path.display());
    }
}
