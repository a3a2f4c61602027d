//! `sync-monitor relay …`.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::Session;
use crate::args::Relay as Command;
use crate::client::Failure;
use crate::output::time;

/// How it stands with the relay as a whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relay {
    pub(crate) paused: bool,
    pub(crate) paused_until: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    server_time: String,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    let answer = match command {
        Command::Pause { span, until } => {
            let until = match span {
                // By the clock that ends the pause.
                Some(span) => Some(after(&client.get("status").await?.read::<Status>()?.server_time, span)?),
                None => until,
            };
            client.post("relay/pause", Some(&json!({ "until": until }))).await?
        }
        Command::Resume => client.post("relay/resume", None).await?,
    };
    session.show(&answer, |relay: Relay, screen| screen.line(&relay.sentence()))
}

impl Relay {
    /// How it stands, in words.
    pub(crate) fn sentence(&self) -> String {
        match (self.paused, &self.paused_until) {
            (false, _) => "Changes are sent.".to_owned(),
            (true, Some(until)) => format!("Paused: nothing is sent until {}.", time(Some(until))),
            (true, None) => "Paused: nothing is sent until `sync-monitor relay resume`.".to_owned(),
        }
    }
}

fn after(now: &str, span: Duration) -> Result<String, Failure> {
    let until = DateTime::parse_from_rfc3339(now)
        .ok()
        .zip(TimeDelta::from_std(span).ok())
        .and_then(|(now, span)| now.with_timezone(&Utc).checked_add_signed(span));
    let until = until.ok_or_else(|| {
        Failure::Failed("That is too long. Pause without --for, and resume when it is time.".into())
    })?;
    Ok(until.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_for_a_while_ends_so_much_after_now() {
        let end = after("2026-02-27T14:30:00.007Z", Duration::from_mins(15));
        assert!(matches!(end, Ok(end) if end == "2026-02-27T14:45:00.007Z"));
        assert!(after("2026-02-27T14:30:00.007Z", Duration::MAX).is_err());
        assert!(
            after("2026-02-27T14:30:00.007Z", Duration::from_secs(u64::from(u32::MAX) * 86_400)).is_err()
        );
    }
}
