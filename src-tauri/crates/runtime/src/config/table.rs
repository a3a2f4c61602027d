//! Every setting there is: its name, what it is for, what it may be, when it takes effect.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value as Json, json};
use sync_monitor_api::program::Effect;
use sync_monitor_domain::retry::Schedule;

use super::value::{Value, write_duration};
use super::{Config, DAY, Secrets};

/// A setting.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What it is for, as sentences for an admin.
    pub(super) description: &'static str,
    pub(super) effect: Effect,
    /// May its value name people or machines? Then it stays out of what is given to others.
    pub(super) private: bool,
    pub(super) kind: Kind,
}

/// Where a setting stands.
type At<T> = fn(&mut Config) -> &mut T;

/// What a setting may be, and where it stands.
pub(super) enum Kind {
    Secrets(At<Secrets>),
    Schedule(At<Schedule>),
    Number(RangeInclusive<u32>, At<u32>),
    Port(At<u16>),
    /// Longer than nothing, at most a day.
    Wait(At<Duration>),
    /// A number of days.
    Days(At<Duration>),
    Address(At<SocketAddr>),
    Hosts(At<Vec<String>>),
    Text(At<String>),
    Flag(At<bool>),
}

const MOST_DAYS: u32 = 3_650;

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

impl Kind {
    /// What it must be, after "it must be".
    pub(super) fn must_be(&self) -> String {
        match self {
            Self::Secrets(_) => "\"keychain\" or \"file\"".to_owned(),
            Self::Schedule(_) => {
                "a list of 1 to 20 waits of at most 30 days, like [\"0s\", \"30s\", \"2m\"] (ms, s, m, h or d)".to_owned()
            }
            Self::Number(range, _) => format!("a whole number from {} to {}", range.start(), range.end()),
            Self::Port(_) => format!("a whole number from 1 to {}", u16::MAX),
            Self::Wait(_) => "a duration of more than nothing and at most a day, like \"30s\" (ms, s, m, h or d)".to_owned(),
            Self::Days(_) => format!("a whole number of days from 1 to {MOST_DAYS}"),
            Self::Address(_) => "an address with a port, like \"127.0.0.1:7437\"; port 0 picks one".to_owned(),
            Self::Hosts(_) => {
                "a list of names of hosts, without scheme and port, like [\"relay.example.com\"]".to_owned()
            }
            Self::Text(_) => "a text that is not empty".to_owned(),
            Self::Flag(_) => "true or false".to_owned(),
        }
    }

    /// Puts a value into its place, or says what is wrong with it.
    pub(super) fn set(&self, config: &mut Config, value: &Value) -> Result<(), String> {
        match self {
            Self::Secrets(at) => {
                *at(config) = match value.text()? {
                    "keychain" => Secrets::Keychain,
                    "file" => Secrets::File,
                    other => return Err(format!("{other:?} is not a place for secrets")),
                }
            }
            Self::Schedule(at) => {
                *at(config) = Schedule::new(value.durations()?).map_err(|error| error.to_string())?;
            }
            Self::Number(range, at) => *at(config) = value.number(range.clone())?,
            Self::Port(at) => {
                let port = value.number(1..=u32::from(u16::MAX))?;
                *at(config) = u16::try_from(port).map_err(|error| error.to_string())?;
            }
            Self::Wait(at) => *at(config) = value.duration(DAY)?,
            Self::Days(at) => *at(config) = DAY * value.number(1..=MOST_DAYS)?,
            Self::Address(at) => *at(config) = value.address()?,
            Self::Hosts(at) => *at(config) = value.hosts()?,
            Self::Text(at) => *at(config) = value.name()?,
            Self::Flag(at) => *at(config) = value.flag()?,
        }
        Ok(())
    }

    /// The value that `config` has there.
    pub(super) fn shown(&self, config: &Config) -> Json {
        let config = &mut config.clone();
        match self {
            Self::Secrets(at) => match at(config) {
                Secrets::Keychain => json!("keychain"),
                Secrets::File => json!("file"),
            },
            Self::Schedule(at) => at(config).waits().iter().copied().map(write_duration).collect(),
            Self::Number(_, at) => json!(at(config)),
            Self::Port(at) => json!(at(config)),
            Self::Wait(at) => json!(write_duration(*at(config))),
            Self::Days(at) => json!(at(config).as_secs() / DAY.as_secs()),
            Self::Address(at) => json!(at(config).to_string()),
            Self::Hosts(at) => json!(at(config)),
            Self::Text(at) => json!(at(config)),
            Self::Flag(at) => json!(at(config)),
        }
    }
}

