//! What the commands need besides Cargo and Debian packages. Each function does nothing where nothing is to be done.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};

use crate::packages::{self, Packages};
use crate::{process, workspace};

/// The oldest Node.js that the UI's tools run on.
const NODE: u32 = 20;

/// Folders in `ui` that its build does not read.
const NOT_BUILT: [&str; 5] = ["node_modules", "dist", "e2e", "test-results", "coverage"];

/// Installs everything that the other commands need.
///
/// # Errors
/// When a part cannot be installed.
pub(crate) fn everything(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::WINDOW, &packages::BROWSER, &packages::WINDOW_TEST, &packages::KEYCHAIN])?;
    clients(packages)?;
    schemathesis(packages)?;
    tauri_driver()?;
    ui_built()?;
    println!("Everything is there.");
    Ok(())
}

/// The UI's libraries, as its lock file names them.
///
/// # Errors
/// When there is no Node.js, or npm fails.
pub(crate) fn ui_libraries() -> anyhow::Result<()> {
    npm_ci(&workspace::ui())
}

/// The built UI, from its present sources.
///
/// # Errors
/// When the libraries or the build fail.
pub(crate) fn ui_built() -> anyhow::Result<()> {
    ui_libraries()?;
    let stamp = workspace::state().join("ui-build");
    if fs::read_to_string(&stamp).is_ok_and(|built| ui_fingerprint().is_ok_and(|now| now == built)) {
        return Ok(());
    }
    npm_run("build")?;
    fs::create_dir_all(workspace::state())?;
    // Of the built UI too: who builds it by hand from other sources makes the stamp stale.
    fs::write(&stamp, ui_fingerprint()?).with_context(|| format!("{} cannot be written", stamp.display()))
}

/// A script of the UI's package.json.
///
/// # Errors
/// When it fails.
pub(crate) fn npm_run(script: &str) -> anyhow::Result<()> {
    process::run(process::command("npm").args(["run", script]).current_dir(workspace::ui()))
}

/// curl, and Salesforce's own clients in Python and JavaScript, which the tests speak with.
///
/// # Errors
/// When Python or Node.js is missing, or the packages cannot be installed.
pub(crate) fn clients(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::CURL])?;
    npm_ci(&workspace::clients())?;
    venv(packages, &workspace::clients(), "py").map(drop)
}

/// The fuzzer for the management API: its program.
///
/// # Errors
/// When Python is missing, or it cannot be installed.
pub(crate) fn schemathesis(packages: Packages) -> anyhow::Result<PathBuf> {
    Ok(venv(packages, &workspace::api_tests(), "schemathesis")?.join("bin/schemathesis"))
}

/// A Python of its own in `target/tools`, with what a folder's requirements.txt names.
fn venv(packages: Packages, folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let wanted = folder.join("requirements.txt");
    let venv = workspace::tools().join(name);
    let python = venv.join("bin/python");
    up_to_date(&wanted, &venv.join("installed-requirements.txt"), || {
        let version =
            process::output(process::command("python3").args(["-c", "import ensurepip, venv; print(1)"]))?;
        if version.is_none_or(|output| output.is_empty()) {
            packages.ensure(&[&packages::PYTHON])?;
        }
        process::run(process::command("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        process::run(
            process::command(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(&wanted),
        )
    })?;
    Ok(venv)
}

/// The program that drives a Tauri window.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn tauri_driver() -> anyhow::Result<PathBuf> {
    tool("tauri-driver", "^2")
}

/// A program from crates.io, built once into `target/tools`.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn tool(name: &str, version: &str) -> anyhow::Result<PathBuf> {
    let program = workspace::tools().join("bin").join(name);
    if !program.exists() {
        process::run(
            process::cargo()
                .args(["install", name, "--version", version, "--locked", "--root"])
                .arg(workspace::tools()),
        )?;
    }
    Ok(program)
}

fn npm_ci(folder: &Path) -> anyhow::Result<()> {
    let wanted = folder.join("package-lock.json");
    up_to_date(&wanted, &folder.join("node_modules/installed-package-lock.json"), || {
        node()?;
        process::run(process::command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
    })
}

fn node() -> anyhow::Result<()> {
    let version = process::output(process::command("node").arg("--version"))?;
    let major = version.as_deref().and_then(node_major);
    let found = version.as_deref().map_or("none", str::trim);
    ensure!(
        major.is_some_and(|major| major >= NODE),
        "the UI needs Node.js {NODE} or newer with npm; found here: {found}. It is at https://nodejs.org"
    );
    Ok(())
}

/// 20 of `v20.20.2`.
fn node_major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Runs `install` unless `installed` is a copy of `wanted`, and then makes it one.
fn up_to_date(
    wanted: &Path,
    installed: &Path,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let now = fs::read(wanted).with_context(|| format!("{} cannot be read", wanted.display()))?;
    match fs::read(installed) {
        Ok(before) if before == now => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => bail!("{} cannot be read: {error}", installed.display()),
    }
    install()?;
    fs::write(installed, now).with_context(|| format!("{} cannot be written", installed.display()))
}

/// Tells one state of the UI's sources and of what was built from another.
fn ui_fingerprint() -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    hash_folder(&workspace::ui(), &NOT_BUILT, &mut hasher)?;
    let page = workspace::ui().join("dist/index.html");
    let built = page.metadata().and_then(|page| page.modified()).context("the UI's build made no page")?;
    built.duration_since(SystemTime::UNIX_EPOCH)?.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash_folder(folder: &Path, without: &[&str], hasher: &mut impl std::hash::Hasher) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        if path.file_name().and_then(OsStr::to_str).is_some_and(|name| without.contains(&name)) {
            continue;
        }
        path.hash(hasher);
        if path.is_dir() {
            hash_folder(&path, &[], hasher)?;
        } else {
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?.hash(hasher);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::env;

    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(node_major("v20.20.2\n"), Some(20));
        assert_eq!(node_major("command not found"), None);
    }

    #[test]
    fn what_is_installed_already_is_not_installed_again_until_the_lock_file_changes() {
        let folder = env::temp_dir().join(format!("xtask-up-to-date-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (wanted, installed) = (folder.join("lock"), folder.join("installed"));
        let times = Cell::new(0);
        let look = || {
            up_to_date(&wanted, &installed, || {
                times.set(times.get() + 1);
                Ok(())
            })
        };
        fs::write(&wanted, "a").unwrap();
        look().unwrap();
        look().unwrap();
        assert_eq!(times.get(), 1);
        fs::write(&wanted, "b").unwrap();
        look().unwrap();
        assert_eq!(times.get(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_failed_installation_is_tried_again() {
        let folder = env::temp_dir().join(format!("xtask-failed-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (wanted, installed) = (folder.join("lock"), folder.join("installed"));
        fs::write(&wanted, "a").unwrap();
        assert!(up_to_date(&wanted, &installed, || bail!("no network")).is_err());
        assert!(!installed.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
