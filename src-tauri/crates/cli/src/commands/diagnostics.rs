//! `sync-monitor diagnostics`: from the running program, or what can be told without it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use sync_monitor_runtime::{Options, diagnostics_without_program};

use super::ask_running;
use crate::args::Place;
use crate::client::{Answer, Failure};
use crate::shown;

pub(crate) async fn run(place: &Place, data_dir: &Path, output: Option<&Path>) -> Result<ExitCode, Failure> {
    let asked = ask_running(data_dir, async |client| client.get("diagnostics").await).await?;
    let answer = if let Some(answer) = asked {
        answer
    } else {
        eprintln!("The program is not running; this is what can be told without it.");
        let Place { data_dir, config, .. } = place.clone();
        Answer::of(&diagnostics_without_program(&Options { data_dir, config, ..Options::default() })?)?
    };
    let Some(path) = output else {
        return shown(place.json, &answer, |bundle: Value, screen| screen.line(&format!("{bundle:#}")))
            .map(|()| ExitCode::SUCCESS);
    };
    write(path, &format!("{:#}\n", answer.read::<Value>()?))?;
    eprintln!("Written to {}. Look it through before you hand it on.", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that is not there yet, readable for this user only.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::Failed(match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{} is there already, and is not written over. Name another file.", path.display())
            }
            _ => format!("{} cannot be written: {error}.", path.display()),
        })
    })
}
