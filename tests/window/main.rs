//! The whole program in its real window. `cargo xtask test window` builds it and makes a display for it; without them the
//! test fails.

mod driver;
mod notifications;
mod program;
mod screen;
mod session;
mod tray;
mod waiting;

use driver::{Window, free_port};
use kit::{ORG_B, sim};
use notifications::Notifications;
use program::{Api, Program, end, web_processes};
use screen::Screen;
use serde_json::{Value, json};
use session::Session;
use sync_monitor_orgsim::{Answer, Consent, Rule};
use tray::Tray;
use waiting::until;

/// The demo's sandbox refuses this change once; its admin mends that at once, so that a retry by hand helps.
const MENDED: &str = "//*[@data-testid='item-row'][contains(., 'WI-005')]//a[@data-testid='item-open']";

/// A start without anybody to drive its window.
const ON_A_FREE_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// What an org answers to a record that one of its rules refuses.
fn refusal(text: &str) -> Answer {
    Answer::platform(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", text)
}

#[tokio::test]
async fn a_failed_item_is_found_looked_at_and_retried_until_it_is_synced() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let window = Window::open(&session, &["--demo"]).await?;
    window.see("//*[@data-testid='headline'][contains(., 'need you')]").await?;
    window.see("//*[contains(text(), 'Demo: simulated orgs')]").await?;
    window.picture("overview").await?;

    window.click("//nav//a[@data-testid='nav-failed']").await?;
    window.see("//*[@data-testid='cause']").await?;
    window.picture("causes").await?;
    window.click("//a[@data-testid='tab-items']").await?;
    window.see(MENDED).await?;
    window.picture("failed").await?;

    window.click(MENDED).await?;
    window.see("//*[@data-testid='item-status'][@data-status='failed']").await?;
    window.see("//*[@data-testid='cause-card']").await?;
    window.see("//*[@data-testid='attempt'][contains(., 'Estimated hours are required')]").await?;
    window.picture("item-failed").await?;

    window.click("//*[@data-testid='item-retry']").await?;
    // Nobody asks again: the engine's own word of the change has to reach the window.
    window.see("//*[@data-testid='item-status'][@data-status='synced']").await?;
    window.see_no_more(MENDED).await?;
    window.picture("item-synced").await?;
    window.close().await
}

#[tokio::test]
async fn what_failed_before_a_restart_is_explained_and_retried_after_it_until_it_is_synced()
-> anyhow::Result<()> {
    let session = Session::start("")?;
    let org = sim(ORG_B).await;
    let window = Window::open(&session, &[]).await?;
    let api = session.api();
    let sender = api.connect(&org, "Acme UAT").await?;
    window.see("//*[@data-testid='headline'][contains(., 'Everything is in sync')]").await?;
    org.script(Rule::always(refusal("Estimated hours are required")).times(1));
    sender.change("WI-1").await?;
    window.see("//*[@data-testid='headline'][contains(., '1 item needs you')]").await?;
    window.click("//nav//a[@data-testid='nav-failed']").await?;
    window.see("//*[@data-testid='cause'][contains(., 'A validation rule refused the record')]").await?;
    let before = failed_item(&api).await?;

    end(api.is_up().await?).await?;
    drop(window);
    let window = Window::open(&session, &[]).await?;
    window.see("//*[@data-testid='headline'][contains(., '1 item needs you')]").await?;
    assert_eq!(failed_item(&api).await?, before, "nothing of it is lost or new");
    assert_eq!(org.received().len(), 1, "a failed item is not sent again by a start");

    window.click("//nav//a[@data-testid='nav-failed']").await?;
    window.click("//*[@data-testid='cause'][contains(., 'Acme UAT')]//a[@data-testid='cause-items']").await?;
    window.click("//*[@data-testid='item-row'][contains(., 'WI-1')]//a[@data-testid='item-open']").await?;
    window.see("//*[@data-testid='cause-card'][contains(., 'An admin of the target org')]").await?;
    window.see("//*[@data-testid='attempt'][contains(., 'Estimated hours are required')]").await?;
    window.picture("failed-before-a-restart").await?;
    window.click("//*[@data-testid='item-retry']").await?;
    window.see("//*[@data-testid='item-status'][@data-status='synced']").await?;
    window.see("//*[@data-testid='ladder'][contains(., 'after manual retry 1')]").await?;
    window.picture("synced-after-a-restart").await?;
    window.go_to("#/overview").await?;
    window.see("//*[@data-testid='headline'][contains(., 'Everything is in sync')]").await?;
    assert_eq!(org.received().iter().filter(|change| change.taken).count(), 1);
    window.close().await
}

