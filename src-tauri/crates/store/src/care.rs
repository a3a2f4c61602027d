//! Looking after the file: how large it is, whether it is sound, a copy of it.
//!
//! Each function opens the file for itself, for reading only, and may run beside a [`crate::Store`] on the same file; what it
//! sees is of one moment.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, Transaction};
use sync_monitor_domain::clock::Millis;

use crate::error::{Error, Result};
use crate::open;

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// The size of the log beside it that is folded into it from time to time, in bytes.
    pub wal_bytes: u64,
    /// The version of its schema.
    pub schema_version: i64,
    /// How many items it holds.
    pub items: u64,
    /// How many transactions it holds.
    pub transactions: u64,
    /// When the oldest item was accepted.
    pub oldest_item_at: Option<Millis>,
}

/// The most problems of one kind that are told.
const MOST: usize = 20;

/// What must hold at any time: what is wrong where a query finds a row.
pub(crate) const INVARIANTS: [(&str, &str); 8] = [
    (
        "a counter is not what counting says",
        "SELECT 1 FROM (
            SELECT route, status, blocked, dismissed_at IS NOT NULL AS dismissed, count(*) AS n FROM items GROUP BY 1, 2, 3, 4
            UNION ALL SELECT route, status, blocked, dismissed, -n FROM tallies)
         GROUP BY route, status, blocked, dismissed HAVING sum(n) <> 0",
    ),
    (
        "a record does not know its newest item",
        "SELECT 1 FROM records r
          WHERE last_item IS NOT (SELECT max(item) FROM item_records WHERE external_id = r.external_id)",
    ),
    (
        "an open item does not stand in the line of its records",
        "SELECT i.id, r.external_id FROM items i JOIN item_records r ON r.item = i.id WHERE i.status < 3
         EXCEPT SELECT item, external_id FROM waiting",
    ),
    (
        "a closed item stands in a line",
        "SELECT 1 FROM waiting w JOIN items i ON i.id = w.item WHERE i.status NOT IN (0, 1, 2)",
    ),
    (
        "a record or a place in the line is of an item that is not there",
        "SELECT item FROM (SELECT item FROM item_records UNION ALL SELECT item FROM waiting) EXCEPT SELECT id FROM items",
    ),
    (
        "an item waits for nothing, or does not wait for what it must",
        "SELECT 1 FROM items i WHERE i.status IN (0, 2) AND i.blocked <> EXISTS (
            SELECT 1 FROM waiting mine JOIN waiting w ON w.target = mine.target AND w.external_id = mine.external_id
              JOIN items o ON o.id = w.item
             WHERE mine.item = i.id AND w.item <> i.id
               AND ((o.orphan_since IS NOT NULL, w.item) < (i.orphan_since IS NOT NULL, i.id) OR o.status = 1))",
    ),
    (
        "two items of one record are in flight at once",
        "SELECT 1 FROM waiting w JOIN items i ON i.id = w.item WHERE i.status = 1 GROUP BY w.target, w.external_id HAVING count(*) > 1",
    ),
    (
        "an open item has lost its payload",
        "SELECT 1 FROM items i JOIN transactions t ON t.id = i.txn WHERE i.status < 3 AND t.body IS NULL",
    ),
];

/// How much there is in the file.
///
/// # Errors
/// When it cannot be read.
pub fn facts(path: &Path) -> Result<Facts> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let connection = open::reader(path)?;
    let sql = connection.unchecked_transaction()?;
    let number = |query: &str| sql.query_row(query, [], |row| row.get::<_, u64>(0));
    Ok(Facts {
        bytes: size(path),
        wal_bytes: size(Path::new(&log)),
        schema_version: sql.pragma_query_value(None, "user_version", |row| row.get(0))?,
        items: number("SELECT coalesce(sum(n), 0) FROM tallies")?,
        transactions: number("SELECT count(*) FROM transactions")?,
        oldest_item_at: sql
            .query_row("SELECT created_at FROM items ORDER BY id LIMIT 1", [], |row| row.get(0).map(Millis))
            .map(Some)
            .or_else(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(None),
                other => Err(other),
            })?,
    })
}

/// The schema of a file that an older version of the program wrote, which [`crate::Store::open`] would bring up to date.
/// `None` where there is nothing to change.
///
/// # Errors
/// When it cannot be looked at: another program's, damaged, or of a newer version of this one.
pub fn outdated(path: &Path) -> Result<Option<i64>> {
    open::outdated(path)
}

