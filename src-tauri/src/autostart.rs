//! Whether the user's session starts this program by itself.

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;

/// The way in which the session starts programs, with this program and its arguments.
pub(crate) struct Autostart {
    program: PathBuf,
    arguments: Vec<String>,
}

impl Autostart {
    /// For this program, started with these arguments.
    ///
    /// # Errors
    /// When the program does not know where it is.
    pub(crate) fn new(arguments: Vec<String>) -> anyhow::Result<Self> {
        // An AppImage is found by the file that the user has, not by where it is unpacked for this run.
        let program = match env::var_os("APPIMAGE").filter(|path| !path.is_empty()) {
            Some(path) => path.into(),
            None => env::current_exe().context("this program does not know where it is")?,
        };
        Ok(Self { program, arguments })
    }
}

#[cfg(target_os = "linux")]
mod platform {
    //! A file in the user's `autostart` folder (Desktop Application Autostart Specification 0.5).

    use std::fmt::Write as _;
    use std::fs;
    use std::io::ErrorKind;
    use std::path::{Path, PathBuf};

    use anyhow::{Context as _, ensure};
    use etcetera::BaseStrategy as _;

    use super::Autostart;

    const FILE: &str = "dev.syncmonitor.desktop.desktop";

    impl Autostart {
        /// Whether the session starts this very program.
        ///
        /// # Errors
        /// When that cannot be found out.
        pub(crate) fn is_on(&self) -> anyhow::Result<bool> {
            self.is_on_in(&folder()?)
        }

        /// Has the session start it, or not.
        ///
        /// # Errors
        /// When the folder cannot be written.
        pub(crate) fn set(&self, on: bool) -> anyhow::Result<()> {
            self.set_in(&folder()?, on)
        }

        fn is_on_in(&self, folder: &Path) -> anyhow::Result<bool> {
            let path = folder.join(FILE);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => {
                    return Err(error).with_context(|| format!("{} cannot be read", path.display()));
                }
            };
            // The user may have changed the arguments; another program at its place is not this one.
            let program = format!("Exec={}", quoted(self.program_text()?));
            let says = |line: &str| text.lines().any(|one| one.trim_end() == line);
            let is_ours = text.lines().any(|line| {
                line.strip_prefix(&program).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            });
            // How desktops write that the user has switched it off.
            Ok(is_ours && !says("Hidden=true") && !says("X-GNOME-Autostart-enabled=false"))
        }

        fn set_in(&self, folder: &Path, on: bool) -> anyhow::Result<()> {
            let path = folder.join(FILE);
            let changed = || format!("{} cannot be changed. Check that you may write there", path.display());
            if on {
                fs::create_dir_all(folder).with_context(changed)?;
                fs::write(&path, self.entry()?).with_context(changed)
            } else {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(changed),
                    _ => Ok(()),
                }
            }
        }

        fn entry(&self) -> anyhow::Result<String> {
            let mut command = quoted(self.program_text()?);
            for argument in &self.arguments {
                ensure!(!argument.chars().any(char::is_control), "an argument holds a control character");
                // Writing to a String does not fail.
                let _ = write!(command, " {}", quoted(argument));
            }
            Ok(format!(
                "[Desktop Entry]\nType=Application\nName=Sync Monitor\nComment=Keeps Salesforce orgs in sync\n\
                 Exec={command}\nIcon=sync-monitor-desktop\nTerminal=false\n"
            ))
        }

        fn program_text(&self) -> anyhow::Result<&str> {
            let text = self.program.to_str().filter(|text| !text.chars().any(char::is_control));
            text.with_context(|| format!("{} cannot be written into a desktop file", self.program.display()))
        }
    }

    fn folder() -> anyhow::Result<PathBuf> {
        let home = etcetera::base_strategy::Xdg::new().context("this user has no home folder")?;
        Ok(home.config_dir().join("autostart"))
    }

    /// One argument of an `Exec` key: quoted, and then escaped as every value of the file is (Desktop Entry Specification
    /// 1.5, "The Exec key").
    fn quoted(argument: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.,:=+@[]".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            return argument.to_owned();
        }
        let mut text = String::from('"');
        for c in argument.chars() {
            match c {
                '\\' => text.push_str(r"\\\\"),
                '"' | '`' | '$' => text.extend([r"\\", &c.to_string()]),
                '%' => text.push_str("%%"),
                _ => text.push(c),
            }
        }
        text.push('"');
        text
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn autostart(program: &str) -> Autostart {
            Autostart { program: program.into(), arguments: vec!["--hidden".into()] }
        }

        #[test]
        fn it_is_on_after_it_was_switched_on_and_off_again_after_that() {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("new/autostart");
            let one = autostart("/opt/Sync Monitor/sync-monitor-desktop");
            assert!(!one.is_on_in(&folder).unwrap());
            one.set_in(&folder, false).unwrap();
            one.set_in(&folder, true).unwrap();
            assert!(one.is_on_in(&folder).unwrap());
            let text = fs::read_to_string(folder.join(FILE)).unwrap();
            assert!(text.contains("\nExec=\"/opt/Sync Monitor/sync-monitor-desktop\" --hidden\n"), "{text}");
            one.set_in(&folder, false).unwrap();
            assert!(!one.is_on_in(&folder).unwrap());
        }

        #[test]
        fn what_starts_another_program_or_was_switched_off_elsewhere_is_not_on() {
            let folder = tempfile::tempdir().unwrap();
            let one = autostart("/usr/bin/sync-monitor-desktop");
            one.set_in(folder.path(), true).unwrap();
            assert!(!autostart("/usr/bin/sync-monitor").is_on_in(folder.path()).unwrap());
            for line in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
                let text = format!("{}{line}\n", one.entry().unwrap());
                fs::write(folder.path().join(FILE), text).unwrap();
                assert!(!one.is_on_in(folder.path()).unwrap(), "{line}");
            }
        }

        #[test]
        fn an_argument_means_itself_whatever_is_in_it() {
            for (argument, written) in [
                ("--hidden", "--hidden"),
                ("", r#""""#),
                ("a b", r#""a b""#),
                ("100%", r#""100%%""#),
                (r"a\b", r#""a\\\\b""#),
                (r#"say "$HOME""#, r#""say \\"\\$HOME\\"""#),
            ] {
                assert_eq!(quoted(argument), written, "{argument}");
            }
            assert!(autostart("/tmp/a\nExec=evil").entry().is_err());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    //! The Run key of the registry on Windows, a launch agent on macOS.

    use anyhow::Context as _;
    use auto_launch::{AutoLaunch, AutoLaunchBuilder};

    use super::Autostart;

    impl Autostart {
        /// Whether the session starts this program.
        ///
        /// # Errors
        /// When that cannot be found out.
        pub(crate) fn is_on(&self) -> anyhow::Result<bool> {
            Ok(self.entry()?.is_enabled()?)
        }

        /// Has the session start it, or not.
        ///
        /// # Errors
        /// When the system does not take it.
        pub(crate) fn set(&self, on: bool) -> anyhow::Result<()> {
            let entry = self.entry()?;
            Ok(if on { entry.enable()? } else { entry.disable()? })
        }

        fn entry(&self) -> anyhow::Result<AutoLaunch> {
            let program = self.program.to_str().context("the program's path is not Unicode")?;
            Ok(AutoLaunchBuilder::new()
                .set_app_name("Sync Monitor")
                .set_app_path(program)
                .set_args(&self.arguments)
                .build()?)
        }
    }
}
