//! `sync-monitor status`.

use serde::Deserialize;

use crate::Session;
use crate::client::Failure;
use crate::commands::relay::Relay;
use crate::output::{Cell, Colour, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: String,
    uptime_seconds: u64,
    counts: Counts,
    held: u64,
    dismissed: u64,
    suppressed_echoes: u64,
    next_attempt_at: Option<String>,
    orgs: u64,
    demo: bool,
    listen_address: String,
    relay: Relay,
    crash: Option<Crash>,
}

#[derive(Deserialize)]
struct Crash {
    path: String,
    summary: String,
}

#[derive(Deserialize)]
struct Counts {
    queued: u64,
    processing: u64,
    retrying: u64,
    failed: u64,
    synced: u64,
    superseded: u64,
}

/// Shows how it is: one sentence, then the numbers.
pub(crate) async fn status(session: &Session) -> Result<(), Failure> {
    let answer = session.client.get("status").await?;
    session.show(&answer, |status: Status, screen| {
        screen.line(&sentence(&status))?;
        if status.relay.paused {
            screen.line(&status.relay.sentence())?;
        }
        if let Some(crash) = &status.crash {
            screen.line(&format!(
                "A part of the program failed, at {}. This is a defect: send the makers the report in {}. `sync-monitor crash --seen` ends this message.",
                crash.summary, crash.path
            ))?;
        }
        screen.line("")?;
        let counts = &status.counts;
        let row = |name: &str, value: Cell| vec![Cell::from(name), value];
        let number = |count: u64, colour| match count {
            0 => Cell::from("0"),
            count => Cell::coloured(count.to_string(), colour),
        };
        let rows = [
            row("Failed", number(counts.failed, Colour::Bad)),
            row("Retrying", number(counts.retrying, Colour::Busy)),
            row("Queued", number(counts.queued, Colour::Busy)),
            row("Sending", number(counts.processing, Colour::Busy)),
            row("Held", number(status.held, Colour::Busy)),
            row("Synced", number(counts.synced, Colour::Good)),
            row("Superseded", number(counts.superseded, Colour::Faint)),
            row("Dismissed", number(status.dismissed, Colour::Faint)),
            row("Echoes suppressed", number(status.suppressed_echoes, Colour::Faint)),
            row("Next attempt", time(status.next_attempt_at.as_deref()).into()),
            row("Connected orgs", status.orgs.to_string().into()),
            row("Running for", uptime(status.uptime_seconds).into()),
            row("Listening at", status.listen_address.into()),
            row("Version", format!("{}{}", status.version, if status.demo { " (demo)" } else { "" }).into()),
        ];
        screen.table(&["", ""], &rows)
    })
}

fn sentence(status: &Status) -> String {
    let Counts { queued, processing, retrying, failed, .. } = status.counts;
    let waiting = queued + processing + retrying;
    match (failed, waiting) {
        (0, 0) => "Everything is in sync.".to_owned(),
        (0, n) => format!("Nothing needs you; {n} on the way."),
        (1, n) => format!("1 item needs you; {n} on the way."),
        (failed, n) => format!("{failed} items need you; {n} on the way."),
    }
}

fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(59, "59 s")]
    #[case(61, "1 min")]
    #[case(3_660, "1 h 1 min")]
    #[case(90_000, "1 d 1 h")]
    fn the_time_since_the_start_is_told_roughly(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(uptime(seconds), text);
    }
}
