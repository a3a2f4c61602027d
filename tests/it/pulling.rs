//! The changes of an org that has only Delivery Hub's package are read, and become changes like any other.

use std::time::Duration;

use kit::hub::{WORK_ITEM, hub, hub_at, work_item};
use kit::{App, ORG_A, ORG_B, org_id};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{HubSpec, OrgClock};

/// An org with the package that is read, and one with the documented endpoint.
async fn read_and_documented() -> (App, kit::OrgSim, kit::OrgSim) {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, kit::sim(ORG_B).await);
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    (app, a, b)
}

#[rstest]
#[case::managed(true)]
#[case::scratch(false)]
#[tokio::test]
async fn what_an_org_speaks_is_found_out_when_it_is_connected(#[case] managed: bool) {
    let app = App::start().await;
    let spec = HubSpec { managed, clock: OrgClock::of(app.clock.clone()), ..HubSpec::default() };
    let sim = hub_at(ORG_A, spec).await;
    let org = app.connect(&sim).await;
    assert_eq!(org["adapter"]["dialect"], "packageV1");
    assert_eq!(org["adapter"]["namespace"], if managed { "delivery" } else { "" });
    assert_eq!(org["adapter"]["apiVersion"], "66.0");
    assert_eq!(org["adapter"]["packageVersion"], if managed { json!("1.42.0.3") } else { Value::Null });
    assert_eq!(org["adapter"]["oldFieldNames"], json!([]));
    assert_eq!(
        org["adapter"]["objects"],
        json!(["WorkItem__c", "WorkItemComment__c", "WorkLog__c", "ContentVersion"])
    );
    let tested = app.order("POST", &format!("/api/v1/orgs/{}/test", org_id(ORG_A)), Value::Null).await;
    let failed: Vec<&Value> =
        tested["checks"].as_array().unwrap().iter().filter(|check| check["result"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:?}");
    app.stop().await;
}

#[tokio::test]
async fn the_documented_endpoint_wins_where_both_are_there() {
    let app = App::start().await;
    let spec = HubSpec { managed: true, documented: true, ..HubSpec::default() };
    let org = app.connect(&hub_at(ORG_A, spec).await).await;
    assert_eq!((&org["adapter"]["dialect"], &org["pull"]), (&json!("deliverySync"), &Value::Null));
    app.stop().await;
}

#[tokio::test]
async fn an_edit_becomes_a_change_with_the_whole_record() {
    let (app, a, b) = read_and_documented().await;
    let id = a.create(WORK_ITEM, work_item("Add revenue report"));
    app.clock.advance(Duration::from_secs(10));
    let pulled = app.pull(ORG_A).await;
    assert_eq!(pulled["changes"], 1);
    let external_id = format!("{}:{id}", org_id(ORG_A));
    b.wait_received(1).await;
    let record = b.record(&external_id).unwrap();
    assert_eq!((&record["title"], &record["status"]), (&json!("Add revenue report"), &json!("Backlog")));
    assert_eq!(record["description"], "One\nTwo");
    let sent: Value = serde_json::from_slice(&b.received()[0].body).unwrap();
    assert_eq!(sent["sourceOrgId"], org_id(ORG_A).as_str());
    a.edit(WORK_ITEM, &id, json!({ "StageNamePk__c": "In Development" }));
    app.pull(ORG_A).await;
    b.wait_received(2).await;
    assert_eq!(b.record(&external_id).unwrap()["status"], "In Development");
    assert_eq!((a.drained(), a.secrets_asked()), (0, 0));
    app.stop().await;
}

#[tokio::test]
async fn rows_that_were_read_before_are_no_changes() {
    let (app, a, _b) = read_and_documented().await;
    a.create(WORK_ITEM, work_item("Once"));
    assert_eq!(app.pull(ORG_A).await["changes"], 1);
    assert_eq!(app.pull(ORG_A).await["changes"], 0);
    let app = app.restart(Duration::from_mins(1)).await;
    assert_eq!(app.pull(ORG_A).await["changes"], 0, "how far was read survives a restart");
    app.stop().await;
}

#[tokio::test]
async fn two_edits_within_a_second_are_two() {
    let (app, a, b) = read_and_documented().await;
    let id = a.create(WORK_ITEM, work_item("First"));
    app.pull(ORG_A).await;
    a.edit(WORK_ITEM, &id, json!({ "BriefDescriptionTxt__c": "Second" }));
    assert_eq!(app.pull(ORG_A).await["changes"], 1, "Salesforce tells times to the second");
    a.edit(WORK_ITEM, &id, json!({ "BriefDescriptionTxt__c": "First" }));
    assert_eq!(app.pull(ORG_A).await["changes"], 1);
    b.wait_received(3).await;
    assert_eq!(b.record(&format!("{}:{id}", org_id(ORG_A))).unwrap()["title"], "First");
    app.stop().await;
}

#[tokio::test]
async fn nothing_from_before_is_read_unless_it_is_asked_for() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, kit::sim(ORG_B).await);
    a.create(WORK_ITEM, work_item("Old"));
    app.clock.advance(Duration::from_mins(1));
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    assert_eq!(app.pull(ORG_A).await["changes"], 0);
    let path = format!("/api/v1/orgs/{}/pull", org_id(ORG_A));
    app.order("PATCH", &path, json!({ "since": "2020-01-01T00:00:00Z" })).await;
    app.pull(ORG_A).await;
    b.wait_received(1).await;
    app.stop().await;
}

