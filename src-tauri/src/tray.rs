//! The tray: how things stand in one line, and the way back to the window.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use sync_monitor_api::InProcess;
use tauri::AppHandle;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;

use crate::window;

/// The tray icon's menu. The icon itself is kept by Tauri.
#[derive(Clone)]
pub(crate) struct Tray {
    status: MenuItem<tauri::Wry>,
}

impl Tray {
    /// Puts the icon into the tray. Without one the program works as well, so this never fails.
    pub(crate) fn build(app: &AppHandle) -> Option<Self> {
        // On Linux the library behind the tray is loaded at its first use, and its binding panics if it is not there.
        match catch_unwind(AssertUnwindSafe(|| try_build(app))) {
            Ok(Ok(tray)) => Some(tray),
            Ok(Err(error)) => {
                tracing::warn!(%error, "no tray icon; closing the window quits");
                None
            }
            Err(_) => {
                tracing::warn!("no tray icon, since its library is not installed; closing the window quits");
                None
            }
        }
    }

    /// Asks the engine how things stand and writes it into the menu.
    pub(crate) async fn refresh(&self, app: &AppHandle, api: &InProcess) {
        let answer = api.call("GET", "/api/v1/status", None).await;
        let line = match serde_json::from_str::<Status>(&answer.body) {
            Ok(status) => status.line(),
            Err(error) => {
                tracing::error!(status = answer.status, %error, "the status is not readable");
                return;
            }
        };
        let item = self.status.clone();
        // Not awaited: the main thread may be stopping the engine, and has no time for this then.
        let told = app.run_on_main_thread(move || {
            if let Err(error) = item.set_text(line) {
                tracing::warn!(%error, "the tray could not be told how things stand");
            }
        });
        if let Err(error) = told {
            tracing::debug!(%error, "the event loop has ended");
        }
    }
}

fn try_build(app: &AppHandle) -> tauri::Result<Tray> {
    let status = MenuItem::with_id(app, "status", "Starting …", false, None::<&str>)?;
    let menu = Menu::with_items(
        app,
        &[
            &status,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "open", "Open Sync Monitor", true, None::<&str>)?,
            &MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?,
        ],
    )?;
    let mut icon =
        TrayIconBuilder::with_id("main").tooltip("Sync Monitor").menu(&menu).on_menu_event(|app, event| {
            match event.id().as_ref() {
                "open" => window::show(app, None),
                "quit" => app.exit(0),
                _ => {}
            }
        });
    if let Some(image) = app.default_window_icon() {
        icon = icon.icon(image.clone());
    }
    icon.build(app)?;
    Ok(Tray { status })
}

/// The part of `GET status` that the line is made of.
#[derive(Debug, Default, Deserialize)]
struct Status {
    counts: Counts,
}

#[derive(Debug, Default, Deserialize)]
struct Counts {
    queued: u64,
    processing: u64,
    retrying: u64,
    failed: u64,
}

impl Status {
    fn line(&self) -> String {
        let Counts { queued, processing, retrying, failed } = self.counts;
        match (failed, queued + processing + retrying) {
            (0, 0) => "Everything is in sync".into(),
            (0, 1) => "1 change is on its way".into(),
            (0, waiting) => format!("{waiting} changes are on their way"),
            (1, _) => "1 item needs you".into(),
            (failed, _) => format!("{failed} items need you"),
        }
    }
}

/// Whether somebody shows tray icons, so that a hidden program can be found again.
pub(crate) fn is_shown() -> bool {
    host::shows_icons()
}

#[cfg(target_os = "linux")]
mod host {
    use std::time::Duration;

    use zbus::blocking::{Proxy, connection, proxy};
    use zbus::proxy::CacheProperties;

    /// A desktop that shows tray icons says so on the session bus.
    pub(super) fn shows_icons() -> bool {
        ask().unwrap_or_else(|error| {
            tracing::debug!(%error, "no host for tray icons");
            false
        })
    }

    fn ask() -> zbus::Result<bool> {
        // The main thread waits for this answer.
        let bus = connection::Builder::session()?.method_timeout(Duration::from_secs(1)).build()?;
        let watcher = "org.kde.StatusNotifierWatcher";
        let proxy: Proxy<'_> = proxy::Builder::new(&bus)
            .destination(watcher)?
            .path("/StatusNotifierWatcher")?
            .interface(watcher)?
            // Asked once, and warned of where there is no watcher.
            .cache_properties(CacheProperties::No)
            .build()?;
        proxy.get_property("IsStatusNotifierHostRegistered")
    }
}

#[cfg(not(target_os = "linux"))]
mod host {
    /// Windows and macOS always do.
    pub(super) fn shows_icons() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_what_matters_most() {
        let line = |failed, waiting| {
            Status { counts: Counts { failed, retrying: waiting, ..Counts::default() } }.line()
        };
        assert_eq!(line(0, 0), "Everything is in sync");
        assert_eq!(line(0, 1), "1 change is on its way");
        assert_eq!(line(0, 7), "7 changes are on their way");
        assert_eq!(line(1, 7), "1 item needs you");
        assert_eq!(line(12, 0), "12 items need you");
    }

    #[test]
    fn the_status_may_say_more_than_the_line_needs() {
        let status: Status = serde_json::from_str(
            r#"{"version":"0.1.0","counts":{"queued":1,"processing":1,"retrying":0,"failed":0,"synced":9,"superseded":0}}"#,
        )
        .unwrap();
        assert_eq!(status.line(), "2 changes are on their way");
    }
}
