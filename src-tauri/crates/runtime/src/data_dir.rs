//! The data folder: one program at a time, and how others find it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// The folder's name, in the platform's folder for data.
const FOLDER: &str = "sync-monitor";
const API: &str = "api.json";
const LOCK: &str = "lock";
/// How long a folder is waited for whose program is starting or stopping, and how often it is looked at meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
pub(crate) const DATABASE: &str = "sync-monitor.db";

/// A data folder that is ours as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Whether the last program on it did not end cleanly.
    was_abandoned: bool,
    /// Held open: the operating system lets go of the lock when the program ends, however it ends.
    _lock: File,
}

/// How a running program is reached: the content of `api.json`.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Like `http://127.0.0.1:7437`.
    pub url: String,
    /// The admin token.
    pub token: SecretString,
    /// The program's process.
    pub pid: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    url: String,
    token: String,
    pid: u32,
}

/// The data folder of this user.
///
/// # Errors
/// When the user has no home folder.
pub fn usual() -> anyhow::Result<PathBuf> {
    use etcetera::BaseStrategy as _;
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .context("This user has no home folder. Name a data folder with --data-dir.")?;
    Ok(strategy.data_dir().join(FOLDER))
}

impl DataDir {
    /// Takes the folder, making it if need be (for this user only).
    ///
    /// # Errors
    /// When another program has it, which is named; when it cannot be made or written.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        let unusable = || {
            format!(
                "The data folder {} cannot be used. Check the path and that you may write there.",
                path.display()
            )
        };
        make_private_folder(path).with_context(unusable)?;
        let lock = private_file(OpenOptions::new().create(true).truncate(false), &path.join(LOCK))
            .with_context(unusable)?;
        let patience = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                // Whoever has it and does not say that he runs is about to end, or has only just been born with it.
                Err(TryLockError::WouldBlock) if !path.join(API).exists() && Instant::now() < patience => {
                    std::thread::park_timeout(PAUSE);
                }
                Err(TryLockError::WouldBlock) => bail!(taken(path)),
                Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
            }
        }
        // Left behind by a program that did not end cleanly.
        let was_abandoned = path.join(API).exists();
        let folder = Self { path: path.to_owned(), was_abandoned, _lock: lock };
        folder.withdraw().with_context(unusable)?;
        Ok(folder)
    }

    /// Did the last program on it not end cleanly: was it killed, or did the machine lose its power?
    pub fn was_abandoned(&self) -> bool {
        self.was_abandoned
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is. It is made readable for this user only, whatever the folder allows: it holds what the orgs
    /// sent. What `SQLite` puts beside it gets the same permissions.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn database(&self) -> io::Result<PathBuf> {
        let path = self.path.join(DATABASE);
        private_file(OpenOptions::new().create(true).truncate(false), &path)?;
        Ok(path)
    }

    /// Tells others how to reach this program: all at once, and readable for this user only.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn announce(&self, announcement: &Announcement) -> anyhow::Result<()> {
        let path = self.path.join(API);
        let Announcement { url, token, pid } = announcement;
        let written = Written { url: url.clone(), token: token.expose_secret().to_owned(), pid: *pid };
        let mut json = serde_json::to_vec(&written)?;
        json.push(b'\n');
        let write = || {
            let unfinished = self.path.join("api.json.new");
            remove(&unfinished)?;
            let mut file = private_file(OpenOptions::new().create_new(true), &unfinished)?;
            file.write_all(&json)?;
            file.sync_all()?;
            std::fs::rename(&unfinished, &path)
        };
        write().with_context(|| {
            format!("{} cannot be written. Check that there is room on the disk.", path.display())
        })
    }

    /// Takes the announcement back.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn withdraw(&self) -> io::Result<()> {
        remove(&self.path.join(API))
    }
}

impl Announcement {
    /// What the program that runs on a data folder announces; `None` when none does.
    ///
    /// # Errors
    /// When there is an announcement that cannot be read.
    pub fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(API);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read.", path.display())),
        };
        // The parser's words might hold the token.
        let Ok(Written { url, token, pid }) = serde_json::from_str(&text) else {
            bail!("{} does not make sense. Start the program again to have it written anew.", path.display());
        };
        Ok(Some(Self { url, token: token.into(), pid }))
    }
}

/// What to say when another program has the folder.
fn taken(path: &Path) -> String {
    let who = match Announcement::read(path) {
        Ok(Some(running)) => format!("process {}, which answers at {}", running.pid, running.url),
        Ok(None) | Err(_) => "a process that is just starting or stopping".to_owned(),
    };
    format!(
        "Sync Monitor is running already on the data folder {}: {who}. Use that one (`sync-monitor status`), stop it first, or choose another folder with --data-dir.",
        path.display()
    )
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder that only this user may look into. One that is there stays as it is: it may be shared on purpose.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Sees to it that what was just put into a folder is found there after a power failure.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and its entries are written with the file.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

pub(crate) fn private_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement() -> Announcement {
        Announcement { url: "http://127.0.0.1:7437".into(), token: "secret".into(), pid: 42 }
    }

    #[test]
    fn a_folder_whose_program_is_about_to_end_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::take(folder.path()).unwrap();
        let ending = std::thread::spawn(move || drop(first));
        DataDir::take(folder.path()).unwrap();
        ending.join().unwrap();
    }

    #[test]
    fn a_second_program_on_a_folder_is_refused_and_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::take(folder.path()).unwrap();
        let error = DataDir::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains("starting or stopping"), "{error}");
        first.announce(&announcement()).unwrap();
        let error = DataDir::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains("process 42") && error.contains("http://127.0.0.1:7437"), "{error}");
        drop(first);
        DataDir::take(folder.path()).unwrap();
    }

    #[test]
    fn what_a_dead_program_announced_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        DataDir::take(folder.path()).unwrap().announce(&announcement()).unwrap();
        let taken = DataDir::take(folder.path()).unwrap();
        assert!(Announcement::read(folder.path()).unwrap().is_none());
        assert!(taken.was_abandoned());
        drop(taken);
        assert!(!DataDir::take(folder.path()).unwrap().was_abandoned());
    }

    #[test]
    fn an_announcement_is_read_as_it_was_made_and_replaces_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let taken = DataDir::take(folder.path()).unwrap();
        taken.announce(&announcement()).unwrap();
        taken.announce(&Announcement { pid: 43, ..announcement() }).unwrap();
        let read = Announcement::read(folder.path()).unwrap().unwrap();
        assert_eq!(
            (read.url.as_str(), read.pid, read.token.expose_secret()),
            ("http://127.0.0.1:7437", 43, "secret")
        );
        assert!(!format!("{read:?}").contains("secret"));
        taken.withdraw().unwrap();
        assert!(Announcement::read(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_broken_announcement_is_told_of_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("api.json"), "{\"token\": \"secret\"").unwrap();
        let error = Announcement::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("api.json") && !error.contains("secret"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_the_folder_or_read_the_token() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let taken = DataDir::take(&path).unwrap();
        taken.announce(&announcement()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&path), mode(&path.join("api.json")), mode(&path.join("lock"))),
            (0o700, 0o600, 0o600)
        );
    }
}
