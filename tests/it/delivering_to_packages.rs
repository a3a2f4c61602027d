//! Deliveries to an org that has only Delivery Hub's package: record by record, looked at before and after.

use std::time::Duration;

use kit::hub::{Hubs, LINK, WORK_ITEM, hub_at, integrated, link, work_item};
use kit::{App, ORG_A, ORG_B, OrgSim, Payload, org_id};
use rstest::rstest;
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, HubSpec, OrgClock, Rule};

/// The only row of an object.
fn only(org: &OrgSim, object: &str) -> Value {
    let mut rows = org.rows(object);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

/// Makes a work item in A and waits until it is in B; returns its IDs in both.
async fn one_in_both(hubs: &Hubs) -> (String, String) {
    let id = hubs.a.create(WORK_ITEM, work_item("Shared"));
    hubs.app.pull(ORG_A).await;
    hubs.synced(1).await;
    (id, only(&hubs.b, WORK_ITEM)["Id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_work_item_of_one_org_is_made_in_the_other_and_kept_in_step() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    let row = hubs.b.row(WORK_ITEM, &b_id).unwrap();
    assert_eq!(row["BriefDescriptionTxt__c"], "Shared");
    assert_eq!(row["EstimatedHoursNumber__c"], 8);
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.b.edit(WORK_ITEM, &b_id, json!({ "StageNamePk__c": "Done" }));
    let pulled = hubs.app.pull(ORG_B).await;
    assert_eq!(pulled["changes"], 1);
    hubs.synced(2).await;
    let row = hubs.a.row(WORK_ITEM, &a_id).unwrap();
    assert_eq!(row["StageNamePk__c"], "Done");
    assert_eq!(row["DetailsTxt__c"], "<p>One</p><p>Two</p>", "formatting of an unchanged text is left alone");
    assert_eq!((hubs.a.rows(WORK_ITEM).len(), hubs.b.rows(WORK_ITEM).len()), (1, 1));
    hubs.app.stop().await;
}

#[tokio::test]
async fn what_was_delivered_does_not_come_back() {
    let hubs = Hubs::start().await;
    hubs.b.automate(true);
    one_in_both(&hubs).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    let b_id = only(&hubs.b, WORK_ITEM)["Id"].as_str().unwrap().to_owned();
    // Automation touches the record and changes nothing of it.
    hubs.b.edit(WORK_ITEM, &b_id, json!({}));
    let pulled = hubs.app.pull(ORG_B).await;
    assert_eq!((&pulled["changes"], &pulled["echoes"]), (&json!(0), &json!(1)));
    assert_eq!(hubs.a.written().len(), 0);
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_record_and_no_echo() {
    let hubs = Hubs::start().await;
    let id = hubs.a.create(WORK_ITEM, work_item("Once"));
    hubs.b.script(Rule::always(Answer::LostAfterCommit).for_record(id).times(1));
    hubs.app.pull(ORG_A).await;
    hubs.app
        .wait("/api/v1/items", "the first attempt", |list| list["items"][0]["status"] == "retrying")
        .await;
    let pulled = hubs.app.pull(ORG_B).await;
    assert_eq!(pulled["changes"], 0, "the row is known for the one that was being written");
    let list = "/api/v1/status";
    hubs.app.move_until(Duration::from_secs(10), list, |status| status["counts"]["synced"] == 1).await;
    only(&hubs.b, WORK_ITEM);
    hubs.app.stop().await;
}

#[tokio::test]
async fn of_two_edits_of_one_record_the_later_stays_everywhere_and_the_other_is_told() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.a.edit(WORK_ITEM, &a_id, json!({ "BriefDescriptionTxt__c": "From A" }));
    hubs.app.clock.advance(Duration::from_secs(2));
    hubs.b.edit(WORK_ITEM, &b_id, json!({ "BriefDescriptionTxt__c": "From B" }));
    // A's edit is read, and meets B's when it is about to be written there.
    hubs.app.pull(ORG_A).await;
    hubs.app
        .wait("/api/v1/status", "both to end", |status| {
            status["counts"]["queued"] == 0
                && status["counts"]["processing"] == 0
                && status["counts"]["superseded"] == 1
        })
        .await;
    hubs.synced(2).await;
    for (org, id) in [(&hubs.a, &a_id), (&hubs.b, &b_id)] {
        assert_eq!(org.row(WORK_ITEM, id).unwrap()["BriefDescriptionTxt__c"], "From B");
    }
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_edit_that_lost_is_in_the_activity_log_and_undone_where_it_was_made() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.b.edit(WORK_ITEM, &b_id, json!({ "BriefDescriptionTxt__c": "Earlier" }));
    hubs.app.clock.advance(Duration::from_secs(2));
    hubs.a.edit(WORK_ITEM, &a_id, json!({ "BriefDescriptionTxt__c": "Later" }));
    hubs.app.pull(ORG_A).await;
    hubs.synced(2).await;
    let name = format!("{}:{a_id}", org_id(ORG_A));
    assert!(hubs.app.has_activity("conflict.drop", &name).await);
    for (org, id) in [(&hubs.a, &a_id), (&hubs.b, &b_id)] {
        assert_eq!(org.row(WORK_ITEM, id).unwrap()["BriefDescriptionTxt__c"], "Later");
    }
    hubs.app.stop().await;
}

#[tokio::test]
async fn comments_and_hours_follow_their_work_item_and_are_never_doubled() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.a.create(
        "WorkItemComment__c",
        json!({ "WorkItemId__c": a_id, "BodyTxt__c": "Done", "AuthorTxt__c": "Ada" }),
    );
    let hours = json!({ "WorkItemLookup__c": a_id, "HoursLoggedNumber__c": 1.5, "WorkDateDate__c": "2026-02-27", "WorkDescriptionTxt__c": "Report" });
    let log = hubs.a.create("WorkLog__c", hours);
    hubs.b.script(Rule::always(Answer::LostAfterCommit).for_record(log).times(1));
    hubs.app.pull(ORG_A).await;
    hubs.app
        .move_until(Duration::from_secs(10), "/api/v1/status", |status| status["counts"]["synced"] == 3)
        .await;
    let comment = only(&hubs.b, "WorkItemComment__c");
    assert_eq!((&comment["WorkItemId__c"], &comment["SourcePk__c"]), (&json!(b_id), &json!("API")));
    let log = only(&hubs.b, "WorkLog__c");
    assert_eq!((&log["WorkItemLookup__c"], &log["HoursLoggedNumber__c"]), (&json!(b_id), &json!(1.5)));
    assert_eq!(hubs.app.pull(ORG_B).await["changes"], 0);
    hubs.app.stop().await;
}

#[tokio::test]
async fn giving_up_a_work_item_is_a_soft_delete_there_too_and_can_be_undone() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.a.edit(WORK_ITEM, &a_id, json!({ "ActivatedDateTime__c": null }));
    hubs.app.pull(ORG_A).await;
    hubs.synced(2).await;
    assert_eq!(hubs.b.row(WORK_ITEM, &b_id).unwrap()["ActivatedDateTime__c"], Value::Null);
    assert_eq!(hubs.app.pull(ORG_B).await["changes"], 0);
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.b.edit(WORK_ITEM, &b_id, json!({ "ActivatedDateTime__c": "2026-02-27T14:30:00.000+0000" }));
    hubs.app.pull(ORG_B).await;
    hubs.synced(3).await;
    assert_ne!(hubs.a.row(WORK_ITEM, &a_id).unwrap()["ActivatedDateTime__c"], Value::Null);
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_record_that_was_deleted_there_is_not_made_again() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) = one_in_both(&hubs).await;
    hubs.b.remove(WORK_ITEM, &b_id);
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.a.edit(WORK_ITEM, &a_id, json!({ "StageNamePk__c": "Done" }));
    hubs.app.pull(ORG_A).await;
    let failed = hubs.app.wait("/api/v1/items?status=failed", "the failure", |list| list["total"] == 1).await;
    assert_eq!(failed["items"][0]["lastError"]["errorCode"], "RECORD_DELETED");
    assert!(hubs.b.rows(WORK_ITEM).is_empty());
    hubs.app.stop().await;
}

