//! Bulk runs: what was asked for many items at once is done to those that were meant, and what came of it is kept.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Pair, Payload, Program, exchange, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule, post, wall_clock};

/// Who posts at once.
const POSTERS: usize = 8;

/// Posts changes of these records, which the target refuses, and waits until their items have failed.
async fn fail(app: &App, pair: &Pair, records: std::ops::Range<u32>) {
    pair.b.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "too long")));
    let before = app.count("failed").await;
    let wanted = before + u64::from(records.end - records.start);
    let mut posters = tokio::task::JoinSet::new();
    for first in 0..POSTERS {
        let (url, token, at) = (app.url().to_owned(), pair.token_a.clone(), app.now());
        let own = records.clone().skip(first).step_by(POSTERS);
        posters.spawn(async move {
            for n in own {
                let payload = Payload::from(ORG_A, at).record(&format!("WI-{n}"), &format!("Title {n}"));
                assert_eq!(post(&url, &token, payload.text()).await.unwrap().status, 200);
            }
        });
    }
    posters.join_all().await;
    app.wait("/api/v1/status", "all of them to fail", |s| s["counts"]["failed"] == wanted).await;
    pair.b.heal();
}

async fn run(app: &App, answer: &Value) -> Value {
    app.get(&format!("/api/v1/runs/{}", answer["runId"].as_str().unwrap())).await
}

#[tokio::test]
async fn a_run_is_kept_with_who_what_how_many_and_where_its_items_stand_now() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..5).await;
    pair.b.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "still")).for_record("WI-3"));
    app.clock.advance(Duration::from_secs(1));
    let began = json!(app.now());
    let filter = json!({ "status": ["failed"], "targetOrgId": pair.b.id().to_string() });
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "filter": filter })).await;
    assert_eq!((&answer["changed"], &answer["refused"]), (&json!(5), &json!([])));
    app.wait("/api/v1/status", "four to be synced", |s| {
        s["counts"]["synced"] == 4 && s["counts"]["failed"] == 1
    })
    .await;
    let run = run(&app, &answer).await;
    for (member, value) in [
        ("id", answer["runId"].clone()),
        ("at", began.clone()),
        ("endedAt", began.clone()),
        ("state", json!("done")),
        ("action", json!("retry")),
        ("via", json!("window")),
        ("reason", Value::Null),
        ("selected", json!(5)),
        ("changed", json!(5)),
        ("refused", json!(0)),
        ("filter", filter),
        ("refusals", json!([])),
    ] {
        assert_eq!(run[member], value, "{member}: {run}");
    }
    assert!(run["actor"].as_str().unwrap().starts_with("user:"));
    let now = json!({ "queued": 0, "processing": 0, "retrying": 0, "failed": 1, "dismissed": 0, "synced": 4, "superseded": 0 });
    assert_eq!(run["now"], now);
    let list = app.get("/api/v1/runs").await;
    let mut as_listed = run.clone();
    for member in ["refusals", "now"] {
        as_listed.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(list, json!({ "runs": [as_listed], "nextCursor": null }));
    app.stop().await;
}

