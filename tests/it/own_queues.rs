//! What an org's own package failed at, and its own connections: seen, and never worked against.

use std::time::Duration;

use kit::hub::{WORK_ITEM, hub, hub_at};
use kit::{App, ORG_A, ORG_B, org_id};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_domain::sign_in::OrgKind;
use sync_monitor_orgsim::{HubSpec, OrgSim, OrgSpec};

fn route(more: Value) -> Value {
    let mut body = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": org_id(ORG_B) });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn row(direction: &str, status: &str) -> Value {
    json!({
        "ObjectTypePk__c": WORK_ITEM, "DirectionPk__c": direction, "StatusPk__c": status,
        "RetryCountNumber__c": 3, "ErrorLogTxt__c": "No such host", "PayloadTxt__c": "{\"secret\":1}",
    })
}

#[tokio::test]
async fn a_route_beside_the_packages_own_connection_is_refused_until_somebody_wants_it() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, hub(&app, ORG_B).await);
    let entity = json!({
        "OrgIdTxt__c": ORG_A, "ConnectionStatusPk__c": "Connected",
        "IntegrationEndpointUrlTxt__c": "https://a.example/services/apexrest/delivery/deliveryhub/v1/sync",
    });
    b.create("NetworkEntity__c", entity);
    app.connect(&a).await;
    app.connect(&b).await;
    let (status, why) = app.ask("POST", "/api/v1/routes", Some(route(json!({})))).await;
    assert_eq!(status, 409, "{why}");
    assert!(why["detail"].as_str().unwrap().contains("acceptNativePath"), "{why}");
    app.order("POST", "/api/v1/routes", route(json!({ "acceptNativePath": true }))).await;
    let subject = format!("{} → {}", org_id(ORG_A), org_id(ORG_B));
    assert!(app.has_activity("route.accept", &subject).await);
    assert_eq!(b.secrets_asked(), 0);
    app.stop().await;
}

#[rstest]
#[case::ended("Disabled", ORG_A)]
#[case::to_another_org("Connected", "00D00000000000C")]
#[tokio::test]
async fn a_connection_that_is_none_between_the_two_is_no_reason(#[case] status: &str, #[case] peer: &str) {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, hub(&app, ORG_B).await);
    b.create("NetworkEntity__c", json!({ "OrgIdTxt__c": peer, "ConnectionStatusPk__c": status }));
    app.connect(&a).await;
    app.connect(&b).await;
    app.order("POST", "/api/v1/routes", route(json!({}))).await;
    app.stop().await;
}

#[tokio::test]
async fn a_sandboxs_changes_go_to_production_only_where_somebody_wants_that() {
    let app = App::start().await;
    let spec = OrgSpec { kind: OrgKind::Sandbox, ..OrgSpec::new(org_id(ORG_A)) };
    let a = OrgSim::start(spec.with_hub(HubSpec::default())).await.unwrap();
    let b = hub_at(ORG_B, HubSpec::default()).await;
    app.connect(&a).await;
    app.connect(&b).await;
    let (status, why) = app.ask("POST", "/api/v1/routes", Some(route(json!({})))).await;
    assert_eq!(status, 409, "{why}");
    app.order("POST", "/api/v1/routes", route(json!({ "acceptSandboxToProduction": true }))).await;
    app.route(ORG_B, ORG_A).await;
    app.stop().await;
}

#[tokio::test]
async fn what_an_org_failed_at_itself_is_shown_and_only_what_it_sends_is_queued_again() {
    let app = App::start().await;
    let a = hub(&app, ORG_A).await;
    let (sent, taken) = (
        a.create("SyncItem__c", row("Outbound", "Failed")),
        a.create("SyncItem__c", row("Inbound", "Failed")),
    );
    a.create("SyncItem__c", row("Outbound", "Staged"));
    a.create("SyncItem__c", row("Outbound", "Synced"));
    app.connect(&a).await;
    let path = format!("/api/v1/orgs/{}/sync-items", org_id(ORG_A));
    let shown = app.get(&path).await;
    assert_eq!(shown["syncItems"].as_array().unwrap().len(), 3);
    assert!(!shown.to_string().contains("secret"), "payloads are not read");
    let failed = app.get(&format!("{path}?status=failed")).await;
    assert_eq!(failed["syncItems"].as_array().unwrap().len(), 2);
    let (status, _) = app.ask("GET", &format!("{path}?status=lost"), None).await;
    assert_eq!(status, 400);
    let done = app.order("POST", &format!("{path}/requeue"), json!({ "ids": [sent, taken, "x"] })).await;
    assert_eq!((&done["changed"], done["refused"].as_array().unwrap().len()), (&json!(1), 2));
    let queued = a.row("SyncItem__c", &sent).unwrap();
    assert_eq!((&queued["StatusPk__c"], &queued["RetryCountNumber__c"]), (&json!("Queued"), &json!(0)));
    assert_eq!(a.row("SyncItem__c", &taken).unwrap()["StatusPk__c"], "Failed", "that would strand it");
    assert!(app.has_activity("syncItem.requeue", org_id(ORG_A).as_str()).await);
    app.stop().await;
}

#[tokio::test]
async fn how_much_an_org_failed_at_itself_is_counted_beside_its_changes_and_seldom_asked_for() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, hub(&app, ORG_B).await);
    let failed = a.create("SyncItem__c", row("Outbound", "Failed"));
    a.create("SyncItem__c", row("Inbound", "Pending"));
    app.connect(&a).await;
    app.connect(&b).await;
    let own = async || app.get("/api/v1/orgs").await["orgs"][0]["ownQueue"].clone();
    assert_eq!(own().await, Value::Null, "nobody has looked yet");
    app.route(ORG_A, ORG_B).await;
    app.pull(ORG_A).await;
    let begun = app.now();
    let first = own().await;
    assert_eq!((&first["count"], &first["more"]), (&json!(2), &json!(false)));
    let path = format!("/api/v1/orgs/{}/sync-items", org_id(ORG_A));
    app.order("POST", &format!("{path}/requeue"), json!({ "ids": [failed] })).await;
    assert_eq!(own().await["count"], 1, "what was mended counts no longer, without another look");
    a.create("SyncItem__c", row("Outbound", "Failed"));
    // The org is read by itself many times meanwhile.
    let orgs = app
        .move_until(Duration::from_secs(20), "/api/v1/orgs", |orgs| {
            orgs["orgs"][0]["ownQueue"]["readAt"] != first["readAt"]
        })
        .await;
    let second = orgs["orgs"][0]["ownQueue"].clone();
    assert_eq!(second["count"], 2);
    let later = app.now().since(begun);
    assert!(later >= Duration::from_mins(15), "after {later:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_failure_of_the_org_can_be_dismissed_there_for_a_reason() {
    let app = App::start().await;
    let a = hub(&app, ORG_A).await;
    let id = a.create("SyncItem__c", row("Outbound", "Failed"));
    app.connect(&a).await;
    let path = format!("/api/v1/orgs/{}/sync-items", org_id(ORG_A));
    let (status, _) =
        app.ask("POST", &format!("{path}/dismiss"), Some(json!({ "ids": [id], "reason": " " }))).await;
    assert_eq!(status, 400);
    let done =
        app.order("POST", &format!("{path}/dismiss"), json!({ "ids": [id], "reason": "an old host" })).await;
    assert_eq!(done["changed"], 1);
    assert_ne!(a.row("SyncItem__c", &id).unwrap()["DismissedDateTime__c"], Value::Null);
    assert!(app.get(&path).await["syncItems"].as_array().unwrap().is_empty());
    app.stop().await;
}
