//! A setting's value, from the file or from one line of text, and what it can be read as.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

/// What a setting was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// From the environment or the command line, where everything is text and lists are joined by commas.
    Line(String),
    /// A text in the file.
    Text(String),
    /// A number in the file, as written.
    Number(String),
    /// A list of texts in the file.
    List(Vec<String>),
    /// Something in the file that no setting takes, by its name in TOML.
    Other(&'static str),
}

impl From<&DeValue<'_>> for Value {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Self::Number(number.as_str().replace('_', ""))
            }
            DeValue::Array(list) => {
                let texts: Option<Vec<String>> =
                    list.iter().map(|v| v.get_ref().as_str().map(str::to_owned)).collect();
                texts.map_or(Self::Other("list of other things than texts"), Self::List)
            }
            other => Self::Other(other.type_str()),
        }
    }
}

impl Value {
    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Line(text) | Self::Text(text) => Ok(text),
            other => Err(format!("it must be a text in quotes, not {}", other.kind())),
        }
    }

    /// A text that is not empty.
    pub(super) fn name(&self) -> Result<String, String> {
        match self.text()?.trim() {
            "" => Err("it must not be empty".to_owned()),
            name => Ok(name.to_owned()),
        }
    }

    /// A whole number in the range.
    pub(super) fn number<T>(&self, range: RangeInclusive<u32>) -> Result<T, String>
    where
        T: TryFrom<u32>,
    {
        let (least, most) = range.clone().into_inner();
        let out_of_range = || format!("it must be a whole number from {least} to {most}");
        let (Self::Line(text) | Self::Number(text)) = self else {
            return Err(format!("{}, not {}", out_of_range(), self.kind()));
        };
        let number =
            text.trim().parse().ok().filter(|number| range.contains(number)).ok_or_else(out_of_range)?;
        T::try_from(number).map_err(|_| out_of_range())
    }

    /// A number of days.
    pub(super) fn days(&self) -> Result<Duration, String> {
        self.number(1..=3_650).map(|days: u32| super::DAY * days)
    }

    /// A duration longer than nothing, at most `most`.
    pub(super) fn duration(&self, most: Duration) -> Result<Duration, String> {
        let text = self.text()?;
        let duration = parse_duration(text)?;
        if duration.is_zero() || duration > most {
            return Err(format!(
                "{text:?} is too short or too long; it must be more than nothing and at most a day"
            ));
        }
        Ok(duration)
    }

    pub(super) fn durations(&self) -> Result<Vec<Duration>, String> {
        self.list()?.iter().map(|text| parse_duration(text)).collect()
    }

    /// An address to listen at.
    pub(super) fn address(&self) -> Result<SocketAddr, String> {
        let text = self.text()?;
        let port_of_localhost = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        port_of_localhost
            .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .or_else(|| text.parse().ok())
            .ok_or_else(|| {
                format!("{text:?} is not an address with a port; write it like \"127.0.0.1:7437\"")
            })
    }

    /// Names of hosts, without scheme and port.
    pub(super) fn hosts(&self) -> Result<Vec<String>, String> {
        let hosts = self.list()?;
        let is_name = |host: &str| {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        };
        match hosts.iter().find(|host| !is_name(host)) {
            None => Ok(hosts),
            Some(host) => {
                Err(format!("{host:?} is not the name of a host; write it without scheme and port"))
            }
        }
    }

    fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(texts) => Ok(texts.clone()),
            Self::Line(line) if line.trim().is_empty() => Ok(Vec::new()),
            Self::Line(line) => Ok(line.split(',').map(|text| text.trim().to_owned()).collect()),
            other => Err(format!("it must be a list of texts, like [\"a\", \"b\"], not {}", other.kind())),
        }
    }

    fn kind(&self) -> String {
        match self {
            Self::Line(_) | Self::Text(_) => "a text".to_owned(),
            Self::Number(_) => "a number".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(name) => format!("a {name}"),
        }
    }
}

/// `500ms`, `30s`, `2m`, `1h`, `7d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let malformed = || format!("{text:?} is not a duration; write it like \"30s\", with ms, s, m, h or d");
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text.trim()[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60 * 1_000,
        "h" => 60 * 60 * 1_000,
        "d" => 24 * 60 * 60 * 1_000,
        _ => return Err(malformed()),
    };
    let number: u64 = digits.parse().map_err(|_| malformed())?;
    number.checked_mul(unit).map(Duration::from_millis).ok_or_else(malformed)
}
