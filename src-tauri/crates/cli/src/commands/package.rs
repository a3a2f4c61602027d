//! `sync-monitor org …`, of orgs that have Delivery Hub's package.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::org::Org;
use crate::Session;
use crate::args::{MappingChange, Package};
use crate::client::{Failure, escape, query};
use crate::output::{Cell, Screen, tame, time};

/// What a round of reading brought.
#[derive(Deserialize)]
struct Pulled {
    changes: u64,
    conflicts: u64,
    echoes: u64,
    deleted: u64,
}

impl Pulled {
    fn words(&self) -> String {
        let mut words = match self.changes {
            0 => "Nothing has changed.".to_owned(),
            1 => "1 change.".to_owned(),
            changes => format!("{changes} changes."),
        };
        let more = [
            (self.conflicts, "of them older than what is known"),
            (self.echoes, "changed only because a delivery came"),
            (self.deleted, "deleted for good, which is not repeated elsewhere"),
        ];
        let more = more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(" {n} {what}."));
        words.extend(more);
        words
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linked {
    external_id: String,
}

/// Which records somebody said are one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Links {
    links: Vec<Link>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    id: String,
    object: String,
    one: Record,
    other: Record,
    linked_at: String,
    actor: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    org_id: String,
    record_id: String,
}

/// Which member is which field.
#[derive(Serialize, Deserialize)]
struct Mapping {
    members: Vec<Member>,
}

#[derive(Serialize, Deserialize)]
struct Member {
    object: String,
    member: String,
    field: String,
    conversion: String,
    on: bool,
}

impl Mapping {
    /// Switches members on or off by their names, those of comments and work logs with the object's before.
    fn switch(&mut self, names: &[String], on: bool) -> Result<(), Failure> {
        for name in names {
            let (object, member) = name.split_once('.').unwrap_or(("workItem", name));
            // Documents are switched on as a whole, and need no name of an object.
            let is_it = |one: &&mut Member| {
                one.member == member
                    && (one.object == object || one.object == "document" && one.member == *name)
            };
            let found = self.members.iter_mut().find(is_it);
            let one = found.ok_or_else(|| {
                Failure::Failed(format!(
                    "There is no member {name:?} in the mapping. `sync-monitor org mapping` lists them; those of comments and work logs are named like comment.author and workLog.date."
                ))
            })?;
            one.on = on;
        }
        Ok(())
    }
}

/// What an org's own queue holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    sync_items: Vec<SyncItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SyncItem {
    id: String,
    object_type: String,
    direction: String,
    status: Option<String>,
    retries: u64,
    error: Option<String>,
    created_at: Option<String>,
    explanation: String,
}

#[derive(Deserialize)]
struct Done {
    changed: u64,
    refused: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    id: String,
    reason: String,
}

pub(super) async fn run(session: &Session, command: Package) -> Result<ExitCode, Failure> {
    let done = match command {
        Package::Requeue { org_id, ids } => {
            return change(session, &org_id, "requeue", json!({ "ids": ids }), "queued again").await;
        }
        Package::Dismiss { org_id, ids, reason } => {
            let body = json!({ "ids": ids, "reason": reason });
            return change(session, &org_id, "dismiss", body, "dismissed").await;
        }
        Package::Mapping { org_id, change } => mapping(session, &org_id, change).await,
        Package::Queue { org_id, status } => {
            let status = status.join(",");
            let wanted: &[(&str, &str)] = if status.is_empty() { &[] } else { &[("status", &status)] };
            let path = format!("orgs/{}/sync-items{}", escape(&org_id), query(wanted));
            let answer = session.client.get(&path).await?;
            session.show(&answer, |queue: Queue, screen| show_queue(&queue.sync_items, screen))
        }
        other => read(session, other).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn read(session: &Session, command: Package) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        // `run` has seen to them.
        Package::Mapping { .. }
        | Package::Queue { .. }
        | Package::Requeue { .. }
        | Package::Dismiss { .. } => Ok(()),
        Package::Pull { org_id, since, on, off } => {
            let path = format!("orgs/{}/pull", escape(&org_id));
            if on || off || since.is_some() {
                let mut change = serde_json::Map::new();
                change.extend((on || off).then(|| ("enabled".to_owned(), on.into())));
                change.extend(since.map(|since| ("since".to_owned(), since.into())));
                let answer = client.patch(&path, &change.into()).await?;
                if on || off {
                    let words = if on { "read from now on" } else { "read no more" };
                    return session.show(&answer, |org: Org, screen| {
                        screen.line(&tame(&format!("{} is {words}.", org.name())))
                    });
                }
            }
            let answer = client.post(&path, None).await?;
            session.show(&answer, |pulled: Pulled, screen| screen.line(&pulled.words()))
        }
        Package::Link { org_id, record_id, other_org_id, other_record_id, object } => {
            let link = json!({
                "object": object,
                "one": { "orgId": org_id, "recordId": record_id },
                "other": { "orgId": other_org_id, "recordId": other_record_id },
            });
            let answer = client.post("identities/link", Some(&link)).await?;
            session.show(&answer, |linked: Linked, screen| {
                screen.line(&tame(&format!("Both are {} from now on.", linked.external_id)))
            })
        }
        Package::Links { org_id, limit, cursor } => {
            let limit = limit.to_string();
            let mut wanted = vec![("limit", limit.as_str())];
            wanted.extend(org_id.as_deref().map(|id| ("orgId", id)));
            wanted.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let answer = client.get(&format!("identities/links{}", query(&wanted))).await?;
            session.show(&answer, |page: Links, screen| show_links(&page, screen))
        }
        Package::Unlink { id } => {
            client.delete(&format!("identities/links/{}", escape(&id))).await?;
            session.say("They are two from now on. What was delivered stays as it is.")
        }
    }
}

