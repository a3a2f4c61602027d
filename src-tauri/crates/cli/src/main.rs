//! `sync-monitor`: the engine and the listener without a window, and every command that talks to them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

mod args;
mod client;
mod commands;
mod desktop;
#[cfg(test)]
mod documentation;
mod output;
mod serve;

use args::{Cli, Command, Place};
use client::{Client, Failure};
use output::Screen;
use sync_monitor_domain::help;

/// Refused, or failed.
const FAILED: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// The program is not running.
const NOT_RUNNING: u8 = 3;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // There is nowhere to tell it if this fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let json = cli.place.json;
    match run(cli) {
        Ok(code) => code,
        Err(Failure::NotRunning(why)) => complain(&why, NOT_RUNNING),
        Err(Failure::Refused(problem)) if json => {
            // A broken pipe: nobody wants to know.
            let _ = writeln!(std::io::stdout(), "{}", problem.json);
            ExitCode::from(FAILED)
        }
        Err(Failure::Refused(problem)) => complain(&problem.detail, FAILED),
        Err(Failure::Failed(why)) => complain(&why, FAILED),
    }
}

fn complain(why: &str, code: u8) -> ExitCode {
    // There is nowhere to tell it if this fails.
    let _ = writeln!(std::io::stderr(), "{why}");
    ExitCode::from(code)
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        None => desktop::start(&cli.place, cli.demo),
        Some(Command::Serve(serve)) => serve::serve(cli.place, cli.demo || serve.demo, serve.open),
        Some(Command::Completions { shell }) => {
            let mut page = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sync-monitor", &mut page);
            write(&page)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            manual(&mut page)
                .map_err(|error| Failure::Failed(format!("The page cannot be made: {error}.")))?;
            write(&page)
        }
        Some(Command::Explain { code }) => explain(code.as_deref()),
        Some(Command::Db(command)) => {
            let data_dir = data_dir(&cli.place)?;
            event_loop()?.block_on(commands::db::run(&data_dir, cli.place.json, command))
        }
        Some(Command::Diagnostics { output }) => {
            let data_dir = data_dir(&cli.place)?;
            event_loop()?.block_on(commands::diagnostics::run(&cli.place, &data_dir, output.as_deref()))
        }
        Some(command) => {
            let session = Session { client: Client::find(&data_dir(&cli.place)?)?, json: cli.place.json };
            event_loop()?.block_on(commands::run(&session, command))
        }
    }
}

fn event_loop() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("The system gives no event loop: {error}.")))
}

/// The manual page: of the program, then of each command.
fn manual(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut program = Cli::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(page)?;
    let mut open: Vec<clap::Command> = program.get_subcommands().cloned().collect();
    open.reverse();
    while let Some(command) = open.pop() {
        let inner: Vec<clap::Command> = command.get_subcommands().cloned().collect();
        if inner.is_empty() && command.get_name() != "help" {
            let name = command.get_bin_name().unwrap_or_default().to_uppercase();
            writeln!(page, ".SH \"{name}\"")?;
            let man = clap_mangen::Man::new(command);
            man.render_description_section(page)?;
            man.render_synopsis_section(page)?;
            man.render_options_section(page)?;
            man.render_extra_section(page)?;
        } else {
            open.extend(inner.into_iter().rev());
        }
    }
    Ok(())
}

/// Works without a running program: the pages are in this one.
fn explain(code: Option<&str>) -> Result<ExitCode, Failure> {
    match code {
        None => write(help::list().as_bytes()),
        Some(code) => match help::page(code) {
            Some(page) => write(page.as_bytes()),
            None => Err(Failure::Failed(format!(
                "No error code {code} is known here. It may be an org's own: look it up in Salesforce's documentation. `sync-monitor explain` lists this program's."
            ))),
        },
    }
}

fn write(bytes: &[u8]) -> Result<ExitCode, Failure> {
    written(std::io::stdout().write_all(bytes))?;
    Ok(ExitCode::SUCCESS)
}

fn data_dir(place: &Place) -> Result<PathBuf, Failure> {
    match &place.data_dir {
        Some(folder) => Ok(folder.clone()),
        None => Ok(sync_monitor_runtime::data_dir::usual()?),
    }
}

/// What every client command has.
struct Session {
    client: Client,
    json: bool,
}

impl Session {
    /// Shows an answer: its JSON as it came, or what `show` makes of it.
    fn show<T: serde::de::DeserializeOwned>(
        &self,
        answer: &client::Answer,
        show: impl FnOnce(T, &mut Screen) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        shown(self.json, answer, show)
    }

    /// Says that something was done that the program answers without a body; in JSON that is an object with nothing in it, so
    /// that whatever reads the output of one command can read that of each.
    fn say(&self, text: &str) -> Result<(), Failure> {
        written(Screen::stdout().line(if self.json { "{}" } else { text }))
    }
}

/// Shows an answer: its JSON as it came, or what `show` makes of it.
fn shown<T: serde::de::DeserializeOwned>(
    json: bool,
    answer: &client::Answer,
    show: impl FnOnce(T, &mut Screen) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut screen = Screen::stdout();
    let shown = if json {
        if answer.text().is_empty() { Ok(()) } else { screen.line(answer.text()) }
    } else {
        show(answer.read()?, &mut screen)
    };
    written(shown)
}

/// Whoever reads only the beginning (`sync-monitor items list | head`) is served as well.
fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("The output cannot be written: {error}.")))
        }
        _ => Ok(()),
    }
}
