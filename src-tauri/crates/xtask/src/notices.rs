//! The licences of others whose code is in what is shipped, as their licences ask to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::{process, workspace};

/// The beginnings of the names of files that hold a licence or a notice.
const TEXTS: [&str; 6] = ["copying", "copyright", "licence", "license", "notice", "unlicense"];
const LINE: &str = "--------------------------------------------------------------------------------";

/// A library of others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Library {
    name: String,
    version: String,
    licence: String,
    source: String,
    folder: PathBuf,
}

/// The notices for the programs of these packages of ours, and for the page that they show.
///
/// # Errors
/// When a library is not on this machine, or says nothing of its licence.
pub(crate) fn of(packages: &[&str]) -> anyhow::Result<String> {
    let mut libraries = BTreeSet::new();
    for package in packages {
        libraries.extend(crates(package)?);
    }
    libraries.extend(page()?);
    told(&libraries)
}

/// What is linked into a program here, as Cargo's lock file has it.
fn crates(package: &str) -> anyhow::Result<Vec<Library>> {
    let mut tree = process::cargo();
    tree.args(["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"]);
    if package == "sync-monitor-desktop" {
        tree.args(["--features", "custom-protocol"]);
    }
    let listing = process::answer(tree.args(["--format", "{p}|{l}|{r}"]))?;
    let registries = registries()?;
    let ours = |line: &str| line.contains("(/") || line.trim().is_empty();
    listing.lines().filter(|line| !ours(line)).map(|line| one(line, &registries)).collect()
}

/// One line of Cargo's: `serde v1.0.228|MIT OR Apache-2.0|https://…`, with remarks in brackets.
fn one(line: &str, registries: &[PathBuf]) -> anyhow::Result<Library> {
    let mut parts = line.splitn(3, '|');
    let (package, licence, source) = (parts.next(), parts.next(), parts.next());
    let mut words = package.unwrap_or_default().split(' ');
    let (name, version) = words
        .next()
        .zip(words.next().and_then(|version| version.strip_prefix('v')))
        .with_context(|| format!("Cargo told of a crate in an unknown way: {line:?}"))?;
    let folder = registries
        .iter()
        .map(|registry| registry.join(format!("{name}-{version}")))
        .find(|folder| folder.is_dir())
        .with_context(|| format!("the sources of {name} {version} are not here. Run `cargo fetch`"))?;
    let source = source.unwrap_or_default().trim_end_matches("(*)").trim().to_owned();
    Ok(Library {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.unwrap_or_default().trim().to_owned(),
        source,
        folder,
    })
}

/// Where Cargo keeps the sources of crates.
fn registries() -> anyhow::Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("this user has no home folder")?;
    let folder = home.join("registry/src");
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// What is in the page: its libraries, and the framework that it is compiled with.
fn page() -> anyhow::Result<Vec<Library>> {
    let mut list = process::command("npm");
    list.args(["ls", "--all", "--parseable", "--omit=dev"]).current_dir(workspace::ui());
    // The first is ours. npm takes a file that lies among the libraries for one of them.
    let mut folders: Vec<PathBuf> =
        process::answer(&mut list)?.lines().skip(1).map(PathBuf::from).filter(|path| path.is_dir()).collect();
    folders.push(workspace::ui().join("node_modules/svelte"));
    folders.sort();
    folders.dedup();
    folders.into_iter().map(npm_package).collect()
}

fn npm_package(folder: PathBuf) -> anyhow::Result<Library> {
    // Node reads JSON, and is here.
    let script = "const p = require(process.argv[1]); const r = p.repository || ''; \
                  console.log([p.name, p.version, p.license, r.url || r].join('|'))";
    let manifest = folder.join("package.json");
    let manifest =
        manifest.canonicalize().with_context(|| format!("{} cannot be read", manifest.display()))?;
    let line = process::answer(process::command("node").args(["-e", script]).arg(&manifest))?;
    let mut parts = line.trim().split('|').map(str::to_owned);
    let mut next = || parts.next().with_context(|| format!("{} says too little", manifest.display()));
    Ok(Library { name: next()?, version: next()?, licence: next()?, source: next()?, folder })
}

/// Each library, and then each text once with those that it is of.
fn told(libraries: &BTreeSet<Library>) -> anyhow::Result<String> {
    let mut notices =
        String::from("Sync Monitor holds the following libraries of others, each under its own licence.\n\n");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for library in libraries {
        let Library { name, version, licence, source, folder } = library;
        let found = licences(folder)?;
        ensure!(
            !licence.is_empty() || !found.is_empty(),
            "{name} {version} does not say under which licence it may be used"
        );
        let licence = if licence.is_empty() { "see below" } else { licence };
        // Writing to a String does not fail.
        let _ = writeln!(notices, "{name} {version} ({licence})  {source}");
        for text in found {
            texts.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    let mut texts: Vec<_> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    texts.sort();
    for (of, text) in texts {
        let _ = write!(notices, "\n{LINE}\n{}\n{LINE}\n\n{text}\n", of.join(", "));
    }
    Ok(notices)
}

/// The texts in a library's folder.
fn licences(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if path.is_file() && TEXTS.iter().any(|start| name.starts_with(start)) {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_many_stands_once_with_all_that_it_is_of() {
        let folder = std::env::temp_dir().join(format!("xtask-notices-{}", std::process::id()));
        for (name, text) in [("one", "May be used.\r\n"), ("two", "May be used.\n"), ("three", "Ask first.")]
        {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::write(folder.join(name).join("LICENSE-MIT"), text).unwrap();
            fs::write(folder.join(name).join("lib.rs"), "not a licence").unwrap();
        }
        let library = |name: &str| Library {
            name: name.into(),
            version: "1.0.0".into(),
            licence: "MIT".into(),
            source: String::new(),
            folder: folder.join(name),
        };
        let notices = told(&["one", "two", "three"].map(library).into()).unwrap();
        assert_eq!(notices.matches("May be used.").count(), 1, "{notices}");
        assert!(notices.contains("\none 1.0.0, two 1.0.0\n") && notices.contains("Ask first."), "{notices}");
        assert!(!notices.contains("not a licence"), "{notices}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_library_without_a_word_on_its_licence_is_not_shipped() {
        let folder = std::env::temp_dir();
        let silent = Library {
            name: "silent".into(),
            version: "1.0.0".into(),
            licence: String::new(),
            source: String::new(),
            folder: folder.join(format!("xtask-silent-{}", std::process::id())),
        };
        fs::create_dir_all(&silent.folder).unwrap();
        let error = told(&[silent.clone()].into()).unwrap_err().to_string();
        assert!(error.contains("silent"), "{error}");
        fs::remove_dir_all(&silent.folder).unwrap();
    }
}
