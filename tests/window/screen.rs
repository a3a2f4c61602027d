//! The screen, as a window manager sees it: which windows a program shows and where, and the user's hand on their frames.

use anyhow::Context as _;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask, MapState, Window,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::waiting::until;

/// Where a window is: left, top, width, height.
pub(crate) type Place = (i16, i16, u16, u16);

/// The screen that the tests run on.
pub(crate) struct Screen {
    connection: RustConnection,
    root: Window,
}

impl Screen {
    /// The one that DISPLAY names.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let (connection, number) =
            x11rb::connect(None).context("no display: run `cargo xtask test window`")?;
        let root = connection.setup().roots[number].root;
        Ok(Self { connection, root })
    }

    /// Waits until a program shows a window.
    pub(crate) async fn window_of(&self, process: u32) -> anyhow::Result<Window> {
        until("a window", async || self.window(process)).await
    }

    /// Waits until a program shows no window any more.
    pub(crate) async fn no_window_of(&self, process: u32) -> anyhow::Result<()> {
        until("the window to go", async || Ok(self.window(process)?.is_none().then_some(()))).await
    }

    /// The window that a program shows at this moment.
    pub(crate) fn window(&self, process: u32) -> anyhow::Result<Option<Window>> {
        let owner = self.atom("_NET_WM_PID")?;
        for window in self.connection.query_tree(self.root)?.reply()?.children {
            // One that goes while it is looked at is not there.
            let Ok(attributes) = self.connection.get_window_attributes(window)?.reply() else { continue };
            let property = self.connection.get_property(false, window, owner, AtomEnum::CARDINAL, 0, 1)?;
            let Ok(property) = property.reply() else { continue };
            let is_its = property.value32().and_then(|mut ids| ids.next()) == Some(process);
            if is_its && attributes.map_state == MapState::VIEWABLE && !attributes.override_redirect {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    /// Closes a window as its close button does.
    pub(crate) fn close(&self, window: Window) -> anyhow::Result<()> {
        let data = [self.atom("WM_DELETE_WINDOW")?, 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS")?, data);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?;
        Ok(self.connection.sync()?)
    }

    /// Drags a window to a place and a size.
    pub(crate) async fn put(&self, window: Window, place: Place) -> anyhow::Result<()> {
        let (x, y, width, height) = place;
        let change = ConfigureWindowAux::new().x(i32::from(x)).y(i32::from(y));
        self.connection
            .configure_window(window, &change.width(u32::from(width)).height(u32::from(height)))?;
        self.connection.sync()?;
        self.is_at(window, place).await
    }

    /// Waits until a window is at a place.
    pub(crate) async fn is_at(&self, window: Window, place: Place) -> anyhow::Result<()> {
        let what = format!("the window to be at {place:?}");
        until(&what, async || {
            let at = self.connection.get_geometry(window)?.reply()?;
            Ok(((at.x, at.y, at.width, at.height) == place).then_some(()))
        })
        .await
    }

    fn atom(&self, name: &str) -> anyhow::Result<u32> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }
}
