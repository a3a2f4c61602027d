use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::demo::Relay;

/// A relay that only writes down what it is sent: an org, as both answer the same endpoint.
async fn relay() -> (OrgSim, Relay) {
    let org = OrgSim::start(OrgSpec::new("00D00000000000C".parse().unwrap())).await.unwrap();
    let (production_token, sandbox_token) = (access_token(&org).await, access_token(&org).await);
    let relay = Relay { url: org.url(), production_token, sandbox_token };
    (org, relay)
}

/// The demo acts until the relay was sent `n` changes, of which each org gets those of the other.
async fn acted(seed: u64, n: usize) -> (Demo, Vec<Received>) {
    let (notes, relay) = relay().await;
    let demo = Demo::start(seed).await.unwrap().with_pace(Duration::from_millis(2));
    // The scene goes on when the sandbox has something to send back.
    let token = access_token(&demo.sandbox).await;
    let change = payload("from the relay", 0, json!({ "externalId": "WI-001", "title": "to be sent back" }));
    assert_eq!(post(&demo.sandbox.url(), &token, change).await.unwrap().status, 200);
    let stop = CancellationToken::new();
    let received = async {
        let received = notes.wait_received(n).await;
        stop.cancel();
        received
    };
    let ((), received) = tokio::join!(demo.act(relay, stop.clone()), received);
    (demo, received)
}

fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

fn content(received: &[Received]) -> Vec<(String, Value)> {
    let of = |r: &Received| (r.transaction_id.clone().unwrap(), body(r)["records"].clone());
    received.iter().map(of).collect()
}

#[tokio::test]
async fn both_orgs_send_documented_payloads_an_echo_and_a_stale_edit() {
    let (demo, received) = acted(7, 60).await;
    for org in [&demo.production, &demo.sandbox] {
        assert!(received.iter().any(|r| r.source_org_id == Some(org.id())), "both take part");
    }
    for member in ["title", "status", "priority", "estimatedHours", "assignee", "description"] {
        assert!(body(&received[0])["records"][0].get(member).is_some(), "{member}");
    }
    for member in ["acceptanceCriteria", "comments", "timeLogs"] {
        assert!(body(&received[0])["records"][0].get(member).is_some(), "{member}");
    }
    let echo = json!([{ "externalId": "WI-001", "title": "to be sent back" }]);
    assert!(received.iter().any(|r| body(r)["records"] == echo), "what the sandbox was given came back");
    assert!(received.iter().any(|r| r.status == Some(409)), "an edit was older than one that is known");
    let mut transactions: Vec<_> = received.iter().map(|r| r.transaction_id.clone().unwrap()).collect();
    transactions.sort();
    transactions.dedup();
    assert_eq!(transactions.len(), received.len(), "no transaction is sent twice");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_demo_and_another_makes_another() {
    let scene = 40;
    let (_, first) = acted(7, scene).await;
    let (_, again) = acted(7, scene).await;
    let (_, other) = acted(8, scene).await;
    assert_eq!(content(&first)[..scene], content(&again)[..scene]);
    assert_ne!(content(&first)[..scene], content(&other)[..scene]);
}

#[tokio::test]
async fn locks_clear_one_refusal_is_mended_and_another_lasts_until_it_is_fixed() {
    let (demo, _) = acted(7, 17).await;
    let (to_sandbox, to_production) =
        (access_token(&demo.sandbox).await, access_token(&demo.production).await);
    let deliver = async |org: &OrgSim, token: &str, id: &str| {
        let change = payload(&format!("t-{id}"), 0, json!({ "externalId": id }));
        post(&org.url(), token, change).await.unwrap().status
    };
    for (id, refusals) in [("WI-001", 0), ("WI-004", 2), ("WI-006", 4), ("WI-005", 1)] {
        for _ in 0..refusals {
            assert_eq!(deliver(&demo.sandbox, &to_sandbox, id).await, 400, "{id}");
        }
        // WI-001 is held with a later timestamp already: that is a conflict, and no refusal.
        assert!(matches!(deliver(&demo.sandbox, &to_sandbox, id).await, 200 | 409), "{id}");
    }
    for _ in 0..7 {
        assert_eq!(deliver(&demo.production, &to_production, "WI-103").await, 400);
    }
    demo.fix_validation();
    assert_eq!(deliver(&demo.production, &to_production, "WI-103").await, 200);
}

#[tokio::test]
async fn a_demo_that_is_told_to_stop_stops() {
    let (_notes, relay) = relay().await;
    let demo = Demo::start(7).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    demo.act(relay, stop).await;
}

#[tokio::test]
async fn the_orgs_of_the_demo_have_valid_ids_and_can_be_connected() {
    let demo = Demo::start(u64::MAX).await.unwrap();
    for org in [&demo.production, &demo.sandbox] {
        assert_eq!(org.id().to_string().parse(), Ok(org.id()));
        assert!(org.auth_url().starts_with("force://"));
        assert!(!access_token(org).await.is_empty());
    }
    assert_ne!(demo.production.id(), demo.sandbox.id());
}
