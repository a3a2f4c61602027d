//! `sync-monitor serve`, as released, and what is asked of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::load::Endpoint;
use crate::process::Process;

/// How long a program has until it is ready, or has done what it was asked for.
const PATIENCE: Duration = Duration::from_mins(5);
/// The org that payloads come from, where it does not matter which.
pub(crate) const SOURCE: &str = "00D000000000001EAA";
/// Requests in flight to an org at a time, as the figures are asked for.
const SETTINGS: &str =
    "secrets = \"file\"\ndelivery.concurrency_per_org = 32\nlistener.rate_limit_per_minute = 1000000\n";

/// A program at work.
pub(crate) struct Serve {
    process: Process,
    address: String,
    admin: String,
    started_in: Duration,
}

impl Serve {
    /// Starts it on a folder, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, folder, "")
    }

    /// The same with more settings, as TOML.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start_with(program: &Path, folder: &Path, settings: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("config.toml"), format!("{SETTINGS}{settings}"))?;
        let ready = folder.join("api.json");
        // What a killed program left behind is not this one's.
        drop(fs::remove_file(&ready));
        let began = Instant::now();
        let log = fs::File::create(folder.join("log.txt"))?;
        let child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut process = Process(child);
        let api: Value = loop {
            if let Some(status) = process.0.try_wait()? {
                bail!("serve ended with {status}; its log is in {}", folder.display());
            }
            ensure!(began.elapsed() < PATIENCE, "serve did not become ready");
            if let Ok(text) = fs::read_to_string(&ready)
                && let Ok(api) = serde_json::from_str(&text)
            {
                break api;
            }
            // Looked at so often that the look itself is not what is measured.
            std::thread::park_timeout(Duration::from_micros(500));
        };
        let started_in = began.elapsed();
        let text = |name: &str| api[name].as_str().unwrap_or_default().to_owned();
        let address = text("url").trim_start_matches("http://").to_owned();
        Ok(Self { process, address, admin: text("token"), started_in })
    }

    /// From the start of the process to `api.json`.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it as a user does.
    ///
    /// # Errors
    /// When it does not end well.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.process.stop()
    }

    /// Asks the management API.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.admin,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        Ok(serde_json::from_str(body).unwrap_or_default())
    }

    /// Connects a target, and routes a source's changes there; returns the target's ID.
    ///
    /// # Errors
    /// As [`Serve::ask`].
    pub(crate) async fn connect(&self, auth_url: &str, source: &str) -> anyhow::Result<String> {
        let org = self.ask("POST", "orgs/import", Some(json!({ "sfdxAuthUrl": auth_url }))).await?;
        let id = org["orgId"].as_str().context("no org")?.to_owned();
        let route = json!({ "sourceOrgId": source, "targetOrgId": id, "enabled": true });
        self.ask("POST", "routes", Some(route)).await?;
        Ok(id)
    }

    /// Where it takes a source's payloads, with a new token.
    ///
    /// # Errors
    /// As [`Serve::ask`].
    pub(crate) async fn endpoint(&self, source: &str) -> anyhow::Result<Endpoint> {
        let token = json!({ "name": "bench", "sourceOrgIds": [source] });
        let made = self.ask("POST", "tokens", Some(token)).await?;
        let token = made["token"].as_str().context("no token")?.to_owned();
        Ok(Endpoint { address: self.address.clone(), token, source: source.into() })
    }

    /// Waits until a figure of `GET status` is what it should be.
    ///
    /// # Errors
    /// As [`Serve::ask`], or when it takes minutes.
    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !reached(&self.ask("GET", "status", None).await?["counts"]) {
            ensure!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            crate::measure::rest(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
