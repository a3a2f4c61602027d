//! `sync-monitor items …`.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::args::{Items as Command, Selection};
use crate::client::{Failure, escape, query};
use crate::output::{Cell, Screen, shorten, tame, time};
use crate::{FAILED, Session};

mod preflight;
mod watch;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Items {
    items: Vec<Item>,
    next_cursor: Option<String>,
    total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    transaction_id: String,
    source_org_id: String,
    target_org_id: String,
    operation: String,
    external_ids: Vec<String>,
    title: Option<String>,
    status: String,
    held_by: Option<String>,
    attempts: u32,
    cycle: u32,
    created_at: String,
    updated_at: String,
    next_attempt_at: Option<String>,
    last_error: Option<LastError>,
    dismissed_at: Option<String>,
    dismiss_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastError {
    http_status: Option<u16>,
    error_code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(flatten)]
    item: Item,
    payload_text: String,
    attempt_log: Vec<Attempt>,
    cause: Option<Cause>,
    history: Vec<HistoryEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    at: String,
    actor: String,
    via: Option<String>,
    action: String,
    reason: Option<String>,
    run_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    number: u32,
    cycle: u32,
    started_at: String,
    duration_ms: u64,
    outcome: String,
    counted: bool,
    #[serde(flatten)]
    error: LastError,
}

