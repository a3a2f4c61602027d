//! A package for Fedora, Red Hat, openSUSE and their like, with rpm's own tools.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::contents::{Family, Kind, Tree};
use super::{About, Build};
use crate::{process, workspace};

/// Makes one, with both programs.
///
/// # Errors
/// When a tool is missing or refuses.
pub(super) fn make(build: Build, about: &About, notices: &str) -> anyhow::Result<PathBuf> {
    let kind = Kind::Desktop;
    let name = kind.name();
    let folder = about.folder.join(format!("{name}-rpm"));
    let tree = Tree::fill(&folder.join("tree"), kind, Family::RedHat, build)?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        tree.copy(&workspace::root().join(licence), &format!("usr/share/licenses/{name}/{licence}"))?;
    }
    tree.write(&format!("usr/share/licenses/{name}/THIRD-PARTY-NOTICES.gz"), notices)?;
    tree.copy(&workspace::root().join("CHANGELOG.md"), &format!("usr/share/doc/{name}/CHANGELOG.md"))?;

    let recipe = folder.join(format!("{name}.spec"));
    fs::write(&recipe, spec(kind, about))
        .with_context(|| format!("{} cannot be written", recipe.display()))?;
    let top = folder.canonicalize()?;
    let define = |name: &str, value: &str| format!("{name} {value}");
    let payload = match build {
        Build::Release => "w19.zstdio",
        Build::Development => "w1.zstdio",
    };
    let path = |path: PathBuf| path.display().to_string();
    let defines = [
        define("_topdir", &path(top.join("work"))),
        define("_rpmdir", &path(top.join("made"))),
        define("tree", &path(top.join("tree"))),
        define("_binary_payload", payload),
        // The programs are as they are to be; the same sources make the same package.
        define("__os_install_post", "%{nil}"),
        define("debug_package", "%{nil}"),
        define("_build_id_links", "none"),
        define("_buildhost", "sync-monitor"),
        define("use_source_date_epoch_as_buildtime", "1"),
        define("clamp_mtime_to_source_date_epoch", "1"),
    ];
    let mut pack = process::command("rpmbuild");
    pack.args(["-bb", "--quiet"]).env("SOURCE_DATE_EPOCH", &about.made_at);
    for define in defines {
        pack.args(["--define", &define]);
    }
    process::run(pack.arg(&recipe))?;
    let machine = process::answer(process::command("rpm").args(["--eval", "%{_arch}"]))?;
    let machine = machine.trim();
    let file = format!("{name}-{}-1.{machine}.rpm", about.version);
    let package = about.folder.join(&file);
    fs::rename(top.join("made").join(machine).join(&file), &package)
        .with_context(|| format!("rpmbuild did not make {file}"))?;
    Ok(package)
}

/// Which libraries it needs, rpm finds out by itself.
fn spec(kind: Kind, about: &About) -> String {
    let (name, version, summary, description) =
        (kind.name(), &about.version, kind.summary(), kind.description());
    let maintainer = &about.maintainer;
    format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: Sync Monitor {summary}\nLicense: MIT OR Apache-2.0\n\
         Packager: {maintainer}\nRequires: ca-certificates\nRequires: hicolor-icon-theme\nRecommends: xdg-utils\n\n\
         %description\n{description}\n\n%install\ncp -a %{{tree}}/. %{{buildroot}}\n\n%files\n\
         %attr(0755,root,root) /usr/bin/sync-monitor\n\
         %attr(0755,root,root) /usr/bin/sync-monitor-desktop\n\
         %defattr(0644,root,root,0755)\n\
         /usr/lib/systemd/user/sync-monitor.service\n\
         /usr/share/applications/sync-monitor-desktop.desktop\n\
         /usr/share/bash-completion/completions/sync-monitor\n\
         /usr/share/fish/vendor_completions.d/sync-monitor.fish\n\
         /usr/share/zsh/site-functions/_sync-monitor\n\
         /usr/share/icons/hicolor/*/apps/sync-monitor-desktop.*\n\
         %doc /usr/share/man/man1/sync-monitor.1.gz\n\
         %doc /usr/share/man/man1/sync-monitor-desktop.1.gz\n\
         %doc /usr/share/doc/{name}\n\
         %license /usr/share/licenses/{name}\n"
    )
}
