//! A comment or a work log waits for its work item, costs no attempt meanwhile, and brings it along where nobody sent it.

use std::time::Duration;

use kit::hub::{Hubs, WORK_ITEM, hub, integrated, work_item};
use kit::{App, ORG_A, ORG_B, ORG_C, OrgSim, Payload, org_id};
use serde_json::{Value, json};

const COMMENT: &str = "WorkItemComment__c";

fn comment(item: &str, words: &str) -> Value {
    json!({ "WorkItemId__c": item, "BodyTxt__c": words, "AuthorTxt__c": "Ada" })
}

/// The only item that an org is to get.
async fn only_item(app: &App, target: &str) -> Value {
    let mut items = app.items(&format!("targetOrgId={}", org_id(target))).await;
    assert_eq!(items.len(), 1, "{items:#?}");
    items.remove(0)
}

const QUEUED: &str = "/api/v1/items?status=queued";

fn is_parent_missing(queued: &Value) -> bool {
    queued["items"][0]["lastError"]["errorCode"] == "PARENT_MISSING"
}

/// Waits until a comment waits for its work item, and returns its item.
async fn parent_missing(app: &App) -> Value {
    app.wait(QUEUED, "the comment to wait", is_parent_missing).await["items"][0].clone()
}

/// What an org holds of comments, as words and the title of their work item.
fn comments(org: &OrgSim) -> Vec<(String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let told = |row: &Value| {
        let item = org.row(WORK_ITEM, &text(row, "WorkItemId__c")).unwrap();
        (text(row, "BodyTxt__c"), text(&item, "BriefDescriptionTxt__c"))
    };
    org.rows(COMMENT).iter().map(told).collect()
}

