//! What is made from the code. Tests compare it with what is there, and write it when they are told to.

use crate::process;

/// Writes it all.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn run() -> anyhow::Result<()> {
    let packages = [
        "--package",
        "sync-monitor-domain",
        "--package",
        "sync-monitor-api",
        "--package",
        "sync-monitor-runtime",
    ];
    let mut tests = process::cargo();
    tests.arg("test").args(packages).args(["--lib", "--", "made_from"]).env("SYNC_MONITOR_CODEGEN", "1");
    process::run(&mut tests)
}
