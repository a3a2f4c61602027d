//! What the listener asks of the program around it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sync_monitor_api::program::{Backup, Program, Settings, StoreCheck, StoreFacts, Trouble};
use sync_monitor_domain::clock::Clock;

use crate::care::StoreFile;
use crate::config::{Config, Sources};

/// The program around the listener.
pub(crate) struct Surroundings {
    pub(crate) store: StoreFile,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sources: Sources,
    /// What the program was started with.
    pub(crate) in_force: Config,
    /// Held while the settings are read, changed and written: of two changes at once neither is lost.
    pub(crate) changing: Mutex<()>,
}

impl Program for Surroundings {
    fn settings(&self) -> Result<Settings, Trouble> {
        self.sources.list(&self.in_force).map_err(|error| Trouble::Refused(error.to_string()))
    }

    fn change_settings(&self, changes: &BTreeMap<String, Value>) -> Result<Settings, Trouble> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.sources.change(changes, &self.in_force)
    }

    fn store(&self) -> Result<StoreFacts, Trouble> {
        self.store.facts()
    }

    fn check_store(&self) -> Result<StoreCheck, Trouble> {
        self.store.check()
    }

    fn back_up_store(&self, to: Option<&Path>) -> Result<Backup, Trouble> {
        self.store.back_up(to, self.clock.now())
    }
}
