//! What the desktop shows beside the window: a title, a text, and a place that a click leads to.

use std::time::Duration;

use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};
use tokio::time::timeout;

use crate::place::Place;

pub(crate) use platform::Notifications;

/// How long the desktop has to take the last words of a program that ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) title: String,
    pub(crate) text: String,
    /// What a click shows; `None`: the window, wherever it is.
    pub(crate) place: Option<Place>,
}

/// Has the desktop show it. A click opens its place, on desktops that tell of clicks.
pub(crate) fn show(app: &AppHandle, notification: Notification) {
    let app = app.clone();
    spawn(async move {
        if let Err(error) = app.state::<Notifications>().show(&app, notification).await {
            tracing::warn!(%error, "the desktop shows no notifications");
        }
    });
}

/// Has the desktop show it, and waits until the desktop has it: this program is about to end.
pub(crate) async fn show_last(app: &AppHandle, notification: Notification) {
    match timeout(PATIENCE, app.state::<Notifications>().show(app, notification)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the desktop shows no notifications"),
        Err(_) => tracing::warn!("the desktop takes no notifications"),
    }
}

#[cfg(target_os = "linux")]
mod platform {
    //! Over the session bus (Desktop Notifications Specification 1.2). One connection shows and listens for all: a click
    //! is heard from the moment on when there is something to click, and a notification that nobody clicks costs no thread.

    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::stream::{Stream, StreamExt as _, select};
    use tauri::AppHandle;
    use tauri::async_runtime::spawn;
    use tokio::sync::{Mutex, OnceCell};
    use zbus::proxy::CacheProperties;
    use zbus::zvariant::Value;
    use zbus::{Message, Proxy, connection, proxy};

    use super::Notification;
    use crate::place::Place;
    use crate::window;

    const NAME: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";
    /// The action that a click on the notification itself means.
    const CLICK: &str = "default";
    /// How long a desktop may be silent.
    const PATIENCE: Duration = Duration::from_secs(25);

    /// What is shown and can be clicked, by the desktop's number for it.
    type Shown = Arc<Mutex<HashMap<u32, Option<Place>>>>;

    /// The way to the desktop's notifications, made when it is first needed.
    #[derive(Default)]
    pub(crate) struct Notifications {
        desktop: OnceCell<Proxy<'static>>,
        shown: Shown,
    }

    impl Notifications {
        /// Has the desktop show a notification.
        ///
        /// # Errors
        /// When there is no session bus, or nobody on it who shows notifications.
        pub(super) async fn show(&self, app: &AppHandle, notification: Notification) -> zbus::Result<()> {
            let desktop =
                self.desktop.get_or_try_init(|| connect(app.clone(), Arc::clone(&self.shown))).await?;
            let Notification { title, text, place } = notification;
            let text = escape(&text);
            let hints = HashMap::<&str, Value<'_>>::new();
            let actions = [CLICK, "Open"];
            let asked =
                ("Sync Monitor", 0_u32, "sync-monitor-desktop", &*title, &*text, &actions[..], hints, -1_i32);
            // Held until the number is known, so that no click comes too early.
            let mut shown = self.shown.lock().await;
            let number = desktop.call("Notify", &asked).await?;
            shown.insert(number, place);
            Ok(())
        }
    }

    async fn connect(app: AppHandle, shown: Shown) -> zbus::Result<Proxy<'static>> {
        let bus = connection::Builder::session()?.method_timeout(PATIENCE).build().await?;
        let desktop: Proxy<'static> = proxy::Builder::new(&bus)
            .destination(NAME)?
            .path(PATH)?
            .interface(NAME)?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let clicks = desktop.receive_signal("ActionInvoked").await?;
        let ends = desktop.receive_signal("NotificationClosed").await?;
        spawn(listen(app, shown, select(clicks, ends)));
        Ok(desktop)
    }

    async fn listen(app: AppHandle, shown: Shown, mut signals: impl Stream<Item = Message> + Unpin) {
        while let Some(signal) = signals.next().await {
            let body = signal.body();
            if let Ok((number, action)) = body.deserialize::<(u32, &str)>() {
                // The desktop tells everybody of every click; this one may be another program's.
                let known = shown.lock().await.remove(&number);
                if let Some(place) = known.filter(|_| action == CLICK) {
                    window::show(&app, place);
                }
            } else if let Ok((number, _why)) = body.deserialize::<(u32, u32)>() {
                shown.lock().await.remove(&number);
            }
        }
    }

    /// A desktop may read the text as markup.
    fn escape(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_text_is_shown_as_it_is_even_where_it_looks_like_markup() {
            assert_eq!(escape("<b> & co"), "&lt;b&gt; &amp; co");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    //! Through the library that knows Windows and macOS, which tell of no clicks.

    use tauri::AppHandle;
    use tauri::async_runtime::spawn_blocking;

    use super::Notification;

    /// The way to the desktop's notifications.
    #[derive(Default)]
    pub(crate) struct Notifications;

    impl Notifications {
        /// Has the desktop show a notification.
        ///
        /// # Errors
        /// When the system does not take it.
        pub(super) async fn show(&self, _: &AppHandle, notification: Notification) -> anyhow::Result<()> {
            let Notification { title, text, .. } = notification;
            let mut made = notify_rust::Notification::new();
            made.appname("Sync Monitor").summary(&title).body(&text);
            // The system may take its time.
            Ok(spawn_blocking(move || made.show().map(drop)).await??)
        }
    }
}
