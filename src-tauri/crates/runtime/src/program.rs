//! What the listener asks of the program around it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sync_monitor_api::program::{
    self, Backup, Crash, Found, Log, Os, Program, Settings, StoreCheck, StoreFacts, Trouble,
};
use sync_monitor_domain::clock::Clock;

use crate::care::StoreFile;
use crate::config::{Config, Sources};
use crate::redact::{self, Known};
use crate::telemetry::{self, crash};

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

    fn log(&self) -> Log {
        Log {
            level: telemetry::level().unwrap_or_else(|| "off".to_owned()),
            folder: self.store.folder().join(telemetry::LOGS).display().to_string(),
            lines: telemetry::lines(),
        }
    }

    fn set_log_level(&self, level: &str) -> Result<(), Trouble> {
        telemetry::set_level(level).map_err(|error| Trouble::Wrong(error.to_string()))
    }

    fn crash(&self) -> Option<Crash> {
        crash::unseen(self.store.folder())
    }

    fn see_crash(&self) -> Result<(), Trouble> {
        crash::see(self.store.folder()).map_err(|error| {
            Trouble::Failed(format!("It cannot be written down that the report was seen: {error}."))
        })
    }

    fn diagnostics(&self, names: Vec<String>) -> program::Surroundings {
        let mut names = Known::new(names);
        for (folder, instead) in
            [(self.store.folder(), "[data folder]"), (self.sources.folder(), "[settings folder]")]
        {
            names.add(folder.display().to_string(), instead);
        }
        names.add_this_machines();
        let clean = |text: String| names.hide(&redact::line(&text));
        let found = |problem: String| clean(problem);
        program::Surroundings {
            os: os(),
            settings: self
                .sources
                .redacted()
                .map_or_else(|error| Found::Not { problem: found(error.to_string()) }, Found::This),
            store: self
                .store
                .redacted()
                .map_or_else(|trouble| Found::Not { problem: found(trouble.into_text()) }, Found::This),
            crash: crash::unseen(self.store.folder()).map(|crash| clean(crash.report)),
            log: telemetry::lines().into_iter().map(clean).collect(),
        }
    }
}

fn os() -> Os {
    let about = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = about.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    Os {
        kind: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        name: name.map(|name| name.trim_matches('"').to_owned()),
    }
}
