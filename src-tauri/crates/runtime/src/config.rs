//! Settings: a flag beats an environment variable beats the file beats the default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sync_monitor_domain::retry::Schedule;
use toml::de::{DeTable, DeValue};

mod value;

use value::Value;

/// The file's name, in the folder of settings or in the data folder.
const FILE_NAME: &str = "config.toml";
/// The folder of settings, in the platform's.
const FOLDER: &str = "sync-monitor";
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
    pub concurrency_per_org: usize,
    /// `delivery.connect_timeout`
    pub connect_timeout: Duration,
    /// `delivery.request_timeout`: the whole request.
    pub request_timeout: Duration,
    /// `delivery.probe_interval`: between two probes of an org that does not answer.
    pub probe_interval: Duration,
    /// `pull.api_share_percent`: the share of an org's daily API allowance at which reading its changes stops.
    pub pull_share: u8,
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
    /// `salesforce.cli`: the Salesforce CLI's program; `None`: by its usual name.
    pub cli: Option<String>,
    /// `retention.synced_days`, as a duration.
    pub synced_retention: Duration,
    /// `retention.transaction_days`, as a duration.
    pub transaction_retention: Duration,
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
            cli: None,
            synced_retention: 30 * DAY,
            transaction_retention: 30 * DAY,
        }
    }
}

/// Puts a value into its place, or says why it cannot be used.
type Set = fn(&mut Config, &Value) -> Result<(), String>;

/// Every setting there is.
const SETTINGS: &[(&str, Set)] = &[
    ("secrets", |config, value| {
        config.secrets = match value.text()? {
            "keychain" => Secrets::Keychain,
            "file" => Secrets::File,
            other => {
                return Err(format!(
                    "{other:?} is not a place for secrets; it must be \"keychain\" or \"file\""
                ));
            }
        };
        Ok(())
    }),
    ("retry.schedule", |config, value| {
        config.schedule = Schedule::new(value.durations()?).map_err(|error| error.to_string())?;
        Ok(())
    }),
    ("delivery.concurrency_per_org", |config, value| {
        config.concurrency_per_org = value.number(1..=64)?;
        Ok(())
    }),
    ("delivery.connect_timeout", |config, value| value.duration(DAY).map(|d| config.connect_timeout = d)),
    ("delivery.request_timeout", |config, value| value.duration(DAY).map(|d| config.request_timeout = d)),
    ("delivery.probe_interval", |config, value| value.duration(DAY).map(|d| config.probe_interval = d)),
    ("pull.api_share_percent", |config, value| {
        config.pull_share = value.number(1..=100)?;
        Ok(())
    }),
    ("listener.address", |config, value| value.address().map(|address| config.address = address)),
    ("listener.rate_limit_per_minute", |config, value| {
        config.rate_limit_per_minute = value.number(1..=1_000_000)?;
        Ok(())
    }),
    ("listener.allowed_hosts", |config, value| value.hosts().map(|hosts| config.allowed_hosts = hosts)),
    ("oauth.redirect_port", |config, value| {
        config.redirect_port = value.number(1..=65_535)?;
        Ok(())
    }),
    ("oauth.client_id", |config, value| value.name().map(|name| config.client_id = name)),
    ("salesforce.cli", |config, value| value.name().map(|name| config.cli = Some(name))),
    ("retention.synced_days", |config, value| value.days().map(|days| config.synced_retention = days)),
    ("retention.transaction_days", |config, value| {
        value.days().map(|days| config.transaction_retention = days)
    }),
];

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
    #[error("{place}: there is no setting `{name}`. Known are: {known}. Correct the name, or take it out.")]
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
    /// The platform tells no folder for settings.
    #[error(
        "This user has no home folder, so there is no place to look for settings. Name a file with --config, or a data folder with --data-dir."
    )]
    NoHome,
}

/// Where the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    path: PathBuf,
    /// A file that was asked for must be there; one in the usual place need not.
    required: bool,
}

impl File {
    /// The file that was asked for, else the one in the data folder that was asked for, else the user's.
    ///
    /// # Errors
    /// [`Error::NoHome`]
    pub fn find(asked: Option<&Path>, data_dir: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = asked {
            return Ok(Self { path: path.to_owned(), required: true });
        }
        let folder = if let Some(folder) = data_dir {
            folder.to_owned()
        } else {
            use etcetera::BaseStrategy as _;
            etcetera::base_strategy::choose_native_strategy()
                .map_err(|_| Error::NoHome)?
                .config_dir()
                .join(FOLDER)
        };
        Ok(Self { path: folder.join(FILE_NAME), required: false })
    }

    fn read(&self) -> Result<String, Error> {
        match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.required => Ok(String::new()),
            read => read.map_err(|source| Error::Read { path: self.path.clone(), source }),
        }
    }
}

impl Config {
    /// Reads the settings: over the defaults the file's, over them the environment's, over them `flags` (a setting's name
    /// and its value as an environment variable would write it).
    ///
    /// # Errors
    /// [`Error`], at the first setting that is unknown or wrong.
    pub fn load(
        defaults: Self,
        file: &File,
        environment: impl Fn(&str) -> Option<String>,
        flags: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut config = defaults;
        config.read_file(&file.path, &file.read()?)?;
        for (name, set) in SETTINGS {
            let variable = format!("{ENV_PREFIX}{}", name.replace('.', "_").to_uppercase());
            if let Some(text) = environment(&variable) {
                let place = format!("The environment variable {variable}");
                config.set(*set, name, &Value::Line(text), place)?;
            }
        }
        for (name, text) in flags {
            let place = "The command line".to_owned();
            let Some((_, set)) = SETTINGS.iter().find(|(known, _)| known == name) else {
                return Err(Error::Unknown { place, name: name.clone(), known: known("") });
            };
            config.set(*set, name, &Value::Line(text.clone()), place)?;
        }
        Ok(config)
    }

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
            if let Some((_, set)) = SETTINGS.iter().find(|(known, _)| *known == name) {
                self.set(*set, &name, &Value::from(value.get_ref()), place)?;
                continue;
            }
            let inner = format!("{name}.");
            let is_group = SETTINGS.iter().any(|(known, _)| known.starts_with(&inner));
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

    fn set(&mut self, set: Set, name: &str, value: &Value, place: String) -> Result<(), Error> {
        set(self, value).map_err(|why| Error::Wrong { place, name: name.to_owned(), why })
    }
}

/// The settings of a group, or all of them.
fn known(prefix: &str) -> String {
    let names: Vec<&str> =
        SETTINGS.iter().map(|(name, _)| *name).filter(|name| name.starts_with(prefix)).collect();
    names.join(", ")
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
