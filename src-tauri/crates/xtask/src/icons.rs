//! `cargo xtask icons`: the icons of the program and of its tray, from their drawings.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::packages::{self, Packages};
use crate::{process, workspace};

/// The states in the tray's drawing, which are the names of the files.
const STATES: [&str; 5] = ["ok", "working", "attention", "paused", "offline"];
/// How large the tray's icons are.
const TRAY: u32 = 64;
/// The program's icon: sizes, and the files that Tauri and the packages know them by.
pub(crate) const PROGRAM: [(u32, &str); 8] = [
    (16, "16x16.png"),
    (24, "24x24.png"),
    (32, "32x32.png"),
    (48, "48x48.png"),
    (64, "64x64.png"),
    (128, "128x128.png"),
    (256, "128x128@2x.png"),
    (512, "icon.png"),
];

/// Draws each with Chromium, which the tests need anyway.
///
/// # Errors
/// When Chromium cannot be had, or draws nothing.
pub(crate) fn run(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::BROWSER])?;
    let folder = workspace::icons().canonicalize()?;
    for (size, name) in PROGRAM {
        draw(&format!("file://{}", folder.join("icon.svg").display()), size, &folder.join(name))?;
    }
    let tray = folder.join("tray");
    for state in STATES {
        let drawing = format!("file://{}#{state}", tray.join("tray.svg").display());
        draw(&drawing, TRAY, &tray.join(state).with_extension("png"))?;
    }
    Ok(())
}

fn draw(drawing: &str, size: u32, picture: &Path) -> anyhow::Result<()> {
    match fs::remove_file(picture) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            bail!("{} cannot be replaced: {error}", picture.display())
        }
        _ => {}
    }
    process::run(
        process::command("chromium")
            // Nothing is loaded but our own drawing; and the superuser has no sandbox.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg("--default-background-color=00000000")
            .arg(format!("--window-size={size},{size}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(drawing),
    )?;
    let file = fs::metadata(picture).with_context(|| format!("{} was not drawn", picture.display()))?;
    ensure!(file.len() > 0, "{} is empty", picture.display());
    Ok(())
}