#[tokio::test]
async fn runs_are_listed_newest_first_page_by_page() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..1).await;
    let ids = json!([app.items("status=failed").await[0]["id"]]);
    for (order, body) in [
        ("dismiss", json!({ "ids": ids, "reason": "known" })),
        ("restore", json!({ "ids": ids })),
        ("retry", json!({ "ids": ids })),
        ("retry", json!({ "ids": [] })),
    ] {
        app.order("POST", &format!("/api/v1/items/{order}"), body).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/api/v1/runs?limit=2&cursor={cursor}")).await;
        for run in page["runs"].as_array().unwrap() {
            seen.push(format!("{} {} {}", run["action"].as_str().unwrap(), run["changed"], run["reason"]));
        }
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["retry 0 null", "retry 1 null", "restore 1 null", "dismiss 1 \"known\""]);
    for bad in ["runs?cursor=x", "runs?colour=red", "items?runId=7"] {
        assert_eq!(app.ask("GET", &format!("/api/v1/{bad}"), None).await.0, 400, "{bad}");
    }
    let nobody = "/api/v1/runs/01890000-0000-7000-8000-000000000000";
    assert_eq!(app.ask("GET", nobody, None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn what_a_run_refused_is_kept_by_name_with_its_reason() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..2).await;
    let synced = Payload::from(ORG_A, app.now()).record("WI-9", "Done");
    app.accept(&pair.token_a, &synced).await;
    let synced = app.wait_status(synced.id(), ORG_B, "synced").await;
    let failed: Vec<Value> = app.items("status=failed").await.iter().map(|item| item["id"].clone()).collect();
    let nobody = "01890000-0000-7000-8000-000000000000";
    let ids = json!([failed[0], synced["id"], nobody, "nonsense", failed[1], failed[0], "nonsense"]);
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "ids": ids })).await;
    let run = run(&app, &answer).await;
    assert_eq!(
        (&run["selected"], &run["changed"], &run["refused"], &run["filter"]),
        (&json!(5), &json!(2), &json!(3), &Value::Null)
    );
    let told = |list: &Value, name: &Value| {
        list.as_array().unwrap().iter().find(|refused| refused["id"] == *name).cloned().unwrap()
    };
    for (name, reason) in
        [(&synced["id"], "notFailed"), (&json!(nobody), "notFound"), (&json!("nonsense"), "notFound")]
    {
        assert_eq!(told(&answer["refused"], name)["reason"], reason, "{answer}");
        let kept = told(&run["refusals"], name);
        assert_eq!(kept["reason"], reason, "{run}");
        assert_eq!(kept["message"], told(&answer["refused"], name)["message"]);
    }
    let kept = told(&run["refusals"], &synced["id"]);
    assert_eq!((&kept["title"], &kept["externalIds"]), (&json!("Done"), &json!(["WI-9"])));
    assert_eq!(told(&run["refusals"], &json!(nobody))["externalIds"], json!([]));
    let line = &app.get("/api/v1/activity?action=item.retry").await["activity"][0];
    assert_eq!((&line["count"], &line["detail"]), (&json!(2), &json!("3 were refused.")), "{line}");
    app.stop().await;
}

#[tokio::test]
async fn a_runs_items_are_found_again_and_each_knows_what_was_done_with_it() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..3).await;
    let items = app.items("status=failed&sort=createdAt").await;
    let two = json!([items[0]["id"], items[1]["id"]]);
    let mut expected = Vec::new();
    let mut dismissal = Value::Null;
    for (order, reason) in [("dismiss", Some("known")), ("restore", None), ("dismiss", Some("again"))] {
        app.clock.advance(Duration::from_secs(1));
        let mut body = json!({ "ids": two });
        if let Some(reason) = reason {
            body["reason"] = json!(reason);
        }
        let answer = app.order("POST", &format!("/api/v1/items/{order}"), body).await;
        expected.push(json!([app.now(), order, reason, answer["runId"]]));
        dismissal = answer["runId"].clone();
    }
    let of_run = app.items(&format!("runId={}&sort=createdAt", dismissal.as_str().unwrap())).await;
    let ids: Vec<&Value> = of_run.iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&items[0]["id"], &items[1]["id"]], "the dismissed too");
    assert!(app.items(&format!("runId={}&dismissed=false", dismissal.as_str().unwrap())).await.is_empty());
    assert!(app.items("runId=01890000-0000-7000-8000-000000000000").await.is_empty());
    let item = app.get(&format!("/api/v1/items/{}", items[0]["id"].as_str().unwrap())).await;
    let history: Vec<Value> = item["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json!([entry["at"], entry["action"], entry["reason"], entry["runId"]]))
        .collect();
    assert_eq!(history, expected);
    assert!(item["history"][0]["actor"].as_str().unwrap().starts_with("user:"));
    let other = app.get(&format!("/api/v1/items/{}", items[2]["id"].as_str().unwrap())).await;
    assert_eq!(other["history"], json!([]));
    // A filter by run that retries leaves the dismissed out, as any other does.
    let filter = json!({ "filter": { "runId": dismissal } });
    assert_eq!(app.order("POST", "/api/v1/items/retry", filter).await["changed"], 0);
    app.stop().await;
}

