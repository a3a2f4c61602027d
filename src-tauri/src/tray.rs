//! The tray: how things stand in an icon and a line, and the way back to the window.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sync_monitor_api::InProcess;
use tauri::async_runtime::spawn;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager as _, Wry};
use tokio::sync::SetOnce;

use crate::answers::counted;
use crate::pause::{self, Pause};
use crate::place::Place;
use crate::{desktop, window};

mod host;
mod picture;
mod standing;

pub(crate) use standing::{Look, Standing};

/// The tray's icon and its menu, once there are some. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tray {
    parts: Arc<SetOnce<Parts>>,
    /// What it says, or is to say when it is there.
    standing: Arc<Mutex<Option<Standing>>>,
    is_shown: Arc<AtomicBool>,
}

/// What changes with how things stand.
struct Parts {
    icon: TrayIcon,
    status: MenuItem<Wry>,
    failed: MenuItem<Wry>,
    resume: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

impl Tray {
    /// Puts the icon into the tray as soon as somebody shows it there, which may be never, and keeps in mind whether it is
    /// shown. Without one the program works as well, so this never fails.
    pub(crate) async fn put_up(self, app: AppHandle) {
        let watched = host::watch(|somebody_shows_icons| {
            if somebody_shows_icons && !self.parts.initialized() {
                self.build(&app);
            }
            self.is_shown.store(somebody_shows_icons && self.parts.initialized(), Ordering::Relaxed);
            self.show_standing(&app);
        });
        if let Err(error) = watched.await {
            self.is_shown.store(false, Ordering::Relaxed);
            tracing::warn!(%error, "there is no tray; closing the window quits");
        }
    }

    fn build(&self, app: &AppHandle) {
        match Parts::build(app) {
            // This is the only place that sets it, once.
            Ok(parts) => drop(self.parts.set(parts)),
            Err(error) => tracing::warn!(%error, "the icon cannot be put into the tray"),
        }
    }

    /// Says how things stand.
    pub(crate) fn tell(&self, app: &AppHandle, standing: Standing) {
        {
            let mut told = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            if told.as_ref() == Some(&standing) {
                return;
            }
            *told = Some(standing);
        }
        self.show_standing(app);
    }

    /// Whether the icon is there and somebody shows it.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_shown.load(Ordering::Relaxed)
    }

    /// Waits until the icon is there.
    pub(crate) async fn is_up(&self) {
        self.parts.wait().await;
    }

    /// Not awaited: the main thread may be stopping the engine, and has no time for this then.
    fn show_standing(&self, app: &AppHandle) {
        let tray = self.clone();
        let told = app.run_on_main_thread(move || {
            let standing = tray.standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (Some(parts), Some(standing)) = (tray.parts.get(), standing) else { return };
            if let Err(error) = parts.show(&standing) {
                tracing::warn!(%error, "the tray could not be told how things stand");
            }
        });
        if let Err(error) = told {
            tracing::debug!(%error, "the event loop has ended");
        }
    }
}

impl Parts {
    fn build(app: &AppHandle) -> tauri::Result<Self> {
        let item = |id: &str, text: &str, enabled| MenuItem::with_id(app, id, text, enabled, None::<&str>);
        let separator = || PredefinedMenuItem::separator(app);
        let pause = Submenu::with_id(app, "pause", "Pause", true)?;
        for choice in Pause::ALL {
            pause.append(&item(choice.id(), choice.label(), true)?)?;
        }
        let resume = item("resume", "Resume", false)?;
        pause.append_items(&[&separator()?, &resume])?;
        let status = item("status", "Starting …", false)?;
        let failed = item("failed", "Failed", true)?;
        let quit = item("quit", "Quit", true)?;
        let menu = Menu::with_items(
            app,
            &[
                &status,
                &separator()?,
                &item("open", "Open Sync Monitor", true)?,
                &failed,
                &pause,
                &separator()?,
                &quit,
            ],
        )?;
        let builder = TrayIconBuilder::with_id("sync-monitor")
            .icon(Look::Ok.picture())
            .tooltip("Sync Monitor")
            .menu(&menu)
            // As it is usual there.
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
            .on_tray_icon_event(|icon, event| clicked(icon.app_handle(), &event));
        // On Linux this is the icon's name for screen readers; macOS would write it beside the icon.
        #[cfg(target_os = "linux")]
        let builder = builder.title("Sync Monitor");
        Ok(Self { icon: builder.build(app)?, status, failed, resume, quit })
    }

    fn show(&self, standing: &Standing) -> tauri::Result<()> {
        let Standing { look, line, failed, waiting, paused } = standing;
        self.icon.set_icon(Some(look.picture()))?;
        self.icon.set_tooltip(Some(tooltip(line)))?;
        self.status.set_text(in_menu(line))?;
        self.failed.set_text(if *failed == 0 {
            "Failed".to_owned()
        } else {
            format!("Failed ({failed})")
        })?;
        self.resume.set_enabled(*paused)?;
        self.quit.set_text(match waiting {
            0 => "Quit".to_owned(),
            _ => format!("Quit ({} for the next start)", counted(*waiting, "change waits", "changes wait")),
        })
    }
}

/// An `&` in a menu marks the next letter as its key.
fn in_menu(line: &str) -> String {
    line.replace('&', "&&")
}

/// On Linux the program's name stands above it.
fn tooltip(line: &str) -> String {
    if cfg!(target_os = "linux") { line.to_owned() } else { format!("Sync Monitor: {line}") }
}

/// Somebody has chosen an entry of the menu.
fn chosen(app: &AppHandle, entry: &str) {
    match entry {
        "open" => window::show(app, None),
        "failed" => window::show(app, Some(Place::Causes)),
        "resume" => drop(spawn(pause::resume(app.clone(), api(app)))),
        "quit" => desktop::quit(app),
        _ => {
            if let Some(choice) = Pause::ALL.into_iter().find(|choice| choice.id() == entry) {
                spawn(pause::pause(app.clone(), api(app), choice));
            }
        }
    }
}

/// Somebody has clicked the icon, where the desktop tells of it.
fn clicked(app: &AppHandle, event: &TrayIconEvent) {
    let is_click = matches!(
        event,
        TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
    );
    if is_click && !cfg!(target_os = "macos") {
        window::show(app, None);
    }
}

fn api(app: &AppHandle) -> InProcess {
    app.state::<InProcess>().inner().clone()
}
