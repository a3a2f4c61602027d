//! A process that is measured.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// Ticks of a processor's time a second, as Linux tells it in /proc (always 100 there).
const TICKS: u32 = 100;

/// A process, ended when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    /// Processor time used so far, right to a hundredth of a second.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // What stands in parentheses may hold spaces; behind it, user and system time are the 12th and 13th field.
        let (_, fields) = stat.rsplit_once(')').context("/proc has another form")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
        Ok(Duration::from_secs(1) * ticks / TICKS)
    }

    /// Memory in use now, and the most so far, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let of = |name: &str| {
            let line =
                status.lines().find(|line| line.starts_with(name)).context("/proc has another form")?;
            let number = line.split_whitespace().nth(1).context("/proc has another form")?;
            Ok::<u64, anyhow::Error>(number.parse()?)
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// When it does not end well.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        ensure!(asked.success(), "the program could not be asked to end");
        let status = self.0.wait()?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }
}

/// The size of a folder's files, in bytes.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
