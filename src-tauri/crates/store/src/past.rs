//! Databases as older versions wrote them, for the tests of what becomes of them.

use std::path::Path;

use rusqlite::Connection;

use crate::open;

/// What can be said in every schema: two orgs, a route, a change that was synced, one that failed, one that waits.
const FILLED: &str = r#"
    INSERT INTO orgs (id, org_id) VALUES (1, '00D000000000001EAA'), (2, '00D000000000002EAA');
    INSERT INTO routes (id, uuid, source, target, enabled, created_at)
      VALUES (1, x'0198c2a47b1e70008000000000000001', 1, 2, 1, 1772193600000);
    INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, title, body, accepted_at)
      VALUES (1, 'txn_1', 1, 1772193600000000, 'upsert', zeroblob(16), '["WI-1"]', 'First', x'7b226e223a317d', 1772193600000),
             (2, 'txn_2', 1, 1772193601000000, 'upsert', zeroblob(16), '["WI-2"]', 'Second', x'7b226e223a327d', 1772193601000),
             (3, 'txn_3', 1, 1772193602000000, 'upsert', zeroblob(16), '["WI-3"]', 'Third', x'7b226e223a337d', 1772193602000);
    INSERT INTO records (external_id, timestamp_us, source, digest)
      VALUES ('WI-1', 1772193600000000, 1, zeroblob(16)), ('WI-2', 1772193601000000, 1, zeroblob(16)),
             ('WI-3', 1772193602000000, 1, zeroblob(16));
    INSERT INTO items (id, uuid, txn, route, status, due_at, attempts, created_at, updated_at, error_status, error_code, error_message, failure_key)
      VALUES (1, x'0198c2a47b1e70008000000000000011', 1, 1, 4, NULL, 1, 1772193600000, 1772193600000, NULL, NULL, NULL, NULL),
             (2, x'0198c2a47b1e70008000000000000012', 2, 1, 3, NULL, 5, 1772193601000, 1772193601000, 400, 'REQUIRED_FIELD_MISSING', 'Name is missing', '00ff00ff00ff00ff'),
             (3, x'0198c2a47b1e70008000000000000013', 3, 1, 0, 1772193602000, 0, 1772193602000, 1772193602000, NULL, NULL, NULL, NULL);
    INSERT INTO item_records (external_id, item) VALUES ('WI-1', 1), ('WI-2', 2), ('WI-3', 3);
    INSERT INTO waiting (target, external_id, item, digest) VALUES (2, 'WI-3', 3, zeroblob(16));
    INSERT INTO tallies (route, status, blocked, dismissed, n) VALUES (1, 4, 0, 0, 1), (1, 3, 0, 0, 1), (1, 0, 0, 0, 1);
    INSERT INTO tokens (uuid, name, sources, secret_hash, created_at)
      VALUES (x'0198c2a47b1e70008000000000000021', 'old', '["00D000000000001EAA"]', zeroblob(32), 1772193600000);
    INSERT INTO activity (at, actor, action) VALUES (1772193600000, 'user:admin', 'token.create');
"#;

/// As many more of the three as there are numbers up to this.
const MORE: &str = r#"
    CREATE TEMP TABLE more AS
      WITH RECURSIVE n (id) AS (SELECT 4 UNION ALL SELECT id + 1 FROM n WHERE id < ?1) SELECT id, (id - 1) % 3 + 1 AS like FROM n;
    INSERT INTO transactions (id, transaction_id, source, timestamp_us, operation, digest, external_ids, title, body, accepted_at)
      SELECT n.id, 'txn_' || n.id, 1, t.timestamp_us, 'upsert', zeroblob(16), '["WI-' || n.id || '"]', 'Number ' || n.id,
             CAST('{"n":' || n.id || '}' AS BLOB), t.accepted_at
        FROM more n JOIN transactions t ON t.id = n.like;
    INSERT INTO items (id, uuid, txn, route, status, due_at, attempts, created_at, updated_at, error_status, error_code, error_message, failure_key)
      SELECT n.id, randomblob(16), n.id, 1, i.status, i.due_at, i.attempts, i.created_at, i.updated_at, i.error_status,
             i.error_code, i.error_message, i.failure_key
        FROM more n JOIN items i ON i.id = n.like;
    INSERT INTO records (external_id, timestamp_us, source, digest) SELECT 'WI-' || id, 1772193600000000, 1, zeroblob(16) FROM more;
    INSERT INTO item_records (external_id, item) SELECT 'WI-' || id, id FROM more;
    INSERT INTO waiting (target, external_id, item, digest)
      SELECT 2, 'WI-' || n.id, n.id, zeroblob(16) FROM more n JOIN items i ON i.id = n.id WHERE i.status = 0;
    INSERT INTO attempts (item, number, cycle, started_at, duration_ms, outcome, counted)
      SELECT id, 1, 1, 1772193600000, 5, 'failed', 1 FROM items WHERE status = 3;
    UPDATE tallies SET n = (SELECT count(*) FROM items WHERE status = tallies.status);
"#;

/// What such a database also holds from a schema on.
const SINCE: [(usize, &str); 2] = [
    (
        3,
        "INSERT INTO transaction_words (rowid, transaction_id, external_ids, title) SELECT id, transaction_id, external_ids, title FROM transactions;
         INSERT INTO error_words (rowid, code, message) SELECT id, error_code, error_message FROM items WHERE status = 3;",
    ),
    (
        9,
        "UPDATE records SET last_item = substr(external_id, 4) + 0;
         UPDATE records SET title = (SELECT title FROM transactions WHERE id = last_item);",
    ),
];

/// The schemas of older versions.
pub fn schemas() -> std::ops::Range<usize> {
    1..open::MIGRATIONS.len()
}

/// Writes a database of an older schema, with something in it: an item that was synced, one that failed, and one that waits.
///
/// # Panics
/// When it cannot be written.
pub fn write(path: &Path, schema: usize) {
    write_many(path, schema, 3);
}

/// The same with so many items, a third of each kind.
///
/// # Panics
/// When it cannot be written.
pub fn write_many(path: &Path, schema: usize, items: usize) {
    let mut sql = Connection::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut filled = String::from("PRAGMA application_id = 0x53796e4d; PRAGMA journal_mode = WAL; BEGIN;");
    filled.push_str(FILLED);
    if items > 3 {
        filled.push_str(&MORE.replace("?1", &items.to_string()));
    }
    SINCE.iter().filter(|(since, _)| *since <= schema).for_each(|(_, rows)| filled.push_str(rows));
    filled.push_str("COMMIT;");
    rusqlite_migration::Migrations::from_slice(&open::MIGRATIONS[..schema])
        .to_latest(&mut sql)
        .unwrap_or_else(|error| panic!("schema {schema}: {error}"));
    sql.execute_batch(&filled).unwrap_or_else(|error| panic!("schema {schema}: {error}"));
}

/// Has a database look like one that a newer version wrote.
///
/// # Panics
/// When it cannot be written.
pub fn make_newer(path: &Path) {
    let newer = i64::try_from(open::MIGRATIONS.len()).unwrap_or(i64::MAX) + 1;
    Connection::open(path)
        .and_then(|sql| sql.pragma_update(None, "user_version", newer))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
