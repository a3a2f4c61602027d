//! Lists: their orders, their pages, what is found in them; and failures by cause.

use std::collections::HashSet;
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Pair, Payload, org_id, sim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

/// Two failed items of one cause, one of another, two synced and one that waits.
async fn world() -> (App, Pair) {
    let (app, pair) = App::with_two_orgs().await;
    let refusal = |words: &str| Answer::platform(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", words);
    pair.b.script(Rule::always(refusal("Hours must not be above 40, they are 41")).for_record("WI-101"));
    pair.b.script(Rule::always(refusal("Hours must not be above 40, they are 42")).for_record("WI-102"));
    pair.b
        .script(Rule::always(Answer::platform(403, "INSUFFICIENT_ACCESS", "no access")).for_record("WI-103"));
    for (id, title, status) in [
        ("WI-101", "Add revenue report", "failed"),
        ("WI-201", "Nightly export to the warehouse", "synced"),
        ("WI-102", "Fix rounding", "failed"),
        ("WI-202", "Revenue by region", "synced"),
        ("WI-103", "Größe der Felder", "failed"),
    ] {
        app.clock.advance(Duration::from_secs(1));
        let payload = Payload::from(ORG_A, app.now()).record(id, title);
        app.accept(&pair.token_a, &payload).await;
        app.wait_status(payload.id(), ORG_B, status).await;
    }
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    app.clock.advance(Duration::from_secs(1));
    let waits = Payload::from(ORG_A, app.now()).record("WI-301", "Waits");
    app.accept(&pair.token_a, &waits).await;
    (app, pair)
}

fn records(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["externalIds"][0].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_order_is_kept_from_page_to_page() {
    let (app, _pair) = world().await;
    for (query, expected) in [
        ("status=failed", "WI-103 WI-102 WI-101"),
        ("status=failed&sort=updatedAt", "WI-101 WI-102 WI-103"),
        ("status=synced", "WI-202 WI-201"),
        ("status=queued", "WI-301"),
        ("", "WI-301 WI-103 WI-202 WI-102 WI-201 WI-101"),
        ("sort=createdAt", "WI-101 WI-201 WI-102 WI-202 WI-103 WI-301"),
        ("sort=-updatedAt", "WI-301 WI-103 WI-202 WI-102 WI-201 WI-101"),
        ("sort=updatedAt&status=failed,synced", "WI-101 WI-201 WI-102 WI-202 WI-103"),
        ("status=queued,retrying&sort=-nextAttemptAt", "WI-301"),
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/api/v1/items?limit=1&{query}&cursor={cursor}")).await;
            assert_eq!(page["total"], expected.split(' ').count(), "{query}: {page}");
            seen.extend(records(page["items"].as_array().unwrap()).iter().map(ToString::to_string));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen.join(" "), expected, "{query}");
    }
    app.stop().await;
}

#[rstest]
#[case::an_order_that_failed_items_do_not_have("status=failed&sort=nextAttemptAt", "next attempt")]
#[case::no_order("sort=title", "createdAt")]
#[case::a_cursor_of_another_order("sort=createdAt&cursor=-c.1.1", "cursor")]
#[case::a_cursor_of_nobody("cursor=x", "cursor")]
#[tokio::test]
async fn what_a_list_cannot_do_is_refused(#[case] query: &str, #[case] words: &str) {
    let app = App::start().await;
    let (status, problem) = app.ask("GET", &format!("/api/v1/items?{query}"), None).await;
    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn a_page_stays_where_it_is_while_items_come_in() {
    let (app, pair) = App::with_two_orgs().await;
    app.order("POST", &format!("/api/v1/orgs/{}/pause", pair.b.id()), json!({})).await;
    let send = async |n: u32| {
        app.clock.advance(Duration::from_millis(1));
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        app.accept(&pair.token_a, &payload).await;
    };
    for n in 0..10 {
        send(n).await;
    }
    let mut seen = HashSet::new();
    let mut cursor = String::new();
    for round in 0..5 {
        let page = app.get(&format!("/api/v1/items?limit=2&sort=-createdAt&cursor={cursor}")).await;
        for id in records(page["items"].as_array().unwrap()) {
            assert!(seen.insert(id.to_owned()), "{id} came twice");
        }
        send(100 + round).await;
        cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
    assert!(seen.iter().all(|id| id.len() < 6), "what came later is on pages before: {seen:?}");
    app.stop().await;
}

#[rstest]
#[case::external_id("WI-101", "WI-101")]
#[case::beginning_of_one("WI-10", "WI-101 WI-102 WI-103")]
#[case::a_word_of_the_title("revenue", "WI-101 WI-202")]
#[case::the_beginning_of_one_in_another_case("REV", "WI-101 WI-202")]
#[case::several_words("region revenue", "WI-202")]
#[case::letters_with_marks("größe", "WI-103")]
#[case::an_error_code("insufficient_access", "WI-103")]
#[case::a_part_of_a_code("VALIDATION", "WI-101 WI-102")]
#[case::the_errors_words("hours above", "WI-101 WI-102")]
#[case::a_number_in_them("42", "WI-102")]
#[case::nothing("unicorn", "")]
#[case::no_word("--", "")]
#[case::what_the_index_would_take_for_an_operator("revenue OR rounding", "")]
#[case::a_quote("\"revenue", "WI-101 WI-202")]
#[tokio::test]
async fn items_are_found_by_words(#[case] q: &str, #[case] expected: &str) {
    let (app, _pair) = world().await;
    let escaped = q.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let page = app.get(&format!("/api/v1/items?sort=createdAt&q={escaped}")).await;
    assert_eq!(records(page["items"].as_array().unwrap()).join(" "), expected);
    assert_eq!(page["total"], page["items"].as_array().unwrap().len());
    // With every other condition too.
    let failed = app
        .get(&format!("/api/v1/items?sort=createdAt&q={escaped}&status=failed&targetOrgId={}", org_id(ORG_B)))
        .await;
    let expected: Vec<&str> = expected.split(' ').filter(|id| id.starts_with("WI-10")).collect();
    assert_eq!(records(failed["items"].as_array().unwrap()), expected);
    app.stop().await;
}

#[tokio::test]
async fn an_item_is_found_by_its_transaction_and_by_its_last_error_only() {
    let (app, pair) = world().await;
    let items = app.items("status=failed&sort=createdAt").await;
    let transaction = items[0]["transactionId"].as_str().unwrap();
    assert_eq!(records(&app.items(&format!("q={transaction}")).await), ["WI-101"]);
    pair.b.heal();
    app.order("POST", &format!("/api/v1/orgs/{}/resume", pair.b.id()), json!({})).await;
    app.order("POST", "/api/v1/items/retry", json!({ "filter": {} })).await;
    app.wait("/api/v1/status", "everything to be synced", |status| status["counts"]["synced"] == 6).await;
    assert_eq!(app.items("q=VALIDATION").await, Vec::<Value>::new(), "the error is over");
    assert_eq!(app.items("q=revenue").await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn what_failed_is_grouped_by_cause_and_a_cause_is_retried_as_one() {
    let (app, pair) = world().await;
    let failures = app.get("/api/v1/failures").await;
    let groups = failures["failures"].as_array().unwrap();
    let of = |code: &str| groups.iter().find(|group| group["errorCode"] == code).unwrap();
    assert_eq!(groups.len(), 2, "{failures}");
    let (hours, access) = (of("FIELD_CUSTOM_VALIDATION_EXCEPTION"), of("INSUFFICIENT_ACCESS"));
    assert_eq!((&hours["count"], &access["count"]), (&json!(2), &json!(1)));
    assert_eq!(hours["targetOrgId"], pair.b.id().to_string());
    assert_eq!(hours["httpStatus"], 400);
    assert_eq!(hours["sampleMessage"], "Hours must not be above 40, they are 42", "the newest");
    assert_eq!(hours["cause"]["title"], "A validation rule refused the record");
    assert_eq!(
        (&hours["cause"]["fixer"], &hours["cause"]["retryHelps"]),
        (&json!("targetAdmin"), &json!(false))
    );
    assert!(hours["firstSeenAt"].as_str().unwrap() < hours["lastSeenAt"].as_str().unwrap());
    assert_eq!(groups[0]["errorCode"], "INSUFFICIENT_ACCESS", "the last seen first");

    let key = hours["failureKey"].as_str().unwrap();
    assert_eq!(app.get(&format!("/api/v1/items?failureKey={key}")).await["total"], 2);
    let one = app.get(&format!("/api/v1/items/{}", hours["sampleItemId"].as_str().unwrap())).await;
    assert_eq!(one["cause"]["title"], "A validation rule refused the record");
    app.order("POST", "/api/v1/items/dismiss", json!({ "ids": [one["id"]], "reason": "x" })).await;
    let failures = app.get("/api/v1/failures").await;
    assert_eq!(
        failures["failures"].as_array().unwrap().iter().map(|g| g["count"].as_u64().unwrap()).sum::<u64>(),
        2
    );
    pair.b.heal();
    let done = app.order("POST", "/api/v1/items/retry", json!({ "filter": { "failureKey": key } })).await;
    assert_eq!((&done["changed"], &done["refused"]), (&json!(1), &json!([])), "without the dismissed one");
    app.stop().await;
}

#[tokio::test]
async fn a_list_as_it_was_opened_leaves_alone_what_failed_later() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "too long")));
    let fail = async |n: u32| {
        let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
        app.accept(&pair.token_a, &payload).await;
        app.wait_status(payload.id(), ORG_B, "failed").await;
    };
    fail(1).await;
    let opened = app.get("/api/v1/status").await["serverTime"].as_str().unwrap().to_owned();
    app.clock.advance(Duration::from_secs(1));
    fail(2).await;
    assert_eq!(app.get(&format!("/api/v1/items?status=failed&asOf={opened}")).await["total"], 1);
    let filter = json!({ "filter": { "asOf": opened }, "reason": "known" });
    assert_eq!(app.order("POST", "/api/v1/items/dismiss", filter).await["changed"], 1);
    assert_eq!(records(&app.items("status=failed").await), ["WI-2"]);
    app.stop().await;
}

#[tokio::test]
async fn totals_are_exact_whatever_the_filter() {
    let (app, pair) = world().await;
    let c = sim(ORG_C).await;
    app.connect(&c).await;
    app.route(ORG_A, ORG_C).await;
    let payload = Payload::from(ORG_A, app.now()).record("WI-9", "x");
    app.accept(&pair.token_a, &payload).await;
    app.wait_status(payload.id(), ORG_C, "synced").await;
    for (query, total) in [
        (String::new(), 8),
        (format!("targetOrgId={}", org_id(ORG_B)), 7),
        (format!("targetOrgId={}&status=synced", org_id(ORG_C)), 1),
        (format!("sourceOrgId={}", org_id(ORG_B)), 0),
        (format!("sourceOrgId={}&status=failed", org_id(ORG_A)), 3),
        ("held=true".into(), 2),
        (format!("held=true&targetOrgId={}", org_id(ORG_C)), 0),
        ("held=false".into(), 0),
        ("dismissed=true".into(), 0),
        ("externalId=WI-9".into(), 2),
        ("status=failed&since=2020-01-01T00:00:00Z".into(), 3),
        ("until=2020-01-01T00:00:00Z".into(), 0),
    ] {
        let page = app.get(&format!("/api/v1/items?limit=500&{query}")).await;
        assert_eq!(
            (&page["total"], page["items"].as_array().unwrap().len()),
            (&json!(total), total),
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_happened_is_told_minute_by_minute_with_the_times_when_nobody_looked() {
    let (app, pair) = world().await;
    let stats = app.get("/api/v1/stats?window=1h&bucket=5m").await;
    let total = &stats["total"];
    let mut sums = [0; 3];
    for org in [&pair.a, &pair.b] {
        let of_org = app.get(&format!("/api/v1/stats?window=1h&targetOrgId={}", org.id())).await;
        for (sum, name) in sums.iter_mut().zip(["accepted", "synced", "failed"]) {
            *sum += of_org["total"][name].as_u64().unwrap();
        }
    }
    assert_eq!(sums, [6, 2, 3], "each is counted with the org that it went to");
    let stranger = app.get("/api/v1/stats?window=1h&targetOrgId=00D000000000009").await;
    assert_eq!(stranger["total"]["accepted"], 0);
    for (name, n) in
        [("accepted", 6), ("synced", 2), ("failed", 3), ("retried", 0), ("superseded", 0), ("echoes", 0)]
    {
        assert_eq!(total[name], n, "{name}: {stats}");
    }
    let buckets = stats["buckets"].as_array().unwrap();
    assert_eq!((buckets.len(), &stats["window"], &stats["bucket"]), (13, &json!("1h"), &json!("5m")));
    let sum = |name: &str| buckets.iter().map(|bucket| bucket[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("accepted"), sum("failed")), (6, 3));
    assert!(total["p50Ms"].as_u64().unwrap() < 1_000, "the clock stood still: {stats}");
    assert_eq!(stats["gaps"], json!([]));

    // An hour off, then an hour asleep: both are told, and neither is taken for a quiet time.
    let app = app.restart(Duration::from_hours(1)).await;
    app.clock.advance(Duration::from_secs(1));
    app.clock.set(app.now().plus(Duration::from_hours(1)));
    let gaps = app
        .move_until(Duration::from_secs(15), "/api/v1/stats?window=7d&bucket=1h", |stats| {
            stats["gaps"].as_array().unwrap().len() == 2
        })
        .await;
    let running = gaps["total"]["runningSeconds"].as_u64().unwrap();
    assert!(running < 120, "{gaps}");
    let buckets = gaps["buckets"].as_array().unwrap();
    assert!(buckets.iter().all(|bucket| bucket["runningSeconds"].as_u64().unwrap() <= running));
    app.stop().await;
}
