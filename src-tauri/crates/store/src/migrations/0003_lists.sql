-- Lists that hold a million items: an index for each order that a list may ask for, and one for searching.

-- Waiting and in flight: the soonest due first.
DROP INDEX items_open;
CREATE INDEX items_open ON items (status, due_at, id) WHERE status IN (0, 1, 2);
-- Done: the last changed first; and what is too old to be kept.
DROP INDEX items_done;
CREATE INDEX items_done ON items (status, updated_at, id) WHERE status IN (4, 5);
-- Causes of what failed, without what was dismissed.
CREATE INDEX items_cause ON items (failure_key, updated_at, id) WHERE status = 3 AND dismissed_at IS NULL;
-- What nobody may need any more, by age.
CREATE INDEX transactions_age ON transactions (accepted_at);

-- Words of transactions, by transactions.id, and of the last errors of items, by items.id. They hold the words alone, not
-- the texts: those stand in the tables.
CREATE VIRTUAL TABLE transaction_words USING fts5 (
    transaction_id, external_ids, title, content = '', contentless_delete = 1, prefix = '3'
);
CREATE VIRTUAL TABLE error_words USING fts5 (code, message, content = '', contentless_delete = 1);

INSERT INTO transaction_words (rowid, transaction_id, external_ids, title)
    SELECT id, transaction_id, external_ids, title FROM transactions;
INSERT INTO error_words (rowid, code, message)
    SELECT id, error_code, error_message FROM items WHERE error_code IS NOT NULL OR error_message IS NOT NULL;
