//! The machine sleeps for hours while items are in every state. What became due is sent when it wakes, and each is taken once.

use std::time::Duration;

use kit::{App, ORG_A, ORG_B, ORG_C, Payload, Setup, org_id};
use serde_json::json;
use sync_monitor_orgsim::{Answer, OrgSim, Rule};

/// The wall clock goes on, and every timer stands still.
fn sleep(app: &App, hours: u64) {
    app.clock.set(app.now().plus(Duration::from_hours(hours)));
}

fn taken(org: &OrgSim, payload: &Payload) -> usize {
    org.received()
        .iter()
        .filter(|one| one.taken && one.transaction_id.as_deref() == Some(payload.id()))
        .count()
}

#[tokio::test]
async fn whatever_an_item_was_doing_when_the_machine_fell_asleep_it_arrives_once() {
    for hours in [1, 9, 75] {
        // One request at a time, so that one waits behind another; what never answers is given up soon.
        let setup =
            Setup::default().set("delivery.concurrency_per_org", "1").set("delivery.request_timeout", "1s");
        let (app, pair) = setup.start_with_two_orgs().await;
        let c = kit::sim(ORG_C).await;
        app.connect(&c).await;
        app.route(ORG_A, ORG_C).await;
        let pause = |org: &str, what: &str| format!("/api/v1/orgs/{}/{what}", org_id(org));
        let send = async |source: &str, token: &str, record: &str| {
            let payload = Payload::from(source, app.now()).record(record, "x");
            app.accept(token, &payload).await;
            payload
        };
        let limited = Answer::status(429).with_header("retry-after", "600");
        c.script(Rule::always(limited).times(1));
        let retrying = {
            pair.b.script(Rule::always(Answer::html(503)).times(1));
            let payload = send(ORG_A, &pair.token_a, "WI-1").await;
            app.wait_status(payload.id(), ORG_B, "retrying").await;
            payload
        };
        app.wait_health(ORG_C, "rateLimited").await;
        pair.b.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "too long")).for_record("WI-2"));
        let failed = send(ORG_A, &pair.token_a, "WI-2").await;
        app.wait_status(failed.id(), ORG_B, "failed").await;
        app.order("POST", &pause(ORG_A, "pause"), json!({})).await;
        let paused = send(ORG_B, &pair.token_b, "WI-5").await;
        pair.b.script(Rule::always(Answer::Hang).for_record("WI-3").times(1));
        let before = pair.b.received().len();
        let processing = send(ORG_A, &pair.token_a, "WI-3").await;
        pair.b.wait_received(before + 1).await;
        let queued = send(ORG_A, &pair.token_a, "WI-4").await;
        assert_eq!(app.item(processing.id(), ORG_B).await["status"], "processing");
        assert_eq!(app.item(queued.id(), ORG_B).await["status"], "queued");

        sleep(&app, hours);
        for payload in [&retrying, &queued] {
            app.wait_status(payload.id(), ORG_B, "synced").await;
        }
        // What was in flight got no answer: that is a failed attempt, and the next is due as always.
        app.wait_status(processing.id(), ORG_B, "retrying").await;
        app.clock.advance(Duration::from_secs(30));
        app.wait_status(processing.id(), ORG_B, "synced").await;
        for payload in [&retrying, &failed, &processing, &queued] {
            app.wait_status(payload.id(), ORG_C, "synced").await;
            assert_eq!(taken(&c, payload), 1, "{hours} h: held by a limit");
        }
        for (payload, n) in [(&retrying, 1), (&processing, 1), (&queued, 1), (&failed, 0)] {
            assert_eq!(taken(&pair.b, payload), n, "{hours} h");
        }
        // Sleep is no person: what somebody must decide still waits for him.
        assert_eq!(app.item(failed.id(), ORG_B).await["status"], "failed");
        assert_eq!(app.item(paused.id(), ORG_A).await["heldBy"], "orgPaused");
        assert_eq!(pair.a.received().len(), 0);
        app.order("POST", &pause(ORG_A, "resume"), json!({})).await;
        app.wait_status(paused.id(), ORG_A, "synced").await;
        assert_eq!(taken(&pair.a, &paused), 1);
        pair.b.heal();
        let all = json!({ "filter": { "status": "failed" } });
        assert_eq!(app.order("POST", "/api/v1/items/retry", all).await["changed"], 1);
        app.wait_status(failed.id(), ORG_B, "synced").await;
        assert_eq!(taken(&pair.b, &failed), 1);
        app.stop().await;
    }
    println!(
        "slept 1, 9 and 75 hours with items queued, processing, retrying, held and failed: 0 lost, each taken once"
    );
}
