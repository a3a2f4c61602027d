//! What scripts rely on: the same answers as the API's, the same exit codes from every command, nothing but text on a pipe.

use std::process::{Output, Stdio};

use kit::{ORG_A, ORG_B, Payload, Program, exchange};
use serde_json::Value;
use sync_monitor_orgsim::{Answer, Rule, post, wall_clock};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const ID: &str = "0198c8a2-7c11-7abc-8def-0123456789ab";

async fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let running = Program::command(folder, arguments).stdin(Stdio::null()).output();
    tokio::time::timeout(std::time::Duration::from_secs(30), running).await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)))
}

/// A program with two orgs, routed, and one item that failed.
async fn world(folder: &TempDir) -> (Program, [sync_monitor_orgsim::OrgSim; 2], String) {
    let program = Program::serve(folder, &[]).await;
    let orgs = [kit::sim(ORG_A).await, kit::sim(ORG_B).await];
    for (org, alias) in orgs.iter().zip(["Hub", "Sat\u{1b}[2Jellite"]) {
        let mut import = Program::command(folder, &["org", "import", "--alias", alias])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = import.stdin.take().unwrap();
        stdin.write_all(org.auth_url().as_bytes()).await.unwrap();
        drop(stdin);
        assert!(import.wait().await.unwrap().success());
    }
    let [id_a, id_b] = [&orgs[0], &orgs[1]].map(|org| org.id().to_string());
    assert_eq!(run(folder, &["route", "add", &id_a, &id_b]).await.status.code(), Some(0));
    let made = run(folder, &["token", "create", "--name", "t", "--source-org", &id_a]).await;
    let token = text(&made.stdout).trim().to_owned();
    orgs[1].script(Rule::always(Answer::platform(400, "BAD", "\u{1b}[31mred\u{7}")));
    let payload = Payload::from(ORG_A, wall_clock()).record("WI-1", "x\u{1b}]0;title\u{7}y");
    assert_eq!(post(&program.url, &token, payload.text()).await.unwrap().status, 200);
    let failed = async {
        while read(&run(folder, &["items", "list", "--status", "failed", "--json"]).await.stdout)["total"]
            != 1
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), failed).await.unwrap();
    (program, orgs, token)
}

/// Without what is another at each moment.
fn lasting(mut json: Value) -> Value {
    if let Value::Object(members) = &mut json {
        for moving in ["uptimeSeconds", "serverTime"] {
            members.remove(moving);
        }
    }
    json
}

#[tokio::test]
async fn json_is_the_apis_answer_and_text_does_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _orgs, _) = world(&folder).await;
    let item = read(&run(&folder, &["items", "list", "--json"]).await.stdout)["items"][0]["id"].clone();
    let item = item.as_str().unwrap();
    for (arguments, path) in [
        (vec!["status"], "status".to_owned()),
        (vec!["org", "list"], "orgs".into()),
        (vec!["route", "list"], "routes".into()),
        (vec!["token", "list"], "tokens".into()),
        (vec!["items", "list", "--status", "failed"], "items?status=failed&limit=50".into()),
        (vec!["items", "show", item], format!("items/{item}")),
        (vec!["items", "failures"], "failures".into()),
        (vec!["items", "export"], "items/export?format=ndjson".into()),
    ] {
        let head = format!(
            "GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}",
            program.token
        );
        let api = exchange(&program.url, &head, b"").await;
        let answered = run(&folder, &[&arguments[..], &["--json"]].concat()).await;
        assert_eq!(answered.status.code(), Some(0), "{arguments:?}: {answered:?}");
        assert_eq!(lasting(read(&answered.stdout)), lasting(api.json()), "{arguments:?}");
        let shown = run(&folder, &arguments).await;
        assert_eq!(shown.status.code(), Some(0), "{arguments:?}: {shown:?}");
        let shown = text(&shown.stdout);
        assert!(
            !shown.is_empty() && !shown.contains('\u{1b}') && !shown.contains('\u{7}'),
            "{arguments:?}: {shown:?}"
        );
    }
    let refused = run(&folder, &["org", "pause", "00D00000000000C", "--json"]).await;
    assert_eq!((refused.status.code(), &read(&refused.stdout)["status"]), (Some(1), &Value::from(404)));
    assert_eq!(text(&refused.stderr), "", "the problem is the answer");
    program.kill().await;
}

