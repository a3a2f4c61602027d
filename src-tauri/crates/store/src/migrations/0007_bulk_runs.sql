-- What people did to items, one or a hundred thousand at once: a run each. (The table runs is about when the program ran.)
CREATE TABLE bulk_runs (
    id          INTEGER PRIMARY KEY,
    uuid        BLOB    NOT NULL UNIQUE CHECK (length(uuid) = 16),
    at          INTEGER NOT NULL,
    -- Null while it runs, and for one that the program ended in.
    ended_at    INTEGER CHECK (ended_at IS NULL OR interrupted = 0),
    interrupted INTEGER NOT NULL DEFAULT 0 CHECK (interrupted IN (0, 1)),
    actor       TEXT    NOT NULL,
    via         TEXT    CHECK (via IN ('window', 'browser', 'cli', 'api')),
    action      TEXT    NOT NULL CHECK (action IN ('retry', 'dismiss', 'restore', 'sendNow')),
    reason      TEXT,
    -- As it was sent, in JSON; null for a list of items.
    filter      TEXT,
    selected    INTEGER NOT NULL,
    changed     INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The items that a run changed, each when: the history of an item.
CREATE TABLE run_items (
    run  INTEGER NOT NULL REFERENCES bulk_runs (id),
    item INTEGER NOT NULL REFERENCES items (id),
    at   INTEGER NOT NULL,
    PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_items_item ON run_items (item);

-- The first items that a run left alone, named as they were asked for. status: what the item was instead.
CREATE TABLE run_refusals (
    run    INTEGER NOT NULL REFERENCES bulk_runs (id),
    n      INTEGER NOT NULL,
    id     TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    status INTEGER,
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;
