//! How the program starts, goes on without a window, and ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use sync_monitor_api::InProcess;
use sync_monitor_runtime::{Options, Running};
use tauri::async_runtime::{block_on, spawn};
use tauri::{App, AppHandle, Manager as _, RunEvent, WindowEvent};
use tokio::time::timeout;

use crate::answers::{Status, counted};
use crate::args::Args;
use crate::autostart::Autostart;
use crate::commands::Session;
use crate::memory::Memory;
use crate::notification::{self, Notification, Notifications};
use crate::settings::Settings;
use crate::tray::Tray;
use crate::window::{self, Frame};
use crate::{changes, commands};

/// How long a hidden start waits for a tray: at the beginning of a session the panel may come later than this program.
const TRAY_PATIENCE: Duration = Duration::from_secs(30);

/// Runs until the program is quit.
///
/// # Errors
/// When there is nothing to show a window on, or the engine cannot start: the message says why.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    sync_monitor_runtime::telemetry::start(&args.log_level)?;
    if !has_display() {
        bail!("there is no display to open a window on. {INSTEAD}");
    }
    let app = build(&args)?;
    let engine = block_on(sync_monitor_runtime::start(Options::from(args.clone())))?;
    let tray = Tray::default();
    furnish(&app, &args, &engine, &tray);
    spawn(tray.clone().put_up(app.handle().clone()));
    let forwarding = spawn(changes::forward(app.handle().clone(), engine.api(), tray.clone()));
    spawn(quit_on_signal(app.handle().clone()));

    let mut engine = Some(engine);
    let stopped_cleanly = Arc::new(AtomicBool::new(true));
    let outcome = Arc::clone(&stopped_cleanly);
    let code = app.run_return(move |app, event| match event {
        RunEvent::Ready if args.is_hidden() => drop(spawn(show_without_tray(app.clone(), tray.clone()))),
        RunEvent::Ready => window::show(app, args.place()),
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

/// What to do where there is no display.
const INSTEAD: &str =
    "To run without a window, start `sync-monitor serve`, and see it in a browser with `sync-monitor open`";

/// Whether a display is named. Whether it is there is known when it is used.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// The display that is named, in words.
fn display() -> String {
    let named = |name| {
        std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| format!("{name}={value}"))
    };
    let names: Vec<_> = ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().filter_map(named).collect();
    if names.is_empty() { "the desktop".to_owned() } else { format!("the display {}", names.join(" or ")) }
}

/// The application, before there is an engine. A second start on the usual folder ends in here, before it could touch
/// the first one's folder.
fn build(args: &Args) -> anyhow::Result<App> {
    let mut builder = tauri::Builder::default().invoke_handler(tauri::generate_handler![
        commands::api_request,
        commands::open_url,
        commands::desktop_info,
        commands::set_autostart,
        commands::save_file,
    ]);
    if args.is_single() {
        builder =
            builder.plugin(tauri_plugin_single_instance::init(|app, words, _| started_again(app, &words)));
    }
    // Where GTK finds no display, the library above it panics.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let built = catch_unwind(AssertUnwindSafe(|| builder.build(context())));
    std::panic::set_hook(hook);
    match built {
        Ok(app) => app.context("the desktop cannot be used"),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied());
            tracing::debug!(why, "the window library gave up");
            bail!(
                "{} cannot be used. Check that a desktop is running there and lets you in; --log-level debug says \
                 more. {INSTEAD}",
                display()
            )
        }
    }
}

/// What `tauri.conf.json`, the capabilities and the built UI say.
#[expect(clippy::disallowed_methods, reason = "Tauri's macro says what to do where an icon is broken")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Hands the application what its parts ask it for.
fn furnish(app: &App, args: &Args, engine: &Running, tray: &Tray) {
    app.manage(engine.api());
    app.manage(Memory::open(engine.data_dir()));
    app.manage(Notifications::default());
    app.manage(tray.clone());
    app.manage(Session(autostart(args)));
    // Last: whoever finds it finds the rest.
    app.manage(Frame::new(if args.is_demo() { "Sync Monitor – Demo" } else { "Sync Monitor" }));
}

/// How the session may start this program; not a demo, and not one on another folder than the usual.
fn autostart(args: &Args) -> Option<Autostart> {
    let autostart = args.is_single().then(|| Autostart::new(args.for_autostart()))?;
    autostart
        .inspect_err(|error| {
            tracing::warn!(error = format!("{error:#}"), "the session cannot start this program");
        })
        .ok()
}

/// Somebody has started the program again, with these words.
fn started_again(app: &AppHandle, words: &[String]) {
    match Args::try_parse_from(words) {
        Ok(args) if args.is_hidden() => {}
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

/// A hidden start without a tray could never be found again.
async fn show_without_tray(app: AppHandle, tray: Tray) {
    if timeout(TRAY_PATIENCE, tray.is_up()).await.is_err() {
        tracing::info!("there is no tray to hide in");
        window::show(&app, None);
    }
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
