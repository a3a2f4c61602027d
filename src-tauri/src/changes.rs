//! Tells the window, the tray and the desktop when something is different.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use sync_monitor_api::InProcess;
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::answers::{Org, Status};
use crate::notices::Notices;
use crate::tray::{Standing, Tray};

/// The Tauri event; its payload is that of the API's `changed`.
const EVENT: &str = "sync-changed";
/// Said after changes were missed: anything may be different.
const EVERYTHING: &str = r#"{"items":null,"orgs":true,"routes":true}"#;

/// The shortest time between two looks: an icon that changes more often only flickers.
const PACE: Duration = Duration::from_secs(1);

/// Something that is waited for.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// Something is different.
    Change(Arc<str>),
    /// The time has come to look.
    Time,
    /// The engine has stopped.
    End,
}

/// Runs until the engine stops, or this is no longer wanted.
///
/// The window hears of each change at once. How things stand is asked at most once in a [`PACE`], at the first change of
/// a burst and after the last.
pub(crate) async fn forward(app: AppHandle, api: InProcess, tray: Tray) {
    let mut changes = api.changes();
    let mut notices = Notices::default();
    let mut looked_at = Instant::now();
    let mut look_at = Some(looked_at);
    loop {
        if look_at.is_some_and(|at| at <= Instant::now()) {
            looked_at = Instant::now();
            look_at = match (Status::ask(&api).await, Org::ask(&api).await) {
                (Some(status), Some(orgs)) => {
                    tray.tell(&app, Standing::of(&status, &orgs, &chrono::Local));
                    notices.tell(&app, &api, &status, &orgs).await
                }
                // The next change may find the engine better.
                _ => None,
            };
        }
        match next(&mut changes, look_at).await {
            News::Change(change) => tell_window(&app, &change),
            News::Time => continue,
            News::End => return,
        }
        // What came meanwhile is told one by one, and looked at once.
        while let Ok(change) = changes.try_recv() {
            tell_window(&app, &change);
        }
        let soon = looked_at + PACE;
        look_at = Some(look_at.map_or(soon, |at| at.min(soon)));
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

/// The next change, or the time to look if that comes first.
async fn next(changes: &mut Receiver<Arc<str>>, look_at: Option<Instant>) -> News {
    let received = match look_at {
        None => changes.recv().await,
        Some(at) => match timeout_at(at, changes.recv()).await {
            Ok(received) => received,
            Err(_) => return News::Time,
        },
    };
    match received {
        Ok(change) => News::Change(change),
        Err(RecvError::Lagged(_)) => News::Change(EVERYTHING.into()),
        Err(RecvError::Closed) => News::End,
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
        assert_eq!(next(&mut changes, None).await, News::Change(EVERYTHING.into()));
        assert_eq!(next(&mut changes, None).await, News::Change("3".into()));
        assert_eq!(next(&mut changes, None).await, News::End);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_look_comes_though_nothing_changes() {
        let (sender, mut changes) = broadcast::channel::<Arc<str>>(1);
        let look_at = Instant::now() + Duration::from_secs(3);
        assert_eq!(next(&mut changes, Some(look_at)).await, News::Time);
        sender.send("1".into()).unwrap();
        assert_eq!(
            next(&mut changes, Some(look_at + Duration::from_secs(3))).await,
            News::Change("1".into())
        );
    }

    #[test]
    fn everything_is_json() {
        assert!(RawValue::from_string(EVERYTHING.into()).is_ok());
    }
}