#[tokio::test]
async fn a_run_does_what_matched_when_it_began_in_as_many_batches_as_it_takes() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..1_100).await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let dismissed = app.order("POST", "/api/v1/items/dismiss", json!({ "filter": {}, "reason": "x" })).await;
    assert_eq!(dismissed["changed"], 1_100);
    assert_eq!(app.order("POST", "/api/v1/items/restore", json!({ "filter": {} })).await["changed"], 1_100);
    let answer = app.order("POST", "/api/v1/items/retry", json!({ "filter": {} })).await;
    assert_eq!(answer["changed"], 1_100);
    assert_eq!(app.count("queued").await, 1_100);
    assert_eq!(run(&app, &answer).await["now"]["queued"], 1_100);
    let lines = app.get("/api/v1/activity?action=item.&limit=10").await;
    let counts: Vec<&Value> =
        lines["activity"].as_array().unwrap().iter().map(|line| &line["count"]).collect();
    assert_eq!(counts, [1_100; 3], "a line for a run, not for a batch");
    app.stop().await;
}

#[tokio::test]
async fn a_run_goes_on_when_whoever_asked_for_it_hangs_up() {
    let (app, pair) = App::with_two_orgs().await;
    fail(&app, &pair, 0..1_100).await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let head = format!(
        "POST /api/v1/items/retry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
        app.admin_token()
    );
    let url = app.url().to_owned();
    let asking = tokio::spawn(async move { exchange(&url, &head, br#"{"filter": {}}"#).await });
    app.wait("/api/v1/status", "the run to begin", |s| s["counts"]["queued"] != 0).await;
    asking.abort();
    app.wait("/api/v1/status", "the run to end", |s| s["counts"]["queued"] == 1_100).await;
    let runs =
        app.wait("/api/v1/runs", "the run to be done", |list| list["runs"][0]["state"] == "done").await;
    assert_eq!(runs["runs"][0]["changed"], 1_100);
    app.stop().await;
}

#[tokio::test]
async fn what_is_retrying_is_sent_now_and_its_attempts_are_numbered_on() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(2));
    let payload = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &payload).await;
    let item = app.wait_status(payload.id(), ORG_B, "retrying").await;
    app.clock.advance(Duration::from_secs(1));
    let ids = json!({ "ids": [item["id"]] });
    let answer = app.order("POST", "/api/v1/items/send-now", ids).await;
    assert_eq!((&answer["changed"], &answer["refused"]), (&json!(1), &json!([])));
    let path = format!("/api/v1/items/{}", item["id"].as_str().unwrap());
    let again =
        app.wait(&path, "the second attempt", |i| i["status"] == "retrying" && i["attempts"] == 2).await;
    assert_eq!(again["cycle"], 1);
    let due = app.now().plus(Duration::from_mins(2));
    assert_eq!(again["nextAttemptAt"], json!(due), "the schedule goes on from there");
    assert_eq!(again["history"][0]["action"], "sendNow");
    let filter = json!({ "filter": { "targetOrgId": pair.b.id().to_string() } });
    assert_eq!(app.order("POST", "/api/v1/items/send-now", filter).await["changed"], 1);
    let item = app.wait_status(payload.id(), ORG_B, "synced").await;
    assert_eq!(item["attempts"], 3);
    let line = &app.get("/api/v1/activity?action=item.sendNow&limit=1").await["activity"][0];
    assert_eq!(line["count"], 1);
    assert_eq!(run(&app, &answer).await["action"], "sendNow");
    // What does not wait for its time is refused by name.
    let again = app.order("POST", "/api/v1/items/send-now", json!({ "ids": [item["id"]] })).await;
    assert_eq!((&again["changed"], &again["refused"][0]["reason"]), (&json!(0), &json!("notRetrying")));
    assert!(again["refused"][0]["message"].as_str().unwrap().contains("synced"), "{again}");
    let failed = json!({ "filter": { "status": "failed" } });
    assert_eq!(app.ask("POST", "/api/v1/items/send-now", Some(failed)).await.0, 400);
    app.stop().await;
}

