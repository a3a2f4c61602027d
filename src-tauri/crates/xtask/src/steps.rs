//! `cargo xtask test`: every check, one after the other.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::package::trial;
use crate::packages::{self, Packages};
use crate::process::{self, Background};
use crate::server::Server;
use crate::{demo, fuzz, setup, take_flag, workspace};

/// One check. It installs and builds what it needs, so that each can be run alone.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(Packages) -> anyhow::Result<()>,
}

/// In the order in which they run: what is quick and what later steps build on comes first.
const STEPS: [Step; 15] = [
    Step { name: "fmt", about: "the Rust code is formatted", run: fmt },
    Step { name: "ui-check", about: "the UI's types", run: |_| ui("check") },
    Step { name: "ui-lint", about: "the UI's style", run: |_| ui("lint") },
    Step { name: "ui-test", about: "the UI's units", run: |_| ui("test") },
    Step { name: "ui-build", about: "the UI builds", run: |_| setup::ui_built() },
    Step { name: "clippy", about: "no warning in any Rust code", run: clippy },
    Step { name: "rust", about: "units and flows, without a window", run: rust },
    Step {
        name: "faults",
        about: "kills, full disks, broken networks: nothing is lost",
        run: |p| faults(p, 1),
    },
    Step {
        name: "fuzz",
        about: "mutants of what comes from outside: nothing breaks",
        run: |p| fuzz::run(p, 1),
    },
    Step { name: "keychain", about: "tokens in a real keychain", run: keychain },
    Step { name: "api", about: "what the API answers, against its description", run: api },
    Step { name: "e2e", about: "the UI in a browser, on the whole program", run: e2e },
    Step { name: "desktop", about: "the window's program builds; its units", run: desktop },
    Step { name: "window", about: "the real window, without a screen", run: window },
    Step {
        name: "package",
        about: "packages, installed, used and removed in a clean system",
        run: trial::run,
    },
];

/// Where the property tests begin, and how many inputs each is given where it says nothing itself (proptest's own names).
const PROPERTY_SEED: &str = "PROPTEST_RNG_SEED";
const PROPERTY_CASES: &str = "PROPTEST_CASES";

/// How many times as long the fault suite is by default, where it is to be long.
const LONG: u32 = 40;

/// Runs the named steps, or all, to the last one whatever fails.
///
/// # Errors
/// When a step is not known.
pub(crate) fn run(packages: Packages, mut args: Vec<String>) -> anyhow::Result<ExitCode> {
    if take_flag(&mut args, "--list") {
        for step in &STEPS {
            println!("{:<9} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = choose(&args)?;
    let results: Vec<_> = chosen
        .into_iter()
        .map(|step| {
            println!("\n──── {}: {}", step.name, step.about);
            let start = Instant::now();
            let result = (step.run)(packages);
            if let Err(error) = &result {
                println!("{} failed: {error:#}", step.name);
            }
            (step, result, start.elapsed())
        })
        .collect();

    println!("\n──── summary");
    for (step, result, time) in &results {
        println!("{}", line(step, result, *time));
    }
    let failed = results.iter().filter(|(_, result, _)| result.is_err()).count();
    println!("\n{} passed, {failed} failed", results.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            bail!("there is no step {name:?}. There are: {}", known.join(" "));
        }
    }
    Ok(STEPS.iter().filter(|step| names.iter().any(|name| step.name == name)).collect())
}

fn line(step: &Step, result: &anyhow::Result<()>, time: Duration) -> String {
    let name = step.name;
    let time = format!("{:.1} s", time.as_secs_f64());
    match result {
        Ok(()) => format!("passed  {name:<9} {time:>8}"),
        Err(error) => format!("FAILED  {name:<9} {time:>8}  {error:#} (again: cargo xtask test {name})"),
    }
}

fn fmt(_: Packages) -> anyhow::Result<()> {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))?;
    // A workspace of its own.
    let fuzz = workspace::fuzz_tests().join("Cargo.toml");
    process::run(process::cargo().args(["fmt", "--check", "--manifest-path"]).arg(fuzz))
}

fn ui(script: &str) -> anyhow::Result<()> {
    setup::ui_libraries()?;
    setup::npm_run(script)
}

