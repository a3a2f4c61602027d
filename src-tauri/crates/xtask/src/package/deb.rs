//! Packages for Debian and systems made from it, with dpkg's own tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::contents::{Family, Kind, Tree};
use super::{About, Build};
use crate::{process, workspace};

/// Which packaging of the version.
const REVISION: u32 = 1;
/// Findings of lintian that are meant so, with why.
const OVERRIDES: &str = "\
# The names of functions stay in, for the reports of crashes.
{package}: unstripped-binary-or-object
# The first packaging closes no request for it.
{package}: initial-upload-closes-no-bugs
";

/// Makes one.
///
/// # Errors
/// When a tool is missing or refuses.
pub(super) fn make(kind: Kind, build: Build, about: &About, notices: &str) -> anyhow::Result<PathBuf> {
    let name = kind.name();
    let folder = about.folder.join(format!("{name}-deb"));
    let tree = Tree::fill(&folder, kind, Family::Debian, build)?;
    let version = format!("{}-{REVISION}", about.version);
    papers(&tree, kind, &version, about, notices)?;

    let architecture = process::answer(process::command("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let control =
        control(kind, &version, architecture, &libraries(&tree, kind, about)?, installed_size(&tree)?, about);
    tree.write("DEBIAN/control", control)?;
    let package = about.folder.join(format!("{name}_{version}_{architecture}.deb"));
    let mut pack = process::command("dpkg-deb");
    // xz is what every dpkg reads; a development build is packed for a try only.
    match build {
        Build::Release => pack.args(["-Zxz", "-z6"]),
        Build::Development => pack.args(["-Zgzip", "-z1"]),
    };
    process::run(
        pack.args(["--root-owner-group", "--build"])
            .args([tree.path(), &package])
            .env("SOURCE_DATE_EPOCH", &about.made_at),
    )?;
    Ok(package)
}

/// What must lie in `/usr/share/doc`, and sums by which a damaged installation is found.
fn papers(tree: &Tree, kind: Kind, version: &str, about: &About, notices: &str) -> anyhow::Result<()> {
    let name = kind.name();
    let folder = format!("usr/share/doc/{name}");
    tree.copy(&workspace::linux().join("copyright"), &format!("{folder}/copyright"))?;
    tree.write(&format!("{folder}/THIRD-PARTY-NOTICES.gz"), notices)?;
    tree.write(&format!("{folder}/changelog.gz"), read("CHANGELOG.md")?)?;
    let date = about.date("+%a, %d %b %Y %H:%M:%S %z")?;
    let changelog = format!(
        "{name} ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- {}  {date}\n",
        about.maintainer
    );
    tree.write(&format!("{folder}/changelog.Debian.gz"), changelog)?;
    tree.write(&format!("usr/share/lintian/overrides/{name}"), OVERRIDES.replace("{package}", name))?;
    let sums = "find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum";
    let sums = process::answer(process::command("sh").args(["-c", sums]).current_dir(tree.path()))?;
    tree.write("DEBIAN/md5sums", sums)?;
    Ok(())
}

fn read(file: &str) -> anyhow::Result<String> {
    fs::read_to_string(workspace::root().join(file)).with_context(|| format!("{file} cannot be read"))
}

/// The packages whose libraries the programs are linked with, as dpkg knows them.
fn libraries(tree: &Tree, kind: Kind, about: &About) -> anyhow::Result<String> {
    // It wants to stand in a source package.
    let source = about.folder.join(format!("{}-source", kind.name()));
    fs::create_dir_all(source.join("debian"))?;
    fs::write(
        source.join("debian/control"),
        "Source: sync-monitor\n\nPackage: sync-monitor\nArchitecture: any\n",
    )?;
    let mut look = process::command("dpkg-shlibdeps");
    look.current_dir(&source).arg("-O");
    for program in kind.programs() {
        look.arg("-e").arg(tree.path().canonicalize()?.join("usr/bin").join(program));
    }
    dependencies(&process::answer(&mut look)?)
}

/// `libc6 (>= 2.34), …` of `shlibs:Depends=libc6 (>= 2.34), …`.
fn dependencies(answer: &str) -> anyhow::Result<String> {
    match answer.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")) {
        Some(list) => Ok(list.trim().to_owned()),
        None => bail!("dpkg-shlibdeps named no library; it said {answer:?}"),
    }
}

/// In KiB, as dpkg counts.
fn installed_size(tree: &Tree) -> anyhow::Result<u64> {
    fn size(path: &Path) -> anyhow::Result<u64> {
        if path.is_file() {
            return Ok(path.metadata()?.len().div_ceil(1024));
        }
        fs::read_dir(path)?.try_fold(1, |sum, entry| Ok(sum + size(&entry?.path())?))
    }
    size(&tree.path().join("usr"))
}

fn control(
    kind: Kind,
    version: &str,
    architecture: &str,
    libraries: &str,
    installed_size: u64,
    about: &About,
) -> String {
    let (other, more) = match kind {
        Kind::Desktop => (
            Kind::Server.name(),
            "Recommends: default-dbus-session-bus | dbus-session-bus, xdg-utils\nSuggests: gnome-keyring | keepassxc\n",
        ),
        Kind::Server => (Kind::Desktop.name(), ""),
    };
    let description = kind.description().replace('\n', "\n ");
    format!(
        "Package: {}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: {}\n\
         Installed-Size: {installed_size}\nDepends: ca-certificates, {libraries}\n{more}\
         Conflicts: {other}\nReplaces: {other}\nSection: net\nPriority: optional\n\
         Description: {}\n {description}\n",
        kind.name(),
        about.maintainer,
        kind.summary(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_package_takes_the_place_of_the_other_and_the_server_asks_for_no_desktop() {
        let about = About {
            folder: PathBuf::new(),
            version: "1.2.3".into(),
            maintainer: "A <a@b.c>".into(),
            made_at: "0".into(),
        };
        let of = |kind| control(kind, "1.2.3-1", "amd64", "libc6 (>= 2.34)", 7, &about);
        let (desktop, server) = (of(Kind::Desktop), of(Kind::Server));
        assert!(
            desktop.contains("\nConflicts: sync-monitor-server\nReplaces: sync-monitor-server\n"),
            "{desktop}"
        );
        assert!(server.contains("\nConflicts: sync-monitor\nReplaces: sync-monitor\n"), "{server}");
        assert!(!server.contains("dbus") && server.contains("Depends: ca-certificates, libc6 (>= 2.34)\n"));
        assert!(server.ends_with(".\n") && server.contains("\n Takes changes"), "{server}");
    }

    #[test]
    fn an_answer_without_libraries_is_no_answer() {
        assert_eq!(
            dependencies("shlibs:Depends=libc6 (>= 2.34), zlib1g\n").unwrap(),
            "libc6 (>= 2.34), zlib1g"
        );
        assert!(dependencies("").is_err());
    }
}
