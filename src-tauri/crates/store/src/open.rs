//! Opening the database: pragmas, whose it is, how new it is.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::error::{Error, Result};

/// "`SynM`", so that the file is known for ours.
const APPLICATION_ID: i32 = 0x5379_6e4d;

pub(crate) const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_start.sql")),
    M::up(include_str!("migrations/0002_sign_in.sql")),
    M::up(include_str!("migrations/0003_lists.sql")),
    M::up(include_str!("migrations/0004_stats.sql")),
    M::up(include_str!("migrations/0005_activity.sql")),
    M::up(include_str!("migrations/0006_token_use.sql")),
    M::up(include_str!("migrations/0007_bulk_runs.sql")),
    M::up(include_str!("migrations/0008_relay.sql")),
    M::up(include_str!("migrations/0009_work_items.sql")),
    M::up(include_str!("migrations/0010_hub.sql")),
    M::up(include_str!("migrations/0011_stats_by_org.sql")),
    M::up(include_str!("migrations/0012_hub_writing.sql")),
    M::up(include_str!("migrations/0013_cheap_checks.sql")),
    M::up(include_str!("migrations/0014_cheap_clearing.sql")),
    M::up(include_str!("migrations/0015_links.sql")),
    M::up(include_str!("migrations/0016_orphans.sql")),
    M::up(include_str!("migrations/0017_holdings_by_record.sql")),
];

/// Opens the database for writing, and brings its schema up to date.
pub(crate) fn writer(path: &Path) -> Result<Connection> {
    let opened = |source| unopened(path, source);
    let mut connection = Connection::open(path).map_err(opened)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(opened)?;
    judge(&connection, path)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(opened)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(opened)?;
    // A 200 is a promise: the log is synced to the disk at each commit.
    connection.pragma_update(None, "synchronous", "FULL").map_err(opened)?;
    connection.pragma_update(None, "foreign_keys", "ON").map_err(opened)?;
    connection.pragma_update(None, "cache_size", -2_500).map_err(opened)?;
    connection.pragma_update(None, "cache_spill", 2_000).map_err(opened)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(opened)?;
    Migrations::from_slice(MIGRATIONS)
        .to_latest(&mut connection)
        .map_err(|source| Error::Migration { path: path.to_owned(), source })?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// The schema of a database that an older version wrote, which [`writer`] would change; `None` where there is nothing to
/// change: it is new, or up to date.
///
/// # Errors
/// When it cannot be opened, or must not be.
pub(crate) fn outdated(path: &Path) -> Result<Option<i64>> {
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(None);
    }
    let connection = reader(path)?;
    judge(&connection, path)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| unopened(path, source))?;
    Ok((1..known()).contains(&version).then_some(version))
}

