//! Clearing away what is too old, a batch at a time. Failed items, and what still waits, are never too old.

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;

use crate::error::Result;
use crate::queue;
use crate::writer::Tx;

/// How many rows of a kind go in one transaction.
const BATCH: u32 = 500;

pub(crate) fn clear(tx: &mut Tx<'_>, done: Millis, transactions: Millis) -> Result<usize> {
    let old: Vec<i64> = tx
        .sql
        .prepare_cached(
            "SELECT id FROM items WHERE status = 4 AND status > 3 AND updated_at < ?1
              UNION ALL SELECT id FROM items WHERE status = 5 AND status > 3 AND updated_at < ?1 LIMIT ?2",
        )?
        .query_map((done.0, BATCH), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for key in &old {
        let item = queue::by_key(tx.sql, *key)?;
        tx.shift(Some(item.slot()), None);
        let ids: String = tx
            .sql
            .prepare_cached("SELECT external_ids FROM transactions WHERE id = ?1")?
            .query_row([item.txn], |row| row.get(0))?;
        tx.sql.prepare_cached("DELETE FROM attempts WHERE item = ?1")?.execute([key])?;
        tx.sql.prepare_cached("DELETE FROM run_items WHERE item = ?1")?.execute([key])?;
        tx.sql
            .prepare_cached("DELETE FROM item_records WHERE item = ?1 AND external_id IN (SELECT value FROM json_each(?2))")?
            .execute((key, ids))?;
        tx.sql
            .prepare_cached(
                "UPDATE records SET last_item = (SELECT max(n.item) FROM item_records n WHERE n.external_id = records.external_id)
                  WHERE last_item = ?1",
            )?
            .execute([key])?;
        tx.sql.prepare_cached("DELETE FROM items WHERE id = ?1")?.execute([key])?;
        tx.words.forget_error(*key);
    }
    let forgotten: Vec<i64> = tx
        .sql
        .prepare_cached(
            "SELECT t.id FROM transactions t WHERE t.accepted_at < ?1 AND NOT EXISTS (SELECT 1 FROM items i WHERE i.txn = t.id) LIMIT ?2",
        )?
        .query_map((transactions.0, BATCH), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for txn in &forgotten {
        tx.sql.prepare_cached("DELETE FROM sightings WHERE txn = ?1")?.execute([txn])?;
        tx.sql.prepare_cached("DELETE FROM transactions WHERE id = ?1")?.execute([txn])?;
        tx.words.forget_transaction(*txn);
    }
    // Runs stay, and how many items they left alone; by name those are of no use any more.
    let refusals = tx
        .sql
        .prepare_cached(
            "DELETE FROM run_refusals WHERE (run, n) IN (
                SELECT f.run, f.n FROM bulk_runs r JOIN run_refusals f ON f.run = r.id WHERE r.at < ?1 LIMIT ?2)",
        )?
        .execute((done.0, BATCH))?;
    // Space goes back to the file system in steps, so that no commit is long.
    give_back(tx.sql)?;
    Ok(old.len() + forgotten.len() + refusals)
}

/// Gives pages that nothing stands on back to the file system, 256 at most.
fn give_back(sql: &Connection) -> Result<()> {
    // Each step gives back one page, and there is one more when the next row is asked for.
    let mut vacuum = sql.prepare_cached("PRAGMA incremental_vacuum(256)")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What refers to a row is looked for when the row is deleted: in everything, where no index leads there.
    #[test]
    fn whatever_refers_to_what_is_cleared_away_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("sync-monitor.db")).unwrap();
        let mut references = sql
            .prepare(
                "SELECT t.name, f.\"from\" FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
                  WHERE t.type = 'table' AND f.\"table\" IN ('items', 'transactions', 'bulk_runs')",
            )
            .unwrap();
        let references: Vec<(String, String)> = references
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert!(references.len() >= 5, "{references:?}");
        for (table, column) in references {
            let plan: String = sql
                .query_row(
                    &format!("EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {column} = 1"),
                    [],
                    |row| row.get::<_, String>(3),
                )
                .unwrap();
            assert!(plan.contains("SEARCH"), "{table}.{column}: {plan}");
        }
    }

    #[test]
    fn pages_that_nothing_stands_on_go_back_to_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("sync-monitor.db")).unwrap();
        sql.execute_batch(
            "CREATE TABLE much (x); INSERT INTO much VALUES (zeroblob(2000000)); DROP TABLE much",
        )
        .unwrap();
        let free = || sql.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0)).unwrap();
        let before = free();
        give_back(&sql).unwrap();
        assert_eq!(before - free(), 256);
    }
}
