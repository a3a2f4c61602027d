//! The program as its user finds it: by its data folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sync_monitor_orgsim::{OrgSim, post, wall_clock};

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