/// The one item that has failed: its ID, and what is known of its attempts.
async fn failed_item(api: &Api) -> anyhow::Result<Value> {
    api.failed(1).await?;
    let items = api.ask("GET", "items?status=failed", &Value::Null).await?;
    let id = items["items"][0]["id"].as_str().unwrap_or_default();
    let item = api.ask("GET", &format!("items/{id}"), &Value::Null).await?;
    Ok(json!([id, item["cycle"], item["attempts"], item["attemptLog"]]))
}

#[tokio::test]
async fn an_org_that_needs_a_sign_in_is_notified_once_and_released_by_one_click() -> anyhow::Result<()> {
    let session = Session::start(&format!("oauth.redirect_port = {}", free_port()?))?;
    let mut notifications = Notifications::start(&session).await?;
    let tray = Tray::start(&session).await?;
    let window = Window::open(&session, &[]).await?;
    let org = sim(ORG_B).await;
    org.consent(Consent::Allow);
    let sender = session.api().connect(&org, "Acme & Co").await?;

    org.revoke_everything();
    sender.change("WI-1").await?;
    let shown = notifications.next().await?;
    assert_eq!(shown.title, "Acme & Co needs a sign-in");
    assert!(shown.text.contains("Nothing is lost"), "{shown:?}");
    tray.says("Acme & Co needs a sign-in").await?;
    tray.offers("Acme & Co needs a sign-in").await?;
    for n in 2..5 {
        sender.change(&format!("WI-{n}")).await?;
    }

    notifications.click(shown.id).await?;
    window.see("//*[@data-testid='org-card'][contains(., 'Sign-in required')]").await?;
    window.picture("sign-in-required").await?;
    window.click("//*[@data-testid='org-card']//*[@data-testid='org-sign-in']").await?;
    window.see("//*[@data-testid='org-card'][contains(., 'Connected')]").await?;
    org.wait_for("all four", |received| received.iter().filter(|r| r.taken).count() == 4).await;
    window.picture("signed-in-again").await?;
    assert_eq!(notifications.more(), [], "told once");
    window.close().await
}

#[tokio::test]
async fn a_cause_is_notified_once_however_many_items_fail_and_a_click_opens_it() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let mut notifications = Notifications::start(&session).await?;
    let window = Window::open(&session, &[]).await?;
    let org = sim(ORG_B).await;
    let sender = session.api().connect(&org, "Acme UAT").await?;
    org.script(Rule::always(refusal("Estimated hours are required")).times(4));
    org.script(Rule::always(Answer::platform(403, "INSUFFICIENT_ACCESS", "insufficient access rights")));

    for n in 1..4 {
        sender.change(&format!("WI-{n}")).await?;
    }
    session.api().failed(3).await?;
    let shown = notifications.next().await?;
    assert!(shown.title.ends_with("failed at Acme UAT"), "{shown:?}");
    assert!(shown.text.starts_with("A validation rule refused the record. An admin"), "{shown:?}");

    sender.change("WI-4").await?;
    session.api().failed(4).await?;
    sender.change("WI-5").await?;
    let other = notifications.next().await?;
    assert_eq!(
        other.title, "1 item failed at Acme UAT",
        "the other cause, and not the first one's fourth item"
    );
    assert!(other.text.starts_with("The integration user may not do this."), "{other:?}");

    let failures = session.api().ask("GET", "failures", &Value::Null).await?;
    let key = |status: u16| {
        let failures = failures["failures"].as_array().into_iter().flatten();
        let mut of_status = failures.filter(|cause| cause["httpStatus"] == status);
        of_status.next().and_then(|cause| cause["failureKey"].as_str()).unwrap_or_default().to_owned()
    };
    for (notification, status) in [(&other, 403), (&shown, 400)] {
        notifications.click(notification.id).await?;
        window.is_at(&format!("#/failed/items?failureKey={}", key(status))).await?;
        window.see("//*[@data-testid='item-row']").await?;
    }
    window.picture("cause-notified").await?;
    assert_eq!(notifications.more(), [], "once for each cause");
    window.close().await
}

