//! Tells the window and the tray when something is different.

use std::sync::Arc;

use serde_json::value::RawValue;
use sync_monitor_api::InProcess;
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::notices::Notices;
use crate::tray::Tray;

/// The Tauri event; its payload is that of the API's `changed`.
const EVENT: &str = "sync-changed";
/// Said after changes were missed: anything may be different.
const EVERYTHING: &str = r#"{"items":null,"orgs":true,"routes":true}"#;

/// Runs until the engine stops.
pub(crate) async fn forward(app: AppHandle, api: InProcess, tray: Option<Tray>) {
    let mut changes = api.changes();
    let mut notices = Notices::default();
    loop {
        if let Some(tray) = &tray {
            tray.refresh(&app, &api).await;
        }
        notices.refresh(&app, &api).await;
        let Some(change) = next(&mut changes).await else { return };
        tell_window(&app, &change);
        // What came meanwhile is told one by one, and looked at once.
        while let Ok(change) = changes.try_recv() {
            tell_window(&app, &change);
        }
    }
}

fn tell_window(app: &AppHandle, change: &str) {
    match RawValue::from_string(change.to_owned()) {
        // With no window open nobody listens, and that is no error.
        Ok(payload) => {
            if let Err(error) = app.emit(EVENT, payload) {
                tracing::warn!(%error, "the window could not be told of a change");
            }
        }
        Err(error) => tracing::error!(%error, "a change is not JSON"),
    }
}

/// The next change; `None` once there are no more.
async fn next(changes: &mut Receiver<Arc<str>>) -> Option<Arc<str>> {
    match changes.recv().await {
        Ok(change) => Some(change),
        Err(RecvError::Lagged(_)) => Some(EVERYTHING.into()),
        Err(RecvError::Closed) => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn whoever_missed_changes_is_told_that_anything_may_be_different() {
        let (sender, mut changes) = broadcast::channel::<Arc<str>>(1);
        for change in ["1", "2", "3"] {
            sender.send(change.into()).unwrap();
        }
        drop(sender);
        assert_eq!(next(&mut changes).await.as_deref(), Some(EVERYTHING));
        assert_eq!(next(&mut changes).await.as_deref(), Some("3"));
        assert_eq!(next(&mut changes).await, None);
    }

    #[test]
    fn everything_is_json() {
        assert!(RawValue::from_string(EVERYTHING.into()).is_ok());
    }
}
