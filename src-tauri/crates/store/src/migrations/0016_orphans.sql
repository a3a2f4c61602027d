-- Since when an item's work item is missed in its target: it is a comment or a log, and waits for it, uncounted.
ALTER TABLE items ADD COLUMN orphan_since INTEGER CHECK (orphan_since IS NULL OR status < 3);
-- Comments and logs that were read from orgs did not move their work item up in the list.
UPDATE records SET last_item = (SELECT max(item) FROM item_records r WHERE r.external_id = records.external_id)
 WHERE external_id IN (SELECT external_id FROM hub_records)
   AND last_item IS NOT (SELECT max(item) FROM item_records r WHERE r.external_id = records.external_id);
