//! Why the store could not do something.

use std::path::PathBuf;

/// Why the store could not do something. `Display` says what happened, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or file cannot be opened.
    #[error(
        "The database {path} cannot be opened: {source}. Check that the folder exists and may be written."
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The file is not sound.
    #[error(
        "The database {path} is damaged: {why}. Stop the program and put a backup in its place, or move the file away to start with an empty one; `sync-monitor db check` looks at it as it is."
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file is a database of another program.
    #[error("{path} is a database, but not one of Sync Monitor. Choose another data folder.")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A newer version of the program has written the file.
    #[error(
        "The database {path} was written by a newer version of Sync Monitor (schema {found}, this program knows {known}), and is left as it is. Install that version again; or bring back the copy that it made before it upgraded, in the folder `backups` beside the database, as docs/looking-after-the-store.md tells; or choose another data folder."
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The schema could not be brought up to date; the file is as it was.
    #[error(
        "The database {path} could not be brought up to date: {source}. It is as it was. Go back to the version that wrote it, and tell the makers."
    )]
    Migration {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite_migration::Error,
    },
    /// There is no such thing.
    #[error("There is no {what} {id} here.")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// As asked for.
        id: String,
    },
    /// It cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    /// A cursor that no list gave out.
    #[error("The cursor is not one that this list gave out. Start again without a cursor.")]
    Cursor,
    /// Something stored does not make sense.
    #[error("The database holds something that cannot be: {0}. Restore a backup, and tell the makers.")]
    Corrupt(String),
    /// SQLite failed; nothing of the request is kept.
    #[error("The database failed: {0}. Nothing of the request was kept.")]
    Sqlite(#[from] rusqlite::Error),
    /// The commit of a group failed; nothing of any request in it is kept.
    #[error("The database could not write to the disk: {0}. Nothing of the request was kept.")]
    Commit(String),
    /// The store is closed.
    #[error("The database is closed: the program is stopping.")]
    Closed,
}

/// What the store's functions return.
pub type Result<T> = std::result::Result<T, Error>;
