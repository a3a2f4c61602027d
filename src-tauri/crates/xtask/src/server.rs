//! The program in the background, as the end-to-end tests use it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::process::{self, Background};
use crate::workspace;

/// How long the program has until it listens.
const PATIENCE: Duration = Duration::from_mins(1);

/// An org of the demo.
const DEMO_ORG: &str = "00D5g000004Xy9A";
/// The one that the description of the API gives as an example.
const EXAMPLE_ORG: &str = "00D000000000001";

/// `sync-monitor serve --demo` on a free port, in a folder of its own.
pub(crate) struct Server {
    program: Background,
    folder: PathBuf,
    url: String,
    token: String,
}

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it ends before that, or takes too long.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let folder = workspace::state().join("e2e");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{} is in use", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        let mut program = Background::start(
            process::command(workspace::built("sync-monitor"))
                .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(&folder),
        )?;
        // It writes this file when it is ready, whole.
        let ready = folder.join("api.json");
        process::wait_until(PATIENCE, || {
            if let Some(status) = program.ended()? {
                bail!("it ended with {status} before it listened");
            }
            Ok(ready.exists())
        })
        .context("sync-monitor serve --demo did not start")?;
        let ready = fs::read_to_string(&ready)?;
        let part = |name| member(&ready, name).with_context(|| format!("api.json names no {name}"));
        Ok(Self { url: part("url")?, token: part("token")?, program, folder })
    }

    /// The address of one of its paths.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The admin token.
    pub(crate) fn admin_token(&self) -> &str {
        &self.token
    }

    /// A new integration token.
    ///
    /// # Errors
    /// When the program does not make one.
    pub(crate) fn integration_token(&self) -> anyhow::Result<String> {
        let made =
            process::output(
                process::command(workspace::built("sync-monitor")).arg("--data-dir").arg(&self.folder).args(
                    ["token", "create", "--name", "test", "--source-org", DEMO_ORG, EXAMPLE_ORG, "--json"],
                ),
            )?;
        member(&made.unwrap_or_default(), "token").context("the program made no token")
    }

    /// A link that opens the UI in one browser, once.
    ///
    /// # Errors
    /// When the program does not give one.
    pub(crate) fn one_time_link(&self) -> anyhow::Result<String> {
        let address = self.url.strip_prefix("http://").context("the program's URL is not http")?;
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        write!(
            connection,
            "POST /api/v1/session/link HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.token
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let status = answer.lines().next().unwrap_or_default();
        ensure!(status.starts_with("HTTP/1.1 20"), "asked for a link, the program answered {status:?}");
        member(&answer, "url").context("the program's answer has no link in it")
    }

    /// Stops it as a service manager would.
    ///
    /// # Errors
    /// When it does not end cleanly.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.program.stop().context("sync-monitor serve did not stop cleanly")?;
        ensure!(
            !self.folder.join("api.json").exists(),
            "a clean stop removes api.json, and this one did not"
        );
        Ok(())
    }
}

/// The string of this name in JSON that this project's own program wrote: URLs and tokens, where nothing is escaped.
fn member(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_however_the_json_is_laid_out() {
        assert_eq!(member(r#"{"url":"http://127.0.0.1:1","token":"t"}"#, "token").as_deref(), Some("t"));
        assert_eq!(member("{\n  \"url\" : \"u\"\n}", "url").as_deref(), Some("u"));
        assert_eq!(member(r#"{"pid":1}"#, "url"), None);
        assert_eq!(member(r#"{"url":1}"#, "url"), None);
    }
}
