//! `cargo xtask`: everything that is done to this repository, by one command each.
//!
//! Each command installs what it needs and is quick when there is nothing to do. Only the standard library and
//! anyhow, so that the first command on an empty machine starts within seconds.

mod bench;
mod codegen;
mod demo;
mod deny;
mod fuzz;
mod icons;
mod notices;
mod package;
mod packages;
mod process;
mod server;
mod setup;
mod steps;
mod workspace;

use std::env;
use std::process::ExitCode;

use anyhow::bail;

use packages::Packages;

const USAGE: &str = "\
cargo xtask COMMAND

  demo [--no-window] [ARG…]   build and start the program with simulated orgs: in a window where there is a
                              display, else in a browser; each further ARG goes to the program
  test [STEP…] [--list]       every check and test, or only the named steps
  ci                          the same as test
  setup                       install everything that the other commands need
  torture [TIMES]             the fault suite, the fuzzing, worlds of orgs with the package and the model tests, 40 times as
                              long as in the tests, or so many
  bench [PART…] [--quick] [--write]
                              how fast the program is, beside references: builds it as released and measures; --help
                              tells the parts. --write puts the figures into docs/performance.md
  codegen                     write what is made from the code: docs/causes.md, docs/errors.md, docs/openapi.json,
                              docs/settings.md
  package [--dev]             make target/package/*.deb and *.rpm; --dev: in target/xtask/package, from the
                              programs that the tests use
  notices                     print the licences of others that a package holds
  icons                       draw the icons anew from their drawings in src-tauri/icons
  deny                        check licences, bans, sources and advisories with cargo-deny

  --no-packages               with any of them: never look for Debian packages, they are there under other names";

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<String>) -> anyhow::Result<ExitCode> {
    let packages =
        if take_flag(&mut args, "--no-packages") { Packages::TakenForGranted } else { Packages::Debian };
    if args.is_empty() {
        bail!("no command\n\n{USAGE}");
    }
    let command = args.remove(0);
    match command.as_str() {
        "demo" => demo::run(packages, args),
        "test" | "ci" => steps::run(packages, args),
        "torture" => steps::torture(packages, &args).map(|()| ExitCode::SUCCESS),
        "bench" => bench::run(args).map(|()| ExitCode::SUCCESS),
        "setup" if args.is_empty() => setup::everything(packages).map(|()| ExitCode::SUCCESS),
        "codegen" if args.is_empty() => codegen::run().map(|()| ExitCode::SUCCESS),
        "package" => {
            let dev = take_flag(&mut args, "--dev");
            let build = if dev { package::Build::Development } else { package::Build::Release };
            if let Some(arg) = args.first() {
                bail!("package takes --dev or nothing, and not {arg:?}");
            }
            package::run(packages, build).map(|_| ExitCode::SUCCESS)
        }
        "notices" if args.is_empty() => {
            setup::ui_libraries()?;
            print!("{}", notices::of(&["sync-monitor-cli", "sync-monitor-desktop"])?);
            Ok(ExitCode::SUCCESS)
        }
        "icons" if args.is_empty() => icons::run(packages).map(|()| ExitCode::SUCCESS),
        "deny" if args.is_empty() => deny::run().map(|()| ExitCode::SUCCESS),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        "setup" | "codegen" | "notices" | "icons" | "deny" => bail!("{command} takes no arguments"),
        _ => bail!("no command {command:?}\n\n{USAGE}"),
    }
}

/// Takes `flag` out of `args` and tells whether it was there.
fn take_flag(args: &mut Vec<String>, flag: &str) -> bool {
    let before = args.len();
    args.retain(|arg| arg != flag);
    args.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_wherever_it_stands_and_the_rest_stays_in_order() {
        let mut args: Vec<String> =
            ["demo", "--no-window", "--listen", "127.0.0.1:0"].map(String::from).into();
        assert!(take_flag(&mut args, "--no-window"));
        assert!(!take_flag(&mut args, "--no-window"));
        assert_eq!(args, ["demo", "--listen", "127.0.0.1:0"]);
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_known_ones() {
        let error = run(vec!["tset".into()]).unwrap_err().to_string();
        assert!(error.contains("tset") && error.contains("test [STEP…]"), "{error}");
    }
}
