//! The commands that ask the running program.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use sync_monitor_runtime::browser;

use crate::Session;
use crate::args::Command;
use crate::client::{Answer, Client, Failure};

mod activity;
pub(crate) mod db;
pub(crate) mod diagnostics;
mod dialect;
mod items;
mod log;
mod org;
mod package;
mod relay;
mod route;
mod runs;
mod status;
mod token;
mod work_items;

/// Does what was asked, and says how it went.
pub(crate) async fn run(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    let done = match command {
        // With or without a running program; `main` has seen to it.
        Command::Serve(_)
        | Command::Db(_)
        | Command::Diagnostics { .. }
        | Command::Explain { .. }
        | Command::Completions { .. }
        | Command::Man => Ok(()),
        Command::Open => open(session).await,
        Command::Status => status::status(session).await,
        Command::Org(command) => return org::run(session, command).await,
        Command::Route(command) => route::run(session, command).await,
        Command::Token(command) => token::run(session, command).await,
        Command::Items(command) => return items::run(session, command).await,
        Command::Runs(command) => runs::run(session, command).await,
        Command::WorkItems(command) => work_items::run(session, command).await,
        Command::Activity(command) => activity::run(session, command).await,
        Command::Relay(command) => relay::run(session, command).await,
        Command::Log { level } => log::log(session, level).await,
        Command::Crash { seen } => log::crash(session, seen).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A one-time link to the UI.
#[derive(Deserialize)]
pub(crate) struct Link {
    pub(crate) url: String,
}

/// Asks the program that runs on a data folder; `None` where none runs.
async fn ask_running(
    data_dir: &Path,
    ask: impl AsyncFnOnce(&Client) -> Result<Answer, Failure>,
) -> Result<Option<Answer>, Failure> {
    let asked = match Client::find(data_dir) {
        Ok(client) => ask(&client).await,
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::NotRunning(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn open(session: &Session) -> Result<(), Failure> {
    let answer = session.client.post("session/link", None).await?;
    session.show(&answer, |link: Link, screen| {
        // Told in any case: a browser that starts and then fails says nothing.
        screen.line(&format!("Open this link within a minute, it is good once:\n{}", link.url))?;
        if browser::open(&link.url).is_err() {
            screen.line("No browser could be started here.")?;
        }
        Ok(())
    })
}

/// Who did something, and by which way.
fn who(actor: &str, via: Option<&str>) -> String {
    via.map_or_else(|| actor.to_owned(), |via| format!("{actor} ({via})"))
}