#[tokio::test]
async fn what_is_sent_now_overtakes_no_older_change_of_its_record_and_no_pause() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).for_record("WI-1").times(1));
    let older = Payload::from(ORG_A, app.now()).with(json!({ "externalId": "WI-1", "a": 1 }));
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "retrying").await;
    let newer = Payload::from(ORG_A, app.now()).later(1).with(json!({ "externalId": "WI-1", "b": 1 }));
    app.accept(&pair.token_a, &newer).await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let answer = app.order("POST", "/api/v1/items/send-now", json!({ "filter": {} })).await;
    assert_eq!(answer["changed"], 1, "the newer one is queued, not retrying");
    assert_eq!(app.item(older.id(), ORG_B).await["heldBy"], "orgPaused");
    assert_eq!(pair.b.received().len(), 1);
    app.order("POST", &format!("/api/v1/orgs/{}/resume", pair.b.id()), json!({})).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    let order: Vec<_> = pair.b.received().iter().filter_map(|r| r.transaction_id.clone()).collect();
    assert_eq!(order, [older.id(), older.id(), newer.id()]);
    app.stop().await;
}

/// Asks a program of its own.
async fn ask(program: &Program, method: &str, path: &str, body: Value) -> Value {
    let head = format!(
        "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
        program.token
    );
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(&program.url, &head, body.as_bytes()).await.json()
}

async fn until(program: &Program, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let answer = ask(program, "GET", path, Value::Null).await;
            if condition(&answer) {
                return answer;
            }
        }
    };
    match tokio::time::timeout(Duration::from_mins(1), asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("asked for 60 s: {path}"),
    }
}

#[tokio::test]
async fn a_run_that_the_program_dies_in_is_told_and_nothing_of_it_is_half_done() {
    const ITEMS: u64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder, &[]).await;
    let target = kit::sim(ORG_B).await;
    ask(&program, "POST", "orgs/import", json!({ "sfdxAuthUrl": target.auth_url() })).await;
    let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": target.id(), "enabled": true });
    ask(&program, "POST", "routes", route).await;
    let token = json!({ "name": "t", "sourceOrgIds": [org_id(ORG_A)] });
    let token = ask(&program, "POST", "tokens", token).await["token"].as_str().unwrap().to_owned();
    target.script(Rule::always(Answer::status(400)));
    let mut posters = tokio::task::JoinSet::new();
    for poster in 0..8 {
        let (url, token) = (program.url.clone(), token.clone());
        posters.spawn(async move {
            for n in 0..ITEMS / 8 {
                let name = format!("WI-{poster}-{n}");
                let payload = Payload::from(ORG_A, wall_clock()).record(&name, "x");
                assert_eq!(post(&url, &token, payload.text()).await.unwrap().status, 200);
            }
        });
    }
    posters.join_all().await;
    until(&program, "status", |status| status["counts"]["failed"] == ITEMS).await;
    ask(&program, "POST", &format!("orgs/{}/pause", target.id()), json!({})).await;

    let (url, admin) = (program.url.clone(), program.token.clone());
    let asking = tokio::spawn(async move {
        let head = format!(
            "POST /api/v1/items/retry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {admin}"
        );
        exchange(&url, &head, br#"{"filter": {}}"#).await
    });
    until(&program, "status", |status| status["counts"]["queued"].as_u64().unwrap() > 0).await;
    program.kill().await;
    asking.abort();

    let program = Program::serve(&folder, &[]).await;
    let status = ask(&program, "GET", "status", Value::Null).await;
    let queued = status["counts"]["queued"].as_u64().unwrap();
    assert!(queued > 0 && queued < ITEMS, "killed in the middle: {status}");
    assert_eq!(status["counts"]["failed"], ITEMS - queued, "what was not reached is as it was");
    let runs = ask(&program, "GET", "runs", Value::Null).await;
    let run = &runs["runs"][0];
    assert_eq!((&run["state"], &run["endedAt"]), (&json!("interrupted"), &Value::Null), "{runs}");
    assert_eq!((&run["selected"], &run["changed"]), (&json!(ITEMS), &json!(queued)));
    let detail = ask(&program, "GET", &format!("runs/{}", run["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(detail["now"]["queued"], queued);
    let log = ask(&program, "GET", "activity?action=item.retry", Value::Null).await;
    let line = &log["activity"][0];
    assert_eq!(line["count"], queued);
    assert!(line["detail"].as_str().unwrap().contains("interrupted"), "{line}");
    // The rest is done by asking again.
    let rest = ask(&program, "POST", "items/retry", json!({ "filter": {} })).await;
    assert_eq!(rest["changed"], ITEMS - queued);
    program.kill().await;
}