#[tokio::test]
async fn a_comment_brings_its_work_item_to_an_org_whose_route_is_newer() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Older than the route"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    let c = hub(&hubs.app, ORG_C).await;
    hubs.app.connect(&c).await;
    hubs.app.route(ORG_A, ORG_C).await;
    hubs.app.clock.advance(Duration::from_mins(10));
    hubs.a.create(COMMENT, comment(&id, "Done"));
    hubs.app.pull(ORG_A).await;
    // The comment to both, and the work item to the one that was never told of it.
    hubs.synced(4).await;
    assert_eq!(comments(&c), [("Done".to_owned(), "Older than the route".to_owned())]);
    let to_b: Vec<String> = hubs.b.written().into_iter().map(|(object, _)| object).collect();
    assert_eq!(to_b, [WORK_ITEM, COMMENT]);
    // Once is enough.
    hubs.app.clock.advance(Duration::from_mins(1));
    hubs.a.create(COMMENT, comment(&id, "Really"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(6).await;
    assert_eq!((c.rows(WORK_ITEM).len(), c.rows(COMMENT).len()), (1, 2));
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_org_with_the_documented_endpoint_is_told_of_the_work_item_first_too() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Older than the route"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    let c = kit::sim(ORG_C).await;
    hubs.app.connect(&c).await;
    hubs.app.route(ORG_A, ORG_C).await;
    hubs.app.clock.advance(Duration::from_mins(10));
    hubs.a.create(COMMENT, comment(&id, "Done"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(4).await;
    let record = c.record(&format!("{}:{id}", org_id(ORG_A))).unwrap();
    assert_eq!(
        (&record["title"], &record["comments"][0]["body"]),
        (&json!("Older than the route"), &json!("Done"))
    );
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_work_item_that_another_org_changed_last_is_brought_along_as_its_own_org_holds_it() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("First"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    hubs.app.clock.advance(Duration::from_mins(1));
    let there = hubs.b.rows(WORK_ITEM)[0]["Id"].as_str().unwrap().to_owned();
    hubs.b.edit(WORK_ITEM, &there, json!({ "BriefDescriptionTxt__c": "By B" }));
    hubs.app.pull(ORG_B).await;
    hubs.synced(2).await;
    let c = hub(&hubs.app, ORG_C).await;
    hubs.app.connect(&c).await;
    hubs.app.route(ORG_A, ORG_C).await;
    hubs.app.clock.advance(Duration::from_mins(10));
    hubs.a.create(COMMENT, comment(&id, "Done"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(5).await;
    assert_eq!(comments(&c), [("Done".to_owned(), "By B".to_owned())]);
    // That was no edit of A's: one that B made before is none that lost.
    assert_eq!(hubs.app.pull(ORG_A).await["changes"], 0);
    hubs.app.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_work_item_that_the_org_refuses_costs_no_attempt_and_goes_when_that_is_mended() {
    let hubs = Hubs::start().await;
    hubs.b.validate("BriefDescriptionTxt__c", "!", "No exclamation marks, please.");
    let id = hubs.a.create(WORK_ITEM, work_item("Now!"));
    hubs.a.create(COMMENT, comment(&id, "Done"));
    hubs.app.pull(ORG_A).await;
    let failed = hubs.app.wait("/api/v1/items?status=failed", "the refusal", |list| list["total"] == 1).await;
    let waits = parent_missing(&hubs.app).await;
    // Whatever time passes.
    let mut list = Value::Null;
    let mut last = waits["updatedAt"].clone();
    for _ in 0..8 {
        hubs.app.clock.advance(Duration::from_hours(1));
        let looked = |list: &Value| is_parent_missing(list) && list["items"][0]["updatedAt"] != last;
        list = hubs.app.wait(QUEUED, "another look", looked).await;
        last = list["items"][0]["updatedAt"].clone();
    }
    assert_eq!((&list["items"][0]["attempts"], &list["items"][0]["heldBy"]), (&json!(0), &Value::Null));
    assert!(list["items"][0]["nextAttemptAt"].is_string(), "{list}");
    assert!(list["items"][0]["lastError"]["message"].as_str().unwrap().contains(&id), "{list}");
    let item = hubs.app.get(&format!("/api/v1/items/{}", waits["id"].as_str().unwrap())).await;
    assert!(item["attemptLog"].as_array().unwrap().iter().all(|one| one["counted"] == false), "{item}");
    hubs.b.calm();
    hubs.app.order("POST", "/api/v1/items/retry", json!({ "ids": [failed["items"][0]["id"]] })).await;
    // At once, and not when it would have been looked for again.
    hubs.synced(2).await;
    assert_eq!(comments(&hubs.b), [("Done".to_owned(), "Now!".to_owned())]);
    hubs.app.stop().await;
}

fn comment_alone(app: &App) -> Payload {
    let record = json!({ "externalId": "WI-1", "comments": [{ "externalId": "C-1", "body": "Done" }] });
    Payload::from(ORG_A, app.now()).transaction("comment").with(record)
}

#[tokio::test]
async fn a_work_item_that_comes_later_goes_before_the_comment_that_waits_for_it() {
    let (app, b, token) = integrated().await;
    app.accept(&token, &comment_alone(&app)).await;
    parent_missing(&app).await;
    let app = app.restart(Duration::from_secs(1)).await;
    let item = Payload::from(ORG_A, app.now()).transaction("item").record("WI-1", "Late");
    app.accept(&token, &item).await;
    app.wait("/api/v1/status", "both", |status| status["counts"]["synced"] == 2).await;
    assert_eq!(comments(&b), [("Done".to_owned(), "Late".to_owned())]);
    assert_eq!(app.item("comment", ORG_B).await["attempts"], 1, "only the one that arrived");
    app.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_day_is_told_and_can_be_retried() {
    let (app, b, token) = integrated().await;
    let began = app.now();
    app.accept(&token, &comment_alone(&app)).await;
    let path = "/api/v1/status";
    app.move_until(Duration::from_mins(20), path, |status| status["counts"]["failed"] == 1).await;
    let item = only_item(&app, ORG_B).await;
    assert_eq!((&item["lastError"]["errorCode"], &item["attempts"]), (&json!("PARENT_MISSING"), &json!(1)));
    let waited = app.now().since(began);
    // The clock is moved faster than the program looks, so no upper bound holds.
    assert!(waited >= Duration::from_hours(24), "{waited:?}");
    app.order("POST", "/api/v1/items/retry", json!({ "ids": [item["id"]] })).await;
    let work_item = Payload::from(ORG_A, app.now()).transaction("item").record("WI-1", "Late");
    app.accept(&token, &work_item).await;
    app.wait(path, "both", |status| status["counts"]["synced"] == 2).await;
    assert_eq!(comments(&b).len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_work_item_that_appears_there_by_another_way_is_found() {
    let (app, b, token) = integrated().await;
    app.accept(&token, &comment_alone(&app)).await;
    parent_missing(&app).await;
    app.connect(&hub(&app, ORG_A).await).await;
    app.route(ORG_B, ORG_A).await;
    app.pull(ORG_B).await;
    let id = b.create(WORK_ITEM, work_item("Native"));
    let ledger = json!({
        "ObjectTypePk__c": WORK_ITEM, "DirectionPk__c": "Inbound", "StatusPk__c": "Synced",
        "RemoteExternalIDTxt__c": "WI-1", "GlobalSourceIdTxt__c": "WI-1", "LocalRecordIdTxt__c": id,
    });
    b.create("SyncItem__c", ledger);
    app.pull(ORG_B).await;
    app.wait("/api/v1/status", "the comment", |status| status["counts"]["synced"] == 1).await;
    assert_eq!(comments(&b), [("Done".to_owned(), "Native".to_owned())]);
    app.stop().await;
}

#[tokio::test]
async fn a_comment_on_a_work_item_that_was_deleted_there_fails_at_once_and_says_so() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Gone there"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    let there = hubs.b.rows(WORK_ITEM)[0]["Id"].as_str().unwrap().to_owned();
    hubs.app.clock.advance(Duration::from_secs(5));
    hubs.b.remove(WORK_ITEM, &there);
    hubs.app.pull(ORG_B).await;
    hubs.a.create(COMMENT, comment(&id, "Too late"));
    hubs.app.pull(ORG_A).await;
    let failed = hubs.app.wait("/api/v1/items?status=failed", "the failure", |list| list["total"] == 1).await;
    assert_eq!(failed["items"][0]["lastError"]["errorCode"], "RECORD_DELETED");
    hubs.app.stop().await;
}
