//! Order: changes of one record reach a target in turn, and what is needless is not sent.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Rule};

#[tokio::test]
async fn a_newer_change_of_a_record_waits_for_the_older_one() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let older = Payload::from(ORG_A, app.now())
        .with(json!({ "externalId": "WI-1", "title": "old", "status": "Done" }));
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "retrying").await;
    let newer = Payload::from(ORG_A, app.now()).later(1).record("WI-1", "new");
    let other = Payload::from(ORG_A, app.now()).record("WI-2", "other");
    app.accept(&pair.token_a, &newer).await;
    app.accept(&pair.token_a, &other).await;
    app.wait_status(other.id(), ORG_B, "synced").await;
    let waiting = app.item(newer.id(), ORG_B).await;
    assert_eq!(
        (&waiting["status"], &waiting["heldBy"], &waiting["nextAttemptAt"]),
        (&json!("queued"), &json!("olderItem"), &Value::Null)
    );
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(newer.id(), ORG_B, "synced").await;
    assert_eq!(
        pair.b.record("WI-1").unwrap(),
        json!({ "externalId": "WI-1", "title": "new", "status": "Done" })
    );
    app.stop().await;
}

#[tokio::test]
async fn a_newer_change_that_covers_the_older_one_supersedes_it_and_goes_at_once() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let older = Payload::from(ORG_A, app.now()).record("WI-1", "old");
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "retrying").await;
    let newer = Payload::from(ORG_A, app.now())
        .later(1)
        .with(json!({ "externalId": "WI-1", "title": "new", "status": "Done" }));
    app.accept(&pair.token_a, &newer).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    app.wait_status(older.id(), ORG_B, "superseded").await;
    app.clock.advance(Duration::from_hours(2));
    assert_eq!(pair.b.received().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_deletion_supersedes_whatever_waits_before_it() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).times(1));
    let older = Payload::from(ORG_A, app.now()).record("WI-1", "old");
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "retrying").await;
    let deletion = Payload::from(ORG_A, app.now()).later(1).delete().with(json!({ "externalId": "WI-1" }));
    app.accept(&pair.token_a, &deletion).await;
    app.wait_status(deletion.id(), ORG_B, "synced").await;
    app.wait_status(older.id(), ORG_B, "superseded").await;
    assert_eq!(pair.b.record("WI-1"), None);
    app.stop().await;
}

#[tokio::test]
async fn what_is_in_flight_is_waited_for_and_superseded_only_if_it_fails() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::Delayed(Duration::from_millis(150))).times(1));
    let first = Payload::from(ORG_A, app.now()).record("WI-1", "first");
    app.accept(&pair.token_a, &first).await;
    app.wait_status(first.id(), ORG_B, "processing").await;
    let second = Payload::from(ORG_A, app.now()).later(1).record("WI-1", "second");
    app.accept(&pair.token_a, &second).await;
    app.wait_status(second.id(), ORG_B, "synced").await;
    let order: Vec<_> = pair.b.received().iter().filter_map(|r| r.transaction_id.clone()).collect();
    assert_eq!(order, [first.id(), second.id()]);
    assert_eq!(app.item(first.id(), ORG_B).await["status"], "synced");
    app.stop().await;
}

#[tokio::test]
async fn a_failed_item_blocks_nothing() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::status(400)).times(1));
    let older =
        Payload::from(ORG_A, app.now()).with(json!({ "externalId": "WI-1", "title": "old", "status": "x" }));
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "failed").await;
    let newer = Payload::from(ORG_A, app.now()).later(1).record("WI-1", "new");
    app.accept(&pair.token_a, &newer).await;
    app.wait_status(newer.id(), ORG_B, "synced").await;
    app.stop().await;
}

#[tokio::test]
async fn a_batch_waits_for_each_of_its_records() {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(Answer::html(503)).for_record("WI-1").times(1));
    let partial = |id: &str, member: &str| json!({ "externalId": id, member: 1 });
    let older = Payload::from(ORG_A, app.now()).with(partial("WI-1", "a"));
    app.accept(&pair.token_a, &older).await;
    app.wait_status(older.id(), ORG_B, "retrying").await;
    let batch =
        Payload::from(ORG_A, app.now()).later(1).with(partial("WI-1", "b")).with(partial("WI-2", "b"));
    app.accept(&pair.token_a, &batch).await;
    let after = Payload::from(ORG_A, app.now()).later(2).with(partial("WI-2", "c"));
    app.accept(&pair.token_a, &after).await;
    assert_eq!(app.item(batch.id(), ORG_B).await["heldBy"], "olderItem");
    assert_eq!(app.item(after.id(), ORG_B).await["heldBy"], "olderItem", "it must not overtake the batch");
    app.clock.advance(Duration::from_secs(30));
    app.wait_status(after.id(), ORG_B, "synced").await;
    let order: Vec<_> =
        pair.b.received().iter().filter(|r| r.taken).filter_map(|r| r.transaction_id.clone()).collect();
    assert_eq!(order, [older.id(), batch.id(), after.id()]);
    app.stop().await;
}
