//! How the program starts, goes on without a window, and ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use clap::Parser as _;
use sync_monitor_api::InProcess;
use sync_monitor_runtime::Options;
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Manager as _, RunEvent, WindowEvent};

use crate::answers::{Status, counted};
use crate::args::Args;
use crate::memory::Memory;
use crate::notification::{self, Notification, Notifications};
use crate::settings::Settings;
use crate::tray::Tray;
use crate::window::{self, Frame};
use crate::{changes, commands};

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
        builder =
            builder.plugin(tauri_plugin_single_instance::init(|app, words, _| started_again(app, &words)));
    }
    let app = builder.build(context()).context("the desktop cannot be used")?;

    let title = if args.is_demo() { "Sync Monitor – Demo" } else { "Sync Monitor" };
    let place = args.place();
    let engine = block_on(sync_monitor_runtime::start(Options::from(args)))?;
    let tray = Tray::default();
    app.manage(engine.api());
    app.manage(Memory::open(engine.data_dir()));
    app.manage(Notifications::default());
    app.manage(Frame::new(title));
    spawn(tray.clone().put_up(app.handle().clone()));
    let forwarding = spawn(changes::forward(app.handle().clone(), engine.api(), tray.clone()));
    spawn(quit_on_signal(app.handle().clone()));

    let mut engine = Some(engine);
    let stopped_cleanly = Arc::new(AtomicBool::new(true));
    let outcome = Arc::clone(&stopped_cleanly);
    let code = app.run_return(move |app, event| match event {
        RunEvent::Ready => window::show(app, place.clone()),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => urls.iter().for_each(|url| open_link(app, url.as_str())),
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { .. }, .. } => window::remember(app),
        // The last window was closed, which destroyed its web view. The engine goes on if there is a way back.
        RunEvent::ExitRequested { code: None, api, .. } => {
            if goes_on(app, &tray) {
                api.prevent_exit();
                say_once_where_it_is(app);
            } else {
                block_on(say_what_waits(app));
            }
        }
        RunEvent::ExitRequested { .. } => window::remember(app),
        RunEvent::Exit => {
            forwarding.abort();
            app.state::<Memory>().close();
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

/// Somebody has started the program again, with these words.
fn started_again(app: &AppHandle, words: &[String]) {
    match Args::try_parse_from(words) {
        Ok(args) => window::show(app, args.place()),
        Err(error) => {
            tracing::warn!(%error, "a second start had arguments that this version does not know");
            window::show(app, None);
        }
    }
}

/// Somebody has clicked a link to this program.
#[cfg(target_os = "macos")]
fn open_link(app: &AppHandle, link: &str) {
    match link.parse() {
        Ok(crate::place::Link(place)) => window::show(app, Some(place)),
        Err(error) => tracing::warn!(%error, "a link leads nowhere"),
    }
}

/// Whether a window can be shown at all: GTK panics where it cannot.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Whether the engine goes on without a window: the user wants it, and there is a way back.
fn goes_on(app: &AppHandle, tray: &Tray) -> bool {
    tray.is_shown() && block_on(Settings::ask(&app.state::<InProcess>())).close_to_tray
}

/// Tells, once ever, what has become of the program whose window was closed.
fn say_once_where_it_is(app: &AppHandle) {
    let memory = app.state::<Memory>();
    if memory.read(|known| known.told_of_tray) {
        return;
    }
    memory.change(|known| known.told_of_tray = true);
    notification::show(
        app,
        Notification {
            title: "Sync Monitor goes on in the tray".to_owned(),
            text: "Changes are taken and delivered as before. Open it or quit it from its icon.".to_owned(),
            place: None,
        },
    );
}

/// Ends the program, as the user has said.
pub(crate) fn quit(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        say_what_waits(&app).await;
        app.exit(0);
    });
}

/// Tells what an ended program leaves undone, if anything.
async fn say_what_waits(app: &AppHandle) {
    let Some(status) = Status::ask(&app.state::<InProcess>()).await else { return };
    if status.waiting() > 0 {
        let waiting = counted(status.waiting(), "change waits", "changes wait");
        let last = Notification {
            title: "Sync Monitor has stopped".to_owned(),
            text: format!(
                "{waiting} and will be sent after the next start. Until then nothing new is taken."
            ),
            place: None,
        };
        notification::show_last(app, last).await;
    }
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