async fn mapping(session: &Session, org_id: &str, change: MappingChange) -> Result<(), Failure> {
    let client = &session.client;
    let path = format!("orgs/{}/mapping", escape(org_id));
    let MappingChange { on, off, file, default } = change;
    if default {
        client.delete(&path).await?;
    } else if let Some(file) = file {
        let text = read_file(&file)?;
        let mapping: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            Failure::Failed(format!(
                "{} is no mapping as JSON: {error}. `sync-monitor org mapping {org_id} --json` shows how one looks.",
                file.display()
            ))
        })?;
        client.put(&path, &mapping).await?;
    } else if !on.is_empty() || !off.is_empty() {
        let mut mapping: Mapping = client.get(&path).await?.read()?;
        mapping.switch(&on, true)?;
        mapping.switch(&off, false)?;
        client.put(&path, &json!(mapping)).await?;
    }
    let answer = client.get(&path).await?;
    session.show(&answer, |mapping: Mapping, screen| show_mapping(&mapping.members, screen))
}

fn read_file(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::Failed(format!("{} cannot be read: {error}.", file.display()));
    if file == Path::new("-") {
        let mut text = String::new();
        return std::io::stdin().read_to_string(&mut text).map(|_| text).map_err(unreadable);
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

async fn change(
    session: &Session,
    org_id: &str,
    what: &str,
    body: serde_json::Value,
    words: &str,
) -> Result<ExitCode, Failure> {
    let path = format!("orgs/{}/sync-items/{what}", escape(org_id));
    let answer = session.client.post(&path, Some(&body)).await?;
    let done: Done = answer.read()?;
    let all = done.refused.is_empty() && done.changed > 0;
    session.show(&answer, |done: Done, screen| {
        screen.line(&format!("{} {words} in the org.", done.changed))?;
        done.refused
            .iter()
            .try_for_each(|one| screen.line(&tame(&format!("{} was left alone: {}", one.id, one.reason))))
    })?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_mapping(members: &[Member], screen: &mut Screen) -> std::io::Result<()> {
    let rows: Vec<Vec<Cell>> = members
        .iter()
        .map(|one| {
            vec![
                one.object.as_str().into(),
                one.member.as_str().into(),
                one.field.as_str().into(),
                one.conversion.as_str().into(),
                if one.on { "relayed" } else { "off" }.into(),
            ]
        })
        .collect();
    screen.table(&["OBJECT", "MEMBER", "FIELD", "AS", ""], &rows)
}

fn show_links(page: &Links, screen: &mut Screen) -> std::io::Result<()> {
    if page.links.is_empty() {
        return screen.line("Nobody has linked records.");
    }
    let rows: Vec<Vec<Cell>> = page
        .links
        .iter()
        .map(|link| {
            vec![
                link.id.as_str().into(),
                link.object.as_str().into(),
                link.one.org_id.as_str().into(),
                link.one.record_id.as_str().into(),
                link.other.org_id.as_str().into(),
                link.other.record_id.as_str().into(),
                time(Some(&link.linked_at)).into(),
                link.actor.as_str().into(),
            ]
        })
        .collect();
    screen.table(&["ID", "OBJECT", "ORG", "RECORD", "ORG", "RECORD", "LINKED", "BY"], &rows)?;
    match &page.next_cursor {
        Some(cursor) => screen.line(&format!("More with --cursor {cursor}")),
        None => Ok(()),
    }
}

fn show_queue(items: &[SyncItem], screen: &mut Screen) -> std::io::Result<()> {
    if items.is_empty() {
        return screen.line("Nothing failed or waits in the org's own queue.");
    }
    let rows: Vec<Vec<Cell>> = items
        .iter()
        .map(|item| {
            vec![
                item.id.as_str().into(),
                item.status.as_deref().map_or_else(|| "-".into(), Cell::state),
                item.direction.as_str().into(),
                item.object_type.as_str().into(),
                item.retries.to_string().into(),
                time(item.created_at.as_deref()).into(),
                item.error.as_deref().unwrap_or("").into(),
            ]
        })
        .collect();
    screen.table(&["ID", "STATUS", "DIRECTION", "OBJECT", "RETRIES", "SINCE", "ERROR"], &rows)?;
    let mut told: Vec<&str> = Vec::new();
    for item in items {
        if !told.contains(&item.explanation.as_str()) {
            told.push(&item.explanation);
            let direction = format!("{} {}", item.status.as_deref().unwrap_or("other"), item.direction);
            screen.line(&tame(&format!("{direction}: {}", item.explanation)))?;
        }
    }
    Ok(())
}
