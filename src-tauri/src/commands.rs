//! What the window may ask. Each is one line into the API or the desktop.

use serde::Serialize;
use sync_monitor_api::InProcess;
use sync_monitor_runtime::browser;
use tauri::{AppHandle, Manager as _};

use crate::autostart::Autostart;
use crate::saving;
use crate::tray::Tray;

/// What the management API answered.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    status: u16,
    /// JSON, or empty.
    body: String,
}

/// What the desktop does for this program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DesktopInfo {
    /// Whether the session starts it by itself; `None` where it cannot: a demo, or another data folder than the usual.
    autostart: Option<bool>,
    /// Whether its icon is shown in the tray.
    tray_shown: bool,
}

/// How the session may start this program by itself; `None` where it may not.
pub(crate) struct Session(pub(crate) Option<Autostart>);

/// Asks the management API, as the admin: `api_request({method: "GET", path: "/api/v1/status"})`. A body is JSON text.
#[tauri::command]
pub(crate) async fn api_request(app: AppHandle, method: String, path: String, body: Option<String>) -> Reply {
    let answer = app.state::<InProcess>().call(&method, &path, body).await;
    Reply { status: answer.status, body: answer.body }
}

/// Shows a page in the user's browser.
#[tauri::command]
pub(crate) fn open_url(url: &str) -> Result<(), String> {
    browser::open(url).map_err(|error| format!("No browser could be started: {error}."))
}

/// How the desktop treats this program. Not on the main thread: the desktop may take its time to answer.
#[tauri::command(async)]
pub(crate) fn desktop_info(app: AppHandle) -> Result<DesktopInfo, String> {
    let autostart = app.state::<Session>().0.as_ref().map(Autostart::is_on).transpose();
    let autostart = autostart.map_err(|error| format!("{error:#}."))?;
    Ok(DesktopInfo { autostart, tray_shown: app.state::<Tray>().is_shown() })
}

/// Has the user's session start this program by itself, hidden, or not.
#[tauri::command(async)]
pub(crate) fn set_autostart(app: AppHandle, on: bool) -> Result<(), String> {
    match &app.state::<Session>().0 {
        Some(autostart) => autostart.set(on).map_err(|error| format!("{error:#}.")),
        None => Err("Only the program on the usual data folder can be started by the session.".to_owned()),
    }
}

/// Keeps a text as a file where the user's downloads are, or at home where nothing says where they are, and tells its
/// path.
#[tauri::command(async)]
pub(crate) fn save_file(app: AppHandle, name: &str, text: &str) -> Result<String, String> {
    let folder = app.path().download_dir().or_else(|_| app.path().home_dir());
    let folder = folder.map_err(|_| "Nothing says where your files are: set HOME.".to_owned())?;
    let path = saving::save(&folder, name, text).map_err(|error| format!("{error:#}."))?;
    Ok(path.display().to_string())
}
