//! `sync-monitor org …`.

use std::io::{IsTerminal as _, Read as _};

use serde::Deserialize;
use serde_json::json;

use crate::Session;
use crate::args::Org as Command;
use crate::client::{Failure, escape};
use crate::output::{Cell, Screen, tame, time};

/// More than any sfdxAuthUrl has.
const MAX_AUTH_URL: u64 = 64 * 1024;

#[derive(Deserialize)]
struct Orgs {
    orgs: Vec<Org>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the API's names")]
struct Org {
    org_id: String,
    alias: Option<String>,
    username: Option<String>,
    health: String,
    health_detail: Option<String>,
    last_delivered_at: Option<String>,
    last_received_at: Option<String>,
    queue_depth: u64,
    kind: String,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        Command::List => {
            let answer = client.get("orgs").await?;
            session.show(&answer, |list: Orgs, screen| show(&list.orgs, screen))
        }
        Command::Import { alias } => {
            let answer = client
                .post("orgs/import", Some(&json!({"sfdxAuthUrl": read_auth_url()?, "alias": alias})))
                .await?;
            session.show(&answer, |org: Org, screen| {
                let who = org.username.as_deref().unwrap_or("an unknown user");
                screen.line(&tame(&format!("{} is connected as {who}.", org.name())))
            })
        }
        Command::Pause { org_id } => {
            let answer = client.post(&format!("orgs/{}/pause", escape(&org_id)), None).await?;
            session.show(&answer, |org: Org, screen| {
                screen.line(&tame(&format!("{} is paused: nothing is sent to it.", org.name())))
            })
        }
        Command::Resume { org_id } => {
            let answer = client.post(&format!("orgs/{}/resume", escape(&org_id)), None).await?;
            session
                .show(&answer, |org: Org, screen| screen.line(&tame(&format!("{} is resumed.", org.name()))))
        }
        Command::Remove { org_id } => {
            client.delete(&format!("orgs/{}", escape(&org_id))).await?;
            session.say(&format!(
                "{} is disconnected. What waits for it stays until it is connected again.",
                tame(&org_id)
            ))
        }
    }
}

impl Org {
    fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.org_id)
    }
}

fn show(orgs: &[Org], screen: &mut Screen) -> std::io::Result<()> {
    if orgs.is_empty() {
        return screen.line("No org is connected. Connect one with `sync-monitor org import`.");
    }
    let rows: Vec<Vec<Cell>> = orgs
        .iter()
        .map(|org| {
            vec![
                org.org_id.as_str().into(),
                org.alias.as_deref().unwrap_or("-").into(),
                org.kind.as_str().into(),
                org.username.as_deref().unwrap_or("-").into(),
                Cell::state(&org.health),
                org.queue_depth.to_string().into(),
                time(org.last_delivered_at.as_deref()).into(),
                time(org.last_received_at.as_deref()).into(),
                org.health_detail.as_deref().unwrap_or("").into(),
            ]
        })
        .collect();
    let names = ["ORG", "ALIAS", "KIND", "USER", "HEALTH", "QUEUE", "LAST DELIVERED", "LAST RECEIVED", ""];
    screen.table(&names, &rows)
}

/// From stdin, and from there only: arguments can be seen by others and stay in the shell's history.
fn read_auth_url() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("Paste the sfdxAuthUrl (force://…), then press Enter and Ctrl-D:");
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(MAX_AUTH_URL)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Failed(format!("stdin cannot be read: {error}.")))?;
    match text.trim() {
        "" => Err(Failure::Failed(
            "There was no sfdxAuthUrl on stdin. Pipe one in, as `sync-monitor org import --help` shows."
                .to_owned(),
        )),
        url => Ok(url.to_owned()),
    }
}
