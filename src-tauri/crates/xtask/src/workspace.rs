//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets this for what it runs; without Cargo the current folder has to be the root.
    let crate_folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    crate_folder.as_deref().and_then(|folder| folder.ancestors().nth(3)).unwrap_or(Path::new(".")).into()
}

/// Where Cargo builds, and where everything else that can be made again is kept.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// What this program remembers between two runs.
pub(crate) fn state() -> PathBuf {
    target().join("xtask")
}

/// Programs and libraries that are only needed to test and to check.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// A program of this workspace, as a development build leaves it.
pub(crate) fn built(name: &str) -> PathBuf {
    target().join("debug").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// A program of this workspace, as it is shipped.
pub(crate) fn released(name: &str) -> PathBuf {
    target().join("release").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// The packages that were made to be shipped, and what they were made from.
pub(crate) fn packages() -> PathBuf {
    target().join("package")
}

/// The packages that were made to be tried.
pub(crate) fn trial_packages() -> PathBuf {
    state().join("package")
}

/// The icons of the program.
pub(crate) fn icons() -> PathBuf {
    root().join("src-tauri/icons")
}

/// What only packages for Linux need.
pub(crate) fn linux() -> PathBuf {
    root().join("src-tauri/linux")
}

/// The UI's sources.
pub(crate) fn ui() -> PathBuf {
    root().join("ui")
}

/// Other people's clients, which the tests speak with.
pub(crate) fn clients() -> PathBuf {
    root().join("tests/clients")
}

/// How the API is fuzzed.
pub(crate) fn api_tests() -> PathBuf {
    root().join("tests/api")
}

/// What is mutated by libFuzzer: its targets, and what they begin with.
pub(crate) fn fuzz_tests() -> PathBuf {
    root().join("tests/fuzz")
}

/// What is done with packages in a clean system.
pub(crate) fn package_tests() -> PathBuf {
    root().join("tests/package")
}
