//! `kill -9` at any moment: while changes come in, go out, are retried in bulk, while a token is renewed, and at the start.

use std::collections::HashSet;

use kit::{ORG_B, Program, org_id};
use serde_json::{Value, json};
use sync_monitor_orgsim::{Answer, Chance, OrgSim, OrgSpec, Rule};

use crate::world::{Clients, ask, assert_sound, lost_and_doubled, set_up, waits};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_got_a_200_is_lost_by_kill_9_whatever_the_program_is_doing() {
    let kills = 6 * crate::times();
    let mut chance = Chance::new(crate::seed());
    let folder = tempfile::tempdir().unwrap();
    let target = OrgSim::start(OrgSpec::new(org_id(ORG_B)).rotating()).await.unwrap();
    let mut promised: HashSet<String> = HashSet::new();
    let mut token = String::new();
    let mut signed_out = 0;
    for kill in 0..kills {
        let program = Program::serve(&folder, &[]).await;
        if kill == 0 {
            token = set_up(&program, &target).await;
        }
        // Some are refused, and are there to be retried in bulk; now and then the token must be renewed, and rotates.
        target.script(Rule::always(Answer::platform(400, "STRING_TOO_LONG", "too long")).times(20));
        if chance.below(2) == 0 {
            target.expire_access_tokens();
        }
        let clients = Clients::begin(&program, &token, &format!("k{kill}"), 8);
        // Killed at a moment that depends on how far things have come, not on a clock; at times at once.
        let more = usize::try_from(chance.below(120)).unwrap();
        let enough = target.received().len() + more;
        if chance.below(2) == 0 {
            signed_out += wait_for_load(&program, &target, enough / 2).await;
            let all = json!({ "filter": { "status": "failed" } });
            let retry = ask(&program, "POST", "items/retry", &all);
            // The run may be cut off by the kill, which is the point: whatever it answers is right.
            drop(tokio::time::timeout(std::time::Duration::from_millis(chance.below(20)), retry).await);
        }
        signed_out += wait_for_load(&program, &target, enough).await;
        program.kill().await;
        promised.extend(clients.end().await);
    }
    assert_sound(&folder).await;
    target.heal();
    let program = Program::serve(&folder, &[]).await;
    loop {
        let counts = ask(&program, "GET", "status", &Value::Null).await["counts"].clone();
        if !waits(&counts) && counts["failed"] == 0 {
            break;
        }
        signed_out += sign_in_where_needed(&program, &target).await;
        ask(&program, "POST", "items/retry", &json!({ "filter": { "status": "failed" } })).await;
        ask(&program, "POST", "items/send-now", &json!({ "filter": { "status": "retrying" } })).await;
    }
    let (lost, doubled) = lost_and_doubled(&promised, &target.received());
    println!(
        "kill -9 × {kills}: {} promised, {lost} lost, {doubled} taken twice, signed in again {signed_out} times",
        promised.len()
    );
    assert_eq!(lost, 0);
    // Taken twice is what was in flight at a kill, four at the most, and what was answered and not yet on the disk: that is
    // written before the next ones are claimed, so four more.
    assert!(doubled as u64 <= 8 * kills, "{doubled}");
    program.kill().await;
    assert_sound(&folder).await;
}

/// Waits until so much has arrived; returns how often somebody had to sign in for that.
async fn wait_for_load(program: &Program, target: &OrgSim, enough: usize) -> u64 {
    let arrived = target.wait_for("load", |received| received.len() >= enough);
    let mut signed_out = 0;
    tokio::pin!(arrived);
    loop {
        tokio::select! {
            biased;
            _ = &mut arrived => return signed_out,
            again = sign_in_where_needed(program, target) => signed_out += again,
        }
    }
}

/// Signs in again as an admin would, where a kill took the answer that held the rotated token: that nobody can keep who never
/// had it. Nothing else may ask for a sign-in. Returns how often that was.
async fn sign_in_where_needed(program: &Program, target: &OrgSim) -> u64 {
    let orgs = ask(program, "GET", "orgs", &Value::Null).await;
    let org = &orgs["orgs"][0];
    if org["health"] != "signInRequired" {
        return 0;
    }
    let why = org["healthDetail"].as_str().unwrap();
    assert!(why.contains("expired access/refresh token"), "{why}");
    ask(program, "POST", "orgs/import", &json!({ "sfdxAuthUrl": target.auth_url() })).await;
    1
}
