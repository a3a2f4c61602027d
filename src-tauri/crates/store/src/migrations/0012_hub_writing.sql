-- What a record held when it was looked at before a write: where no answer came, the org's own history tells later what was
-- written over in between.
ALTER TABLE hub_writing ADD COLUMN before TEXT;
ALTER TABLE hub_writing ADD COLUMN stamp_us INTEGER;
-- 0 under way; 1 arrived, and what it was written over is still to be looked at; 2 an edit of the org's own is being put back.
ALTER TABLE hub_writing ADD COLUMN state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2));
