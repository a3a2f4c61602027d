//! Settings: a flag beats an environment variable beats the file beats the default.
//!
//! [`table`] says which there are; reading, showing, changing and the documentation all go by it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sync_monitor_domain::retry::Schedule;
use toml::de::{DeTable, DeValue};

mod edit;
mod file;
mod list;
mod table;
mod value;

pub use value::listen_address;

pub use file::File;
pub use list::Origin;
use table::{SETTINGS, Setting};
use value::Value;

/// An environment variable's name is this and the setting's in upper case, with `_` for `.`.
const ENV_PREFIX: &str = "SYNC_MONITOR_";

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// In the operating system's keychain.
    Keychain,
    /// In an encrypted file in the data folder.
    File,
}

/// Every setting, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `secrets`
    pub secrets: Secrets,
    /// `retry.schedule`: the waits before each attempt.
    pub schedule: Schedule,
    /// `delivery.concurrency_per_org`: requests at a time.
    pub concurrency_per_org: u32,
    /// `delivery.connect_timeout`
    pub connect_timeout: Duration,
    /// `delivery.request_timeout`: the whole request.
    pub request_timeout: Duration,
    /// `delivery.probe_interval`: between two probes of an org that does not answer.
    pub probe_interval: Duration,
    /// `pull.api_share_percent`: the share of an org's daily API allowance at which reading its changes stops.
    pub pull_share: u32,
    /// `listener.address`
    pub address: SocketAddr,
    /// `listener.rate_limit_per_minute`: payloads of one token.
    pub rate_limit_per_minute: u32,
    /// `listener.allowed_hosts`: names by which this machine may be asked, other than those of loopback.
    pub allowed_hosts: Vec<String>,
    /// `oauth.redirect_port`: where the browser comes back to after a sign-in.
    pub redirect_port: u16,
    /// `oauth.client_id`: the app to sign in with where no other is named.
    pub client_id: String,
    /// `salesforce.cli`: the Salesforce CLI's program.
    pub cli: String,
    /// `retention.synced_days`, as a duration.
    pub synced_retention: Duration,
    /// `retention.transaction_days`, as a duration.
    pub transaction_retention: Duration,
    /// `desktop.notify_failures`
    pub notify_failures: bool,
    /// `desktop.notify_sign_in`
    pub notify_sign_in: bool,
    /// `desktop.close_to_tray`
    pub close_to_tray: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secrets: Secrets::Keychain,
            schedule: Schedule::default(),
            concurrency_per_org: 4,
            connect_timeout: 10 * SECOND,
            request_timeout: 120 * SECOND,
            probe_interval: 30 * SECOND,
            pull_share: 80,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7437)),
            rate_limit_per_minute: 6_000,
            allowed_hosts: Vec::new(),
            redirect_port: 1717,
            client_id: sync_monitor_salesforce::DEFAULT_CLIENT_ID.to_owned(),
            cli: sync_monitor_salesforce::Settings::default().cli.to_string_lossy().into_owned(),
            synced_retention: 30 * DAY,
            transaction_retention: 30 * DAY,
            notify_failures: true,
            notify_sign_in: true,
            close_to_tray: true,
        }
    }
}

/// Why there are no settings to start with. `Display` says what happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there but cannot be read, or it was asked for and is not there.
    #[error("The settings in {path} cannot be read: {source}. Check the path and that you may read it.")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path}, line {line}: this is not TOML: {why}. Correct the line.")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The parser's words.
        why: String,
    },
    /// There is no such setting.
    #[error(
        "{place}: there is no setting `{name}`. Known are: {known}. Correct the name, or take it out: a newer version of Sync Monitor may have known it."
    )]
    Unknown {
        /// Where it stands.
        place: String,
        /// As found.
        name: String,
        /// The settings that might be meant.
        known: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{place}: `{name}` cannot be used: {why}. Correct it, or take it out to get the default.")]
    Wrong {
        /// Where it stands.
        place: String,
        /// Which setting.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be written.
    #[error(
        "The settings in {path} cannot be written: {source}. Check that you may write there and that there is room on the disk. Nothing was changed."
    )]
    Write {
        /// Which file.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// The platform tells no folder for settings.
    #[error(
        "This user has no home folder, so there is no place to look for settings. Name a file with --config, or a data folder with --data-dir."
    )]
    NoHome,
}

