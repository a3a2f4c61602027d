//! `sync-monitor items watch`.

use std::collections::HashSet;
use std::process::ExitCode;

use serde_json::Value;

use super::Item;
use crate::Session;
use crate::args::Filter;
use crate::client::{Failure, query};
use crate::output::{Screen, shorten, tame, time};

/// Shows each item that changes, as it changes. Each event is a hint to look: what changed since the last look is asked for.
pub(super) async fn run(session: &Session, filter: &Filter) -> Result<ExitCode, Failure> {
    let client = &session.client;
    let mut events = client.events().await?;
    let mut seen = Seen { until: newest(session, filter).await?, ids: HashSet::new() };
    eprintln!("Following; Ctrl-C ends it.");
    loop {
        tokio::select! {
            event = events.next() => if !event? {
                return Err(client.gone());
            },
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
        for item in changed(session, filter, &mut seen).await? {
            let line = if session.json { item.to_string() } else { line(&item)? };
            if let Err(error) = Screen::stdout().line(&line) {
                return if error.kind() == std::io::ErrorKind::BrokenPipe {
                    Ok(ExitCode::SUCCESS)
                } else {
                    Err(Failure::Failed(format!("The output cannot be written: {error}.")))
                };
            }
        }
    }
}

/// What was shown: everything that changed before `until`, and of what changed then these, as they were.
struct Seen {
    until: String,
    ids: HashSet<(String, String)>,
}

/// When the last change was.
async fn newest(session: &Session, filter: &Filter) -> Result<String, Failure> {
    let mut parameters = filter.conditions();
    parameters.extend([("sort", "-updatedAt"), ("limit", "1")]);
    let page: Value = session.client.get(&format!("items{}", query(&parameters))).await?.read()?;
    Ok(page["items"][0]["updatedAt"].as_str().unwrap_or_default().to_owned())
}

/// The items that changed since they were shown, the first change first.
async fn changed(session: &Session, filter: &Filter, seen: &mut Seen) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    'pages: loop {
        let mut parameters = filter.conditions();
        parameters.extend([("sort", "-updatedAt"), ("limit", "200"), ("cursor", &cursor)]);
        let page: Value = session.client.get(&format!("items{}", query(&parameters))).await?.read()?;
        for item in page["items"].as_array().into_iter().flatten() {
            // Times of the API are of one form, so that their order is that of their texts.
            if item["updatedAt"].as_str().unwrap_or_default() < seen.until.as_str() {
                break 'pages;
            }
            let name = |member: &str| item[member].as_str().unwrap_or_default().to_owned();
            let state = (name("id"), format!("{} {}", name("status"), name("updatedAt")));
            if seen.ids.insert(state) {
                found.push(item.clone());
            }
        }
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    found.reverse();
    if let Some(last) = found.last().and_then(|item| item["updatedAt"].as_str())
        && last > seen.until.as_str()
    {
        last.clone_into(&mut seen.until);
        seen.ids.retain(|(_, state)| state.ends_with(last));
    }
    Ok(found)
}

fn line(item: &Value) -> Result<String, Failure> {
    let item: Item = serde_json::from_value(item.clone())
        .map_err(|error| Failure::Failed(format!("An item was not understood ({error}).")))?;
    let error = item.last_error.as_ref().map(|error| format!("  {}", shorten(&error.text(), 100)));
    let held = item.held_by.as_ref().map(|by| format!("  held: {by}"));
    Ok(tame(&format!(
        "{}  {:<10}  {} → {}  {}  {}{}{}",
        time(Some(&item.updated_at)),
        item.status,
        item.source_org_id,
        item.target_org_id,
        item.records(),
        item.id,
        held.unwrap_or_default(),
        error.filter(|_| item.status != "synced").unwrap_or_default(),
    )))
}
