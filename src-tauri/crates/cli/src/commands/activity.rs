//! `sync-monitor activity …`.

use serde::Deserialize;

use crate::Session;
use crate::args::Activity as Command;
use crate::client::{Failure, query};
use crate::output::{Cell, Screen, shorten, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    activity: Vec<Line>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    actor: String,
    via: Option<String>,
    action: String,
    subject: Option<String>,
    reason: Option<String>,
    count: Option<u64>,
    detail: Option<String>,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        Command::List { filter, limit, cursor } => {
            let limit = limit.to_string();
            let mut parameters = filter.conditions();
            parameters.push(("limit", &limit));
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let answer = client.get(&format!("activity{}", query(&parameters))).await?;
            session.show(&answer, |log: Log, screen| show(&log, screen))
        }
        Command::Export { filter, format } => {
            let mut parameters = filter.conditions();
            parameters.push(("format", &format));
            client.copy(&format!("activity/export{}", query(&parameters))).await
        }
    }
}

fn show(log: &Log, screen: &mut Screen) -> std::io::Result<()> {
    if log.activity.is_empty() {
        return screen.line("Nothing of that kind is in the log.");
    }
    let rows: Vec<Vec<Cell>> = log
        .activity
        .iter()
        .map(|line| {
            vec![
                time(Some(&line.at)).into(),
                super::who(&line.actor, line.via.as_deref()).into(),
                line.action.as_str().into(),
                line.count.map(|n| n.to_string()).unwrap_or_default().into(),
                line.subject.as_deref().unwrap_or("").into(),
                shorten(line.reason.as_deref().unwrap_or(""), 60).into(),
                shorten(line.detail.as_deref().unwrap_or(""), 100).into(),
            ]
        })
        .collect();
    screen.table(&["TIME", "WHO", "WHAT", "ITEMS", "SUBJECT", "REASON", "DETAIL"], &rows)?;
    match &log.next_cursor {
        Some(cursor) => screen.line(&format!("More with --cursor {cursor}")),
        None => Ok(()),
    }
}