/// Every setting there is, in the order in which they are shown.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "secrets",
        description: "Where the tokens of the orgs are kept: in the operating system's keychain, or in an encrypted file \
            in the data folder. Tokens are not moved: sign in to the orgs again after a change.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Secrets(|config| &mut config.secrets),
    },
    Setting {
        name: "retry.schedule",
        description: "The wait before each attempt of an item, the first included; each counts from the end of the \
            attempt before. An item has as many attempts as there are waits, and then needs a person.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Schedule(|config| &mut config.schedule),
    },
    Setting {
        name: "delivery.concurrency_per_org",
        description: "How many requests to one org may be in flight at a time.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Number(1..=64, |config| &mut config.concurrency_per_org),
    },
    Setting {
        name: "delivery.connect_timeout",
        description: "How long connecting to an org may take.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Wait(|config| &mut config.connect_timeout),
    },
    Setting {
        name: "delivery.request_timeout",
        description: "How long a request to an org may take as a whole.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Wait(|config| &mut config.request_timeout),
    },
    Setting {
        name: "delivery.probe_interval",
        description: "How long after a failed probe an org that does not answer is probed again.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Wait(|config| &mut config.probe_interval),
    },
    Setting {
        name: "pull.api_share_percent",
        description: "The share of an org's daily API allowance, whoever used it, at which the program stops reading the \
            changes of an org that has only Delivery Hub's package. It goes on when less is used.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Number(1..=100, |config| &mut config.pull_share),
    },
    Setting {
        name: "listener.address",
        description: "Where changes are taken and the API answers. An address other than one of loopback can be reached \
            by other machines: put a proxy with TLS in front of it.",
        effect: Effect::NextStart,
        private: true,
        kind: Kind::Address(|config| &mut config.address),
    },
    Setting {
        name: "listener.rate_limit_per_minute",
        description: "How many payloads a minute each integration token may send; what is over that is answered 429.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Number(1..=1_000_000, |config| &mut config.rate_limit_per_minute),
    },
    Setting {
        name: "listener.allowed_hosts",
        description: "The names by which this machine may be asked, besides those of loopback and the address it listens at.",
        effect: Effect::NextStart,
        private: true,
        kind: Kind::Hosts(|config| &mut config.allowed_hosts),
    },
    Setting {
        name: "oauth.redirect_port",
        description: "The port of this machine to which the browser comes back after a sign-in. The app that is signed in \
            with must allow http://localhost:PORT/OauthRedirect.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Port(|config| &mut config.redirect_port),
    },
    Setting {
        name: "oauth.client_id",
        description: "The client ID of the External Client App to sign in with where no other is named. The default is the \
            app of the Salesforce CLI.",
        effect: Effect::NextStart,
        private: true,
        kind: Kind::Text(|config| &mut config.client_id),
    },
    Setting {
        name: "salesforce.cli",
        description: "The Salesforce CLI's program, by name or path.",
        effect: Effect::NextStart,
        private: true,
        kind: Kind::Text(|config| &mut config.cli),
    },
    Setting {
        name: "retention.synced_days",
        description: "How many days synced and superseded items are kept. Failed items are kept until somebody decides.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Days(|config| &mut config.synced_retention),
    },
    Setting {
        name: "retention.transaction_days",
        description: "How many days a transactionId is remembered, by which repeats and echoes are known.",
        effect: Effect::NextStart,
        private: false,
        kind: Kind::Days(|config| &mut config.transaction_retention),
    },
    Setting {
        name: "desktop.notify_failures",
        description: "Whether the desktop tells of items that failed.",
        effect: Effect::AtOnce,
        private: false,
        kind: Kind::Flag(|config| &mut config.notify_failures),
    },
    Setting {
        name: "desktop.notify_sign_in",
        description: "Whether the desktop tells of an org that needs a sign-in.",
        effect: Effect::AtOnce,
        private: false,
        kind: Kind::Flag(|config| &mut config.notify_sign_in),
    },
    Setting {
        name: "desktop.close_to_tray",
        description: "Whether the program goes on in the tray when its window is closed.",
        effect: Effect::AtOnce,
        private: false,
        kind: Kind::Flag(|config| &mut config.close_to_tray),
    },
];
