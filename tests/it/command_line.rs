//! The command line, as scripts use it: what it prints, and its exit codes.

use std::process::{Output, Stdio};

use kit::hub::work_item;
use kit::{ORG_A, ORG_B, Payload, Program};
use serde_json::Value;
use sync_monitor_orgsim::{Answer, Consent, HubSpec, Rule, post, wall_clock};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

async fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    Program::command(folder, arguments).stdin(Stdio::null()).output().await.unwrap()
}

async fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = run(folder, &[arguments, &["--json"]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// Asks until the answer is as it should be: a script has nothing to wait on.
async fn until(folder: &TempDir, arguments: &[&str], condition: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let answer = json(folder, arguments).await;
            if condition(&answer) {
                return answer;
            }
        }
    };
    match tokio::time::timeout(std::time::Duration::from_secs(30), asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("asked for 30 s: {arguments:?}"),
    }
}

async fn import(folder: &TempDir, auth_url: &str, alias: &str) -> Output {
    let mut child = Program::command(folder, &["org", "import", "--alias", alias])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(auth_url.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_script_connects_routes_watches_and_retries() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let (a, b) = (kit::sim(ORG_A).await, kit::sim(ORG_B).await);
    assert!(import(&folder, &format!("{}\n", a.auth_url()), "Hub").await.status.success());
    assert!(import(&folder, &b.auth_url(), "Satellite").await.status.success());
    let refused = import(&folder, "https://login.salesforce.com", "x").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("force://"), "{}", text(&refused.stderr));

    let orgs = json(&folder, &["org", "list"]).await;
    assert_eq!(orgs["orgs"].as_array().unwrap().len(), 2);
    let table = text(&run(&folder, &["org", "list"]).await.stdout);
    assert!(table.contains("Hub") && table.contains("Satellite") && table.contains("connected"), "{table}");
    assert!(!table.contains("SPEAKS"), "no org is read: {table}");
    let (id_a, id_b) = (a.id().to_string(), b.id().to_string());
    let route = json(&folder, &["route", "add", &id_a, &id_b]).await;
    assert_eq!(run(&folder, &["route", "add", &id_a, &id_b]).await.status.code(), Some(1));
    let token = json(&folder, &["token", "create", "--name", "hub", "--source-org", &id_a]).await;
    let secret = token["token"].as_str().unwrap();

    b.script(
        Rule::always(Answer::platform(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No"))
            .for_record("WI-1")
            .times(1),
    );
    let payload = Payload::from(ORG_A, wall_clock()).record("WI-1", "Add revenue report");
    assert_eq!(post(&program.url, secret, payload.text()).await.unwrap().status, 200);
    b.wait_received(1).await;
    let failed = until(&folder, &["items", "list", "--status", "failed"], |list| list["total"] == 1).await;
    let item = failed["items"][0]["id"].as_str().unwrap().to_owned();
    let shown = json(&folder, &["items", "show", &item]).await;
    assert_eq!(shown["attemptLog"].as_array().unwrap().len(), 1);
    let words = text(&run(&folder, &["items", "show", &item]).await.stdout);
    assert!(
        words.contains("Add revenue report") && words.contains("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        "{words}"
    );
    assert_eq!(json(&folder, &["items", "retry", &item]).await["changed"], 1);
    b.wait_for("the retried item", |received| received.iter().any(|r| r.taken)).await;
    until(&folder, &["status"], |status| status["counts"]["synced"] == 1).await;
    let again = run(&folder, &["items", "retry", &item]).await;
    assert_eq!(again.status.code(), Some(1), "what is not failed is refused");
    assert!(text(&again.stdout).contains(&item) || text(&again.stderr).contains(&item));

    let route_id = route["id"].as_str().unwrap();
    for arguments in [
        vec!["route", "pause", route_id],
        vec!["route", "resume", route_id],
        vec!["org", "pause", &id_b],
        vec!["org", "resume", &id_b],
    ] {
        let output = run(&folder, &arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    }
    for gone in [
        vec!["route", "remove", route_id],
        vec!["org", "remove", &id_b],
        vec!["token", "revoke", token["id"].as_str().unwrap()],
    ] {
        assert_eq!(json(&folder, &gone).await, serde_json::json!({}), "{gone:?}");
    }
    assert_eq!(json(&folder, &["org", "list"]).await["orgs"].as_array().unwrap().len(), 1);
    assert_eq!(post(&program.url, secret, payload.text()).await.unwrap().status, 401);
    assert_eq!(b.revocations(), 1);
    program.kill().await;
}

#[tokio::test]
async fn exit_codes_tell_usage_from_refusal_from_not_running() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&folder, &["status"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stderr).contains("serve"), "says what to do: {}", text(&output.stderr));
    assert_eq!(run(&folder, &["nonsense"]).await.status.code(), Some(2));
    assert_eq!(run(&folder, &["items", "retry"]).await.status.code(), Some(2));
    assert_eq!(run(&folder, &["--help"]).await.status.code(), Some(0));
    let program = Program::serve(&folder, &[]).await;
    assert_eq!(run(&folder, &["status"]).await.status.code(), Some(0));
    assert_eq!(run(&folder, &["org", "pause", ORG_A]).await.status.code(), Some(1));
    program.kill().await;
    assert_eq!(
        run(&folder, &["status"]).await.status.code(),
        Some(3),
        "a dead program is not running, whatever api.json says"
    );
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_its_line_and_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (config, words) in [
        ("secrets = \"file\"\n\n[retry]\nschedul = [\"0s\"]\n", ["schedul", "line 4"]),
        ("[retry]\nschedule = [\"0s\", \"soon\"]\n", ["soon", "line 2"]),
        ("[delivery]\nconcurrency_per_org = 0\n", ["concurrency_per_org", "line 2"]),
    ] {
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let output = run(&folder, &["serve"]).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        for word in words {
            assert!(text(&output.stderr).contains(word), "{word}: {}", text(&output.stderr));
        }
    }
}

/// Settings for a program of its own, before it starts.
fn settings(folder: &TempDir, text: &str) {
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// `org login` with a browser that follows where it is sent.
async fn login(folder: &TempDir, arguments: &[&str]) -> Output {
    Program::command(folder, &[&["org", "login"], arguments].concat())
        .env("BROWSER", "/nonexistent/browser:curl --silent --noproxy * --location --output /dev/null %s")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_script_signs_in_in_the_browser_and_tests_what_it_got() {
    let folder = tempfile::tempdir().unwrap();
    settings(&folder, &format!("oauth.redirect_port = {}", free_port()));
    let _program = Program::serve(&folder, &[]).await;
    let org = kit::sim(ORG_A).await;
    let id = org.id().to_string();
    org.consent(Consent::Allow);
    let signed_in = login(&folder, &["--login-url", &org.url(), "--alias", "Hub"]).await;
    assert_eq!(signed_in.status.code(), Some(0), "{}", text(&signed_in.stderr));
    assert_eq!(
        text(&signed_in.stdout),
        format!("Hub (production) is connected as admin@{}.example.\n", id[..15].to_lowercase())
    );
    assert!(text(&signed_in.stderr).contains("/services/oauth2/authorize?"), "the link is told in any case");
    let tested = json(&folder, &["org", "test", &id]).await;
    assert_eq!((&tested["alias"], &tested["checks"][0]["result"]), (&"Hub".into(), &"ok".into()));
    let renamed = run(&folder, &["org", "set", &id, "--alias", "Acme"]).await;
    assert!(text(&renamed.stdout).starts_with("Acme is changed"), "{renamed:?}");

    org.revoke_everything();
    let tested = run(&folder, &["org", "test", &id]).await;
    assert_eq!(tested.status.code(), Some(1), "a test that failed");
    let said = text(&tested.stdout);
    assert!(said.contains("Acme (signInRequired)") && said.contains("Sign in again"), "{said}");
    let again = login(&folder, &[&id]).await;
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(run(&folder, &["org", "test", &id]).await.status.code(), Some(0));

    org.consent(Consent::Deny);
    let denied = login(&folder, &["--login-url", &org.url()]).await;
    assert_eq!(denied.status.code(), Some(1));
    assert!(text(&denied.stderr).contains("Access was denied"), "{}", text(&denied.stderr));
    let nowhere = login(&folder, &["--login-url", "http://acme.my.salesforce.com"]).await;
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("https://"), "{}", text(&nowhere.stderr));
}

#[tokio::test]
async fn whoever_reads_is_told_of_a_refreshed_sandbox_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    settings(&folder, &format!("oauth.redirect_port = {}", free_port()));
    let _program = Program::serve(&folder, &[]).await;
    let org = kit::sim(ORG_B).await;
    let (old, new) = (org.id().to_string(), kit::org_id(kit::ORG_C).to_string());
    assert!(import(&folder, &org.auth_url(), "UAT").await.status.success());
    for words in [run(&folder, &["org", "list"]).await, run(&folder, &["org", "test", &old]).await] {
        assert!(!text(&words.stdout).contains("replaced"), "not yet: {words:?}");
    }
    org.refresh_sandbox(kit::org_id(kit::ORG_C));
    org.consent(Consent::Allow);
    let (told, remedy) = (format!("UAT was replaced by {new}"), format!("sync-monitor org remove {old}"));
    let signed_in = login(&folder, &[&old]).await;
    assert_eq!(signed_in.status.code(), Some(0), "{}", text(&signed_in.stderr));
    let said = text(&signed_in.stdout);
    assert!(said.starts_with(&format!("{new} (production) is connected as")), "{said}");
    assert!(said.contains(&told) && said.contains(&remedy), "{said}");
    for arguments in [vec!["org", "list"], vec!["org", "test", &old]] {
        let said = text(&run(&folder, &arguments).await.stdout);
        assert!(said.contains(&told) && said.contains(&remedy), "{arguments:?}: {said}");
    }
    // Who would sign in to it once more is told before the browser asks.
    let again = login(&folder, &[&old[..15]]).await;
    assert!(text(&again.stderr).starts_with(&told), "{}", text(&again.stderr));
    let imported = import(&folder, &org.auth_url(), "UAT 2").await;
    assert!(text(&imported.stdout).contains(&told), "{imported:?}");
    let listed = json(&folder, &["org", "list"]).await;
    assert_eq!(listed["orgs"].as_array().unwrap().len(), 2, "JSON is JSON: {listed}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_script_picks_an_org_of_the_salesforce_cli() {
    let folder = tempfile::tempdir().unwrap();
    let org = kit::sim(ORG_A).await;
    let cli = kit::SalesforceCli::knowing(&[&org]);
    settings(&folder, &format!("salesforce.cli = {:?}", cli.program()));
    let _program = Program::serve(&folder, &[]).await;
    let listed = run(&folder, &["org", "list", "--cli"]).await;
    assert!(text(&listed.stdout).contains("cli@0.example  org0"), "{listed:?}");
    let imported = run(&folder, &["org", "import", "--from-cli", "org0", "--alias", "dev"]).await;
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    assert!(
        text(&imported.stdout).contains("dev (production) is connected as cli@0.example"),
        "{imported:?}"
    );
    let unknown = run(&folder, &["org", "import", "--from-cli", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("sf org login web"), "{unknown:?}");
}

#[tokio::test]
async fn a_script_follows_exports_and_groups_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let b = kit::sim(ORG_B).await;
    assert!(import(&folder, &b.auth_url(), "B").await.status.success());
    let (id_a, id_b) = (kit::org_id(ORG_A).to_string(), b.id().to_string());
    json(&folder, &["route", "add", &id_a, &id_b]).await;
    let token = json(&folder, &["token", "create", "--name", "t", "--source-org", &id_a]).await;
    let secret = token["token"].as_str().unwrap();
    let mut watching = Program::command(&folder, &["items", "watch", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(watching.stderr.take().unwrap()).lines();
    assert!(told.next_line().await.unwrap().unwrap().contains("Following"));
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();

    b.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "=SUM(1), too long")));
    let payload = Payload::from(ORG_A, wall_clock()).record("WI-1", "=HYPERLINK(\"x\")");
    post(&program.url, secret, payload.text()).await.unwrap();
    let following = async {
        let mut states = Vec::new();
        while states.last().is_none_or(|state| state != "failed") {
            let line = lines.next_line().await.unwrap().unwrap();
            let item: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(item["transactionId"], payload.id());
            states.push(item["status"].as_str().unwrap().to_owned());
        }
        states
    };
    let states = tokio::time::timeout(std::time::Duration::from_secs(30), following).await.unwrap();
    assert_eq!(states.last().unwrap(), "failed", "{states:?}");

    let failures = json(&folder, &["items", "failures"]).await;
    assert_eq!(failures["failures"][0]["cause"]["title"], "A text is too long");
    let table = text(&run(&folder, &["items", "failures"]).await.stdout);
    assert!(table.contains("STRING_TOO_LONG") && table.contains("A text is too long"), "{table}");
    let shown = text(
        &run(&folder, &["items", "show", failures["failures"][0]["sampleItemId"].as_str().unwrap()])
            .await
            .stdout,
    );
    assert!(shown.contains("1. Shorten the text in the source org"), "{shown}");

    let csv = text(&run(&folder, &["items", "export", "--format", "csv"]).await.stdout);
    let mut rows = csv.split("\r\n");
    assert!(
        rows.next()
            .unwrap()
            .starts_with("id,transactionId,sourceOrgId,targetOrgId,operation,externalIds,title,status")
    );
    let row = rows.next().unwrap();
    assert!(
        row.contains(",WI-1,\"'=HYPERLINK(\"\"x\"\")\",failed,") && row.contains("\"'=SUM(1), too long\""),
        "{row}"
    );
    let ndjson = text(&run(&folder, &["items", "export", "--status", "failed"]).await.stdout);
    assert_eq!(serde_json::from_str::<Value>(ndjson.trim()).unwrap()["title"], "=HYPERLINK(\"x\")");
    let wrong = run(&folder, &["items", "export", "--format", "xlsx"]).await;
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");

    program.kill().await;
    let ended =
        tokio::time::timeout(std::time::Duration::from_secs(30), watching.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(3), "the program is gone");
}

#[tokio::test]
async fn a_script_pauses_looks_before_it_retries_and_reads_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let b = kit::sim(ORG_B).await;
    assert!(import(&folder, &b.auth_url(), "B").await.status.success());
    let (id_a, id_b) = (kit::org_id(ORG_A).to_string(), b.id().to_string());
    json(&folder, &["route", "add", &id_a, &id_b]).await;
    let token = json(&folder, &["token", "create", "--name", "t", "--source-org", &id_a]).await;
    let secret = token["token"].as_str().unwrap();
    let said = async |arguments: &[&str]| text(&run(&folder, arguments).await.stdout);
    b.script(Rule::always(Answer::status(400)).for_record("WI-1"));
    b.script(Rule::always(Answer::html(503)).for_record("WI-2"));
    for (record, title) in [("WI-1", "Add revenue report"), ("WI-2", "Fix rounding")] {
        let payload = Payload::from(ORG_A, wall_clock()).record(record, title);
        post(&program.url, secret, payload.text()).await.unwrap();
    }
    until(&folder, &["status"], |s| s["counts"]["failed"] == 1 && s["counts"]["retrying"] == 1).await;

    assert!(said(&["relay", "pause", "--for", "2h"]).await.starts_with("Paused: nothing is sent until 2"));
    assert!(said(&["status"]).await.contains("Paused: nothing is sent until 2"));
    let end = json(&folder, &["relay", "pause", "--until", "2099-01-01T00:00:00Z"]).await;
    assert_eq!(end["pausedUntil"], "2099-01-01T00:00:00.000Z");
    let past = run(&folder, &["relay", "pause", "--until", "2001-01-01T00:00:00Z"]).await;
    assert_eq!(past.status.code(), Some(1), "{past:?}");

    let told = said(&["items", "retry", "--status", "failed", "--preflight"]).await;
    assert!(told.starts_with("Of 1 items 1 would be sent. Nothing was changed."), "{told}");
    assert!(told.contains(&id_b) && told.contains("orgPaused") && told.contains("--as-of 2"), "{told}");
    let told = json(&folder, &["items", "retry", "--status", "failed", "--preflight"]).await;
    let as_of = told["asOf"].as_str().unwrap();
    assert_eq!(json(&folder, &["status"]).await["counts"]["failed"], 1, "only looked");
    let retried = json(&folder, &["items", "retry", "--status", "failed", "--as-of", as_of]).await;
    assert_eq!(retried["changed"], 1);
    assert!(said(&["items", "send-now", "--target", &id_b]).await.starts_with("1 item is sent now (run "));
    b.heal();
    assert_eq!(said(&["relay", "resume"]).await, "Changes are sent.\n");
    until(&folder, &["status"], |s| s["counts"]["synced"] == 2).await;

    let runs = said(&["runs", "list"]).await;
    assert!(runs.contains("sendNow") && runs.contains("retry") && runs.contains("(cli)"), "{runs}");
    let id = retried["runId"].as_str().unwrap();
    let shown = said(&["runs", "show", id]).await;
    assert!(shown.contains("synced") && shown.contains(r#""status":"failed""#), "{shown}");
    assert_eq!(json(&folder, &["items", "list", "--run", id]).await["total"], 1);
    let item = json(&folder, &["items", "list", "--run", id]).await["items"][0]["id"].clone();
    assert!(said(&["items", "show", item.as_str().unwrap()]).await.contains(id), "its history");
    let refused = run(&folder, &["items", "send-now", item.as_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("not retrying, it is synced"), "{refused:?}");
    assert_eq!(run(&folder, &["runs", "show", ORG_A]).await.status.code(), Some(1));

    let work_items = said(&["work-items", "list", "-q", "revenue"]).await;
    assert!(work_items.contains("WI-1") && !work_items.contains("WI-2"), "{work_items}");
    let log = said(&["activity", "list", "--action", "relay."]).await;
    assert_eq!(log.lines().count(), 4, "{log}");
    let last = json(&folder, &["activity", "list", "--action", "item.", "--limit", "1"]).await;
    assert_eq!(
        (&last["activity"][0]["action"], &last["activity"][0]["via"]),
        (&"item.sendNow".into(), &"cli".into())
    );
    let csv = said(&["activity", "export", "--action", "relay.resume", "--format", "csv"]).await;
    assert_eq!(csv.lines().next(), Some("id,at,actor,action,subject,reason,count,detail,via"));
    assert_eq!(csv.lines().count(), 2, "{csv}");
    program.kill().await;
}

#[tokio::test]
async fn shells_and_manuals_are_served_without_a_running_program() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, sign) in
        [("bash", "complete -F"), ("zsh", "#compdef sync-monitor"), ("fish", "complete -c sync-monitor")]
    {
        let output = run(&folder, &["completions", shell]).await;
        assert!(output.status.success() && text(&output.stdout).contains(sign), "{shell}");
    }
    let page = text(&run(&folder, &["man"]).await.stdout);
    assert!(page.contains(".TH sync-monitor"), "{}", &page[..200]);
    assert!(
        page.contains("SYNC\\-MONITOR ITEMS RETRY") || page.contains("SYNC-MONITOR ITEMS RETRY"),
        "{page}"
    );
}

#[tokio::test]
async fn an_org_with_the_package_is_read_linked_and_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let _program = Program::serve(&folder, &[]).await;
    let spec = HubSpec { managed: true, ..HubSpec::default() };
    let (a, b) = (kit::hub::hub_at(ORG_A, spec.clone()).await, kit::hub::hub_at(ORG_B, spec).await);
    for org in [&a, &b] {
        assert!(import(&folder, &org.auth_url(), "Package").await.status.success());
    }
    let (id_a, id_b) = (a.id().to_string(), b.id().to_string());
    let refused = run(&folder, &["org", "pull", &id_a]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("route"), "{}", text(&refused.stderr));
    let (here, there) =
        (a.create("WorkItem__c", work_item("Both")), b.create("WorkItem__c", work_item("Both")));
    let linked = json(&folder, &["org", "link", &id_a, &here, &id_b, &there]).await;
    assert_eq!(linked["externalId"], format!("{id_a}:{here}"));
    json(&folder, &["route", "add", &id_a, &id_b]).await;
    let pulled = run(&folder, &["org", "pull", &id_a, "--since", "2020-01-01T00:00:00Z"]).await;
    assert_eq!(pulled.status.code(), Some(0), "{}", text(&pulled.stderr));
    a.edit("WorkItem__c", &here, serde_json::json!({ "StageNamePk__c": "Done" }));
    assert!(text(&run(&folder, &["org", "pull", &id_a]).await.stdout).contains("change"));
    until(&folder, &["status"], |status| {
        status["counts"]["synced"] == 2 || status["counts"]["superseded"] == 1
    })
    .await;
    assert_eq!(b.rows("WorkItem__c").len(), 1);
    let list = text(&run(&folder, &["org", "list"]).await.stdout);
    let head = list.lines().next().unwrap();
    assert!(head.contains("SPEAKS") && head.contains("LAST READ  ") && head.contains("NEXT READ"), "{list}");
    assert!(list.contains("package 1.42.0.3 delivery"), "{list}");
    let tested = text(&run(&folder, &["org", "test", &id_a]).await.stdout);
    assert!(tested.contains("Delivery Hub 1.42.0.3, namespace delivery"), "{tested}");
    assert!(tested.contains("last 20") && tested.contains("next "), "{tested}");
    let mapped =
        json(&folder, &["org", "mapping", &id_a, "--on", "assignee", "--off", "workLog.description"]).await;
    let is_on = |object: &str, member: &str| {
        let members = mapped["members"].as_array().unwrap();
        members.iter().find(|one| one["object"] == object && one["member"] == member).unwrap()["on"].clone()
    };
    assert_eq!((is_on("workItem", "assignee"), is_on("workLog", "description")), (true.into(), false.into()));
    let unknown = run(&folder, &["org", "mapping", &id_a, "--on", "salary"]).await;
    assert!(text(&unknown.stderr).contains("comment.author"), "{}", text(&unknown.stderr));
    let file = folder.path().join("mapping.json");
    std::fs::write(&file, mapped.to_string()).unwrap();
    assert!(text(&run(&folder, &["org", "mapping", &id_a, "--default"]).await.stdout).contains("assignee"));
    let put = json(&folder, &["org", "mapping", &id_a, "--file", file.to_str().unwrap()]).await;
    assert_eq!(put, mapped);

    let row = |direction: &str| {
        serde_json::json!({
            "ObjectTypePk__c": "WorkItem__c", "DirectionPk__c": direction, "StatusPk__c": "Failed", "ErrorLogTxt__c": "Not found",
        })
    };
    let (sent, sent_too, taken) = (
        a.create("SyncItem__c", row("Outbound")),
        a.create("SyncItem__c", row("Outbound")),
        a.create("SyncItem__c", row("Inbound")),
    );
    let queue = text(&run(&folder, &["org", "queue", &id_a, "--status", "failed,pending"]).await.stdout);
    assert!(queue.contains(&sent) && queue.contains("strand it for good"), "{queue}");
    let refused = run(&folder, &["org", "requeue", &id_a, &sent, &taken]).await;
    assert_eq!(refused.status.code(), Some(1), "one of two was refused");
    assert!(text(&refused.stdout).contains("1 queued again"), "{}", text(&refused.stdout));
    assert_eq!(a.row("SyncItem__c", &sent).unwrap()["StatusPk__c"], "Queued");
    let dismissed = run(&folder, &["org", "dismiss", &id_a, &sent_too, "--reason", "sent by hand"]).await;
    assert_eq!(dismissed.status.code(), Some(0), "{}", text(&dismissed.stderr));
    assert!(!a.row("SyncItem__c", &sent_too).unwrap()["DismissedDateTime__c"].is_null());

    let off = run(&folder, &["org", "pull", &id_a, "--off"]).await;
    assert!(text(&off.stdout).contains("read no more"), "{}", text(&off.stdout));
    assert_eq!(run(&folder, &["org", "pull", &id_a]).await.status.code(), Some(1));
}