#[rstest]
#[case::validation(
    500,
    r#"{"error":"Update failed. First exception on row 0; first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, No: []"}"#,
    "failed",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION"
)]
#[case::lock(
    500,
    r#"{"error":"Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, busy: []"}"#,
    "retrying",
    "UNABLE_TO_LOCK_ROW"
)]
#[case::suppressed(
    200,
    r#"{"status":"Echo suppressed","globalSourceId":"x"}"#,
    "retrying",
    "ECHO_SUPPRESSED"
)]
#[case::nothing_written(
    200,
    r#"{"status":"Success","processedId":"a04000000000001AAA"}"#,
    "retrying",
    "PARENT_PENDING"
)]
#[case::another_answer(200, r#"{"ok":true}"#, "retrying", "UNEXPECTED_ANSWER")]
#[tokio::test]
async fn only_a_success_that_names_the_record_is_one(
    #[case] status: u16,
    #[case] body: &str,
    #[case] becomes: &str,
    #[case] code: &str,
) {
    let hubs = Hubs::start().await;
    hubs.b.script(Rule::always(Answer::json(status, body)));
    hubs.a.create(WORK_ITEM, work_item("Refused"));
    hubs.app.pull(ORG_A).await;
    let list =
        hubs.app.wait("/api/v1/items", "the attempt", |list| list["items"][0]["status"] == becomes).await;
    assert_eq!(list["items"][0]["lastError"]["errorCode"], code);
    hubs.b.heal();
    if becomes == "retrying" {
        hubs.app.move_until(Duration::from_secs(30), "/api/v1/status", |s| s["counts"]["synced"] == 1).await;
        only(&hubs.b, WORK_ITEM);
    }
    hubs.app.stop().await;
}

