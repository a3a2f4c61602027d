//! Looking after the store as a file, beside the running program or without it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sync_monitor_api::program::RedactedStore;
pub use sync_monitor_api::program::{Backup, StoreCheck, StoreFacts, Trouble};
use sync_monitor_domain::Millis;
use sync_monitor_domain::clock::Clock as _;
use sync_monitor_engine::SystemClock;
use sync_monitor_store::{Error, care};

use crate::data_dir::{self, DataDir};

/// The folder of backups, in the data folder.
const BACKUPS: &str = "backups";
/// How the name of a copy begins while it is made.
const UNFINISHED: &str = ".sync-monitor-";
/// What must stay free on the disk: the program itself writes to it too.
const MARGIN: u64 = 16 * 1024 * 1024;
/// What to do about a store that is not sound.
pub const ADVICE: &str = "Stop the program, keep a copy of the data folder, and put the last good backup in the place of the \
    database (docs/looking-after-the-store.md).";

/// A store, as a file in a data folder.
#[derive(Debug, Clone)]
pub struct StoreFile(PathBuf);

impl StoreFile {
    /// The store in a data folder.
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(data_dir::DATABASE))
    }

    /// The store in a folder on which no program runs, and none can start while the second of what is returned lives.
    ///
    /// # Errors
    /// When there is no store in it, which is not changed by asking; when a program runs on it.
    pub fn without_program(data_dir: &Path) -> anyhow::Result<(Self, DataDir)> {
        let store = Self::of(data_dir);
        if !store.0.is_file() {
            anyhow::bail!(
                "There is no store in {}. Name the data folder with --data-dir if it is not the usual one.",
                data_dir.display()
            );
        }
        Ok((store, DataDir::take(data_dir)?))
    }

    /// How much there is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn facts(&self) -> Result<StoreFacts, Trouble> {
        let facts = care::facts(&self.0).map_err(trouble)?;
        Ok(StoreFacts {
            path: self.0.display().to_string(),
            bytes: facts.bytes,
            wal_bytes: facts.wal_bytes,
            schema_version: facts.schema_version,
            items: facts.items,
            transactions: facts.transactions,
            oldest_item_at: facts.oldest_item_at,
        })
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    /// How much there is, for somebody else's eyes.
    pub(crate) fn redacted(&self) -> Result<RedactedStore, Trouble> {
        let facts = care::facts(&self.0).map_err(trouble)?;
        Ok(RedactedStore {
            bytes: facts.bytes,
            wal_bytes: facts.wal_bytes,
            free_bytes: fs4::available_space(self.folder()).ok(),
            schema_version: facts.schema_version,
            items: facts.items,
            transactions: facts.transactions,
            oldest_item_at: facts.oldest_item_at,
        })
    }

    /// Looks for what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn check(&self) -> Result<StoreCheck, Trouble> {
        let problems = care::check(&self.0).map_err(trouble)?;
        Ok(StoreCheck { ok: problems.is_empty(), problems })
    }

    /// Copies it to `to`, or to a file named by the time in the data folder's folder of backups. What is there is never
    /// written over; a copy is in its place only when it is whole, sound, and on the disk.
    ///
    /// # Errors
    /// [`Trouble::Refused`] for a place that is taken or not there; [`Trouble::NoRoom`]; when it fails.
    pub fn back_up(&self, to: Option<&Path>, now: Millis) -> Result<Backup, Trouble> {
        self.back_up_if_it_fits(to, now, |folder| fs4::available_space(folder))
    }

    /// Copies a store that an older version of the program wrote, before this one changes it: who goes back to that version
    /// brings the copy back. `None` where there is nothing to change.
    ///
    /// # Errors
    /// When the copy cannot be made, or the store cannot be opened in any case. It is as it was then.
    pub(crate) fn back_up_before_upgrade(&self, now: Millis) -> anyhow::Result<Option<Backup>> {
        let Some(schema) = care::outdated(&self.0)? else { return Ok(None) };
        let name = format!("sync-monitor-{}-schema-{schema}", compact(now));
        let made = self.backups().and_then(|folder| self.back_up(Some(&free_place(&folder, &name)), now));
        made.map(Some).map_err(|trouble| {
            anyhow::anyhow!(
                "The database is of an older version and must be brought up to date, which is not begun without a copy of it. {}",
                trouble.into_text()
            )
        })
    }

    /// Takes away what is left of copies that were being made when the program died. Nothing else may work on the store
    /// meanwhile.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub(crate) fn remove_unfinished(&self) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(self.0.with_file_name(BACKUPS)) {
            // There were none yet.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn back_up_if_it_fits(
        &self,
        to: Option<&Path>,
        now: Millis,
        space: impl Fn(&Path) -> std::io::Result<u64>,
    ) -> Result<Backup, Trouble> {
        let to = match to {
            Some(to) => to.to_owned(),
            None => self.usual_place(now)?,
        };
        if to.symlink_metadata().is_ok() {
            return Err(taken(&to));
        }
        let folder =
            to.parent().filter(|_| to.is_absolute() && to.file_name().is_some()).ok_or_else(|| {
                Trouble::Wrong(format!(
                    "{} is not the whole path of a file. Name one from the root on.",
                    to.display()
                ))
            })?;
        let failed = |error: &std::io::Error| not_written(&to, error);
        let needed = care::copy_size(&self.0).map_err(trouble)?;
        let free = space(folder).map_err(|error| failed(&error))?;
        if free < needed.saturating_add(MARGIN) {
            return Err(Trouble::NoRoom(format!(
                "The backup needs {} MiB in {}, and {} MiB are free. Make room, or name a file on another disk.",
                (needed + MARGIN).div_ceil(1024 * 1024),
                folder.display(),
                free / (1024 * 1024)
            )));
        }
        // Readable for this user only; removed if it does not get to its place.
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .suffix(".unfinished")
            .tempfile_in(folder)
            .map_err(|error| failed(&error))?;
        care::copy(&self.0, unfinished.path()).map_err(trouble)?;
        let synced = File::open(unfinished.path()).and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = synced.map_err(|error| failed(&error))?.len();
        unfinished.persist_noclobber(&to).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => taken(&to),
            _ => failed(&error.error),
        })?;
        data_dir::sync_folder(folder).map_err(|error| failed(&error))?;
        Ok(Backup { path: to.display().to_string(), bytes })
    }

    fn usual_place(&self, now: Millis) -> Result<PathBuf, Trouble> {
        Ok(self.backups()?.join(format!("sync-monitor-{}.db", compact(now))))
    }

    /// The folder of backups, which is there afterwards.
    fn backups(&self) -> Result<PathBuf, Trouble> {
        let folder = self.0.with_file_name(BACKUPS);
        data_dir::make_private_folder(&folder).map_err(|error| not_written(&folder, &error))?;
        Ok(std::path::absolute(&folder).unwrap_or(folder))
    }
}

