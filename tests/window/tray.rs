//! A desktop's tray, as the program sees it: it takes an icon, looks at it, and chooses from its menu when told to
//! (`StatusNotifierItem` and `com.canonical.dbusmenu`).

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use tokio::sync::watch;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

use crate::session::Session;
use crate::waiting::until;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// The tray of a session.
pub(crate) struct Tray {
    connection: Connection,
    item: watch::Receiver<Option<String>>,
}

struct Watcher {
    item: watch::Sender<Option<String>>,
}

#[expect(clippy::unused_self, reason = "the macro's way with methods and properties")]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        self.item.send_replace(Some(service));
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

/// An entry of the menu: its number, its words, whether it can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
}

/// Width, height, and four bytes for each pixel.
type Picture = (i32, i32, Vec<u8>);
/// An entry's number, what it is like, and the entries in it.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Tray {
    /// Shows tray icons in this session.
    pub(crate) async fn start(session: &Session) -> anyhow::Result<Self> {
        let (sender, item) = watch::channel(None);
        let builder =
            session.bus()?.name(WATCHER)?.serve_at("/StatusNotifierWatcher", Watcher { item: sender })?;
        Ok(Self { connection: builder.build().await?, item })
    }

    /// Waits until the icon says this when pointed at.
    pub(crate) async fn says(&self, line: &str) -> anyhow::Result<()> {
        until(&format!("the tray to say {line:?}"), async || {
            let Some(item) = self.item().await? else { return Ok(None) };
            let (_, _, title, text): (String, Vec<Picture>, String, String) =
                item.get_property::<OwnedValue>("ToolTip").await?.try_into()?;
            Ok((title == "Sync Monitor" && text == line).then_some(()))
        })
        .await
    }

    /// What the icon looks like at this moment.
    pub(crate) async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let item = self.item().await?.context("there is no icon")?;
        let pictures: Vec<Picture> = item.get_property::<OwnedValue>("IconPixmap").await?.try_into()?;
        Ok(pictures.into_iter().next().context("the icon has no picture")?.2)
    }

    /// Somebody clicks the icon.
    pub(crate) async fn click(&self) -> anyhow::Result<()> {
        let item = self.item().await?.context("there is no icon")?;
        Ok(item.call_method("Activate", &(0, 0)).await.map(drop)?)
    }

    /// The entries of the menu and of the menus in it, without the lines between them.
    pub(crate) async fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let nothing: Vec<String> = Vec::new();
        let (_, root): (u32, Layout) = self.menu().await?.call("GetLayout", &(0, -1, nothing)).await?;
        let mut entries = Vec::new();
        let mut layouts = vec![root];
        while let Some((id, properties, children)) = layouts.pop() {
            for child in children.into_iter().rev() {
                layouts.push(child.try_into()?);
            }
            let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok());
            let enabled = properties.get("enabled").and_then(|value| bool::try_from(value).ok());
            if let Some(label) = text("label") {
                entries.push(Entry { id, label: label.to_owned(), enabled: enabled.unwrap_or(true) });
            }
        }
        Ok(entries)
    }

    /// Chooses the entry with these words.
    pub(crate) async fn choose(&self, label: &str) -> anyhow::Result<()> {
        let entries = self.entries().await?;
        let Some(entry) = entries.iter().find(|entry| entry.label == label && entry.enabled) else {
            bail!("there is no entry {label:?} in {entries:?}")
        };
        let event = (entry.id, "clicked", Value::from(0), 0_u32);
        Ok(self.menu().await?.call_method("Event", &event).await.map(drop)?)
    }

    /// Waits until the menu has an entry with these words.
    pub(crate) async fn offers(&self, label: &str) -> anyhow::Result<()> {
        until(&format!("the entry {label:?}"), async || {
            Ok(self.entries().await?.iter().any(|entry| entry.label == label).then_some(()))
        })
        .await
    }

    async fn item(&self) -> anyhow::Result<Option<Proxy<'static>>> {
        self.proxy("/StatusNotifierItem", ITEM).await
    }

    async fn menu(&self) -> anyhow::Result<Proxy<'static>> {
        self.proxy("/MenuBar", MENU).await?.context("there is no icon")
    }

    async fn proxy(
        &self,
        path: &'static str,
        interface: &'static str,
    ) -> anyhow::Result<Option<Proxy<'static>>> {
        let Some(service) = self.item.borrow().clone() else { return Ok(None) };
        let proxy = zbus::proxy::Builder::new(&self.connection)
            .destination(service)?
            .path(path)?
            .interface(interface)?
            .cache_properties(zbus::proxy::CacheProperties::No);
        Ok(Some(proxy.build().await?))
    }
}
