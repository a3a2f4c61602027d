//! `cargo xtask demo`: the program with simulated orgs, without any set-up.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::packages::{self, Packages};
use crate::{process, setup, take_flag, workspace};

/// Builds and starts the demo. On Unix this process becomes the demo, so that Ctrl-C and signals reach it alone.
///
/// # Errors
/// When a part cannot be installed or built.
pub(crate) fn run(packages: Packages, mut args: Vec<String>) -> anyhow::Result<ExitCode> {
    let in_window = !take_flag(&mut args, "--no-window") && has_display();
    // The usual sign that the rest is the program's; to the program itself it would mean something else.
    if args.first().is_some_and(|arg| arg == "--") {
        args.remove(0);
    }
    if in_window {
        packages
            .ensure(&[&packages::WINDOW])
            .context("without them: `cargo xtask demo --no-window` shows the same in a browser")?;
    }
    setup::ui_built()?;
    let mut program = if in_window {
        build_window()?;
        process::command(workspace::built("sync-monitor-desktop"))
    } else {
        build_program()?;
        let mut program = process::command(workspace::built("sync-monitor"));
        program.args(["serve", "--open"]);
        program
    };
    become_it(program.arg("--demo").args(args))
}

/// Builds the window's program as it is shipped: with the built UI inside.
///
/// # Errors
/// When the build fails.
pub(crate) fn build_window() -> anyhow::Result<()> {
    process::run(process::cargo().args([
        "build",
        "--package",
        "sync-monitor-desktop",
        "--features",
        "custom-protocol",
    ]))
}

/// Builds the program without a window.
///
/// # Errors
/// When the build fails.
pub(crate) fn build_program() -> anyhow::Result<()> {
    process::run(process::cargo().args(["build", "--package", "sync-monitor-cli"]))
}

fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

#[cfg(unix)]
fn become_it(program: &mut Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(program.exec()).with_context(|| format!("{} cannot be started", program.get_program().display()))
}

#[cfg(not(unix))]
fn become_it(program: &mut Command) -> anyhow::Result<ExitCode> {
    process::run(program).map(|()| ExitCode::SUCCESS)
}
