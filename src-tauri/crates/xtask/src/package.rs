//! `cargo xtask package`: what is installed on other machines.

mod contents;
mod deb;
mod rpm;
pub(crate) mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::packages::{self, Packages};
use crate::{demo, notices, process, setup, workspace};

use contents::Kind;

/// Who answers for the packages. Who ships them says so by the variable.
const MAINTAINER: &str = "The Sync Monitor authors <sync-monitor@packages.invalid>";
const MAINTAINER_VARIABLE: &str = "SYNC_MONITOR_MAINTAINER";

/// From which build the programs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As it is shipped.
    Release,
    /// As the tests have it already: larger and slower, and the same otherwise.
    Development,
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// For a desktop, with both programs.
    pub(crate) deb: PathBuf,
    /// For a server: the program without a window alone.
    pub(crate) server_deb: PathBuf,
    /// For a desktop, with both programs.
    pub(crate) rpm: PathBuf,
}

/// What every package says of itself.
struct About {
    /// Where packages and what they are made from are put.
    folder: PathBuf,
    version: String,
    maintainer: String,
    /// Of the last commit, in seconds since 1970, so that the same sources make the same packages.
    made_at: String,
}

/// Builds the programs, and makes the packages of them.
///
/// # Errors
/// When something that is needed is missing, or a part of it fails.
pub(crate) fn run(packages: Packages, build: Build) -> anyhow::Result<Made> {
    if !cfg!(target_os = "linux") {
        bail!(
            "packages for Windows and macOS are made there, with `npx @tauri-apps/cli build`: docs/releasing.md"
        );
    }
    packages.ensure(&[&packages::WINDOW, &packages::PACKAGE])?;
    setup::ui_built()?;
    build.programs()?;
    let about = About::find(build)?;
    if about.folder.exists() {
        fs::remove_dir_all(&about.folder).with_context(|| format!("{} is in use", about.folder.display()))?;
    }
    let desktop_notices = notices::of(&["sync-monitor-cli", "sync-monitor-desktop"])?;
    let server_notices = notices::of(&["sync-monitor-cli"])?;
    let made = Made {
        deb: deb::make(Kind::Desktop, build, &about, &desktop_notices)?,
        server_deb: deb::make(Kind::Server, build, &about, &server_notices)?,
        rpm: rpm::make(build, &about, &desktop_notices)?,
    };
    for package in [&made.deb, &made.server_deb, &made.rpm] {
        println!("{:>6.1} MB  {}", megabytes(package)?, package.display());
    }
    Ok(made)
}

impl Build {
    fn programs(self) -> anyhow::Result<()> {
        if self == Self::Development {
            // As the tests build them, so that nothing is built twice.
            demo::build_program()?;
            return demo::build_window();
        }
        let packages = ["--package", "sync-monitor-cli", "--package", "sync-monitor-desktop"];
        process::run(
            process::cargo()
                .args(["build", "--release", "--locked"])
                .args(packages)
                .args(["--features", "sync-monitor-desktop/custom-protocol"]),
        )
    }

    fn program(self, name: &str) -> PathBuf {
        match self {
            Self::Release => workspace::released(name),
            Self::Development => workspace::built(name),
        }
    }
}

impl About {
    fn find(build: Build) -> anyhow::Result<Self> {
        let maintainer = std::env::var(MAINTAINER_VARIABLE).ok().filter(|name| !name.is_empty());
        let made_at = process::answer(process::command("git").args(["log", "-1", "--format=%ct"]))
            .context("the time of the last commit is what packages are dated by")?;
        let folder = match build {
            Build::Release => workspace::packages(),
            Build::Development => workspace::trial_packages(),
        };
        Ok(Self {
            folder,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            maintainer: maintainer.unwrap_or_else(|| MAINTAINER.to_owned()),
            made_at: made_at.trim().to_owned(),
        })
    }

    /// The date of the packages in this form of `date`'s.
    fn date(&self, form: &str) -> anyhow::Result<String> {
        let mut date = process::command("date");
        date.args(["--utc", "--date", &format!("@{}", self.made_at), form]).env("LC_ALL", "C");
        Ok(process::answer(&mut date)?.trim().to_owned())
    }
}

fn megabytes(file: &Path) -> anyhow::Result<f64> {
    let size = fs::metadata(file).with_context(|| format!("{} was not made", file.display()))?.len();
    #[expect(clippy::cast_precision_loss, reason = "told to one digit")]
    Ok(size as f64 / 1e6)
}
