-- When a token was last used, right to about a minute.
ALTER TABLE tokens ADD COLUMN last_used_at INTEGER;
