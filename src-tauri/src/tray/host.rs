//! Whether somebody shows tray icons, so that a hidden program can be found again.

pub(super) use platform::watch;

#[cfg(target_os = "linux")]
mod platform {
    use futures_util::stream::{StreamExt as _, select};
    use zbus::fdo::DBusProxy;
    use zbus::proxy::{self, CacheProperties};
    use zbus::{Connection, Proxy};

    /// The name, the path and the interface under which a desktop that shows tray icons is found (KDE's
    /// `StatusNotifierItem` specification).
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    const PATH: &str = "/StatusNotifierWatcher";

    /// Tells whether the desktop shows tray icons: now, and whenever that may be different. A program that the session
    /// starts is often there before the panel, and a panel may be slow to answer or be started anew.
    ///
    /// # Errors
    /// When there is no session bus, or none any more.
    pub(crate) async fn watch(mut tell: impl FnMut(bool)) -> zbus::Result<()> {
        let bus = Connection::session().await?;
        let watcher: Proxy<'_> = proxy::Builder::new(&bus)
            .destination(WATCHER)?
            .path(PATH)?
            .interface(WATCHER)?
            // Asked each time, and warned of where there is no watcher.
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        // All are listened to before the first look, so that nothing is missed between the two.
        let bus = DBusProxy::new(&bus).await?;
        let owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
        let comes = watcher.receive_signal("StatusNotifierHostRegistered").await?;
        let goes = watcher.receive_signal("StatusNotifierHostUnregistered").await?;
        let mut news = select(owners.map(drop), select(comes, goes).map(drop));
        loop {
            // Where there is no watcher, nobody shows anything.
            tell(watcher.get_property("IsStatusNotifierHostRegistered").await.unwrap_or(false));
            if news.next().await.is_none() {
                return Err(zbus::Error::Failure("the session bus is gone".to_owned()));
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    /// Tells that icons are shown, as Windows and macOS always do.
    ///
    /// # Errors
    /// Never.
    pub(crate) async fn watch(mut tell: impl FnMut(bool)) -> Result<(), std::convert::Infallible> {
        tell(true);
        Ok(())
    }
}
