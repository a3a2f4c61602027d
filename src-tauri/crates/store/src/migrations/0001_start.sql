-- Times are milliseconds since 1970-01-01 UTC, except timestamp_us (microseconds), which is compared, never shown as it is.
-- Statuses: 0 queued, 1 processing, 2 retrying, 3 failed, 4 synced, 5 superseded.

-- Every org that is a source, a target, or connected. Rows stay after a disconnect, for the sake of history.
CREATE TABLE orgs (
    id                INTEGER PRIMARY KEY,
    org_id            TEXT    NOT NULL UNIQUE CHECK (length(org_id) = 18),
    alias             TEXT,
    username          TEXT,
    instance_url      TEXT    NOT NULL DEFAULT '',
    endpoint_path     TEXT    NOT NULL DEFAULT '',
    connected         INTEGER NOT NULL DEFAULT 0 CHECK (connected IN (0, 1)),
    paused            INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    sign_in_required  INTEGER NOT NULL DEFAULT 0 CHECK (sign_in_required IN (0, 1)),
    hold              TEXT    CHECK (hold IN ('orgUnreachable', 'rateLimited', 'endpointMissing')),
    hold_at           INTEGER CHECK ((hold IS NULL) = (hold_at IS NULL)),
    hold_probes       INTEGER NOT NULL DEFAULT 0,
    health_detail     TEXT,
    api_used          INTEGER,
    api_max           INTEGER,
    clock_skew_ms     INTEGER,
    last_delivered_at INTEGER,
    last_received_at  INTEGER,
    suppressed_echoes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE routes (
    id         INTEGER PRIMARY KEY,
    uuid       BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
    source     INTEGER NOT NULL REFERENCES orgs (id),
    target     INTEGER NOT NULL REFERENCES orgs (id),
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    -- A removed route takes no more changes; what it took before is still delivered.
    removed_at INTEGER,
    UNIQUE (source, target),
    CHECK (source <> target)
) STRICT;

-- What was accepted. body is what goes on to the targets: as sent, but for the records that were left out.
CREATE TABLE transactions (
    id             INTEGER PRIMARY KEY,
    transaction_id TEXT    NOT NULL UNIQUE,
    source         INTEGER NOT NULL REFERENCES orgs (id),
    timestamp_us   INTEGER NOT NULL,
    operation      TEXT    NOT NULL CHECK (operation IN ('upsert', 'delete')),
    digest         BLOB    NOT NULL CHECK (length(digest) = 16),
    external_ids   TEXT    NOT NULL,
    title          TEXT,
    body           BLOB,
    accepted_at    INTEGER NOT NULL
) STRICT;

-- Orgs besides its first source and its targets that a transaction was seen to come from.
CREATE TABLE sightings (
    txn INTEGER NOT NULL REFERENCES transactions (id),
    org INTEGER NOT NULL REFERENCES orgs (id),
    PRIMARY KEY (txn, org)
) STRICT, WITHOUT ROWID;

-- The newest version known of each record, whoever made it.
CREATE TABLE records (
    external_id  TEXT    PRIMARY KEY,
    timestamp_us INTEGER NOT NULL,
    source       INTEGER NOT NULL REFERENCES orgs (id),
    digest       BLOB    NOT NULL CHECK (length(digest) = 16)
) STRICT, WITHOUT ROWID;

-- What each org is known to hold of each record (domain::echo::Holding). origin: 0 delivered there, 1 sent by it.
CREATE TABLE holdings (
    org         INTEGER NOT NULL REFERENCES orgs (id),
    external_id TEXT    NOT NULL,
    known       BLOB    CHECK (length(known) = 16),
    origin      INTEGER CHECK (origin IN (0, 1) AND (known IS NULL) = (origin IS NULL)),
    delivering  BLOB    CHECK (length(delivering) = 16),
    PRIMARY KEY (org, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
    id             INTEGER PRIMARY KEY,
    uuid           BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
    txn            INTEGER NOT NULL REFERENCES transactions (id),
    route          INTEGER NOT NULL REFERENCES routes (id),
    status         INTEGER NOT NULL CHECK (status BETWEEN 0 AND 5),
    -- Waits for an older item of one of its records.
    blocked        INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
    due_at         INTEGER CHECK ((due_at IS NULL) = (status NOT IN (0, 1, 2))),
    attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    cycle          INTEGER NOT NULL DEFAULT 1 CHECK (cycle >= 1),
    -- The status that it was claimed from, while it is processing.
    claimed_from   INTEGER CHECK (claimed_from IS NULL OR (claimed_from IN (0, 2) AND status = 1)),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    error_status   INTEGER,
    error_code     TEXT,
    error_message  TEXT,
    failure_key    TEXT    CHECK (failure_key IS NULL OR status = 3),
    dismissed_at   INTEGER CHECK (dismissed_at IS NULL OR status = 3),
    dismiss_reason TEXT    CHECK ((dismiss_reason IS NULL) = (dismissed_at IS NULL))
) STRICT;

-- What is due next, by route: an org's claim merges its routes, so that a paused route is never walked through.
CREATE INDEX items_due ON items (route, due_at, id) WHERE status IN (0, 2) AND blocked = 0;
CREATE INDEX items_open ON items (status, id) WHERE status IN (0, 1, 2);
CREATE INDEX items_failed ON items (updated_at, id) WHERE status = 3;
CREATE INDEX items_done ON items (status, id) WHERE status IN (4, 5);
CREATE INDEX items_txn ON items (txn);

-- The history of each record.
CREATE TABLE item_records (
    external_id TEXT    NOT NULL,
    item        INTEGER NOT NULL REFERENCES items (id),
    PRIMARY KEY (external_id, item)
) STRICT, WITHOUT ROWID;

-- The records of open items, by target: what orders the deliveries of one record.
CREATE TABLE waiting (
    target      INTEGER NOT NULL REFERENCES orgs (id),
    external_id TEXT    NOT NULL,
    item        INTEGER NOT NULL REFERENCES items (id),
    digest      BLOB    NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (target, external_id, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    id            INTEGER PRIMARY KEY,
    item          INTEGER NOT NULL REFERENCES items (id),
    number        INTEGER NOT NULL,
    cycle         INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    duration_ms   INTEGER NOT NULL,
    outcome       TEXT    NOT NULL CHECK (outcome IN ('synced', 'superseded', 'retrying', 'failed', 'tokenRenewed',
                                                      'signInRequired', 'rateLimited', 'endpointMissing', 'unreachable')),
    counted       INTEGER NOT NULL CHECK (counted IN (0, 1)),
    http_status   INTEGER,
    error_code    TEXT,
    message       TEXT,
    response_body TEXT
) STRICT;
CREATE INDEX attempts_item ON attempts (item, id);

-- How many items stand where, kept by the writer: counting a million rows takes half a second.
CREATE TABLE tallies (
    route     INTEGER NOT NULL REFERENCES routes (id),
    status    INTEGER NOT NULL,
    blocked   INTEGER NOT NULL,
    dismissed INTEGER NOT NULL,
    n         INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (route, status, blocked, dismissed)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id          INTEGER PRIMARY KEY,
    uuid        BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name        TEXT    NOT NULL,
    sources     TEXT    NOT NULL,
    secret_hash BLOB    NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER
) STRICT;

-- Append-only: what people and the program did.
CREATE TABLE activity (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT,
    reason  TEXT,
    count   INTEGER,
    detail  TEXT
) STRICT;
