//! What comes from outside, mutated by libFuzzer: `cargo xtask test fuzz`, for long `cargo xtask torture`.
//!
//! cargo-fuzz builds the targets with the stable compiler: what guides the fuzzer are options of LLVM, and only sanitizers
//! would want another. The targets are run without it, each a fixed number of times from a fixed seed, so that what passes or
//! fails does not hang on how fast a machine is.

use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::packages::{self, Packages};
use crate::{process, setup, workspace};

/// The version of cargo-fuzz.
const VERSION: &str = "^0.13";
/// How many inputs each target gets in the short form, those of its corpus included.
const RUNS: u32 = 20_000;
/// How many lines of what it says are shown where one broke something.
const SHOWN: usize = 60;

/// Builds every target and runs it, so many times as long as the short form. What the long form finds its way with is kept
/// for the next.
///
/// # Errors
/// When something cannot be installed or built, or an input breaks a promise; the message says where the input is.
pub(crate) fn run(packages: Packages, times: u32) -> anyhow::Result<()> {
    packages.ensure(&[&packages::FUZZ])?;
    let folder = workspace::fuzz_tests();
    let built = workspace::target().join("fuzz");
    process::run(
        process::command(setup::tool("cargo-fuzz", VERSION)?)
            .args(["build", "--dev", "--sanitizer", "none", "--fuzz-dir"])
            .arg(&folder)
            .arg("--target-dir")
            .arg(&built),
    )?;
    let programs = programs(&built)?;
    let targets = names(&folder.join("corpus"))?;
    ensure!(!targets.is_empty(), "there is nothing in tests/fuzz/corpus, so nothing would be tried");
    let is_long = times > 1;
    for target in &targets {
        let learnt = workspace::state().join(if is_long { "fuzz-long" } else { "fuzz" }).join(target);
        if !is_long && learnt.exists() {
            fs::remove_dir_all(&learnt).with_context(|| format!("{} is in use", learnt.display()))?;
        }
        fs::create_dir_all(&learnt)?;
        let broken = built.join(format!("broken-{target}-"));
        let runs = u64::from(RUNS) * u64::from(times);
        let output = process::command(programs.join(target))
            .args([format!("-runs={runs}"), "-seed=1".to_owned(), "-print_final_stats=1".to_owned()])
            .arg(format!("-artifact_prefix={}", broken.display()))
            .arg(&learnt)
            .arg(folder.join("corpus").join(target))
            .output()
            .with_context(|| format!("{target} cannot be started"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let again = programs.join(target);
            let end: Vec<_> = said.lines().rev().take(SHOWN).collect();
            end.into_iter().rev().for_each(|line| println!("{line}"));
            bail!(
                "an input broke {target}: {}*. Try it again with {} FILE, and put it into tests/fuzz/corpus/{target} when it \
                 is mended",
                broken.display(),
                again.display()
            );
        }
        println!("{target}: {}", result(&said));
    }
    Ok(())
}

/// What libFuzzer's figures say.
fn result(said: &str) -> String {
    let figure = |name: &str| {
        let line =
            said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)).unwrap_or(": ?");
        line.trim_start_matches(':').trim()
    };
    format!(
        "{} inputs, {} of them kept for what they reached, none broke a promise",
        figure("number_of_executed_units"),
        figure("new_units_added")
    )
}

/// Where cargo-fuzz leaves the programs: in the folder of the system that they are built for, which it always names.
fn programs(built: &Path) -> anyhow::Result<PathBuf> {
    let found = names(built)?.into_iter().filter(|name| name.starts_with(consts::ARCH)).collect::<Vec<_>>();
    let [system] = found.as_slice() else {
        bail!("{} should hold the programs of one system, and holds {found:?}", built.display());
    };
    Ok(built.join(system).join("debug"))
}

/// The folders in a folder, in order.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_run_is_told_in_a_line() {
        let said =
            "Done 20000 runs\nstat::number_of_executed_units: 20000\nstat::new_units_added:          284\n";
        assert_eq!(
            result(said),
            "20000 inputs, 284 of them kept for what they reached, none broke a promise"
        );
        assert!(result("").starts_with("? inputs"));
    }

    #[test]
    fn every_target_has_something_to_begin_with() {
        let targets = names(&workspace::fuzz_tests().join("corpus")).unwrap();
        let manifest = fs::read_to_string(workspace::fuzz_tests().join("Cargo.toml")).unwrap();
        assert_eq!(targets.len(), manifest.matches("[[bin]]").count(), "{targets:?}");
        for target in targets {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
        }
    }
}