#[tokio::test]
async fn a_value_that_the_org_does_not_take_is_not_even_sent() {
    let app = App::start().await;
    let spec = HubSpec {
        managed: true,
        clock: OrgClock::of(app.clock.clone()),
        priorities: Some(vec!["Low", "High"]),
        ..HubSpec::default()
    };
    let b = hub_at(ORG_B, spec).await;
    app.connect(&b).await;
    app.route(ORG_A, ORG_B).await;
    let token = app.token(&[ORG_A]).await;
    let record = json!({ "externalId": "WI-1", "title": "T", "priority": "Urgent" });
    app.accept(&token, &Payload::from(ORG_A, app.now()).transaction("t1").with(record)).await;
    let item = app.wait_status("t1", ORG_B, "failed").await;
    assert_eq!(item["lastError"]["errorCode"], "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert!(b.written().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_documented_payload_is_taken_apart_for_the_package_and_only_the_rest_is_sent_again() {
    let (app, b, token) = integrated().await;
    b.script(Rule::always(Answer::locked()).for_record("C-2").times(1));
    let comments = json!([{ "externalId": "C-1", "body": "One" }, { "externalId": "C-2", "body": "Two" }]);
    let record = json!({ "externalId": "WI-1", "title": "T", "comments": comments });
    app.accept(&token, &Payload::from(ORG_A, app.now()).transaction("t1").with(record)).await;
    app.wait_status("t1", ORG_B, "retrying").await;
    assert_eq!(b.rows("WorkItemComment__c").len(), 1);
    let list = "/api/v1/status";
    app.move_until(Duration::from_secs(30), list, |status| status["counts"]["synced"] == 1).await;
    let objects: Vec<String> = b.written().into_iter().map(|(object, _)| object).collect();
    assert_eq!(objects, [WORK_ITEM, "WorkItemComment__c", "WorkItemComment__c"]);
    app.stop().await;
}

#[tokio::test]
async fn calls_carry_the_key_and_the_signature_that_the_org_wants() {
    let hubs = Hubs::start().await;
    let entity =
        json!({ "ApiKeyTxt__c": "key-1", "HmacSecretTxt__c": "hush", "ConnectionStatusPk__c": "Connected" });
    hubs.b.create("NetworkEntity__c", entity);
    let path = format!("/api/v1/orgs/{}/service-key", org_id(ORG_B));
    hubs.app.order("PUT", &path, json!({ "apiKey": "key-1", "hmacSecret": "wrong" })).await;
    hubs.a.create(WORK_ITEM, work_item("Signed"));
    hubs.app.pull(ORG_A).await;
    let failed = hubs.app.wait("/api/v1/items?status=failed", "the refusal", |list| list["total"] == 1).await;
    assert_eq!(failed["items"][0]["lastError"]["errorCode"], "API_KEY_REFUSED");
    hubs.app.order("PUT", &path, json!({ "apiKey": "key-1", "hmacSecret": "hush" })).await;
    let id = failed["items"][0]["id"].clone();
    hubs.app.order("POST", "/api/v1/items/retry", json!({ "ids": [id] })).await;
    hubs.synced(1).await;
    for shown in [hubs.app.get("/api/v1/orgs").await, hubs.app.get("/api/v1/activity").await] {
        assert!(!shown.to_string().contains("hush"), "a secret is shown nowhere");
    }
    hubs.app.stop().await;
}

#[tokio::test]
async fn records_that_are_in_both_orgs_already_can_be_linked() {
    let (Hubs { app, a, b }, a_id, b_id) = Hubs::each_with_its_own("Both", "Both").await;
    let linked = app.order("POST", LINK, link((ORG_A, &a_id[..15]), (ORG_B, &b_id))).await;
    assert_eq!(linked["externalId"], format!("{}:{a_id}", org_id(ORG_A)));
    a.edit(WORK_ITEM, &a_id, json!({ "StageNamePk__c": "Done" }));
    app.pull(ORG_A).await;
    app.wait("/api/v1/status", "the delivery", |status| status["counts"]["synced"] == 1).await;
    assert_eq!(only(&b, WORK_ITEM)["StageNamePk__c"], "Done");
    app.stop().await;
}

#[tokio::test]
async fn records_that_were_linked_by_mistake_become_two_again() {
    let (Hubs { app, a, b }, a_id, b_id) = Hubs::each_with_its_own("One", "Another").await;
    for _ in 0..2 {
        app.order("POST", LINK, link((ORG_A, &a_id), (ORG_B, &b_id))).await;
    }
    let list = format!("/api/v1/identities/links?orgId={}", org_id(ORG_B));
    let made = app.get(&list).await;
    assert_eq!(made["links"].as_array().unwrap().len(), 1, "said twice, it is one link: {made}");
    assert_eq!(made["links"][0]["other"], json!({ "orgId": org_id(ORG_B), "recordId": b_id }));
    let other = app.get(&format!("/api/v1/identities/links?orgId={}", org_id("00D00000000000C"))).await;
    assert_eq!(other["links"], json!([]), "another org's list has none of it");
    let path = format!("/api/v1/identities/links/{}", made["links"][0]["id"].as_str().unwrap());
    assert_eq!(app.ask("DELETE", &path, None).await.0, 204);
    assert_eq!(app.ask("DELETE", &path, None).await.0, 404);
    assert_eq!(app.get(&list).await["links"], json!([]));
    a.edit(WORK_ITEM, &a_id, json!({ "StageNamePk__c": "Done" }));
    app.pull(ORG_A).await;
    app.wait("/api/v1/status", "the delivery", |status| status["counts"]["synced"] == 1).await;
    assert_eq!(b.row(WORK_ITEM, &b_id).unwrap()["BriefDescriptionTxt__c"], "Another");
    assert_eq!(b.rows(WORK_ITEM).len(), 2, "the change made a record of its own");
    assert!(app.has_activity("identity.unlink", &format!("{}:{a_id}", org_id(ORG_A))).await);
    app.stop().await;
}

#[tokio::test]
async fn a_record_is_linked_from_either_side_and_never_to_two() {
    let app = App::start().await;
    let ids = ["a01000000000001AAA", "a01000000000002AAA", "a01000000000003AAA"];
    for org in [ORG_A, ORG_B, "00D00000000000C"] {
        app.connect(&kit::hub::hub(&app, org).await).await;
    }
    let first = app.order("POST", LINK, link((ORG_A, ids[0]), (ORG_B, ids[1]))).await;
    // B's has a name already; C's gets it, though it is named first.
    let second = app.order("POST", LINK, link(("00D00000000000C", ids[2]), (ORG_B, ids[1]))).await;
    assert_eq!(first["externalId"], second["externalId"]);
    let (status, why) = app.ask("POST", LINK, Some(link((ORG_B, ids[1]), (ORG_A, ids[2])))).await;
    assert_eq!(status, 409, "A has it already: {why}");
    let (status, why) = app.ask("POST", LINK, Some(link((ORG_A, "a01"), (ORG_B, ids[1])))).await;
    assert_eq!((status, why["detail"].as_str().unwrap().starts_with("one.recordId")), (400, true), "{why}");
    let (status, why) = app.ask("POST", LINK, Some(link((ORG_A, ids[0]), ("00D00000000000D", ids[1])))).await;
    assert_eq!(status, 404, "{why}");
    app.stop().await;
}

#[tokio::test]
async fn what_the_packages_own_connection_has_put_there_before_is_known_for_the_same() {
    let hubs = Hubs::start().await;
    let (a_id, b_id) =
        (hubs.a.create(WORK_ITEM, work_item("Native")), hubs.b.create(WORK_ITEM, work_item("Native")));
    let ledger = json!({
        "ObjectTypePk__c": WORK_ITEM, "DirectionPk__c": "Inbound", "StatusPk__c": "Synced",
        "RemoteExternalIDTxt__c": a_id, "GlobalSourceIdTxt__c": a_id, "LocalRecordIdTxt__c": b_id,
    });
    hubs.b.create("SyncItem__c", ledger);
    hubs.app.pull(ORG_B).await;
    hubs.app.pull(ORG_A).await;
    hubs.app.clock.advance(Duration::from_secs(10));
    hubs.a.edit(WORK_ITEM, &a_id, json!({ "StageNamePk__c": "Done" }));
    hubs.app.pull(ORG_A).await;
    hubs.app
        .wait("/api/v1/status", "everything to end", |status| {
            status["counts"]["queued"] == 0
                && status["counts"]["processing"] == 0
                && status["counts"]["retrying"] == 0
        })
        .await;
    assert_eq!((hubs.a.rows(WORK_ITEM).len(), hubs.b.rows(WORK_ITEM).len()), (1, 1));
    assert_eq!(only(&hubs.b, WORK_ITEM)["StageNamePk__c"], "Done");
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_edit_in_the_moment_before_a_delivery_is_not_lost() {
    let hubs = Hubs::start().await;
    let (here, there) = one_in_both(&hubs).await;
    hubs.a.edit(WORK_ITEM, &here, json!({ "BriefDescriptionTxt__c": "From A" }));
    hubs.app.clock.advance(Duration::from_secs(5));
    hubs.b.edit_in_between(
        &there,
        &json!({ "BriefDescriptionTxt__c": "From B, later", "PriorityPk__c": "High" }),
    );
    hubs.app.pull(ORG_A).await;
    // B's was the later one: it stands there, and goes to A.
    hubs.app.wait("/api/v1/status", "both", |status| status["counts"]["superseded"] == 1).await;
    hubs.app.pull(ORG_B).await;
    hubs.app
        .move_until(Duration::from_secs(30), "/api/v1/status", |_| {
            hubs.a.row(WORK_ITEM, &here).unwrap()["PriorityPk__c"] == "High"
        })
        .await;
    for (org, id) in [(&hubs.a, &here), (&hubs.b, &there)] {
        assert_eq!(org.row(WORK_ITEM, id).unwrap()["BriefDescriptionTxt__c"], "From B, later");
    }
    assert!(hubs.app.has_activity("edit.overwrite", &format!("{}:{here}", org_id(ORG_A))).await);
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_edit_that_could_not_be_put_back_is_put_back_when_its_item_is_retried() {
    let hubs = Hubs::start().await;
    let (here, there) = one_in_both(&hubs).await;
    hubs.a.edit(WORK_ITEM, &here, json!({ "BriefDescriptionTxt__c": "From A" }));
    hubs.app.clock.advance(Duration::from_secs(5));
    hubs.b.edit_in_between(&there, &json!({ "BriefDescriptionTxt__c": "From B!" }));
    hubs.b.validate("BriefDescriptionTxt__c", "!", "No exclamation marks, please.");
    hubs.app.pull(ORG_A).await;
    let failed = hubs.app.wait("/api/v1/items?status=failed", "the rule", |list| list["total"] == 1).await;
    // B is read meanwhile: what it holds is nobody's edit.
    hubs.app.pull(ORG_B).await;
    hubs.b.calm();
    hubs.app.order("POST", "/api/v1/items/retry", json!({ "ids": [failed["items"][0]["id"]] })).await;
    hubs.app.wait("/api/v1/status", "the retry", |status| status["counts"]["superseded"] == 1).await;
    hubs.synced(2).await;
    hubs.app.pull(ORG_B).await;
    for (org, id) in [(&hubs.a, &here), (&hubs.b, &there)] {
        assert_eq!(org.row(WORK_ITEM, id).unwrap()["BriefDescriptionTxt__c"], "From B!");
    }
    hubs.app.stop().await;
}

#[tokio::test]
async fn of_a_long_text_it_is_told_that_somebody_had_changed_it_in_the_moment_before() {
    let hubs = Hubs::start().await;
    let (here, there) = one_in_both(&hubs).await;
    hubs.a.edit(WORK_ITEM, &here, json!({ "DetailsTxt__c": "From A" }));
    hubs.app.clock.advance(Duration::from_secs(5));
    hubs.b.edit_in_between(&there, &json!({ "DetailsTxt__c": "From B" }));
    hubs.app.pull(ORG_A).await;
    hubs.synced(2).await;
    assert_eq!(hubs.b.row(WORK_ITEM, &there).unwrap()["DetailsTxt__c"], "From A");
    assert!(hubs.app.has_activity("edit.overwrite", &format!("{}:{here}", org_id(ORG_A))).await);
    hubs.app.stop().await;
}

#[tokio::test]
async fn an_org_without_field_history_says_that_it_cannot_tell() {
    let app = App::start().await;
    let org = kit::hub::hub_at(ORG_A, HubSpec { managed: true, untracked: true, ..HubSpec::default() }).await;
    let org = app.connect(&org).await;
    let warnings = org["adapter"]["warnings"].to_string();
    assert!(warnings.contains("field history tracking"), "{warnings}");
    app.stop().await;
}
