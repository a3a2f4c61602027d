//! What the listener asks of the program around it, which it does not know: its settings, its store as a file, its log.
//!
//! Whoever starts a listener hands in a [`Program`]. Its functions may look at files and take a while; they are called where
//! that holds nobody up.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

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
}

/// Why the program could not do what it was asked to. The text is for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It makes no sense.
    Wrong(String),
    /// It cannot be done as things stand.
    Refused(String),
    /// It failed.
    Failed(String),
}

/// Every setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// The file they are written to, whether it is there or not.
    pub file: String,
    /// In the order in which they are shown.
    pub settings: Vec<Setting>,
}

/// A setting. Values are texts, numbers, booleans, or lists of texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Like `retry.schedule`.
    pub name: &'static str,
    /// What it is.
    pub value: Value,
    /// What it is where nothing is said.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// At once.
    AtOnce,
    /// When the program is started the next time.
    NextStart,
}
