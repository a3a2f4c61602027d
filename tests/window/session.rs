//! A desktop session of a test's own: a bus on which programs find each other, and a home.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use zbus::connection;

use crate::program::Api;

/// A session. It ends with this value.
pub(crate) struct Session {
    bus: Child,
    address: String,
    home: TempDir,
}

impl Session {
    /// Starts one, with nobody on its bus, and nothing at home but the program's settings.
    pub(crate) fn start(settings: &str) -> anyhow::Result<Self> {
        let home = TempDir::new()?;
        fs::create_dir_all(home.path().join("config/sync-monitor"))?;
        fs::write(home.path().join("config/sync-monitor/config.toml"), settings)?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address"]);
        let mut bus = command
            // Where it is removed with the home.
            .arg(format!("--address=unix:path={}/bus", home.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It tells of every service that it starts.
            .stderr(Stdio::null())
            .spawn()
            .context("dbus-daemon cannot be started: run `cargo xtask test window`")?;
        let mut address = String::new();
        let output = bus.stdout.take().context("dbus-daemon has no output")?;
        BufReader::new(output).read_line(&mut address)?;
        let session = Self { bus, address: address.trim().to_owned(), home };
        ensure!(!session.address.is_empty(), "dbus-daemon did not start");
        Ok(session)
    }

    /// What a program of this session finds in its environment.
    pub(crate) fn environment(&self) -> [(&'static str, String); 6] {
        let home = self.home().display().to_string();
        [
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
            ("XDG_DATA_HOME", format!("{home}/data")),
            ("XDG_CONFIG_HOME", format!("{home}/config")),
            ("HOME", home),
            ("SYNC_MONITOR_SECRETS", "file".to_owned()),
            ("BROWSER", "curl --silent --noproxy * --location --output /dev/null".to_owned()),
        ]
    }

    /// Its user's home.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program that runs in it on the usual data folder.
    pub(crate) fn api(&self) -> Api {
        Api::on(&self.home().join("data/sync-monitor"))
    }

    /// A connection to its bus.
    pub(crate) fn bus(&self) -> anyhow::Result<connection::Builder<'static>> {
        Ok(connection::Builder::address(self.address.as_str())?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both only fail where it has ended by itself.
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
