-- Work items, the one touched last first: the newest title, and the newest item, of each record.
ALTER TABLE records ADD COLUMN title TEXT;
ALTER TABLE records ADD COLUMN last_item INTEGER REFERENCES items (id);
UPDATE records SET last_item = (SELECT max(r.item) FROM item_records r WHERE r.external_id = records.external_id);
-- Of a payload of many records only the first one's title was kept so far.
UPDATE records SET title = (
    SELECT t.title FROM items i JOIN transactions t ON t.id = i.txn
     WHERE i.id = records.last_item AND t.external_ids ->> 0 = records.external_id
);
CREATE INDEX records_touched ON records (last_item, external_id) WHERE last_item IS NOT NULL;
