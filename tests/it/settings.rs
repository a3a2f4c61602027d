//! Settings over the API.

use kit::{App, Setup};
use serde_json::{Value, json};

fn setting<'a>(list: &'a Value, name: &str) -> &'a Value {
    list["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap()
}

#[tokio::test]
async fn settings_are_shown_with_what_they_are_and_where_they_come_from() {
    let app = App::start().await;
    std::fs::write(app.folder().join("config.toml"), "[desktop]\nclose_to_tray = false\n").unwrap();
    let list = app.get("/api/v1/settings").await;
    assert_eq!(list["file"], app.folder().join("config.toml").to_str().unwrap());
    assert_eq!(
        *setting(&list, "retry.schedule"),
        json!({
            "name": "retry.schedule", "value": ["0s", "30s", "2m", "10m", "1h"],
            "default": ["0s", "30s", "2m", "10m", "1h"], "source": "default",
            "description": setting(&list, "retry.schedule")["description"],
            "mustBe": setting(&list, "retry.schedule")["mustBe"],
            "effect": "nextStart", "pending": false,
        })
    );
    let tray = setting(&list, "desktop.close_to_tray");
    assert_eq!(
        (&tray["value"], &tray["source"], &tray["effect"]),
        (&json!(false), &json!("file"), &json!("atOnce"))
    );
    assert_eq!(setting(&list, "listener.address")["source"], "flag");
    app.stop().await;
}

#[tokio::test]
async fn a_changed_setting_is_written_down_and_takes_effect_at_the_next_start() {
    let app = App::start().await;
    let file = app.folder().join("config.toml");
    std::fs::write(&file, "# Ours.\n[delivery]\nprobe_interval = \"1m\" # flaky line\n").unwrap();
    let change = json!({ "retry.schedule": ["0s", "5s"], "delivery.probe_interval": null });
    let list = app.order("PATCH", "/api/v1/settings", change).await;
    assert_eq!(setting(&list, "retry.schedule")["pending"], true);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# Ours.\n[delivery]\n# flaky line\n\n[retry]\nschedule = [\"0s\", \"5s\"]\n"
    );
    assert_eq!(app.get("/api/v1/status").await["schedule"], json!(["0s", "30s", "2m", "10m", "1h"]));
    let activity = app.get("/api/v1/activity").await;
    assert_eq!(activity["activity"][0]["action"], "settings.change");
    assert_eq!(activity["activity"][0]["subject"], "delivery.probe_interval, retry.schedule");
    let app = app.restart(std::time::Duration::ZERO).await;
    assert_eq!(app.get("/api/v1/status").await["schedule"], json!(["0s", "5s"]));
    assert_eq!(setting(&app.get("/api/v1/settings").await, "retry.schedule")["pending"], false);
    app.stop().await;
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_and_writes_nothing() {
    let app = Setup::default().set("delivery.concurrency_per_org", "2").start().await;
    for (change, status, words) in [
        (
            json!({ "delivery.request_timeout": 120 }),
            400,
            "`delivery.request_timeout` cannot be used: it is a number",
        ),
        (json!({ "delivery.timeout": "1s" }), 400, "no setting `delivery.timeout`"),
        (json!({ "delivery.concurrency_per_org": 4 }), 409, "command line"),
        (json!({}), 400, "nothing to change"),
        (json!([]), 400, ""),
    ] {
        let (got, problem) = app.ask("PATCH", "/api/v1/settings", Some(change.clone())).await;
        assert_eq!(got, status, "{change}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{change}: {problem}");
    }
    assert!(!app.folder().join("config.toml").exists());
    std::fs::write(app.folder().join("config.toml"), "secrets = 5").unwrap();
    for (method, body) in [("GET", None), ("PATCH", Some(json!({ "retry.schedule": null })))] {
        let (status, problem) = app.ask(method, "/api/v1/settings", body).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("config.toml, line 1: `secrets`"), "{problem}");
    }
    app.stop().await;
}