#[tokio::test]
async fn a_closed_window_leaves_the_engine_at_work_and_comes_back() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let mut notifications = Notifications::start(&session).await?;
    let tray = Tray::start(&session).await?;
    let screen = Screen::open()?;
    let program = Program::start(&session, &ON_A_FREE_PORT)?;
    let api = session.api();
    let first = screen.window_of(program.id()).await?;
    tray.says("No org is connected yet").await?;
    assert_eq!(web_processes(program.id())?.len(), 1);

    screen.close(first)?;
    screen.no_window_of(program.id()).await?;
    until("the web view to go", async || Ok(web_processes(program.id())?.is_empty().then_some(()))).await?;
    let told = notifications.next().await?;
    assert_eq!(told.title, "Sync Monitor goes on in the tray");

    let org = sim(ORG_B).await;
    let sender = api.connect(&org, "Acme UAT").await?;
    sender.change("WI-1").await?;
    org.wait_for("the change", |received| received.iter().any(|r| r.taken)).await;
    tray.says("Everything is in sync").await?;

    tray.choose("Open Sync Monitor").await?;
    let second = screen.window_of(program.id()).await?;
    screen.close(second)?;
    screen.no_window_of(program.id()).await?;
    tray.click().await?;
    screen.window_of(program.id()).await?;
    assert_eq!(notifications.more(), [], "said once, ever");
    program.stop().await
}

#[tokio::test]
async fn the_tray_tells_how_things_stand_and_quit_says_what_waits() -> anyhow::Result<()> {
    let session = Session::start("[retry]\nschedule = [\"0s\", \"1h\"]")?;
    let mut notifications = Notifications::start(&session).await?;
    let tray = Tray::start(&session).await?;
    let program = Program::start(&session, &[&ON_A_FREE_PORT[..], &["--hidden"]].concat())?;
    let api = session.api();
    api.is_up().await?;
    tray.says("No org is connected yet").await?;
    tray.offers("Quit").await?;
    let in_sync = tray.picture().await?;

    let org = sim(ORG_B).await;
    let sender = api.connect(&org, "Acme UAT").await?;
    org.script(Rule::always(Answer::locked()).for_record("WI-1"));
    org.script(Rule::always(refusal("no")).for_record("WI-2"));
    sender.change("WI-1").await?;
    tray.says("1 change is on its way").await?;
    let working = tray.picture().await?;
    sender.change("WI-2").await?;
    tray.says("1 item needs you").await?;
    tray.offers("Failed (1)").await?;
    let attention = tray.picture().await?;
    assert!(in_sync != working && working != attention && attention != in_sync, "each has its picture");
    assert_eq!(notifications.next().await?.title, "1 item failed at Acme UAT");

    tray.choose("Quit (1 change waits for the next start)").await?;
    let last = notifications.next().await?;
    assert_eq!(last.title, "Sync Monitor has stopped");
    assert!(last.text.starts_with("1 change waits and will be sent after the next start."), "{last:?}");
    assert!(program.ended().await?.success());
    assert!(!api.is_announced());
    Ok(())
}