#[tokio::test]
async fn every_command_says_that_the_program_is_not_running() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["status"],
        vec!["open"],
        vec!["org", "login"],
        vec!["org", "import", "--from-cli", "dev"],
        vec!["org", "list"],
        vec!["org", "test", ORG_A],
        vec!["org", "set", ORG_A, "--alias", "x"],
        vec!["org", "pause", ORG_A],
        vec!["org", "resume", ORG_A],
        vec!["org", "remove", ORG_A],
        vec!["route", "add", ORG_A, ORG_B],
        vec!["route", "list"],
        vec!["route", "pause", ID],
        vec!["route", "resume", ID],
        vec!["route", "remove", ID],
        vec!["token", "create", "--name", "n", "--source-org", ORG_A],
        vec!["token", "list"],
        vec!["token", "revoke", ID],
        vec!["items", "list"],
        vec!["items", "watch"],
        vec!["items", "export"],
        vec!["items", "failures"],
        vec!["items", "show", ID],
        vec!["items", "retry", ID],
        vec!["items", "dismiss", ID, "--reason", "r"],
        vec!["items", "restore", ID],
    ] {
        let output = run(&folder, &arguments).await;
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {output:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains("is not running"), "{arguments:?}: {output:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "asking makes nothing");
}

#[tokio::test]
async fn a_list_goes_on_with_the_cursor_that_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _orgs, token) = world(&folder).await;
    for n in 2..5 {
        let payload = Payload::from(ORG_A, wall_clock()).record(&format!("WI-{n}"), "x");
        assert_eq!(post(&program.url, &token, payload.text()).await.unwrap().status, 200);
    }
    for sort in ["-createdAt", "createdAt", "-updatedAt"] {
        let sort = format!("--sort={sort}");
        let mut arguments = vec!["items", "list", "--limit", "2", &sort];
        let first = text(&run(&folder, &arguments).await.stdout);
        let hint = first.lines().last().unwrap();
        assert!(hint.starts_with("2 of 4; more with --cursor "), "{hint}");
        arguments.extend(hint.split("more with ").nth(1).unwrap().split(' '));
        let rest = run(&folder, &arguments).await;
        assert_eq!(rest.status.code(), Some(0), "{rest:?}");
        assert_eq!(text(&rest.stdout).lines().count(), 3, "a head and two rows: {rest:?}");
    }
    program.kill().await;
}

#[tokio::test]
async fn whoever_reads_only_the_beginning_is_served_too() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _orgs, _) = world(&folder).await;
    for arguments in [vec!["items", "list"], vec!["items", "export"], vec!["diagnostics"], vec!["man"]] {
        let mut command = Program::command(&folder, &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before anything is read.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        let status = child.wait().await.unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    program.kill().await;
}

/// `script`, of bsdutils, runs a command on a terminal of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn colours_are_for_terminals_whose_user_has_nothing_against_them() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _orgs, _) = world(&folder).await;
    let on_a_terminal = async |variable: &str| {
        let call = format!(
            "env {variable} {} --data-dir {} items list",
            kit::executable().display(),
            folder.path().display()
        );
        let mut script = tokio::process::Command::new("script");
        script
            .args(["--quiet", "--return", "--command", &call, "/dev/null"])
            .env_remove("NO_COLOR")
            .env("TERM", "xterm");
        let output = script.stdin(Stdio::null()).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    assert!(on_a_terminal("X=1").await.contains("\u{1b}[31mfailed\u{1b}[0m"));
    for variable in ["NO_COLOR=1", "TERM=dumb"] {
        let shown = on_a_terminal(variable).await;
        assert!(shown.contains("failed") && !shown.contains('\u{1b}'), "{variable}: {shown:?}");
    }
    program.kill().await;
}
