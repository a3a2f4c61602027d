//! Whether somebody shows tray icons, so that a hidden program can be found again.

pub(super) use platform::{appears, shows_icons};

#[cfg(target_os = "linux")]
mod platform {
    use std::time::Duration;

    use futures_util::stream::{StreamExt as _, select};
    use zbus::blocking;
    use zbus::proxy::CacheProperties;
    use zbus::{Connection, Proxy, connection, fdo::DBusProxy, proxy};

    /// The name, the path and the interface under which a desktop that shows tray icons is found (KDE's
    /// `StatusNotifierItem` specification).
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    const PATH: &str = "/StatusNotifierWatcher";
    const IS_SHOWN: &str = "IsStatusNotifierHostRegistered";
    /// How long the desktop may think about it: the main thread waits for the answer.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// Whether the desktop shows tray icons at this moment.
    pub(crate) fn shows_icons() -> bool {
        ask().unwrap_or_else(|error| {
            tracing::debug!(%error, "nobody shows tray icons");
            false
        })
    }

    fn ask() -> zbus::Result<bool> {
        let bus = blocking::connection::Builder::session()?.method_timeout(PATIENCE).build()?;
        let proxy: blocking::Proxy<'_> = blocking::proxy::Builder::new(&bus)
            .destination(WATCHER)?
            .path(PATH)?
            .interface(WATCHER)?
            // Asked once, and warned of where there is no watcher.
            .cache_properties(CacheProperties::No)
            .build()?;
        proxy.get_property(IS_SHOWN)
    }

    /// Waits until the desktop shows tray icons: a program that the session starts is often there before the panel.
    ///
    /// # Errors
    /// When there is no session bus.
    pub(crate) async fn appears() -> zbus::Result<()> {
        let bus = connection::Builder::session()?.method_timeout(PATIENCE).build().await?;
        let watcher = watcher(&bus).await?;
        // Both are listened to before the first look, so that nothing is missed between the two.
        let owners =
            DBusProxy::new(&bus).await?.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
        let hosts = watcher.receive_signal("StatusNotifierHostRegistered").await?;
        let mut news = select(owners.map(drop), hosts.map(drop));
        loop {
            if watcher.get_property(IS_SHOWN).await.unwrap_or(false) {
                return Ok(());
            }
            if news.next().await.is_none() {
                return Err(zbus::Error::Failure("the session bus is gone".to_owned()));
            }
        }
    }

    async fn watcher(bus: &Connection) -> zbus::Result<Proxy<'static>> {
        proxy::Builder::new(bus)
            .destination(WATCHER)?
            .path(PATH)?
            .interface(WATCHER)?
            .cache_properties(CacheProperties::No)
            .build()
            .await
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    /// Windows and macOS always do.
    pub(crate) fn shows_icons() -> bool {
        true
    }

    /// At once.
    ///
    /// # Errors
    /// Never.
    pub(crate) async fn appears() -> Result<(), std::convert::Infallible> {
        Ok(())
    }
}
