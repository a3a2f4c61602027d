//! The log in files: the newest, and some older ones, each of a limited size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::data_dir;

const NAME: &str = "sync-monitor.log";
/// How large a file gets, in bytes.
const LARGEST: u64 = 2 * 1024 * 1024;
/// How many are kept besides the newest.
const OLDER: u32 = 4;

static LOG: Mutex<Option<Rolling>> = Mutex::new(None);

/// Has lines be written to files in this folder from now on.
///
/// # Errors
/// When they cannot be.
pub(super) fn open(folder: &Path) -> io::Result<()> {
    data_dir::make_private_folder(folder)?;
    let log = Rolling::open(folder, LARGEST)?;
    *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(log);
    Ok(())
}

/// Writes a line, where a folder was named.
pub(super) fn write(line: &str) {
    if let Some(log) = LOG.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        // A full disk is told of on stderr by whoever needs the disk; the log cannot say that it cannot be written.
        let _ = log.write(line);
    }
}

/// The newest file, and how large it is.
struct Rolling {
    path: PathBuf,
    file: File,
    size: u64,
    largest: u64,
}

impl Rolling {
    fn open(folder: &Path, largest: u64) -> io::Result<Self> {
        let path = folder.join(NAME);
        let file = append(&path)?;
        Ok(Self { size: file.metadata()?.len(), path, file, largest })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(bytes) > self.largest {
            self.roll()?;
        }
        self.file.write_all(line.as_bytes())?;
        self.size += bytes;
        Ok(())
    }

    /// Each becomes the next older one; the oldest goes.
    fn roll(&mut self) -> io::Result<()> {
        let place = |age: u32| match age {
            0 => self.path.clone(),
            age => self.path.with_extension(format!("log.{age}")),
        };
        for age in (0..OLDER).rev() {
            match fs::rename(place(age), place(age + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    data_dir::private_file(OpenOptions::new().create(true).append(true), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_becomes_an_older_one_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rolling::open(folder.path(), 16).unwrap();
        for n in 10..18 {
            log.write(&format!("line {n}.")).unwrap();
        }
        drop(log);
        // A later start goes on where the last one stopped.
        Rolling::open(folder.path(), 16).unwrap().write("x").unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
        assert_eq!(read("sync-monitor.log").as_deref(), Some("line 17.\nx\n"));
        assert_eq!(read("sync-monitor.log.1").as_deref(), Some("line 16.\n"));
        assert_eq!(read("sync-monitor.log.4").as_deref(), Some("line 13.\n"));
        assert_eq!(read("sync-monitor.log.5"), None);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let log = Rolling::open(folder.path(), 16).unwrap();
        assert_eq!(log.file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
