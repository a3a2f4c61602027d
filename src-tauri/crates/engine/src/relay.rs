//! The pause of the whole relay: nothing is sent to any org until somebody resumes it, or its time is over.

use sync_monitor_domain::clock::Millis;
use tokio::sync::{Mutex, watch};

use crate::model::{Actor, Relay};
use crate::worker::Command;
use crate::{Engine, Error};

/// How it stands with the relay: what the store says, at hand for those who must know at any moment.
#[derive(Default)]
pub(crate) struct Pause {
    state: watch::Sender<Relay>,
    /// Taken by whoever changes it, so that memory and store change in the same order.
    turn: Mutex<()>,
}

impl Pause {
    /// As it is now.
    pub(crate) fn state(&self) -> Relay {
        *self.state.borrow()
    }

    /// Returns when it has changed since `watch` was last looked at.
    pub(crate) fn watch(&self) -> watch::Receiver<Relay> {
        self.state.subscribe()
    }
}

impl Engine {
    /// How it stands with the relay as a whole.
    pub fn relay(&self) -> Relay {
        self.inner.pause.state()
    }

    /// Sends nothing to any org until `until`, or until somebody resumes the relay. What is in flight lands.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a time that has passed, or when the store fails.
    pub async fn pause_relay(&self, until: Option<Millis>, actor: &Actor) -> Result<Relay, Error> {
        let _turn = self.inner.pause.turn.lock().await;
        let now = self.clock().now();
        if let Some(until) = until.filter(|until| *until <= now) {
            return Err(Error::Invalid(format!(
                "The pause would be over already ({until}). Name a later time, or none to pause until somebody resumes."
            )));
        }
        let relay = self.inner.tools.store.pause_relay(until, actor.clone(), now).await?;
        Ok(self.relay_changed(relay))
    }

    /// Sends again to every org that is not paused itself.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_relay(&self, actor: &Actor) -> Result<Relay, Error> {
        let _turn = self.inner.pause.turn.lock().await;
        let relay = self.inner.tools.store.resume_relay(actor.clone(), self.clock().now()).await?;
        Ok(self.relay_changed(relay))
    }

    /// Ends the pause, if its time has come by the wall clock: a pause until six ends at six, whether the program ran or the
    /// machine slept meanwhile.
    pub(crate) async fn end_relay_pause(&self, now: Millis) {
        let _turn = self.inner.pause.turn.lock().await;
        if self.relay().paused_until.is_none_or(|until| now < until) {
            return;
        }
        match self.inner.tools.store.end_relay_pause(now).await {
            Ok(relay) => {
                self.relay_changed(relay);
                tracing::info!("the time of the relay's pause is over; changes are sent again");
            }
            Err(error) => tracing::error!(%error, "the relay's pause could not be ended; trying again"),
        }
    }

    /// Takes the state from the store, before any worker starts.
    pub(crate) async fn load_relay(&self) -> Result<(), Error> {
        let relay = self.inner.tools.store.relay().await?;
        self.inner.pause.state.send_replace(relay);
        Ok(())
    }

    fn relay_changed(&self, relay: Relay) -> Relay {
        // First here, then to the workers: one that starts in between looks here.
        self.inner.pause.state.send_replace(relay);
        self.tell_all(|| Command::RelayPaused(relay.paused));
        self.inner.tools.announce_many();
        relay
    }
}
