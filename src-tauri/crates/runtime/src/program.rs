//! What the listener asks of the program around it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sync_monitor_api::program::{
    self, Backup, Found, Os, Program, Settings, StoreCheck, StoreFacts, Trouble,
};
use sync_monitor_domain::clock::Clock;

use crate::care::StoreFile;
use crate::config::{Config, Sources};
use crate::redact::{self, Known};
use crate::telemetry;

/// Variables of the environment that name the user, and what stands in place of their values.
const PRIVATE_VARIABLES: [(&str, &str); 6] = [
    ("HOME", "~"),
    ("USERPROFILE", "~"),
    ("USER", "[user]"),
    ("LOGNAME", "[user]"),
    ("USERNAME", "[user]"),
    ("COMPUTERNAME", "[this machine]"),
];

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

    fn diagnostics(&self, names: Vec<String>) -> program::Surroundings {
        let mut names = Known::new(names);
        for (folder, instead) in
            [(self.store.folder(), "[data folder]"), (self.sources.folder(), "[settings folder]")]
        {
            names.add(folder.display().to_string(), instead);
        }
        for (variable, instead) in PRIVATE_VARIABLES {
            if let Ok(value) = std::env::var(variable) {
                names.add(value, instead);
            }
        }
        if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
            names.add(host.trim().to_owned(), "[this machine]");
        }
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
