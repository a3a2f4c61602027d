-- How each org was signed in to, so that it can be done again with one click; nothing of it is a secret.
ALTER TABLE orgs ADD COLUMN kind TEXT CHECK (kind IN ('production', 'sandbox', 'scratch', 'developer'));
ALTER TABLE orgs ADD COLUMN signed_in_by TEXT CHECK (signed_in_by IN ('browser', 'cli', 'authUrl'));
ALTER TABLE orgs ADD COLUMN login_url TEXT;
ALTER TABLE orgs ADD COLUMN client_id TEXT;
ALTER TABLE orgs ADD COLUMN signed_in_at INTEGER;
-- When its refresh token was last used for its own sake.
ALTER TABLE orgs ADD COLUMN kept_alive_at INTEGER;
-- The org that stands at its address now: a sandbox that was refreshed is a new org under its old name.
ALTER TABLE orgs ADD COLUMN replaced_by INTEGER REFERENCES orgs (id);
-- Orgs that were connected before this was remembered were connected by an sfdxAuthUrl.
UPDATE orgs SET signed_in_by = 'authUrl', signed_in_at = 0, kept_alive_at = 0 WHERE connected = 1;
