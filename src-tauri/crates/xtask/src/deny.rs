//! `cargo xtask deny`: what the dependencies may be.

use crate::{process, setup};

/// Installs cargo-deny if it is not there (it takes some minutes to build) and runs it. The advisories come last,
/// since only they need the network.
///
/// # Errors
/// When a check fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let deny = setup::tool("cargo-deny", "^0.20")?;
    process::run(process::command(&deny).args(["--workspace", "check", "licenses", "bans", "sources"]))?;
    process::run(process::command(&deny).args(["--workspace", "check", "advisories"]))
}
