//! Local time changes nothing: days of statistics and the retention are counted in UTC, across the nights in which clocks are
//! put forwards and back.

use std::process::{Command, Stdio};
use std::time::Duration;

use kit::{ORG_A, ORG_B, Payload, Setup};
use serde_json::{Value, json};
use sync_monitor_domain::Millis;

/// By their rules, so that no list of zones need be installed: Central Europe, Lord Howe Island (half an hour), UTC.
const ZONES: [&str; 3] = ["CET-1CEST,M3.5.0,M10.5.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "UTC0"];
/// 2026-03-28, 2026-10-24 and 2026-04-04, at noon UTC: each before a night in which some clock is changed.
const NOONS: [i64; 3] = [1_774_699_200_000, 1_792_843_200_000, 1_775_304_000_000];
/// So many changes come, one every three hours.
const CHANGES: u64 = 20;
const RESULT: &str = "in local time: ";

#[test]
fn days_and_retention_are_the_same_wherever_clocks_are_changed() {
    let begun = ZONES.map(|zone| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "local_time::a_few_days_in_this_zone", "--nocapture"])
            .env("TZ", zone)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let results = begun.map(|child| {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let line = text.lines().find_map(|line| line.split_once(RESULT)).map(|(_, told)| told.to_owned());
        line.unwrap_or_else(|| panic!("{text}"))
    });
    for (zone, result) in ZONES.iter().zip(&results) {
        assert_eq!(result, &results[0], "{zone}");
    }
    println!("local time: {} nights in {} zones, all days alike", NOONS.len(), ZONES.len());
}

/// What the statistics by day say in this process's time zone.
#[tokio::test]
#[ignore = "started by the test above, once in each time zone"]
async fn a_few_days_in_this_zone() {
    let mut told = Vec::new();
    for noon in NOONS {
        let setup = Setup::default().at(Millis(noon)).set("retention.synced_days", "1");
        let (app, pair) = setup.start_with_two_orgs().await;
        for n in 0..CHANGES {
            let payload = Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x");
            app.accept(&pair.token_a, &payload).await;
            app.wait_status(payload.id(), ORG_B, "synced").await;
            app.clock.advance(Duration::from_hours(3));
        }
        let stats = app.get("/api/v1/stats?window=4d&bucket=1d").await;
        let days: Vec<Value> = stats["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|day| json!([day["at"], day["accepted"], day["synced"]]))
            .collect();
        let by_day: Vec<u64> = days.iter().map(|day| day[2].as_u64().unwrap()).filter(|n| *n > 0).collect();
        assert_eq!(by_day, [4, 8, 8], "noon to midnight, and two whole days: {stats}");
        assert_eq!(
            app.get("/api/v1/activity?action=clock.jump").await["activity"],
            json!([]),
            "no clock jumped"
        );
        // A day is 24 hours: nothing younger is cleared away, and everything older is.
        let kept = app.get("/api/v1/items?status=synced").await["total"].as_u64().unwrap();
        assert!(kept >= 8, "{kept}");
        app.move_until(Duration::from_hours(3), "/api/v1/items?status=synced", |page| page["total"] == 0)
            .await;
        told.push(json!(days));
        app.stop().await;
    }
    println!("{RESULT}{}", json!(told));
}
