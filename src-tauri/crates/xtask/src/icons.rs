//! `cargo xtask icons`: the tray's icons, from their drawing.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, bail, ensure};

use crate::packages::{self, Packages};
use crate::{process, workspace};

/// The states in the drawing, which are the names of the files.
const STATES: [&str; 5] = ["ok", "working", "attention", "paused", "offline"];

/// Draws each state with Chromium, which the tests need anyway.
///
/// # Errors
/// When Chromium cannot be had, or draws nothing.
pub(crate) fn run(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::BROWSER])?;
    let folder = workspace::root().canonicalize()?.join("src-tauri/icons/tray");
    for state in STATES {
        let picture = folder.join(state).with_extension("png");
        match fs::remove_file(&picture) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                bail!("{} cannot be replaced: {error}", picture.display())
            }
            _ => {}
        }
        process::run(
            process::command("chromium")
                // Nothing is loaded but our own drawing; and the superuser has no sandbox.
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
                .args(["--default-background-color=00000000", "--window-size=64,64"])
                .arg(format!("--screenshot={}", picture.display()))
                .arg(format!("file://{}#{state}", folder.join("tray.svg").display())),
        )?;
        let size = fs::metadata(&picture).with_context(|| format!("{} was not drawn", picture.display()))?;
        ensure!(size.len() > 0, "{} is empty", picture.display());
    }
    Ok(())
}