#[tokio::test]
async fn a_soft_delete_is_a_delete_and_a_hard_one_is_told() {
    let (app, a, b) = read_and_documented().await;
    let (soft, hard) = (a.create(WORK_ITEM, work_item("Soft")), a.create(WORK_ITEM, work_item("Hard")));
    app.pull(ORG_A).await;
    b.wait_received(2).await;
    app.clock.advance(Duration::from_secs(5));
    a.edit(WORK_ITEM, &soft, json!({ "ActivatedDateTime__c": null }));
    a.remove(WORK_ITEM, &hard);
    let pulled = app.pull(ORG_A).await;
    assert_eq!((&pulled["changes"], &pulled["deleted"]), (&json!(1), &json!(1)));
    b.wait_received(3).await;
    let name = |id: &str| format!("{}:{id}", org_id(ORG_A));
    assert_eq!(b.record(&name(&soft)), None);
    assert_eq!(b.record(&name(&hard)).unwrap()["title"], "Hard", "nothing is repeated that cannot be undone");
    assert!(app.has_activity("pull.deleted", &name(&hard)).await);
    app.stop().await;
}

#[tokio::test]
async fn comments_and_work_logs_come_below_their_work_item() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, kit::sim(ORG_B).await);
    // The work item is older than what is asked for; its comment is not.
    let item = a.create(WORK_ITEM, work_item("Parent"));
    app.clock.advance(Duration::from_mins(10));
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    let comment = json!({ "WorkItemId__c": item, "BodyTxt__c": "Done", "AuthorTxt__c": "Ada" });
    let comment = a.create("WorkItemComment__c", comment);
    app.pull(ORG_A).await;
    b.wait_received(2).await;
    let record = b.record(&format!("{}:{item}", org_id(ORG_A))).unwrap();
    assert_eq!(record["title"], "Parent");
    assert_eq!(record["comments"][0]["externalId"], format!("{}:{comment}", org_id(ORG_A)));
    assert_eq!(
        (&record["comments"][0]["body"], &record["comments"][0]["author"]),
        (&json!("Done"), &json!("Ada"))
    );
    app.stop().await;
}

#[tokio::test]
async fn every_page_of_an_answer_is_read() {
    let app = App::start().await;
    let spec =
        HubSpec { managed: true, page: 3, clock: OrgClock::of(app.clock.clone()), ..HubSpec::default() };
    let (a, b) = (hub_at(ORG_A, spec).await, kit::sim(ORG_B).await);
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    for n in 0..10 {
        a.create(WORK_ITEM, work_item(&format!("Item {n}")));
    }
    assert_eq!(app.pull(ORG_A).await["changes"], 10);
    b.wait_received(10).await;
    app.stop().await;
}

#[tokio::test]
async fn reading_stops_before_the_allowance_is_used_up_and_says_so() {
    let (app, a, b) = read_and_documented().await;
    a.create(WORK_ITEM, work_item("Waits"));
    a.set_daily_calls(a.calls() * 5 / 4);
    let path = format!("/api/v1/orgs/{}/pull", org_id(ORG_A));
    let (status, why) = app.ask("POST", &path, None).await;
    assert_eq!(status, 409, "{why}");
    assert!(why["detail"].as_str().unwrap().contains("allowance"), "{why}");
    assert!(app.has_activity("pull.stop", org_id(ORG_A).as_str()).await);
    a.set_daily_calls(100_000);
    app.pull(ORG_A).await;
    // Nothing was lost meanwhile.
    b.wait_received(1).await;
    assert!(app.has_activity("pull.resume", org_id(ORG_A).as_str()).await);
    app.stop().await;
}

#[tokio::test]
async fn an_org_is_read_by_itself_sooner_while_it_changes() {
    let (app, a, b) = read_and_documented().await;
    a.create(WORK_ITEM, work_item("By itself"));
    let path = "/api/v1/orgs";
    app.move_until(Duration::from_secs(10), path, |_| !b.received().is_empty()).await;
    app.stop().await;
}

#[tokio::test]
async fn an_org_that_is_paused_or_switched_off_or_leads_nowhere_is_not_read() {
    let (app, a, _b) = read_and_documented().await;
    let id = org_id(ORG_A);
    a.create(WORK_ITEM, work_item("Waits"));
    let refused = async |words: &str| {
        let (status, why) = app.ask("POST", &format!("/api/v1/orgs/{id}/pull"), None).await;
        assert_eq!(status, 409, "{why}");
        assert!(why["detail"].as_str().unwrap().contains(words), "{why}");
    };
    app.order("POST", &format!("/api/v1/orgs/{id}/pause"), Value::Null).await;
    refused("paused").await;
    app.order("POST", &format!("/api/v1/orgs/{id}/resume"), Value::Null).await;
    app.order("PATCH", &format!("/api/v1/orgs/{id}/pull"), json!({ "enabled": false })).await;
    refused("switched off").await;
    app.order("PATCH", &format!("/api/v1/orgs/{id}/pull"), json!({ "enabled": true })).await;
    let route = app.get("/api/v1/routes").await["routes"][0]["id"].as_str().unwrap().to_owned();
    app.ask("DELETE", &format!("/api/v1/routes/{route}"), None).await;
    refused("route").await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    app.wait("/api/v1/items", "the change", |items| items["total"] == 1).await;
    app.stop().await;
}
