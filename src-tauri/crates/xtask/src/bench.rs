//! `cargo xtask bench`: builds the program as it is released, and measures it.

use crate::{process, setup, workspace};

/// Builds what is measured and what measures, and hands the arguments on to it.
///
/// # Errors
/// When a build fails, or the program that is measured does.
pub(crate) fn run(args: Vec<String>) -> anyhow::Result<()> {
    setup::ui_built()?;
    let packages = ["--package", "sync-monitor-cli", "--package", "sync-monitor-bench"];
    process::run(process::cargo().args(["build", "--release"]).args(packages))?;
    let program = workspace::released("sync-monitor");
    process::run(
        process::command(workspace::released("sync-monitor-bench")).arg("--program").arg(program).args(args),
    )
}
