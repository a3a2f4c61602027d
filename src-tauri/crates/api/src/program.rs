//! What the listener asks of the program around it, which it does not know: its settings, its store as a file, its log.
//!
//! Whoever starts a listener hands in a [`Program`]. Its functions may look at files and take a while; they are called where
//! that holds nobody up.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sync_monitor_domain::Millis;
use utoipa::ToSchema;

use crate::schema;

/// The program around the listener.
pub trait Program: Send + Sync {
    /// The settings, as they are now.
    ///
    /// # Errors
    /// When they cannot be read.
    fn settings(&self) -> Result<Settings, Trouble>;

    /// Changes settings, all of them or none; `null` takes one back to its default.
    ///
    /// # Errors
    /// When one is unknown or wrong ([`Trouble::Wrong`]), is set where it beats the file ([`Trouble::Refused`]), or when
    /// they cannot be written.
    fn change_settings(&self, changes: &BTreeMap<String, Value>) -> Result<Settings, Trouble>;

    /// How much there is in the store.
    ///
    /// # Errors
    /// When it cannot be read.
    fn store(&self) -> Result<StoreFacts, Trouble>;

    /// Looks for what is wrong with the store.
    ///
    /// # Errors
    /// When it cannot be looked at.
    fn check_store(&self) -> Result<StoreCheck, Trouble>;

    /// Copies the store to a file, `None`: in the usual place; what is there is never written over.
    ///
    /// # Errors
    /// [`Trouble::Refused`] for a place that is taken or not there, [`Trouble::NoRoom`], or when it fails.
    fn back_up_store(&self, to: Option<&Path>) -> Result<Backup, Trouble>;

    /// What is logged, and the last of it.
    fn log(&self) -> Log;

    /// Changes what is logged, until the program ends.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for a level that there is not.
    fn set_log_level(&self, level: &str) -> Result<(), Trouble>;

    /// The newest crash that nobody has seen.
    fn crash(&self) -> Option<Crash>;

    /// Notes that somebody has seen it.
    ///
    /// # Errors
    /// When that cannot be written down.
    fn see_crash(&self) -> Result<(), Trouble>;

    /// What support may know of the program, without `names`, which are private, and without those that it knows itself to
    /// be so.
    fn diagnostics(&self, names: Vec<String>) -> Surroundings;
}

/// Why the program could not do what it was asked to. The text is for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It makes no sense.
    Wrong(String),
    /// It cannot be done as things stand.
    Refused(String),
    /// There is not enough room on the disk.
    NoRoom(String),
    /// It failed.
    Failed(String),
}

impl Trouble {
    /// What it says.
    pub fn into_text(self) -> String {
        match self {
            Self::Wrong(text) | Self::Refused(text) | Self::NoRoom(text) | Self::Failed(text) => text,
        }
    }
}

/// Every setting.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Settings {
    /// The file they are written to, whether it is there or not.
    pub file: String,
    /// In the order in which they are shown.
    pub settings: Vec<Setting>,
}

/// A setting. Values are texts, numbers, booleans, or lists of texts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Like `retry.schedule`.
    pub name: &'static str,
    /// What it is.
    #[schema(value_type = schema::AnyJson)]
    pub value: Value,
    /// What it is where nothing is said.
    #[schema(value_type = schema::AnyJson)]
    pub default: Value,
    /// Where its value comes from.
    pub source: Origin,
    /// What it is for, for an admin.
    pub description: &'static str,
    /// What it must be, like "a whole number from 1 to 64".
    pub must_be: String,
    /// When a change takes effect.
    pub effect: Effect,
    /// Does the program still go by another value, until it is started again?
    pub pending: bool,
}

/// Where a setting has its value from; each beats those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// From nowhere.
    Default,
    /// From the file.
    File,
    /// From an environment variable.
    Environment,
    /// From the command line.
    Flag,
}

/// When a change of a setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// At once.
    AtOnce,
    /// When the program is started the next time.
    NextStart,
}

/// The store as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreFacts {
    /// Where it is.
    pub path: String,
    /// The size of the file.
    pub bytes: u64,
    /// The size of the log beside it, which is folded into it from time to time.
    pub wal_bytes: u64,
    /// The version of its schema.
    pub schema_version: i64,
    /// How many items it holds.
    pub items: u64,
    /// How many transactions it remembers.
    pub transactions: u64,
    /// When the oldest item was accepted.
    #[schema(value_type = Option<schema::Time>)]
    pub oldest_item_at: Option<Millis>,
}

/// What was found when the store was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreCheck {
    /// Is it sound?
    pub ok: bool,
    /// What is wrong with it, each for a person.
    pub problems: Vec<String>,
}

/// The log of the program, without tokens, users and hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Log {
    /// What is logged: a level, or a filter like `info,sync_monitor_engine=debug`.
    pub level: String,
    /// The folder of its files.
    pub folder: String,
    /// Its last lines, the oldest first.
    pub lines: Vec<String>,
}

/// A part of the program that failed where it must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Crash {
    /// The file of the report.
    pub path: String,
    /// Where it failed and with what.
    pub summary: String,
    /// What support needs of it, without tokens, users and hosts.
    pub report: String,
}

/// A copy of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Backup {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// What support may know of the program around the listener. What could not be found out says why in its place.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Surroundings {
    /// The operating system.
    pub os: Os,
    /// The settings, without values that may name people or machines.
    pub settings: Found<Vec<RedactedSetting>>,
    /// The store, without where it is.
    pub store: Found<RedactedStore>,
    /// The report of the last crash, if nobody has seen it.
    pub crash: Option<String>,
    /// The last lines of the log, the oldest first.
    pub log: Vec<String>,
}

/// Something, or why it could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Found<T> {
    /// It.
    This(T),
    /// Why not.
    Not {
        /// For a person.
        problem: String,
    },
}

/// The operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Os {
    /// Like `linux`.
    pub kind: &'static str,
    /// Like `x86_64`.
    pub arch: &'static str,
    /// Like `Debian GNU/Linux 12 (bookworm)`.
    pub name: Option<String>,
}

/// A setting's value for somebody else's eyes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RedactedSetting {
    /// Like `retry.schedule`.
    pub name: &'static str,
    /// What it is, or that it is not the default.
    #[schema(value_type = schema::AnyJson)]
    pub value: Value,
    /// Where it comes from.
    pub source: Origin,
}

/// The store as a file, without its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedactedStore {
    /// The size of the file.
    pub bytes: u64,
    /// The size of the log beside it.
    pub wal_bytes: u64,
    /// What is free on its disk.
    pub free_bytes: Option<u64>,
    /// The version of its schema.
    pub schema_version: i64,
    /// How many items it holds.
    pub items: u64,
    /// How many transactions it remembers.
    pub transactions: u64,
    /// When the oldest item was accepted.
    #[schema(value_type = Option<schema::Time>)]
    pub oldest_item_at: Option<Millis>,
}