/// Looks for what is wrong with the file: damage, rows that refer to nothing, bookkeeping that is not true. Empty when all is
/// well.
///
/// # Errors
/// When it cannot be looked at: not there, another program's, or of a newer version of this one.
pub fn check(path: &Path) -> Result<Vec<String>> {
    match look(path) {
        Err(Error::Damaged { why, .. }) => Ok(vec![why]),
        Err(Error::Sqlite(error)) if open::is_damage(&error) => Ok(vec![error.to_string()]),
        looked => looked,
    }
}

fn look(path: &Path) -> Result<Vec<String>> {
    let connection = open::reader(path)?;
    open::judge(&connection, path)?;
    let sql = connection.unchecked_transaction()?;
    let damage = damage(&sql)?;
    // Of a damaged file the rest would be guesses.
    if !damage.is_empty() {
        return Ok(damage);
    }
    let tables: u64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(vec!["it is empty; the program makes a new store of it when it starts".to_owned()]);
    }
    let mut problems = dangling(&sql)?;
    for (what, query) in INVARIANTS {
        let rows: u64 = sql.query_row(&format!("SELECT count(*) FROM ({query})"), [], |row| row.get(0))?;
        if rows > 0 {
            problems.push(format!("{what} ({rows} times)"));
        }
    }
    Ok(problems)
}

/// What `SQLite` itself finds.
fn damage(sql: &Transaction<'_>) -> Result<Vec<String>> {
    let mut statement = sql.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    let lines = found.iter().flat_map(|row| row.lines());
    // The rest is a heading.
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).map(str::to_owned).collect())
}

/// Rows that refer to rows that are not there.
fn dangling(sql: &Transaction<'_>) -> Result<Vec<String>> {
    let mut statement =
        sql.prepare("SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2")?;
    let rows = statement.query_map([], |row| {
        let (table, parent, n): (String, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!("a row of {table} refers to a row of {parent} that is not there ({n} times)"))
    })?;
    Ok(rows.take(MOST).collect::<rusqlite::Result<_>>()?)
}

/// How many bytes a copy will have.
///
/// # Errors
/// When the file cannot be read.
pub fn copy_size(path: &Path) -> Result<u64> {
    let connection = open::reader(path)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok(pragma("page_count")? * pragma("page_size")?)
}

/// Copies the database, as it is at one moment, into the empty file `to`, and looks whether the copy is sound. The copy is
/// one file and needs no other beside it. It is not synced to the disk yet.
///
/// # Errors
/// When one of them cannot be read or written, or the copy is not sound; `to` is of no use then.
pub fn copy(path: &Path, to: &Path) -> Result<()> {
    let connection = open::reader(path)?;
    open::judge(&connection, path)?;
    let source = connection.unchecked_transaction()?;
    let items = count(&source)?;
    let mut copy = open_copy(to)?;
    // All pages at once: the transaction keeps the moment, and a writer is not held up.
    match Backup::new(&source, &mut copy)?.step(-1)? {
        StepResult::Done => {}
        other => return Err(Error::Commit(format!("the copy was not finished ({other:?})"))),
    }
    // Without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    let unsound = |why: String| Error::Damaged { path: path.to_owned(), why };
    open::judge(&copy, to)?;
    let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(unsound(found));
    }
    let copied = count(&copy)?;
    if copied != items {
        return Err(unsound(format!("a copy has {copied} items instead of {items}")));
    }
    copy.close().map_err(|(_, error)| Error::Sqlite(error))
}

fn open_copy(path: &Path) -> Result<Connection> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|source| Error::Open { path: path.to_owned(), source })?;
    // Nothing of it counts before it is whole.
    copy.pragma_update(None, "synchronous", "OFF")?;
    Ok(copy)
}