#[tokio::test]
async fn the_tray_pauses_the_relay_and_resumes_it() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let tray = Tray::start(&session).await?;
    let program = Program::start(&session, &[&ON_A_FREE_PORT[..], &["--hidden"]].concat())?;
    let api = session.api();
    api.is_up().await?;
    let org = sim(ORG_B).await;
    let sender = api.connect(&org, "Acme UAT").await?;
    tray.says("Everything is in sync").await?;

    tray.choose("Until resumed").await?;
    tray.says("Paused until resumed").await?;
    sender.change("WI-1").await?;
    tray.says("Paused until resumed; 1 change waits").await?;
    assert_eq!(org.received().len(), 0);
    tray.choose("Resume").await?;
    org.wait_for("the change", |received| received.iter().any(|r| r.taken)).await;
    tray.says("Everything is in sync").await?;

    tray.choose("Until tomorrow, 08:00").await?;
    tray.says("Paused until tomorrow, 08:00").await?;
    program.stop().await
}

#[tokio::test]
async fn what_the_user_has_switched_off_is_left_undone_at_once() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let mut notifications = Notifications::start(&session).await?;
    let tray = Tray::start(&session).await?;
    let screen = Screen::open()?;
    let program = Program::start(&session, &ON_A_FREE_PORT)?;
    let api = session.api();
    let window = screen.window_of(program.id()).await?;
    let org = sim(ORG_B).await;
    let sender = api.connect(&org, "Acme UAT").await?;
    org.script(Rule::always(refusal("no")));
    api.ask("PATCH", "settings", &json!({ "desktop.notify_failures": false })).await?;
    sender.change("WI-1").await?;
    tray.says("1 item needs you").await?;

    org.revoke_everything();
    api.ask("PATCH", "settings", &json!({ "desktop.close_to_tray": false })).await?;
    sender.change("WI-2").await?;
    let told = notifications.next().await?;
    assert_eq!(told.title, "Acme UAT needs a sign-in", "and nothing of what failed before");
    screen.close(window)?;
    assert_eq!(notifications.next().await?.title, "Sync Monitor has stopped");
    assert!(program.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn the_window_is_where_it_was_before_the_restart() -> anyhow::Result<()> {
    const PLACE: screen::Place = (60, 40, 1_000, 700);
    let session = Session::start("")?;
    let screen = Screen::open()?;
    let window = Window::open(&session, &[]).await?;
    let process = session.api().is_up().await?;
    screen.put(screen.window_of(process).await?, PLACE).await?;
    window.is_of_size(1_000, 700).await?;
    end(process).await?;
    let program = Program::start(&session, &ON_A_FREE_PORT)?;
    screen.is_at(screen.window_of(program.id()).await?, PLACE).await?;
    program.stop().await
}

#[tokio::test]
async fn a_hidden_start_shows_no_window_until_somebody_wants_it() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let tray = Tray::start(&session).await?;
    let screen = Screen::open()?;
    let hidden = [&ON_A_FREE_PORT[..], &["--hidden"]].concat();
    let program = Program::start(&session, &hidden)?;
    session.api().is_up().await?;
    tray.says("No org is connected yet").await?;
    assert_eq!(screen.window(program.id())?, None);
    assert_eq!(web_processes(program.id())?, [0; 0]);

    // The session starts it again, as it does where two entries say so.
    assert!(Program::start(&session, &hidden)?.ended().await?.success());
    assert_eq!(screen.window(program.id())?, None);
    // The user starts it again.
    assert!(Program::start(&session, &ON_A_FREE_PORT)?.ended().await?.success());
    screen.window_of(program.id()).await?;
    program.stop().await
}