fn clippy(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::WINDOW, &packages::FUZZ])?;
    setup::ui_built()?;
    let check = |what: &[&str]| {
        process::run(process::cargo().arg("clippy").args(what).args(["--", "-D", "warnings"]))
    };
    check(&["--workspace", "--all-targets"])?;
    // These run only where they are asked for by name, which `--all-targets` does not.
    check(&[
        "--package",
        "sync-monitor-tests",
        "--test",
        "keychain",
        "--test",
        "window",
        "--test",
        "load",
        "--test",
        "torture",
    ])?;
    // A workspace of its own, with a folder of its own.
    let (fuzz, built) = (workspace::fuzz_tests().join("Cargo.toml"), workspace::target().join("fuzz"));
    process::run(
        process::cargo()
            .args(["clippy", "--all-targets", "--manifest-path"])
            .arg(fuzz)
            .arg("--target-dir")
            .arg(built)
            .args(["--", "-D", "warnings"]),
    )
}

fn rust(packages: Packages) -> anyhow::Result<()> {
    setup::ui_built()?;
    setup::clients(packages)?;
    // The tests start it as a process of its own.
    demo::build_program()?;
    let mut tests = process::cargo();
    tests.args(["test", "--workspace", "--exclude", "sync-monitor-desktop", "--no-fail-fast"]);
    // The property tests are given the same inputs each time: what nobody has met yet is looked for by `torture`.
    if env::var_os(PROPERTY_SEED).is_none() {
        tests.env(PROPERTY_SEED, "1");
    }
    process::run(&mut tests)
}

/// The fault suite, so many times as long as its short form.
///
/// # Errors
/// When something cannot be installed or built, or a test fails.
pub(crate) fn faults(packages: Packages, times: u32) -> anyhow::Result<()> {
    packages.ensure(&[&packages::FAULTS])?;
    setup::ui_built()?;
    demo::build_program()?;
    let mut test = special_test("torture")?;
    // What they tried and what came of it is their result, and is shown.
    process::run(test.args(["--", "--nocapture"]).env("SYNC_MONITOR_TORTURE", times.to_string()))
}

/// `cargo xtask torture [TIMES]`: the long form of the fault suite, of the fuzzing, of the worlds of orgs with the package, of
/// the model tests and of the property tests of the rules, which begin at inputs of their own each time.
///
/// # Errors
/// As [`faults`], or when `args` are no number.
pub(crate) fn torture(packages: Packages, args: &[String]) -> anyhow::Result<()> {
    let times = match args {
        [] => LONG,
        [times] => times.parse().with_context(|| format!("{times:?} is not how many times as long"))?,
        _ => bail!("torture takes one number: how many times as long as in the short form"),
    };
    faults(packages, times)?;
    fuzz::run(packages, times)?;
    let worlds = ["test", "--package", "sync-monitor-tests", "--test", "it", "many_worlds"];
    let of_store = ["test", "--package", "sync-monitor-store", "--release", "tests::"];
    let of_program = ["test", "--package", "sync-monitor-tests", "--test", "model"];
    let long = |command: &mut Command| process::run(command.env("SYNC_MONITOR_TORTURE", times.to_string()));
    long(process::cargo().args(worlds).args(["--", "--ignored", "--nocapture"]))?;
    long(process::cargo().args(of_program))?;
    long(process::cargo().args(of_store))?;
    let of_rules = [
        "test",
        "--package",
        "sync-monitor-domain",
        "--package",
        "sync-monitor-salesforce",
        "--release",
        "--lib",
    ];
    process::run(process::cargo().args(of_rules).env(PROPERTY_CASES, times.saturating_mul(256).to_string()))
}

fn keychain(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::KEYCHAIN])?;
    let test = special_test("keychain")?;
    // A keychain of the test's own: on its own session bus, in a home that is thrown away, and open.
    let home = workspace::state().join("keychain");
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("{} is in use", home.display()))?;
    }
    fs::create_dir_all(&home)?;
    let script = "printf password | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null && \"$@\"";
    process::run(
        process::command("dbus-run-session")
            .args(["--", "sh", "-c", script, "sh"])
            .arg(test.get_program())
            .args(test.get_args())
            .env("XDG_DATA_HOME", &home)
            .env("XDG_RUNTIME_DIR", &home),
    )
}

