//! Writing down what people do with the program itself.

use sync_monitor_store::Entry;

use crate::model::Actor;
use crate::{Engine, Error};

impl Engine {
    /// Writes into the activity log what somebody did, and to what.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note(&self, action: &'static str, subject: &str, actor: &Actor) -> Result<(), Error> {
        let entry = Entry::new(self.clock().now(), actor, action).subject(subject);
        Ok(self.inner.tools.store.note(entry).await?)
    }
}