#[derive(Deserialize)]
struct Failures {
    failures: Vec<FailureGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureGroup {
    failure_key: String,
    target_org_id: String,
    http_status: Option<u16>,
    error_code: Option<String>,
    count: u64,
    last_seen_at: String,
    sample_message: Option<String>,
    cause: Cause,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cause {
    title: String,
    text: String,
    retry_helps: bool,
    steps: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bulk {
    changed: u64,
    refused: Vec<Refusal>,
    run_id: String,
}

#[derive(Deserialize)]
struct Refusal {
    id: String,
    message: String,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    let client = &session.client;
    match command {
        Command::List { filter, sort, limit, cursor } => {
            let limit = limit.to_string();
            let mut parameters = filter.conditions();
            parameters.extend(sort.as_deref().map(|sort| ("sort", sort)));
            parameters.push(("limit", &limit));
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let answer = client.get(&format!("items{}", query(&parameters))).await?;
            session.show(&answer, |page: Items, screen| show_page(&page, screen))?;
        }
        Command::Watch { filter } => return watch::run(session, &filter).await,
        Command::Export { filter, format } => {
            let mut parameters = filter.conditions();
            parameters.push(("format", &format));
            client.copy(&format!("items/export{}", query(&parameters))).await?;
        }
        Command::Failures => {
            let answer = client.get("failures").await?;
            session.show(&answer, |list: Failures, screen| show_failures(&list.failures, screen))?;
        }
        Command::Show { ids } => {
            for id in ids {
                let answer = client.get(&format!("items/{}", escape(&id))).await?;
                session.show(&answer, |detail: Detail, screen| show_detail(&detail, screen))?;
            }
        }
        Command::Retry { selection, preflight: true } => preflight::run(session, &selection).await?,
        Command::Retry { selection, preflight: false } => {
            return bulk(session, "retry", "tried again", &selection, None).await;
        }
        Command::Dismiss { selection, reason } => {
            return bulk(session, "dismiss", "dismissed", &selection, Some(&reason)).await;
        }
        Command::SendNow(selection) => {
            return bulk(session, "send-now", "sent now", &selection, None).await;
        }
        Command::Restore(selection) => return bulk(session, "restore", "restored", &selection, None).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn show_failures(groups: &[FailureGroup], screen: &mut Screen) -> std::io::Result<()> {
    if groups.is_empty() {
        return screen.line("Nothing has failed.");
    }
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .map(|group| {
            let status = group.http_status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            vec![
                group.failure_key.as_str().into(),
                group.count.to_string().into(),
                group.target_org_id.as_str().into(),
                status.into(),
                group.error_code.as_deref().unwrap_or("-").into(),
                if group.cause.retry_helps { Cell::state("ok") } else { "no".into() },
                time(Some(&group.last_seen_at)).into(),
                group.cause.title.as_str().into(),
                shorten(group.sample_message.as_deref().unwrap_or(""), 80).into(),
            ]
        })
        .collect();
    let names = ["CAUSE", "ITEMS", "TARGET", "HTTP", "CODE", "RETRY HELPS", "LAST SEEN", "WHAT", "MESSAGE"];
    screen.table(&names, &rows)
}

/// Does something with many items. Whoever asked for it by IDs wants to know of each that was refused.
async fn bulk(
    session: &Session,
    command: &str,
    done: &str,
    selection: &Selection,
    reason: Option<&str>,
) -> Result<ExitCode, Failure> {
    let mut body = body(selection);
    body.extend(reason.map(|reason| ("reason".to_owned(), Value::from(reason))));
    let answer = session.client.post(&format!("items/{command}"), Some(&Value::Object(body))).await?;
    let result: Bulk = answer.read()?;
    session.show(&answer, |result: Bulk, screen| {
        let run = tame(&result.run_id);
        screen.line(&match result.changed {
            1 => format!("1 item is {done} (run {run})."),
            n => format!("{n} items are {done} (run {run})."),
        })?;
        for refusal in &result.refused {
            eprintln!("{}: {}", tame(&refusal.id), refusal.message);
        }
        Ok(())
    })?;
    Ok(exit_code(&result))
}

fn exit_code(result: &Bulk) -> ExitCode {
    if result.changed == 0 || !result.refused.is_empty() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

fn body(selection: &Selection) -> Map<String, Value> {
    let (name, value) = if selection.ids.is_empty() {
        ("filter", selection.filter.conditions().into_iter().collect())
    } else {
        ("ids", json!(selection.ids))
    };
    Map::from_iter([(name.to_owned(), value)])
}

fn show_page(page: &Items, screen: &mut Screen) -> std::io::Result<()> {
    if page.items.is_empty() {
        return screen.line("There is no such item.");
    }
    let rows: Vec<Vec<Cell>> = page
        .items
        .iter()
        .map(|item| {
            vec![
                item.id.as_str().into(),
                Cell::state(&item.status),
                item.held_by.as_deref().unwrap_or("").into(),
                item.records().into(),
                shorten(item.title.as_deref().unwrap_or(""), 32).into(),
                item.source_org_id.as_str().into(),
                item.target_org_id.as_str().into(),
                item.attempts.to_string().into(),
                time(item.next_attempt_at.as_deref()).into(),
                time(Some(&item.updated_at)).into(),
                shorten(&item.last_error.as_ref().map(LastError::text).unwrap_or_default(), 60).into(),
            ]
        })
        .collect();
    let names = [
        "ITEM",
        "STATUS",
        "HELD BY",
        "RECORD",
        "TITLE",
        "SOURCE",
        "TARGET",
        "TRIES",
        "NEXT",
        "UPDATED",
        "LAST ERROR",
    ];
    screen.table(&names, &rows)?;
    if let Some(cursor) = &page.next_cursor {
        screen.line(&format!("{} of {}; more with --cursor {cursor}", page.items.len(), page.total))?;
    }
    Ok(())
}

fn show_detail(detail: &Detail, screen: &mut Screen) -> std::io::Result<()> {
    let item = &detail.item;
    let mut rows = vec![
        vec!["Item".into(), item.id.as_str().into()],
        vec!["Status".into(), Cell::state(&item.status)],
        vec!["Record".into(), item.external_ids.join(" ").into()],
        vec!["Title".into(), item.title.as_deref().unwrap_or("-").into()],
        vec!["Operation".into(), item.operation.as_str().into()],
        vec!["Transaction".into(), item.transaction_id.as_str().into()],
        vec!["From".into(), item.source_org_id.as_str().into()],
        vec!["To".into(), item.target_org_id.as_str().into()],
        vec!["Accepted".into(), time(Some(&item.created_at)).into()],
        vec!["Updated".into(), time(Some(&item.updated_at)).into()],
        vec!["Attempts".into(), format!("{} of cycle {}", item.attempts, item.cycle).into()],
    ];
    let optional = [
        ("Held by", item.held_by.clone()),
        ("Next attempt", item.next_attempt_at.as_deref().map(|at| time(Some(at)))),
        ("Last error", item.last_error.as_ref().map(LastError::text)),
        ("Dismissed", item.dismissed_at.as_deref().map(|at| time(Some(at)))),
        ("Reason", item.dismiss_reason.clone()),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, text)| Some(vec![name.into(), text?.into()])));
    screen.table(&["", ""], &rows)?;
    if let Some(cause) = &detail.cause {
        screen.line("")?;
        screen.line(&format!("{}. {}", cause.title, cause.text))?;
        for (index, step) in cause.steps.iter().enumerate() {
            screen.line(&format!("  {}. {step}", index + 1))?;
        }
    }
    if !detail.attempt_log.is_empty() {
        let rows: Vec<Vec<Cell>> = detail.attempt_log.iter().map(Attempt::row).collect();
        screen.line("")?;
        screen.table(&["CYCLE", "ATTEMPT", "STARTED", "TOOK", "OUTCOME", "COUNTED", "ANSWER"], &rows)?;
    }
    if !detail.history.is_empty() {
        let rows: Vec<Vec<Cell>> = detail.history.iter().map(HistoryEntry::row).collect();
        screen.line("")?;
        screen.table(&["DONE AT", "WHO", "WHAT", "REASON", "RUN"], &rows)?;
    }
    screen.line("")?;
    screen.line(&tame(&detail.payload_text))
}

impl Item {
    fn records(&self) -> String {
        match self.external_ids.as_slice() {
            [] => "-".to_owned(),
            [only] => shorten(only, 32),
            [first, rest @ ..] => format!("{} +{}", shorten(first, 24), rest.len()),
        }
    }
}

impl LastError {
    fn text(&self) -> String {
        let status = self.http_status.map(|status| status.to_string());
        let parts = [status, self.error_code.clone(), self.message.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl HistoryEntry {
    fn row(&self) -> Vec<Cell> {
        vec![
            time(Some(&self.at)).into(),
            super::who(&self.actor, self.via.as_deref()).into(),
            self.action.as_str().into(),
            shorten(self.reason.as_deref().unwrap_or(""), 60).into(),
            self.run_id.as_str().into(),
        ]
    }
}

impl Attempt {
    fn row(&self) -> Vec<Cell> {
        vec![
            self.cycle.to_string().into(),
            self.number.to_string().into(),
            time(Some(&self.started_at)).into(),
            format!("{} ms", self.duration_ms).into(),
            Cell::state(&self.outcome),
            (if self.counted { "yes" } else { "no" }).into(),
            shorten(&self.error.text(), 100).into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::args::Filter;

    use super::*;

    #[test]
    fn ids_and_filters_become_what_the_api_takes() {
        let ids = Selection { ids: vec!["a".into(), "b".into()], filter: Filter::default() };
        assert_eq!(Value::Object(body(&ids)), json!({"ids": ["a", "b"]}));
        let filter = Filter { status: Some("failed".into()), dismissed: true, ..Filter::default() };
        let filter = Selection { ids: Vec::new(), filter };
        assert_eq!(
            Value::Object(body(&filter)),
            json!({"filter": {"status": "failed", "dismissed": "true"}})
        );
    }

    #[test]
    fn a_command_that_changed_nothing_or_was_refused_in_part_has_failed() {
        let refusal = || Refusal { id: "a".into(), message: "no".into() };
        let code =
            |changed, refused| format!("{:?}", exit_code(&Bulk { changed, refused, run_id: String::new() }));
        assert_eq!(code(2, vec![]), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(2, vec![refusal()]), format!("{:?}", ExitCode::from(1)));
        assert_eq!(code(0, vec![]), format!("{:?}", ExitCode::from(1)));
    }
}
