-- What happened in each minute (since 1970), kept by the writer, for the charts.
CREATE TABLE minutes (
    at         INTEGER PRIMARY KEY,
    accepted   INTEGER NOT NULL DEFAULT 0,
    synced     INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    retried    INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0,
    echoes     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- How long items took from their acceptance to their delivery: how many of each class (stats.rs) in each minute.
CREATE TABLE delivery_times (
    at    INTEGER NOT NULL,
    class INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (at, class)
) STRICT, WITHOUT ROWID;

-- When the program ran, awake: from its start or its waking to when it was last seen.
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL CHECK (seen_at >= started_at)
) STRICT;
