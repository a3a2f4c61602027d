//! Which member is which field of an org's package: data that an admin can look at and change, within what may be relayed.

use kit::hub::{Hubs, WORK_ITEM, hub, work_item};
use kit::{App, ORG_A, ORG_B, org_id, sim};
use rstest::rstest;
use serde_json::{Value, json};

fn path() -> String {
    format!("/api/v1/orgs/{}/mapping", org_id(ORG_A))
}

async fn members(app: &App) -> Vec<Value> {
    app.get(&path()).await["members"].as_array().unwrap().clone()
}

/// The mapping with one member changed.
async fn with(app: &App, member: &str, change: Value) -> Value {
    let mut members = members(app).await;
    let one = members.iter_mut().find(|one| one["object"] == "workItem" && one["member"] == member).unwrap();
    one.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({ "members": members })
}

#[tokio::test]
async fn people_and_money_are_relayed_only_where_somebody_switches_them_on() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, sim(ORG_B).await);
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    let developer = "005000000000001AAA";
    let more = json!({ "DeveloperLookup__c": developer, "BillableRateCurrency__c": 120.0, "BountyAmountCurrency__c": 500.5 });
    let id = a.create(WORK_ITEM, work_item("Costly"));
    a.edit(WORK_ITEM, &id, more.clone());
    app.pull(ORG_A).await;
    b.wait_received(1).await;
    let external_id = format!("{}:{id}", org_id(ORG_A));
    let record = b.record(&external_id).unwrap();
    for member in ["assignee", "billableRate", "bountyAmount"] {
        assert_eq!(record.get(member), None);
        let wanted = with(&app, member, json!({ "on": true })).await;
        app.order("PUT", &path(), wanted).await;
    }
    a.edit(WORK_ITEM, &id, json!({ "StageNamePk__c": "Done" }));
    app.pull(ORG_A).await;
    b.wait_received(2).await;
    let record = b.record(&external_id).unwrap();
    assert_eq!(record["assignee"], format!("{}@example.com", developer.to_lowercase()));
    assert_eq!((&record["billableRate"], &record["bountyAmount"]), (&json!(120), &json!(500.5)));

    app.order("DELETE", &path(), Value::Null).await;
    a.edit(WORK_ITEM, &id, json!({ "StageNamePk__c": "Backlog" }));
    app.pull(ORG_A).await;
    b.wait_received(3).await;
    let sent: Value = serde_json::from_slice(&b.received()[2].body).unwrap();
    assert_eq!(sent["records"][0].get("billableRate"), None, "off again by default");
    assert!(app.has_activity("org.mapping", org_id(ORG_A).as_str()).await);
    app.stop().await;
}

#[tokio::test]
async fn a_member_can_be_another_field() {
    let hubs = Hubs::start().await;
    let wanted = with(&hubs.app, "status", json!({ "field": "StatusPk__c" })).await;
    hubs.app.order("PUT", &path(), wanted).await;
    let org = &hubs.app.get("/api/v1/orgs").await["orgs"][0];
    assert_eq!(org["adapter"]["ownMapping"], true);
    let id = hubs.a.create(WORK_ITEM, work_item("Mapped"));
    hubs.a.edit(WORK_ITEM, &id, json!({ "StatusPk__c": "In Progress", "StageNamePk__c": "Merging" }));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    assert_eq!(hubs.b.rows(WORK_ITEM)[0]["StageNamePk__c"], "In Progress");
    hubs.app.stop().await;
}

#[rstest]
#[case::a_field_that_the_org_lacks(json!({ "field": "SLATargetDate__c" }), "SLATargetDate__c")]
#[case::a_key(json!({ "field": "ApiKeyTxt__c" }), "may not be relayed")]
#[case::a_secret(json!({ "field": "HmacSecretTxt__c" }), "may not be relayed")]
#[case::a_rollup(json!({ "field": "TotalLoggedHoursNumber__c" }), "may not be relayed")]
#[case::a_user_as_text(json!({ "field": "DeveloperLookup__r.Email" }), "userEmail")]
#[case::a_field_twice(json!({ "field": "PriorityPk__c" }), "twice")]
#[case::a_name_of_the_records_own(json!({ "member": "externalId" }), "another")]
#[tokio::test]
async fn a_mapping_that_cannot_be_is_refused_and_nothing_changes(#[case] change: Value, #[case] words: &str) {
    let app = App::start().await;
    app.connect(&hub(&app, ORG_A).await).await;
    let before = members(&app).await;
    let wanted = with(&app, "status", change).await;
    let (status, problem) = app.ask("PUT", &path(), Some(wanted)).await;
    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    assert_eq!(members(&app).await, before);
    app.stop().await;
}

#[tokio::test]
async fn a_mapping_of_an_org_that_was_never_looked_at_is_refused() {
    let app = App::start().await;
    let (status, _) = app.ask("GET", &path(), None).await;
    assert_eq!(status, 404);
    app.connect(&sim(ORG_A).await).await;
    let wanted = with(&app, "status", json!({ "on": false })).await;
    let (status, problem) = app.ask("PUT", &path(), Some(wanted)).await;
    assert_eq!(status, 409, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn nothing_ever_asks_for_a_key_or_a_secret_or_takes_what_the_package_has_staged() {
    let hubs = Hubs::start().await;
    let (app, a, b) = (&hubs.app, &hubs.a, &hubs.b);
    let entity = json!({
        "OrgIdTxt__c": org_id(ORG_B), "ConnectionStatusPk__c": "Disabled", "ApiKeyTxt__c": "key", "HmacSecretTxt__c": "secret",
    });
    a.create("NetworkEntity__c", entity);
    a.create(
        "SyncItem__c",
        json!({ "DirectionPk__c": "Outbound", "StatusPk__c": "Failed", "ObjectTypePk__c": WORK_ITEM }),
    );
    let queries = a.queries();
    app.order("POST", &format!("/api/v1/orgs/{}/test", org_id(ORG_A)), Value::Null).await;
    let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": org_id(kit::ORG_C) });
    app.ask("POST", "/api/v1/routes", Some(route)).await;
    app.get(&format!("/api/v1/orgs/{}/sync-items", org_id(ORG_A))).await;
    a.create(WORK_ITEM, work_item("Looked at"));
    app.pull(ORG_A).await;
    hubs.synced(1).await;
    assert!(a.queries() > queries, "there were queries to be judged");
    assert_eq!((a.secrets_asked(), b.secrets_asked(), a.drained(), b.drained()), (0, 0, 0, 0));
    hubs.app.stop().await;
}
