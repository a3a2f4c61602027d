//! The program as a process of its own, so that it can be killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// `sync-monitor serve` as a process. Killed when dropped.
pub struct Program {
    child: Child,
    /// Where it answers.
    pub url: String,
    /// Its admin token.
    pub token: String,
    reading: tokio::task::JoinHandle<()>,
}

/// The built executable, beside the tests.
///
/// # Panics
/// When it was not built.
pub fn executable() -> PathBuf {
    let tests = std::env::current_exe().unwrap_or_else(|error| panic!("who am I? {error}"));
    let folder =
        tests.parent().and_then(|deps| deps.parent()).map(std::path::Path::to_owned).unwrap_or_default();
    let path = folder.join(format!("sync-monitor{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: cargo build -p sync-monitor-cli", path.display());
    path
}

impl Program {
    /// A command of the program on this data folder, with nothing of the test's environment that could change it.
    pub fn command(folder: &TempDir, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command
            .arg("--data-dir")
            .arg(folder.path())
            .args(arguments)
            .env("SYNC_MONITOR_SECRETS", "file")
            .kill_on_drop(true);
        command
    }

    /// Starts `serve` on a free port and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready within 30 seconds; with what it said.
    pub async fn serve(folder: &TempDir, arguments: &[&str]) -> Self {
        Self::serve_with(folder, arguments, &[]).await
    }

    /// The same, with variables in its environment.
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_with(folder: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start(
            folder,
            Self::command(folder, &["--listen", "127.0.0.1:0", "serve"]),
            arguments,
            environment,
        )
        .await
    }

    /// The same, deaf to a signal, which is named as a shell does.
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_deaf_to(folder: &TempDir, signal: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' {signal}; exec \"$0\" \"$@\"");
        command
            .arg("-c")
            .arg(script)
            .arg(executable())
            .arg("--data-dir")
            .arg(folder.path())
            .args(["--listen", "127.0.0.1:0", "serve"])
            .env("SYNC_MONITOR_SECRETS", "file")
            .kill_on_drop(true);
        Self::start(folder, command, &[], &[]).await
    }

    async fn start(
        folder: &TempDir,
        mut command: Command,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        command.args(arguments).envs(environment.iter().copied());
        match Self::try_start(folder, command).await {
            Ok(program) => program,
            Err(said) => panic!("the program ended before it was ready: {said:#?}"),
        }
    }

    /// Starts a command that becomes the program, and waits until that is ready.
    ///
    /// # Errors
    /// What it said, when it ended before it was ready.
    ///
    /// # Panics
    /// When it does not become ready within 30 seconds.
    pub async fn try_start(folder: &TempDir, mut command: Command) -> Result<Self, Vec<String>> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("the program does not start: {error}"));
        let Some(stderr) = child.stderr.take() else { panic!("no stderr") };
        let pid = child.id();
        let mut said = Vec::new();
        let mut lines = BufReader::new(stderr).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                said.push(line);
                if let Some(api) = api(folder, pid) {
                    return Some(api);
                }
            }
            None
        };
        let Ok(ready) = tokio::time::timeout(Duration::from_secs(30), ready).await else {
            panic!("the program is not ready after 30 s")
        };
        let Some((url, token)) = ready else { return Err(said) };
        // Goes on reading, so that the program never waits for its log to be read.
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, url, token, reading })
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it was dead already.
    pub async fn kill(mut self) {
        assert!(matches!(self.child.try_wait(), Ok(None)), "the program had ended by itself");
        if let Err(error) = self.child.kill().await {
            panic!("the program cannot be killed: {error}");
        }
    }

    /// Closes the pipe that its log goes to, as a terminal does that goes away.
    pub async fn close_log(&mut self) {
        self.reading.abort();
        // Aborted, and so its end of the pipe is closed.
        drop((&mut self.reading).await);
    }

    /// Its process ID.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Waits until it has ended, and returns its exit code.
    ///
    /// # Panics
    /// When it goes on for 30 seconds.
    pub async fn ended(mut self) -> Option<i32> {
        match tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await {
            Ok(Ok(status)) => status.code(),
            other => panic!("the program goes on: {other:?}"),
        }
    }
}

/// What `api.json` says, if it is this process's: one that was killed leaves its own behind.
fn api(folder: &TempDir, pid: Option<u32>) -> Option<(String, String)> {
    let text = std::fs::read_to_string(folder.path().join("api.json")).ok()?;
    let api: Value = serde_json::from_str(&text).ok()?;
    if api["pid"].as_u64() != pid.map(u64::from) {
        return None;
    }
    Some((api["url"].as_str()?.to_owned(), api["token"].as_str()?.to_owned()))
}
