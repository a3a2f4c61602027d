-- A list of three and more in a CHECK, or in what an index is of, is made into a table at each row that is written; a
-- comparison is not. The rules stay what they are, and so do the rows: only the words change, as SQLite describes it for
-- constraints ("Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'status NOT IN (0, 1, 2)', 'status > 2')
 WHERE type = 'table' AND name = 'items';
UPDATE sqlite_schema SET sql = replace(sql, 'outcome IN (', 'outcome = ''synced'' OR outcome IN (')
 WHERE type = 'table' AND name = 'attempts';
PRAGMA writable_schema = RESET;

DROP INDEX items_open;
CREATE INDEX items_open ON items (status, due_at, id) WHERE status < 3;
DROP INDEX items_done;
CREATE INDEX items_done ON items (status, updated_at, id) WHERE status > 3;
