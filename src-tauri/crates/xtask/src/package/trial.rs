//! The packages, installed, used and removed in a clean system (`cargo xtask test package`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::{Build, Made};
use crate::packages::{self, Packages};
use crate::{process, workspace};

/// What the trial itself needs in the clean system.
const FOR_ALL: [&str; 1] = ["curl"];
/// What the trial of the window needs too: a display, a session bus, what opens desktop files, what sees windows.
const FOR_WINDOWS: [&str; 5] = ["dbus", "desktop-file-utils", "libglib2.0-bin", "x11-utils", "xvfb"];

/// Makes the packages from the programs that the tests have, and tries each.
///
/// # Errors
/// When one is not as it should be.
pub(crate) fn run(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::PACKAGE_TEST])?;
    let made = super::run(packages, Build::Development)?;
    look_over(&made)?;
    let depends = |deb: &Path| field(deb, "Depends");
    let server = depends(&made.server_deb)?;
    ensure!(
        !["webkit", "gtk", "x11"].iter().any(|name| server.contains(name)),
        "the package for servers needs a desktop: {server}"
    );
    in_clean_system("server", &made.server_deb, &names(&server), &FOR_ALL)?;
    let for_windows = [&FOR_ALL[..], &FOR_WINDOWS].concat();
    in_clean_system("desktop", &made.deb, &names(&depends(&made.deb)?), &for_windows)?;
    unpacked_by_rpm(&made.rpm)
}

/// What the tools for it find.
fn look_over(made: &Made) -> anyhow::Result<()> {
    process::run(
        process::command("desktop-file-validate")
            .arg(workspace::linux().join("sync-monitor-desktop.desktop")),
    )?;
    process::run(
        process::command("lintian")
            .args(["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"])
            .args([&made.deb, &made.server_deb]),
    )
}

fn field(deb: &Path, name: &str) -> anyhow::Result<String> {
    process::answer(process::command("dpkg-deb").arg("--field").arg(deb).arg(name))
}

/// The packages in a `Depends`, the first of each choice.
fn names(depends: &str) -> Vec<&str> {
    depends.split(',').filter_map(|one| one.split_whitespace().next()).collect()
}

/// Installs, uses and removes a package in a system that has what it depends on, and nothing else but what the trial
/// needs. What is written there is in memory, and gone afterwards.
fn in_clean_system(name: &str, deb: &Path, depends: &[&str], tools: &[&str]) -> anyhow::Result<()> {
    let root = clean_system(name, &[depends, tools].concat())?;
    let packages = workspace::trial_packages().canonicalize()?;
    let deb = deb.file_name().context("a package has a name")?;
    let stage = workspace::state().join("clean-system");
    fs::create_dir_all(&stage)?;
    process::run(
        process::as_root("unshare")?
            // Everything that the trial starts ends with it.
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh"])
            .arg(workspace::package_tests().join("clean-system.sh"))
            .args([root, stage.canonicalize()?, packages, workspace::package_tests().join("try.sh")])
            .arg(deb),
    )
}

/// A new system with these packages, as the registry of this one has them; made once.
fn clean_system(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let release = fs::read_to_string("/etc/os-release").context("this system does not tell what it is")?;
    let suite = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("this system does not tell which release it is")?;
    let folder = workspace::state().join(format!("system-{name}"));
    let (root, stamp) = (folder.join("root"), folder.join("made-of"));
    let wanted = format!("{suite} {}", packages.join(","));
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(root.canonicalize()?);
    }
    process::run(process::as_root("rm")?.args(["-rf"]).arg(&folder))?;
    fs::create_dir_all(&folder)?;
    process::run(
        process::as_root("mmdebstrap")?
            .args(["--quiet", "--variant=required", "--include", &packages.join(",")])
            // No manuals and translations: nobody reads them there.
            .args(["--dpkgopt=path-exclude=/usr/share/locale/*", suite])
            .arg(&root),
    )?;
    fs::write(&stamp, wanted)?;
    Ok(root.canonicalize()?)
}

/// Installs and removes a package with rpm, in a folder of its own. The libraries that it needs are named otherwise on
/// Debian, so that only their names are looked at.
fn unpacked_by_rpm(package: &Path) -> anyhow::Result<()> {
    let root = workspace::state().join("rpm");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("{} is in use", root.display()))?;
    }
    fs::create_dir_all(&root)?;
    let root = root.canonicalize()?;
    let ask = |arguments: &[&str]| {
        process::answer(process::command("rpm").args(["--query", "--package"]).args(arguments).arg(package))
    };
    let needs = ask(&["--requires"])?;
    ensure!(needs.contains("libwebkit2gtk-4.1.so"), "the package does not say that it needs WebKit: {needs}");
    let rpm = |arguments: &[&str]| -> anyhow::Result<()> {
        process::run(process::as_root("rpm")?.arg("--root").arg(&root).args(arguments))
    };
    let package = package.canonicalize()?;
    let package = package.to_string_lossy();
    rpm(&["--initdb"])?;
    rpm(&["--install", "--nodeps", &package])?;
    rpm(&["--verify", "--nodeps", "sync-monitor"])?;
    process::run(process::command(root.join("usr/bin/sync-monitor")).arg("--version"))?;
    rpm(&["--erase", "sync-monitor"])?;
    ensure!(!root.join("usr/bin/sync-monitor").exists(), "rpm left the program behind");
    ensure!(!root.join("usr/share/doc/sync-monitor").exists(), "rpm left papers behind");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_choice_the_first_is_installed() {
        assert_eq!(names("libc6 (>= 2.34), a | b, zlib1g (>= 1:1.1)\n"), ["libc6", "a", "zlib1g"]);
    }
}
