//! A setting's value, from the file or from one line of text, and what it can be read as.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value as Json;
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
    /// Yes or no in the file.
    Flag(bool),
    /// A list of texts in the file.
    List(Vec<String>),
    /// Something that no setting takes, by its name.
    Other(&'static str),
}

const MIXED_LIST: &str = "list of other things than texts";

impl From<&DeValue<'_>> for Value {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Self::Number(number.as_str().replace('_', ""))
            }
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Array(list) => Self::list_of(list.iter().map(|value| value.get_ref().as_str())),
            other => Self::Other(other.type_str()),
        }
    }
}

impl From<&Json> for Value {
    fn from(value: &Json) -> Self {
        match value {
            Json::String(text) => Self::Text(text.clone()),
            Json::Number(number) if number.is_i64() || number.is_u64() => Self::Number(number.to_string()),
            Json::Number(_) => Self::Other("number with a fraction"),
            Json::Bool(flag) => Self::Flag(*flag),
            Json::Array(list) => Self::list_of(list.iter().map(Json::as_str)),
            Json::Object(_) => Self::Other("group of values"),
            Json::Null => Self::Other("null"),
        }
    }
}

impl Value {
    fn list_of<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        let texts: Option<Vec<String>> = texts.map(|text| text.map(str::to_owned)).collect();
        texts.map_or(Self::Other(MIXED_LIST), Self::List)
    }

    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Line(text) | Self::Text(text) => Ok(text),
            other => Err(other.kind()),
        }
    }

    /// A text that is not empty.
    pub(super) fn name(&self) -> Result<String, String> {
        match self.text()?.trim() {
            "" => Err("it is empty".to_owned()),
            name => Ok(name.to_owned()),
        }
    }

    /// A whole number in the range.
    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, String> {
        let (Self::Line(text) | Self::Number(text)) = self else { return Err(self.kind()) };
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("it is {text}"))
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, String> {
        match self {
            Self::Flag(flag) => Ok(*flag),
            Self::Line(text) => text.trim().parse().map_err(|_| format!("it is {text:?}")),
            other => Err(other.kind()),
        }
    }

    /// A duration longer than nothing, at most `most`.
    pub(super) fn duration(&self, most: Duration) -> Result<Duration, String> {
        let text = self.text()?;
        let duration = parse_duration(text)?;
        if duration.is_zero() || duration > most {
            return Err(format!("{text:?} is too short or too long"));
        }
        Ok(duration)
    }

    pub(super) fn durations(&self) -> Result<Vec<Duration>, String> {
        self.list()?.iter().map(|text| parse_duration(text)).collect()
    }

    /// An address to listen at.
    pub(super) fn address(&self) -> Result<SocketAddr, String> {
        listen_address(self.text()?)
    }

    /// Names of hosts, without scheme and port.
    pub(super) fn hosts(&self) -> Result<Vec<String>, String> {
        let hosts = self.list()?;
        let is_name = |host: &str| {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        };
        match hosts.iter().find(|host| !is_name(host)) {
            None => Ok(hosts),
            Some(host) => Err(format!("{host:?} is not the name of a host")),
        }
    }

    fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(texts) => Ok(texts.clone()),
            Self::Line(line) if line.trim().is_empty() => Ok(Vec::new()),
            Self::Line(line) => Ok(line.split(',').map(|text| text.trim().to_owned()).collect()),
            other => Err(other.kind()),
        }
    }

    /// Of what kind it is, as the beginning of a sentence.
    fn kind(&self) -> String {
        match self {
            Self::Line(_) | Self::Text(_) => "it is a text".to_owned(),
            Self::Number(_) => "it is a number".to_owned(),
            Self::Flag(_) => "it is a boolean".to_owned(),
            Self::List(_) => "it is a list".to_owned(),
            Self::Other(name) => format!("it is a {name}"),
        }
    }
}

/// `500ms`, `30s`, `2m`, `1h`, `7d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let malformed = || format!("{text:?} is not a duration");
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

/// The shortest way to write a duration.
pub(super) fn write_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(24 * 60 * 60 * 1_000, "d"), (60 * 60 * 1_000, "h"), (60 * 1_000, "m"), (1_000, "s")];
    // A day reads better than hours only where there are several.
    let fits = |(unit, name): &&(u128, &str)| {
        millis > 0 && millis.is_multiple_of(*unit) && (*name != "d" || millis > *unit)
    };
    match units.iter().find(fits) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// An address to listen at: an IP address or `localhost`, with a port.
///
/// # Errors
/// For a person, when it is none.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let port_of_localhost = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    port_of_localhost
        .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| format!("{text:?} is not an address with a port"))
}
