//! Work items: the records as people know them, the one touched last first.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, Setup, org_id, sim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

fn names(page: &Value) -> Vec<&str> {
    page["workItems"].as_array().unwrap().iter().map(|item| item["externalId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_is_told_with_its_newest_change_how_many_there_are_and_between_whom() {
    let (app, pair) = App::with_two_orgs().await;
    let c = sim(ORG_C).await;
    app.connect(&c).await;
    app.route(ORG_A, ORG_C).await;
    pair.b.script(Rule::always(Answer::status(400)).for_record("WI-2"));
    let mut last = None;
    for (record, title) in [("WI-1", "Old title"), ("WI-2", "Fix rounding"), ("WI-1", "Add revenue report")] {
        app.clock.advance(Duration::from_secs(1));
        let payload = Payload::from(ORG_A, app.now()).record(record, title);
        app.accept(&pair.token_a, &payload).await;
        for org in [ORG_B, ORG_C] {
            let status = if record == "WI-2" && org == ORG_B { "failed" } else { "synced" };
            app.wait_status(payload.id(), org, status).await;
        }
        last = Some((payload.id().to_owned(), app.now()));
    }
    let (transaction, at) = last.unwrap();
    let item = app.item(&transaction, ORG_C).await;
    let page = app.get("/api/v1/work-items").await;
    assert_eq!(names(&page), ["WI-1", "WI-2"]);
    let expected = json!({
        "externalId": "WI-1", "title": "Add revenue report", "lastItemId": item["id"], "lastStatus": "synced",
        "lastAt": at, "items": 4, "orgs": [org_id(ORG_A), org_id(ORG_B), org_id(ORG_C)],
    });
    assert_eq!(page["workItems"][0], expected);
    assert_eq!(page["workItems"][1]["items"], 2);
    // Its thread is the list of its items.
    assert_eq!(app.items("externalId=WI-1&sort=createdAt").await.len(), 4);
    // An echo or a stale change touches nothing.
    let stale = Payload::from(ORG_A, app.now()).later(-60_000).record("WI-2", "stale");
    assert_eq!(app.post(&pair.token_a, &stale.text()).await.status, 409);
    assert_eq!(names(&app.get("/api/v1/work-items").await), ["WI-1", "WI-2"]);
    app.stop().await;
}

#[tokio::test]
async fn pages_stay_where_they_are_while_work_items_are_touched_and_come_in() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", "/api/v1/relay/pause", json!({})).await;
    let send = async |record: String| {
        app.clock.advance(Duration::from_millis(1));
        let payload = Payload::from(ORG_A, app.now()).record(&record, "x");
        app.accept(&pair.token_a, &payload).await;
    };
    for n in 0..9 {
        send(format!("WI-{n}")).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for round in 0.. {
        let page = app.get(&format!("/api/v1/work-items?limit=2&cursor={cursor}")).await;
        seen.extend(names(&page).iter().map(ToString::to_string));
        // One that was seen is touched again, and one comes in.
        send("WI-8".into()).await;
        send(format!("WI-1{round}")).await;
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let expected: Vec<String> = (0..9).rev().map(|n| format!("WI-{n}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(names(&app.get("/api/v1/work-items?limit=2").await), ["WI-14", "WI-8"]);
    app.stop().await;
}

#[rstest]
#[case::a_name("WI-101", "WI-101")]
#[case::the_beginning_of_a_name("wi-10", "WI-102 WI-101")]
#[case::a_word_of_a_title("revenue", "WI-201 WI-101")]
#[case::in_a_payload_of_many_only_those_that_are_meant("XX-2", "XX-2")]
#[case::the_title_of_any_of_them("warehouse", "XX-1")]
#[case::name_and_title("WI add", "WI-101")]
#[case::no_transaction("txn_", "")]
#[case::nothing("unicorn", "")]
#[case::no_word("--", "")]
#[tokio::test]
async fn work_items_are_found_by_their_names_and_titles(#[case] q: &str, #[case] expected: &str) {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", "/api/v1/relay/pause", json!({})).await;
    for (record, title) in
        [("WI-101", "Add revenue report"), ("WI-102", "Fix rounding"), ("WI-201", "Revenue by region")]
    {
        app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record(record, title)).await;
    }
    let many = Payload::from(ORG_A, app.now()).record("XX-1", "Export to the warehouse").record("XX-2", "y");
    app.accept(&pair.token_a, &many).await;
    let escaped = q.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/api/v1/work-items?limit=1&q={escaped}&cursor={cursor}")).await;
        seen.extend(names(&page).iter().map(ToString::to_string));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen.join(" "), expected);
    app.stop().await;
}

#[tokio::test]
async fn a_payload_of_many_touches_each_of_its_records_and_each_has_its_title() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", "/api/v1/relay/pause", json!({})).await;
    let many = (0..5).fold(Payload::from(ORG_A, app.now()), |payload, n| {
        payload.record(&format!("WI-{n}"), &format!("Title {n}"))
    });
    app.accept(&pair.token_a, &many).await;
    let page = app.get("/api/v1/work-items?limit=3").await;
    assert_eq!(names(&page), ["WI-4", "WI-3", "WI-2"]);
    let rest = format!("/api/v1/work-items?limit=3&cursor={}", page["nextCursor"].as_str().unwrap());
    let rest = app.get(&rest).await;
    assert_eq!((names(&rest), &rest["nextCursor"]), (vec!["WI-1", "WI-0"], &Value::Null));
    assert_eq!(rest["workItems"][0]["title"], "Title 1");
    app.stop().await;
}

#[tokio::test]
async fn what_is_cleared_away_is_no_work_item_any_more() {
    let setup = Setup::default().set("retention.synced_days", "1").set("retention.transaction_days", "1");
    let (app, pair) = setup.start_with_two_orgs().await;
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    let failed = Payload::from(ORG_A, app.now()).record("WI-1", "failed");
    app.accept(&pair.token_a, &failed).await;
    app.wait_status(failed.id(), ORG_B, "failed").await;
    for record in ["WI-1", "WI-2"] {
        app.clock.advance(Duration::from_secs(1));
        let payload = Payload::from(ORG_A, app.now()).record(record, "done");
        app.accept(&pair.token_a, &payload).await;
        app.wait_status(payload.id(), ORG_B, "synced").await;
    }
    assert_eq!(names(&app.get("/api/v1/work-items").await), ["WI-2", "WI-1"]);
    app.clock.advance(Duration::from_hours(49));
    let page = app
        .move_until(Duration::from_hours(7), "/api/v1/work-items", |page| {
            page["workItems"].as_array().unwrap().len() == 1
        })
        .await;
    let left = &page["workItems"][0];
    assert_eq!(
        (&left["externalId"], &left["lastStatus"], &left["items"]),
        (&json!("WI-1"), &json!("failed"), &json!(1))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_cursor_beyond_everything_ends_the_list() {
    let (app, pair) = App::with_two_orgs().await;
    app.accept(&pair.token_a, &Payload::from(ORG_A, app.now()).record("WI-1", "x")).await;
    for query in ["", "q=wi&"] {
        let page = app.get(&format!("/api/v1/work-items?{query}cursor={}.", i64::MIN)).await;
        assert_eq!(page, json!({ "workItems": [], "nextCursor": null }));
    }
    app.stop().await;
}

#[rstest]
#[case("limit=0")]
#[case("limit=501")]
#[case("cursor=x")]
#[case("cursor=7.xyz")]
#[case("q=x&cursor=7.5")]
#[case("colour=red")]
#[tokio::test]
async fn what_the_list_cannot_do_is_refused(#[case] query: &str) {
    let app = App::start().await;
    let (status, problem) = app.ask("GET", &format!("/api/v1/work-items?{query}"), None).await;
    assert_eq!(status, 400, "{problem}");
    app.stop().await;
}