/// The time, for whoever has no program to ask.
pub fn now() -> Millis {
    SystemClock::new().now()
}

/// A time for the name of a file: `20260227-143000`, UTC.
pub(crate) fn compact(at: Millis) -> String {
    // Of the form 2026-02-27T14:30:00.000Z.
    let text = at.to_string();
    let digits = text.split('.').next().unwrap_or_default().replace(['-', ':'], "");
    digits.replace('T', "-")
}

/// A place for a file of this name; with a number where there is one already: a program that died after its copy, and was
/// started again within the second, makes another.
fn free_place(folder: &Path, name: &str) -> PathBuf {
    let mut place = folder.join(format!("{name}.db"));
    let mut n = 1;
    while place.symlink_metadata().is_ok() {
        n += 1;
        place = folder.join(format!("{name}-{n}.db"));
    }
    place
}

fn taken(path: &Path) -> Trouble {
    Trouble::Refused(format!(
        "{} is there already, and is not written over. Name another file.",
        path.display()
    ))
}

fn not_written(path: &Path, error: &std::io::Error) -> Trouble {
    let why = format!(
        "{} cannot be written: {error}. Check the path and that you may write there.",
        path.display()
    );
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::NoRoom(why),
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::InvalidInput => Trouble::Refused(why),
        _ => Trouble::Failed(why),
    }
}

