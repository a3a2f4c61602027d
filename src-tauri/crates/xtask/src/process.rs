//! Other programs: run to their end, or in the background for a while.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::workspace;

/// How long a program in the background has for its own clean-up.
const PATIENCE: Duration = Duration::from_secs(15);

/// What Cargo tells the program that it runs about its package. Passed on to another Cargo, it would be taken for a
/// change by build scripts that look at it, and whole crates would be built again.
const ABOUT_THIS_PACKAGE: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// A command at the root of the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    for (name, _) in env::vars_os() {
        if ABOUT_THIS_PACKAGE.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// A command that only the superuser may give; through sudo where this is another user.
///
/// # Errors
/// When the system does not tell who this is.
pub(crate) fn as_root(program: &str) -> anyhow::Result<Command> {
    let user = output(Command::new("id").arg("-u"))?.unwrap_or_default();
    if user.trim() == "0" {
        return Ok(command(program));
    }
    let mut sudo = command("sudo");
    sudo.arg(program);
    Ok(sudo)
}

/// The Cargo that runs this.
pub(crate) fn cargo() -> Command {
    command(cargo_path())
}

fn cargo_path() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Says what is run, runs it with this terminal, and waits for it.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| not_started(command))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// What a command prints, whether it fails or not; `None` where there is no such program.
///
/// # Errors
/// When it is there and cannot be started.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<Option<String>> {
    match command.stdin(Stdio::null()).stderr(Stdio::null()).output() {
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| not_started(command)),
    }
}

/// What a command prints that must not fail.
///
/// # Errors
/// When it cannot be started or fails; with what it complains of.
pub(crate) fn answer(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| not_started(command))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, complaint.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print text", shown(command)))
}

fn not_started(command: &Command) -> String {
    format!("{} cannot be started", command.get_program().display())
}

/// As one would type it.
fn shown(command: &Command) -> String {
    let root = format!("{}/", workspace::root().display());
    let cargo = cargo_path();
    let words = [command.get_program()].into_iter().chain(command.get_args()).map(|word| {
        let word = if word == cargo { "cargo".into() } else { word.to_string_lossy() };
        let word = word.strip_prefix(&root).unwrap_or(&word);
        if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A program in the background, which ends with this value.
pub(crate) struct Background {
    child: Child,
}

impl Background {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        println!("$ {} &", shown(command));
        Ok(Self { child: command.stdin(Stdio::null()).spawn().with_context(|| not_started(command))? })
    }

    /// What it prints, if it was started with a pipe.
    pub(crate) fn stdout(&mut self) -> Option<impl io::Read + use<>> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("a program in the background cannot be asked for its end")
    }

    /// Asks it to end, as a service manager would, and waits for that.
    ///
    /// # Errors
    /// When it does not end in time, or ends with a failure.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.ask_to_end();
        let mut status = None;
        wait_until(PATIENCE, || {
            status = self.ended()?;
            Ok(status.is_some())
        })
        .context("it was asked to end, and did not")?;
        match status {
            Some(status) if !status.success() => bail!("it was asked to end, and ended with {status}"),
            _ => Ok(()),
        }
    }

    fn ask_to_end(&self) {
        // The standard library only knows how to kill, and what is killed leaves its lock files behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.ask_to_end();
        if wait_until(PATIENCE, || self.ended().map(|status| status.is_some())).is_err() {
            // Both only fail where the program is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Waits until `condition` holds.
///
/// # Errors
/// When it does not hold in time, or cannot be told.
pub(crate) fn wait_until(
    patience: Duration,
    mut condition: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !condition()? {
        if start.elapsed() > patience {
            bail!("nothing happened within {} s", patience.as_secs());
        }
        nap();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "other programs give no signal that could be waited for")]
fn nap() {
    std::thread::sleep(Duration::from_millis(20));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = command("npm");
        command.args(["run", "e2e", "--", "a name"]).arg(workspace::root().join("ui"));
        assert_eq!(shown(&command), "npm run e2e -- 'a name' ui");
    }

    #[test]
    fn a_failure_is_an_error_and_names_the_command() {
        let error = run(&mut command("false")).unwrap_err().to_string();
        assert!(error.starts_with("false ended with"), "{error}");
        let error = run(&mut command("no-such-program")).unwrap_err().to_string();
        assert_eq!(error, "no-such-program cannot be started");
    }

    #[test]
    fn what_runs_in_the_background_ends_with_its_value() {
        let background = Background::start(command("sleep").arg("600")).unwrap();
        let id = background.child.id();
        drop(background);
        assert!(
            !Command::new("kill")
                .args(["-0", &id.to_string()])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
    }

    #[test]
    fn a_condition_that_never_holds_is_given_up() {
        assert!(wait_until(Duration::ZERO, || Ok(false)).is_err());
        assert!(wait_until(Duration::ZERO, || Ok(true)).is_ok());
    }
}
