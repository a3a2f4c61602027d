//! What orgs with the package throw at a relay: validation rules, locked rows, picklists that take no other value, limits,
//! sandboxes that are refreshed, packages that are upgraded.

use std::time::Duration;

use kit::hub::{Hubs, WORK_ITEM, hub_at, work_item};
use kit::{App, ORG_A, ORG_B, ORG_C, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{HubSpec, OrgClock};

#[tokio::test]
async fn what_a_validation_rule_refuses_fails_at_once_in_the_rules_words_and_goes_through_when_it_is_mended()
{
    let hubs = Hubs::start().await;
    hubs.b.validate("BriefDescriptionTxt__c", "!", "No exclamation marks, please.");
    hubs.a.create(WORK_ITEM, work_item("Now!"));
    hubs.app.pull(ORG_A).await;
    let list =
        hubs.app.wait("/api/v1/items", "the failure", |list| list["items"][0]["status"] == "failed").await;
    let item = &list["items"][0];
    assert_eq!(item["attempts"], 1, "the same would be refused again");
    assert_eq!(item["lastError"]["errorCode"], "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert!(item["lastError"]["message"].as_str().unwrap().contains("No exclamation marks"), "{item}");
    hubs.b.calm();
    hubs.app.order("POST", "/api/v1/items/retry", json!({ "ids": [item["id"]] })).await;
    hubs.synced(1).await;
    assert_eq!(hubs.b.rows(WORK_ITEM).len(), 1);
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_locked_row_is_tried_again_until_it_is_free() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Locked"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    let there = hubs.b.rows(WORK_ITEM)[0]["Id"].as_str().unwrap().to_owned();
    hubs.b.lock(&there, Duration::from_secs(20));
    hubs.app.clock.advance(Duration::from_secs(2));
    hubs.a.edit(WORK_ITEM, &id, json!({ "StageNamePk__c": "Merging" }));
    hubs.app.pull(ORG_A).await;
    let path = "/api/v1/items?status=retrying";
    let list = hubs.app.wait(path, "the lock", |list| list["total"] == 1).await;
    assert_eq!(list["items"][0]["lastError"]["errorCode"], "UNABLE_TO_LOCK_ROW");
    let synced = |status: &Value| status["counts"]["synced"] == 2;
    hubs.app.move_until(Duration::from_secs(10), "/api/v1/status", synced).await;
    assert_eq!(hubs.b.row(WORK_ITEM, &there).unwrap()["StageNamePk__c"], "Merging");
    hubs.app.stop().await;
}

#[tokio::test]
async fn the_packages_own_rate_limit_holds_what_waits_and_costs_no_attempt() {
    let app = App::start().await;
    let clock = || OrgClock::of(app.clock.clone());
    let a = hub_at(ORG_A, HubSpec { managed: true, clock: clock(), ..HubSpec::default() }).await;
    let b =
        hub_at(ORG_B, HubSpec { managed: true, clock: clock(), rate_limit: Some(2), ..HubSpec::default() })
            .await;
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    for n in 0..3 {
        a.create(WORK_ITEM, work_item(&format!("Item {n}")));
    }
    app.pull(ORG_A).await;
    app.wait_health(ORG_B, "rateLimited").await;
    let list = app.get("/api/v1/items?status=queued").await;
    assert_eq!((&list["total"], &list["items"][0]["attempts"]), (&json!(1), &json!(0)));
    let synced = |status: &Value| status["counts"]["synced"] == 3;
    app.move_until(Duration::from_mins(10), "/api/v1/status", synced).await;
    assert_eq!(b.rows(WORK_ITEM).len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn an_org_without_requests_left_is_neither_read_nor_written_until_there_are_some() {
    let hubs = Hubs::start().await;
    hubs.a.create(WORK_ITEM, work_item("Waits"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    hubs.b.set_daily_calls(hubs.b.calls());
    hubs.a.create(WORK_ITEM, work_item("Waits, too"));
    hubs.app.pull(ORG_A).await;
    hubs.app.wait_health(ORG_B, "rateLimited").await;
    let (status, why) = hubs.app.ask("POST", &format!("/api/v1/orgs/{}/pull", org_id(ORG_B)), None).await;
    assert_eq!(status, 409, "{why}");
    hubs.b.set_daily_calls(100_000);
    let synced = |status: &Value| status["counts"]["synced"] == 2;
    hubs.app.move_until(Duration::from_mins(5), "/api/v1/status", synced).await;
    assert_eq!(hubs.app.count("failed").await, 0);
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_refreshed_sandbox_is_another_org_whose_package_is_found_anew_and_gets_nothing_of_the_old_one() {
    let hubs = Hubs::start().await;
    hubs.a.create(WORK_ITEM, work_item("Before"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    let there = hubs.b.rows(WORK_ITEM)[0]["Id"].as_str().unwrap().to_owned();
    hubs.b.refresh_sandbox(org_id(ORG_C));
    let org = hubs.app.connect(&hubs.b).await;
    assert_eq!((&org["orgId"], &org["adapter"]["dialect"]), (&json!(org_id(ORG_C)), &json!("packageV1")));
    hubs.app.route(ORG_C, ORG_A).await;
    hubs.app.pull(ORG_C).await;
    hubs.app.clock.advance(Duration::from_secs(5));
    hubs.b.edit(WORK_ITEM, &there, json!({ "StageNamePk__c": "Merging" }));
    assert_eq!(hubs.app.pull(ORG_C).await["changes"], 1);
    // The refresh wiped the package's ledger: that it once was A's, nobody knows, and the admin can say.
    let items =
        hubs.app.wait("/api/v1/items", "the edit", |list| list["items"][0]["status"] == "synced").await;
    assert_eq!(items["items"][0]["externalIds"], json!([format!("{}:{there}", org_id(ORG_C))]));
    hubs.app.stop().await;
}

#[tokio::test]
async fn what_an_org_has_is_found_out_anew_every_day() {
    let hubs = Hubs::start().await;
    let adapter = async || {
        let orgs = hubs.app.get("/api/v1/orgs").await;
        orgs["orgs"][0]["adapter"].clone()
    };
    let before = adapter().await;
    hubs.a.restrict_priorities(&["Low", "High"]);
    hubs.app
        .move_until(Duration::from_hours(1), "/api/v1/orgs", |orgs| {
            orgs["orgs"][0]["adapter"]["checkedAt"] != before["checkedAt"]
        })
        .await;
    let mut item = work_item("Urgent");
    item["PriorityPk__c"] = "Medium".into();
    hubs.b.create(WORK_ITEM, item);
    hubs.app.pull(ORG_B).await;
    let list =
        hubs.app.wait("/api/v1/items", "the failure", |list| list["items"][0]["status"] == "failed").await;
    let error = &list["items"][0]["lastError"];
    assert_eq!(error["errorCode"], "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert!(
        error["message"].as_str().unwrap().contains("it takes: Low, High"),
        "known before it was sent: {error}"
    );
    hubs.app.stop().await;
}
