//! `sync-monitor` without a command: the window.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::args::Place;
use crate::client::Failure;

const NAME: &str = "sync-monitor-desktop";

/// Starts the window in the place of this program.
pub(crate) fn start(place: &Place, demo: bool) -> Result<ExitCode, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("This program does not know where it is: {error}.")))?;
    let program = own.with_file_name(NAME).with_extension(std::env::consts::EXE_EXTENSION);
    if !program.is_file() {
        return Err(Failure::Failed(format!(
            "The window is not installed: there is no {} beside {}. Install the desktop package, or run without a window: `sync-monitor serve --open` shows the same in a browser.",
            program.file_name().unwrap_or_default().display(),
            own.display()
        )));
    }
    launch(&program, &arguments(place, demo))
}

fn arguments(place: &Place, demo: bool) -> Vec<std::ffi::OsString> {
    let mut arguments = Vec::new();
    if demo {
        arguments.push("--demo".into());
    }
    let folder = place.data_dir.as_ref().map(|path| ("--data-dir", path.as_os_str()));
    let listen = place.listen.as_ref().map(|address| ("--listen", address.as_ref()));
    let config = place.config.as_ref().map(|path| ("--config", path.as_os_str()));
    for (name, value) in [folder, listen, config].into_iter().flatten() {
        arguments.extend([name.into(), value.to_owned()]);
    }
    arguments.extend(["--log-level".into(), (&place.log_level).into()]);
    arguments
}

#[cfg(unix)]
fn launch(program: &Path, arguments: &[std::ffi::OsString]) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt as _;
    // Returns only when it fails.
    Err(failed(program, &Command::new(program).args(arguments).exec()))
}

#[cfg(not(unix))]
fn launch(program: &Path, arguments: &[std::ffi::OsString]) -> Result<ExitCode, Failure> {
    let status = Command::new(program).args(arguments).status().map_err(|error| failed(program, &error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::from(crate::FAILED) })
}

fn failed(program: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{} cannot be started: {error}.", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_started_with_what_this_program_was_told() {
        let place = Place {
            data_dir: Some("/data".into()),
            listen: Some("127.0.0.1:0".into()),
            config: None,
            log_level: "info".into(),
            json: false,
        };
        let expected = ["--demo", "--data-dir", "/data", "--listen", "127.0.0.1:0", "--log-level", "info"];
        assert_eq!(arguments(&place, true), expected);
    }
}
