//! Debian packages: which a purpose needs, and how they get here.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process;

/// Whether Debian packages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packages {
    /// Those that are missing are installed with apt-get.
    Debian,
    /// The user says that everything is there.
    TakenForGranted,
}

/// What a purpose needs.
pub(crate) struct Need {
    purpose: &'static str,
    packages: &'static [&'static str],
}

/// Tauri's libraries.
pub(crate) const WINDOW: Need =
    Need { purpose: "to build the window", packages: &["libwebkit2gtk-4.1-dev", "librsvg2-dev"] };

/// What scripts post with.
pub(crate) const CURL: Need = Need { purpose: "to post to the listener as scripts do", packages: &["curl"] };

/// The browser that the end-to-end tests drive, and that draws the tray's icons.
pub(crate) const BROWSER: Need =
    Need { purpose: "to test the UI in a browser, or to draw icons", packages: &["chromium"] };

/// A display, a session bus and WebKit's remote control.
pub(crate) const WINDOW_TEST: Need =
    Need { purpose: "to test the window without a screen", packages: &["xvfb", "dbus", "webkit2gtk-driver"] };

/// A keychain of our own.
pub(crate) const KEYCHAIN: Need =
    Need { purpose: "to test the keychain", packages: &["dbus", "gnome-keyring", "libsecret-tools"] };

/// What writes down in which order the program asks the system for things, and what takes room away from it.
pub(crate) const FAULTS: Need =
    Need { purpose: "to break the program on purpose", packages: &["strace", "util-linux"] };

/// What libFuzzer is built with.
pub(crate) const FUZZ: Need = Need { purpose: "to build the fuzzer", packages: &["g++"] };

/// Python's own way to keep packages apart, which Debian ships separately.
pub(crate) const PYTHON: Need =
    Need { purpose: "to test with Salesforce's Python client", packages: &["python3-venv"] };

/// What makes `.deb` and `.rpm` out of files.
pub(crate) const PACKAGE: Need =
    Need { purpose: "to make packages", packages: &["binutils", "dpkg-dev", "gzip", "rpm"] };

/// A system with nothing on it, to install packages in, and what looks packages over.
pub(crate) const PACKAGE_TEST: Need = Need {
    purpose: "to try packages in a clean system",
    packages: &["desktop-file-utils", "lintian", "mmdebstrap"],
};

impl Packages {
    /// Sees to it that everything needed is there.
    ///
    /// # Errors
    /// When something is missing and cannot be installed; the message names it.
    pub(crate) fn ensure(self, needs: &[&Need]) -> anyhow::Result<()> {
        if self == Self::TakenForGranted {
            return Ok(());
        }
        let wanted: BTreeSet<_> = needs.iter().flat_map(|need| need.packages).copied().collect();
        let listing = process::output(
            Command::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\n"]).args(&wanted),
        )?;
        let missing = missing(&wanted, listing.as_deref().unwrap_or_default());
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.iter().copied().collect::<Vec<_>>().join(" ");
        for need in needs.iter().filter(|need| need.packages.iter().any(|name| missing.contains(name))) {
            println!("Needed {}: {}", need.purpose, need.packages.join(" "));
        }
        if listing.is_none() {
            bail!(
                "this is not Debian or a system made from it, so that nothing can be installed here. Install what \
                 gives the same as these Debian packages, and add --no-packages: {names}"
            );
        }
        install(&missing).with_context(|| {
            format!("these Debian packages are missing. Install them (apt-get install {names}) and try again")
        })
    }
}

/// Those of `wanted` that dpkg-query's `listing` does not show as installed.
fn missing(wanted: &BTreeSet<&'static str>, listing: &str) -> BTreeSet<&'static str> {
    let installed: BTreeSet<_> = listing.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    wanted.iter().copied().filter(|name| !installed.contains(name)).collect()
}

fn install(packages: &BTreeSet<&str>) -> anyhow::Result<()> {
    println!("Installing with apt-get what of it is missing.");
    // An old list still has most packages, so that a failure here need not be the end.
    if let Err(error) = process::run(apt_get()?.arg("update")) {
        eprintln!("warning: {error:#}");
    }
    process::run(apt_get()?.args(["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> anyhow::Result<Command> {
    let mut command = process::as_root("env")?;
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_fully_installed_counts() {
        let wanted = BTreeSet::from(["chromium", "dbus", "xvfb"]);
        let listing = "chromium installed\ndbus config-files\n";
        assert_eq!(missing(&wanted, listing), BTreeSet::from(["dbus", "xvfb"]));
        assert_eq!(missing(&wanted, "").len(), 3);
    }

    #[test]
    fn whoever_says_that_everything_is_there_is_believed() {
        let nonsense = Need { purpose: "for nothing", packages: &["no-such-package-anywhere"] };
        assert!(Packages::TakenForGranted.ensure(&[&nonsense]).is_ok());
    }
}
