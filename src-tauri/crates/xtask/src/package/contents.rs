//! Which files a package holds, and where they go.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Build;
use crate::{icons, process, workspace};

/// What a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Both programs, and what a desktop needs to find them.
    Desktop,
    /// The program without a window.
    Server,
}

impl Kind {
    /// The package's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Desktop => "sync-monitor",
            Self::Server => "sync-monitor-server",
        }
    }

    /// In one line.
    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::Desktop => "keeps Salesforce orgs in sync, and shows what failed",
            Self::Server => "keeps Salesforce orgs in sync, without a window",
        }
    }

    /// In some lines.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Desktop => {
                "Takes changes of work items from Salesforce orgs, keeps them on disk before\n\
                 it says yes, delivers them to the orgs that they are meant for, tries again\n\
                 by a fixed schedule, and shows what still failed, why, and who can mend it.\n\
                 With a window and a tray icon, and a command line for scripts."
            }
            Self::Server => {
                "Takes changes of work items from Salesforce orgs, keeps them on disk before\n\
                 it says yes, delivers them to the orgs that they are meant for, tries again\n\
                 by a fixed schedule, and shows what still failed, why, and who can mend it.\n\
                 The command line and the service alone; the window is seen in a browser."
            }
        }
    }

    /// The programs in it.
    pub(super) fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Desktop => &["sync-monitor", "sync-monitor-desktop"],
            Self::Server => &["sync-monitor"],
        }
    }
}

/// Which family of systems a package is for: they differ in where some files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Debian,
    RedHat,
}

/// A folder that holds what a package holds, as it is installed.
pub(super) struct Tree(PathBuf);

impl Tree {
    /// Fills a new folder.
    ///
    /// # Errors
    /// When a file cannot be read, made or written.
    pub(super) fn fill(folder: &Path, kind: Kind, family: Family, build: Build) -> anyhow::Result<Self> {
        let tree = Self(folder.to_owned());
        for program in kind.programs() {
            let to = tree.copy(&build.program(program), &format!("usr/bin/{program}"))?;
            executable(&to)?;
            // The names of functions stay: a report of a crash is of no use without them.
            process::run(process::command("strip").arg("--strip-debug").arg(&to))?;
        }
        tree.program(family, build)?;
        if kind == Kind::Desktop {
            tree.desktop()?;
        }
        Ok(tree)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// What belongs to the program without a window: manual, completions, service.
    fn program(&self, family: Family, build: Build) -> anyhow::Result<()> {
        let program = build.program("sync-monitor");
        let made = |arguments: &[&str]| process::answer(process::command(&program).args(arguments));
        self.write("usr/share/man/man1/sync-monitor.1.gz", made(&["man"])?)?;
        let zsh = match family {
            Family::Debian => "usr/share/zsh/vendor-completions/_sync-monitor",
            Family::RedHat => "usr/share/zsh/site-functions/_sync-monitor",
        };
        let places = [
            ("bash", "usr/share/bash-completion/completions/sync-monitor"),
            ("fish", "usr/share/fish/vendor_completions.d/sync-monitor.fish"),
            ("zsh", zsh),
        ];
        for (shell, place) in places {
            self.write(place, made(&["completions", shell])?)?;
        }
        self.copy(
            &workspace::linux().join("sync-monitor.service"),
            "usr/lib/systemd/user/sync-monitor.service",
        )?;
        Ok(())
    }

    /// What a desktop finds the window by.
    fn desktop(&self) -> anyhow::Result<()> {
        let name = "sync-monitor-desktop";
        let manual = fs::read(workspace::linux().join(format!("{name}.1"))).context("the manual page")?;
        self.write(&format!("usr/share/man/man1/{name}.1.gz"), manual)?;
        let entry = format!("{name}.desktop");
        self.copy(&workspace::linux().join(&entry), &format!("usr/share/applications/{entry}"))?;
        let icons = "usr/share/icons/hicolor";
        for (size, file) in icons::PROGRAM {
            self.copy(&workspace::icons().join(file), &format!("{icons}/{size}x{size}/apps/{name}.png"))?;
        }
        self.copy(&workspace::icons().join("icon.svg"), &format!("{icons}/scalable/apps/{name}.svg"))?;
        Ok(())
    }

    /// A copy of a file, readable for everybody.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn copy(&self, from: &Path, to: &str) -> anyhow::Result<PathBuf> {
        let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        self.write(to, bytes)
    }

    /// A file, readable for everybody; packed where its name says so.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, to: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.0.join(to);
        let written = || format!("{} cannot be written", path.display());
        let folder = path.parent().with_context(written)?;
        fs::create_dir_all(folder).with_context(written)?;
        // The umask of whoever makes the package is not for those who install it.
        for folder in folder.ancestors().take_while(|folder| folder.starts_with(&self.0)) {
            set_mode(folder, 0o755)?;
        }
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let plain = if packed { path.with_extension("") } else { path.clone() };
        fs::write(&plain, content).with_context(written)?;
        if packed {
            process::answer(process::command("gzip").args(["-9", "--no-name"]).arg(&plain))?;
        }
        set_mode(&path, 0o644)?;
        Ok(path)
    }
}

fn executable(path: &Path) -> anyhow::Result<()> {
    set_mode(path, 0o755)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, mode).with_context(|| format!("{} cannot be changed", path.display()))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn set_mode(_: &Path, _: u32) -> anyhow::Result<()> {
    Ok(())
}
