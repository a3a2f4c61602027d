//! The examples of docs/integrating.md work as they stand there.

use std::process::Stdio;
use std::time::Duration;

use kit::{App, ORG_B};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The org that the page speaks of.
const SOURCE: &str = "00D000000000001";
const PAGE: &str = include_str!("../../docs/integrating.md");

/// The example in a language.
fn example(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

async fn run(program: &[&str], script: &str, app: &App, token: &str) -> Value {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .envs([("SYNC_MONITOR_URL", app.url()), ("SYNC_MONITOR_TOKEN", token), ("NO_PROXY", "127.0.0.1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).await.unwrap();
    drop(stdin);
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output());
    let output = ended.await.unwrap().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[rstest]
#[case::curl(&["sh"], "sh", "txn_curl_1")]
#[case::node(&["node", "--input-type=module", "-"], "js", "txn_node_1")]
#[case::python(&["python3", "-"], "python", "txn_python_1")]
#[tokio::test]
async fn an_example_is_taken_delivered_and_known_when_it_comes_again(
    #[case] program: &[&str],
    #[case] language: &str,
    #[case] transaction: &str,
) {
    let app = App::start().await;
    // The page's changes were made on the afternoon of the day that the tests' clock begins at.
    app.clock.advance(Duration::from_hours(3));
    let target = kit::sim(ORG_B).await;
    app.connect(&target).await;
    app.route(SOURCE, ORG_B).await;
    let token = app.token(&[SOURCE]).await;
    let script = example(language);
    let answer = run(program, script, &app, &token).await;
    assert_eq!(
        answer,
        json!({ "success": true, "transactionId": transaction, "recordsProcessed": 1, "errors": [] })
    );
    app.wait_status(transaction, ORG_B, "synced").await;
    assert_eq!(run(program, script, &app, &token).await["suppressed"], json!(true));
    let refused = run(program, script, &app, "nobody's").await;
    assert_eq!(refused["errors"][0]["code"], "UNAUTHORIZED", "{refused}");
    app.stop().await;
}
