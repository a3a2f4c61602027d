//! The commands that ask the running program.

use std::process::{Command as Process, ExitCode, Stdio};

use serde::Deserialize;

use crate::Session;
use crate::args::Command;
use crate::client::Failure;

mod items;
mod org;
mod route;
mod status;
mod token;

/// Does what was asked, and says how it went.
pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    let done = match command {
        // Without a running program; `main` has seen to it.
        Command::Serve(_) => Ok(()),
        Command::Open => open(session).await,
        Command::Status => status::status(session).await,
        Command::Org(command) => org::run(session, command).await,
        Command::Route(command) => route::run(session, command).await,
        Command::Token(command) => token::run(session, command).await,
        Command::Items(command) => return items::run(session, command).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A one-time link to the UI.
#[derive(Deserialize)]
pub(crate) struct Link {
    pub(crate) url: String,
}

async fn open(session: &Session) -> Result<(), Failure> {
    let answer = session.client.post("session/link", None).await?;
    session.show(&answer, |link: Link, screen| {
        // Told in any case: a browser that starts and then fails says nothing.
        screen.line(&format!("Open this link within a minute, it is good once:\n{}", link.url))?;
        if show_in_browser(&link.url).is_err() {
            screen.line("No browser could be started here.")?;
        }
        Ok(())
    })
}

/// Starts the user's browser: `BROWSER`, or the system's.
pub(crate) fn show_in_browser(url: &str) -> Result<(), Failure> {
    let chosen = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let mut process = match (chosen, std::env::consts::OS) {
        (Some(browser), _) => Process::new(browser),
        (None, "macos") => Process::new("open"),
        (None, "windows") => {
            let mut process = Process::new("cmd");
            process.args(["/c", "start", ""]);
            process
        }
        (None, _) => Process::new("xdg-open"),
    };
    let started = process.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map(drop).map_err(|error| Failure::Failed(format!("No browser can be started: {error}.")))
}