/// The schema that this program knows.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Refuses another program's database, and one from the future, before anything is written to it.
pub(crate) fn judge(connection: &Connection, path: &Path) -> Result<()> {
    let opened = |source| unopened(path, source);
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(opened);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(opened)?;
    if tables > 0 && application != i64::from(APPLICATION_ID) {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    if version > known() {
        return Err(Error::Newer { path: path.to_owned(), found: version, known: known() });
    }
    Ok(())
}

/// Why a database did not open.
fn unopened(path: &Path, source: rusqlite::Error) -> Error {
    if is_damage(&source) {
        return Error::Damaged { path: path.to_owned(), why: source.to_string() };
    }
    Error::Open { path: path.to_owned(), source }
}

/// Does an error mean that the file is damaged?
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Opens the database for reading only.
pub(crate) fn reader(path: &Path) -> Result<Connection> {
    let opened = |source| unopened(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(opened)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(opened)?;
    connection.pragma_update(None, "cache_size", -2_000).map_err(opened)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use sync_monitor_domain::clock::Millis;
    use sync_monitor_domain::echo::Origin;
    use sync_monitor_domain::ids::Digest;

    use super::*;

    #[test]
    fn the_migrations_apply() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn what_an_older_version_kept_is_there_after_the_migrations() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        let mut old = Connection::open(&path).unwrap();
        Migrations::from_slice(&MIGRATIONS[..4]).to_latest(&mut old).unwrap();
        old.execute_batch(
            r#"PRAGMA application_id = 0x53796e4d;
            INSERT INTO orgs (id, org_id) VALUES (1, '00D00000000000AAAA'), (2, '00D00000000000BAAA');
            INSERT INTO routes (id, uuid, source, target, enabled, created_at) VALUES (1, zeroblob(16), 1, 2, 1, 0);
            INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, title, accepted_at)
              VALUES (1, 't1', 1, 0, 'upsert', zeroblob(16), '["WI-1","WI-2"]', 'First', 0);
            INSERT INTO items (id, uuid, txn, route, status, created_at, updated_at) VALUES (7, zeroblob(16), 1, 1, 4, 0, 0);
            INSERT INTO item_records (external_id, item) VALUES ('WI-1', 7), ('WI-2', 7);
            INSERT INTO records (external_id, timestamp_us, source, digest)
              VALUES ('WI-1', 0, 1, zeroblob(16)), ('WI-2', 0, 1, zeroblob(16)), ('WI-3', 0, 1, zeroblob(16));
            INSERT INTO holdings (org, external_id, known, origin, delivering)
              VALUES (1, 'WI-1', zeroblob(16), 1, NULL), (2, 'WI-1', NULL, NULL, zeroblob(16));
            INSERT INTO tokens (uuid, name, sources, secret_hash, created_at) VALUES (zeroblob(16), 't', '[]', zeroblob(32), 0);
            INSERT INTO activity (at, actor, action) VALUES (1, 'user:a', 'item.retry');
            INSERT INTO minutes (at, synced, failed) VALUES (1, 5, 2);
            INSERT INTO delivery_times (at, class, n) VALUES (1, 3, 5);"#,
        )
        .unwrap();
        drop(old);
        let sql = writer(&path).unwrap();
        let records: Vec<(String, Option<String>, Option<i64>)> = sql
            .prepare("SELECT external_id, title, last_item FROM records ORDER BY external_id")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let expected = [("WI-1", Some("First"), Some(7)), ("WI-2", None, Some(7)), ("WI-3", None, None)];
        assert_eq!(
            records,
            expected.map(|(name, title, item)| (name.into(), title.map(str::to_owned), item))
        );
        let none = Digest::from_slice(&[0; 16]).unwrap();
        let holding = |org| crate::accept::holding(&sql, org, "WI-1").unwrap();
        assert_eq!((holding(1).known, holding(1).delivering), (Some((none, Origin::Sent)), None));
        assert_eq!((holding(2).known, holding(2).delivering), (None, Some(none)));
        assert!(!crate::relay::state(&sql).unwrap().paused);
        assert_eq!(crate::tokens::all(&sql).unwrap()[0].last_used_at, None);
        let log = crate::activity::page(&sql, &crate::model::ActivityFilter::default(), 10, None).unwrap();
        assert_eq!((log.activity[0].actor.name.as_str(), log.activity[0].actor.via), ("user:a", None));
        let (from, to, hour) = (Millis(0), Millis(600_000), Duration::from_hours(1));
        let all = crate::stats::read(&sql, from, to, hour, None).unwrap().total;
        assert_eq!((all.happened.synced, all.happened.failed, all.p50_ms.is_some()), (5, 2, true));
        let of_one =
            crate::stats::read(&sql, from, to, hour, Some("00D00000000000B".parse().unwrap())).unwrap();
        assert_eq!(of_one.total.happened.synced, 0, "of whom it was, nobody wrote down then");
    }

    #[test]
    fn writing_an_item_and_an_attempt_opens_no_table_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let sql = writer(&folder.path().join("sync-monitor.db")).unwrap();
        for statement in [
            "INSERT INTO items (uuid, txn, route, status, due_at, created_at, updated_at) VALUES (zeroblob(16), 1, 1, 0, 0, 0, 0)",
            "UPDATE items SET status = ?2, due_at = ?3, updated_at = ?4, claimed_from = ?5 WHERE id = ?1",
        ] {
            let steps: Vec<String> = sql
                .prepare(&format!("EXPLAIN {statement}"))
                .unwrap()
                .query_map(
                    rusqlite::params_from_iter(vec![None::<i64>; statement.matches('?').count()]),
                    |row| row.get(1),
                )
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{statement}: {steps:?}");
        }
        // The rules are still there.
        sql.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        for (wrong, why) in [
            (
                "INSERT INTO items (uuid, txn, route, status, created_at, updated_at) VALUES (zeroblob(16), 1, 1, 0, 0, 0)",
                "due_at",
            ),
            (
                "INSERT INTO attempts (item, number, cycle, started_at, duration_ms, outcome, counted) VALUES (1, 1, 1, 0, 0, 'x', 1)",
                "outcome",
            ),
        ] {
            let error = sql.execute_batch(wrong).unwrap_err().to_string();
            assert!(error.contains("CHECK") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_database_of_every_earlier_schema_is_known_for_one_and_brought_up_to_date_whole() {
        for schema in crate::past::schemas() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("sync-monitor.db");
            crate::past::write(&path, schema);
            assert_eq!(outdated(&path).unwrap(), i64::try_from(schema).ok());
            let sql = writer(&path).unwrap();
            assert_eq!(outdated(&path).unwrap(), None, "schema {schema}");
            assert_eq!(crate::care::check(&path).unwrap(), [""; 0], "schema {schema}");
            let found = |query: &str| sql.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
            let by_title = "SELECT r.external_id || ' ' || r.title
                  FROM transaction_words w JOIN items i ON i.txn = w.rowid JOIN records r ON r.last_item = i.id
                 WHERE transaction_words MATCH 'second'";
            assert_eq!(found(by_title), "WI-2 Second", "schema {schema}");
            let by_error = "SELECT 'item ' || rowid FROM error_words WHERE error_words MATCH 'missing'";
            assert_eq!(found(by_error), "item 2", "schema {schema}");
        }
    }

    #[test]
    fn a_new_database_is_not_outdated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        assert_eq!(outdated(&path).unwrap(), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(outdated(&path).unwrap(), None);
        drop(writer(&path).unwrap());
        assert_eq!(outdated(&path).unwrap(), None);
    }

    #[test]
    fn a_database_from_the_future_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        let connection = writer(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = writer(&path).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
        assert!(
            error.to_string().contains("newer version") && error.to_string().contains("backups"),
            "{error}"
        );
        assert!(matches!(outdated(&path), Err(Error::Newer { .. })));
        let version: i64 =
            Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn another_programs_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        assert!(matches!(writer(&path), Err(Error::Foreign { .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync-monitor.db");
        std::fs::write(&path, "this is a shopping list, and quite a long one at that".repeat(100)).unwrap();
        assert!(matches!(writer(&path), Err(Error::Damaged { .. })));
    }

    #[test]
    fn what_is_committed_is_synced_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = writer(&folder.path().join("sync-monitor.db")).unwrap();
        let pragma = |name| {
            connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(2));
        assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".into()));
    }
}
