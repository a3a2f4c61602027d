-- Orgs that have Delivery Hub's package: what each was found to be, how far it was read, and which of its records is which.

CREATE TABLE adapters (
    org      INTEGER PRIMARY KEY REFERENCES orgs (id),
    -- domain::hub::Adapter, as JSON.
    found    TEXT    NOT NULL,
    found_at INTEGER NOT NULL,
    -- What its admin wants it to be spoken to in, whatever was found.
    wanted   TEXT    CHECK (wanted IN ('deliverySync', 'packageV1')),
    -- domain::hub::Mapping, as JSON; NULL for the default.
    mapping  TEXT
) STRICT;

CREATE TABLE pulls (
    org        INTEGER PRIMARY KEY REFERENCES orgs (id),
    enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    -- What changed before is never asked for (microseconds since 1970, as the watermarks).
    since_us   INTEGER NOT NULL,
    pulled_at  INTEGER,
    changed_at INTEGER,
    next_at    INTEGER,
    -- Why nothing is pulled, where that is so.
    detail     TEXT
) STRICT;

-- How far each object was read.
CREATE TABLE watermarks (
    org      INTEGER NOT NULL REFERENCES orgs (id),
    object   TEXT    NOT NULL,
    stamp_us INTEGER NOT NULL,
    PRIMARY KEY (org, object)
) STRICT, WITHOUT ROWID;

-- Which record of an org an externalId is, and the last content that the org is known to hold there.
CREATE TABLE hub_records (
    org         INTEGER NOT NULL REFERENCES orgs (id),
    record_id   TEXT    NOT NULL CHECK (length(record_id) = 18),
    object      TEXT    NOT NULL,
    external_id TEXT    NOT NULL CHECK (external_id <> ''),
    -- The documented members, as JSON; NULL where nothing is known yet.
    fields      TEXT,
    stamp_us    INTEGER NOT NULL DEFAULT 0,
    -- Counts the contents, so that each has a transaction of its own.
    revision    INTEGER NOT NULL DEFAULT 0,
    -- Did a delivery put it there?
    delivered   INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
    -- 0 active, 1 given up (soft-deleted), 2 gone (deleted for good).
    state       INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    PRIMARY KEY (org, record_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_writing (
    org         INTEGER NOT NULL REFERENCES orgs (id),
    object      TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    -- The members that are being written, as JSON: whether they arrived is not known yet.
    fields      TEXT    NOT NULL,
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    PRIMARY KEY (org, object, external_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX hub_records_external ON hub_records (org, object, external_id) WHERE state <> 2;
CREATE INDEX hub_records_named ON hub_records (external_id);
CREATE INDEX hub_records_record ON hub_records (record_id);
