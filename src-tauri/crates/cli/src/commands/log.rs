//! `sync-monitor log` and `sync-monitor crash`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Session;
use crate::client::{Answer, Failure};

#[derive(Deserialize)]
struct Log {
    level: String,
    folder: String,
    lines: Vec<String>,
}

/// Shows the last lines, or changes what is logged.
pub(crate) async fn log(session: &Session, level: Option<String>) -> Result<(), Failure> {
    if let Some(level) = level {
        let answer = session.client.patch("log", &json!({ "level": level })).await?;
        return session.show(&answer, |log: Log, screen| {
            screen.line(&format!(
                "{} is logged until the program ends; its files are in {}.",
                log.level, log.folder
            ))
        });
    }
    let answer = session.client.get("log").await?;
    session.show(&answer, |log: Log, screen| log.lines.iter().try_for_each(|line| screen.line(line)))
}

#[derive(Deserialize)]
struct Bundle {
    crash: Option<String>,
}

/// Shows the report that nobody has seen, or notes that it was seen.
pub(crate) async fn crash(session: &Session, seen: bool) -> Result<(), Failure> {
    if seen {
        session.client.delete("crash").await?;
        return session.say("It is not told of any more.");
    }
    // The bundle's report is the one that may be handed on.
    let bundle: Bundle = session.client.get("diagnostics").await?.read()?;
    let answer = Answer::of(&json!({ "report": bundle.crash }))?;
    session.show(&answer, |crash: Value, screen| {
        screen.line(
            crash["report"].as_str().unwrap_or("No part of the program has failed that nobody knows of."),
        )
    })
}