#[tokio::test]
async fn a_hidden_start_without_a_tray_shows_its_window() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let screen = Screen::open()?;
    let program = Program::start(&session, &[&ON_A_FREE_PORT[..], &["--hidden"]].concat())?;
    let window = screen.window_of(program.id()).await?;
    // And closing it ends the program, since nobody could find it any more.
    screen.close(window)?;
    assert!(program.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_link_is_shown_in_the_window_that_is_open() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let window = Window::open(&session, &["--open", "cause/00ff00ff00ff00ff"]).await?;
    window.is_at("#/failed/items?failureKey=00ff00ff00ff00ff").await?;
    let org = sim(ORG_B).await;
    let api = session.api();
    let sender = api.connect(&org, "Acme UAT").await?;
    org.script(Rule::always(refusal("no")));
    sender.change("WI-1").await?;
    let failed = failed_item(&api).await?;
    let id = failed[0].as_str().unwrap_or_default();

    // A reload would lose this.
    window.mark().await?;
    let link = format!("sync-monitor://item/{id}");
    assert!(Program::start(&session, &[&link])?.ended().await?.success());
    window.is_at(&format!("#/item/{id}")).await?;
    window.see("//*[@data-testid='item-status'][@data-status='failed']").await?;
    window.picture("linked-item").await?;
    assert!(window.is_marked().await?, "the page was not loaded anew");

    for nonsense in ["sync-monitor://item/');document.title='x'//", "sync-monitor://retry/all"] {
        let ended = Program::start(&session, &[nonsense])?.ended().await?;
        assert_eq!(ended.code(), Some(2), "{nonsense}");
    }
    window.is_at(&format!("#/item/{id}")).await?;
    window.close().await
}

#[tokio::test]
async fn the_session_starts_the_program_hidden_when_the_user_says_so() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let window = Window::open(&session, &[]).await?;
    let off = json!({ "autostart": false, "trayShown": false });
    assert_eq!(window.call("desktop_info", json!({})).await?, off);
    window.call("set_autostart", json!({ "on": true })).await?;
    assert_eq!(window.call("desktop_info", json!({})).await?["autostart"], true);
    let entry = session.home().join("config/autostart/dev.syncmonitor.desktop.desktop");
    let text = std::fs::read_to_string(&entry)?;
    assert!(text.contains("sync-monitor-desktop --hidden"), "{text}");
    window.call("set_autostart", json!({ "on": false })).await?;
    assert_eq!(window.call("desktop_info", json!({})).await?, off);
    window.close().await
}

#[tokio::test]
async fn exports_are_kept_as_files_where_downloads_are_and_the_window_says_where() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let home = session.home();
    std::fs::write(home.join("config/user-dirs.dirs"), "XDG_DOWNLOAD_DIR=\"$HOME/From the web\"\n")?;
    let window = Window::open(&session, &[]).await?;
    let org = sim(ORG_B).await;
    let sender = session.api().connect(&org, "Acme UAT").await?;
    org.script(Rule::always(refusal("Estimated hours are required")));
    sender.change("WI-1").await?;
    session.api().failed(1).await?;

    window.click("//nav//a[@data-testid='nav-failed']").await?;
    window.click("//*[@data-testid='cause-export']").await?;
    let folder = home.join("From the web").display().to_string();
    let said = format!("//*[@data-testid='notice'][contains(., 'Saved as {folder}/sync-monitor-failed-')]");
    window.see(&said).await?;
    window.picture("exported").await?;
    window.go_to("#/audit").await?;
    window.click("//*[@data-testid='audit-export-csv']").await?;
    window
        .see(&format!("//*[@data-testid='notice'][contains(., '{folder}/sync-monitor-audit.csv')]"))
        .await?;
    window.go_to("#/settings/diagnostics").await?;
    window.click("//*[@data-testid='diagnostics-save']").await?;
    window.see("//*[@data-testid='notice'][contains(., 'sync-monitor-diagnostics-')]").await?;

    let mut texts = Vec::new();
    for file in std::fs::read_dir(&folder)? {
        texts.push(std::fs::read_to_string(file?.path())?);
    }
    let holding = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
    assert_eq!(texts.len(), 3);
    assert_eq!([holding("Estimated hours"), holding("id,at,actor"), holding("madeAt")], [1; 3], "{texts:#?}");
    window.close().await
}

#[tokio::test]
async fn a_display_that_is_dead_is_said_plainly() -> anyhow::Result<()> {
    let session = Session::start("")?;
    let (code, said) = Program::fail(&session, &[("DISPLAY", ":4095")])?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the display DISPLAY=:4095 cannot be used") && said.contains("serve"), "{said}");
    assert!(!said.contains("panic"), "{said}");
    Ok(())
}
