//! What the window may ask. Each is one line into the API.

use serde::Serialize;
use sync_monitor_api::InProcess;
use sync_monitor_runtime::browser;
use tauri::{AppHandle, Manager as _};

/// What the management API answered.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    status: u16,
    /// JSON, or empty.
    body: String,
}

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
