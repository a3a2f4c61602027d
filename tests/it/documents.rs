//! Files of work items are relayed where somebody switches that on, in both orgs; small ones, and each once.

use std::time::Duration;

use kit::hub::{Hubs, WORK_ITEM, hub, switch_on, work_item};
use kit::{App, ORG_A, ORG_B, OrgSim, Payload, org_id, sim};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

const FILE: &str = "ContentVersion";

/// Two orgs that relay files, and a work item that is in both; its ID in the first.
async fn with_documents() -> (Hubs, String) {
    let hubs = Hubs::start().await;
    switch_on(&hubs.app, ORG_A, "documents").await;
    switch_on(&hubs.app, ORG_B, "documents").await;
    let id = hubs.a.create(WORK_ITEM, work_item("Shared"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    (hubs, id)
}

/// The files of an org: title, name, bytes, and the title of the work item that each is attached to.
fn files(org: &OrgSim) -> Vec<(String, String, String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let links = org.rows("ContentDocumentLink");
    let of = |file: &Value| {
        let link = links.iter().find(|link| link["ContentDocumentId"] == file["ContentDocumentId"]).unwrap();
        let item = org.row(WORK_ITEM, &text(link, "LinkedEntityId")).unwrap();
        let item = text(&item, "BriefDescriptionTxt__c");
        (text(file, "Title"), text(file, "PathOnClient"), text(file, "VersionData"), item)
    };
    org.rows(FILE).iter().map(of).collect()
}

fn plan() -> (String, String, String, String) {
    ("Plan".into(), "plan.txt".into(), "VGhlIHBsYW4=".into(), "Shared".into())
}

#[tokio::test]
async fn a_file_goes_below_its_work_item_once_and_does_not_come_back() {
    let (hubs, id) = with_documents().await;
    hubs.b.automate(true);
    hubs.a.attach(&id, "Plan", "plan.txt", b"The plan");
    // Of no work item: nobody's business.
    hubs.a.attach("001000000000001AAA", "Secret", "secret.txt", b"Secret");
    assert_eq!(hubs.app.pull(ORG_A).await["changes"], 1);
    hubs.synced(2).await;
    assert_eq!(files(&hubs.b), [plan()]);
    for org in [ORG_A, ORG_B, ORG_A] {
        hubs.app.clock.advance(Duration::from_secs(20));
        assert_eq!(hubs.app.pull(org).await["changes"], 0);
    }
    assert_eq!((hubs.a.rows(FILE).len(), hubs.b.rows(FILE).len()), (2, 1));
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_file() {
    let (hubs, id) = with_documents().await;
    let file = hubs.a.attach(&id, "Plan", "plan.txt", b"The plan");
    hubs.b.script(Rule::always(Answer::LostAfterCommit).for_record(file).times(1));
    hubs.app.pull(ORG_A).await;
    hubs.app.wait("/api/v1/items?status=retrying", "the loss", |list| list["total"] == 1).await;
    assert_eq!(hubs.app.pull(ORG_B).await["changes"], 0, "known for the one that was being written");
    let synced = |status: &Value| status["counts"]["synced"] == 2;
    hubs.app.move_until(Duration::from_secs(10), "/api/v1/status", synced).await;
    assert_eq!(files(&hubs.b), [plan()]);
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_org_with_the_documented_endpoint_gets_the_bytes_in_the_payload() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, sim(ORG_B).await);
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    switch_on(&app, ORG_A, "documents").await;
    app.pull(ORG_A).await;
    let id = a.create(WORK_ITEM, work_item("Shared"));
    let file = a.attach(&id, "Plan", "plan.txt", b"The plan");
    app.pull(ORG_A).await;
    b.wait_received(2).await;
    let document = b.record(&format!("{}:{id}", org_id(ORG_A))).unwrap()["documents"][0].clone();
    assert_eq!(document["externalId"], format!("{}:{file}", org_id(ORG_A)));
    assert_eq!(document.get("checksum"), None);
    let told = ["title", "fileName", "fileType", "size", "content"].map(|name| document[name].clone());
    assert_eq!(told, [json!("Plan"), json!("plan.txt"), json!("TXT"), json!(8), json!("VGhlIHBsYW4=")]);
    app.stop().await;
}

#[tokio::test]
async fn nothing_of_files_is_asked_for_or_sent_while_that_is_off() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Shared"));
    hubs.a.attach(&id, "Plan", "plan.txt", b"The plan");
    assert_eq!(hubs.app.pull(ORG_A).await["changes"], 1);
    hubs.synced(1).await;
    // On in the one that is read, off in the one that is written to.
    switch_on(&hubs.app, ORG_A, "documents").await;
    hubs.app.pull(ORG_A).await;
    hubs.synced(2).await;
    assert!(hubs.b.rows(FILE).is_empty());
    let items = hubs.app.items(&format!("targetOrgId={}", org_id(ORG_B))).await;
    assert!(items.iter().all(|item| item["status"] == "synced"), "{items:#?}");
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_told_once_and_not_relayed() {
    let (hubs, id) = with_documents().await;
    let large = hubs.a.attach(&id, "Film", "film.mp4", &vec![7; 65_537]);
    let most = hubs.a.attach(&id, "Picture", "picture.png", &vec![7; 65_536]);
    assert_eq!(hubs.app.pull(ORG_A).await["changes"], 1);
    hubs.synced(2).await;
    assert_eq!(hubs.b.rows(FILE).len(), 1);
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.app.pull(ORG_A).await;
    let log = hubs.app.get("/api/v1/activity?limit=500").await;
    let told: Vec<&Value> =
        log["activity"].as_array().unwrap().iter().filter(|line| line["action"] == "document.skip").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["subject"], large.as_str());
    assert!(told[0]["detail"].as_str().unwrap().contains("65537 bytes"), "{}", told[0]);
    assert!(hubs.a.row(FILE, &most).is_some());
    let org = &hubs.app.get("/api/v1/orgs").await["orgs"][0];
    assert!(org["adapter"]["warnings"].to_string().contains("document.skip"), "{}", org["adapter"]);
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_file_brings_its_work_item_along() {
    let app = App::start().await;
    let (a, b) = (hub(&app, ORG_A).await, hub(&app, ORG_B).await);
    let id = a.create(WORK_ITEM, work_item("Shared"));
    app.clock.advance(Duration::from_mins(10));
    app.connect(&a).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    switch_on(&app, ORG_A, "documents").await;
    switch_on(&app, ORG_B, "documents").await;
    app.pull(ORG_A).await;
    a.attach(&id, "Plan", "plan.txt", b"The plan");
    app.pull(ORG_A).await;
    app.wait("/api/v1/status", "both", |status| status["counts"]["synced"] == 2).await;
    assert_eq!(files(&b), [plan()]);
    app.stop().await;
}

#[rstest]
#[case::without_its_bytes(json!({ "externalId": "F-1", "title": "Plan" }), "FILE_MISSING")]
#[case::too_large(json!({ "externalId": "F-1", "title": "Plan", "content": "A".repeat(90_000) }), "FILE_TOO_LARGE")]
#[tokio::test]
async fn what_cannot_be_a_file_fails_and_says_why(#[case] document: Value, #[case] code: &str) {
    let app = App::start().await;
    let b = hub(&app, ORG_B).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    switch_on(&app, ORG_B, "documents").await;
    let token = app.token(&[ORG_A]).await;
    let record = json!({ "externalId": "WI-1", "title": "Shared", "documents": [document] });
    app.accept(&token, &Payload::from(ORG_A, app.now()).transaction("t1").with(record)).await;
    let item = app.wait_status("t1", ORG_B, "failed").await;
    assert_eq!(item["lastError"]["errorCode"], code);
    assert_eq!(b.rows(WORK_ITEM).len(), 1, "the work item is there all the same");
    app.stop().await;
}