/// A test that needs an environment of its own and runs only where it is asked for by name; built already.
fn special_test(name: &str) -> anyhow::Result<Command> {
    let mut test = process::cargo();
    test.args(["test", "--package", "sync-monitor-tests", "--test", name]);
    let mut build = process::cargo();
    process::run(build.args(test.get_args()).arg("--no-run"))?;
    Ok(test)
}

fn api(packages: Packages) -> anyhow::Result<()> {
    let tool = setup::schemathesis(packages)?;
    setup::ui_built()?;
    demo::build_program()?;
    let server = Server::start()?;
    process::run(
        process::command(tool)
            .arg("--config-file")
            .arg(workspace::api_tests().join("schemathesis.toml"))
            .args(["run", &server.at("/openapi.json"), "--generation-deterministic", "--max-examples", "30"])
            // Its own folder of findings and its long requests are not for the project's folder, or for the screen.
            .args(["--report-dir", &workspace::state().join("schemathesis").to_string_lossy()])
            .args(["--output-truncate", "true", "--no-color"])
            .current_dir(workspace::state())
            .env("SYNC_MONITOR_ADMIN_TOKEN", server.admin_token())
            .env("SYNC_MONITOR_INTEGRATION_TOKEN", server.integration_token()?),
    )?;
    server.stop()
}

fn e2e(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::BROWSER])?;
    setup::ui_built()?;
    demo::build_program()?;
    let server = Server::start()?;
    // The journeys first, by themselves: their link is good for a minute.
    process::run(
        process::command("npm")
            .args(["run", "journeys"])
            .current_dir(workspace::ui())
            .env("SYNC_MONITOR_OPEN_URL", server.one_time_link()?),
    )?;
    server.stop()?;
    setup::npm_run("e2e")
}

fn desktop(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::WINDOW])?;
    setup::ui_built()?;
    demo::build_window()?;
    process::run(process::cargo().args([
        "test",
        "--package",
        "sync-monitor-desktop",
        "--features",
        "custom-protocol",
    ]))
}

fn window(packages: Packages) -> anyhow::Result<()> {
    packages.ensure(&[&packages::WINDOW, &packages::WINDOW_TEST])?;
    setup::ui_built()?;
    demo::build_window()?;
    let driver = setup::tauri_driver()?;
    let mut test = special_test("window")?;
    let (_display, number) = display()?;
    process::run(
        test.env("DISPLAY", format!(":{number}"))
            .env_remove("WAYLAND_DISPLAY")
            .env("GDK_BACKEND", "x11")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("SYNC_MONITOR_DESKTOP", workspace::built("sync-monitor-desktop"))
            .env("TAURI_DRIVER", driver),
    )
}

/// A display in memory, and its number.
fn display() -> anyhow::Result<(Background, u32)> {
    let mut display = Background::start(
        process::command("Xvfb")
            // It takes a free number and prints it when it is ready.
            .args(["-displayfd", "1", "-screen", "0", "1440x960x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped()),
    )?;
    let mut number = String::new();
    let output = display.stdout().context("Xvfb has no output")?;
    BufReader::new(output).read_line(&mut number)?;
    let number = number.trim().parse().context("Xvfb did not start")?;
    Ok((display, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_step_and_the_order_is_always_ours() {
        assert_eq!(choose(&[]).unwrap().len(), STEPS.len());
        let chosen = choose(&["window".into(), "fmt".into()]).unwrap();
        assert_eq!(chosen.iter().map(|step| step.name).collect::<Vec<_>>(), ["fmt", "window"]);
    }

    #[test]
    fn a_step_that_does_not_exist_is_an_error_rather_than_nothing_to_do() {
        let error = choose(&["fmt".into(), "e2".into()]).err().unwrap().to_string();
        assert!(error.contains("\"e2\"") && error.contains("ui-check"), "{error}");
    }

    #[test]
    fn the_summary_tells_how_to_run_a_failed_step_again() {
        let line = line(&STEPS[0], &Err(anyhow::anyhow!("no")), Duration::from_millis(1500));
        assert_eq!(line, "FAILED  fmt          1.5 s  no (again: cargo xtask test fmt)");
    }
}
