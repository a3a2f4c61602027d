//! A desktop's notifications, as the program sees them: it keeps what it is told to show, and clicks when told to.
#![expect(clippy::used_underscore_binding, reason = "the macro's way with what the specification hands over")]

use std::collections::HashMap;

use anyhow::Context as _;
use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{Connection, interface};

use crate::session::Session;
use crate::waiting::PATIENCE;

const PATH: &str = "/org/freedesktop/Notifications";

/// A notification that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: u32,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// The part of a desktop that shows notifications (Desktop Notifications Specification 1.2).
pub(crate) struct Notifications {
    connection: Connection,
    shown: mpsc::UnboundedReceiver<Shown>,
}

struct Server {
    shown: mpsc::UnboundedSender<Shown>,
    last: u32,
}

#[expect(
    clippy::too_many_arguments,
    clippy::unused_self,
    reason = "the specification's methods, and the macro's way with them"
)]
#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn notify(
        &mut self,
        _app: &str,
        _replaces: u32,
        _icon: &str,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, Value<'_>>,
        _expires: i32,
    ) -> u32 {
        self.last += 1;
        // The test may be over.
        let _ = self.shown.send(Shown { id: self.last, title: summary, text: body });
        self.last
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".into(), "body".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "test".into(), "1".into(), "1.2".into())
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;
}

impl Notifications {
    /// Shows notifications in this session.
    pub(crate) async fn start(session: &Session) -> anyhow::Result<Self> {
        let (sender, shown) = mpsc::unbounded_channel();
        let connection = session
            .bus()?
            .name("org.freedesktop.Notifications")?
            .serve_at(PATH, Server { shown: sender, last: 0 })?
            .build()
            .await?;
        Ok(Self { connection, shown })
    }

    /// The next notification.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Shown> {
        let next = tokio::time::timeout(PATIENCE, self.shown.recv()).await;
        next.context("nothing was notified")?.context("nobody notifies any more")
    }

    /// Those that were shown and not yet looked at.
    pub(crate) fn more(&mut self) -> Vec<Shown> {
        std::iter::from_fn(|| self.shown.try_recv().ok()).collect()
    }

    /// Somebody clicks a notification.
    pub(crate) async fn click(&self, id: u32) -> anyhow::Result<()> {
        let emitter = SignalEmitter::new(&self.connection, PATH)?;
        Ok(Server::action_invoked(&emitter, id, "default").await?)
    }
}
