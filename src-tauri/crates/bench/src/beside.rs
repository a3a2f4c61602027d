//! The references, each a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::load::Endpoint;
use crate::process::Process;
use crate::reference::Kind;
use crate::serve::SOURCE;

/// A reference at work.
pub(crate) struct Reference {
    process: Process,
    endpoint: Endpoint,
    _folder: TempDir,
}

impl Reference {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(kind: Kind) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(crate::root()?)?;
        let kind = match kind {
            Kind::Bare => "bare",
            Kind::Durable => "durable",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["reference", kind])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("it has no output")?;
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").to_owned();
        ensure!(!address.is_empty(), "the reference did not start");
        let endpoint = Endpoint { address, token: "none".into(), source: SOURCE.into() };
        Ok(Self { process, endpoint, _folder: folder })
    }

    /// Where it takes payloads.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}