fn trouble(error: Error) -> Trouble {
    Trouble::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use sync_monitor_store::Store;

    use super::*;

    const NOON: Millis = Millis(1_772_193_600_000);

    async fn store(folder: &Path) -> StoreFile {
        let store = Store::open(&DataDir::take(folder).unwrap().database().unwrap()).unwrap();
        store.close().await.unwrap();
        StoreFile::of(folder)
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_backup_stands_where_it_was_asked_for_or_under_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let backup = store.back_up(None, NOON).unwrap();
        assert_eq!(
            backup.path,
            folder.path().join("backups/sync-monitor-20260227-120000.db").to_str().unwrap()
        );
        assert_eq!(backup.bytes, std::fs::metadata(&backup.path).unwrap().len());
        assert_eq!(care::check(Path::new(&backup.path)).unwrap(), [""; 0]);
        let asked = folder.path().join("mine.db");
        assert_eq!(store.back_up(Some(&asked), NOON).unwrap().path, asked.to_str().unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&asked), mode(&folder.path().join("backups"))), (0o600, 0o700));
        }
    }

    #[tokio::test]
    async fn what_is_there_is_not_written_over_and_a_backup_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("there.db");
        std::fs::write(&there, "mine").unwrap();
        let refused = store.back_up(Some(&there), NOON).unwrap_err();
        assert!(matches!(&refused, Trouble::Refused(why) if why.contains("not written over")), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
        let nowhere = store.back_up(Some(&place.path().join("no/where.db")), NOON).unwrap_err();
        assert!(
            matches!(&nowhere, Trouble::Refused(why) if why.contains("cannot be written")),
            "{nowhere:?}"
        );
        let relative = store.back_up(Some(Path::new("x.db")), NOON).unwrap_err();
        assert!(matches!(relative, Trouble::Wrong(_)), "{relative:?}");
        let full = store.back_up_if_it_fits(Some(&place.path().join("x.db")), NOON, |_| Ok(1024 * 1024));
        assert!(matches!(&full, Err(Trouble::NoRoom(why)) if why.contains("1 MiB are free")), "{full:?}");
        let database = folder.path().join("sync-monitor.db");
        std::fs::File::options().write(true).open(&database).unwrap().set_len(8_192).unwrap();
        assert!(store.back_up(Some(&place.path().join("x.db")), NOON).is_err());
        assert_eq!(files(place.path()), ["there.db"]);
    }

    #[tokio::test]
    async fn an_upgrade_that_died_after_its_copy_makes_another_and_what_was_half_made_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        store.remove_unfinished().unwrap();
        let backups = store.backups().unwrap();
        for n in ["", "-2", "-3"] {
            let place = free_place(&backups, "sync-monitor-20260227-120000-schema-3");
            assert_eq!(place, backups.join(format!("sync-monitor-20260227-120000-schema-3{n}.db")));
            std::fs::write(place, "").unwrap();
        }
        std::fs::write(backups.join(".sync-monitor-x.unfinished"), "").unwrap();
        std::fs::write(backups.join(".sync-monitor-x.unfinished-journal"), "").unwrap();
        store.remove_unfinished().unwrap();
        assert_eq!(files(&backups).len(), 3);
    }

    #[tokio::test]
    async fn without_a_program_a_store_is_looked_at_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = StoreFile::without_program(&missing).unwrap_err().to_string();
        assert!(error.contains("no store"), "{error}");
        assert!(!missing.exists());
        assert!(StoreFile::without_program(folder.path()).is_err());
        assert_eq!(files(folder.path()), [""; 0]);
        drop(store(folder.path()).await);
        let (store, _lock) = StoreFile::without_program(folder.path()).unwrap();
        assert!(store.check().unwrap().ok);
        assert_eq!(store.facts().unwrap().items, 0);
        assert!(DataDir::take(folder.path()).is_err(), "no program starts meanwhile");
    }
}
