//! `sync-monitor org …`.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sync_monitor_runtime::browser;

use super::{dialect, package};
use crate::Session;
use crate::args::{Login, Org as Command};
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
pub(super) struct Org {
    org_id: String,
    alias: Option<String>,
    username: Option<String>,
    health: String,
    health_detail: Option<String>,
    last_delivered_at: Option<String>,
    last_received_at: Option<String>,
    queue_depth: u64,
    kind: String,
    endpoint_path: String,
    replaced_by: Option<String>,
    /// Left out by what answers with less of an org.
    #[serde(default)]
    pub(super) adapter: Option<dialect::Adapter>,
    #[serde(default)]
    pub(super) pull: Option<dialect::Pull>,
}

/// A sign-in in the browser.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    id: Option<String>,
    state: String,
    authorize_url: Option<String>,
    org_id: Option<String>,
    problem: Option<Trouble>,
}

#[derive(Deserialize)]
struct Trouble {
    detail: String,
}

#[derive(Deserialize)]
struct Tested {
    #[serde(flatten)]
    org: Org,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    check: String,
    result: String,
    message: String,
}

#[derive(Deserialize)]
struct CliOrgs {
    orgs: Vec<CliOrg>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CliOrg {
    username: String,
    aliases: Vec<String>,
    org_id: Option<String>,
    kind: String,
    connected: bool,
    problem: Option<String>,
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    let done = match command {
        Command::Login(login) => return sign_in(session, login).await,
        Command::Test { org_id } => return test(session, &org_id).await,
        Command::Package(command) => return package::run(session, command).await,
        other => manage(session, other).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn manage(session: &Session, command: Command) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        // Those that judge by the answer, and those of the package.
        Command::Login(_) | Command::Test { .. } | Command::Package(_) => Ok(()),
        Command::List { cli: true } => {
            let answer = client.get("orgs/cli").await?;
            session.show(&answer, |list: CliOrgs, screen| show_cli(&list.orgs, screen))
        }
        Command::List { cli: false } => {
            let answer = client.get("orgs").await?;
            session.show(&answer, |list: Orgs, screen| show(&list.orgs, screen))
        }
        Command::Import { alias, from_cli } => {
            let answer = if let Some(username) = from_cli {
                client.post("orgs/cli", Some(&json!({"username": username, "alias": alias}))).await?
            } else {
                let body = json!({"sfdxAuthUrl": read_auth_url()?, "alias": alias});
                client.post("orgs/import", Some(&body)).await?
            };
            session.show(&answer, |org: Org, screen| screen.line(&org.connected()))?;
            say_whom_it_replaces(session, &answer.read::<Org>()?.org_id).await
        }
        Command::Set { org_id, alias, endpoint_path } => {
            let mut change = serde_json::Map::new();
            change.extend(alias.map(|alias| ("alias".to_owned(), alias.into())));
            change.extend(endpoint_path.map(|path| ("endpointPath".to_owned(), path.into())));
            let answer = client.patch(&format!("orgs/{}", escape(&org_id)), &change.into()).await?;
            session.show(&answer, |org: Org, screen| {
                screen.line(&tame(&format!(
                    "{} is changed: its endpoint is {}.",
                    org.name(),
                    org.endpoint_path
                )))
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

/// Begins a sign-in, shows its page, and waits until it is over.
async fn sign_in(session: &Session, login: Login) -> Result<ExitCode, Failure> {
    let client = &session.client;
    if let Some(org_id) = &login.org_id
        && !session.json
        && let Some(words) = orgs(session).await?.iter().find(|org| org.is(org_id)).and_then(Org::replaced)
    {
        eprintln!("{words}");
    }
    let begun = if let Some(org_id) = &login.org_id {
        client.post(&format!("orgs/{}/login", escape(org_id)), None).await?
    } else {
        let body = json!({"loginUrl": login.login_url, "clientId": login.client_id, "alias": login.alias});
        client.post("orgs/login", Some(&body)).await?
    };
    let mut progress: SignIn = begun.read()?;
    let mut answer = begun;
    if let Some(url) = &progress.authorize_url {
        // To stderr: what is on stdout is the result. Told in any case, since a browser may start and fail.
        eprintln!("Sign in in the browser; the link is:\n{}", tame(url));
        if !login.no_browser && browser::open(url).is_err() {
            eprintln!("No browser could be started here. Open the link in one on this machine.");
        }
    }
    while let ("waiting", Some(id)) = (progress.state.as_str(), &progress.id) {
        tokio::select! {
            () = pause() => {}
            _ = tokio::signal::ctrl_c() => {
                client.delete(&format!("orgs/login/{}", escape(id))).await?;
                return Err(Failure::Failed("The sign-in was given up.".to_owned()));
            }
        }
        answer = client.get(&format!("orgs/login/{}", escape(id))).await?;
        progress = answer.read()?;
    }
    match progress.state.as_str() {
        "connected" => {
            let org_id = progress.org_id.unwrap_or_default();
            if session.json {
                session.show(&answer, |_: SignIn, _| Ok(()))?;
            } else {
                let orgs = orgs(session).await?;
                let connected = orgs.iter().find(|org| org.org_id == org_id);
                session.say(&connected.map_or_else(|| format!("{org_id} is connected."), Org::connected))?;
                say_whom_it_replaces(session, &org_id).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        state => {
            let why = match (progress.problem, state) {
                (Some(problem), _) => problem.detail,
                (None, "expired") => {
                    "Nobody signed in within 10 minutes, so the sign-in was given up. Try again.".to_owned()
                }
                _ => "The sign-in was given up.".to_owned(),
            };
            if session.json {
                session.show(&answer, |_: SignIn, _| Ok(()))?;
            }
            Err(Failure::Failed(why))
        }
    }
}

async fn orgs(session: &Session) -> Result<Vec<Org>, Failure> {
    Ok(session.client.get("orgs").await?.read::<Orgs>()?.orgs)
}

/// Says of each org whose place a new one has taken what is to be done about it.
async fn say_whom_it_replaces(session: &Session, heir: &str) -> Result<(), Failure> {
    if session.json {
        return Ok(());
    }
    let orgs = orgs(session).await?;
    let replaced = orgs.iter().filter(|org| org.replaced_by.as_deref() == Some(heir));
    replaced.filter_map(Org::replaced).try_for_each(|words| session.say(&words))
}

/// Between two looks at a sign-in: short enough for whoever comes back from the browser.
#[expect(clippy::disallowed_methods, reason = "a command has no clock to wait with")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn test(session: &Session, org_id: &str) -> Result<ExitCode, Failure> {
    let answer = session.client.post(&format!("orgs/{}/test", escape(org_id)), None).await?;
    let tested: Tested = answer.read()?;
    let failed = tested.checks.iter().any(|check| check.result == "failed");
    session.show(&answer, |tested: Tested, screen| {
        screen.line(&tame(&format!("{} ({})", tested.org.name(), tested.org.health)))?;
        if let Some(words) = tested.org.replaced() {
            screen.line(&words)?;
        }
        let facts = dialect::facts(&tested.org);
        screen.table(&["", ""], &facts)?;
        let rows: Vec<Vec<Cell>> = tested
            .checks
            .iter()
            .map(|check| {
                let name = match check.check.as_str() {
                    "signIn" => "Sign-in",
                    "endpoint" => "Endpoint",
                    "apiUsage" => "API usage",
                    "clock" => "Clock",
                    other => other,
                };
                vec![name.into(), Cell::state(&check.result), check.message.as_str().into()]
            })
            .collect();
        screen.table(&["CHECK", "RESULT", ""], &rows)
    })?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show_cli(orgs: &[CliOrg], screen: &mut Screen) -> std::io::Result<()> {
    if orgs.is_empty() {
        return screen.line("The Salesforce CLI is signed in to no org. Sign in with `sf org login web`.");
    }
    let rows: Vec<Vec<Cell>> = orgs
        .iter()
        .map(|org| {
            vec![
                org.username.as_str().into(),
                org.aliases.join(", ").into(),
                org.org_id.as_deref().unwrap_or("-").into(),
                org.kind.as_str().into(),
                if org.connected { Cell::state("connected") } else { "-".into() },
                org.problem.as_deref().unwrap_or("").into(),
            ]
        })
        .collect();
    screen.table(&["USER", "ALIAS", "ORG", "KIND", "HERE", ""], &rows)
}

impl Org {
    fn connected(&self) -> String {
        let who = self.username.as_deref().unwrap_or("an unknown user");
        let kind = if self.kind == "unknown" { String::new() } else { format!(" ({})", self.kind) };
        tame(&format!("{}{kind} is connected as {who}.", self.name()))
    }

    /// Is this its ID, of 15 or 18 characters?
    fn is(&self, id: &str) -> bool {
        id.len() >= 15 && self.org_id.starts_with(id)
    }

    /// What is to be done about an org whose place another has taken; `None` for any other.
    fn replaced(&self) -> Option<String> {
        let (heir, old) = (self.replaced_by.as_deref()?, &self.org_id);
        Some(tame(&format!(
            "{} was replaced by {heir}, which stands at its address now: a sandbox that is refreshed is a new org. Nothing meant for the old one is sent to the new one. Add the routes that go to or from {old} for {heir} (sync-monitor route list, route add), then remove the old ones and the org: sync-monitor org remove {old}",
            self.name()
        )))
    }

    pub(super) fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.org_id)
    }
}

fn show(orgs: &[Org], screen: &mut Screen) -> std::io::Result<()> {
    if orgs.is_empty() {
        return screen.line("No org is connected. Connect one with `sync-monitor org login`.");
    }
    let (reading, cells) = dialect::columns(orgs);
    let rows: Vec<Vec<Cell>> = orgs
        .iter()
        .map(|org| {
            let mut row: Vec<Cell> = vec![
                org.org_id.as_str().into(),
                org.alias.as_deref().unwrap_or("-").into(),
                org.kind.as_str().into(),
                org.username.as_deref().unwrap_or("-").into(),
                Cell::state(&org.health),
                org.queue_depth.to_string().into(),
                time(org.last_delivered_at.as_deref()).into(),
                time(org.last_received_at.as_deref()).into(),
            ];
            row.extend(cells(org));
            row.push(org.health_detail.as_deref().unwrap_or("").into());
            row
        })
        .collect();
    let mut names =
        vec!["ORG", "ALIAS", "KIND", "USER", "HEALTH", "QUEUE", "LAST DELIVERED", "LAST RECEIVED"];
    names.extend(reading);
    names.push("");
    screen.table(&names, &rows)?;
    orgs.iter().filter_map(Org::replaced).try_for_each(|words| screen.line(&words))
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
