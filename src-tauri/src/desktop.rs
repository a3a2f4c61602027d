//! The window, and how the program starts and ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use sync_monitor_runtime::Options;
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Manager as _, RunEvent, WebviewUrl, WebviewWindowBuilder};

use crate::args::Args;
use crate::tray::{self, Tray};
use crate::{changes, commands};

/// The one window. The capability names it too.
const WINDOW: &str = "main";

/// What the window's title says.
struct Title(&'static str);

/// Runs until the program is quit.
///
/// # Errors
/// When there is nothing to show a window on, or the engine cannot start: the message says why.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    sync_monitor_runtime::telemetry::start(&args.log_level)?;
    if !has_display() {
        bail!(
            "there is no display to open a window on. To run without a window, start `sync-monitor serve`, and see it \
             in a browser with `sync-monitor open`"
        );
    }
    let mut builder = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![commands::api_request, commands::open_url]);
    if args.is_single() {
        // A second start ends inside `build` below, before it could touch the first one's folder.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| show(app)));
    }
    let app = builder.build(context()).context("the desktop cannot be used")?;

    let title = if args.is_demo() { "Sync Monitor – Demo" } else { "Sync Monitor" };
    let engine = block_on(sync_monitor_runtime::start(Options::from(args)))?;
    let api = engine.api();
    app.manage(api.clone());
    app.manage(Title(title));
    let tray = Tray::build(app.handle());
    spawn(changes::forward(app.handle().clone(), api, tray.clone()));
    spawn(quit_on_signal(app.handle().clone()));

    let mut engine = Some(engine);
    let stopped_cleanly = Arc::new(AtomicBool::new(true));
    let outcome = Arc::clone(&stopped_cleanly);
    let code = app.run_return(move |app, event| match event {
        RunEvent::Ready => show(app),
        // The last window was closed, which destroyed its web view. The engine goes on if there is a way back.
        RunEvent::ExitRequested { code: None, api, .. } if tray.is_some() && tray::is_shown() => {
            api.prevent_exit();
        }
        RunEvent::Exit => {
            if let Some(engine) = engine.take()
                && let Err(error) = block_on(engine.stop())
            {
                tracing::error!(error = format!("{error:#}"), "the engine did not stop cleanly");
                outcome.store(false, Ordering::Relaxed);
            }
        }
        _ => {}
    });
    let clean = code == 0 && stopped_cleanly.load(Ordering::Relaxed);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `tauri.conf.json`, the capabilities and the built UI say.
#[expect(clippy::disallowed_methods, reason = "Tauri's macro says what to do where an icon is broken")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Brings the window to the front, and makes it where there is none.
pub(crate) fn show(app: &AppHandle) {
    show_at(app, None);
}

/// The same, at a place of the UI like `#/orgs`, or else where it is.
pub(crate) fn show_at(app: &AppHandle, place: Option<&'static str>) {
    let app = app.clone();
    // Windows deadlocks when a web view is made inside an event handler.
    spawn(async move {
        if let Err(error) = try_show(&app, place) {
            tracing::error!(%error, "the window could not be shown");
            if app.webview_windows().is_empty() {
                app.exit(1);
            }
        }
    });
}

fn try_show(app: &AppHandle, place: Option<&'static str>) -> tauri::Result<()> {
    // A second start may come while the engine is still starting; the window opens with it anyway.
    let Some(title) = app.try_state::<Title>() else { return Ok(()) };
    if let Some(window) = app.get_webview_window(WINDOW) {
        window.unminimize()?;
        window.show()?;
        if let Some(place) = place {
            window.eval(format!("location.hash = '{place}'"))?;
        }
        return window.set_focus();
    }
    let page = WebviewUrl::App(format!("index.html{}", place.unwrap_or_default()).into());
    WebviewWindowBuilder::new(app, WINDOW, page)
        .title(title.0)
        .inner_size(1280.0, 800.0)
        .min_inner_size(900.0, 600.0)
        .build()?;
    Ok(())
}

/// Whether a window can be shown at all: GTK panics where it cannot.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Ctrl-C, a logout and a service manager end the program as Quit does.
async fn quit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "signals end this program at once");
                return;
            }
        }
    }
    #[cfg(not(unix))]
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C ends this program at once");
        return;
    }
    app.exit(0);
}
