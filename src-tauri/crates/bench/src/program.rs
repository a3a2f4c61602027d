//! The programs that are measured, each a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::load::Endpoint;
use crate::reference::Kind;

/// How long a program has until it is ready.
const PATIENCE: Duration = Duration::from_mins(2);
/// Ticks of a processor's time a second, as Linux tells it in /proc (always 100 there).
const TICKS: u32 = 100;

/// A process, ended when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Processor time used so far.
    fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // What stands in parentheses may hold spaces; behind it, user and system time are the 12th and 13th field.
        let (_, fields) = stat.rsplit_once(')').context("/proc has another form")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
        Ok(Duration::from_secs(1) * ticks / TICKS)
    }

    /// Memory in use now, and the most so far, in KiB.
    fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let of = |name: &str| {
            let line =
                status.lines().find(|line| line.starts_with(name)).context("/proc has another form")?;
            let number = line.split_whitespace().nth(1).context("/proc has another form")?;
            Ok::<u64, anyhow::Error>(number.parse()?)
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

/// A reference at work.
pub struct Reference {
    process: Process,
    endpoint: Endpoint,
    _folder: TempDir,
}

impl Reference {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(kind: Kind) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(root()?)?;
        let kind = match kind {
            Kind::Bare => "bare",
            Kind::Durable => "durable",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["reference", kind])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("it has no output")?;
        let process = Process(child);
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        let address = line.trim().trim_start_matches("http://").to_owned();
        ensure!(!address.is_empty(), "the reference did not start");
        let endpoint = Endpoint { address, token: "none".into(), source: SOURCE.into() };
        Ok(Self { process, endpoint, _folder: folder })
    }

    /// Where it takes payloads.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Processor time used so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        self.process.cpu()
    }
}

/// The org that all payloads come from.
pub const SOURCE: &str = "00D000000000001EAA";

/// `sync-monitor serve`, as released.
pub struct Serve {
    process: Process,
    address: String,
    admin: String,
    started_in: Duration,
    folder: PathBuf,
}

impl Serve {
    /// Starts it on a folder, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(
            folder.join("config.toml"),
            "secrets = \"file\"\n[delivery]\nconcurrency_per_org = 32\n[listener]\nrate_limit_per_minute = 1000000\n",
        )?;
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
            // Looked at so often that the look itself is not what is measured.
            if let Ok(text) = fs::read_to_string(&ready)
                && let Ok(api) = serde_json::from_str(&text)
            {
                break api;
            }
            std::thread::park_timeout(Duration::from_micros(500));
        };
        let started_in = began.elapsed();
        let text = |name: &str| api[name].as_str().unwrap_or_default().to_owned();
        let address = text("url").trim_start_matches("http://").to_owned();
        Ok(Self { process, address, admin: text("token"), started_in, folder: folder.to_owned() })
    }

    /// From the start of the process to `api.json`.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Processor time used so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        self.process.cpu()
    }

    /// Memory in use now, and the most so far, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> anyhow::Result<(u64, u64)> {
        self.process.memory()
    }

    /// Asks the management API.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
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

    /// Connects a target, and routes the source's changes there.
    ///
    /// # Errors
    /// As [`Serve::ask`].
    pub async fn connect(&self, auth_url: &str) -> anyhow::Result<String> {
        let org = self.ask("POST", "orgs/import", Some(json!({ "sfdxAuthUrl": auth_url }))).await?;
        let id = org["orgId"].as_str().context("no org")?.to_owned();
        self.ask(
            "POST",
            "routes",
            Some(json!({ "sourceOrgId": SOURCE, "targetOrgId": id, "enabled": true })),
        )
        .await?;
        Ok(id)
    }

    /// Where it takes payloads, with a new token.
    ///
    /// # Errors
    /// As [`Serve::ask`].
    pub async fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let made =
            self.ask("POST", "tokens", Some(json!({ "name": "bench", "sourceOrgIds": [SOURCE] }))).await?;
        let token = made["token"].as_str().context("no token")?.to_owned();
        Ok(Endpoint { address: self.address.clone(), token, source: SOURCE.into() })
    }
}

/// Where everything is kept: beside the program, so that it is on a disk, and not in memory.
///
/// # Errors
/// When it cannot be made.
pub fn root() -> anyhow::Result<PathBuf> {
    let root = std::env::current_exe()?.parent().context("no folder")?.join("bench");
    fs::create_dir_all(&root)?;
    Ok(root)
}