/// The value of an environment variable, if there is one.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where the settings come from, one over the other.
pub struct Sources {
    /// Where nothing else is said.
    pub defaults: Config,
    /// The file.
    pub file: File,
    /// The environment's variables.
    pub environment: Environment,
    /// A setting's name, and its value as an environment variable would write it.
    pub flags: Vec<(String, String)>,
}

/// The settings as their sources have them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Loaded {
    config: Config,
    /// Where each has its value from, in the order of the table.
    origins: Vec<Origin>,
}

impl Sources {
    /// Reads the settings: over the defaults the file's, over them the environment's, over them the flags.
    ///
    /// # Errors
    /// [`Error`], at the first setting that is unknown or wrong.
    pub fn load(&self) -> Result<Config, Error> {
        self.read(&self.file.read()?)
    }

    /// The settings as they would be with this text in the file.
    ///
    /// # Errors
    /// As [`Sources::load`].
    pub fn read(&self, text: &str) -> Result<Config, Error> {
        Ok(self.judge(text)?.config)
    }

    /// The folder of the file.
    pub(crate) fn folder(&self) -> &Path {
        self.file.path().parent().unwrap_or(self.file.path())
    }

    /// What the settings are with this text in the file.
    fn judge(&self, text: &str) -> Result<Loaded, Error> {
        let origins = vec![Origin::Default; SETTINGS.len()];
        let mut loaded = Loaded { config: self.defaults.clone(), origins };
        loaded.read_file(self.file.path(), text)?;
        for setting in SETTINGS {
            let variable = variable(setting.name);
            if let Some(text) = (self.environment)(&variable) {
                let place = format!("The environment variable {variable}");
                loaded.set(setting, &Value::Line(text), place, Origin::Environment)?;
            }
        }
        for (name, text) in &self.flags {
            let place = "The command line".to_owned();
            let Some(setting) = table::find(name) else {
                return Err(Error::Unknown { place, name: name.clone(), known: known("") });
            };
            loaded.set(setting, &Value::Line(text.clone()), place, Origin::Flag)?;
        }
        Ok(loaded)
    }
}

/// The environment variable of a setting.
fn variable(name: &str) -> String {
    format!("{ENV_PREFIX}{}", name.replace('.', "_").to_uppercase())
}

impl Loaded {
    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let table = DeTable::parse(text).map_err(|error| Error::Syntax {
            path: path.to_owned(),
            line: line(text, error.span().map_or(0, |span| span.start)),
            why: error.message().to_owned(),
        })?;
        self.read_table(path, text, "", table.get_ref())
    }

    fn read_table(
        &mut self,
        path: &Path,
        text: &str,
        prefix: &str,
        table: &DeTable<'_>,
    ) -> Result<(), Error> {
        // In the order of the file, so that the first mistake is told first.
        let mut members: Vec<_> = table.iter().collect();
        members.sort_by_key(|(name, _)| name.span().start);
        for (key, value) in members {
            let name = format!("{prefix}{}", key.get_ref());
            let place = format!("{}, line {}", path.display(), line(text, key.span().start));
            if let Some(setting) = table::find(&name) {
                self.set(setting, &Value::from(value.get_ref()), place, Origin::File)?;
                continue;
            }
            let inner = format!("{name}.");
            let is_group = SETTINGS.iter().any(|setting| setting.name.starts_with(&inner));
            match value.get_ref() {
                DeValue::Table(table) if is_group => self.read_table(path, text, &inner, table)?,
                _ if is_group => {
                    let why = format!("it is a group of settings, written as [{name}]");
                    return Err(Error::Wrong { place, name, why });
                }
                _ => return Err(Error::Unknown { place, name, known: known(prefix) }),
            }
        }
        Ok(())
    }

    fn set(&mut self, setting: &Setting, value: &Value, place: String, from: Origin) -> Result<(), Error> {
        setting.kind.set(&mut self.config, value).map_err(|why| Error::Wrong {
            place,
            name: setting.name.to_owned(),
            why: format!("{why}; it must be {}", setting.kind.must_be()),
        })?;
        if let Some(index) = SETTINGS.iter().position(|known| known.name == setting.name) {
            self.origins[index] = from;
        }
        Ok(())
    }
}

/// The settings of a group, or all of them.
fn known(prefix: &str) -> String {
    let names: Vec<&str> =
        SETTINGS.iter().map(|setting| setting.name).filter(|name| name.starts_with(prefix)).collect();
    names.join(", ")
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
