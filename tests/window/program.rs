//! The program with a window, as its user starts it: found by its data folder, and ended as it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sync_monitor_orgsim::{OrgSim, post, wall_clock};
use tempfile::NamedTempFile;

use crate::session::Session;
use crate::waiting::until;
use kit::{ORG_A, Payload, org_id};

/// Where a program keeps its data, which is where it is found.
pub(crate) struct Api {
    folder: PathBuf,
}

impl Api {
    /// Of the program on this folder.
    pub(crate) fn on(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What the program announces, once it is there.
    fn announced(&self) -> anyhow::Result<Value> {
        let path = self.folder.join("api.json");
        let text = fs::read(&path).with_context(|| format!("{} is not there", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Waits until the program is there, and tells its process.
    pub(crate) async fn is_up(&self) -> anyhow::Result<u32> {
        until("the engine", async || {
            let process = self.announced().ok().and_then(|api| api["pid"].as_u64());
            Ok(process.and_then(|id| u32::try_from(id).ok()))
        })
        .await
    }

    /// Whether the program is there.
    pub(crate) fn is_announced(&self) -> bool {
        self.folder.join("api.json").exists()
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        Ok(self.announced()?["url"].as_str().unwrap_or_default().to_owned())
    }

    /// Asks the program's management API as the command line does.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let api = self.announced()?;
        let (url, token) =
            (api["url"].as_str().unwrap_or_default(), api["token"].as_str().unwrap_or_default());
        let head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}"
        );
        let reply = kit::exchange(url, &head, body.to_string().as_bytes()).await;
        ensure!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text);
        Ok(reply.json())
    }

    /// Connects an org under a name, and lets the changes of [`ORG_A`] go there.
    pub(crate) async fn connect(&self, org: &OrgSim, alias: &str) -> anyhow::Result<Sender> {
        let import = json!({ "sfdxAuthUrl": org.auth_url(), "alias": alias });
        self.ask("POST", "orgs/import", &import).await?;
        let route = json!({ "sourceOrgId": org_id(ORG_A), "targetOrgId": org.id(), "enabled": true });
        self.ask("POST", "routes", &route).await?;
        let token = json!({ "name": "t", "sourceOrgIds": [org_id(ORG_A)] });
        let made = self.ask("POST", "tokens", &token).await?;
        Ok(Sender { url: self.url()?, token: made["token"].as_str().unwrap_or_default().to_owned() })
    }

    /// Waits until so many items failed.
    pub(crate) async fn failed(&self, count: u64) -> anyhow::Result<()> {
        until(&format!("{count} failed items"), async || {
            let status = self.ask("GET", "status", &Value::Null).await?;
            Ok((status["counts"]["failed"] == count).then_some(()))
        })
        .await
    }
}

/// An org that has changes.
pub(crate) struct Sender {
    url: String,
    token: String,
}

impl Sender {
    /// Changes a record.
    pub(crate) async fn change(&self, record: &str) -> anyhow::Result<()> {
        let payload = Payload::from(ORG_A, wall_clock()).record(record, "x");
        let posted = post(&self.url, &self.token, payload.text()).await?;
        ensure!(posted.status == 200, "{posted:?}");
        Ok(())
    }
}

/// The program, started without anybody who drives its window. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    log: NamedTempFile,
}

impl Program {
    /// Starts it in a session.
    pub(crate) fn start(session: &Session, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = path_from("SYNC_MONITOR_DESKTOP")?;
        let mut command = Command::new(&program);
        let log = NamedTempFile::new()?;
        command.args(arguments).envs(session.environment()).stdin(Stdio::null()).stderr(log.reopen()?);
        let child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, log })
    }

    /// Starts it where it cannot run, and returns how it ended and what it said.
    pub(crate) fn fail(
        session: &Session,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(path_from("SYNC_MONITOR_DESKTOP")?);
        command.envs(session.environment()).envs(environment.iter().copied()).stdin(Stdio::null());
        let output = command.output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as a logout does, and waits for that. It does so without an error, in its log neither.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        terminate(self.id())?;
        let status = self.wait().await?;
        ensure!(status.success(), "asked to end, it ended with {status}");
        ensure!(!self.said()?.contains(" ERROR "), "it ended with errors");
        Ok(())
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        self.wait().await
    }

    async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        until("the program to end", async || Ok(self.child.try_wait()?)).await
    }

    fn said(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.log.path())?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both only fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Shown where the test fails.
        println!("{}", self.said().unwrap_or_default());
    }
}

/// Asks a program to end that somebody else has started, and waits for that.
pub(crate) async fn end(process: u32) -> anyhow::Result<()> {
    terminate(process)?;
    until("the program to end", async || Ok(parent(process).is_none().then_some(()))).await
}

fn terminate(process: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").arg(process.to_string()).status()?;
    ensure!(status.success(), "process {process} cannot be asked to end");
    Ok(())
}

/// The processes that show the pages of a program's windows.
pub(crate) fn web_processes(program: u32) -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse() else { continue };
        if parent(id).is_some_and(|(name, parent)| parent == program && name.contains("WebKitWebProces")) {
            found.push(id);
        }
    }
    Ok(found)
}

/// A process's name and its parent; `None` where it has ended.
fn parent(process: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name is in parentheses and may hold anything; state and parent follow (proc(5)).
    let (name, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    fields.next().filter(|state| *state != "Z")?;
    Some((name.to_owned(), fields.next()?.parse().ok()?))
}

/// A path that `cargo xtask test window` gives.
pub(crate) fn path_from(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os(name).map(PathBuf::from);
    let path = path.with_context(|| format!("{name} is not set: run `cargo xtask test window`"))?;
    ensure!(
        path.exists(),
        "{name} names {}, which is not there: run `cargo xtask test window`",
        path.display()
    );
    Ok(path)
}
