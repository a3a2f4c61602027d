-- SQLite looks for whoever refers to a row before it deletes it. There is no index for that here, and one would cost each
-- change something: so every item that was cleared away cost a walk through all records of all items, and through the whole
-- line. The program deletes these rows with their item; `db check` looks for those that were left behind.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL REFERENCES items (id)', 'INTEGER NOT NULL')
 WHERE type = 'table' AND name IN ('item_records', 'waiting');
PRAGMA writable_schema = RESET;