fn count(sql: &Connection) -> Result<u64> {
    Ok(sql.query_row("SELECT count(*) FROM items", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;

    /// A store with an item, closed.
    fn store() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        let sql = open::writer(&path).unwrap();
        sql.execute_batch(
            "INSERT INTO orgs (id, org_id) VALUES (1, '00D00000000000AAAA'), (2, '00D00000000000BAAA');
             INSERT INTO routes (id, uuid, source, target, enabled, created_at) VALUES (1, zeroblob(16), 1, 2, 1, 0);
             INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, body, accepted_at)
                 VALUES (1, 't', 1, 0, 'upsert', zeroblob(16), '[]', x'7b7d', 0);
             INSERT INTO items (id, uuid, txn, route, status, created_at, updated_at) VALUES (1, zeroblob(16), 1, 1, 4, 7, 7);
             INSERT INTO tallies (route, status, blocked, dismissed, n) VALUES (1, 4, 0, 0, 1);",
        )
        .unwrap();
        (folder, path)
    }

    /// Does what no part of the program would.
    fn spoil(path: &Path, sql: &str) {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }

    #[test]
    fn a_sound_store_has_no_problem_and_looking_at_it_changes_nothing() {
        let (_folder, path) = store();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(check(&path).unwrap(), [""; 0]);
        let facts = facts(&path).unwrap();
        assert_eq!((facts.items, facts.transactions, facts.oldest_item_at), (1, 1, Some(Millis(7))));
        assert_eq!(facts.bytes, std::fs::metadata(&path).unwrap().len());
        let after = std::fs::read(&path).unwrap();
        assert!(before == after, "looking at it changes nothing");
    }

    #[rstest]
    #[case::counter("UPDATE tallies SET n = 2", "a counter is not what counting says (1 times)")]
    #[case::status(
        "UPDATE items SET status = 0, due_at = 0",
        "a counter is not what counting says (2 times)"
    )]
    #[case::reference(
        "UPDATE items SET txn = 99",
        "a row of items refers to a row of transactions that is not there (1 times)"
    )]
    #[case::payload(
        "UPDATE items SET status = 2, due_at = 0; UPDATE tallies SET status = 2; UPDATE transactions SET body = NULL",
        "an open item has lost its payload (1 times)"
    )]
    #[case::line(
        "INSERT INTO waiting (target, external_id, item, digest) VALUES (2, 'x', 1, zeroblob(16))",
        "a closed item stands in a line (1 times)"
    )]
    fn what_is_not_true_is_found(#[case] sql: &str, #[case] problem: &str) {
        let (_folder, path) = store();
        spoil(&path, sql);
        assert_eq!(check(&path).unwrap(), [problem]);
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let (_folder, path) = store();
        let bytes = std::fs::read(&path).unwrap();
        for page in 0..bytes.len() / 4_096 {
            let mut damaged = bytes.clone();
            damaged[page * 4_096..][..4_096].fill(0x55);
            std::fs::write(&path, damaged).unwrap();
            let problems = check(&path).unwrap();
            assert!(!problems.is_empty(), "page {page}");
            if page == 0 {
                assert!(matches!(open::writer(&path), Err(Error::Damaged { .. })));
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_damaged_and_not_copied() {
        let (folder, path) = store();
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
        assert!(!check(&path).unwrap().is_empty());
        let to = folder.path().join("copy.db");
        std::fs::write(&to, "").unwrap();
        assert!(copy(&path, &to).is_err());
    }

    #[test]
    fn a_copy_is_of_one_moment_whole_and_alone() {
        let (folder, path) = store();
        let writer = open::writer(&path).unwrap();
        writer.execute_batch("BEGIN; UPDATE items SET updated_at = 99").unwrap();
        let to = folder.path().join("copy.db");
        std::fs::write(&to, "").unwrap();
        copy(&path, &to).unwrap();
        writer.execute_batch("COMMIT").unwrap();
        assert_eq!(check(&to).unwrap(), [""; 0]);
        let at: i64 = open::reader(&to)
            .unwrap()
            .query_row("SELECT updated_at FROM items", [], |row| row.get(0))
            .unwrap();
        assert_eq!(at, 7, "what was not committed is not in it");
        let beside: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!beside.iter().any(|name| name.to_string_lossy().starts_with("copy.db-")), "{beside:?}");
        assert_eq!(copy_size(&path).unwrap(), std::fs::metadata(&to).unwrap().len());
        // It is a store like any other.
        assert_eq!(count(&open::writer(&to).unwrap()).unwrap(), 1);
    }

    #[test]
    fn an_empty_file_is_no_store_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        std::fs::write(&path, "").unwrap();
        assert!(check(&path).unwrap()[0].starts_with("it is empty"));
    }

    #[test]
    fn what_is_no_store_of_ours_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        assert!(matches!(check(&path), Err(Error::Open { .. })));
        assert!(!path.exists(), "and none is made");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        assert!(matches!(check(&path), Err(Error::Foreign { .. })));
    }
}
